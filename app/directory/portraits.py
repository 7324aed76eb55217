"""What identities look like, drawn from the accounts that are tied to them. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from app.directory.candidates import Candidate, Conflict, Tie
from app.directory.domain import NOBODYS_TYPES, SERVICE_TYPES, IdentityKind

PERSON, SERVICE = IdentityKind.PERSON, IdentityKind.SERVICE  # asking the class is slow


class Portrait(msgspec.Struct, frozen=True, gc=False):
    """What an identity is to look like, from its accounts."""

    kind: IdentityKind
    display_name: str
    mail: str | None
    employee_number: str | None
    manager_id: int | None
    department: str | None
    title: str | None
    is_enabled: bool
    rule: str


def draw(
    accounts: Sequence[Candidate],
    ties: Mapping[int, Tie],
    numbers: Mapping[str, int] | None = None,
) -> tuple[dict[int, Portrait], tuple[Conflict, ...]]:
    """Draw each identity from its accounts.

    What an identity is called, its mail, department and title come from HR if HR tells of it, else
    from its account in the source that was added first, and what that one does not say from the
    next. Its manager is the identity of the account its leading account names; where two sources
    name different ones, that is told.

    Args:
        accounts: All live accounts.
        ties: Account to its tie.
        numbers: Which identity has a number; another one is never drawn with it.

    Returns:
        Identity to portrait, and the managers on whom sources disagree.
    """
    at: dict[tuple[int, str], int] = {}
    mine: dict[int, list[Candidate]] = {}
    for each in accounts:
        tie = ties.get(each.id)
        if tie is None:
            continue
        identity_id = at[each.source_id, each.external_id] = tie.identity_id
        held = mine.get(identity_id)
        if held is None:
            mine[identity_id] = [each]
        else:
            held.append(each)
    conflicts: list[Conflict] = []
    drawn = {
        identity_id: _of_one(identity_id, held[0], at, ties, numbers)
        if len(held) == 1
        else _portrait(identity_id, sorted(held, key=_lead), at, ties, numbers, conflicts)
        for identity_id, held in mine.items()
    }
    return drawn, tuple(conflicts)


def _lead(account: Candidate) -> tuple[bool, int, bool, bool, int]:
    """HR first, then by source; in it the account told most of (not the spare admin one)."""
    return (
        not account.is_leading,
        account.source_id,
        not account.employee_number,
        not account.mail,
        account.id,
    )


def _of_one(
    identity_id: int,
    account: Candidate,
    at: Mapping[tuple[int, str], int],
    ties: Mapping[int, Tie],
    numbers: Mapping[str, int] | None,
) -> Portrait:
    """Draw an identity with one account as `_portrait` does: most are such, and there are many."""
    is_service = account.kind in NOBODYS_TYPES
    number = None if is_service else account.employee_number or None
    if number is not None and numbers is not None and numbers.get(number) != identity_id:
        number = None
    manager = None
    if account.manager_external_id is not None:
        manager = at.get((account.source_id, account.manager_external_id))
    has_mail = not is_service or account.kind in SERVICE_TYPES
    return Portrait(
        SERVICE if is_service else PERSON,
        account.display_name or account.external_id,
        (account.mail or None) if has_mail else None,
        number,
        None if manager == identity_id else manager,
        account.department or None,
        account.title or None,
        bool(account.is_enabled),
        ties[account.id].rule,
    )


def _portrait(
    identity_id: int,
    held: Sequence[Candidate],
    at: Mapping[tuple[int, str], int],
    ties: Mapping[int, Tie],
    numbers: Mapping[str, int] | None,
    conflicts: list[Conflict],
) -> Portrait:
    # A service account that a person tied to somebody does not say what they are called.
    own = [each for each in held if each.kind not in NOBODYS_TYPES] or held
    lead = own[0]
    managers = [
        found
        for each in own
        if each.manager_external_id is not None
        and (found := at.get((each.source_id, each.manager_external_id))) is not None
        and found != identity_id
    ]
    if len(set(managers)) > 1 and not lead.is_leading:
        detail = "Sources name different managers; the one of the first source is taken."
        conflicts.append(Conflict("manager_conflict", lead.public_id, detail))
    is_service = lead.kind in NOBODYS_TYPES
    has_mail = not is_service or lead.kind in SERVICE_TYPES
    theirs = [
        each.employee_number
        for each in own
        if numbers is None or numbers.get(each.employee_number or "") == identity_id
    ]
    told_by_hr = [each for each in own if each.is_leading]
    return Portrait(
        kind=SERVICE if is_service else PERSON,
        display_name=lead.display_name or lead.external_id,
        # By a mail people are found; a contact may carry somebody's.
        mail=_first(each.mail for each in own) if has_mail else None,
        employee_number=None if is_service else _first(theirs),
        manager_id=managers[0] if managers else None,
        department=_first(each.department for each in own),
        title=_first(each.title for each in own),
        is_enabled=any(each.is_enabled for each in told_by_hr or held),
        rule=ties[lead.id].rule,
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((each for each in values if each), None)
