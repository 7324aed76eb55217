"""One transaction = state + ledger entry + jobs. The only commit in the product.

A command is handed a `UnitOfWork`, changes rows through its session, and says
`uow.record(SomethingHappened(...))`. Leaving the block commits all of it or nothing. A governed
table that changed while nothing was recorded cannot be committed.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.orm.exc import StaleDataError

from app.kernel import ledger, references
from app.kernel.actor import SYSTEM, Actor
from app.kernel.clock import Clock
from app.kernel.db import Database, Model, WritingSession
from app.kernel.errors import ConflictError, UnrecordedChangeError
from app.kernel.event import Event, moment
from app.kernel.ids import Ids, PublicId
from app.kernel.jobs import Job, JobQueue, Queue
from app.kernel.phrases import phrase
from evidence.record import Record, seal_plain, seal_record

DELIVER = "deliver"
WATCHED = "changed"  # what a session keeps for the listeners below
NO_LISTENERS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(slots=True)
class Reading:
    """One consistent look at the store, by somebody, at a moment.

    Attributes:
        session: To read with.
        now: The moment this began; everything in it happens at that time.
        actor: Who looks.
    """

    session: Session
    now: datetime
    actor: Actor


class UnitOfWork(Reading):
    """A `Reading` that may change things, if it says what happened."""

    __slots__ = ("_at", "_changed", "_deliveries", "_entries", "_jobs", "_listeners", "ids")

    def __init__(
        self,
        session: Session,
        now: datetime,
        actor: Actor,
        *,
        ids: Ids,
        jobs: JobQueue,
        listeners: Mapping[str, tuple[str, ...]],
    ) -> None:
        """Watch a session for governed changes; made by `Transactions.write` only."""
        super().__init__(session=session, now=now, actor=actor)
        self.ids = ids
        self._jobs = jobs
        self._at = moment(now)
        self._listeners = listeners
        self._entries: list[ledger.Pending] = []
        self._deliveries: list[Job] = []
        self._changed: set[str] = set()
        session.info[WATCHED] = self._changed

    def record(self, event: Event) -> str:
        """Tell the ledger what happened, and those who listen once it is committed.

        Args:
            event: What happened.

        Returns:
            The entry's public id.
        """
        return self._record(event, self.ids.new())

    def record_all(self, events: Iterable[Event]) -> None:
        """Tell the ledger of many things that happened, in their order; as `record`, but sooner.

        Args:
            events: What happened.
        """
        told = tuple(events)
        for event, entry_id in zip(told, self.ids.many(len(told)), strict=True):
            self._record(event, entry_id)

    def _record(self, event: Event, entry_id: PublicId) -> str:
        kind, actor, subject = event.kind, self.actor.public_id, event.subject
        data, personal = event.data(), event.personal()
        plain = (entry_id, self._at, kind, actor, subject, data)
        sealed = None if personal else seal_plain(*plain)
        if sealed is None:
            sealed = seal_record(Record(*plain), personal=personal, salt=self.ids.salt)
        self._entries.append(ledger.Pending(entry_id, self.now, kind, actor, subject, sealed))
        for listener in self._listeners.get(event.kind, ()):
            payload = {"entry": entry_id, "listener": listener}
            key = f"{entry_id}:{listener}"
            self._deliveries.append(Job(Queue.DELIVER, DELIVER, key, payload))
        return entry_id

    def touch(self, model: type[Model]) -> None:
        """Say that rows of a table change by other ways than the session's (`bulk.py`)."""
        if getattr(model, "__governed__", False):
            self._changed.add(model.__tablename__)

    def enqueue(self, job: Job) -> None:
        """Ask for a job to be done once this is committed."""
        self._jobs.enqueue(self.session, job, self.now)

    def finish(self) -> None:
        """Write the ledger entries and deliveries; called once, just before the commit."""
        self.session.flush()
        if self._changed and not self._entries:
            raise UnrecordedChangeError(
                f"{', '.join(sorted(self._changed))} changed and nothing was recorded."
            )
        ledger.write(self.session, self._entries)
        for delivery in self._deliveries:
            self.enqueue(delivery)


@sa.event.listens_for(WritingSession, "after_flush")
def _note_flush(session: Session, _context: Any) -> None:
    """Note which governed tables a flush changes; listened for once, not by each unit of work."""
    changed: set[str] = session.info[WATCHED]
    for row in (*session.new, *session.dirty, *session.deleted):
        if getattr(row, "__governed__", False):
            changed.add(row.__tablename__)


@sa.event.listens_for(WritingSession, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    """Note which governed table a statement changes."""
    if state.is_insert or state.is_update or state.is_delete:
        mapper = state.bind_mapper
        if mapper is not None and getattr(mapper.class_, "__governed__", False):
            state.session.info[WATCHED].add(mapper.class_.__tablename__)


class Transactions:
    """Opens units of work and readings. What every handler, route and command line is given."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        jobs: JobQueue,
        listeners: Mapping[str, tuple[str, ...]] = NO_LISTENERS,
    ) -> None:
        """Tie the store, time, identifiers and jobs together.

        Args:
            database: Where everything stands.
            clock: The time of everything.
            ids: Identifiers and salts.
            jobs: Takes jobs in a transaction.
            listeners: Event kind to the names of its listeners (`wiring.LISTENERS`).
        """
        self.database = database
        self.clock = clock
        self.ids = ids
        self.jobs = jobs
        self._listeners = listeners

    @contextmanager
    def write(self, actor: Actor = SYSTEM, *, fills: bool = False) -> Iterator[UnitOfWork]:
        """Open a unit of work; leaving the block commits, an exception rolls back.

        Args:
            actor: Who changes things.
            fills: Whether very many rows come, so that it is asked at the end, and once for all,
                whether what they name is there (`references.py`).

        Raises:
            ConflictError: Somebody else changed one of the rows first.
            UnrecordedChangeError: Something changed and nothing was recorded.
        """
        with self.database.session(fills=fills) as session:
            uow = UnitOfWork(
                session,
                self.clock.now(),
                actor,
                ids=self.ids,
                jobs=self.jobs,
                listeners=self._listeners,
            )
            try:
                yield uow
                uow.finish()
                if fills:
                    references.check(session)
                session.commit()
            except StaleDataError as error:
                session.rollback()
                raise ConflictError(
                    phrase("Somebody else changed this first: look again.")
                ) from error
            except BaseException:
                session.rollback()
                raise

    @contextmanager
    def read(self, actor: Actor = SYSTEM) -> Iterator[Reading]:
        """Open a reading of one consistent moment."""
        with self.database.reading() as session:
            yield Reading(session=session, now=self.clock.now(), actor=actor)
