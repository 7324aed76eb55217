"""A measured figure with its gate, and the house it is measured in."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))

from app.kernel import schema
from app.kernel.db import prepare
from support.house import TestHouse, open_house

# The tests' own server has room for some thousand rows. One that holds a million memberships is
# given more by whoever runs it: a quarter of the memory, says PostgreSQL's manual (20.4.1).
OF_ITS_SIZE = ("shared_buffers=1GB",)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and what it must not pass."""

    name: str
    value: float
    gate: float
    detail: str

    @property
    def holds(self) -> bool:
        return self.value <= self.gate

    def line(self) -> str:
        mark = "ok  " if self.holds else "MISS"
        return f"{mark} {self.name}: {self.value:.2f} (gate {self.gate:g})  {self.detail}"


@contextmanager
def house_of(folder: Path) -> Iterator[TestHouse]:
    """A fresh house on SQLite."""
    url = f"sqlite:///{folder / 'attestry.sqlite3'}"
    engine = sa.create_engine(url)
    prepare(engine)
    schema.upgrade(engine)
    engine.dispose()
    yield from open_house(folder, url)


@contextmanager
def counting(house: TestHouse) -> Iterator[list[str]]:
    """Collect the statements that are sent while the block lasts."""
    found: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        found.append(statement)

    engine = house.tx.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
