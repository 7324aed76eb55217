"""Registers: many rows on a fixed grid, quickly.

A row has one height, so the pages are known beforehand and a hundred thousand rows need no layout.
Each row is one text object with a step to each column; plain ASCII is written as it is.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from reportlab.lib.rl_accel import escapePDF

from evidence.errors import EvidenceError
from evidence.pdf.document import Align, Column, Register
from evidence.pdf.lettering import PRINTABLE_ASCII, REGULAR, font
from evidence.pdf.page import ACCENT, BAND, BOTTOM, HAIRLINE, INK, MARGIN, MUTED, Pages, paint

SIZE: Final = 6.8
ROW: Final = 11.4
HEAD: Final = 16.0
GUTTER: Final = 6.0
WIDE_FROM: Final = 6  # so many columns turn the page on its side
LEAST_ROWS: Final = 4  # fewer at the foot of a page look lost
LARGEST_CACHE: Final = 20_000

Cell = tuple[str, float]  # operators, and how far right of the column's begin they stand


class Grid:
    """The columns of one register on pages of one width, with the row's number first."""

    def __init__(self, pages: Pages, register: Register) -> None:
        self._lettering = pages.lettering
        number = 8 + 4.4 * len(f"{register.total:,}")
        shares = sum(column.width for column in register.columns)
        rest = pages.width - number
        self.columns = (Column("#", number, Align.RIGHT), *register.columns)
        self.widths = [number, *(column.width * rest / shares for column in register.columns)]
        self._cell = lru_cache(LARGEST_CACHE)(self._set)
        internal = pages.lettering.operators("x", SIZE).split(" ", 1)[0]
        self._plain = f"{internal} {SIZE:g} Tf"
        self._glyphs = [font(REGULAR).face.charWidths[ord(each)] for each in PRINTABLE_ASCII]

    def row(self, y: float, texts: Sequence[str]) -> str:
        """Write one row as a text object's inside."""
        written = [f"1 0 0 1 {MARGIN:.2f} {y:.2f} Tm"]
        moved = 0.0
        at = 0.0
        for index, text in enumerate(texts):
            operators, offset = self._cell(index, text)
            if operators:
                written.append(f"{at + offset - moved:.2f} 0 Td {operators}")
                moved = at + offset
            at += self.widths[index]
        return " ".join(written)

    def head(self, y: float) -> Iterator[tuple[float, float, str]]:
        """Give each column's title with its place."""
        at = MARGIN
        for column, width in zip(self.columns, self.widths, strict=True):
            title = self._lettering.fit(column.title, SIZE, width - GUTTER, is_bold=True)
            wide = self._lettering.width(title, SIZE, is_bold=True)
            shift = width - GUTTER - wide if column.align is Align.RIGHT else 0.0
            yield at + shift, y, title
            at += width

    def _set(self, index: int, text: str) -> Cell:
        room = self.widths[index] - GUTTER
        if text.isascii() and text.isprintable():
            width = sum(self._glyphs[ord(each) - 32] for each in text) * SIZE / 1000
            if width <= room:
                return self._placed(index, f"({escapePDF(text)}) Tj" if text else "", width)
        fitted = self._lettering.fit(text, SIZE, room)
        operators = self._lettering.operators(fitted, SIZE)
        width = self._lettering.width(fitted, SIZE)
        return self._placed(index, f"{operators} {self._plain}", width)

    def _placed(self, index: int, operators: str, width: float) -> Cell:
        if self.columns[index].align is Align.RIGHT:
            return operators, self.widths[index] - GUTTER - width
        return operators, 0.0

    @property
    def opening(self) -> str:
        """What a text object of rows begins with."""
        return f"{paint(INK)} rg {self._plain}"


def draw_register(pages: Pages, register: Register) -> None:
    """Draw a register from the pen on, on its own pages if it is wide.

    Args:
        pages: Where.
        register: What. Its rows are read once.

    Raises:
        EvidenceError: There are more or fewer rows than it says, or a row of another length.
    """
    is_wide = len(register.columns) >= WIDE_FROM and register.total > 0
    if is_wide != (pages.page.width > pages.page.height):
        pages.turn(is_wide=is_wide)
    pages.need(34 + HEAD + ROW * min(LEAST_ROWS, register.total))
    _title(pages, register)
    rows = _numbered(register)
    if register.total == 0:
        pages.paragraph(f"No records: {register.empty}", colour=MUTED, after=12)
    else:
        _body(pages, register, rows)
    if next(rows, None) is not None:
        raise EvidenceError(
            f"rows: the register {register.title!r} has more rows than its total of "
            f"{register.total}"
        )


def _title(pages: Pages, register: Register) -> None:
    pages.y -= 14
    pages.mark(register.title, 1)
    noun = "record" if register.total == 1 else "records"
    said = f"{register.total:,} {noun} · full values in {register.source}"
    shown = pages.lettering.prepare(said)
    wide = pages.lettering.width(shown, SIZE)
    title = pages.lettering.fit(register.title, 9.5, pages.width - wide - 12, is_bold=True)
    pages.write(MARGIN, pages.y, title, 9.5, colour=ACCENT, is_bold=True)
    pages.write(MARGIN + pages.width - wide, pages.y, shown, SIZE, colour=MUTED)
    pages.y -= 6


def _body(pages: Pages, register: Register, rows: Iterator[list[str]]) -> None:
    grid = Grid(pages, register)
    left = register.total
    while left:
        if pages.room < HEAD + ROW:
            pages.turn(is_wide=pages.page.width > pages.page.height)
        _head(pages, grid)
        count = min(left, int((pages.y - BOTTOM) / ROW))
        _rows(pages, grid, [_next(rows, register) for _ in range(count)])
        left -= count
    pages.rule(pages.y - 2)
    pages.y -= 14


def _head(pages: Pages, grid: Grid) -> None:
    pages.box(MARGIN, pages.y - HEAD + 2, pages.width, HEAD - 2, BAND)
    pages.box(MARGIN, pages.y - HEAD + 2, pages.width, 0.7, ACCENT)
    for x, y, title in grid.head(pages.y - HEAD + 6.4):
        pages.write(x, y, title, SIZE, colour=ACCENT, is_bold=True)
    pages.y -= HEAD


def _rows(pages: Pages, grid: Grid, rows: Sequence[Sequence[str]]) -> None:
    top = pages.y
    stripes = " ".join(
        f"{MARGIN:.2f} {top - ROW * (index + 1) - 0.8:.2f} {pages.width:.2f} 0.35 re"
        for index in range(len(rows))
    )
    body = "\n".join(
        grid.row(top - ROW * (index + 1) + 2.6, texts) for index, texts in enumerate(rows)
    )
    pages.page.operators.append(f"{paint(HAIRLINE)} rg {stripes} f")
    pages.page.operators.append(f"BT {grid.opening}\n{body} ET")
    pages.y -= ROW * len(rows)


def _numbered(register: Register) -> Iterator[list[str]]:
    for number, row in enumerate(register.rows, start=1):
        if len(row) != len(register.columns):
            raise EvidenceError(
                f"rows: row {number} of the register {register.title!r} has {len(row)} texts for "
                f"{len(register.columns)} columns"
            )
        yield [f"{number:,}", *row]


def _next(rows: Iterator[list[str]], register: Register) -> list[str]:
    found = next(rows, None)
    if found is None:
        raise EvidenceError(
            f"rows: the register {register.title!r} has fewer rows than its total of "
            f"{register.total}"
        )
    return found
