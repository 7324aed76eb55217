"""Who has what by which path, from both sides, now or at a moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory import graph, past
from app.directory.domain import Provenance
from app.directory.models import Account, Closure, Identity, Membership, Nesting
from app.directory.queries.groups import GroupRow, group_rows, show_group
from app.directory.queries.moment import held
from app.directory.queries.people import AccountRow, accounts_of, visible_identity
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class Place:
    """A group on a path."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Holding:
    """An account directly in a group, over an interval."""

    membership_id: int
    account_id: int
    group_id: int
    is_primary: bool
    provenance: Provenance
    provenance_ref: str | None
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class AccessRow:
    """A group that somebody is effectively in.

    Attributes:
        group: The group.
        account: Through which account, its public id.
        login: What its holder types.
        is_direct: Whether the account itself is a member.
        path: First the group the account is directly in, last `group`.
        provenance: Why the direct membership at the beginning of the path exists.
        provenance_ref: Public id behind it, or None.
        since: When that membership began.
    """

    group: GroupRow
    account: str
    login: str
    is_direct: bool
    path: Sequence[Place]
    provenance: Provenance
    provenance_ref: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class MemberRow:
    """An account in a group, directly or through nesting."""

    key: int
    account: str
    login: str
    name: str
    is_enabled: bool
    identity: str | None
    identity_name: str | None
    is_direct: bool
    path: Sequence[Place]
    provenance: Provenance
    provenance_ref: str | None
    since: datetime


MEMBER_FIELDS = {"login": "login", "display_name": "name", "is_enabled": "is_enabled"}


def open_membership(reading: Reading, account_id: int, group_id: int) -> Holding | None:
    """Return the open interval of an account in a group, or None (no authorisation)."""
    row = reading.session.execute(
        _holdings().where(
            Membership.account_id == account_id,
            Membership.group_id == group_id,
            Membership.valid_to.is_(None),
        )
    ).first()
    return None if row is None else Holding(*tuple(row))


