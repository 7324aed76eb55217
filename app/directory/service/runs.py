"""Commands on sync runs: ask for one, accept or refuse one that waits for a person."""

from datetime import timedelta

import sqlalchemy as sa

from app import events
from app.directory import reading, scheduling, syncing
from app.directory.domain import SyncState
from app.directory.models import ParkedRead, Source, SyncRun
from app.directory.service.sources import live_source
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.jobs import Job, Queue
from app.kernel.phrases import phrase
from app.kernel.uow import Transactions, UnitOfWork

SYNC = "sync"
GIVEN_UP_AFTER = timedelta(hours=6)


def request_sync(
    uow: UnitOfWork,
    *,
    source_name: str,
    full: bool = False,
    dry_run: bool = False,
    is_enqueued: bool = True,
) -> SyncRun:
    """Ask for a run of a source.

    Args:
        uow: The unit of work.
        source_name: The source.
        full: Read it whole, and compare every group's members, whatever the digests say; otherwise
            only what changed since the last stored run is read, if the source can tell that.
        dry_run: Read it whole, show the difference and keep it for a person, whatever it is.
        is_enqueued: Leave the run to a worker; otherwise the caller carries it out itself.

    Raises:
        NotFoundError: There is no such source.
        ConflictError: It is disabled, or a run of it is under way.
    """
    uow.actor.require(Permission.SYNC_RUN)
    source = live_source(uow, source_name)
    uow.session.refresh(source, with_for_update=True)  # two who ask at once are one after the other
    if not source.is_enabled:
        raise ConflictError(
            phrase(
                "The source %(source)s is disabled: `source set` enables it again.",
                source=source.name,
            )
        )
    _refuse_second_run(uow, source)
    run = SyncRun(
        public_id=uow.ids.new(),
        source_id=source.id,
        state=SyncState.RUNNING,
        begun_at=uow.now,
        started_by=uow.actor.public_id,
        endpoint="",
        account="",
        queries=[],
        problems=[],
        counts={},
    )
    uow.session.add(run)
    uow.session.flush()
    if is_enqueued:
        uow.enqueue(
            Job(Queue.SYNC, SYNC, run.public_id, payload_of(run, full=full, dry_run=dry_run))
        )
    return run


def tick(tx: Transactions) -> int:
    """Ask for the runs of sources that are due; called once a minute.

    Returns:
        How many were asked for.
    """
    with tx.read() as look:
        due = scheduling.due(look)
    asked = 0
    for name, is_full in due:
        with tx.write() as uow:
            try:
                request_sync(uow, source_name=name, full=is_full)
                asked += 1
            except (ConflictError, NotFoundError):  # somebody was quicker, or took it out
                continue
    return asked


def payload_of(run: SyncRun, *, full: bool, dry_run: bool) -> dict[str, str]:
    """Return what the runner of a run is told."""
    payload = {"run": run.public_id}
    if full:
        payload[reading.FULL] = reading.YES
    if dry_run:
        payload[reading.DRY_RUN] = reading.YES
    return payload


def accept_run(uow: UnitOfWork, *, run_id: str) -> SyncRun:
    """Store exactly what a parked run has read.

    Raises:
        NotFoundError: There is no such run.
        ConflictError: It is not parked, or a newer one was stored since.
    """
    uow.actor.require(Permission.SYNC_JUDGE)
    run = _parked(uow, run_id)
    syncing.accept(uow, run)
    return run


def refuse_run(uow: UnitOfWork, *, run_id: str) -> SyncRun:
    """Forget what a parked run has read, or give up one whose process is gone.

    The store stays as it is. A process that is still reading for a run that was given up finds
    so at its end, and stores nothing.

    Raises:
        NotFoundError: There is no such run.
        ConflictError: It is neither parked nor under way.
    """
    uow.actor.require(Permission.SYNC_JUDGE)
    run = syncing.run_row(uow, run_id, is_locked=True)
    source = uow.session.get_one(Source, run.source_id)
    if run.state is SyncState.RUNNING:
        _give_up(uow, source, run, "Somebody gave it up before its end.")
        return run
    run = _parked(uow, run_id)
    run.state = SyncState.REFUSED
    uow.session.delete(uow.session.get_one(ParkedRead, run.id))
    uow.record(events.SyncRefused(subject=run.public_id, source=source.public_id))
    return run


def _parked(uow: UnitOfWork, run_id: str) -> SyncRun:
    run = syncing.run_row(uow, run_id, is_locked=True)
    if run.state is not SyncState.PARKED:
        raise ConflictError(
            phrase(
                "This run is %(state)s; only a parked one waits for a person.",
                state=run.state,
            ),
            current={"state": run.state.value},
        )
    return run


def _refuse_second_run(uow: UnitOfWork, source: Source) -> None:
    """One run at a time; a run whose process died long ago is given up."""
    running = uow.session.scalars(
        sa.select(SyncRun).where(SyncRun.source_id == source.id, SyncRun.state == SyncState.RUNNING)
    ).all()
    for run in running:
        if run.begun_at > uow.now - GIVEN_UP_AFTER:
            raise ConflictError(
                phrase(
                    "The run %(run)s of %(source)s is under way: wait for its end, or give it "
                    "up if its process is gone (`sync --refuse %(run)s`).",
                    run=run.public_id,
                    source=source.name,
                ),
                current={"run": run.public_id},
            )
        _give_up(uow, source, run, "It never came to an end: its process was stopped.")


def _give_up(uow: UnitOfWork, source: Source, run: SyncRun, why: str) -> None:
    run.state = SyncState.FAILED
    run.ended_at = uow.now
    run.why = why
    uow.record(events.SyncFailed(subject=run.public_id, source=source.public_id, code="given_up"))
