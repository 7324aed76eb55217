"""Very many rows at once on SQLite, as fast as it takes them. PostgreSQL needs no help.

Where more rows come or change than there are, their indexes are made after them, which takes half
the time of finding the place of each row in each index. It happens inside the caller's transaction,
which has the store to itself: if it fails, every index is as it was. Else SQLite, which keeps two
megabytes of pages, gets more room: rows that each touch another page of an index would make it read
and write the same pages again and again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

SOME = 1_000
MANY = 20_000
ROOM = 32 * 1024  # KiB of pages


@contextmanager
def filling(session: Session, table: sa.Table, count: int, *, keeping: str = "") -> Iterator[None]:
    """Write so many rows in the block; where they are few, nothing is different.

    Args:
        session: To write with; none of its reads is still going on.
        table: Where; its key is the column `id`.
        count: How many rows.
        keeping: A column whose indexes are looked into meanwhile, or that nothing changes in.
    """
    connection = session.connection()
    if count < MANY or connection.dialect.name != "sqlite":
        yield
        return
    # There are no more rows than the newest key says.
    newest = connection.scalar(sa.select(sa.func.max(table.c.id)))
    if newest is not None and newest > count:
        with roomy(session, count):
            yield
    else:
        driver: Any = connection.connection.driver_connection
        with connection.begin_nested(), _indexed_after(driver, table, keeping):
            yield


@contextmanager
def roomy(session: Session, count: int) -> Iterator[None]:
    """Change so many rows in the block; where they are few, nothing is different.

    Args:
        session: To write with.
        count: How many rows.
    """
    connection = session.connection()
    if count < SOME or connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before = driver.execute("PRAGMA cache_size").fetchone()[0]
    driver.execute(f"PRAGMA cache_size=-{ROOM}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA cache_size={before}")
        driver.execute("PRAGMA shrink_memory")


@contextmanager
def _indexed_after(driver: Any, table: sa.Table, keeping: str) -> Iterator[None]:
    """Take away the indexes that no constraint makes, and make them again as they were."""
    found = driver.execute(
        "SELECT name, sql FROM sqlite_master "
        "WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY rowid",
        (table.name,),
    ).fetchall()
    stays = {each.name for each in table.indexes if keeping in each.columns}
    found = [each for each in found if each[0] not in stays]
    for name, _ in found:
        driver.execute(f"DROP INDEX {name}")
    yield
    for _, statement in found:
        driver.execute(statement)
