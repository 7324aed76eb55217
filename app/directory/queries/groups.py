"""Reads of groups; a mirrored one is shown with its master."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.models import Group, Source
from app.directory.queries.moment import there, was_there
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group. `master` is the group it mirrors, if that one is known."""

    key: int
    id: str
    source: str
    external_id: str
    name: str
    kind: str
    description: str
    is_writable: bool
    is_administrative: bool
    rule: str | None
    is_mirror: bool
    master: str | None
    master_name: str | None
    first_seen_at: datetime
    ended_at: datetime | None


def group_row(reading: Reading, group: int | str) -> GroupRow:
    """Return a group by its internal key or public id (no authorisation).

    Raises:
        NotFoundError: There is none.
    """
    column = Group.id if isinstance(group, int) else Group.public_id
    row = reading.session.execute(_groups().where(column == group)).first()
    if row is None:
        raise NotFoundError(f"There is no group {group}.")
    return GroupRow(*tuple(row))


def find_group(reading: Reading, which: str) -> GroupRow:
    """Return the group that a public id or a name means.

    Raises:
        NotFoundError: None is meant, or several are.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    rows = [
        GroupRow(*tuple(row))
        for row in reading.session.execute(
            _groups().where(sa.or_(Group.public_id == which, Group.name == which)).limit(9)
        )
    ]
    found = [row for row in rows if row.ended_at is None] or rows
    if not found:
        raise NotFoundError(f"There is no group with the id or name {which}.")
    if len(found) > 1:
        several = ", ".join(f"{row.id} ({row.source})" for row in found)
        raise NotFoundError(f"{which} names several groups; say which id: {several}.")
    return found[0]


def list_groups(
    reading: Reading, window: Window, *, q: str | None = None, as_of: datetime | None = None
) -> Page[GroupRow]:
    """List groups.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of the name, in any case.
        as_of: Those there were at this moment; default those there are now.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = _groups().where(there(Group, as_of), Group.id > window.after_id())
    if q:
        found = found.where(Group.name.icontains(q, autoescape=True))
    rows = reading.session.execute(found.order_by(Group.id).limit(window.limit + 1))
    return page([GroupRow(*tuple(row)) for row in rows], window, lambda row: [row.key])


def show_group(reading: Reading, group_id: str, *, as_of: datetime | None = None) -> GroupRow:
    """Return one group.

    Raises:
        NotFoundError: There is none, or was none then.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = group_row(reading, group_id)
    if not was_there(found.first_seen_at, found.ended_at, as_of):
        raise NotFoundError(f"There was no group {group_id} then.")
    return found


def group_rows(reading: Reading, keys: set[int]) -> dict[int, GroupRow]:
    rows = reading.session.execute(_groups().where(Group.id.in_(tuple(keys))))
    return {row[0]: GroupRow(*tuple(row)) for row in rows}


def _groups() -> sa.Select[*tuple[Any, ...]]:
    """A mirrored group with its master: the group of that identifier in another source."""
    master = aliased(Group)
    nearest = (
        sa.select(sa.func.min(master.id))
        .where(master.external_id == Group.master_external_id, master.source_id != Group.source_id)
        .correlate(Group)
        .scalar_subquery()
    )
    shown = aliased(Group)
    return (
        sa.select(
            Group.id,
            Group.public_id,
            Source.name,
            Group.external_id,
            Group.name,
            Group.kind,
            Group.description,
            Group.is_writable,
            Group.is_administrative,
            Group.rule,
            Group.master_external_id.is_not(None),
            shown.public_id,
            shown.name,
            Group.first_seen_at,
            Group.ended_at,
        )
        .join(Source, Source.id == Group.source_id)
        .outerjoin(shown, shown.id == nearest)
    )
