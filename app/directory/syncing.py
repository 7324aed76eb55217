"""A sync run: read outside any transaction, then compare, judge and store in one.

* A run is a delta, from the cursor of the last stored run on, or it reads the source whole.
* An incomplete run leaves its own record and nothing else, and the cursor where it was.
* A run that missed only the members of some groups is stored but for those, and marked incomplete
  (`unread.py`); a first one is not stored, unless a person has excluded them by name.
* A run with records that could not be used is stored but for those, ends none of their accounts,
  and is marked incomplete (`quarantine.py`).
* The first complete run of a source is its baseline.
* A run that would end too much, or that follows a change of scope, or that was asked for as a dry
  run, is parked: what it read is kept, and a person accepts or refuses exactly that.
* A complete run that shows nothing new writes its own record and one ledger entry.
* Before the source itself, its log of who changed memberships is read, if it keeps one (`logs.py`).
* One that takes longer than a second tells in its own record how far it has come (`progress.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import events
from app.directory import (
    applying,
    breakers,
    delta,
    difference,
    intake,
    logs,
    quarantine,
    reading,
    unread,
)
from app.directory.breakers import Protected, nothing_protected
from app.directory.connecting import Connect, connection
from app.directory.delta import Told
from app.directory.difference import Difference
from app.directory.domain import Provenance, SyncState
from app.directory.models import ParkedRead, Source, SyncRun
from app.directory.population import Completeness, Read
from app.directory.progress import Progress
from app.directory.reading import DRY_RUN, FULL, YES, Taken
from app.directory.scoping import digest_of, scope_digest
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.filling import MANY
from app.kernel.phrases import phrase
from app.kernel.sealed import SealError, SealKey
from app.kernel.uow import Reading, Transactions, UnitOfWork
from connectors.errors import ConnectorError
from connectors.records import Problem

MOST_PROBLEMS = 500


def run_sync(
    tx: Transactions,
    connect: Connect,
    seal: SealKey,
    payload: Mapping[str, str],
    *,
    protected: Protected = nothing_protected,
) -> None:
    """Carry out a run that was asked for; the runner of `sync` jobs. Safe to repeat.

    Args:
        tx: Opens transactions.
        connect: Makes connectors.
        seal: Opens the source's secrets.
        payload: `run` (public id); `dry_run` and `full`, each `yes` or absent.
        protected: Says what of a difference may not end without a person.
    """
    cursor: str | None = None
    try:
        with tx.read() as look:
            begun_at = look.now
            run, source = _run_and_source(look, payload["run"])
            if run.state is not SyncState.RUNNING:
                return
            looks_first = source.own_account_external_id is None
            is_first = source.baseline_run_id is None
            cursor = reading.start_from(look, source, payload)
            kind, settings, secrets = connection(look, run.source_id, seal)
            scope = digest_of(settings)
            heard = logs.place(look, source, run)
        connector = connect(kind, settings, secrets)
        try:
            own_account_id = connector.check().own_account_id if looks_first else None
            note = None
            if heard is not None:
                heard = replace(heard, own=heard.own | set(filter(None, (own_account_id,))))
                note = logs.follow(tx, connector, heard)
            taken = reading.take(connector, cursor, Progress(tx, payload["run"], begun_at))
        finally:
            connector.close()
    except ConnectorError as error:
        _fail(tx, payload["run"], error.code, str(error), is_delta=cursor is not None)
        return
    except ConflictError as error:  # it was disabled while the run waited
        _fail(tx, payload["run"], error.code, error.detail)
        return
    except SealError as error:
        _fail(tx, payload["run"], "sealed", str(error))
        return
    with tx.write(fills=is_first and taken.lines >= MANY) as uow:
        taken = replace(taken, scope=scope, log_note=note)
        _settle(uow, payload, taken, begun_at, own_account_id, protected)


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
    taken = opened(run, parked)
    judged = taken.judged()
    found = compare(uow, source, run, taken, judged)
    is_new_scope = source.scope_digest != parked.scope_digest
    run.counts = _counts(found, taken)
    uow.session.delete(parked)
    uow.record(events.SyncAccepted(subject=run.public_id, source=source.public_id))
    run.state = SyncState.ACCEPTED
    new = Stored(taken, judged, found, parked.scope_digest, is_new_scope=is_new_scope)
    _store(uow, source, run, new)


def opened(run: SyncRun, parked: ParkedRead) -> Taken:
    """Open what a parked run has read."""
    body = delta.unpack(parked.body) if run.is_delta else intake.unpack(parked.body)
    return Taken(body, started_from=run.started_from)


def compare(
    look: Reading,
    source: Source,
    run: SyncRun,
    taken: Taken,
    judged: Completeness,
    *,
    is_full: bool = False,
) -> Difference:
    """Compare what a run has read with the store.

    Args:
        look: To look with.
        source: Whose read it is.
        run: The run.
        taken: What it has read.
        judged: How complete that is.
        is_full: Compare every group's members, whatever the digests say.
    """
    session, begun_at, missed = look.session, run.begun_at, judged.unread.keys()
    if isinstance(taken.body, Read):
        return difference.find(
            session, source.id, taken.body, begun_at=begun_at, is_full=is_full, unread=missed
        )
    read, part = delta.expand(session, source.id, taken.body, missed)
    found = difference.find(
        session, source.id, read, begun_at=begun_at, is_full=False, unread=missed, part=part
    )
    return delta.without_deleted(found, part)


def _settle(
    uow: UnitOfWork,
    payload: Mapping[str, str],
    taken: Taken,
    begun_at: datetime,
    own_account_id: str | None,
    protected: Protected,
) -> None:
    """Judge a read and store it, park it, or leave it at the run's own record."""
    run = run_row(uow, payload["run"], is_locked=True)
    if run.state is not SyncState.RUNNING:
        return
    source = _locked_source(uow, run.source_id)
    run.begun_at = begun_at
    run.ended_at = uow.now
    judged = taken.judged()
    _describe(run, taken, judged.problems)
    why = judged.why or _too_little_to_begin(uow, source, taken, judged)
    if why is None and taken.scope != scope_digest(source):
        why = "What is read of this source was changed while it was read: read it again."
    if why is not None:
        _leave_incomplete(uow, source, run, why)
        return
    if own_account_id is not None:
        source.own_account_external_id = own_account_id
    is_full = payload.get(FULL) == YES
    with uow.session.no_autoflush:  # the run's row is written once, at the end
        found = compare(uow, source, run, taken, judged, is_full=is_full)
    run.counts = _counts(found, taken)
    run.digest = found.digest
    run.problems = _told([*judged.problems, *found.problems])
    with uow.session.no_autoflush:
        is_dry = payload.get(DRY_RUN) == YES
        why = _why_to_wait(uow, source, found, protected, is_dry=is_dry)
    if why is not None:
        run.why = why
        _park(uow, source, run, taken)
        return
    run.state = SyncState.COMPLETE
    _store(uow, source, run, Stored(taken, judged, found, scope_digest(source)))


