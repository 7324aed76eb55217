"""A whole house for a test: real store, real wiring, a clock that is moved, jobs run on demand."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.cli.init import prepare
from app.factory import create_app, open_to
from app.kernel.actor import SYSTEM, Actor
from app.kernel.clock import MovingClock
from app.kernel.jobs import InlineJobs
from app.kernel.settings import Mode, Settings
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.wiring import House, Ports, build
from support.visitor import Visitor

MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MADE: list[Flask] = []  # the application that each house gets a copy of


@dataclass(slots=True)
class Caller:
    """A client of the API that sends one token."""

    client: FlaskClient
    token: str | None

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send one call; `headers` in snake case (`idempotency_key="a"`)."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        return self.client.open(f"/api/v1{path}", method=method, json=body, headers=sent)

    def get(self, path: str) -> Any:
        """GET, and the JSON of a success."""
        answer = self("GET", path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def post(self, path: str, body: Any = None, status: int | None = None, **headers: str) -> Any:
        """POST, and the JSON of a success."""
        answer = self("POST", path, body if body is not None else {}, **headers)
        wanted = (status,) if status is not None else (200, 201, 202)
        assert answer.status_code in wanted, answer.get_data(as_text=True)
        return answer.get_json()


@dataclass(slots=True)
class TestHouse:
    """A house and what a test does with it."""

    __test__ = False
    house: House
    clock: MovingClock
    jobs: InlineJobs
    home: Path
    admin_token: str

    @property
    def tx(self) -> Transactions:
        """Its transactions."""
        return self.house.tx

    def write(self, actor: Actor = SYSTEM) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work as somebody."""
        return self.tx.write(actor)

    def read(self, actor: Actor = SYSTEM) -> AbstractContextManager[Reading]:
        """Open a reading as somebody."""
        return self.tx.read(actor)

    def drain(self) -> int:
        """Run every job that is due, and what they cause."""
        return self.jobs.drain(self.clock.now)

    def later(self, **delta: float) -> int:
        """Move the clock, let the minute tick pass, and run what became due."""
        self.clock.advance(timedelta(**delta))
        self.tick()
        return self.drain()

    def tick(self) -> None:
        """Do what the worker does once a minute."""
        for each in self.house.ticks:
            each()

    def caller(self, token: str | None) -> Caller:
        """Return a client of the API with a token."""
        return Caller(self.app().test_client(), token)

    def visitor(self, who: str | None = None) -> Visitor:
        """Return a browser, signed in as somebody if they are named (mail, number or id)."""
        opened = Visitor(self.app())
        return opened if who is None else opened.sign_in(self.tx, who)

    def app(self) -> Flask:
        """Return the web application of this house.

        Every house has the same pages, and to register them takes longer than most tests: each gets
        a copy of one application, opened to it alone.
        """
        if not MADE:
            MADE.append(create_app(self.house.settings, house=self.house))
        made = MADE[0]
        copied = copy(made)
        copied.extensions, copied.config = dict(made.extensions), copy(made.config)
        open_to(copied, self.house.settings, self.house)
        return copied


def open_house(home: Path, database_url: str, **ports: Any) -> Iterator[TestHouse]:
    """Open a house over a database that is migrated already.

    Args:
        home: A folder of its own.
        database_url: Where its database is.
        ports: Ports to bring instead of the test's own.
    """
    clock = MovingClock(MORNING)
    jobs = InlineJobs()
    settings = Settings(
        home=home,
        database_url=database_url,
        base_url="https://attestry.example",
        mode=Mode.DEMONSTRATION,
        secret_key="a secret of the tests",
        seal_key_file=home / "seal.key",
    )
    house = build(settings, Ports(clock=clock, jobs=jobs, **ports))
    jobs.runners = dict(house.runners)
    first = prepare(house, admin=None, is_migrated=True)
    try:
        yield TestHouse(house, clock, jobs, home, first.token or "")
    finally:
        house.tx.database.engine.dispose()
