"""Rows of numbers in the binary form of PostgreSQL's COPY, built by the hundred thousand in arrays.

The form: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Each row is the
number of its fields, and each field its length and its bytes, all in network order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
NULL = -1
AT_ONCE = 50_000
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def fits(columns: Mapping[str, Iterable[Any]]) -> bool:
    """Whether rows are of arrays and of single values for all rows."""
    return all(isinstance(each, np.ndarray | repeat) for each in columns.values()) and any(
        isinstance(each, np.ndarray) for each in columns.values()
    )


def rows(
    types: Sequence[sa.types.TypeEngine[Any]], values: Sequence[Any], dialect: sa.Dialect
) -> Iterator[bytes]:
    """Write rows.

    Args:
        types: The type of each column, as the dialect has it.
        values: An array of integers or booleans, or a `repeat`, for each column.
        dialect: Of PostgreSQL.
    """
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    filled: dict[str, Any] = {"fields": len(values)}
    for place, (kind, found) in enumerate(zip(types, values, strict=True)):
        if isinstance(found, repeat) and (value := next(found)) is None:
            fields.append((f"length{place}", ">i4"))
            filled[f"length{place}"] = NULL
        elif isinstance(found, repeat):
            data = _bytes(kind, value, dialect)
            fields += [(f"length{place}", ">i4"), (f"value{place}", f"V{len(data)}")]
            filled |= {f"length{place}": len(data), f"value{place}": np.void(data)}
        else:
            form = _form(kind)
            width = np.dtype(form).itemsize
            fields += [(f"length{place}", ">i4"), (f"value{place}", form)]
            filled |= {f"length{place}": width, f"value{place}": found}
    count = next(len(each) for each in values if isinstance(each, np.ndarray))
    yield HEAD
    for start in range(0, count, AT_ONCE):
        some: npt.NDArray[Any] = np.empty(min(AT_ONCE, count - start), np.dtype(fields))
        for name, found in filled.items():
            part = found[start : start + AT_ONCE] if isinstance(found, np.ndarray) else found
            some[name] = part
        yield some.tobytes()
    yield END


def _form(kind: sa.types.TypeEngine[Any]) -> str:
    """Return how the numbers of a column are written."""
    if isinstance(kind, sa.Boolean):
        return "u1"
    if isinstance(kind, sa.BigInteger):
        return ">i8"
    if isinstance(kind, sa.Integer):
        return ">i4"
    raise TypeError(f"{kind!r} does not hold numbers")


def _bytes(kind: sa.types.TypeEngine[Any], value: Any, dialect: sa.Dialect) -> bytes:
    """Return one value as PostgreSQL has it; a moment is microseconds since the year 2000."""
    if isinstance(value, datetime):
        return int((value - EPOCH) // MICROSECOND).to_bytes(8, "big", signed=True)
    if isinstance(value, int):
        return np.array(value).astype(_form(kind)).tobytes()
    process = kind.bind_processor(dialect)
    text = value if process is None else process(value)
    if not isinstance(text, str):
        raise TypeError(f"{value!r} cannot be the same in all rows")
    return text.encode()
