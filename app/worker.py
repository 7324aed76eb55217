"""The durable job engine: launch, heartbeat and reaper, and the minute tick.

DBOS recovers the work of an executor only when an executor of the same name starts again, and a
second one of the same name would run it twice. So each process takes a fresh name, keeps a
heartbeat row, and any living worker takes over what a dead one left (ADR 0003). A worker whose row
was reaped stops at once: others have its work.
"""

import logging
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

import sqlalchemy as sa

from app.kernel.ids import RandomIds
from app.kernel.jobs import APPLICATION_VERSION, WORKFLOW, DurableJobs, Job, Queue, WorkerBeat
from app.kernel.uow import Transactions
from app.wiring import House

ATTEMPTS = 12
LONGEST_DELAY = 3600.0
KEEP_FINISHED = timedelta(days=14)
TICK_NAME = "attestry_tick_v1"
ORPHAN_EXIT = 3
CONCURRENCY: Mapping[Queue, int] = {
    Queue.DELIVER: 8,
    Queue.PROVISION: 8,
    Queue.SYNC: 2,
    Queue.BUILD: 1,
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker does what it does over and over.

    Attributes:
        beat: Between two heartbeats.
        dead_after: Without a heartbeat for so long, a worker counts as dead.
        poll_seconds: Between two looks into a queue.
    """

    beat: timedelta = timedelta(seconds=5)
    dead_after: timedelta = timedelta(seconds=30)
    poll_seconds: float = 0.2


class Heart:
    """This process's heartbeat row, and the reaping of those whose heart stopped."""

    def __init__(self, tx: Transactions, executor_id: str, pace: "Pace") -> None:
        """Beat for one executor."""
        self._tx = tx
        self._pace = pace
        self.executor_id = executor_id
        self._stop = threading.Event()

    def start(self) -> None:
        """Insert the row, before the engine is launched."""
        with self._tx.database.engine.begin() as connection:
            connection.execute(
                sa.insert(WorkerBeat).values(
                    executor_id=self.executor_id, beat_at=_database_now(connection)
                )
            )

    def run(self, recover: Callable[[list[str]], None], orphans: Callable[[], set[str]]) -> None:
        """Beat and reap until stopped.

        Args:
            recover: Takes over the pending work of executors by name.
            orphans: Names of executors that own pending work.
        """
        while not self._stop.wait(self._pace.beat.total_seconds()):
            try:
                dead = orphans() - self.beat()
                if dead:
                    logger.warning(
                        "taking over the work of dead workers", extra={"dead": len(dead)}
                    )
                    recover(sorted(dead))
            except sa.exc.OperationalError:
                logger.exception("the heartbeat could not reach the database; trying again")

    def beat(self) -> set[str]:
        """Refresh our row, drop dead ones, and return who lives. Exits if ours is gone."""
        with self._tx.database.engine.begin() as connection:
            now = _database_now(connection)
            mine = connection.execute(
                sa.update(WorkerBeat)
                .where(WorkerBeat.executor_id == self.executor_id)
                .values(beat_at=now)
            )
            if mine.rowcount == 0:
                _die()
            connection.execute(
                sa.delete(WorkerBeat).where(WorkerBeat.beat_at < now - self._pace.dead_after)
            )
            return set(connection.scalars(sa.select(WorkerBeat.executor_id)))

    def stop(self) -> None:
        """Stop beating and take the row away: an orderly end."""
        self._stop.set()
        with self._tx.database.engine.begin() as connection:
            connection.execute(
                sa.delete(WorkerBeat).where(WorkerBeat.executor_id == self.executor_id)
            )


class Worker:
    """Runs jobs and the tick in this process until stopped."""

    def __init__(self, house: House, pace: "Pace | None" = None) -> None:
        """Work for one house; tests bring a quicker pace."""
        self._house = house
        self._pace = pace or Pace()
        self.executor_id = uuid.UUID(RandomIds(house.tx.clock).new()).hex
        self._heart = Heart(house.tx, self.executor_id, self._pace)
        self._jobs = DurableJobs(house.settings.database_url)

    def start(self) -> None:
        """Register, launch, and return; the work goes on in threads."""
        from dbos import DBOS, DBOSPortableJSONSerializer

        DBOS(
            config={
                "name": "attestry",
                "system_database_url": self._house.settings.database_url,
                "application_version": APPLICATION_VERSION,
                "executor_id": self.executor_id,
                "serializer": DBOSPortableJSONSerializer(),
                "use_listen_notify": False,
                "run_migrations": False,
                "log_level": "WARNING",
                "scheduler_polling_interval_sec": 5.0,
            }
        )
        _register(self._house, self._jobs)
        self._heart.start()
        DBOS.launch()
        for queue, concurrency in CONCURRENCY.items():
            DBOS.register_queue(
                queue.value,
                worker_concurrency=concurrency,
                polling_interval_sec=self._pace.poll_seconds,
                on_conflict="always_update",
            )
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": "tick",
                    "workflow_fn": _registered["tick"],
                    "schedule": "* * * * *",
                    "context": None,
                }
            ]
        )
        threading.Thread(
            target=self._heart.run, args=(_recover, _pending_executors), daemon=True, name="heart"
        ).start()

    def stop(self) -> None:
        """Stop taking work, give what is running a moment, and leave."""
        from dbos import DBOS

        DBOS.destroy(workflow_completion_timeout_sec=10)
        self._heart.stop()
        self._jobs.close()


