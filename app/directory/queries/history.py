"""How somebody's access, or a group, came to be what it is: every interval, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.domain import Provenance
from app.directory.models import Account, Group, Identity, Membership, Source, SyncRun
from app.directory.queries.access import AccessRow, effective_access
from app.directory.queries.groups import show_group
from app.directory.queries.people import visible_identity
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


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
    begun, ended = aliased(SyncRun), aliased(SyncRun)
    rows = reading.session.execute(
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
        .where(Membership.id.in_(sa.union_all(*halves)))
        .order_by(Membership.id.desc())
        .limit(window.limit + 1)
    )
    return page([Interval(*tuple(row)) for row in rows], window, lambda each: [each.key])