@dataclass(frozen=True, slots=True)
class Stored:
    """What is about to be stored.

    Attributes:
        taken: What was read.
        judged: How complete that is.
        found: What it changes.
        scope_digest: Of the settings it was read with.
        is_new_scope: Whether those are others than those of the run before it.
    """

    taken: Taken
    judged: Completeness
    found: Difference
    scope_digest: str
    is_new_scope: bool = False


def _store(uow: UnitOfWork, source: Source, run: SyncRun, new: Stored) -> None:
    found, missed = new.found, new.judged.unread.keys()
    run.is_baseline = source.baseline_run_id is None
    run.is_stored = True
    run.stored_at = uow.now
    run.cursor = _next_cursor(uow, source, new)
    starts = run.is_baseline or new.is_new_scope
    with uow.session.no_autoflush:
        before = unread.known(uow, source) if found.may_have_unread else []
        first = set() if run.is_baseline else difference.first_of_kind(uow, source.id, found)
    applying.apply(
        uow,
        source,
        run,
        found,
        otherwise=Provenance.IMPORTED_AT_START if starts else Provenance.OBSERVED,
        started=frozenset({each.external_id for each in before if each.is_from_start} | first),
    )
    if run.is_baseline:
        source.baseline_run_id = run.id
    if source.scope_digest != new.scope_digest:
        source.scope_digest = new.scope_digest
    if before or missed:
        unread.mark(uow, source, run, before, missed=missed, read=found.members.keys())
        missing = unread.still(uow, source)
        if missing:
            run.state = SyncState.INCOMPLETE
            run.why = unread.tell(missing)
    odd = quarantine.quarantined(new.judged.problems)
    if odd:
        run.state = SyncState.INCOMPLETE
        run.why = " ".join(filter(None, (run.why, quarantine.tell(odd))))
    uow.record(
        events.DirectorySynced(
            subject=run.public_id,
            source=source.public_id,
            is_baseline=run.is_baseline,
            is_delta=run.is_delta,
            counts=run.counts,
            digest=run.digest or "",
            unread=len(missed),
        )
    )


def _next_cursor(uow: UnitOfWork, source: Source, new: Stored) -> str | None:
    """Return where the next delta starts.

    One that missed something is told again: it leaves the cursor where it was. So does a read that
    was contradicted by what was read back meanwhile: what it left alone has to be told again.
    """
    taken, is_left_alone = new.taken, new.found.is_left_alone
    if taken.is_delta and (new.judged.unread or is_left_alone):
        return taken.started_from
    if is_left_alone:
        with uow.session.no_autoflush:
            return reading.last_cursor(uow, source.id)
    return (taken.report.cursor or None) if taken.report is not None else None


