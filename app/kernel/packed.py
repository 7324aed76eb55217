"""Many rows of small numbers as one parameter for SQLite, which makes the rows of it itself.

A statement for each row costs more than the row: what a constraint is checked against is made
anew by each. So the numbers of a row are put into one, beside each other, all of them are given as
a JSON array, and SQLite takes them apart again.
"""

from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any

import numpy as np
import orjson

AT_ONCE = 50_000
BITS = 63
Statement = tuple[str, tuple[Any, ...]]


def rows(table: str, columns: Mapping[str, Any]) -> Iterator[Statement] | None:
    """Return the statements, with their parameters, that insert rows.

    Args:
        table: Where.
        columns: The values of each column: an array of integers or booleans, or a `repeat` of what
            the driver takes.

    Returns:
        None if the numbers of a row are too many or too large for this, or one is below zero.
    """
    widths = {
        name: int(found.max()).bit_length() if found.min() >= 0 else BITS + 1
        for name, found in columns.items()
        if isinstance(found, np.ndarray) and len(found)
    }
    if not widths or sum(widths.values()) > BITS:
        return None
    return _statements(table, columns, widths)


def _statements(
    table: str, columns: Mapping[str, Any], widths: Mapping[str, int]
) -> Iterator[Statement]:
    shown: list[str] = []
    same: list[Any] = []
    whole = np.zeros(len(columns[next(iter(widths))]), np.int64)
    at = 0
    for name, found in columns.items():
        if isinstance(found, repeat):
            shown.append("?")
            same.append(next(found))
            continue
        whole |= found.astype(np.int64) << at
        shown.append(f"(value >> {at}) & {(1 << widths[name]) - 1}")
        at += widths[name]
    statement = (
        f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608 - names of ours
        f"SELECT {', '.join(shown)} FROM json_each(?)"
    )
    for start in range(0, len(whole), AT_ONCE):
        piece = orjson.dumps(whole[start : start + AT_ONCE], option=orjson.OPT_SERIALIZE_NUMPY)
        yield statement, (*same, piece.decode())
