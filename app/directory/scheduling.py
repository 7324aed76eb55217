"""When a source is read next, by itself: what changed every few minutes, all of it every day.

A source is read by itself only after a person has had it read once. A run that waits for a person
holds the next one back, and so does one under way. A whole read is always due some time; one that
came to nothing is tried again after an hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.domain import SyncState
from app.directory.models import Source, SyncRun
from app.kernel.uow import Reading

TRY_AGAIN = timedelta(hours=1)


class Waits(StrEnum):
    """Why a source is not read by itself."""

    NEVER_READ = "never_read"
    DISABLED = "disabled"
    RUNNING = "running"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the runs of a source so far.

    Attributes:
        last_at: When its last run began, or None.
        last_state: How that ended, or None.
        whole_at: When the last stored whole read began, or None.
        tried_at: When the last whole read began, stored or not, or None.
        tells_changes: Whether the next read can go on from the last.
    """

    last_at: datetime | None = None
    last_state: SyncState | None = None
    whole_at: datetime | None = None
    tried_at: datetime | None = None
    tells_changes: bool = False


@dataclass(frozen=True, slots=True)
class Next:
    """When a source is read next, and how.

    Attributes:
        at: When it is due; in the past, it is due now. None if it is not.
        is_full: Whether all of it is read then.
        full_at: When all of it is read next, or None.
        whole_at: When all of it was read last, or None.
        waits: Why it is not due, or None.
    """

    at: datetime | None = None
    is_full: bool = False
    full_at: datetime | None = None
    whole_at: datetime | None = None
    waits: Waits | None = None


def next_read(
    past: Past, *, is_enabled: bool, has_baseline: bool, delta_minutes: int, full_hours: int
) -> Next:
    """Say when a source is read next. Pure.

    Args:
        past: Its runs so far.
        is_enabled: Whether it is read at all.
        has_baseline: Whether it was read once.
        delta_minutes: Between two reads of what changed; 0 is never.
        full_hours: Between two reads of all of it.
    """
    found = Next(whole_at=past.whole_at)
    if not is_enabled:
        return replace(found, waits=Waits.DISABLED)
    if not has_baseline or past.last_at is None or past.whole_at is None:
        return replace(found, waits=Waits.NEVER_READ)
    full_at = past.whole_at + timedelta(hours=full_hours)
    if past.tried_at is not None and past.tried_at > past.whole_at:
        full_at = max(full_at, past.tried_at + TRY_AGAIN)
    found = replace(found, full_at=full_at)
    if past.last_state is SyncState.RUNNING:
        return replace(found, waits=Waits.RUNNING)
    if past.last_state is SyncState.PARKED:
        return replace(found, waits=Waits.PARKED)
    if delta_minutes and past.tells_changes:
        delta_at = past.last_at + timedelta(minutes=delta_minutes)
        if delta_at < full_at:
            return replace(found, at=delta_at)
    return replace(found, at=full_at, is_full=True)


def next_reads(reading: Reading, sources: Sequence[int]) -> Mapping[int, Next]:
    """Return when each of some sources is read next, by key; one statement."""
    return {
        row.id: next_read(
            Past(row.last_at, row.last_state, row.whole_at, row.tried_at, bool(row.cursor)),
            is_enabled=row.is_enabled,
            has_baseline=row.baseline_run_id is not None,
            delta_minutes=row.delta_minutes,
            full_hours=row.full_hours,
        )
        for row in reading.session.execute(_sources().where(Source.id.in_(tuple(sources))))
    }


def due(reading: Reading) -> list[tuple[str, bool]]:
    """Return the names of the sources that are due now, and whether to read all of each."""
    found = []
    rows = reading.session.execute(
        sa.select(Source.id, Source.name).where(
            Source.removed_at.is_(None),
            Source.is_enabled,
            Source.baseline_run_id.is_not(None),
        )
    ).all()
    plans = next_reads(reading, [row.id for row in rows])
    for row in rows:
        plan = plans[row.id]
        if plan.at is not None and plan.at <= reading.now:
            is_whole_due = plan.full_at is not None and plan.full_at <= reading.now
            found.append((row.name, is_whole_due))
    return found


def _sources() -> sa.Select[*tuple[Any, ...]]:
    last, whole, tried, stored = (aliased(SyncRun) for _ in range(4))
    return (
        sa.select(
            Source.id,
            Source.is_enabled,
            Source.baseline_run_id,
            Source.delta_minutes,
            Source.full_hours,
            last.begun_at.label("last_at"),
            last.state.label("last_state"),
            whole.begun_at.label("whole_at"),
            tried.begun_at.label("tried_at"),
            stored.cursor.label("cursor"),
        )
        .select_from(Source)
        .outerjoin(last, last.id == _newest())
        .outerjoin(whole, whole.id == _newest(SyncRun.is_stored, ~SyncRun.is_delta))
        .outerjoin(tried, tried.id == _newest(~SyncRun.is_delta))
        .outerjoin(stored, stored.id == _newest(SyncRun.is_stored))
    )


def _newest(*conditions: sa.ColumnExpressionArgument[bool]) -> sa.ScalarSelect[int]:
    return (
        sa.select(sa.func.max(SyncRun.id))
        .where(SyncRun.source_id == Source.id, *conditions)
        .correlate(Source)
        .scalar_subquery()
    )
