"""A sheet of what entitlements mean, as people send it: CSV as spreadsheets write it.

The list of the catalogue as a file is such a sheet: columns that only inform are passed over, a
column that nobody knows is refused by name, and what a spreadsheet would have taken for a formula
loses the apostrophe it was given for that.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.kernel.errors import InvalidInputError
from app.kernel.phrases import phrase
from evidence.tables import cell

FIELD = "sheet"
MOST_BYTES = 2 << 20
MOST_ROWS = 20_000
KEYS = ("id", "source", "name")
WRITTEN = ("owner", "description", "risk", "is_requestable", "tags")
INFORMING = (
    "owner_name",
    "owner_via",
    "description_via",
    "source_description",
    "source_owner_name",
    "is_administrative",
    "privileged_steps",
    "is_writable",
    "is_protected",
)
COLUMNS = (*KEYS, *WRITTEN, *INFORMING)
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row.

    Attributes:
        line: Where it begins in the file, from 1.
        cells: Column to what stands there, without blanks around it; only columns of the header.
    """

    line: int
    cells: Mapping[str, str]


def decode(content: bytes) -> str:
    """Return the text of a file.

    Raises:
        InvalidInputError: It is too large, or not UTF-8.
    """
    if len(content) > MOST_BYTES:
        most = MOST_BYTES >> 20
        raise InvalidInputError(
            {FIELD: phrase("A sheet holds at most %(most)s MiB: send it in parts.", most=most)}
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError(
            {FIELD: phrase("This is not UTF-8: save it as “CSV UTF-8” in your spreadsheet.")}
        ) from None


def read(text: str) -> list[SheetRow]:
    """Read the rows of a sheet.

    Args:
        text: CSV; commas, semicolons or tabs between the cells, as its header has them.

    Raises:
        InvalidInputError: It is none, or a column is unknown, missing or there twice.
    """
    if len(text.encode()) > MOST_BYTES:
        decode(text.encode())
    plain = text.removeprefix("\ufeff")
    first = plain.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    lines = csv.reader(io.StringIO(plain, newline=""), delimiter=delimiter, strict=True)
    rows: list[SheetRow] = []
    try:
        header = [each.strip().lower() for each in next(lines, [])]
        _check_header(header)
        begins = lines.line_num + 1
        for cells in lines:
            if any(each.strip() for each in cells):
                rows.append(_row(begins, header, cells))
            begins = lines.line_num + 1
    except csv.Error as error:
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "Line %(line)s is not CSV: %(why)s.", line=lines.line_num, why=str(error)
                )
            }
        ) from None
    if not rows:
        raise InvalidInputError({FIELD: phrase("There is no row below the header.")})
    if len(rows) > MOST_ROWS:
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "A sheet holds at most %(most)s rows: send it in parts.", most=MOST_ROWS
                )
            }
        )
    return rows


def _row(line: int, header: Sequence[str], cells: Sequence[str]) -> SheetRow:
    if len(cells) > len(header) and any(each.strip() for each in cells[len(header) :]):
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "Line %(line)s has more cells than the header: put what holds the delimiter "
                    "between quotes.",
                    line=line,
                )
            }
        )
    found = dict(zip(header, (_bare(each.strip()) for each in cells), strict=False))
    found.pop("", None)
    return SheetRow(line, found)


def _bare(text: str) -> str:
    """Take away the apostrophe that keeps a spreadsheet from running a cell."""
    return text[1:] if text[:1] == "'" and cell(text[1:]) == text else text


def _check_header(header: Sequence[str]) -> None:
    if not any(header):
        raise InvalidInputError({FIELD: phrase("The file is empty: its first line names columns.")})
    unknown = [each for each in header if each and each not in COLUMNS]
    if unknown:
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "There is no column %(unknown)s: use %(columns)s.",
                    unknown=", ".join(unknown)[:200],
                    columns=", ".join((*KEYS, *WRITTEN)),
                )
            }
        )
    twice = sorted({each for each in header if each and header.count(each) > 1})
    if twice:
        raise InvalidInputError(
            {FIELD: phrase("The column %(twice)s is there twice.", twice=", ".join(twice))}
        )
    if "id" not in header and not {"source", "name"} <= set(header):
        raise InvalidInputError(
            {FIELD: phrase("A column is missing: id, or source and name, say what a row is about.")}
        )
    if not set(WRITTEN) & set(header):
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "No column says anything: add one of %(columns)s.", columns=", ".join(WRITTEN)
                )
            }
        )
