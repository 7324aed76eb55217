"""The log that a source keeps itself, of who put whom into a group: read along with the source.

A sync run reads it first, page by page: each page is stored with where to go on from in one
transaction, so that whatever becomes of the run, nothing of it is lost and nothing is told twice. A
log that cannot be read costs the run nothing but a note. What is stored is a word of the source and
no state: what is so now, reads alone tell. It is kept for as many days as is set for the source,
for findings of drift to be matched with; `drift.attributed` tells what was made of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from app import events
from app.directory.models import Account, Group, Identity, LogDeed, Source, SourceLog, SyncRun
from app.kernel.uow import Reading, Transactions, UnitOfWork
from connectors.errors import ConnectorError, CursorRefusedError, UnsupportedError
from connectors.port import Connector
from connectors.records import Deed, LogPage, Problem

MOST_PAGES = 200  # a run is not held up for ever by its log: the next one goes on
AHEAD = timedelta(days=1)
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a log is read from, and what of it is worth keeping.

    Attributes:
        source: Key of the source.
        source_id: Its public id.
        run: Public id of the run that reads it.
        own: Who we are there: our account, or the client that we are known as, which is none.
        cursor: Where to go on from; empty to begin.
        earliest: Nothing older can be matched with anything.
    """

    source: int
    source_id: str
    run: str
    own: frozenset[str]
    cursor: str
    earliest: datetime


def place(look: Reading, source: Source, run: SyncRun) -> Place | None:
    """Return where the log of a source is gone on from, or None if it is not to be read."""
    if source.log_days == 0:
        return None
    kept = look.session.get(SourceLog, source.id)
    earliest = look.now - timedelta(days=source.log_days)
    if source.baseline_run_id is None:  # what was done before stood there at the start
        earliest = max(earliest, run.begun_at)
    return Place(
        source=source.id,
        source_id=source.public_id,
        run=run.public_id,
        own=frozenset(
            filter(None, (source.own_account_external_id, source.settings.get("client_id")))
        ),
        cursor=kept.cursor if kept is not None else "",
        earliest=earliest,
    )


def follow(tx: Transactions, connector: Connector, at: Place) -> Problem | None:
    """Read a log to its present end, and keep what may explain a finding.

    Args:
        tx: Opens transactions, one a page.
        connector: The source.
        at: Where to begin.

    Returns:
        A note for the run, if it was not read or not without a gap; None also for a source that
        keeps no log.
    """
    try:
        return _read(tx, connector, at)
    except UnsupportedError:
        return None
    except CursorRefusedError as error:
        if not at.cursor:
            return _unread(error)
        return _begin_anew(tx, connector, at, error)
    except ConnectorError as error:
        return _unread(error)


def _begin_anew(
    tx: Transactions, connector: Connector, at: Place, why: CursorRefusedError
) -> Problem:
    begun = Problem("log_begun_anew", f"Its log was begun anew, something may be missing: {why}")
    try:
        return _read(tx, connector, replace(at, cursor=""), instead_of=at.cursor) or begun
    except ConnectorError as error:
        return _unread(error)


def _unread(error: ConnectorError) -> Problem:
    return Problem("log_unread", f"Its log was not read; who changed what is not told: {error}")


def _read(
    tx: Transactions, connector: Connector, at: Place, *, instead_of: str | None = None
) -> Problem | None:
    known = at.cursor if instead_of is None else instead_of
    for number, page in enumerate(connector.log(at.cursor), start=1):
        if not _keep(tx, at, known, page):
            return None  # another run has gone on from there
        known = page.cursor
        if number == MOST_PAGES:
            return Problem("log_goes_on", "Its log goes on: the next run reads more of it.")
    return None


def _keep(tx: Transactions, at: Place, known: str, page: LogPage) -> bool:
    """Store a page with where to go on from, unless somebody else has gone on from there."""
    if not page.deeds and page.cursor == known:
        return True
    with tx.write() as uow:
        row = uow.session.get(SourceLog, at.source, with_for_update=True)
        if (row.cursor if row is not None else "") != known:
            return False
        if row is None:
            uow.session.add(SourceLog(source_id=at.source, cursor=page.cursor, since=uow.now))
        elif row.cursor != page.cursor:
            row.cursor = page.cursor
        _store(uow, at, list(_worth_keeping(uow, at, page.deeds)))
    return True


