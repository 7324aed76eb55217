"""Which accounts are one identity, and why. Pure: all accounts and identities in, ties out.

In this order, and the rule that held is kept on the account:

1. *Employee number*: the same number is the same identity, in every source.
2. A tie that was made once stays, as long as no number speaks against it.
3. *Mail* (in any case): exactly one identity has it, and no number speaks against it.
4. *Own*: nobody matches, so the account makes an identity of its own.

A service account is never tied to a person: sharing a mailbox with its owner must not disable it
when the owner leaves. It makes an identity of the kind `service`, so that somebody can own it.

What an identity is called, its mail, department and title come from its account in the source
that was added first, and what that one does not say from the next. Its manager is the identity of
the account its leading account names; where two sources name different ones, that is told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.directory.domain import CorrelationRule, IdentityKind
from connectors.records import AccountKind

# By a mail address people are found; a contact may carry somebody's.
WITH_MAIL = frozenset({AccountKind.PERSON.value, AccountKind.SERVICE.value})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live account, as far as correlation looks at it."""

    id: int
    source_id: int
    external_id: str
    identity_id: int | None
    rule: str | None
    kind: str
    display_name: str
    mail: str | None
    employee_number: str | None
    manager_external_id: str | None
    department: str | None
    title: str | None
    is_enabled: bool
    public_id: str


@dataclass(frozen=True, slots=True)
class Person:
    """An identity as it stands."""

    id: int
    kind: IdentityKind
    display_name: str
    mail: str | None
    employee_number: str | None
    manager_id: int | None
    department: str | None
    title: str | None
    is_active: bool
    is_ended: bool


@dataclass(frozen=True, slots=True)
class Tie:
    """An account and its identity.

    Attributes:
        account_id: The account.
        identity_id: The identity; a negative key stands for one that is to be made.
        rule: Why.
    """

    account_id: int
    identity_id: int
    rule: CorrelationRule


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something sources do not agree on; told, not decided. `about` is an account's public id."""

    code: str
    about: str
    detail: str


@dataclass(frozen=True, slots=True)
class Ties:
    """The outcome: the tie of every live account, and what sources disagree on."""

    ties: tuple[Tie, ...]
    conflicts: tuple[Conflict, ...]


class _Register:
    """Who has which number and mail, while accounts are looked at one after the other."""

    def __init__(self, people: Iterable[Person], accounts: Sequence[Candidate]) -> None:
        self.by_number: dict[str, int] = {}
        self.by_mail: dict[str, set[int]] = defaultdict(set)
        self.number_of: dict[int, str] = {}
        self.services: set[int] = set()
        self.next_new = -1
        for person in people:
            if person.kind is IdentityKind.SERVICE:
                self.services.add(person.id)
            else:  # a mail address may be given to somebody else once its holder is gone
                mail = None if person.is_ended else person.mail
                self.know(person.id, person.employee_number, mail)
        self.carriers: dict[tuple[int, str], int] = defaultdict(int)
        for each in accounts:
            if each.identity_id is not None and each.employee_number:
                self.carriers[each.identity_id, each.employee_number] += 1

    def know(self, identity_id: int, number: str | None, mail: str | None) -> None:
        if number:
            self.by_number[number] = identity_id
            self.number_of[identity_id] = number
        if mail:
            self.by_mail[mail.casefold()].add(identity_id)

    def make(self, number: str | None = None, mail: str | None = None) -> int:
        made = self.next_new
        self.next_new -= 1
        self.know(made, number, mail)
        return made

    def agrees(self, identity_id: int, number: str | None) -> bool:
        """Whether an identity has this number, or one of the two has none."""
        has = self.number_of.get(identity_id)
        return number is None or has is None or has == number

    def may_keep(self, identity_id: int, number: str | None) -> bool:
        """Whether an account may stay tied: its number agrees, or was corrected everywhere."""
        if self.agrees(identity_id, number):
            return True
        return self.carriers[identity_id, self.number_of[identity_id]] == 0

    def renumber(self, identity_id: int, number: str) -> None:
        had = self.number_of.get(identity_id)
        if had is not None:
            self.by_number.pop(had, None)
        self.know(identity_id, number, None)


def correlate(accounts: Iterable[Candidate], people: Iterable[Person]) -> Ties:
    """Tie every live account to an identity.

    Args:
        accounts: All accounts that have not ended.
        people: All identities, also those that ended.
    """
    ordered = sorted(accounts, key=lambda each: (each.source_id, each.id))
    register = _Register(people, ordered)
    conflicts: list[Conflict] = []
    numbered = [each for each in ordered if each.employee_number]
    rest = [each for each in ordered if not each.employee_number]
    ties = [_tie(each, register, conflicts) for each in (*numbered, *rest)]
    return Ties(tuple(ties), tuple(conflicts))


