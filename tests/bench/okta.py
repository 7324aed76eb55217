"""A sync of an Okta organisation against its bytes, read by a bare client.

Alone: `python -m tests.bench.okta [--full]`. The bare client asks for the same pages, as many at
once, with the HTTP library that the connector uses, reads each body to its end and looks at nothing
but the next link. It runs in a process of its own in turn with the sync; the simulator has no
limits. The full size is 100,000 users, 5,000 groups and a million memberships.
"""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
)  # the SDK is there before anything is timed, as the bare client's library is
READER = Path(__file__).with_name("okta_reader.py")


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def bare(server: OktaSimulator) -> tuple[float, str]:
    """Read in a process of its own; return seconds without its start, and how much came."""
    done = subprocess.run(
        [sys.executable, str(READER), server.url, TOKEN],
        capture_output=True,
        text=True,
        timeout=1200,
        check=True,
    )
    seconds, _, size = done.stdout.strip().partition(" ")
    return float(seconds), size


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
        theirs, reads, ours, quiet, size = [], [], [], [], ""
        for place in range(ROUNDS):
            home = folder / f"round-{place}"
            home.mkdir()
            seconds, size = bare(server)
            theirs.append(seconds)
            reads.append(timed(partial(read_all, server)))
            with house_of(home) as house:
                add_source(house, server)
                ours.append(timed(partial(sync, house)))
                server.control("POST", "reset")
                quiet.append(timed(partial(sync, house)))
        calls = sum(server.calls().values())
    floor, own = statistics.median(theirs), statistics.median(ours)
    read = statistics.median(reads)
    detail = f"{users} users, {memberships} memberships, {size}; {read:.2f} s of {floor:.2f} s"
    gate = GATE if is_full else math.inf
    yield Figure("Okta read, times its bytes", read / floor, gate, detail)
    detail = f"{own:.2f} s of {floor:.2f} s"
    yield Figure("Okta sync end to end, times its bytes", own / floor, gate, detail)
    detail = f"{statistics.median(quiet):.2f} s"
    yield Figure("calls of a quiet Okta cycle and its poll of the log", calls, 3.0, detail)


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
