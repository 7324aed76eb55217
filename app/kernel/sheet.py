"""A sheet that people fill in and send back: CSV as spreadsheets write it.

A list as a file is such a sheet: columns that only inform are passed over, a column that nobody
knows is refused by name, and what a spreadsheet would have taken for a formula loses the apostrophe
it was given for that.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from app.kernel.errors import (
    ConflictError,
    FieldError,
    InvalidInputError,
    NothingToChangeError,
)
from app.kernel.phrases import phrase
from evidence.tables import cell

FIELD = "sheet"
MOST_BYTES = 2 << 20
MOST_ROWS = 20_000
MOST_TOLD = 5
ID = "id"
DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Shape:
    """Which columns a sheet may have.

    Attributes:
        pair: The two columns that say together what a row is about, where there is no `id`.
        written: What a row can say of it.
        informing: What only informs, and is passed over.
    """

    pair: tuple[str, str]
    written: tuple[str, ...]
    informing: tuple[str, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that mean something, in their order."""
        return (ID, *self.pair, *self.written)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row.

    Attributes:
        line: Where it begins in the file, from 1.
        cells: Column to what stands there, without blanks around it; only columns of the header.
    """

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SheetChange:
    """What one field becomes, in words for people."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """What one row would do.

    Attributes:
        line: Of the file.
        id: Public id of what is meant, or None if it is not known which is meant.
        name: Of it, or as typed.
        source: Of it, or as typed.
        changes: What would become of it; empty if nothing would.
        errors: What is wrong with it; then it does nothing.
    """

    line: int
    id: str | None
    name: str
    source: str
    changes: Sequence[SheetChange]
    errors: Sequence[FieldError]
    present: Any = field(default=None, repr=False)
    wanted: dict[str, Any] = field(default_factory=dict, repr=False)
    owner: str | None = None

    @property
    def is_written(self) -> bool:
        """Whether it changes something and nothing is wrong with it."""
        return bool(self.changes) and not self.errors


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sheet would do.

    Attributes:
        rows: Each of them.
        digest: Of what would change, and of what it was when this was made.
        changed: How many rows change something.
        unchanged: How many say what is so already.
        wrong: How many are wrong; with one of them, nothing is stored.
    """

    rows: Sequence[PlannedRow]
    digest: str
    changed: int
    unchanged: int
    wrong: int

    @classmethod
    def of(cls, rows: Sequence[PlannedRow], version: Callable[[PlannedRow], int]) -> Self:
        """Count what rows would do.

        Args:
            rows: Each of them.
            version: Of what a row changes, so that the digest tells whether it changed since.
        """
        changed = [each for each in rows if each.is_written]
        wrong = sum(1 for each in rows if each.errors)
        facts = [[each.id, version(each), sorted(each.wanted.items())] for each in changed]
        digest = hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode()).hexdigest()
        return cls(rows, digest, len(changed), len(rows) - len(changed) - wrong, wrong)

    @property
    def written(self) -> list[PlannedRow]:
        """The rows that change something."""
        return [each for each in self.rows if each.is_written]

    @property
    def telling(self) -> list[PlannedRow]:
        """The rows that change something or are wrong; those that are wrong come first."""
        wrong = [each for each in self.rows if each.errors]
        return wrong + self.written


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


def read(text: str, shape: Shape) -> list[SheetRow]:
    """Read the rows of a sheet.

    Args:
        text: CSV; commas, semicolons or tabs between the cells, as its header has them.
        shape: Which columns it may have.

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
        _check_header(header, shape)
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


def _check_header(header: Sequence[str], shape: Shape) -> None:
    if not any(header):
        raise InvalidInputError({FIELD: phrase("The file is empty: its first line names columns.")})
    unknown = [each for each in header if each and each not in (*shape.named, *shape.informing)]
    if unknown:
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "There is no column %(unknown)s: use %(columns)s.",
                    unknown=", ".join(unknown)[:200],
                    columns=", ".join(shape.named),
                )
            }
        )
    twice = sorted({each for each in header if each and header.count(each) > 1})
    if twice:
        raise InvalidInputError(
            {FIELD: phrase("The column %(twice)s is there twice.", twice=", ".join(twice))}
        )
    if ID not in header and not set(shape.pair) <= set(header):
        one, other = shape.pair
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "A column is missing: id, or %(one)s and %(other)s, say what a row is about.",
                    one=one,
                    other=other,
                )
            }
        )
    if not set(shape.written) & set(header):
        raise InvalidInputError(
            {
                FIELD: phrase(
                    "No column says anything: add one of %(columns)s.",
                    columns=", ".join(shape.written),
                )
            }
        )


def approve(plan: Plan, digest: str) -> list[PlannedRow]:
    """Return the rows to write: of a sheet without faults, that does what was looked at.

    Args:
        plan: What it would do now.
        digest: Of what was looked at.

    Raises:
        InvalidInputError: Rows are wrong.
        NothingToChangeError: It says only what is so already.
        ConflictError: It would do something else by now.
    """
    if plan.wrong:
        raise InvalidInputError({FIELD: _first_errors(plan)})
    if not plan.changed:
        raise NothingToChangeError(phrase("It says all of this already."))
    if plan.digest != digest:
        raise ConflictError(
            phrase("Something changed since you looked: look at what the sheet would do now."),
            current={"digest": plan.digest},
        )
    return plan.written


def _first_errors(plan: Plan) -> str:
    """Return what is wrong with the first rows of a plan that are."""
    wrong = [each for each in plan.rows if each.errors][:MOST_TOLD]
    lines = "; ".join(
        f"{each.line} ({each.errors[0].field}): {each.errors[0].message}" for each in wrong
    )
    return phrase(
        "%(count)s rows are wrong, and nothing was written. %(lines)s",
        count=plan.wrong,
        lines=lines,
    )