def direct_holdings(
    reading: Reading,
    account_ids: Iterable[int],
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[Holding]:
    """Return the groups that accounts are, or were, directly in (no authorisation)."""
    mine = Membership.account_id.in_(tuple(account_ids))
    rows = reading.session.execute(_at(_holdings(), mine, as_of, known_at))
    return sorted(
        (Holding(*tuple(row)) for row in rows),
        key=lambda each: (each.account_id, each.group_id, each.membership_id),
    )


def show_access(
    reading: Reading,
    identity_id: str,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[AccessRow]:
    """Return what an identity effectively has, to itself or to those who may read the directory.

    Raises:
        NotFoundError: There is none, was none then, or it is not theirs to see.
    """
    row = visible_identity(reading, identity_id, as_of, known_at)
    mine = accounts_of(reading, row.key, as_of=as_of, known_at=known_at)
    return access_of(reading, mine, as_of=as_of, known_at=known_at)


def effective_access(
    reading: Reading,
    identity_id: int,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[AccessRow]:
    """Return every group an identity is, or was, in, by which path; four statements, or six.

    Args:
        reading: The store (no authorisation here).
        identity_id: Internal key of the identity.
        as_of: At this moment; default now.
        known_at: As was known at this moment; default as is known by now.
    """
    mine = accounts_of(reading, identity_id, as_of=as_of, known_at=known_at)
    return access_of(reading, mine, as_of=as_of, known_at=known_at)


def access_of(
    reading: Reading,
    mine: Sequence[AccountRow],
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[AccessRow]:
    """Return every group that some accounts are, or were, in, by which path."""
    accounts = {each.key: each for each in mine}
    direct_ones = direct_holdings(reading, accounts, as_of, known_at)
    edges = _edges_above(reading, {each.group_id for each in direct_ones}, as_of, known_at)
    found: list[tuple[Holding, tuple[int, ...]]] = []
    for account_id in accounts:
        direct = {each.group_id: each for each in direct_ones if each.account_id == account_id}
        ways = graph.ways_up(edges, direct).values()
        found.extend((direct[path[0]], path) for path in ways)
    groups = group_rows(reading, {each for _, path in found for each in path}, as_of, known_at)
    return [
        AccessRow(
            group=groups[path[-1]],
            account=accounts[holding.account_id].id,
            login=accounts[holding.account_id].login,
            is_direct=len(path) == 1,
            path=_places(groups, path),
            provenance=holding.provenance,
            provenance_ref=holding.provenance_ref,
            since=holding.valid_from,
        )
        for holding, path in found
    ]


def show_members(
    reading: Reading,
    group_id: str,
    window: Window,
    *,
    is_effective: bool = False,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> Page[MemberRow]:
    """List the accounts in a group.

    Args:
        reading: Who looks.
        group_id: Public id of the group.
        window: Which part.
        is_effective: Also those who are in through nested groups.
        as_of: At this moment; default now.
        known_at: As was known at this moment; default as is known by now.

    Raises:
        NotFoundError: There is no such group, or was none then.
    """
    group = show_group(reading, group_id, as_of=as_of, known_at=known_at)
    ways: dict[int, tuple[int, ...]] = {group.key: (group.key,)}
    if is_effective:
        ways = graph.ways_down(_edges_below(reading, group.key, as_of, known_at), group.key)
    first = _first_memberships(ways, window, as_of, known_at)
    rows = reading.session.execute(
        sa.select(
            Account.id,
            Account.public_id,
            Account.login,
            Account.display_name,
            Account.is_enabled,
            Identity.public_id,
            Identity.display_name,
            Membership.group_id,
            Membership.provenance,
            Membership.provenance_ref,
            Membership.valid_from,
        )
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(held(Membership, as_of, known_at), Membership.account_id.in_(first))
        .where(Membership.group_id.in_(tuple(ways)))
        .order_by(Account.id)
    ).all()
    groups = group_rows(reading, {each for path in ways.values() for each in path}, as_of, known_at)
    shown: dict[int, MemberRow] = {}
    for row in sorted(rows, key=lambda each: (each[0], len(ways[each[7]]), each[7])):
        path = ways[row[7]]
        if row[0] not in shown:
            shown[row[0]] = _member(row, _places(groups, path))
    members = _as_they_were(reading, list(shown.values()), as_of, known_at)
    return page(members, window, lambda each: [each.key])


def _as_they_were(
    reading: Reading,
    rows: Sequence[MemberRow],
    as_of: datetime | None,
    known_at: datetime | None,
) -> list[MemberRow]:
    """Return members with the names they had, and whose they were, at a moment."""
    were = past.then(reading, Account, (each.key for each in rows), as_of, known_at)
    owners = {had["identity_id"] for had in were.values() if "identity_id" in had}
    whose: dict[Any, tuple[str | None, str | None]] = {None: (None, None)}
    if owners:
        chosen = sa.select(Identity.id, Identity.public_id, Identity.display_name)
        for key, public_id, name in reading.session.execute(
            chosen.where(Identity.id.in_([each for each in owners if each is not None]))
        ):
            whose[key] = (public_id, name)
    found = []
    for row in rows:
        had = were.get(row.key, {})
        shown = replace(
            row, **{MEMBER_FIELDS[each]: had[each] for each in MEMBER_FIELDS & had.keys()}
        )
        if "identity_id" in had:
            identity, identity_name = whose[had["identity_id"]]
            shown = replace(shown, identity=identity, identity_name=identity_name)
        found.append(shown)
    return found


def _member(row: Any, path: Sequence[Place]) -> MemberRow:
    return MemberRow(
        key=row[0],
        account=row[1],
        login=row[2],
        name=row[3],
        is_enabled=row[4],
        identity=row[5],
        identity_name=row[6],
        is_direct=len(path) == 1,
        path=path,
        provenance=row[8],
        provenance_ref=row[9],
        since=row[10],
    )


def _first_memberships(
    ways: Iterable[int], window: Window, as_of: datetime | None, known_at: datetime | None
) -> Any:
    """Choose the accounts of a page, each once, however many ways lead to it."""
    groups = tuple(ways)
    chosen = (
        sa.select(Membership.account_id)
        .where(
            held(Membership, as_of, known_at),
            # One group's members stand in order in its index; of several, all are sorted.
            Membership.group_id == groups[0]
            if len(groups) == 1
            else Membership.group_id.in_(groups),
            Membership.account_id > window.after_id(),
        )
        .distinct()
        .order_by(Membership.account_id)
        .limit(window.limit + 1)
        .subquery()
    )
    return sa.select(chosen.c.account_id)


def _at(chosen: Any, mine: Any, as_of: datetime | None, known_at: datetime | None) -> Any:
    """Choose intervals at a moment; open and closed ones apart, each by its own index."""
    if known_at is not None:
        return chosen.where(mine, held(Membership, as_of, known_at))
    still_open = chosen.where(mine, Membership.valid_to.is_(None))
    if as_of is None:
        return still_open
    closed = chosen.where(
        mine,
        Membership.valid_to.is_not(None),
        Membership.valid_to > as_of,
        Membership.valid_from <= as_of,
    )
    return sa.union_all(still_open.where(Membership.valid_from <= as_of), closed)


def _edges_above(
    reading: Reading, groups: set[int], as_of: datetime | None, known_at: datetime | None
) -> list[tuple[int, int]]:
    """Return the nestings on any way up from some groups."""
    found = _edges(as_of, known_at)
    if as_of is None:
        direct = tuple(groups)
        above = sa.select(Closure.ancestor_id).where(Closure.descendant_id.in_(direct))
        found = found.where(sa.or_(Nesting.child_id.in_(direct), Nesting.child_id.in_(above)))
    return [(parent, child) for parent, child in reading.session.execute(found)]


def _edges_below(
    reading: Reading, group: int, as_of: datetime | None, known_at: datetime | None
) -> list[tuple[int, int]]:
    """Return the nestings on any way down from a group."""
    found = _edges(as_of, known_at)
    if as_of is None:
        below = sa.select(Closure.descendant_id).where(Closure.ancestor_id == group)
        found = found.where(sa.or_(Nesting.parent_id == group, Nesting.parent_id.in_(below)))
    return [(parent, child) for parent, child in reading.session.execute(found)]


def _edges(as_of: datetime | None, known_at: datetime | None) -> Any:
    return sa.select(Nesting.parent_id, Nesting.child_id).where(held(Nesting, as_of, known_at))


def _places(groups: dict[int, GroupRow], path: Sequence[int]) -> list[Place]:
    return [Place(groups[each].id, groups[each].name) for each in path]


def _holdings() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        Membership.id,
        Membership.account_id,
        Membership.group_id,
        Membership.is_primary,
        Membership.provenance,
        Membership.provenance_ref,
        Membership.valid_from,
        Membership.valid_to,
    )
