"""Write down what many entitlements mean, by a sheet: looked at first, then stored as a whole.

A cell that says what is so already changes nothing. An empty cell of owner or description leaves
it to the source, one of tags takes them away, and one of risk or is_requestable leaves it as it is.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.catalog import queries, sheet
from app.catalog.domain import (
    LONGEST_DESCRIPTION,
    LONGEST_TAG,
    MOST_TAGS,
    Risk,
    may_be_requestable,
)
from app.catalog.models import Entitlement
from app.catalog.queries import EntitlementRow, Owner
from app.catalog.service.describing import READ_ONLY, said_here, told
from app.directory.models import Group
from app.directory.queries import one_owner
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, FieldErrors
from app.kernel.phrases import phrase
from app.kernel.sheet import Plan, PlannedRow, SheetChange, approve
from app.kernel.uow import Reading, UnitOfWork

AT_ONCE = 500
YES, NO = frozenset({"true", "yes", "1", "ja"}), frozenset({"false", "no", "0", "nein"})
Found = dict[tuple[str, ...], list[EntitlementRow]]


def plan_sheet(reading: Reading, text: str) -> Plan:
    """Say what a sheet would do; nothing is written.

    Args:
        reading: Who looks.
        text: The sheet, as CSV.

    Raises:
        InvalidInputError: It is no sheet; what is wrong with single rows stands in the plan.
    """
    reading.actor.require(Permission.CATALOG_WRITE)
    rows = sheet.read(text)
    known = _known(reading, rows)
    owners = queries.find_owners(
        reading, {each.cells["owner"] for each in rows if each.cells.get("owner")}
    )
    seen: Counter[str] = Counter()
    planned = [_plan(row, known, owners, seen) for row in rows]
    return Plan.of(planned, lambda row: row.present.version)


def apply_sheet(uow: UnitOfWork, text: str, digest: str) -> Plan:
    """Write down what a sheet says: all of it, or nothing.

    Args:
        uow: The unit of work.
        text: The sheet, as CSV.
        digest: Of the preview that was looked at.

    Raises:
        InvalidInputError: It is no sheet, or rows of it are wrong.
        ConflictError: It would do something else by now.
        NothingToChangeError: It says only what is so already.
    """
    plan = plan_sheet(uow, text)
    changed = approve(plan, digest)
    rows = _rows_of(uow, changed)
    for each in changed:
        row = rows.get(each.present.group_id)
        if row is None:
            uow.session.add(Entitlement(group_id=each.present.group_id, **each.wanted))
        else:
            for name, value in each.wanted.items():
                setattr(row, name, value)
        uow.record(told(each.present, each.wanted, each.owner))
    try:
        uow.session.flush()
    except IntegrityError as error:  # another described one for the first time at this moment
        raise ConflictError(phrase("Somebody described this since you looked.")) from error
    return plan


def _rows_of(uow: UnitOfWork, planned: Sequence[PlannedRow]) -> dict[int, Entitlement]:
    keys = [each.present.group_id for each in planned]
    found: dict[int, Entitlement] = {}
    for begin in range(0, len(keys), AT_ONCE):
        part = keys[begin : begin + AT_ONCE]
        rows = uow.session.scalars(sa.select(Entitlement).where(Entitlement.group_id.in_(part)))
        found.update((each.group_id, each) for each in rows)
    return found


def _known(reading: Reading, rows: Sequence[sheet.SheetRow]) -> Found:
    """Return the entitlements that the rows name, by id or by source and name."""
    ids = sorted({each.cells["id"] for each in rows if each.cells.get("id")})
    names = sorted({each.cells.get("name", "") for each in rows if not each.cells.get("id")})
    found: Found = {}
    for words, column in ((ids, Group.public_id), (names, Group.name)):
        for begin in range(0, len(words), AT_ONCE):
            part = words[begin : begin + AT_ONCE]
            for each in queries.entitlements_where(reading, column.in_(part)):
                key = (each.id,) if column is Group.public_id else (each.source, each.name)
                found.setdefault(key, []).append(each)
    return found


def _plan(
    row: sheet.SheetRow, known: Found, owners: dict[str, list[Owner]], seen: Counter[str]
) -> PlannedRow:
    wrong = FieldErrors()
    present = _meant(row, known, wrong)
    if present is None:
        name, source = row.cells.get("name", ""), row.cells.get("source", "")
        return PlannedRow(row.line, None, name or row.cells.get("id", ""), source, (), wrong.found)
    seen[present.id] += 1
    if seen[present.id] > 1:
        wrong.add("id", phrase("An earlier row says something about it: keep one of them."))
    wanted, owner = said_here(present)
    changes: list[SheetChange] = []
    for column in sheet.WRITTEN:
        if column not in row.cells:
            continue
        if column == "owner":
            owner = _own(row.cells[column], present, owners, wanted, owner, changes, wrong)
        else:
            READERS[column](row.cells[column], present, wanted, changes, wrong)
    return PlannedRow(
        row.line,
        present.id,
        present.name,
        present.source,
        changes,
        wrong.found,
        present,
        wanted,
        owner,
    )


def _meant(row: sheet.SheetRow, known: Found, wrong: FieldErrors) -> EntitlementRow | None:
    by_id = row.cells.get("id")
    source, name = row.cells.get("source", ""), row.cells.get("name", "")
    if by_id:
        found = known.get((by_id,), [])
        if not found:
            wrong.add("id", phrase("No group has this id now: leave the row out, or correct it."))
    elif not source or not name:
        found = []
        wrong.add("id", phrase("Give the id, or the source and the name."))
    else:
        found = known.get((source, name), [])
        if not found:
            wrong.add(
                "name",
                phrase("No group of this source has this name: leave the row out, or correct it."),
            )
    if len(found) > 1:
        wrong.add("name", phrase("Several groups of this source have this name: give the id."))
        return None
    return found[0] if found else None


def _own(
    typed: str,
    present: EntitlementRow,
    owners: dict[str, list[Owner]],
    wanted: dict[str, Any],
    owner: str | None,
    changes: list[SheetChange],
    wrong: FieldErrors,
) -> str | None:
    """Read who answers for it; what is so already stays as it is, whoever says it."""
    if typed == (present.owner or ""):
        return owner
    if not typed:
        if present.owner_via == "source":
            return owner
        wanted["owner_id"] = None
        changes.append(
            SheetChange("owner", present.owner_name or "", present.source_owner_name or "")
        )
        return None
    who = one_owner(owners.get(typed, []), wrong)
    if who is None or who.id == present.owner:
        return owner
    wanted["owner_id"] = who.key
    changes.append(SheetChange("owner", present.owner_name or "", who.name))
    return who.id


def _describe(
    typed: str,
    present: EntitlementRow,
    wanted: dict[str, Any],
    changes: list[SheetChange],
    wrong: FieldErrors,
) -> None:
    if typed == present.description.strip():
        return
    if not typed and present.description_via != "catalogue":
        return
    if len(typed) > LONGEST_DESCRIPTION:
        most = LONGEST_DESCRIPTION
        wrong.add("description", phrase("At most %(most)s characters.", most=most))
    elif not _is_clean(typed):
        wrong.add("description", phrase("Control characters are not allowed."))
    else:
        wanted["description"] = typed or None
        after = typed or present.source_description
        changes.append(SheetChange("description", present.description, after))


def _rate(
    typed: str,
    present: EntitlementRow,
    wanted: dict[str, Any],
    changes: list[SheetChange],
    wrong: FieldErrors,
) -> None:
    if not typed:
        return
    try:
        risk = Risk(typed.lower())
    except ValueError:
        risks = ", ".join(each.value for each in Risk)
        wrong.add("risk", phrase("Use one of %(risks)s.", risks=risks))
        return
    if risk is not present.risk:
        wanted["risk"] = risk
        changes.append(SheetChange("risk", present.risk.value, risk.value))


def _offer(
    typed: str,
    present: EntitlementRow,
    wanted: dict[str, Any],
    changes: list[SheetChange],
    wrong: FieldErrors,
) -> None:
    word = typed.lower()
    if not word:
        return
    if word not in YES | NO:
        wrong.add("is_requestable", phrase("Use true or false."))
    elif word in YES and not may_be_requestable(
        is_writable=present.is_writable, is_mirror=present.is_mirror
    ):
        wrong.add("is_requestable", READ_ONLY)
    elif (word in YES) is not present.is_requestable:
        wanted["is_requestable"] = word in YES
        before, after = ("true", "false") if present.is_requestable else ("false", "true")
        changes.append(SheetChange("is_requestable", before, after))


def _tag(
    typed: str,
    present: EntitlementRow,
    wanted: dict[str, Any],
    changes: list[SheetChange],
    wrong: FieldErrors,
) -> None:
    tags = list(dict.fromkeys(each.strip() for each in typed.split(";") if each.strip()))
    if tags == list(present.tags):
        return
    if len(tags) > MOST_TAGS:
        wrong.add("tags", phrase("At most %(most)s tags.", most=MOST_TAGS))
    elif any(len(each) > LONGEST_TAG for each in tags):
        wrong.add("tags", phrase("A tag has at most %(most)s characters.", most=LONGEST_TAG))
    elif not _is_clean(typed):
        wrong.add("tags", phrase("Control characters are not allowed."))
    else:
        wanted["tags"] = tags
        changes.append(SheetChange("tags", "; ".join(present.tags), "; ".join(tags)))


Reader = Callable[
    [str, EntitlementRow, dict[str, Any], list[SheetChange], FieldErrors],
    None,
]
READERS: dict[str, Reader] = {
    "description": _describe,
    "risk": _rate,
    "is_requestable": _offer,
    "tags": _tag,
}


def _is_clean(text: str) -> bool:
    return all(ord(each) >= ord(" ") or each in "\r\n\t" for each in text)
