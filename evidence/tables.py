"""The data files: JSONL that counts, and CSV for people, each row of which follows from its twin.

CSV is RFC 4180 in UTF-8 with CRLF. A cell that a spreadsheet would run gets a leading apostrophe.
None is an empty cell, booleans are `true` and `false`, lists and objects are canonical JSON.
"""

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evidence.canonical import rewrite
from evidence.errors import VerificationError

DATA_FILES: Final = (
    "decisions",
    "disclosures",
    "drift",
    "excluded",
    "leavers",
    "ledger",
    "population",
    "requests",
    "sources",
)
WITH_CSV: Final = ("decisions", "drift", "excluded", "leavers", "population", "requests")
RUNS: Final = frozenset("=+-@\t\r")
PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def cell(value: Any) -> str:
    """Write a value as a cell.

    Args:
        value: Anything canonical JSON holds.

    Returns:
        Its text, neutralised.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value[:1] in PLAIN else _neutral(value)
    if isinstance(value, bool | dict | list | tuple):
        return rewrite(value).decode("utf-8")  # its row is canonical already
    return str(value)


def csv_rows(rows: Sequence[Sequence[str]]) -> bytes:
    """Write rows of cells (RFC 4180).

    Args:
        rows: The cells of each.

    Returns:
        UTF-8, each row ended by CRLF.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def cells(row: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    """Tell the cells of a JSONL row.

    Args:
        row: The row.
        columns: Which keys, in which order.

    Returns:
        One cell a column; an absent key is an empty cell.
    """
    return [cell(row.get(column)) for column in columns]


def read_columns(first_line: bytes) -> list[str]:
    """Read a CSV's header.

    Args:
        first_line: Its bytes, without CRLF.

    Returns:
        The columns.

    Raises:
        VerificationError: It is no header.
    """
    try:
        return next(csv.reader([first_line.decode("utf-8")], strict=True), [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise VerificationError("its first line is not a header") from error


def _neutral(value: str) -> str:
    """Look behind blanks and at what a full-width character stands for, as spreadsheets do."""
    bare = value.lstrip(" \u00a0\u3000\n\v\f\ufeff\u200b")
    first = unicodedata.normalize("NFKC", bare[:1])[:1]
    return f"'{value}" if first in RUNS or first == "\u2212" else value
