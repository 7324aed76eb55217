"""How somebody's access, or a group, came to be what it is: every interval, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory import past
from app.directory.domain import Provenance
from app.directory.models import (
    Account,
    Group,
    Identity,
    Membership,
    PastValue,
    Source,
    SyncRun,
)
from app.directory.queries.access import AccessRow, access_of, effective_access
from app.directory.queries.groups import GroupRow, show_group
from app.directory.queries.moment import held
from app.directory.queries.people import IdentityDetail, show_identity, visible_identity
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page

MOST_PAST = 50
KEYS = frozenset({"manager_id", "identity_id"})  # what is kept of these is a key
VALUES = (
    "name",
    "mail",
    "employee_number",
    "department",
    "title",
    "is_active",
    "manager_name",
)
ACCOUNT_VALUES = ("login", "name", "mail", "kind", "status", "is_enabled")
GROUP_VALUES = ("name", "description", "is_administrative", "rule")


@dataclass(frozen=True, slots=True)
class Interval:
    """An account directly in a group, from and until.

    Attributes:
        key: Of the membership.
        group: Public id of the group.
        group_name: Its name.
        source: Name of its source.
        login: Of the account.
        identity: Whose account it is, or None.
        identity_name: Their name, or None.
        valid_from: When it began.
        valid_to: When it ended, or None.
        provenance: Why it began.
        provenance_ref: Public id of the grant behind it, or None.
        run_from: The read that found it, or None if it was read back after a change of ours.
        run_to: The read that found it gone, or None.
    """

    key: int
    group: str
    group_name: str
    source: str
    login: str
    identity: str | None
    identity_name: str | None
    valid_from: datetime
    valid_to: datetime | None
    provenance: Provenance
    provenance_ref: str | None
    run_from: str | None
    run_to: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """What somebody gained and lost between a moment and now."""

    gained: Sequence[AccessRow]
    lost: Sequence[AccessRow]


def identity_history(reading: Reading, identity_id: str, window: Window) -> Page[Interval]:
    """List every interval of somebody's accounts, newest first, ended ones and accounts included.

    Raises:
        NotFoundError: There is none, or it is not theirs to see.
    """
    who = visible_identity(reading, identity_id, None)
    mine = Membership.account_id.in_(sa.select(Account.id).where(Account.identity_id == who.key))
    return _intervals(reading, mine, window)


def group_history(reading: Reading, group_id: str, window: Window) -> Page[Interval]:
    """List every interval of a group's direct members, newest first.

    Raises:
        NotFoundError: There is no such group.
    """
    group = show_group(reading, group_id)
    return _intervals(reading, Membership.group_id == group.key, window)


def changed_since(reading: Reading, identity_key: int, then: Sequence[AccessRow]) -> Changed:
    """Compare what somebody had with what they have now; four statements (no authorisation)."""
    now = effective_access(reading, identity_key)
    had = {(each.account, each.group.id) for each in then}
    has = {(each.account, each.group.id) for each in now}
    return Changed(
        [each for each in now if (each.account, each.group.id) not in had],
        [each for each in then if (each.account, each.group.id) not in has],
    )


@dataclass(frozen=True, slots=True)
class Past:
    """What something said before it was changed.

    Attributes:
        what: `account`, `group` or `identity`.
        login: Of the account it is about, or None.
        field: Which of its values.
        was: What it said; None is nothing. Of a return, when it had ended.
        until_at: Until when, in the source.
        known_at: When that got known here.
        run: Public id of the read that showed it, or None.
    """

    what: str
    login: str | None
    field: str
    was: Any
    until_at: datetime
    known_at: datetime
    run: str | None


def identity_past(reading: Reading, identity_id: str, *, most: int = MOST_PAST) -> list[Past]:
    """List what an identity and its accounts said before, the newest change first.

    Raises:
        NotFoundError: There is none, or it is not theirs to see.
    """
    who = visible_identity(reading, identity_id, None)
    mine = sa.select(Account.id).where(Account.identity_id == who.key)
    return _past(
        reading,
        sa.or_(PastValue.identity_id == who.key, PastValue.account_id.in_(mine)),
        most,
    )


def group_past(reading: Reading, group_id: str, *, most: int = MOST_PAST) -> list[Past]:
    """List what a group said before, the newest change first.

    Raises:
        NotFoundError: There is no such group.
    """
    return _past(reading, PastValue.group_id == show_group(reading, group_id).key, most)


def _past(reading: Reading, which: sa.ColumnElement[bool], most: int) -> list[Past]:
    rows = reading.session.execute(
        sa.select(PastValue, Account.login, SyncRun.public_id)
        .outerjoin(Account, Account.id == PastValue.account_id)
        .outerjoin(SyncRun, SyncRun.id == PastValue.run_id)
        .where(which)
        .order_by(PastValue.until_at.desc(), PastValue.id.desc())
        .limit(most)
    ).all()
    managers = [row[0].was for row in rows if row[0].field in KEYS and row[0].was is not None]
    chosen = sa.select(Identity.id, Identity.display_name).where(Identity.id.in_(managers))
    names = {row.id: row.display_name for row in reading.session.execute(chosen)}
    return [
        Past(
            what="account" if row.account_id else "group" if row.group_id else "identity",
            login=login,
            field=row.field,
            was=row.gone_at if row.field == past.ENDED else _named(row, names),
            until_at=row.until_at,
            known_at=row.known_at,
            run=run,
        )
        for row, login, run in rows
    ]


def _named(row: PastValue, names: Mapping[int, str]) -> Any:
    return names.get(row.was) if row.field in KEYS else row.was


@dataclass(frozen=True, slots=True)
class Value:
    """One value at two moments."""

    of: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class IdentityDifference:
    """What became of somebody between two moments."""

    gained: Sequence[AccessRow]
    lost: Sequence[AccessRow]
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """What became of a group between two moments: its direct members, and what it says."""

    joined: Sequence[Interval]
    left: Sequence[Interval]
    values: Sequence[Value]


def identity_difference(
    reading: Reading, identity_id: str, since: datetime, until: datetime | None
) -> IdentityDifference:
    """Compare what somebody had and was at one moment with another, or with now.

    Raises:
        NotFoundError: There is none, was none at the first moment, or it is not theirs to see.
    """
    before = show_identity(reading, identity_id, as_of=since)
    had = access_of(reading, before.accounts, as_of=since)
    return difference_to(reading, before, had, until)


def difference_to(
    reading: Reading, before: IdentityDetail, had: Sequence[AccessRow], until: datetime | None
) -> IdentityDifference:
    """Compare what somebody was and had, already looked up, with a later moment, or with now."""
    after = _shown_or_none(reading, before.row.id, until)
    has = access_of(reading, after.accounts, as_of=until) if after else []
    keys_before = {(each.account, each.group.id) for each in had}
    keys_after = {(each.account, each.group.id) for each in has}
    values = _values("", before.row, after.row if after else None, VALUES)
    accounts = {each.id: each for each in after.accounts} if after else {}
    for each in before.accounts:
        values += _values(each.login, each, accounts.get(each.id), ACCOUNT_VALUES)
    return IdentityDifference(
        [each for each in has if (each.account, each.group.id) not in keys_before],
        [each for each in had if (each.account, each.group.id) not in keys_after],
        values,
    )


def _shown_or_none(
    reading: Reading, identity_id: str, as_of: datetime | None
) -> IdentityDetail | None:
    try:
        found = show_identity(reading, identity_id, as_of=as_of)
    except NotFoundError:  # it had ended by then
        return None
    return None if as_of is None and found.row.ended_at is not None else found


def group_difference(
    reading: Reading, group_id: str, since: datetime, until: datetime | None
) -> GroupDifference:
    """Compare a group and its direct members at one moment with another, or with now.

    Raises:
        NotFoundError: There is no such group, or was none at the first moment.
    """
    before = show_group(reading, group_id, as_of=since)
    mine = Membership.group_id == before.key
    at_first, at_last = held(Membership, since), held(Membership, until)
    joined = _chosen(reading, sa.and_(mine, at_last, ~at_first))
    left = _chosen(reading, sa.and_(mine, at_first, ~at_last))
    # An interval that ended and one that began again say of the same account that nothing changed.
    stayed = {each.login for each in joined} & {each.login for each in left}
    try:
        after: GroupRow | None = show_group(reading, group_id, as_of=until)
    except NotFoundError:
        after = None
    if until is None and after is not None and after.ended_at is not None:
        after = None
    return GroupDifference(
        [each for each in joined if each.login not in stayed],
        [each for each in left if each.login not in stayed],
        _values("", before, after, GROUP_VALUES),
    )


def _values(of: str, before: Any, after: Any, names: Sequence[str]) -> list[Value]:
    """Compare rows value by value; one that is no more is told by its end alone."""
    if after is None:
        return [Value(of, "ended", before=False, after=True)]
    pairs = ((name, getattr(before, name), getattr(after, name)) for name in names)
    return [Value(of, name, was, now) for name, was, now in pairs if was != now]


def _intervals(reading: Reading, mine: Any, window: Window) -> Page[Interval]:
    """Choose keys first, open and closed intervals apart, each by its own index."""
    after = window.after_id()
    halves = []
    for half in (Membership.valid_to.is_(None), Membership.valid_to.is_not(None)):
        chosen = sa.select(Membership.id).where(mine, half)
        if after:
            chosen = chosen.where(Membership.id < after)
        newest = chosen.order_by(Membership.id.desc()).limit(window.limit + 1).subquery()
        halves.append(sa.select(newest.c.id))
    chosen_ones = _rows(Membership.id.in_(sa.union_all(*halves))).limit(window.limit + 1)
    rows = reading.session.execute(chosen_ones)
    return page([Interval(*tuple(row)) for row in rows], window, lambda each: [each.key])


def _chosen(reading: Reading, which: sa.ColumnElement[bool]) -> list[Interval]:
    return [Interval(*tuple(row)) for row in reading.session.execute(_rows(which))]


def _rows(which: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    begun, ended = aliased(SyncRun), aliased(SyncRun)
    return (
        sa.select(
            Membership.id,
            Group.public_id,
            Group.name,
            Source.name,
            Account.login,
            Identity.public_id,
            Identity.display_name,
            Membership.valid_from,
            Membership.valid_to,
            Membership.provenance,
            Membership.provenance_ref,
            begun.public_id,
            ended.public_id,
        )
        .join(Group, Group.id == Membership.group_id)
        .join(Source, Source.id == Group.source_id)
        .join(Account, Account.id == Membership.account_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .outerjoin(begun, begun.id == Membership.run_from)
        .outerjoin(ended, ended.id == Membership.run_to)
        .where(which)
        .order_by(Membership.id.desc())
    )
