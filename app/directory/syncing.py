"""A sync run: read outside any transaction, then compare, judge and store in one.

* An incomplete run leaves its own record and nothing else.
* The first complete run of a source is its baseline.
* A run that would end too much, or that follows a change of scope, or that was asked for as a dry
  run, is parked: what it read is kept, and a person accepts or refuses exactly that.
* A complete run that shows nothing new writes its own record and one ledger entry.
* One that takes longer than a second tells in its own record how far it has come (`progress.py`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from app import events
from app.directory import applying, difference, intake, population, reconcile
from app.directory.connecting import Connect, connection
from app.directory.difference import Difference
from app.directory.domain import Provenance, SyncState
from app.directory.models import Group, Membership, ParkedRead, Source, SyncRun
from app.directory.population import Read
from app.directory.progress import Progress
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.sealed import SealError, SealKey
from app.kernel.uow import Reading, Transactions, UnitOfWork
from connectors.errors import ConnectorError
from connectors.records import Problem

# Settings that say how a source is reached, not what of it is seen.
TRANSPORT = frozenset({"uri", "ca_file", "start_tls", "page_size", "breaks"})
DRY_RUN = "dry_run"
FULL = "full"
YES = "yes"
MOST_PROBLEMS = 500


def run_sync(tx: Transactions, connect: Connect, seal: SealKey, payload: Mapping[str, str]) -> None:
    """Carry out a run that was asked for; the runner of `sync` jobs. Safe to repeat.

    Args:
        tx: Opens transactions.
        connect: Makes connectors.
        seal: Opens the source's secrets.
        payload: `run` (public id); `dry_run` and `full`, each `yes` or absent.
    """
    with tx.read() as reading:
        begun_at = reading.now
        run = run_row(reading, payload["run"])
        if run.state is not SyncState.RUNNING:
            return
        source_id = run.source_id
        source = reading.session.get_one(Source, source_id)
        looks_first = source.own_account_external_id is None
    try:
        with tx.read() as reading:
            kind, settings, secrets = connection(reading, source_id, seal)
        connector = connect(kind, settings, secrets)
        try:
            own_account_id = connector.check().own_account_id if looks_first else None
            read = intake.collect(connector, Progress(tx, payload["run"], begun_at))
        finally:
            connector.close()
    except ConnectorError as error:
        _fail(tx, payload["run"], error.code, str(error))
        return
    except ConflictError as error:  # it was disabled while the run waited
        _fail(tx, payload["run"], error.code, error.detail)
        return
    except SealError as error:
        _fail(tx, payload["run"], "sealed", str(error))
        return
    with tx.write() as uow:
        _settle(uow, payload, read, begun_at, own_account_id)


def accept(uow: UnitOfWork, run: SyncRun) -> None:
    """Store what a parked run has read; a person has looked at the difference.

    Args:
        uow: The unit of work.
        run: A parked run.

    Raises:
        ConflictError: A newer run was stored since.
    """
    source = _locked_source(uow, run.source_id)
    parked = uow.session.get_one(ParkedRead, run.id)
    _refuse_if_overtaken(uow, run)
    found = difference.find(
        uow.session,
        source.id,
        intake.unpack(parked.body),
        begun_at=run.begun_at,
        is_full=False,
    )
    is_new_scope = source.scope_digest != parked.scope_digest
    run.counts = found.counts()
    run.state = SyncState.ACCEPTED
    run.ended_at = uow.now
    uow.session.delete(parked)
    uow.record(events.SyncAccepted(subject=run.public_id, source=source.public_id))
    _store(uow, source, run, found, scope_digest=parked.scope_digest, is_new_scope=is_new_scope)


def scope_digest(source: Source) -> str:
    """Return a digest of the settings that decide what is seen of a source."""
    seen = {key: value for key, value in source.settings.items() if key not in TRANSPORT}
    return hashlib.sha256(orjson.dumps(seen, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _settle(
    uow: UnitOfWork,
    payload: Mapping[str, str],
    read: Read,
    begun_at: datetime,
    own_account_id: str | None,
) -> None:
    """Judge a read and store it, park it, or leave it at the run's own record."""
    run = run_row(uow, payload["run"], is_locked=True)
    if run.state is not SyncState.RUNNING:
        return
    source = _locked_source(uow, run.source_id)
    run.begun_at = begun_at
    run.ended_at = uow.now
    judged = population.judge(read)
    _describe(run, read, judged.problems)
    if judged.why is not None:
        _leave_incomplete(uow, source, run, judged.why)
        return
    if own_account_id is not None:
        source.own_account_external_id = own_account_id
    is_full = payload.get(FULL) == YES
    with uow.session.no_autoflush:  # the run's row is written once, at the end
        found = difference.find(uow.session, source.id, read, begun_at=begun_at, is_full=is_full)
    run.counts = found.counts()
    run.digest = found.digest
    run.problems = _told([*judged.problems, *found.problems])
    with uow.session.no_autoflush:
        why = _why_to_wait(uow, source, found, is_dry=payload.get(DRY_RUN) == YES)
    if why is not None:
        run.why = why
        _park(uow, source, run, read, found)
        return
    run.state = SyncState.COMPLETE
    _store(uow, source, run, found, scope_digest=scope_digest(source), is_new_scope=False)


