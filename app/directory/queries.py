"""Reads of the directory: who there is, who has what by which path, now or at a moment.

What a source showed at a moment is known for existence, memberships and nesting, which are kept as
intervals; names and attributes are shown as they are known now. Each read is a constant number of
statements, whatever its size. What is not theirs to see is, for callers, not there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory import graph
from app.directory.connecting import connection
from app.directory.domain import IdentityKind, Provenance, SyncState
from app.directory.models import (
    Account,
    Closure,
    Group,
    Identity,
    Membership,
    Nesting,
    Source,
    SyncRun,
)
from app.directory.syncing import run_row
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page

SIMULATED = "memory"
__all__ = [
    "account_row",
    "accounts_of",
    "connection",
    "direct_holdings",
    "effective_access",
    "find_group",
    "find_identity",
    "group_row",
    "list_groups",
    "list_identities",
    "list_sources",
    "open_membership",
    "run_answer",
    "run_row",
    "show_access",
    "show_group",
    "show_identity",
    "show_members",
    "show_run",
    "show_source",
    "source_lines",
]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source, without its secrets."""

    key: int
    id: str
    name: str
    kind: str
    settings: dict[str, Any]
    is_enabled: bool
    has_baseline: bool
    created_at: datetime
    version: int
    last_run: str | None
    last_state: SyncState | None
    last_ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source, as the plain page of the instance tells of it.

    Attributes:
        name: Its name.
        kind: What it is.
        simulated_by: Name of the file that is its whole state, or None for a real one.
    """

    name: str
    kind: str
    simulated_by: str | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A sync run."""

    id: str
    source: str
    state: SyncState
    is_baseline: bool
    begun_at: datetime
    ended_at: datetime | None
    endpoint: str
    account: str
    queries: list[Any]
    problems: list[Any]
    counts: dict[str, Any]
    digest: str | None
    why: str | None
    started_by: str


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """An identity."""

    key: int
    id: str
    kind: IdentityKind
    name: str
    mail: str | None
    employee_number: str | None
    department: str | None
    title: str | None
    is_active: bool
    manager: str | None
    manager_name: str | None
    first_seen_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account."""

    key: int
    id: str
    source: str
    external_id: str
    login: str
    name: str
    mail: str | None
    kind: str
    status: str
    is_enabled: bool
    correlation_rule: str | None
    address: str
    expires_at: datetime | None
    last_sign_in_at: datetime | None
    first_seen_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class IdentityDetail:
    """An identity with its accounts."""

    row: IdentityRow
    accounts: Sequence[AccountRow]


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
    since: datetime


def list_sources(reading: Reading, window: Window) -> Page[SourceRow]:
    """List the sources, oldest first, those removed left out."""
    reading.actor.require(Permission.SOURCE_READ)
    rows = reading.session.execute(
        _sources()
        .where(Source.removed_at.is_(None), Source.id > window.after_id())
        .order_by(Source.id)
        .limit(window.limit + 1)
    )
    return page([SourceRow(*tuple(row)) for row in rows], window, lambda row: [row.key])


def source_lines(reading: Reading) -> list[SourceLine]:
    """Tell of the sources to anybody who can open the page: their names, and what is simulated."""
    rows = reading.session.execute(
        sa.select(Source.name, Source.kind, Source.settings)
        .where(Source.removed_at.is_(None))
        .order_by(Source.id)
    )
    return [
        SourceLine(name, kind, PurePath(settings["path"]).name if kind == SIMULATED else None)
        for name, kind, settings in rows
    ]


def show_source(reading: Reading, name: str) -> SourceRow:
    """Return one source by name.

    Raises:
        NotFoundError: There is none, or it was removed.
    """
    reading.actor.require(Permission.SOURCE_READ)
    row = reading.session.execute(
        _sources().where(Source.name == name, Source.removed_at.is_(None))
    ).first()
    if row is None:
        raise NotFoundError(f"There is no source named {name}.")
    return SourceRow(*tuple(row))


def show_run(reading: Reading, run_id: str) -> RunRow:
    """Return one sync run.

    Raises:
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.SOURCE_READ)
    return run_answer(reading, run_row(reading, run_id))


