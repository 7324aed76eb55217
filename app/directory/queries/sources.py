"""Reads of sources and their runs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from app.directory import scheduling, unread
from app.directory.domain import SyncState
from app.directory.models import Group, Source, SyncRun
from app.directory.population import GROUP_CODES
from app.directory.queries.matching import holds
from app.directory.syncing import run_row
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page

SIMULATED = "memory"
DELTA, FULL = "delta", "full"


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
    delta_minutes: int
    full_hours: int
    most_accounts_percent: int
    most_memberships_percent: int
    most_of_group_percent: int
    large_group: int
    log_days: int


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
class UnreadRow:
    """A group whose members a run could not read.

    Attributes:
        external_id: Its own identifier in the source.
        group: Its public id, or None if it is not stored.
        name: What it is called, or None if it is not stored.
        since: When its members were missed first, or None if they are known by now.
        is_excluded: Whether a person has excluded it by name.
    """

    external_id: str
    group: str | None
    name: str | None
    since: datetime | None
    is_excluded: bool


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
    mode: str
    is_stored: bool
    stored_at: datetime | None
    started_from: str | None
    cursor: str | None
    unread: list[UnreadRow]


def list_sources(reading: Reading, window: Window, *, q: str | None = None) -> Page[SourceRow]:
    """List the sources, oldest first, those removed left out; one statement.

    Args:
        reading: Who looks.
        window: Which part.
        q: Part of a name in any case.
    """
    reading.actor.require(Permission.SOURCE_READ)
    found = _sources().where(Source.removed_at.is_(None), Source.id > window.after_id())
    if q:
        found = found.where(holds(reading, Source.name, q))
    rows = reading.session.execute(found.order_by(Source.id).limit(window.limit + 1))
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
        raise NotFoundError(phrase("There is no source named %(name)s.", name=name))
    return SourceRow(*tuple(row))


def next_read_of(reading: Reading, source: SourceRow) -> scheduling.Next:
    """Return when a source is read next by itself."""
    reading.actor.require(Permission.SOURCE_READ)
    return scheduling.next_reads(reading, [source.key])[source.key]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A sync run in a list."""

    key: int
    id: str
    state: SyncState
    is_baseline: bool
    begun_at: datetime
    ended_at: datetime | None
    counts: dict[str, Any]
    why: str | None
    is_delta: bool

    @property
    def changes(self) -> int:
        """How many records appeared, changed or ended by it."""
        ends = ("_appeared", "_changed", "_ended")
        return sum(count for name, count in self.counts.items() if name.endswith(ends))


def recent_runs(reading: Reading, source: SourceRow, window: Window) -> Page[RunLine]:
    """List the reads of a source, newest first."""
    reading.actor.require(Permission.SOURCE_READ)
    wanted = sa.select(
        SyncRun.id,
        SyncRun.public_id,
        SyncRun.state,
        SyncRun.is_baseline,
        SyncRun.begun_at,
        SyncRun.ended_at,
        SyncRun.counts,
        SyncRun.why,
        SyncRun.is_delta,
    ).where(SyncRun.source_id == source.key)
    after = window.after_id()
    if after:
        wanted = wanted.where(SyncRun.id < after)
    rows = reading.session.execute(wanted.order_by(SyncRun.id.desc()).limit(window.limit + 1))
    return page([RunLine(*tuple(row)) for row in rows], window, lambda row: [row.key])


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
        mode=DELTA if run.is_delta else FULL,
        is_stored=run.is_stored,
        stored_at=run.stored_at,
        started_from=run.started_from,
        cursor=run.cursor,
        unread=_unread(reading, source, run),
    )


def _unread(reading: Reading, source: Source, run: SyncRun) -> list[UnreadRow]:
    """Return the groups whose members a run missed, by name where they are stored."""
    missed = [each["about"] for each in run.problems if each["code"] in GROUP_CODES]
    if not missed:
        return []
    excluded = unread.excluded(reading, source)
    rows: dict[str, Any] = {
        row.external_id: row
        for row in reading.session.execute(
            sa.select(Group.external_id, Group.public_id, Group.name, Group.unread_since).where(
                Group.source_id == source.id, Group.external_id.in_(missed)
            )
        )
    }
    found = [(name, rows.get(name)) for name in missed]
    return [
        UnreadRow(
            name,
            row and row.public_id,
            row and row.name,
            row and row.unread_since,
            is_excluded=name in excluded,
        )
        for name, row in found
    ]


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
        Source.delta_minutes,
        Source.full_hours,
        Source.most_accounts_percent,
        Source.most_memberships_percent,
        Source.most_of_group_percent,
        Source.large_group,
        Source.log_days,
    ).outerjoin(SyncRun, SyncRun.id == newest)
