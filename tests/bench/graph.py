"""What nesting and the past cost: the closure, effective members of all, and any moment of one.

The closure and the effective members are measured in seconds, as a sync and a list compute them,
from arrays. A moment of one identity or group is measured against the present one, in turn, with
two million intervals in the store; on both stores. Alone: `python -m tests.bench graph`.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.directory import following, graph, queries
from app.directory.domain import IdentityKind, Provenance
from app.directory.models import Account, Group, Identity, Membership, Nesting, Source
from app.kernel import bulk
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.db import Model
from app.kernel.uow import Reading
from app.web.paging import Window
from bench.directory import STORES, Place, timed
from bench.figures import OF_ITS_SIZE, Figure
from support.house import MORNING, TestHouse, open_house
from support.servers import postgres

Numbers = npt.NDArray[np.int64]
PEOPLE, GROUPS, OPEN, CLOSED = 100_000, 10_000, 1_000_000, 1_000_000
DEEP, RINGS, FEW, EACH_IN = 5, 40, 4, 2.5
ROUNDS = 5
ASKED = 150
BEGUN = MORNING - timedelta(days=700)
THEN = MORNING - timedelta(days=350)
DANA = Actor(ActorKind.PERSON, "dana", roles=frozenset({Role.AUDITOR}))


def nestings(groups: int = GROUPS, seed: int = 7) -> list[tuple[int, int]]:
    """Return (parent, child) of groups in layers, with some rings."""
    drawn = np.random.default_rng(seed)
    layer = groups // DEEP
    count = int(layer * EACH_IN)
    found: set[tuple[int, int]] = set()
    for depth in range(DEEP - 1):
        parents = depth * layer + drawn.integers(0, layer, count)
        children = (depth + 1) * layer + drawn.integers(0, layer, count)
        found.update(zip(parents.tolist(), children.tolist(), strict=True))
    # Rings: small ones anywhere, and a few through all layers.
    known = sorted(found)
    turned = drawn.choice(len(known), min(RINGS, len(known)), replace=False)
    found.update((known[each][1], known[each][0]) for each in turned.tolist())
    found.update((groups - 1 - each, each) for each in range(min(FEW, layer)))
    return sorted((parent + 1, child + 1) for parent, child in found)


def memberships(
    count: int, people: int = PEOPLE, groups: int = GROUPS, seed: int = 7
) -> tuple[Numbers, Numbers]:
    """Return group and account of so many memberships: few large groups, many small ones."""
    drawn = np.random.default_rng(seed)
    chosen = (groups * drawn.random(int(count * 1.2)) ** 1.3).astype(np.int64) + 1
    accounts = drawn.integers(1, people + 1, len(chosen))
    keys = np.unique((chosen << 32) | accounts)
    keys = np.sort(drawn.permutation(keys)[:count])
    return keys >> 32, keys & 0xFFFFFFFF


def measure_closure(
    rounds: int = ROUNDS, groups: int = GROUPS, count: int = OPEN
) -> Iterator[Figure]:
    """Measure the closure, and the members of every group by it."""
    edges = nestings(groups)
    inside, accounts = memberships(count, groups=groups)
    closures, members = [], []
    pairs: list[tuple[int, int, int]] = []
    total = 0
    for _ in range(rounds):
        closures.append(timed(lambda: pairs.__setitem__(slice(None), graph.closure(edges))))
        within = [(pair[0], pair[1]) for pair in pairs]
        found = [0]

        def count_all() -> None:
            ways = graph.effective_members(within, inside, accounts)  # noqa: B023 - done at once
            found[0] = sum(len(each) for _, each in ways)  # noqa: B023

        members.append(timed(count_all))
        total = found[0]
    told = f"{len(edges):,} nestings, {DEEP} deep, {RINGS + FEW} rings, {len(pairs):,} pairs"
    yield Figure("seconds for the closure of all groups", statistics.median(closures), 0.5, told)
    told = f"{count:,} memberships, {total:,} effective ones"
    yield Figure("seconds for the effective members", statistics.median(members), 1.5, told)


def fill(session: Session, size: tuple[int, int, int, int]) -> None:
    """Write a company with a past, past all commands: open intervals, and ended ones."""
    people, groups, present, past = size
    numbers = range(1, people + 1)

    def put(model: type[Model], **columns: Any) -> None:
        bulk.insert(session, model.__table__, columns)  # type: ignore[arg-type]

    put(
        Source,
        id=[1],
        public_id=["source"],
        name=["corp"],
        kind=["memory"],
        settings=[{}],
        is_enabled=[True],
        created_at=[BEGUN],
        version=[1],
        delta_minutes=[0],
        full_hours=[24],
        most_accounts_percent=[20],
        most_memberships_percent=[20],
        most_of_group_percent=[50],
        large_group=[100],
    )
    put(
        Identity,
        id=numbers,
        public_id=[f"i{each}" for each in numbers],
        kind=repeat(IdentityKind.PERSON),
        display_name=[f"Person {each}" for each in numbers],
        is_active=repeat(True),
        correlation_rule=repeat("own"),
        first_seen_at=repeat(BEGUN),
    )
    put(
        Account,
        id=numbers,
        public_id=[f"a{each}" for each in numbers],
        source_id=repeat(1),
        external_id=[f"x{each}" for each in numbers],
        identity_id=numbers,
        login=[f"u{each}" for each in numbers],
        display_name=[f"Person {each}" for each in numbers],
        kind=repeat("person"),
        status=repeat("enabled"),
        is_enabled=repeat(True),
        address=repeat(""),
        attributes=repeat({}),
        digest=repeat(b""),
        first_seen_at=repeat(BEGUN),
    )
    named = range(1, groups + 1)
    put(
        Group,
        id=named,
        public_id=[f"g{each}" for each in named],
        source_id=repeat(1),
        external_id=[f"y{each}" for each in named],
        name=[f"Group {each}" for each in named],
        kind=repeat("security"),
        description=repeat(""),
        is_writable=repeat(True),
        is_administrative=[each % 500 == 1 for each in named],
        address=repeat(""),
        attributes=repeat({}),
        digest=repeat(b""),
        first_seen_at=repeat(BEGUN),
    )
    intervals(session, present, people, groups, is_open=True)
    intervals(session, past, people, groups, is_open=False)
    edges = nestings(groups)
    put(
        Nesting,
        parent_id=[parent for parent, _ in edges],
        child_id=[child for _, child in edges],
        valid_from=repeat(BEGUN),
    )
    following.follow_nestings(session)
    following.follow_reach(session)


def intervals(session: Session, count: int, people: int, groups: int, *, is_open: bool) -> None:
    """Write memberships that began, and ended, at any of some hundred moments."""
    inside, accounts = memberships(count, people, groups, seed=1 if is_open else 2)
    drawn = np.random.default_rng(3)
    moments = [BEGUN + timedelta(days=day) for day in range(690)]
    begun = drawn.integers(0, 500, len(inside))
    ended = begun + drawn.integers(1, 190, len(inside))
    columns: dict[str, Any] = {
        "group_id": bulk.flow(inside),
        "account_id": bulk.flow(accounts),
        "is_primary": repeat(False),
        "valid_from": [moments[each] for each in begun.tolist()],
        "provenance": repeat(Provenance.OBSERVED),
    }
    if not is_open:
        columns["valid_to"] = [moments[each] for each in ended.tolist()]
    bulk.insert(session, Membership.__table__, columns)  # type: ignore[arg-type]


def measure_moments(
    house: TestHouse, store: str, size: tuple[int, int, int, int], asked: int = ASKED
) -> Iterator[Figure]:
    """Measure the present and a moment of many identities and groups, in turn."""
    engine = house.tx.database.engine
    with Session(engine) as session:
        fill(session, size)
        session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    people, groups = size[:2]
    drawn = np.random.default_rng(9)
    who = [f"i{each}" for each in drawn.integers(1, people + 1, asked).tolist()]
    which = [f"g{each}" for each in drawn.integers(1, groups + 1, asked).tolist()]
    with house.read(DANA) as reading:
        yield _compared(
            f"{store}: what somebody had at a moment / has now", who, partial(_access, reading)
        )
        yield _compared(
            f"{store}: who was in a group at a moment / is now", which, partial(_direct, reading)
        )
        yield _compared(
            f"{store}: who was in a group by nesting at a moment / is now",
            which,
            partial(_effective, reading),
        )


def _access(reading: Reading, who: str, as_of: datetime | None) -> object:
    return queries.show_access(reading, who, as_of=as_of)


def _direct(reading: Reading, which: str, as_of: datetime | None) -> object:
    return queries.show_members(reading, which, Window(), as_of=as_of)


def _effective(reading: Reading, which: str, as_of: datetime | None) -> object:
    return queries.show_members(reading, which, Window(), is_effective=True, as_of=as_of)


def _compared(
    name: str, asked: Sequence[str], look: Callable[[str, datetime | None], object]
) -> Figure:
    now: list[float] = []
    then: list[float] = []
    for each in (*asked[:10], *asked):  # the first ones warm caches
        for moment, took in ((None, now), (THEN, then)):
            begun = time.perf_counter()
            look(each, moment)
            took.append(time.perf_counter() - begun)
    present, past = statistics.median(now[10:]), statistics.median(then[10:])
    told = f"p50 {past * 1000:.2f} ms against {present * 1000:.2f} ms"
    return Figure(name, past / present, 2.0, told)


def measure_graph(
    folder: Path,
    size: tuple[int, int, int, int] = (PEOPLE, GROUPS, OPEN, CLOSED),
    stores: tuple[str, ...] = STORES,
) -> Iterator[Figure]:
    """Measure all of it; the moments on every store."""
    folder.mkdir(exist_ok=True)
    yield from measure_closure()
    for store in stores:
        inner = folder / store
        inner.mkdir()
        if store == "sqlite":
            place = Place(inner, store, None)
            url = place.fresh()
            for house in open_house(place.home(url), url):
                yield from measure_moments(house, store, size)
            continue
        why = postgres.missing()
        if why is not None:
            print(f"bench: {why}")
            continue
        with postgres.running(more=OF_ITS_SIZE) as server:
            place = Place(inner, store, server)
            url = place.fresh()
            for house in open_house(place.home(url), url):
                yield from measure_moments(house, store, size)


def main() -> int:
    """Measure it alone: `python -m tests.bench.graph [people groups open closed] [store]`."""
    told = [int(each) for each in sys.argv[1:] if each.isdigit()]
    stores = tuple(each for each in sys.argv[1:] if each in STORES) or STORES
    size = (told[0], told[1], told[2], told[3]) if told else (PEOPLE, GROUPS, OPEN, CLOSED)
    ok = True
    with tempfile.TemporaryDirectory() as held:
        for figure in measure_graph(Path(held) / "graph", size, stores):
            print(figure.line(), flush=True)
            ok = ok and figure.holds
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
