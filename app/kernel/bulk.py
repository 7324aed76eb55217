"""Many rows at once, past the mapper: read as the driver gives them, written by its fastest way.

PostgreSQL takes rows by COPY, SQLite by one prepared statement or, of numbers, by few. Whoever
writes by this still tells the unit of work what changed (`uow.touch`), so that nothing governed
changes unrecorded.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, repeat
from types import NoneType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.kernel import binary, copied, packed, references

AT_ONCE = 50_000
# The drivers take these as they are. Bytes in the driver's own wrapping only it could write.
AS_THEY_ARE = (sa.Boolean, sa.LargeBinary)
FETCHED = 500  # rows that are read and let go again while they are near the processor
Item = TypeVar("Item")
Wanted = sa.Select[*tuple[Any, ...]]
Numbers = npt.NDArray[np.int64]


def fetch(session: Session, statement: Wanted) -> list[tuple[Any, ...]]:
    """Read all rows as the driver gives them: no objects, and no types but the store's own.

    Args:
        session: To read with.
        statement: What to read.
    """
    return list(_cursor(session, statement).fetchall())


def pieces(session: Session, statement: Wanted) -> Iterator[list[tuple[Any, ...]]]:
    """Read rows as `fetch` does, some at a time.

    Args:
        session: To read with.
        statement: What to read.
    """
    cursor = _cursor(session, statement)
    while rows := cursor.fetchmany(FETCHED):
        yield rows


def numbers(session: Session, statement: Wanted, width: int) -> Numbers:
    """Read rows that hold only numbers and booleans, in pieces, so that they take little room.

    Args:
        session: To read with.
        statement: What to read.
        width: How many columns it has.

    Returns:
        One column an array, each as long as there are rows.
    """
    parts = [np.empty((0, width), np.int64)]
    parts += [
        np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * width).reshape(-1, width)
        for rows in pieces(session, statement)
    ]
    return np.ascontiguousarray(np.concatenate(parts).T)


def among(session: Session, column: Any, keys: Sequence[int]) -> sa.ColumnElement[bool]:
    """Choose rows by very many keys: one statement, always the same, with one parameter.

    Args:
        session: To read or write with.
        column: What has to be one of the keys.
        keys: All of them.
    """
    if session.get_bind().dialect.name == "sqlite":
        given = sa.func.json_each(orjson.dumps(list(keys)).decode()).table_valued("value")
        return sa.and_(column.in_(sa.select(given.c.value)))
    return sa.and_(column == sa.func.any(sa.bindparam(None, list(keys), ARRAY(sa.BigInteger))))


def next_keys(session: Session, table: sa.Table, count: int) -> list[int]:
    """Take so many keys that no other row of a table has or will have, in rising order.

    Args:
        session: A session whose transaction writes; on SQLite it has the store to itself.
        table: Its key is the column `id`.
        count: How many.
    """
    if session.get_bind().dialect.name == "sqlite":
        newest = session.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0)))
        return list(range(int(newest or 0) + 1, int(newest or 0) + 1 + count))
    sequence = sa.func.pg_get_serial_sequence(table.name, "id")
    taken = sa.select(sa.func.nextval(sequence)).select_from(sa.func.generate_series(1, count))
    return sorted(row[0] for row in fetch(session, taken))


def insert(
    session: Session,
    table: sa.Table,
    columns: Mapping[str, Iterable[Any]],
    *,
    refers_to_itself: bool = False,
) -> None:
    """Insert many rows.

    Args:
        session: To write with.
        table: Where.
        columns: The values of each column, one a row, as the mapper would take them, or an array of
            numbers or booleans; one value for all rows is given by `itertools.repeat`, and at least
            one column has an end. Where there are only arrays and repeated values, no object is
            made for each: PostgreSQL gets them in its own binary form, SQLite as one text.
        refers_to_itself: Whether a row may name one that comes after it.
    """
    connection = session.connection()
    dialect = connection.dialect
    driver: Any = connection.connection.driver_connection
    if dialect.name != "sqlite":
        _copy(driver, table, dialect, columns)
        return
    if refers_to_itself:  # looked at when the transaction ends, not after each row
        driver.execute("PRAGMA defer_foreign_keys=ON")
    if binary.fits(columns):
        same = {
            name: _bound(table.c[name], dialect, found) if isinstance(found, repeat) else found
            for name, found in columns.items()
        }
        statements = packed.rows(table.name, same)
        if statements is not None:
            if references.are_ours(session):
                count = next(len(each) for each in same.values() if isinstance(each, np.ndarray))
                references.look_up(session, table, same, count)
            _put(driver, statements, is_first_like_all=_is_first_like_all(table, columns))
            return
    marks = ", ".join("?" * len(columns))
    driver.executemany(
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - ours
        _rows(table, dialect, columns),
    )


def _put(driver: Any, statements: Iterable[packed.Statement], *, is_first_like_all: bool) -> None:
    """Insert rows that SQLite makes itself; what the first have passed need not be asked again.

    A check by a list of words costs a row more than the rest of it.
    """
    flow = iter(statements)
    driver.execute(*next(flow))
    if is_first_like_all:
        driver.execute("PRAGMA ignore_check_constraints=ON")
    try:
        for each in flow:
            driver.execute(*each)
    finally:
        driver.execute("PRAGMA ignore_check_constraints=OFF")


def _is_first_like_all(table: sa.Table, columns: Mapping[str, Iterable[Any]]) -> bool:
    """Say whether the checks of a table see the same values in each of these rows."""
    checks = [each for each in table.constraints if isinstance(each, sa.CheckConstraint)]
    return all(
        each.columns
        and all(isinstance(columns.get(one.name), repeat | NoneType) for one in each.columns)
        for each in checks
    )


def _copy(
    driver: Any, table: sa.Table, dialect: sa.Dialect, columns: Mapping[str, Iterable[Any]]
) -> None:
    """Insert many rows by PostgreSQL's COPY."""
    into = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    if binary.fits(columns):
        types = [table.c[name].type.dialect_impl(dialect) for name in columns]
        with driver.cursor() as cursor, cursor.copy(f"{into} (FORMAT BINARY)") as copy:
            for piece in binary.rows(types, [*columns.values()], dialect):
                copy.write(piece)
        return
    written = copied.pieces(_rows(table, dialect, columns), driver.info.encoding)
    with driver.cursor() as cursor, cursor.copy(into) as copy:
        for rows, text in written:
            if text is not None:
                copy.write(text)
                continue
            for row in rows:
                copy.write_row(row)


