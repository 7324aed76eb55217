"""`python -m tests.bench.directory`: what a sync costs, against what it cannot be faster than.

Both stores; each measurement in a child of its own, so that memory is counted from a fresh start;
within a child, what is compared takes turns. Alone: `python -m tests.bench directory`.
"""

import gc
import hashlib
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

import sqlalchemy as sa

from app.directory import service as directory
from app.kernel import schema
from app.kernel.db import prepare
from bench import raw
from bench.figures import OF_ITS_SIZE, Figure, counting
from bench.world import PageConnector, World, parse, sizes, world
from support.house import TestHouse, open_house
from support.servers import postgres

PEOPLE, GROUPS, MEMBERSHIPS = 100_000, 10_000, 1_000_000
LARGE = 200_000
ROUNDS = 3
SOURCE = "pages"
STORES = ("sqlite", "postgresql")
MB = 1024.0
ONE_SECOND = timedelta(seconds=1)
Found = dict[str, Any]
Answer = TypeVar("Answer")


class Place:
    """Where the stores of one kind are."""

    def __init__(self, folder: Path, store: str, server: postgres.PostgresServer | None) -> None:
        """Make an empty, migrated store to copy from."""
        self.store = store
        self._folder = folder
        self._server = server
        self._made = 0
        if server is None:
            self._template = folder / "template.sqlite3"
            engine = sa.create_engine(f"sqlite:///{self._template}")
            prepare(engine)
            schema.upgrade(engine)
            engine.dispose()

    def fresh(self) -> str:
        """Return the address of a store of its own."""
        self._made += 1
        if self._server is not None:
            return self._server.migrated_database()
        path = self._folder / f"{self._made}.sqlite3"
        shutil.copy(self._template, path)
        return f"sqlite:///{path}"

    def home(self, url: str) -> Path:
        """Return the folder of a store: the keys that it was made with are there."""
        home = self._folder / hashlib.sha256(url.encode()).hexdigest()
        home.mkdir(exist_ok=True)
        return home


def apart(work: Callable[[], Answer]) -> Answer:
    """Do something in a child, whose memory nobody used before; give back what it returns."""
    here, there = multiprocessing.Pipe(duplex=False)

    def run() -> None:
        there.send(work())

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    there.close()
    try:
        found: Answer = here.recv()
    finally:
        child.join()
    return found


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / MB
    raise LookupError(name)


