"""A real worker process that ends itself with SIGKILL at a named point, once.

`python -m support.crashing_worker HOME DATABASE_URL POINT` works until it is killed. The first
process to reach POINT dies there; a marker file keeps the next one from dying, too. Every change
that a source really made is written to `HOME/effects`, one line each.
"""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from app.kernel.clock import SystemClock
from app.kernel.settings import Mode, Settings
from app.wiring import Ports, build
from app.worker import Pace, Worker
from connectors.port import Connector
from connectors.records import (
    Batch,
    Change,
    CheckReport,
    DeltaBatch,
    Effect,
    LogPage,
    Observation,
    Outcome,
)
from connectors.registry import connect

QUICK = Pace(beat=timedelta(seconds=0.5), dead_after=timedelta(seconds=3), poll_seconds=0.1)


class DieOnce:
    """Ends the process the first time any process reaches the point."""

    def __init__(self, home: Path, point: str) -> None:
        self._home = home
        self._marker = home / f"died-{point}"
        self._point = point

    def reach(self, name: str) -> None:
        if name != self._point:
            return
        try:
            self._marker.touch(exist_ok=False)
        except FileExistsError:
            return
        # Not between a change that another thread made and the line that tells of it.
        with told(self._home, fcntl.LOCK_EX):
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def told(home: Path, how: int) -> Iterator[None]:
    """Hold the lock under which a change is made and told of."""
    with (home / "telling").open("a") as file:
        fcntl.flock(file, how)
        yield


class Telling:
    """A connector that tells of every change its source really made."""

    def __init__(self, inner: Connector, home: Path) -> None:
        self._inner = inner
        self._home = home
        self._log = home / "effects"

    def check(self) -> CheckReport:
        return self._inner.check()

    def snapshot(self) -> Iterator[Batch]:
        return self._inner.snapshot()

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        return self._inner.changes(cursor)

    def log(self, cursor: str) -> Iterator[LogPage]:
        return self._inner.log(cursor)

    def ensure(self, change: Change) -> Outcome:
        with told(self._home, fcntl.LOCK_SH):
            outcome = self._inner.ensure(change)
            if outcome.effect is Effect.CHANGED:
                with self._log.open("a", encoding="utf-8") as file:
                    fcntl.flock(file, fcntl.LOCK_EX)
                    file.write(f"{change.verb.value} {change.account_id} {change.group_id}\n")
        return outcome

    def observe(self, change: Change) -> Observation:
        return self._inner.observe(change)

    def close(self) -> None:
        self._inner.close()


def telling(
    home: Path, kind: str, settings: Mapping[str, str], secrets: Mapping[str, str]
) -> Connector:
    return Telling(connect(kind, settings, secrets, now=SystemClock().now), home)


def settings_for(home: Path, database_url: str) -> Settings:
    return Settings(
        home=home,
        database_url=database_url,
        base_url="https://attestry.example",
        mode=Mode.DEMONSTRATION,
        secret_key="a secret of the tests",
        seal_key_file=home / "seal.key",
    )


def main() -> None:
    home, database_url, point = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    ports = Ports(connect=partial(telling, home), crash=DieOnce(home, point))
    worker = Worker(build(settings_for(home, database_url), ports), QUICK)
    worker.start()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    stop.wait()
    worker.stop()


if __name__ == "__main__":
    main()