def _tie(account: Candidate, register: _Register, conflicts: list[Conflict]) -> Tie:
    if account.kind != AccountKind.PERSON.value:
        own = account.identity_id
        kept = own if own in register.services else None
        return Tie(account.id, register.make() if kept is None else kept, CorrelationRule.OWN)
    number, mail = account.employee_number or None, account.mail
    if number is not None and number in register.by_number:
        found = register.by_number[number]
        register.know(found, None, mail)
        return Tie(account.id, found, CorrelationRule.EMPLOYEE_NUMBER)
    found_by = _stays(account, register) or _by_mail(account, register, conflicts)
    if found_by is None:
        rule = CorrelationRule.OWN
        return Tie(account.id, register.make(number, mail), rule)
    identity_id, rule = found_by
    if number is not None:
        register.renumber(identity_id, number)
    return Tie(account.id, identity_id, rule)


def _stays(account: Candidate, register: _Register) -> tuple[int, CorrelationRule] | None:
    tied = account.identity_id
    if tied is None or tied in register.services:
        return None
    if not register.may_keep(tied, account.employee_number or None):
        return None
    return tied, CorrelationRule(account.rule or CorrelationRule.OWN)


def _by_mail(
    account: Candidate, register: _Register, conflicts: list[Conflict]
) -> tuple[int, CorrelationRule] | None:
    if not account.mail:
        return None
    number = account.employee_number or None
    having = register.by_mail.get(account.mail.casefold(), set())
    free = [each for each in having if register.agrees(each, number)]
    if len(free) == 1 and len(having) == 1:
        return free[0], CorrelationRule.MAIL
    if having:
        detail = "Its mail belongs to another identity; numbers or several owners forbid the tie."
        conflicts.append(Conflict("mail_conflict", account.public_id, detail))
    return None


@dataclass(frozen=True, slots=True)
class Portrait:
    """What an identity is to look like, from its accounts."""

    kind: IdentityKind
    display_name: str
    mail: str | None
    employee_number: str | None
    manager_id: int | None
    department: str | None
    title: str | None
    is_enabled: bool
    rule: CorrelationRule


def portraits(
    accounts: Sequence[Candidate], ties: Mapping[int, Tie]
) -> tuple[dict[int, Portrait], tuple[Conflict, ...]]:
    """Draw each identity from its accounts.

    Args:
        accounts: All live accounts.
        ties: Account to its tie.

    Returns:
        Identity to portrait, and the managers on whom sources disagree.
    """
    at = {(each.source_id, each.external_id): ties[each.id].identity_id for each in accounts}
    mine: dict[int, list[Candidate]] = defaultdict(list)
    for each in accounts:
        mine[ties[each.id].identity_id].append(each)
    conflicts: list[Conflict] = []
    drawn = {
        identity_id: _portrait(identity_id, sorted(held, key=_lead), at, ties, conflicts)
        for identity_id, held in mine.items()
    }
    return drawn, tuple(conflicts)


def _lead(account: Candidate) -> tuple[int, bool, bool, int]:
    """First source first; within it the account that is told most of (not the spare admin one)."""
    return account.source_id, not account.employee_number, not account.mail, account.id


def _portrait(
    identity_id: int,
    held: Sequence[Candidate],
    at: Mapping[tuple[int, str], int],
    ties: Mapping[int, Tie],
    conflicts: list[Conflict],
) -> Portrait:
    lead = held[0]
    managers = [
        found
        for each in held
        if each.manager_external_id is not None
        and (found := at.get((each.source_id, each.manager_external_id))) is not None
        and found != identity_id
    ]
    if len(set(managers)) > 1:
        detail = "Sources name different managers; the one of the first source is taken."
        conflicts.append(Conflict("manager_conflict", lead.public_id, detail))
    is_service = lead.kind != AccountKind.PERSON.value
    return Portrait(
        kind=IdentityKind.SERVICE if is_service else IdentityKind.PERSON,
        display_name=lead.display_name or lead.external_id,
        mail=_first(each.mail for each in held) if lead.kind in WITH_MAIL else None,
        employee_number=None if is_service else _first(each.employee_number for each in held),
        manager_id=managers[0] if managers else None,
        department=_first(each.department for each in held),
        title=_first(each.title for each in held),
        is_enabled=any(each.is_enabled for each in held),
        rule=ties[lead.id].rule,
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((each for each in values if each), None)
