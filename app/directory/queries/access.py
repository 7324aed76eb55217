"""Who has what by which path, from both sides, now or at a moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.directory import graph, past
from app.directory.domain import Provenance
from app.directory.following import mirrored
from app.directory.models import Account, Closure, Identity, Membership, Nesting
from app.directory.queries.groups import GroupRow, group_rows, show_group
from app.directory.queries.moment import held
from app.directory.queries.people import AccountRow, accounts_of, visible_identity
from app.kernel import bulk
from app.kernel.actor import Permission
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
        steps: How many memberships lead there; 1 is direct.
        is_privileged: Whether `group` administers its source.
        follows: Of a mirror, by which path the same person is in its master: first the group
            their account there is directly in, last the master; empty if they are not in it.
        provenance: Why the direct membership at the beginning of the path exists.
        provenance_ref: Public id behind it, or None.
        since: When that membership began.
    """

    group: GroupRow
    account: str
    login: str
    is_direct: bool
    path: Sequence[Place]
    steps: int
    is_privileged: bool
    follows: Sequence[Place]
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
    asked = {"mine": tuple(account_ids), "as_of": as_of, "known_at": known_at}
    rows = reading.session.execute(_holdings_at(*past.bound(as_of, known_at)), asked)
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
    shortest: dict[str, tuple[int, ...]] = {}  # the way to each group, whichever account goes it
    for _, path in sorted(found, key=lambda each: (len(each[1]), each[1])):
        shortest.setdefault(groups[path[-1]].id, path)
    return [
        AccessRow(
            group=groups[path[-1]],
            account=accounts[holding.account_id].id,
            login=accounts[holding.account_id].login,
            is_direct=len(path) == 1,
            path=_places(groups, path),
            steps=len(path),
            is_privileged=groups[path[-1]].is_administrative,
            follows=_places(groups, shortest.get(groups[path[-1]].master or "", ())),
            provenance=holding.provenance,
            provenance_ref=holding.provenance_ref,
            since=holding.valid_from,
        )
        for holding, path in found
    ]