_registered: dict[str, Any] = {}
_serving: dict[str, Any] = {}


def _register(house: House, jobs: DurableJobs) -> None:
    """Register the two workflows once a process; they serve the house that was started last."""
    _serving.update(house=house, jobs=jobs)
    if _registered:
        return
    from dbos import DBOS

    @DBOS.step(name="attestry_attempt_v1")
    def attempt(name: str, payload: dict[str, str]) -> str:
        return _attempt(_serving["house"].runners, name, payload)

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=50)
    def run(queue: str, name: str, key: str, payload: dict[str, str], number: int) -> None:
        failed = attempt(name, payload)
        if failed and number < ATTEMPTS:
            delay = min(LONGEST_DELAY, 2.0**number)
            _serving["jobs"].enqueue_attempt(
                Job(Queue(queue), name, key, payload), number + 1, delay
            )

    @DBOS.step(name="attestry_tick_step_v1")
    def tick_step() -> None:
        for each in _serving["house"].ticks:
            each()

    @DBOS.workflow(name=TICK_NAME)
    def tick(_scheduled_at: datetime, _context: Any) -> None:
        tick_step()

    _registered.update(run=run, tick=tick)


def _attempt(
    runners: Mapping[str, Callable[[Mapping[str, str]], None]],
    name: str,
    payload: Mapping[str, str],
) -> str:
    """Run one job; a failure is told to the log and returned, so that it is tried again later."""
    try:
        runners[name](payload)
    except Exception as error:
        logger.exception("a job failed and will be tried again", extra={"job": name})
        return type(error).__name__
    return ""


def _pending_executors() -> set[str]:
    from dbos import DBOS

    pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    return {each.executor_id for each in pending if each.executor_id}


def _recover(executors: list[str]) -> None:
    from dbos import DBOS

    DBOS._recover_pending_workflows(executors)  # noqa: SLF001 - pinned below 3.5 and tested


def _database_now(connection: sa.Connection) -> datetime:
    """The database's time, the one clock that all workers share."""
    if connection.dialect.name == "sqlite":
        text = connection.scalar(sa.text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"))
        return datetime.fromisoformat(f"{text}+00:00")
    found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return found


def _die() -> NoReturn:
    """Leave at once: another worker holds our work, and going on would do it twice."""
    logger.critical("this worker was declared dead; leaving so that nothing is done twice")
    logging.shutdown()
    os._exit(ORPHAN_EXIT)
