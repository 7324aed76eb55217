"""What every page costs in a company of 100,000 people: time on the server, and size on the line.

The company is read from a simulated source by the product's own sync; the pages are found by
following links as an administrator, one of each kind.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.directory import service as directory
from app.kernel.actor import Role
from app.signin import service as signin
from bench.figures import Figure, house_of
from connectors.memory.state import State, write_state
from connectors.records import Account, Group, Member, MemberKind
from support.house import MORNING, TestHouse
from support.visitor import Visitor
from support.walking import walk

PEOPLE = 100_000
GROUPS = 2_000
EACH_IN = 4
TEAM = 50
SOURCE = "corp"
ADMIN = "1000000"
ROUNDS = 9
GATE_KB = 40
GATE_MS = 30


def state(people: int = PEOPLE) -> State:
    """Return a company: teams of fifty, each person in four groups, one group of everybody."""
    made = State()
    made.add(accounts=[account(place) for place in range(people)])
    for place in range(GROUPS):
        made.add(groups=[Group(f"g{place}", f"Group {place:04}", "security", f"Gives {place}")])
    inside: dict[str, list[Member]] = {f"g{place}": [] for place in range(GROUPS)}
    for place in range(people):
        for step in range(EACH_IN - 1):
            chosen = (place * 7 + step * 613) % (GROUPS - 1) + 1
            inside[f"g{chosen}"].append(Member(f"a{place}", MemberKind.ACCOUNT))
        inside["g0"].append(Member(f"a{place}", MemberKind.ACCOUNT))
    made.add(members=inside)
    return made


def account(place: int) -> Account:
    """Return somebody's account; the head of a team is its first person."""
    head = place - place % TEAM
    above = head if place != head else (head // TEAM // TEAM) * TEAM
    return Account(
        external_id=f"a{place}",
        login=f"u{place:06}",
        display_name=f"Person {place:06} of {place % 997:03}",
        is_enabled=True,
        status="enabled",
        employee_number=str(1_000_000 + place),
        mail=f"u{place:06}@example.test",
        manager_id=None if place == 0 else f"a{above}" if above != place else "a0",
        department=f"Department {place % 200}",
        title=f"Title {place % 40}",
        last_sign_in_at=MORNING - timedelta(days=place % 120),
    )


def found(folder: Path, house: TestHouse) -> None:
    """Read the company, and let some things happen in it."""
    path = folder / f"{SOURCE}.json"
    write_state(path, state())
    with house.write() as uow:
        directory.add_source(
            uow,
            house.house.seal,
            name=SOURCE,
            kind="memory",
            settings={"path": str(path)},
            secrets={},
        )
    with house.write() as uow:
        directory.request_sync(uow, source_name=SOURCE)
    house.drain()
    with house.write() as uow:
        signin.grant_role(uow, who=ADMIN, role=Role.ADMIN)


def measure_scale(folder: Path) -> Iterator[Figure]:
    """Measure every page."""
    folder.mkdir(exist_ok=True)
    with house_of(folder) as house:
        begun = time.perf_counter()
        found(folder, house)
        filled = time.perf_counter() - begun
        app = house.app()
        admin = Visitor(app).sign_in(house.tx, ADMIN)
        slowest, largest = ("", 0.0), ("", 0.0)
        kinds = 0
        for rule, path, _ in walk(app, admin, but="/reviews/"):
            kinds += 1
            size = len(admin.get(path, accept_encoding="br").get_data()) / 1000
            times = []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                admin.get(path, accept_encoding="br")
                times.append(time.perf_counter() - begun)
            took = statistics.median(times) * 1000
            if took > GATE_MS or size > GATE_KB:
                print(f"     {rule}: {took:.1f} ms, {size:.1f} KB", flush=True)
            slowest = max(slowest, (rule, took), key=lambda each: each[1])
            largest = max(largest, (rule, size), key=lambda each: each[1])
        what = f"of {kinds} kinds of page, {PEOPLE:,} people read in {filled:.0f} s"
        yield Figure(
            "ms of the server for the slowest page", slowest[1], GATE_MS, f"{slowest[0]} {what}"
        )
        yield Figure(
            "KB of the largest page, compressed", largest[1], GATE_KB, f"{largest[0]} {what}"
        )


def main() -> int:
    """Measure the pages of a large company alone."""
    with tempfile.TemporaryDirectory() as held:
        figures = list(measure_scale(Path(held)))
    for figure in figures:
        print(figure.line())
    return 0 if all(each.holds for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