def _store(
    uow: UnitOfWork,
    source: Source,
    run: SyncRun,
    found: Difference,
    *,
    scope_digest: str,
    is_new_scope: bool,
) -> None:
    run.is_baseline = source.baseline_run_id is None
    starts = run.is_baseline or is_new_scope
    applying.apply(
        uow,
        source,
        run,
        found,
        otherwise=Provenance.IMPORTED_AT_START if starts else Provenance.OBSERVED,
    )
    if run.is_baseline:
        source.baseline_run_id = run.id
    if source.scope_digest != scope_digest:
        source.scope_digest = scope_digest
    uow.record(
        events.DirectorySynced(
            subject=run.public_id,
            source=source.public_id,
            is_baseline=run.is_baseline,
            counts=found.counts(),
            digest=run.digest or "",
        )
    )


def _why_to_wait(uow: UnitOfWork, source: Source, found: Difference, *, is_dry: bool) -> str | None:
    """Say why a person has to look at this before it is stored, or None."""
    if is_dry:
        return "A dry run: look at the difference, then accept or refuse it."
    if source.baseline_run_id is None or found.is_empty:
        return None
    if source.scope_digest != scope_digest(source):
        return "What is read of this source was changed since the last stored run."
    return _too_many_ends(uow, source, found)


def _too_many_ends(uow: UnitOfWork, source: Source, found: Difference) -> str | None:
    accounts = sum(not each.is_ended for each in found.accounts.known.values())
    ended = len(found.accounts.compared.ended)
    if reconcile.would_end_too_much(ended, accounts):
        return f"{ended} of {accounts} accounts would end."
    if len(found.left) > reconcile.LEAST_ENDS:
        memberships = _open_memberships(uow, source.id)
        if reconcile.would_end_too_much(len(found.left), memberships):
            return f"{len(found.left)} of {memberships} memberships would end."
    return None


def _open_memberships(uow: UnitOfWork, source_id: int) -> int:
    return (
        uow.session.scalar(
            sa.select(sa.func.count())
            .select_from(Membership)
            .join(Group, Group.id == Membership.group_id)
            .where(Membership.valid_to.is_(None), Group.source_id == source_id)
        )
        or 0
    )


def _park(uow: UnitOfWork, source: Source, run: SyncRun, read: Read, found: Difference) -> None:
    run.state = SyncState.PARKED
    uow.session.add(
        ParkedRead(run_id=run.id, scope_digest=scope_digest(source), body=intake.pack(read))
    )
    uow.record(
        events.SyncParked(
            subject=run.public_id,
            source=source.public_id,
            counts=found.counts(),
            why=run.why or "",
        )
    )


def _leave_incomplete(uow: UnitOfWork, source: Source, run: SyncRun, why: str) -> None:
    run.state = SyncState.INCOMPLETE
    run.why = why
    uow.record(
        events.SyncIncomplete(
            subject=run.public_id,
            source=source.public_id,
            problems=len(run.problems),
            why=why,
        )
    )


def _fail(tx: Transactions, run_id: str, code: str, why: str) -> None:
    """Record that a source could not be read at all."""
    with tx.write() as uow:
        run = run_row(uow, run_id, is_locked=True)
        if run.state is not SyncState.RUNNING:
            return
        run.state = SyncState.FAILED
        run.ended_at = uow.now
        run.why = why
        source = uow.session.get_one(Source, run.source_id)
        uow.record(events.SyncFailed(subject=run.public_id, source=source.public_id, code=code))


def _describe(run: SyncRun, read: Read, problems: Sequence[Problem]) -> None:
    """Note where, as whom and what was asked, for the completeness statement."""
    run.problems = _told(problems)
    if read.report is not None:
        run.endpoint = read.report.endpoint
        run.account = read.report.account
        run.queries = [asdict(each) for each in read.report.queries]
        run.cursor = read.report.cursor or None
    run.counts = {"accounts": len(read.accounts), "groups": len(read.groups)}


def _told(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return problems as documents; of very many the first, and how many more there are."""
    told = [asdict(each) for each in problems[:MOST_PROBLEMS]]
    more = len(problems) - len(told)
    if more:
        told.append({"code": "more", "detail": f"And {more} more.", "about": ""})
    return told


def run_row(reading: Reading, run_id: str, *, is_locked: bool = False) -> SyncRun:
    """Return a run by its public id.

    Raises:
        NotFoundError: There is none.
    """
    wanted = sa.select(SyncRun).where(SyncRun.public_id == run_id)
    found = reading.session.scalar(wanted.with_for_update() if is_locked else wanted)
    if found is None:
        raise NotFoundError(f"There is no sync run {run_id}.")
    return found


def _locked_source(uow: UnitOfWork, source_id: int) -> Source:
    """One run of a source is stored at a time."""
    return uow.session.scalars(
        sa.select(Source).where(Source.id == source_id).with_for_update()
    ).one()


def _refuse_if_overtaken(uow: UnitOfWork, run: SyncRun) -> None:
    newer = uow.session.scalar(
        sa.select(SyncRun.public_id).where(
            SyncRun.source_id == run.source_id,
            SyncRun.id > run.id,
            SyncRun.state.in_((SyncState.COMPLETE, SyncState.ACCEPTED)),
        )
    )
    if newer is not None:
        raise ConflictError(f"The newer run {newer} was stored since: refuse this one.")
