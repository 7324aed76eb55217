"""A process killed with SIGKILL at any of five points loses nothing and doubles nothing.

Real worker processes, the real job engine. On SQLite there is one process, killed and started
again; on PostgreSQL there are three, and the living take over what the dead one left. Each point is
tried on one of them, in turn, and on the other one by the slow tests.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.grants import service as grants
from app.grants.domain import GrantCause, GrantState
from app.grants.models import Grant
from app.kernel import jobs
from app.kernel.ledger import LedgerEntry
from app.provisioning.domain import PlanState, TaskState
from app.provisioning.models import Plan, Task
from app.provisioning.running import CRASH_POINTS
from app.worker import ORPHAN_EXIT
from support.cast import CORP, Cast
from support.crashing_worker import settings_for

PATIENCE = 60.0
# Killed; or, on a machine so busy that its heart was not heard, declared dead and gone by itself.
KILLED = -signal.SIGKILL
ENDS = (KILLED, ORPHAN_EXIT)
WANTED = ("alice", "carol", "dana", "mallory", "olga")
STORES = ("postgresql", "sqlite")
PLACES = [
    pytest.param(
        store,
        point,
        id=f"{store}-{point}",
        marks=() if store == STORES[place % len(STORES)] else pytest.mark.slow,
    )
    for place, point in enumerate(CRASH_POINTS)
    for store in STORES
]


class Workers:
    """The processes of one test."""

    def __init__(self, home: Path, database_url: str, point: str, wanted: int) -> None:
        self._arguments = [
            sys.executable,
            "-m",
            "support.crashing_worker",
            str(home),
            database_url,
            point,
        ]
        self._wanted = wanted
        self._running: list[subprocess.Popen[bytes]] = []
        self.deaths = 0

    def keep_alive(self) -> None:
        """Start what is missing; the dead stay dead."""
        for process in [each for each in self._running if each.poll() is not None]:
            assert process.returncode in ENDS, f"a worker ended with {process.returncode}"
            self._running.remove(process)
            self.deaths += process.returncode == KILLED
        while len(self._running) < self._wanted:
            folder = Path(__file__).parents[1]
            environment = os.environ | {"PYTHONPATH": f"{folder.parent}:{folder}"}
            self._running.append(
                subprocess.Popen(self._arguments, env=environment, stdout=subprocess.DEVNULL)
            )

    def stop(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()


def eventually(condition: Callable[[], bool], workers: Workers) -> None:
    """Wait for a condition, keeping the workers alive."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        workers.keep_alive()
        time.sleep(0.1)


@pytest.fixture
def cast(cast: Cast, tmp_path: Path, database_url: str) -> Iterator[Cast]:
    """The cast, whose later jobs are durable."""
    jobs.migrate(database_url)
    durable = jobs.DurableJobs(settings_for(tmp_path, database_url).database_url)
    cast.house.tx.jobs = durable
    yield cast
    durable.close()


def authorise(cast: Cast) -> None:
    """Decide five rights, each of which has to be carried out."""
    for name in WANTED:
        with cast.house.write() as uow:
            grants.authorise(
                uow,
                account_id=cast.account(CORP, name).id,
                group_id=cast.group(CORP, "ledger").id,
                cause=GrantCause.REQUEST,
                cause_ref="00000000-0000-7000-8000-000000000000",
            )


@pytest.mark.enable_socket
@pytest.mark.parametrize(("store", "point"), PLACES, indirect=["store"])
def test_a_worker_killed_there_loses_nothing_and_doubles_nothing(
    cast: Cast, tmp_path: Path, database_url: str, point: str
) -> None:
    authorise(cast)
    is_alone = database_url.startswith("sqlite")
    workers = Workers(tmp_path, database_url, point, wanted=1 if is_alone else 3)
    try:
        eventually(lambda: _all_done(cast), workers)
        eventually(lambda: workers.deaths >= 1, workers)
    finally:
        workers.stop()
    assert all(cast.holds(CORP, "ledger", name) for name in WANTED)
    effects = Counter((tmp_path / "effects").read_text(encoding="utf-8").splitlines())
    assert len(effects) == len(WANTED)
    assert set(effects.values()) == {1}
    assert _entries(cast, "grant.confirmed") == Counter(_grants(cast))
    assert set(_entries(cast, "task.verified").values()) == {1}
    assert set(_entries(cast, "plan.completed").values()) == {1}


def _all_done(cast: Cast) -> bool:
    with cast.house.read() as reading:
        plans = Counter(reading.session.scalars(sa.select(Plan.state)))
        tasks = Counter(reading.session.scalars(sa.select(Task.state)))
        rights = Counter(reading.session.scalars(sa.select(Grant.state)))
    assert not tasks[TaskState.FAILED]
    return (
        plans[PlanState.DONE] == len(WANTED)
        and tasks[TaskState.VERIFIED] == len(WANTED)
        and rights[GrantState.CONFIRMED] == len(WANTED)
    )


def _entries(cast: Cast, kind: str) -> Counter[str]:
    with cast.house.read() as reading:
        return Counter(
            reading.session.scalars(sa.select(LedgerEntry.subject).where(LedgerEntry.kind == kind))
        )


def _grants(cast: Cast) -> list[str]:
    with cast.house.read() as reading:
        return list(reading.session.scalars(sa.select(Grant.public_id)))
