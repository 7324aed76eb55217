"""A directory of its own for each test, on both stores: memory sources and a moving clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import app.tables
from app.directory import service, syncing
from app.directory.models import SyncRun
from app.kernel.clock import MovingClock
from app.kernel.db import Base, Database, engine_options, prepare
from app.kernel.ids import RandomIds
from app.kernel.jobs import InlineJobs
from app.kernel.ledger import LedgerEntry
from app.kernel.sealed import SealKey
from app.kernel.uow import Transactions
from connectors import registry
from connectors.memory.state import State, read_state, write_state

assert app.tables.TABLES


@dataclass(slots=True)
class Directory:
    """The store, the file behind the source, and what a test does with them."""

    tx: Transactions
    clock: MovingClock
    seal: SealKey
    home: Path
    statements: list[str] = field(default_factory=list)

    def path(self, source: str = "corp") -> Path:
        return self.home / f"{source}.json"

    def show(self, state: State, source: str = "corp") -> None:
        """Let the source show this from now on."""
        write_state(self.path(source), state)

    def state(self, source: str = "corp") -> State:
        return read_state(self.path(source))

    def connect(self, kind: str, settings: Any, secrets: Any) -> Any:
        return registry.connect(kind, settings, secrets, now=self.clock.now)

    def add(self, source: str = "corp", **settings: str) -> None:
        with self.tx.write() as uow:
            service.add_source(
                uow,
                self.seal,
                name=source,
                kind="memory",
                settings={"path": str(self.path(source)), **settings},
                secrets={},
            )

    def set(self, source: str = "corp", **settings: str) -> None:
        with self.tx.write() as uow:
            service.set_source(uow, self.seal, name=source, settings=settings, secrets={})

    def sync(self, source: str = "corp", *, full: bool = False, dry_run: bool = False) -> SyncRun:
        """Read the source now, a minute after whatever was before."""
        self.clock.advance(timedelta(minutes=1))
        with self.tx.write() as uow:
            run = service.request_sync(
                uow, source_name=source, full=full, dry_run=dry_run, is_enqueued=False
            )
            payload = service.payload_of(run, full=full, dry_run=dry_run)
        syncing.run_sync(self.tx, self.connect, self.seal, payload)
        with self.tx.read() as reading:
            found = syncing.run_row(reading, run.public_id)
            reading.session.expunge(found)
            return found

    def rows(self, statement: Any) -> list[Any]:
        with self.tx.read() as reading:
            return [tuple(row) for row in reading.session.execute(statement)]

    def kinds(self) -> list[str]:
        """The kinds of every entry of the ledger so far."""
        return [row[0] for row in self.rows(sa.select(LedgerEntry.kind).order_by(LedgerEntry.id))]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.enable_socket)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'store.db'}"
    else:
        url = request.getfixturevalue("postgres_server").database()
    opened = sa.create_engine(url, **engine_options(url))
    prepare(opened)
    Base.metadata.create_all(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def directory(engine: sa.Engine, tmp_path: Path) -> Directory:
    clock = MovingClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
    tx = Transactions(Database(engine), clock, RandomIds(clock), InlineJobs())
    seal = SealKey.from_file(tmp_path / "seal.key", create=True)
    found = Directory(tx, clock, seal, tmp_path)
    sa.event.listen(engine, "before_cursor_execute", partial(_note, found.statements))
    return found


def _note(
    statements: list[str],
    _connection: Any,
    _cursor: Any,
    statement: str,
    _parameters: Any,
    _context: Any,
    _many: bool,
) -> None:
    statements.append(statement)