def run_answer(reading: Reading, run: SyncRun) -> RunRow:
    """Return what is told of a run."""
    source = reading.session.get_one(Source, run.source_id)
    return RunRow(
        id=run.public_id,
        source=source.name,
        state=run.state,
        is_baseline=run.is_baseline,
        begun_at=run.begun_at,
        ended_at=run.ended_at,
        endpoint=run.endpoint,
        account=run.account,
        queries=run.queries,
        problems=run.problems,
        counts=run.counts,
        digest=run.digest,
        why=run.why,
        started_by=run.started_by,
    )


def find_identity(reading: Reading, who: str) -> IdentityRow:
    """Return the identity that a public id, mail, employee number or login means.

    Raises:
        NotFoundError: Nobody is meant, or several are.
    """
    logins = sa.select(Account.identity_id).where(Account.login == who, Account.ended_at.is_(None))
    wanted = sa.or_(
        Identity.public_id == who,
        Identity.employee_number == who,
        sa.func.lower(Identity.mail) == who.lower(),
        Identity.id.in_(logins),
    )
    rows = [_identity(row) for row in reading.session.execute(_identities().where(wanted).limit(9))]
    exact = [row for row in rows if who in (row.id, row.employee_number)]
    found = exact or [row for row in rows if row.ended_at is None] or rows
    if not found:
        raise NotFoundError(f"Nobody has the id, mail, employee number or login {who}.")
    if len(found) > 1:
        several = ", ".join(row.id for row in found)
        raise NotFoundError(f"{who} may mean several identities; say which id: {several}.")
    return found[0]