def _rows(
    table: sa.Table, dialect: sa.Dialect, columns: Mapping[str, Iterable[Any]]
) -> Iterator[tuple[Any, ...]]:
    values = [_bound(table.c[name], dialect, found) for name, found in columns.items()]
    return zip(*values, strict=False)


def update(
    session: Session, table: sa.Table, keys: Sequence[int], columns: Mapping[str, Sequence[Any]]
) -> None:
    """Change many rows, each to values of its own.

    Args:
        session: To write with.
        table: Its key is the column `id`.
        keys: Which rows.
        columns: The new values of each column, one a key, as the mapper would take them.
    """
    connection = session.connection()
    dialect = connection.dialect
    values = [list(_bound(table.c[name], dialect, found)) for name, found in columns.items()]
    if dialect.name == "sqlite":
        sets = ", ".join(f"{name} = ?" for name in columns)
        driver: Any = connection.connection.driver_connection
        driver.executemany(
            f"UPDATE {table.name} SET {sets} WHERE id = ?",  # noqa: S608 - names of ours
            zip(*values, keys, strict=True),
        )
        return
    sets = ", ".join(f"{name} = changed.{name}" for name in columns)
    arrays = ", ".join(f"%s::{table.c[name].type.compile(dialect)}[]" for name in ("id", *columns))
    names = ", ".join(("id", *columns))
    connection.exec_driver_sql(
        f"UPDATE {table.name} SET {sets} FROM unnest({arrays}) AS changed({names}) "  # noqa: S608
        f"WHERE {table.name}.id = changed.id",
        (list(keys), *values),
    )


def flow(values: npt.NDArray[Any]) -> Iterator[Any]:
    """Return the values of an array as plain ones, without making all of them at once."""
    starts = range(0, len(values), AT_ONCE)
    return chain.from_iterable(values[start : start + AT_ONCE].tolist() for start in starts)


def _bound(column: sa.Column[Any], dialect: sa.Dialect, values: Iterable[Any]) -> Iterable[Any]:
    """Return values as the driver takes them."""
    if isinstance(values, np.ndarray):
        return flow(values)
    process = column.type.dialect_impl(dialect).bind_processor(dialect)
    if process is None or isinstance(column.type, AS_THEY_ARE):
        return values
    if isinstance(values, repeat):
        return repeat(process(next(values)))
    if isinstance(column.type, sa.Enum):
        process = cache(process)
    return map(process, values)


def _cursor(session: Session, statement: Wanted) -> Any:
    found: Any = session.connection().execute(statement)
    return found.cursor


def chunks(keys: Sequence[Item], size: int = AT_ONCE) -> Iterator[Sequence[Item]]:
    """Cut keys into pieces that a statement can hold."""
    return (keys[start : start + size] for start in range(0, len(keys), size))
