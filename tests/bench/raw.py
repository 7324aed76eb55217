"""The raw bulk write of the rows that a first load leaves: what no sync can be faster than.

Same rows, same tables, same indexes, in one transaction: no thinking, no ids, no ledger. Indexes
are made after the rows, which is the faster way on both stores.
"""

import io
import time
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from app.kernel.db import prepare

BEFORE = ("directory_source", "directory_sync_run")
TABLES = (
    "directory_identity",
    "directory_account",
    "directory_group",
    "directory_membership",
    "directory_nesting",
    "directory_closure",
    "ledger_entry",
    "ledger_pending",
)
Rows = Mapping[str, Any]


def take(url: str) -> Rows:
    """Take the rows of a store, in the driver's own form."""
    engine = _open(url)
    found: dict[str, Any] = {}
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        for table in (*BEFORE, *TABLES):
            if engine.dialect.name == "sqlite":
                cursor = driver.execute(f"SELECT * FROM {table}")  # noqa: S608 - our names
                found[table] = cursor.fetchall()
            else:
                held = io.BytesIO()
                with driver.cursor().copy(f"COPY {table} TO STDOUT (FORMAT BINARY)") as copy:
                    for piece in copy:
                        held.write(piece)
                found[table] = held.getvalue()
    engine.dispose()
    return found


def write(url: str, rows: Rows) -> float:
    """Write them to a fresh store; return the seconds it takes."""
    engine = _open(url)
    indexes = _indexes(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for name, _ in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        for table in BEFORE:
            _put(connection, table, rows[table])
    begun = time.perf_counter()
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table in TABLES:
            _put(connection, table, rows[table])
        for _, statement in indexes:
            connection.exec_driver_sql(statement)
    took = time.perf_counter() - begun
    engine.dispose()
    return took


def _open(url: str) -> sa.Engine:
    engine = sa.create_engine(url)
    prepare(engine)
    return engine


def _put(connection: sa.Connection, table: str, rows: Any) -> None:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            driver.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - ours
        return
    with driver.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(rows)


def _indexes(engine: sa.Engine) -> Sequence[tuple[str, str]]:
    """Return name and statement of the indexes of these tables that no constraint makes."""
    names = ", ".join(f"'{each}'" for each in TABLES)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            found = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master "  # noqa: S608 - names of ours
                f"WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"
            )
        else:
            found = connection.exec_driver_sql(
                "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) "  # noqa: S608
                "FROM pg_index "
                f"WHERE indrelid::regclass::text IN ({names}) AND NOT EXISTS "
                "(SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"
            )
        return [(name, statement) for name, statement in found]