def list_identities(
    reading: Reading, window: Window, *, q: str | None = None, as_of: datetime | None = None
) -> Page[IdentityRow]:
    """List identities.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of a name or mail in any case, or a whole employee number.
        as_of: Those there were at this moment; default those there are now.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = _identities().where(_there(Identity, as_of), Identity.id > window.after_id())
    if q:
        found = found.where(
            sa.or_(
                Identity.display_name.icontains(q, autoescape=True),
                Identity.mail.icontains(q, autoescape=True),
                Identity.employee_number == q,
            )
        )
    rows = reading.session.execute(found.order_by(Identity.id).limit(window.limit + 1))
    return page([_identity(row) for row in rows], window, lambda row: [row.key])


def show_identity(
    reading: Reading, identity_id: str, *, as_of: datetime | None = None
) -> IdentityDetail:
    """Return an identity with its accounts, to itself or to those who may read the directory.

    Raises:
        NotFoundError: There is none, was none then, or it is not theirs to see.
    """
    row = _visible_identity(reading, identity_id, as_of)
    return IdentityDetail(row, accounts_of(reading, row.key, as_of=as_of))


def accounts_of(
    reading: Reading, identity_id: int, *, as_of: datetime | None = None
) -> list[AccountRow]:
    """Return the accounts of an identity that there are, or were (no authorisation)."""
    rows = reading.session.execute(
        _accounts()
        .where(Account.identity_id == identity_id, _there(Account, as_of))
        .order_by(Account.source_id, Account.id)
    )
    return [AccountRow(*tuple(row)) for row in rows]


def account_row(reading: Reading, account_id: int) -> AccountRow:
    """Return an account by its internal key (no authorisation)."""
    row = reading.session.execute(_accounts().where(Account.id == account_id)).one()
    return AccountRow(*tuple(row))


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
    found = _groups().where(_there(Group, as_of), Group.id > window.after_id())
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
    if not _was_there(found.first_seen_at, found.ended_at, as_of):
        raise NotFoundError(f"There was no group {group_id} then.")
    return found


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
    reading: Reading, account_ids: Iterable[int], as_of: datetime | None = None
) -> list[Holding]:
    """Return the groups that accounts are, or were, directly in (no authorisation)."""
    mine = Membership.account_id.in_(tuple(account_ids))
    rows = reading.session.execute(_at(_holdings(), mine, as_of))
    return sorted(
        (Holding(*tuple(row)) for row in rows),
        key=lambda each: (each.account_id, each.group_id, each.membership_id),
    )


def show_access(
    reading: Reading, identity_id: str, *, as_of: datetime | None = None
) -> list[AccessRow]:
    """Return what an identity effectively has, to itself or to those who may read the directory.

    Raises:
        NotFoundError: There is none, was none then, or it is not theirs to see.
    """
    row = _visible_identity(reading, identity_id, as_of)
    return effective_access(reading, row.key, as_of=as_of)


def effective_access(
    reading: Reading, identity_id: int, as_of: datetime | None = None
) -> list[AccessRow]:
    """Return every group an identity is, or was, in, by which path; four statements.

    Args:
        reading: The store (no authorisation here).
        identity_id: Internal key of the identity.
        as_of: At this moment; default now.
    """
    accounts = {each.key: each for each in accounts_of(reading, identity_id, as_of=as_of)}
    held = direct_holdings(reading, accounts, as_of)
    edges = _edges_above(reading, {each.group_id for each in held}, as_of)
    found: list[tuple[Holding, tuple[int, ...]]] = []
    for account_id in accounts:
        direct = {each.group_id: each for each in held if each.account_id == account_id}
        ways = graph.ways_up(edges, direct).values()
        found.extend((direct[path[0]], path) for path in ways)
    groups = _group_rows(reading, {each for _, path in found for each in path})
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
) -> Page[MemberRow]:
    """List the accounts in a group.

    Args:
        reading: Who looks.
        group_id: Public id of the group.
        window: Which part.
        is_effective: Also those who are in through nested groups.
        as_of: At this moment; default now.

    Raises:
        NotFoundError: There is no such group, or was none then.
    """
    group = show_group(reading, group_id, as_of=as_of)
    ways: dict[int, tuple[int, ...]] = {group.key: (group.key,)}
    if is_effective:
        ways = graph.ways_down(_edges_below(reading, group.key, as_of), group.key)
    first = _first_memberships(ways, window, as_of)
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
            Membership.valid_from,
        )
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(_holds_at(as_of), Membership.account_id.in_(first))
        .where(Membership.group_id.in_(tuple(ways)))
        .order_by(Account.id)
    ).all()
    groups = _group_rows(reading, {each for path in ways.values() for each in path})
    shown: dict[int, MemberRow] = {}
    for row in sorted(rows, key=lambda each: (each[0], len(ways[each[7]]), each[7])):
        path = ways[row[7]]
        if row[0] not in shown:
            way = _places(groups, path)
            shown[row[0]] = MemberRow(*tuple(row)[:7], len(path) == 1, way, row[8], row[9])
    return page(list(shown.values()), window, lambda each: [each.key])


def _first_memberships(ways: Iterable[int], window: Window, as_of: datetime | None) -> Any:
    """Choose the accounts of a page, each once, however many ways lead to it."""
    chosen = (
        sa.select(Membership.account_id)
        .where(
            _holds_at(as_of),
            Membership.group_id.in_(tuple(ways)),
            Membership.account_id > window.after_id(),
        )
        .distinct()
        .order_by(Membership.account_id)
        .limit(window.limit + 1)
        .subquery()
    )
    return sa.select(chosen.c.account_id)


def _visible_identity(reading: Reading, identity_id: str, as_of: datetime | None) -> IdentityRow:
    row = reading.session.execute(_identities().where(Identity.public_id == identity_id)).first()
    found = None if row is None else _identity(row)
    is_theirs = found is not None and (
        found.key == reading.actor.identity_id or reading.actor.may(Permission.DIRECTORY_READ)
    )
    if found is None or not is_theirs:
        raise NotFoundError(f"There is no identity {identity_id}.")
    if not _was_there(found.first_seen_at, found.ended_at, as_of):
        raise NotFoundError(f"There was no identity {identity_id} then.")
    return found


def _was_there(first: datetime, ended: datetime | None, as_of: datetime | None) -> bool:
    """Whether something was there at a moment; without one, its end is shown, not hidden."""
    return as_of is None or (first <= as_of and (ended is None or ended > as_of))


def _there(model: type[Identity | Account | Group], as_of: datetime | None) -> Any:
    if as_of is None:
        return model.ended_at.is_(None)
    return sa.and_(
        model.first_seen_at <= as_of, sa.or_(model.ended_at.is_(None), model.ended_at > as_of)
    )


def _holds_at(as_of: datetime | None) -> Any:
    if as_of is None:
        return Membership.valid_to.is_(None)
    return sa.and_(
        Membership.valid_from <= as_of,
        sa.or_(Membership.valid_to.is_(None), Membership.valid_to > as_of),
    )


def _at(chosen: Any, mine: Any, as_of: datetime | None) -> Any:
    """Choose intervals at a moment; open and closed ones apart, each by its own index."""
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
    reading: Reading, groups: set[int], as_of: datetime | None
) -> list[tuple[int, int]]:
    """Return the nestings on any way up from some groups."""
    found = _edges(as_of)
    if as_of is None:
        direct = tuple(groups)
        above = sa.select(Closure.ancestor_id).where(Closure.descendant_id.in_(direct))
        found = found.where(sa.or_(Nesting.child_id.in_(direct), Nesting.child_id.in_(above)))
    return [(parent, child) for parent, child in reading.session.execute(found)]


def _edges_below(reading: Reading, group: int, as_of: datetime | None) -> list[tuple[int, int]]:
    """Return the nestings on any way down from a group."""
    found = _edges(as_of)
    if as_of is None:
        below = sa.select(Closure.descendant_id).where(Closure.ancestor_id == group)
        found = found.where(sa.or_(Nesting.parent_id == group, Nesting.parent_id.in_(below)))
    return [(parent, child) for parent, child in reading.session.execute(found)]


def _edges(as_of: datetime | None) -> Any:
    chosen = sa.select(Nesting.parent_id, Nesting.child_id)
    if as_of is None:
        return chosen.where(Nesting.valid_to.is_(None))
    return chosen.where(
        Nesting.valid_from <= as_of,
        sa.or_(Nesting.valid_to.is_(None), Nesting.valid_to > as_of),
    )


def _group_rows(reading: Reading, keys: set[int]) -> dict[int, GroupRow]:
    rows = reading.session.execute(_groups().where(Group.id.in_(tuple(keys))))
    return {row[0]: GroupRow(*tuple(row)) for row in rows}


def _places(groups: dict[int, GroupRow], path: Sequence[int]) -> list[Place]:
    return [Place(groups[each].id, groups[each].name) for each in path]


def _sources() -> sa.Select[*tuple[Any, ...]]:
    newest = (
        sa.select(sa.func.max(SyncRun.id))
        .where(SyncRun.source_id == Source.id)
        .correlate(Source)
        .scalar_subquery()
    )
    return sa.select(
        Source.id,
        Source.public_id,
        Source.name,
        Source.kind,
        Source.settings,
        Source.is_enabled,
        Source.baseline_run_id.is_not(None),
        Source.created_at,
        Source.version,
        SyncRun.public_id,
        SyncRun.state,
        SyncRun.ended_at,
    ).outerjoin(SyncRun, SyncRun.id == newest)


def _identities() -> sa.Select[*tuple[Any, ...]]:
    manager = aliased(Identity)
    return sa.select(
        Identity.id,
        Identity.public_id,
        Identity.kind,
        Identity.display_name,
        Identity.mail,
        Identity.employee_number,
        Identity.department,
        Identity.title,
        Identity.is_active,
        manager.public_id,
        manager.display_name,
        Identity.first_seen_at,
        Identity.ended_at,
    ).outerjoin(manager, manager.id == Identity.manager_id)


def _identity(row: Any) -> IdentityRow:
    return IdentityRow(*tuple(row))


def _accounts() -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        Account.id,
        Account.public_id,
        Source.name,
        Account.external_id,
        Account.login,
        Account.display_name,
        Account.mail,
        Account.kind,
        Account.status,
        Account.is_enabled,
        Account.correlation_rule,
        Account.address,
        Account.expires_at,
        Account.last_sign_in_at,
        Account.first_seen_at,
        Account.ended_at,
    ).join(Source, Source.id == Account.source_id)


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