def leads_of(
    reading: Reading,
    group: GroupRow,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> list[Sequence[Place]]:
    """Return by which ways being in a group leads to what administers a source.

    Args:
        reading: Who looks.
        group: The group.
        as_of: At this moment; default now. What mirrors a group is known of now only.
        known_at: As was known at this moment; default as is known by now.

    Returns:
        To each group that administers, other than the group itself, the shortest way: first the
        group itself, last the one that administers.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    if as_of is None and group.privileged_steps is None:
        return []
    edges = _edges_above(reading, {group.key}, as_of, known_at)
    if as_of is None:
        within = {group.key} | {parent for parent, _ in edges}
        mirrors = mirrored(reading.session, within)
        edges += mirrors + _edges_above(reading, {mirror for mirror, _ in mirrors}, None, None)
    ways = graph.ways_up(edges, [group.key])
    groups = group_rows(reading, set(ways), as_of, known_at)
    leading = [each for each, path in ways.items() if len(path) > 1]
    return [
        _places(groups, ways[each])
        for each in sorted(leading, key=lambda each: (len(ways[each]), each))
        if groups[each].is_administrative
    ]


def effective_counts(reading: Reading) -> dict[int, int]:
    """Return how many accounts are in each group now, directly or through nesting.

    All groups at once, in two statements; a group that nobody is in is not named.

    Args:
        reading: Who looks.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    pairs = bulk.numbers(reading.session, sa.select(Closure.ancestor_id, Closure.descendant_id), 2)
    held_now = sa.select(Membership.group_id, Membership.account_id).where(
        Membership.valid_to.is_(None)
    )
    ordered = held_now.order_by(Membership.group_id, Membership.account_id)
    groups, accounts = bulk.numbers(reading.session, ordered, 2)
    within = zip(*(each.tolist() for each in pairs), strict=True)
    found = graph.effective_members(within, groups, accounts)
    return {group: len(members) for group, members in found}


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
    asked = {
        "groups": tuple(ways),
        "after": window.after_id(),
        "most": window.limit + 1,
        "as_of": as_of,
        "known_at": known_at,
    }
    statement = _members(*past.bound(as_of, known_at))
    rows = reading.session.execute(statement, asked).all()
    groups = {group.key: group}
    if len(ways) > 1:
        within = {each for path in ways.values() for each in path}
        groups = group_rows(reading, within, as_of, known_at)
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


@cache
def _members(as_of: Any, known_at: Any) -> Any:
    """Choose the memberships of a page of accounts in some groups, each account once in the page.

    Open and ended memberships of a moment are looked up apart, each by its own index.
    """
    inside = Membership.group_id.in_(sa.bindparam("groups", expanding=True))
    after = Membership.account_id > sa.bindparam("after", type_=sa.BigInteger)
    chosen = sa.select(Membership.account_id).where(inside, after)
    first: Any = chosen.where(held(Membership, None)).distinct().order_by(Membership.account_id)
    if as_of is not None:
        some = sa.union_all(*(chosen.where(each) for each in _halves(as_of, known_at))).subquery()
        first = sa.select(some.c.account_id).distinct().order_by(some.c.account_id)
    page_of = first.limit(sa.bindparam("most", type_=sa.Integer)).subquery()
    mine: Any = sa.and_(Membership.account_id.in_(sa.select(page_of.c.account_id)), inside)
    if as_of is None:
        mine = sa.and_(mine, held(Membership, None))
    else:
        halves = (sa.select(Membership.id).where(mine, each) for each in _halves(as_of, known_at))
        mine = Membership.id.in_(sa.union_all(*halves))
    return (
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
        .where(mine)
        .order_by(Account.id)
    )


def _halves(as_of: Any, known_at: Any) -> tuple[Any, Any]:
    """Return what chooses at a moment of those still open, and of those ended."""
    then = held(Membership, as_of, known_at)
    ended: Any = Membership.valid_to.is_not(None)
    if known_at is None:
        ended = sa.and_(ended, Membership.valid_to > as_of)
    return sa.and_(Membership.valid_to.is_(None), then), sa.and_(ended, then)


@cache
def _holdings_at(as_of: Any, known_at: Any) -> Any:
    """Choose intervals at a moment; open and closed ones apart, each by its own index."""
    chosen = _holdings()
    mine = Membership.account_id.in_(sa.bindparam("mine", expanding=True))
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
    if not groups:
        return []
    if as_of is not None:
        walk = (Nesting.child_id, Nesting.parent_id)
        return _edges_then(reading, tuple(groups), walk, as_of, known_at)
    direct = tuple(groups)
    above = sa.select(Closure.ancestor_id).where(Closure.descendant_id.in_(direct))
    found = _edges().where(sa.or_(Nesting.child_id.in_(direct), Nesting.child_id.in_(above)))
    return [(parent, child) for parent, child in reading.session.execute(found)]


def _edges_below(
    reading: Reading, group: int, as_of: datetime | None, known_at: datetime | None
) -> list[tuple[int, int]]:
    """Return the nestings on any way down from a group."""
    if as_of is not None:
        walk = (Nesting.parent_id, Nesting.child_id)
        return _edges_then(reading, (group,), walk, as_of, known_at)
    below = sa.select(Closure.descendant_id).where(Closure.ancestor_id == group)
    found = _edges().where(sa.or_(Nesting.parent_id == group, Nesting.parent_id.in_(below)))
    return [(parent, child) for parent, child in reading.session.execute(found)]


def _edges() -> Any:
    return sa.select(Nesting.parent_id, Nesting.child_id).where(Nesting.valid_to.is_(None))


def _edges_then(
    reading: Reading,
    start: tuple[int, ...],
    walk: tuple[Any, Any],
    as_of: datetime,
    known_at: datetime | None,
) -> list[tuple[int, int]]:
    """Return the nestings on any way from some groups at a moment; the closure tells of now only.

    Each nesting is found once, so that a ring ends where it began.
    """
    asked = {"start": start, "as_of": as_of, "known_at": known_at}
    rows = reading.session.execute(_ways(*walk, *past.bound(as_of, known_at)), asked)
    return [(parent, child) for parent, child in rows]


@cache
def _ways(here: Any, there: Any, as_of: Any, known_at: Any) -> Any:
    chosen = sa.select(Nesting.parent_id, Nesting.child_id, there.label("reached"))
    then = held(Nesting, as_of, known_at)
    ways = chosen.where(here.in_(sa.bindparam("start", expanding=True)), then).cte(
        "ways", recursive=True
    )
    ways = ways.union(chosen.join(ways, here == ways.c.reached).where(then))
    return sa.select(ways.c.parent_id, ways.c.child_id)


def _places(groups: dict[int, GroupRow], path: Sequence[int]) -> list[Place]:
    return [Place(groups[each].id, groups[each].name) for each in path]


@cache  # made once: building it costs more than asking
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
