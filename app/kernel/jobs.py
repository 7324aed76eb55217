"""Durable jobs: enqueued in the caller's transaction, run at least once, by DBOS.

Our rows are the truth and a job carries only ids. A job's key is fixed by what it is for, so
enqueuing it twice makes one job. The only file that knows DBOS apart from `app/worker.py`, which
runs it. What the engine does and does not promise was measured (docs/adr/0003-durable-jobs.md).
"""

import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.db import Model

WORKFLOW = "attestry_run_v1"
APPLICATION_VERSION = "1"
NO_PAYLOAD: Mapping[str, str] = MappingProxyType({})


class Queue(StrEnum):
    """Where a job waits; each queue has its own limits."""

    DELIVER = "deliver"
    PROVISION = "provision"
    SYNC = "sync"
    BUILD = "build"


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done after the transaction that asks for it.

    Attributes:
        queue: Where it waits.
        name: Which runner does it (`wiring.RUNNERS`).
        key: What it is for; the same name and key is the same job.
        payload: Ids, all strings.
        due_at: Not before this moment; None is at once.
    """

    queue: Queue
    name: str
    key: str
    payload: Mapping[str, str] = field(default_factory=lambda: NO_PAYLOAD)
    due_at: datetime | None = None

    @property
    def workflow_id(self) -> str:
        """The engine's name for it, which makes it one."""
        return f"{self.name}:{self.key}"


class WorkerBeat(Model):
    """A living worker. Its row is refreshed every few seconds; without it, its work is orphaned."""

    __tablename__ = "kernel_worker"
    executor_id: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]


class JobQueue(Protocol):
    """Takes jobs in the caller's transaction."""

    def enqueue(self, session: Session, job: Job, now: datetime) -> None:
        """Enqueue a job; it exists if and only if the transaction commits."""
        ...


Runner = Callable[[Mapping[str, str]], None]


class DurableJobs:
    """Jobs in the same database, by DBOS."""

    def __init__(self, url: str) -> None:
        """Prepare to enqueue into the database at `url`; connects when first used."""
        self._url = url
        self._client: Any = None

    def enqueue(self, session: Session, job: Job, now: datetime) -> None:
        """Enqueue in the session's transaction; a job that exists already stays as it is."""
        options: dict[str, Any] = {
            "queue_name": job.queue.value,
            "workflow_name": WORKFLOW,
            "app_version": APPLICATION_VERSION,
            "workflow_id": job.workflow_id,
        }
        if job.due_at is not None and job.due_at > now:
            options["delay_seconds"] = (job.due_at - now).total_seconds()
        self._open().enqueue_in_transaction(
            session, options, job.queue.value, job.name, job.key, dict(job.payload), 1
        )

    def enqueue_attempt(self, job: Job, attempt: int, delay: float) -> None:
        """Enqueue a further attempt of a job whose runner failed (used by the worker)."""
        self._open().enqueue(
            {
                "queue_name": job.queue.value,
                "workflow_name": WORKFLOW,
                "app_version": APPLICATION_VERSION,
                "workflow_id": f"{job.workflow_id}:{attempt}",
                "delay_seconds": delay,
            },
            job.queue.value,
            job.name,
            job.key,
            dict(job.payload),
            attempt,
        )

    def _open(self) -> Any:
        if self._client is None:
            from dbos import DBOSClient, DBOSPortableJSONSerializer

            self._client = DBOSClient(
                system_database_url=self._url,
                serializer=DBOSPortableJSONSerializer(),
                lazy=True,
            )
        return self._client

    def close(self) -> None:
        """Give back the connections."""
        if self._client is not None:
            self._client.destroy()
            self._client = None


def migrate(url: str) -> None:
    """Create or upgrade the engine's own tables.

    Args:
        url: The database both share.
    """
    from dbos import DBOS

    DBOS.migrate(url)


class InlineJobs:
    """Jobs kept in memory and run by whoever calls `drain`: the demonstration, and fast tests.

    They keep the two promises that matter to callers: a job exists only if its transaction
    committed, and the same key is the same job. They do not survive the process.
    """

    def __init__(self) -> None:
        """Start with nothing to do."""
        self.runners: dict[str, Runner] = {}
        self._due: list[tuple[datetime, int, Job]] = []
        self._known: set[str] = set()
        self._order = itertools.count()

    def enqueue(self, session: Session, job: Job, now: datetime) -> None:
        """Keep the job until the session's transaction ends, then queue or forget it."""
        held: list[tuple[datetime, Job]] | None = session.info.get("inline_jobs")
        if held is None:
            held = session.info["inline_jobs"] = []
            sa.event.listen(session, "after_commit", self._committed)
            sa.event.listen(session, "after_rollback", self._rolled_back)
        held.append((job.due_at or now, job))

    def _committed(self, session: Session) -> None:
        for due_at, job in session.info.pop("inline_jobs", []):
            if job.workflow_id not in self._known:
                self._known.add(job.workflow_id)
                heapq.heappush(self._due, (due_at, next(self._order), job))

    def _rolled_back(self, session: Session) -> None:
        session.info.pop("inline_jobs", None)

    @property
    def waiting(self) -> tuple[Job, ...]:
        """What is queued, in the order of being due."""
        return tuple(job for _, _, job in sorted(self._due))

    def drain(self, now: Callable[[], datetime]) -> int:
        """Run everything that is due, and what that causes, until nothing due is left.

        Returns:
            How many jobs ran.
        """
        ran = 0
        while self._due and self._due[0][0] <= now():
            _, _, job = heapq.heappop(self._due)
            self.runners[job.name](job.payload)
            ran += 1
        return ran
