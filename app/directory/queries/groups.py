"""Reads of groups; a mirrored one is shown with its master."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory import past
from app.directory.models import Account, Group, Identity, Nesting, Reach, Source
from app.directory.queries.matching import holds
from app.directory.queries.moment import held, there
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group. `master` is the group it mirrors, if that one is known.

    `unread_since` says since when its members could not be read; None if they are known.
    `privileged_steps` says in how few memberships whoever is in it is a member of a group that
    administers its source: 1 if it does itself, None if none does, or of a past moment.
    """

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
    unread_since: datetime | None
    privileged_steps: int | None


# What is kept of the past, by the names it has in the row that is shown.
GROUP_FIELDS = frozenset({"name", "description", "is_administrative", "rule"})


@dataclass(frozen=True, slots=True)
class GroupSurroundings:
    """Whose a group is, and which groups it is in or contains, directly.

    Attributes:
        owner_login: Of the account that the source names as its owner, or None.
        owner: Public id of whose account that is, or None.
        owner_name: Their name, or None.
        parents: Groups it is in.
        children: Groups in it.
    """

    owner_login: str | None
    owner: str | None
    owner_name: str | None
    parents: Sequence[GroupRow]
    children: Sequence[GroupRow]


def group_row(reading: Reading, group: int | str) -> GroupRow:
    """Return a group by its internal key or public id (no authorisation).

    Raises:
        NotFoundError: There is none.
    """
    column = Group.id if isinstance(group, int) else Group.public_id
    row = reading.session.execute(_groups().where(column == group)).first()
    if row is None:
        raise NotFoundError(phrase("There is no group %(group)s.", group=group))
    return GroupRow(*tuple(row))


def groups_reaching(reading: Reading, *only: int) -> set[int]:
    """Return the groups whose members administer a source, by however many steps.

    Args:
        reading: The store (no authorisation here).
        only: Which groups are asked about; default all.
    """
    chosen = sa.select(Reach.group_id)
    return set(reading.session.scalars(chosen.where(Reach.group_id.in_(only)) if only else chosen))


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
        raise NotFoundError(phrase("There is no group with the id or name %(which)s.", which=which))
    if len(found) > 1:
        several = ", ".join(f"{row.id} ({row.source})" for row in found)
        raise NotFoundError(
            phrase(
                "%(which)s names several groups; say which id: %(several)s.",
                which=which,
                several=several,
            )
        )
    return found[0]


def list_groups(
    reading: Reading,
    window: Window,
    *,
    q: str | None = None,
    privileged: bool = False,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Page[GroupRow]:
    """List groups.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of the name it has now, in any case.
        privileged: Only those that administer their source now, or lead to one that does.
        as_of: Those there were at this moment, as they were; default those there are now.
        known_at: As was known at this moment; default as is known by now.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = _groups().where(there(Group, as_of, known_at), Group.id > window.after_id())
    if q:
        found = found.where(holds(reading, Group.name, q))
    if privileged:
        found = found.where(Group.id.in_(sa.select(Reach.group_id)))
    rows = reading.session.execute(found.order_by(Group.id).limit(window.limit + 1))
    shown = _as_they_were(reading, [GroupRow(*tuple(row)) for row in rows], as_of, known_at)
    return page(shown, window, lambda row: [row.key])


def show_group(
    reading: Reading,
    group_id: str,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> GroupRow:
    """Return one group.

    Raises:
        NotFoundError: There is none, or was none then.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    if as_of is None:
        return group_row(reading, group_id)
    asked = {"which": group_id, "as_of": as_of, "known_at": known_at}
    row = reading.session.execute(_shown_then(*past.bound(as_of, known_at)), asked).first()
    if row is None:
        raise NotFoundError(phrase("There is no group %(group)s.", group=group_id))
    found = GroupRow(*tuple(row)[:-1])
    if not row[-1]:
        raise NotFoundError(phrase("There was no group %(group_id)s then.", group_id=group_id))
    return _as_they_were(reading, [found], as_of, known_at)[0]


@cache
def _shown_then(as_of: Any, known_at: Any) -> Any:
    was = there(Group, as_of, known_at)
    return _groups().add_columns(was).where(Group.public_id == sa.bindparam("which"))


def surroundings(
    reading: Reading,
    group: GroupRow,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> GroupSurroundings:
    """Return what stands around a group, now or at a moment; four statements at most."""
    reading.actor.require(Permission.DIRECTORY_READ)
    had = past.then(reading, Group, [group.key], as_of, known_at).get(group.key, {})
    owned_by: Any = Group.owner_external_id
    if "owner_external_id" in had:
        owned_by = had["owner_external_id"]
    owner = reading.session.execute(
        sa.select(Account.login, Identity.public_id, Identity.display_name)
        .select_from(Group)
        .join(
            Account,
            sa.and_(
                Account.source_id == Group.source_id,
                Account.external_id == owned_by,
            ),
        )
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(Group.id == group.key)
    ).first()
    edges = reading.session.execute(
        sa.select(Nesting.parent_id, Nesting.child_id).where(
            sa.or_(Nesting.parent_id == group.key, Nesting.child_id == group.key),
            held(Nesting, as_of, known_at),
        )
    ).all()
    rows = group_rows(reading, {each for edge in edges for each in edge}, as_of, known_at)
    login, identity, name = (None, None, None) if owner is None else tuple(owner)
    return GroupSurroundings(
        login,
        identity,
        name,
        parents=_named(rows[parent] for parent, child in edges if child == group.key),
        children=_named(rows[child] for parent, child in edges if parent == group.key),
    )


def _named(rows: Iterable[GroupRow]) -> list[GroupRow]:
    return sorted(rows, key=lambda each: (each.name.casefold(), each.key))


def group_rows(
    reading: Reading,
    keys: set[int],
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> dict[int, GroupRow]:
    rows = reading.session.execute(_groups().where(Group.id.in_(tuple(keys))))
    found = _as_they_were(reading, [GroupRow(*tuple(row)) for row in rows], as_of, known_at)
    return {each.key: each for each in found}


def _as_they_were(
    reading: Reading,
    rows: Sequence[GroupRow],
    as_of: datetime | None,
    known_at: datetime | None,
) -> list[GroupRow]:
    """Return groups as they were at a moment; one statement, or none for now."""
    if as_of is not None:  # where a group leads is kept for now only
        rows = [
            each if each.privileged_steps is None else replace(each, privileged_steps=None)
            for each in rows
        ]
    were = past.then(reading, Group, (each.key for each in rows), as_of, known_at)
    return [
        replace(each, **{name: had[name] for name in GROUP_FIELDS & had.keys()})
        if (had := were.get(each.key))
        else each
        for each in rows
    ]


@cache  # made once: building it costs more than asking
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
    steps = (
        sa.select(sa.func.min(Reach.steps))
        .where(Reach.group_id == Group.id)
        .correlate(Group)
        .scalar_subquery()
    )
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
            Group.unread_since,
            steps,
        )
        .join(Source, Source.id == Group.source_id)
        .outerjoin(shown, shown.id == nearest)
    )
