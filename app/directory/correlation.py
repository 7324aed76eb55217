"""Which accounts are one identity, and why. Pure: all accounts and identities in, ties out.

In this order, and the rule that held is kept on the account, with how sure it is:

1. *Hand*: what a person said counts before every rule, and stays until a person takes it back.
2. *Employee number*: the same number is the same identity, in every source.
3. A tie that was made once stays, as long as no number and no person speaks against it.
4. The rules, in their order (`matching.py`): mail, login, a name cut to its core. Exactly one
   identity fits, and no number speaks against it.
5. *Own*: nobody fits, so the account makes an identity of its own.

What fits but not surely (several fit, a number speaks against it, the rule is not sure enough) is
told as a doubt, and becomes a case for a person. Accounts are looked at with their identifiers in
order, so that nothing depends on the order in which they come.

A service or shared account is never tied to a person by a rule: sharing a mailbox with its owner
must not disable it when the owner leaves. It makes an identity of the kind `service`, so that
somebody can own it; and so does what nobody signs in with (a computer, a contact, a member of
another domain).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter

from app.directory.candidates import Candidate, Conflict, Doubt, Hand, Person, Tie, Ties
from app.directory.domain import NOBODYS_TYPES, CorrelationRule, IdentityKind
from app.directory.matching import DEFAULT_RULES, Field, Rule

CERTAIN = 100
OWN, HAND = CorrelationRule.OWN.value, CorrelationRule.HAND.value
BY_NUMBER = CorrelationRule.EMPLOYEE_NUMBER.value
NONE: frozenset[int] = frozenset()
MOST_CANDIDATES = 5


Placed = Sequence[tuple[int, Rule]]


class _Register:
    """Who has which number, mail and login, while accounts are looked at one after the other."""

    def __init__(
        self,
        people: Iterable[Person],
        accounts: Sequence[Candidate],
        rules: Sequence[Rule],
        hands: Iterable[Hand],
    ) -> None:
        self.place = {rule: place for place, rule in enumerate(rules)}
        self.against = [
            (place, rule.against is Field.MAIL, rule.known)
            for place, rule in enumerate(rules)
            if rule.against is not Field.EMPLOYEE_NUMBER
        ]
        self.by_number: dict[str, int] = {}
        self.by_value: dict[tuple[int, str], set[int]] = defaultdict(set)
        self.number_of: dict[int, str] = {}
        self.services: set[int] = set()
        self.said: dict[int, int] = {}
        self.apart: set[tuple[int, int]] = set()
        self.next_new = -1
        self.doubts: list[Doubt] = []
        alive: set[int] = set()
        for person in people:
            if person.kind is IdentityKind.SERVICE:
                self.services.add(person.id)
                continue
            if person.employee_number:
                self.by_number[person.employee_number] = person.id
                self.number_of[person.id] = person.employee_number
            if not person.is_ended:  # a mail may be given to somebody else once its holder is gone
                alive.add(person.id)
                self._know_values(person.id, mail=person.mail, login=None)
        for hand in hands:
            if hand.is_same:
                self.said[hand.account_id] = hand.identity_id
            else:
                self.apart.add((hand.account_id, hand.identity_id))
        self.shown = {each.employee_number for each in accounts if each.employee_number}
        for each in accounts:
            tied = each.identity_id
            if tied is not None and tied in alive and each.kind not in NOBODYS_TYPES:
                self._know_values(tied, mail=None, login=each.login)

    def _know_values(self, identity_id: int, *, mail: str | None, login: str | None) -> None:
        for place, is_mail, cut in self.against:
            core = cut(mail if is_mail else login)
            if core:
                self.by_value[place, core].add(identity_id)

    def know(self, identity_id: int, account: Candidate, number: str | None = None) -> None:
        """Take in what a tied account says of its identity."""
        if number:
            self.by_number[number] = identity_id
            self.number_of[identity_id] = number
        self._know_values(identity_id, mail=account.mail, login=account.login)

    def make(self, account: Candidate, number: str | None = None) -> int:
        made = self.next_new
        self.next_new -= 1
        if account.kind not in NOBODYS_TYPES:
            self.know(made, account, number)
        return made

    def agrees(self, identity_id: int, number: str | None) -> bool:
        """Whether an identity has this number, or one of the two has none."""
        has = self.number_of.get(identity_id)
        return number is None or has is None or has == number

    def placed(self, rules: Sequence[Rule]) -> Placed:
        """Return rules with the place that each has among all."""
        return [(self.place[rule], rule) for rule in rules]

    def having(self, account: Candidate, place: int, rule: Rule) -> Collection[int]:
        """Return the identities that a rule fits, without those a person has ruled out."""
        core = rule.cut(account.value(rule.match))
        if not core:
            return NONE
        if rule.against is Field.EMPLOYEE_NUMBER:
            one = self.by_number.get(core)
            found: Collection[int] = NONE if one is None else {one}
        else:
            found = self.by_value.get((place, core), NONE)
        if not found or not self.apart:
            return found
        return {each for each in found if (account.id, each) not in self.apart}

    def may_keep(self, account: Candidate) -> bool:
        """Whether it may stay tied: its number agrees, or was corrected everywhere."""
        tied, number = account.identity_id, account.employee_number or None
        if tied is None or tied in self.services or (account.id, tied) in self.apart:
            return False
        if account.rule == HAND:  # what a person said was taken back
            return False
        if self.agrees(tied, number):
            return True
        return self.number_of[tied] not in self.shown

    def renumber(self, identity_id: int, number: str) -> None:
        had = self.number_of.get(identity_id)
        if had is not None:
            self.by_number.pop(had, None)
        self.by_number[number] = identity_id
        self.number_of[identity_id] = number


def correlate(
    accounts: Iterable[Candidate],
    people: Iterable[Person],
    *,
    rules: Sequence[Rule] = DEFAULT_RULES,
    by_source: Mapping[int, Sequence[Rule]] | None = None,
    hands: Iterable[Hand] = (),
) -> Ties:
    """Tie every live account to an identity.

    Args:
        accounts: All accounts that have not ended.
        people: All identities, also those that ended.
        rules: In their order.
        by_source: Rules of single sources, which count there instead.
        hands: What people said: this account is that identity, or is not.
    """
    ordered = sorted(accounts, key=attrgetter("source_id", "id"))
    ordered.sort(key=attrgetter("is_leading"), reverse=True)  # those that are not stay in order
    every = tuple(
        dict.fromkeys([*rules, *(r for some in (by_source or {}).values() for r in some)])
    )
    register = _Register(people, ordered, every, hands)
    said = [each for each in ordered if each.id in register.said]
    rest = [each for each in ordered if each.id not in register.said]
    numbered = [each for each in rest if each.employee_number]
    without = [each for each in rest if not each.employee_number]
    ties = [_by_hand(each, register) for each in said]
    common = register.placed(rules)
    special = {source: register.placed(some) for source, some in (by_source or {}).items()}
    for some in (numbered, without):
        ties += [_tie(each, register, special.get(each.source_id, common)) for each in some]
    return Ties(
        tuple(ties),
        tuple(_conflict(each) for each in register.doubts if each.is_conflict and each.is_new),
        tuple(each for each in register.doubts if each.is_case),
        register.by_number,
    )


def _conflict(doubt: Doubt) -> Conflict:
    return Conflict(doubt.code, doubt.about, doubt.detail)


def _by_hand(account: Candidate, register: _Register) -> Tie:
    identity_id = register.said[account.id]
    number = account.employee_number or None
    if account.kind not in NOBODYS_TYPES and identity_id not in register.services:
        if register.agrees(identity_id, number) and number not in register.by_number:
            register.know(identity_id, account, number)
        else:
            register.know(identity_id, account)
        if not register.agrees(identity_id, number):
            detail = "A person tied it, and since then its employee number is another one."
            register.doubts.append(
                Doubt("number_conflict", account.id, account.public_id, detail, (identity_id,))
            )
    return Tie(account.id, identity_id, HAND, CERTAIN)


def _tie(account: Candidate, register: _Register, rules: Placed) -> Tie:
    if account.kind in NOBODYS_TYPES:
        held = account.identity_id
        kept = held if held in register.services else None
        made = register.make(account) if kept is None else kept
        return Tie(account.id, made, OWN, CERTAIN)
    number = account.employee_number or None
    if number is not None and number in register.by_number:
        found = register.by_number[number]
        if (account.id, found) not in register.apart:
            register.know(found, account)
            return Tie(account.id, found, BY_NUMBER, CERTAIN)
        number = None  # a person said that this is somebody else: its number is not taken for one
    tie = _stays(account, register)
    if tie is None:
        tie = _by_rules(account, register, rules, number)
    elif tie.rule == OWN:
        _doubt_own(account, register, rules, number, tie.identity_id)
    if tie is None:
        return Tie(account.id, register.make(account, number), OWN, CERTAIN)
    if number is not None:
        register.renumber(tie.identity_id, number)
    register.know(tie.identity_id, account)
    return tie


def _stays(account: Candidate, register: _Register) -> Tie | None:
    if account.identity_id is None or not register.may_keep(account):
        return None
    confidence = CERTAIN if account.confidence is None else account.confidence
    rule = account.rule or OWN
    return Tie(account.id, account.identity_id, rule, confidence)


def _by_rules(
    account: Candidate, register: _Register, rules: Placed, number: str | None
) -> Tie | None:
    """Return the tie of the first rule that fits exactly one; else tell what is in doubt."""
    for place, rule in rules:
        having = register.having(account, place, rule)
        if not having:
            continue
        free = [each for each in having if register.agrees(each, number)]
        if len(free) == 1 and len(having) == 1 and rule.is_sure:
            return Tie(account.id, free[0], rule.name, rule.confidence)
        _doubt(account, register, rule, having, number)
        return None
    return None


def _doubt_own(
    account: Candidate, register: _Register, rules: Placed, number: str | None, own: int
) -> None:
    """Tell whom an account with an identity of its own fits; it stays so until a person says."""
    for place, rule in rules:
        having = [each for each in register.having(account, place, rule) if each != own]
        if any(register.agrees(each, number) for each in having):
            _doubt(account, register, rule, having, number, is_new=False)
            return


def _doubt(
    account: Candidate,
    register: _Register,
    rule: Rule,
    having: Collection[int],
    number: str | None,
    *,
    is_new: bool = True,
) -> None:
    free = [each for each in having if register.agrees(each, number)]
    is_near = len(free) == 1 == len(having)
    candidates = tuple(sorted(having, key=lambda each: (each < 0, abs(each))))
    register.doubts.append(
        Doubt(
            code="near_match" if is_near else f"{rule.match.value}_conflict",
            account_id=account.id,
            about=account.public_id,
            detail=_WHY["near" if is_near else rule.match.value],
            candidates=candidates[:MOST_CANDIDATES],
            # Where numbers forbid every tie there is nothing to decide.
            is_case=number is None or bool(free),
            is_new=is_new,
        )
    )


_WHY = {
    "near": "It fits one identity, though not surely enough to be tied: a person decides.",
    "mail": "Its mail belongs to another identity; numbers or several owners forbid the tie.",
    "login": "Its login fits another identity; numbers or several owners forbid the tie.",
    "employee_number": "Its number, cut to its core, is another identity's; its own forbids a tie.",
}
