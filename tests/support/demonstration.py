"""The demonstration company, filled and opened as a house of the tests."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.cli import demo
from app.kernel.clock import MovingClock, SystemClock
from app.kernel.jobs import InlineJobs
from app.kernel.settings import Mode, Settings
from app.wiring import Ports, build
from support.house import TestHouse


def demonstration(home: Path) -> tuple[TestHouse, dict[str, str]]:
    """Fill the demonstration company; returns it with the sign-in link of each persona."""
    settings = Settings(
        home=home,
        database_url=f"sqlite:///{home / 'attestry.sqlite3'}",
        base_url="https://attestry.example",
        mode=Mode.DEMONSTRATION,
        secret_key="a secret of the tests",
        seal_key_file=home / "seal.key",
    )
    with ThreadPoolExecutor(1) as apart:  # where a browser's loop runs no other one can
        links = {each["role"]: each["link"] for each in apart.submit(demo.fill, settings).result()}
    clock, jobs = MovingClock(SystemClock().now()), InlineJobs()
    house = build(settings, Ports(clock=clock, jobs=jobs))
    jobs.runners = dict(house.runners)
    return TestHouse(house, clock, jobs, home, ""), links
