"""Whether what a row names is there, asked once for all rows where very many are written.

SQLite looks for what a new row names anew for each row and each foreign key: of a million
memberships that takes three times as long as writing them. It can be told to leave it, though only
before a transaction begins, and then for all of it. In such a transaction (`Transactions.write`
with `fills`) what arrays of rows name is looked up here, each key once, before the rows are
written, and every other table is looked through just before the commit. So the same commits as
before, and nothing else; only the moment of a refusal differs. Nothing may be removed in it that
others name. PostgreSQL asks as ever. See `docs/adr/0013-what-many-rows-name-is-asked-once.md`.
"""

from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.kernel.db import FILLS
from app.kernel.distinct import distinct

LOOKED_UP = "looked up"  # in a session: of each table, its newest key before, and how many came


def are_ours(session: Session) -> bool:
    """Say whether the store leaves it to us to look for what rows name.

    Args:
        session: Of the transaction.
    """
    connection = session.connection()
    is_filling = connection.get_execution_options().get(FILLS, False)
    return bool(is_filling and connection.dialect.name == "sqlite")


def look_up(session: Session, table: sa.Table, columns: Mapping[str, Any], count: int) -> None:
    """Look for what very many rows name that are about to be written, each key once.

    Args:
        session: To write with.
        table: Where the rows come.
        columns: Arrays, and values that are repeated; a column left out is empty in each row.
        count: How many rows.

    Raises:
        IntegrityError: A row names one that is not there.
    """
    for name, found in columns.items():
        for key in table.c[name].foreign_keys:
            _look_up(session, key, found)
    if "id" not in table.c:  # whether only these came cannot be told afterwards
        return
    known = session.info.setdefault(LOOKED_UP, {})
    newest, before = known.get(table.name) or (_newest(session, table.name), 0)
    known[table.name] = (newest, before + count)


def check(session: Session) -> None:
    """Look through the tables of a transaction that is about to commit.

    One whose new rows were all looked up before is not looked through again.

    Args:
        session: To look with; everything is written.

    Raises:
        IntegrityError: A row names one that is not there.
    """
    if not are_ours(session):
        return
    known = session.info.get(LOOKED_UP, {})
    found = _asked(session, "SELECT name FROM sqlite_master WHERE type = 'table'")
    for (name,) in found:
        newest, count = known.get(name, (0, -1))
        new = f"SELECT count(*) FROM {name} WHERE id > ?"  # noqa: S608 - names of ours
        if count >= 0 and _asked(session, new, newest) == [(count,)]:
            continue
        statement = f'PRAGMA foreign_key_check("{name}")'
        missing = _asked(session, statement)
        if missing:
            raise _refused(statement, f"{name} names {len(missing)} rows that are not there")


def _look_up(session: Session, key: sa.ForeignKey, found: Iterable[Any]) -> None:
    one = next(found) if isinstance(found, repeat) else None
    named = distinct(found).tolist() if isinstance(found, np.ndarray) else [one]
    there = key.column
    statement = (
        "SELECT count(*) FROM json_each(?) "  # noqa: S608 - names of ours
        f"WHERE value IS NOT NULL AND value NOT IN (SELECT {there.name} FROM {there.table.name})"
    )
    [(missing,)] = _asked(session, statement, orjson.dumps(named).decode())
    if missing:
        raise _refused(statement, f"{key.parent} names {missing} rows that are not there")


def _newest(session: Session, table: str) -> int:
    statement = f"SELECT coalesce(max(id), 0) FROM {table}"  # noqa: S608 - names of ours
    [(newest,)] = _asked(session, statement)
    return int(newest)


def _asked(session: Session, statement: str, *parameters: Any) -> list[Any]:
    driver: Any = session.connection().connection.driver_connection
    rows: list[Any] = driver.execute(statement, parameters).fetchall()
    return rows


def _refused(statement: str, why: str) -> IntegrityError:
    return IntegrityError(statement, None, LookupError(why))
