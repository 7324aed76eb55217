"""Say what many accounts are for, and who answers for them, by a sheet: looked at first.

The list of accounts as a file is such a sheet. A cell that says what is so already changes nothing;
an empty type is what the source suggests, an empty owner is nobody.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app import events
from app.directory import correlating, queries
from app.directory.domain import AccountType, IdentityKind
from app.directory.models import Account, AccountTyping, Identity, Source
from app.directory.queries import AccountLine, Owner, one_owner
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, FieldErrors
from app.kernel.phrases import phrase
from app.kernel.sheet import (
    ID,
    Plan,
    PlannedRow,
    Shape,
    SheetChange,
    SheetRow,
    approve,
    read,
)
from app.kernel.uow import Reading, UnitOfWork

AT_ONCE = 500
SHEET = Shape(
    pair=("source", "login"),
    written=("type", "owner"),
    informing=(
        "name",
        "mail",
        "status",
        "is_enabled",
        "type_said_here",
        "owner_name",
        "owner_is_active",
        "identity",
        "identity_name",
        "rule",
        "confidence",
        "last_sign_in_at",
        "last_sign_in_from",
    ),
)
Found = Mapping[tuple[str, ...], Sequence[AccountLine]]


def plan_accounts(reading: Reading, text: str) -> Plan:
    """Say what a sheet would do; nothing is written.

    Args:
        reading: Who looks.
        text: The sheet, as CSV.

    Raises:
        InvalidInputError: It is no sheet; what is wrong with single rows stands in the plan.
    """
    reading.actor.require(Permission.ACCOUNT_WRITE)
    rows = read(text, SHEET)
    known = _known(reading, rows)
    owners = queries.find_owners(
        reading, {each.cells["owner"] for each in rows if each.cells.get("owner")}
    )
    services = _services(reading, {one.key for some in owners.values() for one in some})
    seen: Counter[str] = Counter()
    planned = [_plan(row, known, owners, services, seen) for row in rows]
    return Plan.of(planned, lambda row: row.present.version)


def apply_accounts(uow: UnitOfWork, text: str, digest: str) -> Plan:
    """Store what a sheet says: all of it, or nothing.

    Args:
        uow: The unit of work.
        text: The sheet, as CSV.
        digest: Of the preview that was looked at.

    Raises:
        InvalidInputError: It is no sheet, or rows of it are wrong.
        ConflictError: It would do something else by now.
        NothingToChangeError: It says only what is so already.
    """
    plan = plan_accounts(uow, text)
    changed = approve(plan, digest)
    rows = _rows_of(uow, [each.present.key for each in changed])
    for each in changed:
        _say(uow, rows.get(each.present.key), each)
    try:
        uow.session.flush()
    except IntegrityError as error:  # another spoke of one for the first time at this moment
        raise ConflictError(phrase("Somebody said something since you looked.")) from error
    correlating.correlate_all(uow, subject=changed[0].present.id, turned=set())
    return plan


def _say(uow: UnitOfWork, said: AccountTyping | None, row: PlannedRow) -> None:
    if said is None:
        said = AccountTyping(account_id=row.present.key, type=None, owner_id=None)
        uow.session.add(said)
    said.type = row.wanted.get("type", said.type)
    said.owner_id = row.wanted.get("owner_id", said.owner_id)
    said.said_at, said.said_by = uow.now, uow.actor.public_id
    kind = None if said.type is None else said.type.value
    uow.record(events.AccountTyped(subject=row.present.id, type=kind, owner=row.owner))


def _rows_of(uow: UnitOfWork, keys: Sequence[int]) -> dict[int, AccountTyping]:
    found: dict[int, AccountTyping] = {}
    for begin in range(0, len(keys), AT_ONCE):
        part = keys[begin : begin + AT_ONCE]
        rows = uow.session.scalars(
            sa.select(AccountTyping).where(AccountTyping.account_id.in_(part)).with_for_update()
        )
        found.update((each.account_id, each) for each in rows)
    return found


def _known(reading: Reading, rows: Sequence[SheetRow]) -> Found:
    """Return the accounts that the rows name, by id or by source and login."""
    ids = sorted({each.cells[ID] for each in rows if each.cells.get(ID)})
    logins = sorted({each.cells.get("login", "") for each in rows if not each.cells.get(ID)})
    found: dict[tuple[str, ...], list[AccountLine]] = {}
    for begin in range(0, len(ids), AT_ONCE):
        part = Account.public_id.in_(ids[begin : begin + AT_ONCE])
        for each in queries.accounts_where(reading, part, Source.removed_at.is_(None)):
            found.setdefault((each.id,), []).append(each)
    for begin in range(0, len(logins), AT_ONCE):
        part = Account.login.in_(logins[begin : begin + AT_ONCE])
        for each in queries.accounts_where(reading, part, Source.removed_at.is_(None)):
            found.setdefault((each.source, each.login), []).append(each)
    return found


def _services(reading: Reading, keys: set[int]) -> set[int]:
    """Return which of some identities are no persons: those answer for nothing."""
    wanted = sorted(keys)
    found: set[int] = set()
    for begin in range(0, len(wanted), AT_ONCE):
        part = Identity.id.in_(wanted[begin : begin + AT_ONCE])
        found.update(
            reading.session.scalars(
                sa.select(Identity.id).where(part, Identity.kind != IdentityKind.PERSON)
            )
        )
    return found


def _plan(
    row: SheetRow,
    known: Found,
    owners: Mapping[str, Sequence[Owner]],
    services: set[int],
    seen: Counter[str],
) -> PlannedRow:
    wrong = FieldErrors()
    cells = row.cells
    present = _meant(row, known, wrong)
    if present is None:
        name, source = cells.get("login", ""), cells.get("source", "")
        return PlannedRow(row.line, None, name or cells.get(ID, ""), source, (), wrong.found)
    seen[present.id] += 1
    if seen[present.id] > 1:
        wrong.add(ID, phrase("An earlier row says something about it: keep one of them."))
    wanted: dict[str, Any] = {}
    changes: list[SheetChange] = []
    owner = present.owner
    if "type" in cells:
        _type(cells["type"].lower(), present, wanted, changes, wrong)
    if "owner" in cells and cells["owner"] != (present.owner or ""):
        who = None
        if cells["owner"]:
            who = one_owner(owners.get(cells["owner"], ()), wrong)
            if who is not None and who.key in services:
                wrong.add("owner", phrase("Name a person who is active and can answer for it."))
        if not wrong.found and (None if who is None else who.id) != present.owner:
            wanted["owner_id"], owner = (None, None) if who is None else (who.key, who.id)
            after = "" if who is None else who.name
            changes.append(SheetChange("owner", present.owner_name or "", after))
    return PlannedRow(
        row.line,
        present.id,
        present.login,
        present.source,
        changes,
        wrong.found,
        present,
        wanted,
        owner,
    )


def _type(
    typed: str,
    present: AccountLine,
    wanted: dict[str, Any],
    changes: list[SheetChange],
    wrong: FieldErrors,
) -> None:
    if typed == present.type or (not typed and present.said is None):
        return
    if typed and typed not in set(AccountType):
        types = ", ".join(each.value for each in AccountType)
        wrong.add("type", phrase("Use one of %(types)s, or leave it to the source.", types=types))
        return
    wanted["type"] = AccountType(typed) if typed else None
    changes.append(SheetChange("type", present.type, typed or present.suggested))


def _meant(row: SheetRow, known: Found, wrong: FieldErrors) -> AccountLine | None:
    by_id = row.cells.get(ID)
    source, login = row.cells.get("source", ""), row.cells.get("login", "")
    found = known.get((by_id,) if by_id else (source, login), ())
    if not by_id and not (source and login):
        wrong.add(ID, phrase("Give the id, or the source and the login."))
        return None
    if not found:
        wrong.add(
            ID if by_id else "login",
            phrase("There is no such account now: leave the row out, or correct it."),
        )
    if len(found) > 1:
        wrong.add("login", phrase("Several accounts of this source have this login: give the id."))
        return None
    return found[0] if found else None
