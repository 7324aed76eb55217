"""Counting what is sent to the store: a list costs the same with one row as with many."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from support.house import TestHouse

NOT_COUNTED = ("BEGIN", "PRAGMA", "SET ", "ROLLBACK", "COMMIT", "SAVEPOINT", "RELEASE")


@contextmanager
def counted(house: TestHouse) -> Iterator[list[str]]:
    """Collect the statements sent while the block runs."""
    statements: list[str] = []
    engine = house.tx.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(NOT_COUNTED):
            statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
