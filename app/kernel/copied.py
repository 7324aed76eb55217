"""Rows as the text of PostgreSQL's COPY, written a column at a time.

The form: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format". A line for each row,
a tab between two fields. The driver writes it value by value, at three times the work.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from types import NoneType
from typing import Any

AT_ONCE = 1_000
ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
ESCAPED = str.maketrans(ESCAPES)
NOTHING = "\\N"
Row = tuple[Any, ...]


def pieces(rows: Iterable[Row], encoding: str) -> Iterator[tuple[list[Row], bytes | None]]:
    """Return rows, many at a time, each time with their text.

    Args:
        rows: Values as the driver takes them.
        encoding: That of the connection.

    Returns:
        None in place of the text where a value is of a type that only the driver writes.
    """
    flow = iter(rows)
    while some := list(islice(flow, AT_ONCE)):
        columns = [_written(column) for column in zip(*some, strict=True)]
        told = [each for each in columns if each is not None]
        if len(told) < len(columns):
            yield some, None
        else:
            text = "\n".join(map("\t".join, zip(*told, strict=True)))
            yield some, f"{text}\n".encode(encoding)


def _written(column: tuple[Any, ...]) -> Iterable[str] | None:
    """Return the text of each value, or None if the driver has to write them."""
    kinds = set(map(type, column))
    if not kinds <= WRITERS.keys():
        return None
    if kinds == {str}:
        whole = "".join(column)
        return map(_escaped, column) if any(each in whole for each in ESCAPES) else column
    if len(kinds) == 1:
        return map(WRITERS[kinds.pop()], column)
    return [WRITERS[type(each)](each) for each in column]


def _escaped(value: str) -> str:
    return value.translate(ESCAPED)


WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: _escaped,
    int: str,
    bool: lambda value: "t" if value else "f",
    bytes: lambda value: "\\\\x" + value.hex(),
    datetime: datetime.isoformat,
    NoneType: lambda _: NOTHING,
}