def _too_little_to_begin(
    uow: UnitOfWork, source: Source, taken: Taken, judged: Completeness
) -> str | None:
    """Say why a first read cannot be stored though its lists are complete, or None."""
    if source.baseline_run_id is not None or not judged.unread or not isinstance(taken.body, Read):
        return None
    with uow.session.no_autoflush:
        left_out = unread.excluded(uow, source)
    names = {
        each.external_id: each.name
        for each in taken.body.groups
        if each.external_id in judged.unread and each.external_id not in left_out
    }
    return unread.tell_names(names) if names else None


def _counts(found: Difference, taken: Taken) -> dict[str, int]:
    """Return what was told and what changes; of a whole read also how many of each kind."""
    if isinstance(taken.body, Told):
        return found.counts() | taken.body.counts()
    kinds = taken.body.accounts.kinds
    return found.counts() | {f"accounts.{kind}": kinds[kind] for kind in sorted(kinds)}


def _why_to_wait(
    uow: UnitOfWork, source: Source, found: Difference, protected: Protected, *, is_dry: bool
) -> str | None:
    """Say why a person has to look at this before it is stored, or None."""
    if is_dry:
        return "A dry run: look at the difference, then accept or refuse it."
    if source.baseline_run_id is None or found.is_empty:
        return None
    if source.scope_digest != scope_digest(source):
        return "What is read of this source was changed since the last stored run."
    return breakers.why_to_wait(uow, source, found, protected)


def _park(uow: UnitOfWork, source: Source, run: SyncRun, taken: Taken) -> None:
    run.state = SyncState.PARKED
    body = delta.pack(taken.body) if isinstance(taken.body, Told) else intake.pack(taken.body)
    uow.session.add(ParkedRead(run_id=run.id, scope_digest=scope_digest(source), body=body))
    uow.record(
        events.SyncParked(
            subject=run.public_id,
            source=source.public_id,
            counts=run.counts,
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


def _fail(tx: Transactions, run_id: str, code: str, why: str, *, is_delta: bool = False) -> None:
    """Record that a source could not be read at all."""
    with tx.write() as uow:
        run = run_row(uow, run_id, is_locked=True)
        if run.state is not SyncState.RUNNING:
            return
        run.state = SyncState.FAILED
        run.is_delta = is_delta
        run.ended_at = uow.now
        run.why = why
        source = uow.session.get_one(Source, run.source_id)
        uow.record(events.SyncFailed(subject=run.public_id, source=source.public_id, code=code))


def _describe(run: SyncRun, taken: Taken, problems: Sequence[Problem]) -> None:
    """Note where, as whom and what was asked, for the completeness statement."""
    run.problems = _told(problems)
    run.is_delta = taken.is_delta
    run.started_from = taken.started_from if taken.is_delta else None
    run.counts = taken.counts()
    if taken.report is not None:
        run.endpoint = taken.report.endpoint
        run.account = taken.report.account
        run.queries = [asdict(each) for each in taken.report.queries]


def _told(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Return problems as documents; of very many the first, and how many more there are."""
    told = [asdict(each) for each in problems[:MOST_PROBLEMS]]
    more = len(problems) - len(told)
    if more:
        told.append({"code": "more", "detail": f"And {more} more.", "about": ""})
    return told


def _run_and_source(look: Reading, run_id: str) -> tuple[SyncRun, Source]:
    """Return a run and whose it is, by one statement: a read that shows nothing new has few."""
    both = sa.select(SyncRun, Source).join(Source, Source.id == SyncRun.source_id)
    found = look.session.execute(both.where(SyncRun.public_id == run_id)).one_or_none()
    if found is None:
        raise _no_such_run(run_id)
    return found[0], found[1]


def _no_such_run(run_id: str) -> NotFoundError:
    return NotFoundError(phrase("There is no sync run %(run_id)s.", run_id=run_id))


def run_row(reading: Reading, run_id: str, *, is_locked: bool = False) -> SyncRun:
    """Return a run by its public id.

    Raises:
        NotFoundError: There is none.
    """
    wanted = sa.select(SyncRun).where(SyncRun.public_id == run_id)
    found = reading.session.scalar(wanted.with_for_update() if is_locked else wanted)
    if found is None:
        raise _no_such_run(run_id)
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
            SyncRun.is_stored,
        )
    )
    if newer is not None:
        raise ConflictError(
            phrase("The newer run %(newer)s was stored since: refuse this one.", newer=newer)
        )
