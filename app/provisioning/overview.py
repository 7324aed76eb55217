"""The operator's home: how every source is, what waits, what needs a person; eight statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from app.directory.domain import SyncState
from app.directory.models import Group, Source, SyncRun
from app.kernel.actor import Permission
from app.kernel.uow import Reading
from app.provisioning import queries
from app.provisioning.domain import FindingState, TaskState
from app.provisioning.models import Finding, Task
from app.web.paging import Window

HOURS = 24
STALE = timedelta(hours=24)
FEW = 5
WAITING = (TaskState.WAITING, TaskState.QUEUED)
UNDER_WAY = (TaskState.RUNNING, TaskState.REFUTED, TaskState.WAITS_FOR_IMPORT)
NEEDS_A_PERSON = (TaskState.FAILED, TaskState.HELD)
UNDECIDED = (FindingState.OPEN, FindingState.FAILED)
GOOD = (SyncState.COMPLETE, SyncState.ACCEPTED)
BAD = (SyncState.FAILED, SyncState.INCOMPLETE, SyncState.REFUSED)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source is.

    Attributes:
        name: Its name.
        kind: What it is.
        health: `healthy`, `stale`, `never_read`, `incomplete`, `failed`, `parked` or `disabled`.
        why: What the newest run said, or None.
        run: Public id of the newest run, or None.
        last_complete_at: When it was last read to its end, or None.
        accounts: How many accounts its last read of everything counted, or None before one did.
        drift: Open findings.
        queue: Operations that are not over.
        hours: For each of the last 24 hours, oldest first: `good`, `bad`, `parked` or `none`.
    """

    name: str
    kind: str
    health: str
    why: str | None
    run: str | None
    last_complete_at: datetime | None
    accounts: int | None
    drift: int
    queue: int
    hours: Sequence[str]


