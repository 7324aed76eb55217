"""A sync of an Okta organisation against its bytes, read by a bare client.

Alone: `python -m tests.bench.okta [--full]`. The bare client asks for the same pages, one after the
other as a script does, with the HTTP library that the connector uses, reads each body to its end
and looks at nothing but the next link. It runs in a process of its own in turn with the sync; the
simulator has no limits. The full size is 100,000 users, 5,000 groups and a million memberships.

We ask for eight pages at once. What a bare client takes that does so, too, is told beside it: then
the simulator, which works on one core, is what it waits for, and storing the rows alone takes
longer than twice that. So as to judge on a machine that does other work as well, the seconds of
each one's core stand beside those of the clock.
"""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.directory import service as directory
from bench.figures import Figure, house_of
from connectors.okta import executor
from connectors.registry import connect
from support.house import MORNING, TestHouse
from support.servers.okta import TOKEN, OktaSimulator, running

ROUNDS = 3
FULL, SMALL = (100_000, 5_000, 1_000_000), (5_000, 250, 50_000)
GATE = 2.0
assert (
    executor.AT_ONCE
)  # the SDK is there before anything is timed, as is the bare client's library
READER = Path(__file__).with_name("okta_reader.py")


@dataclass(slots=True)
class Cost:
    """What something takes, round by round: of the clock, of its own core, of the simulator's."""

    wall: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def take(self, server: OktaSimulator, work: Callable[[], tuple[float, float] | None]) -> None:
        """Do it once more; work in another process says itself what it took."""
        served = cpu_of(server)
        begun, started = time.perf_counter(), time.process_time()
        told = work()
        took = (time.perf_counter() - begun, time.process_time() - started)
        wall, own = told or took
        self.wall.append(wall)
        self.own.append(own)
        self.theirs.append(cpu_of(server) - served)

    @property
    def middle(self) -> float:
        return statistics.median(self.wall)

    @property
    def text(self) -> str:
        own, theirs = statistics.median(self.own), statistics.median(self.theirs)
        return f"{self.middle:.2f} s (CPU {own:.2f}, simulator {theirs:.2f})"


def cpu_of(server: OktaSimulator) -> float:
    seconds: float = server.control("GET", "stats")["cpu seconds"]
    return seconds


def bare(server: OktaSimulator, sizes: list[str], at_once: int) -> tuple[float, float]:
    """Read in a process of its own; return its seconds and those of its core without its start."""
    done = subprocess.run(
        [sys.executable, str(READER), server.url, TOKEN, str(at_once)],
        capture_output=True,
        text=True,
        timeout=1200,
        check=True,
    )
    wall, own, size = done.stdout.strip().split(" ", 2)
    sizes.append(size)
    return float(wall), float(own)


def read_all(server: OktaSimulator) -> None:
    """Read every batch by the product's own client, nothing kept."""
    connector = connect("okta", settings_of(server), server.secrets, now=lambda: MORNING)
    for _ in connector.snapshot():
        pass
    connector.close()


def settings_of(server: OktaSimulator) -> dict[str, str]:
    return {**server.settings, "applications": "false", "roles": "false"}


def add_source(house: TestHouse, server: OktaSimulator) -> None:
    with house.write() as uow:
        directory.add_source(
            uow,
            house.house.seal,
            name="okta",
            kind="okta",
            settings=settings_of(server),
            secrets=server.secrets,
        )
    inner = house.house
    directory.check_source(house.tx, inner.connect, inner.seal, name="okta")


def sync(house: TestHouse) -> None:
    with house.write() as uow:
        directory.request_sync(uow, source_name="okta")
    house.drain()


def measure_okta(folder: Path, *, is_full: bool) -> Iterator[Figure]:
    """Sync into a fresh store, each round after the bare client; then a quiet cycle."""
    folder.mkdir(exist_ok=True)
    users, groups, memberships = FULL if is_full else SMALL
    with running(
        folder / "server",
        users=str(users),
        groups=str(groups),
        memberships=str(memberships),
        apps="0",
    ) as server:
        floor, abreast, read, own, quiet = Cost(), Cost(), Cost(), Cost(), Cost()
        sizes: list[str] = []
        for place in range(ROUNDS):
            home = folder / f"round-{place}"
            home.mkdir()
            floor.take(server, partial(bare, server, sizes, 1))
            abreast.take(server, partial(bare, server, sizes, executor.AT_ONCE))
            read.take(server, partial(read_all, server))
            with house_of(home) as house:
                add_source(house, server)
                own.take(server, partial(sync, house))
                server.control("POST", "reset")
                quiet.take(server, partial(sync, house))
        calls = sum(server.calls().values())
    gate = GATE if is_full else math.inf
    detail = f"{users} users, {memberships} memberships, {sizes[-1]}; {read.text} of {floor.text}"
    yield Figure("Okta read, times its bytes", read.middle / floor.middle, gate, detail)
    detail = f"{own.text} of {floor.text}; {executor.AT_ONCE} at once {abreast.text}"
    yield Figure("Okta sync end to end, times its bytes", own.middle / floor.middle, gate, detail)
    yield Figure("calls of a quiet Okta cycle and its poll of the log", calls, 3.0, quiet.text)


def main() -> int:
    """Measure and print."""
    figures = []
    with tempfile.TemporaryDirectory() as held:
        for figure in measure_okta(Path(held) / "okta", is_full="--full" in sys.argv):
            print(figure.line(), flush=True)
            figures.append(figure)
    return 0 if all(each.holds for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