def _store(uow: UnitOfWork, at: Place, deeds: Sequence[Deed]) -> None:
    if not deeds:
        return
    uow.session.execute(
        sa.insert(LogDeed),
        [
            {
                "source_id": at.source,
                "event_id": each.event_id,
                "at": each.at,
                "account_external_id": each.account_id,
                "group_external_id": each.group_id,
                "is_joining": each.is_joining,
                "is_ours": each.actor_id in at.own,
                "actor_ref": _text(each.actor_id),
                "actor_name": _text(each.actor_name),
            }
            for each in deeds
        ],
    )
    since = min(each.at for each in deeds)
    uow.record(
        events.LogTold(subject=at.source_id, run=at.run, deeds=len(deeds), since=since),
    )


def _text(said: str) -> str | None:
    """Return what a log says of somebody, as the stores can hold it, or None if it says nothing."""
    return said.replace("\0", "")[:LONGEST] or None


def _worth_keeping(uow: UnitOfWork, at: Place, deeds: Sequence[Deed]) -> Iterator[Deed]:
    """Pass by what is known, too old, or of a group that makes no drift of its own.

    A group or an account that is not known yet may be known after the read that follows.
    """
    seen = set(
        uow.session.scalars(
            sa.select(LogDeed.event_id).where(
                LogDeed.source_id == at.source,
                LogDeed.event_id.in_({each.event_id for each in deeds}),
            )
        )
    )
    followers = set(
        uow.session.scalars(
            sa.select(Group.external_id).where(
                Group.source_id == at.source,
                Group.external_id.in_({each.group_id for each in deeds}),
                sa.or_(Group.master_external_id.is_not(None), Group.rule.is_not(None)),
            )
        )
    )
    for each in deeds:
        is_of_now = at.earliest <= each.at <= uow.now + AHEAD
        if is_of_now and each.event_id not in seen and each.group_id not in followers:
            seen.add(each.event_id)
            yield each


def forget_old(tx: Transactions) -> int:
    """Forget what logs told longer ago than is set for their source; called once a minute.

    Returns:
        Of how many sources something was forgotten.
    """
    with tx.read() as look:
        oldest = (
            sa.select(sa.func.min(LogDeed.at))
            .where(LogDeed.source_id == Source.id)
            .correlate(Source)
            .scalar_subquery()
        )
        rows = look.session.execute(
            sa.select(Source.id, Source.log_days, oldest.label("oldest"))
        ).all()
        before = {row.id: look.now - timedelta(days=row.log_days) for row in rows}
        over = [row.id for row in rows if row.oldest is not None and row.oldest < before[row.id]]
    if over:
        with tx.write() as uow:
            for key in over:
                old = sa.delete(LogDeed).where(LogDeed.source_id == key, LogDeed.at < before[key])
                uow.session.execute(old.execution_options(synchronize_session=False))
    return len(over)


def forget_actor(uow: UnitOfWork, subject: str, also: Iterable[tuple[int, str]] = ()) -> None:
    """Forget who is told to have done things, where that is a given account or person.

    Args:
        uow: The unit of work.
        subject: Public id of an account, or of whose it is.
        also: Further words of logs, by the key of the source and the log's own id.
    """
    named = (
        sa.select(Account.id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(
            Account.source_id == LogDeed.source_id,
            Account.external_id == LogDeed.actor_ref,
            sa.or_(Account.public_id == subject, Identity.public_id == subject),
        )
    )
    is_one_of = [
        sa.and_(LogDeed.source_id == source, LogDeed.event_id == event) for source, event in also
    ]
    for which in (named.exists(), *is_one_of):
        forgotten = sa.update(LogDeed).where(which).values(actor_ref=None, actor_name=None)
        uow.session.execute(forgotten.execution_options(synchronize_session=False))