@dataclass(frozen=True, slots=True)
class Queue:
    """What is to be carried out.

    Attributes:
        waiting: Operations that nobody has taken yet.
        oldest_at: Since when the oldest of them waits, or None.
        under_way: Being carried out, or read back.
        needs_a_person: Failed or held.
        done_today: Read back since midnight (UTC).
    """

    waiting: int
    oldest_at: datetime | None
    under_way: int
    needs_a_person: int
    done_today: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the operator's home that is this stage's to tell."""

    sources: Sequence[SourceHealth]
    queue: Queue
    failed: Sequence[queries.TaskRow]
    held: Sequence[queries.PlanRow]
    drift_open: int
    drift_new: int
    drift: Sequence[queries.FindingRow]

    @property
    def healthy(self) -> int:
        """How many sources are well."""
        return sum(each.health == "healthy" for each in self.sources)


def overview(reading: Reading) -> Overview:
    """Return how things stand.

    Raises:
        NotPermittedError: The actor may not see tasks, sources or drift.
    """
    for each in (Permission.TASK_READ, Permission.SOURCE_READ, Permission.DRIFT_READ):
        reading.actor.require(each)
    is_open, is_new = _drift_counts(reading)
    return Overview(
        sources=_sources(reading),
        queue=_queue(reading),
        failed=queries.list_tasks(reading, Window(FEW), states=NEEDS_A_PERSON).items,
        held=queries.list_plans(reading, Window(FEW), held=True).items,
        drift_open=is_open,
        drift_new=is_new,
        drift=queries.list_findings(reading, Window(FEW), states=UNDECIDED).items,
    )


def needing_a_person(reading: Reading) -> int:
    """Count the operations that failed or are held, for the rail; 0 for who may not see them."""
    if not reading.actor.may(Permission.TASK_READ):
        return 0
    found = reading.session.scalar(
        sa.select(sa.func.count()).select_from(Task).where(Task.state.in_(NEEDS_A_PERSON))
    )
    return found or 0


def _queue(reading: Reading) -> Queue:
    midnight = datetime.combine(reading.now.date(), time(), UTC)
    open_states = (*WAITING, *UNDER_WAY, *NEEDS_A_PERSON)
    is_done = sa.and_(Task.state == TaskState.VERIFIED, Task.verified_at >= midnight)
    rows = reading.session.execute(
        sa.select(Task.state, sa.func.count(), sa.func.min(Task.created_at))
        .where(sa.or_(Task.state.in_(open_states), is_done))
        .group_by(Task.state)
    ).all()
    count: dict[TaskState, int] = defaultdict(int)
    oldest: list[datetime] = []
    for state, number, since in rows:
        count[state] = number
        if state in WAITING:
            oldest.append(since)
    return Queue(
        waiting=sum(count[each] for each in WAITING),
        oldest_at=min(oldest, default=None),
        under_way=sum(count[each] for each in UNDER_WAY),
        needs_a_person=sum(count[each] for each in NEEDS_A_PERSON),
        done_today=count[TaskState.VERIFIED],
    )


def _drift_counts(reading: Reading) -> tuple[int, int]:
    since = reading.now - timedelta(days=1)
    row = reading.session.execute(
        sa.select(
            sa.func.count(),
            sa.func.count(sa.case((Finding.found_at >= since, 1))),
        ).where(Finding.state.in_(UNDECIDED))
    ).one()
    return row[0], row[1]


def _sources(reading: Reading) -> list[SourceHealth]:
    hours = _hours(reading)
    rows = reading.session.execute(_source_rows()).all()
    found = [_health(reading.now, row, hours.get(row.id, {})) for row in rows]
    return sorted(found, key=lambda each: (each.health == "healthy", each.name))


def _source_rows() -> sa.Select[*tuple[Any, ...]]:
    def newest(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
        return (
            sa.select(sa.func.max(SyncRun.id))
            .where(SyncRun.source_id == Source.id, *conditions)
            .correlate(Source)
            .scalar_subquery()
        )

    complete, whole = sa.orm.aliased(SyncRun), sa.orm.aliased(SyncRun)
    return (
        sa.select(
            Source.id,
            Source.name,
            Source.kind,
            Source.is_enabled,
            SyncRun.public_id.label("run"),
            SyncRun.state,
            SyncRun.why,
            complete.ended_at.label("complete_at"),
            # As the read counted them: to count them again takes as long as there are many.
            # A read of changes counts only what changed.
            whole.counts["accounts"].as_integer().label("accounts"),
            sa.select(sa.func.count(Finding.id))
            .join(Group, Group.id == Finding.group_id)
            .where(
                Group.source_id == Source.id,
                Finding.state.in_(UNDECIDED),
            )
            .correlate(Source)
            .scalar_subquery()
            .label("drift"),
            sa.select(sa.func.count(Task.id))
            .where(
                Task.source_id == Source.id,
                Task.state.in_((*WAITING, *UNDER_WAY, *NEEDS_A_PERSON)),
            )
            .correlate(Source)
            .scalar_subquery()
            .label("queue"),
        )
        .outerjoin(SyncRun, SyncRun.id == newest(SyncRun.state != SyncState.RUNNING))
        .outerjoin(complete, complete.id == newest(SyncRun.state.in_(GOOD)))
        .outerjoin(whole, whole.id == newest(SyncRun.state.in_(GOOD), SyncRun.is_delta.is_(False)))
        .where(Source.removed_at.is_(None))
        .order_by(Source.id)
    )


def _health(now: datetime, row: Any, hours: Mapping[datetime, str]) -> SourceHealth:
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    shown = [this_hour - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
    return SourceHealth(
        name=row.name,
        kind=row.kind,
        health=_word(now, row),
        why=row.why,
        run=row.run,
        last_complete_at=row.complete_at,
        accounts=row.accounts,
        drift=row.drift,
        queue=row.queue,
        hours=[hours.get(each, "none") for each in shown],
    )


def _word(now: datetime, row: Any) -> str:
    if not row.is_enabled:
        return "disabled"
    if row.state is None:
        return "never_read"
    if row.state in (SyncState.FAILED, SyncState.INCOMPLETE, SyncState.PARKED):
        return str(row.state.value)
    if row.complete_at is None or now - row.complete_at > STALE:
        return "stale"
    return "healthy"


def _hours(reading: Reading) -> dict[int, dict[datetime, str]]:
    """Return, for each source, how the reads of each of the last 24 hours went: the worst one."""
    begin = reading.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    parts = [sa.extract(part, SyncRun.begun_at) for part in ("year", "month", "day", "hour")]
    rows: Any = reading.session.execute(
        sa.select(SyncRun.source_id, SyncRun.state, *parts)
        .where(SyncRun.begun_at >= begin, SyncRun.state != SyncState.RUNNING)
        .group_by(SyncRun.source_id, SyncRun.state, *parts)
    )
    found: dict[int, dict[datetime, str]] = defaultdict(dict)
    rank = ("good", "parked", "bad")
    for source, state, year, month, day, hour_of_day in rows:
        hour = datetime(int(year), int(month), int(day), int(hour_of_day), tzinfo=UTC)
        word = "good" if state in GOOD else "bad" if state in BAD else "parked"
        if rank.index(word) >= rank.index(found[source].get(hour, "good")):
            found[source][hour] = word
    return found