def growth(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds something takes, and by how many MB memory grows at its peak."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew: proc(5)
    before = _status("VmRSS")
    begun = time.perf_counter()
    work()
    took = time.perf_counter() - begun
    return took, _status("VmHWM") - before


def timed(work: Callable[[], object]) -> float:
    """Return the seconds something takes."""
    gc.collect()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@contextmanager
def opened(place: Place, url: str, connector: PageConnector) -> Iterator[TestHouse]:
    """Open a house whose one source is these pages."""
    yield from open_house(place.home(url), url, connect=lambda *_: connector)


def sync(house: TestHouse) -> list[str]:
    """Ask for a run and carry it out, without what it causes elsewhere; return its statements."""
    house.clock.advance(ONE_SECOND)
    with house.write() as uow:
        run = directory.request_sync(uow, source_name=SOURCE, is_enqueued=False).public_id
    with counting(house) as sent:
        house.house.runners["sync"]({"run": run})
    with house.read() as reading:
        state = reading.session.execute(
            sa.text("SELECT state, why FROM directory_sync_run WHERE public_id = :run"),
            {"run": run},
        ).one()
    if state[0] != "complete":
        raise RuntimeError(f"the run is {state[0]}: {state[1]}")
    return [each for each in sent if not each.startswith("BEGIN")]


def first_load(place: Place, url: str, found: World) -> Found:
    """Parse, then load into an empty store."""
    with opened(place, url, PageConnector(found)) as house:
        with house.write() as uow:
            directory.add_source(
                uow,
                house.house.seal,
                name=SOURCE,
                kind="memory",
                settings={"path": "/nowhere"},
                secrets={},
            )
        floor = timed(partial(parse, found))
        took, memory = growth(partial(sync, house))
    return {"floor": floor, "first": took, "memory": memory}


def bound_of(url: str, target: str) -> float:
    """Return the seconds that the rows of one store take to be written to another."""
    return raw.write(target, raw.take(url))


def again(place: Place, url: str, found: World, changed: World, rounds: int) -> Found:
    """Read what is stored already, and what differs by 1 %, in turn with parsing alone."""
    connector = PageConnector(found)
    floors, same, other = [], [], []
    with opened(place, url, connector) as house:
        _, memory = growth(partial(sync, house))
        sent = sync(house)
        for turn in range(rounds):
            floors.append(timed(partial(parse, found)))
            same.append(timed(partial(sync, house)))
            connector.world = changed if turn % 2 == 0 else found
            other.append(timed(partial(sync, house)))
    middle = statistics.median
    return {
        "floor": middle(floors),
        "same": middle(same),
        "other": middle(other),
        # Of neighbours, since the machine is not always as fast.
        "more": middle(now / before for before, now in zip(same, other, strict=True)),
        "memory": memory,
        "sent": sent,
    }


def figures(place: Place, size: tuple[int, int, int], rounds: int) -> Iterator[Figure]:
    """Measure one store."""
    people, groups, memberships = size
    inside = sizes(groups, memberships)
    found, changed = world(people, inside), world(people, inside, is_changed=True)
    name = place.store
    loads, bounds = [], []
    url = ""
    for _ in range(rounds):
        url = place.fresh()
        loads.append(apart(partial(first_load, place, url, found)))
        target = place.fresh()
        bounds.append(apart(partial(bound_of, url, target)))
    floor = statistics.median(each["floor"] for each in loads)
    first = statistics.median(each["first"] for each in loads)
    bound = statistics.median(bounds)
    told = f"{first:.2f} s against {floor:.2f} + {bound:.2f} s"
    yield Figure(f"{name}: first load / (parse + raw write)", first / (floor + bound), 2.0, told)
    memory = max(each["memory"] for each in loads)
    yield Figure(f"{name}: MB that a first load takes", memory, 400, "peak over start")
    got = apart(lambda: again(place, url, found, changed, 3 * rounds))
    rate = (people + groups + memberships) / got["same"] / 1e6
    told = f"{got['same']:.2f} s against {got['floor']:.2f} s, {rate:.2f}M rows/s"
    yield Figure(f"{name}: no-change sync / parse", got["same"] / got["floor"], 6.5, told)
    told = f"{got['other']:.2f} s against {got['same']:.2f} s"
    yield Figure(f"{name}: 1 % changed / no change", got["more"], 1.6, told)
    yield Figure(f"{name}: MB that a no-change sync takes", got["memory"], 100, "peak over start")
    yield Figure(
        f"{name}: statements of a no-change sync", len(got["sent"]), 10, _told(got["sent"])
    )
    yield from large_group(place, people)


def _told(sent: list[str]) -> str:
    written = [each for each in sent if each.startswith(("INSERT", "UPDATE", "DELETE"))]
    return f"writes: {', '.join(' '.join(each.split()[:3]) for each in written)}"


def large_group(place: Place, people: int) -> Iterator[Figure]:
    """Load one group of everybody, and the same number of memberships in a thousand groups."""
    size = 2 * people
    one = world(size, [size])
    many = world(size, [size // 1000] * 1000)
    took = []
    for found in (one, many):
        url = place.fresh()
        took.append(apart(partial(first_load, place, url, found))["first"])
    told = f"{took[0]:.2f} s against {took[1]:.2f} s, {size:,} members"
    yield Figure(f"{place.store}: one large group / a thousand", took[0] / took[1], 1.3, told)


def measure_directory(
    folder: Path,
    size: tuple[int, int, int] = (PEOPLE, GROUPS, MEMBERSHIPS),
    rounds: int = ROUNDS,
    stores: tuple[str, ...] = STORES,
) -> Iterator[Figure]:
    """Measure all of it on every store."""
    folder.mkdir(exist_ok=True)
    for store in stores:
        inner = folder / store
        inner.mkdir()
        if store == "sqlite":
            yield from figures(Place(inner, store, None), size, rounds)
        else:
            why = postgres.missing()
            if why is not None:
                print(f"bench: {why}")
                continue
            with postgres.running(more=OF_ITS_SIZE) as server:
                yield from figures(Place(inner, store, server), size, rounds)


def main() -> int:
    """Measure it alone: `python -m tests.bench.directory [people groups memberships [rounds]]`."""
    told = [int(each) for each in sys.argv[1:] if each.isdigit()]
    stores = tuple(each for each in sys.argv[1:] if each in STORES) or STORES
    size = (told[0], told[1], told[2]) if told else (PEOPLE, GROUPS, MEMBERSHIPS)
    rounds = told[3] if len(told) > 3 else ROUNDS
    ok = True
    with tempfile.TemporaryDirectory() as held:
        for figure in measure_directory(Path(held) / "directory", size, rounds, stores):
            print(figure.line(), flush=True)
            ok = ok and figure.holds
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
