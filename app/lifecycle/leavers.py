"""Leavers against the clock: how long it took until every account of theirs was read back closed.

The clock starts when HR's word takes effect, or when it came if that was later; it stops when the
last account was read back as closed. Memberships go after that and are not what the limit is about.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.uow import Reading
from app.lifecycle.domain import LifecycleState, LifecycleType
from app.lifecycle.models import LifecycleEvent
from app.provisioning.domain import OVER, TaskState
from app.provisioning.models import Task
from app.provisioning.overview import NEEDS_A_PERSON
from app.provisioning.reconcile import CLOSING
from app.rulebook import service as rulebook

SPAN = timedelta(days=30)
LIVE = (LifecycleState.WAITING, LifecycleState.RUNNING, LifecycleState.FAILED)


@dataclass(frozen=True, slots=True)
class Leaver:
    """One leaver and the clock.

    Attributes:
        event_id: HR's own id of the event.
        name: Of the person, or None if HR named somebody nobody knows here.
        identity: Public id, or None.
        state: Where the event stands.
        effective_at: When it takes effect.
        began_at: When the clock started.
        due_at: When every account has to be closed.
        closed_at: When the last account was read back as closed, or None.
        accounts: How many accounts are to be closed.
        open_accounts: How many of them are not closed yet.
        operations: All operations of the plan.
        open_operations: How many of them are not over.
        failed: How many of them need a person.
        is_late: Closed after the limit, or not closed and past it.
    """

    event_id: str
    name: str | None
    identity: str | None
    state: LifecycleState
    effective_at: datetime
    began_at: datetime
    due_at: datetime
    closed_at: datetime | None
    accounts: int
    open_accounts: int
    operations: int
    open_operations: int
    failed: int
    is_late: bool

    @property
    def minutes(self) -> int | None:
        """How long closing took, in whole minutes, or None while it is not done."""
        if self.closed_at is None:
            return None
        return int((self.closed_at - self.began_at).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Clock:
    """All leavers of the last 30 days, and those whose day is to come.

    Attributes:
        limit_minutes: What the policy in force allows.
        leavers: Late ones first, then those under way, to come, and done.
    """

    limit_minutes: int
    leavers: Sequence[Leaver]

    @property
    def started(self) -> list[Leaver]:
        """Those whose clock runs or ran, and who had an account to close."""
        return [each for each in self.leavers if _counts(each)]

    @property
    def in_time(self) -> int:
        """How many were closed within the limit."""
        return sum(each.closed_at is not None and not each.is_late for each in self.started)

    @property
    def late(self) -> list[Leaver]:
        """Those who are past the limit and still not closed."""
        return [each for each in self.started if each.is_late and each.closed_at is None]

    @property
    def median_minutes(self) -> int | None:
        """The median time to close, or None if nobody was closed."""
        took = [each.minutes for each in self.started if each.minutes is not None]
        return int(statistics.median(took)) if took else None

    @property
    def slowest_minutes(self) -> int | None:
        """The longest time to close, or None if nobody was closed."""
        return max(
            (each.minutes for each in self.started if each.minutes is not None), default=None
        )


def _counts(leaver: Leaver) -> bool:
    return leaver.accounts > 0 and leaver.state not in (
        LifecycleState.WAITING,
        LifecycleState.CANCELLED,
    )


def clock(reading: Reading) -> Clock:
    """Return the leavers of the last 30 days, in two statements.

    Raises:
        NotPermittedError: The actor may not read HR events.
    """
    found = _found(
        reading,
        LifecycleEvent.state != LifecycleState.CANCELLED,
        sa.or_(LifecycleEvent.state.in_(LIVE), LifecycleEvent.received_at >= reading.now - SPAN),
    )
    return Clock(found.limit_minutes, sorted(found.leavers, key=_order))


def one(reading: Reading, event_id: str) -> Leaver | None:
    """Return one leaver by HR's own id, or None if the event is of another type.

    Raises:
        NotPermittedError: The actor may not read HR events.
    """
    return next(iter(_found(reading, LifecycleEvent.event_id == event_id).leavers), None)


def _found(reading: Reading, *conditions: sa.ColumnElement[bool]) -> Clock:
    reading.actor.require(Permission.HR_READ)
    limit = rulebook.policy_in_force(reading).leaver.limit_minutes
    is_closing = Task.verb.in_([each.value for each in CLOSING])
    is_closed = Task.state.in_((TaskState.VERIFIED, TaskState.APPLIED))
    rows = reading.session.execute(
        sa.select(
            LifecycleEvent.event_id,
            Identity.display_name,
            Identity.public_id,
            LifecycleEvent.state,
            LifecycleEvent.effective_at,
            LifecycleEvent.received_at,
            sa.func.count(sa.case((is_closing, 1))),
            sa.func.count(sa.case((sa.and_(is_closing, ~is_closed), 1))),
            sa.func.max(sa.case((is_closing, sa.func.coalesce(Task.verified_at, Task.applied_at)))),
            sa.func.count(Task.id),
            sa.func.count(sa.case((~Task.state.in_(OVER), 1))),
            sa.func.count(sa.case((Task.state.in_(NEEDS_A_PERSON), 1))),
        )
        .outerjoin(Identity, Identity.id == LifecycleEvent.identity_id)
        .outerjoin(Task, Task.plan_id == LifecycleEvent.plan_id)
        .where(LifecycleEvent.type == LifecycleType.LEAVER, *conditions)
        .group_by(LifecycleEvent.id, Identity.id)
        .order_by(LifecycleEvent.id.desc())
    )
    span = timedelta(minutes=limit)
    return Clock(limit, [_leaver(reading.now, span, row) for row in rows])


def _leaver(now: datetime, limit: timedelta, row: Any) -> Leaver:
    event_id, name, identity, state, effective, received, *counts = row
    accounts, open_accounts, last, operations, open_operations, failed = counts
    began = max(effective, received)
    closed_at = last if accounts and not open_accounts else None
    return Leaver(
        event_id=event_id,
        name=name,
        identity=identity,
        state=state,
        effective_at=effective,
        began_at=began,
        due_at=began + limit,
        closed_at=closed_at,
        accounts=accounts,
        open_accounts=open_accounts,
        operations=operations,
        open_operations=open_operations,
        failed=failed,
        is_late=accounts > 0 and (closed_at or now) > began + limit,
    )


ORDER = (LifecycleState.FAILED, LifecycleState.RUNNING, LifecycleState.WAITING)


def _order(leaver: Leaver) -> tuple[bool, int, float]:
    place = ORDER.index(leaver.state) if leaver.state in ORDER else len(ORDER)
    is_red = leaver.is_late and leaver.closed_at is None
    return not is_red, place, -leaver.began_at.timestamp()
