"""Registers: many rows on a fixed grid, quickly.

A row has one height, so a page takes a known number of rows and a hundred thousand of them need no
layout: each page is one text object, each row one line of operators made by filling a template, and
a cell's operators are remembered as long as its column keeps repeating itself. Plain ASCII is
written as it is; everything else goes through `lettering`.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import Final
from unicodedata import bidirectional

from evidence.errors import EvidenceError
from evidence.pdf.document import Align, Column, Register
from evidence.pdf.lettering import (
    ELLIPSIS,
    PRINTABLE_ASCII,
    REGULAR,
    RIGHT_TO_LEFT,
    Lettering,
    font,
)
from evidence.pdf.page import (
    ACCENT,
    BAND,
    BOTTOM,
    HAIRLINE,
    INK,
    MARGIN,
    MUTED,
    Pages,
    paint,
)
from evidence.pdf.writer import escaped

SIZE: Final = 6.8
NOTE: Final = 6.2
ROW: Final = 11.4
HEAD: Final = 16.0
CAPTION: Final = 11.0
GUTTER: Final = 6.0
WIDE_FROM: Final = 6  # so many columns turn the page on its side
LEAST_ROWS: Final = 4  # fewer at the foot of a page look lost
MOST_REMEMBERED: Final = 4_096
MOST_CELLS_TAGGED: Final = 2_000  # rows; above that the data file is the accessible form


class Grid:
    """The columns of one register on pages of one width, with the row's number first."""

    def __init__(self, lettering: Lettering, register: Register, width: float) -> None:
        self._lettering = lettering
        self.number = 8 + 4.4 * len(f"{register.total:,}")
        shares = sum(column.width for column in register.columns)
        rest = width - self.number
        self.columns = (Column("#", self.number, Align.RIGHT), *register.columns)
        self.widths = [self.number, *(column.width * rest / shares for column in register.columns)]
        internal = lettering.operators("x", SIZE).split(" ", 1)[0]
        self.plain = f"{internal} {SIZE:g} Tf"
        units = font(REGULAR).face.charWidths
        self._widths = {ord(each): units[ord(each)] * SIZE / 1000 for each in PRINTABLE_ASCII}
        self.source = lettering.prepare(f"full values in {register.source}, by row number")
        self.source_width = lettering.width(self.source, NOTE)
        self.head_at, self.head_again = 0.0, ""
        self.stripes_at, self.stripes = (0.0, 0), ""
        self._dots, self._dots_width = self._ellipsis()
        self._letters = _Letters(lettering, self.plain)
        self._widest = max(self._widths.values())
        digit, comma = self._widths[ord("0")], self._widths[ord(",")]
        self._indents = {}
        for length in range(1, 20):
            commas = length // 4
            wide = (length - commas) * digit + commas * comma
            self._indents[length] = f"{self.number - GUTTER - wide:.2f}"
        self._cells = [_Column(self, index) for index in range(1, len(self.columns))]

    def template(self) -> str:
        """Give the shape of a row: a place for each cell, and the steps between them."""
        steps = [f"{width:.2f} 0 Td" for width in self.widths[:-1]]
        back = f"{-sum(self.widths[:-1]):.2f} {-ROW:.2f} Td"
        return " ".join(f"%s {step}" for step in [*steps, back])

    def rows(self, first: int, rows: Sequence[Sequence[str]]) -> Iterable[tuple[str, ...]]:
        """Give the operators of the cells of a page's rows.

        Args:
            first: The first row's number.
            rows: One text a column.
        """
        numbers = [self._numbered(at) for at in range(first, first + len(rows))]
        columns = zip(*rows, strict=True)
        made = (
            map(cell.__getitem__, texts) for cell, texts in zip(self._cells, columns, strict=True)
        )
        return zip(numbers, *made, strict=True)

    def head(self, y: float) -> Iterator[tuple[float, float, str]]:
        """Give each column's title with its place."""
        at = MARGIN
        for column, width in zip(self.columns, self.widths, strict=True):
            title = self._lettering.fit(column.title, SIZE, width - GUTTER, is_bold=True)
            wide = self._lettering.width(title, SIZE, is_bold=True)
            shift = width - GUTTER - wide if column.align is Align.RIGHT else 0.0
            yield at + shift, y, title
            at += width

    def set(self, index: int, text: str) -> str:
        """Write a cell: cut to its column, the pen back where it was."""
        room = self.widths[index] - GUTTER
        is_right = self.columns[index].align is Align.RIGHT
        if text.isascii() and text.isprintable():
            if not is_right and len(text) * self._widest <= room:
                return f"({escaped(text)}) Tj" if text else ""
            ends = list(accumulate(map(self._widths.__getitem__, text.encode("ascii"))))
            width = ends[-1] if ends else 0.0
            if width <= room:
                shown = f"({escaped(text)}) Tj" if text else ""
                return self._placed(shown, room - width) if is_right else shown
            if not is_right:
                cut = text[: bisect_right(ends, room - self._dots_width)].rstrip()
                return f"({escaped(cut)}{self._dots}) Tj"
        quick = self._of_letters(text, room, is_right=is_right)
        if quick is not None:
            return quick
        fitted = self._lettering.fit(text, SIZE, room)
        shown = f"{self._lettering.operators(fitted, SIZE)} {self.plain}"
        if not is_right:
            return shown
        return self._placed(shown, room - self._lettering.width(fitted, SIZE))

    def _of_letters(self, text: str, room: float, *, is_right: bool) -> str | None:
        """Write a cell letter by letter, if none of them needs more care than its own code."""
        letters = [self._letters[each] for each in text]
        if None in letters:
            return None
        known = [each for each in letters if each is not None]
        ends = list(accumulate(width for _code, width in known))
        if ends[-1] > room:
            if is_right:
                return None
            length = len(text[: bisect_right(ends, room - self._dots_width)].rstrip())
            return f"({''.join(code for code, _width in known[:length])}{self._dots}) Tj"
        shown = f"({''.join(code for code, _width in known)}) Tj"
        return self._placed(shown, room - ends[-1]) if is_right else shown

    def _ellipsis(self) -> tuple[str, float]:
        """The ellipsis as it stands inside a string of plain text, and its width."""
        dots = self._lettering.operators(ELLIPSIS, SIZE)
        # `Lettering` begins each document with it, so it is in the same subset as plain text
        code = dots.removeprefix(f"{self.plain} (").removesuffix(") Tj")
        return code, self._lettering.width(ELLIPSIS, SIZE)

    def _numbered(self, number: int) -> str:
        text = f"{number:,}"
        indent = self._indents[len(text)]
        return f"{indent} 0 Td ({text}) Tj -{indent} 0 Td"

    @staticmethod
    def _placed(shown: str, shift: float) -> str:
        return f"{shift:.2f} 0 Td {shown} {-shift:.2f} 0 Td"


class _Letters(dict[str, tuple[str, float] | None]):
    """Letters that stand for themselves in the plain text's font: their code and width.

    None for all others: those of another font, written from right to left, or never to be seen.
    """

    def __init__(self, lettering: Lettering, plain: str) -> None:
        super().__init__()
        self._lettering, self._opening = lettering, f"{plain} ("

    def __missing__(self, letter: str) -> tuple[str, float] | None:
        made: tuple[str, float] | None = None
        if self._lettering.prepare(letter) == letter and bidirectional(letter) not in RIGHT_TO_LEFT:
            written = self._lettering.operators(letter, SIZE)
            if written.startswith(self._opening):
                code = written.removeprefix(self._opening).removesuffix(") Tj")
                made = code, self._lettering.width(letter, SIZE)
        self[letter] = made
        return made


class _Column(dict[str, str]):
    """The cells of one column that were written lately."""

    def __init__(self, grid: Grid, index: int) -> None:
        super().__init__()
        self._set, self._index = grid.set, index

    def __missing__(self, text: str) -> str:
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        made = self[text] = self._set(self._index, text)
        return made


def draw_register(pages: Pages, register: Register) -> None:
    """Draw a register from the pen on, on its own pages if it is wide.

    Args:
        pages: Where.
        register: What. Its rows are read once.

    Raises:
        EvidenceError: There are more or fewer rows than it says, or a row of another length.
    """
    is_wide = is_wide_register(register)
    if is_wide != pages.is_wide:
        pages.turn(is_wide=is_wide)
    pages.need(34 + CAPTION + HEAD + ROW * min(LEAST_ROWS, register.total))
    if register.title:
        _title(pages, register)
    rows = iter(register.rows)
    if register.total == 0:
        pages.paragraph(f"No records: {register.empty}", colour=MUTED, after=12)
    else:
        with pages.tree.group("Table"):
            _body(pages, register, rows)
    if next(rows, None) is not None:
        raise EvidenceError(
            f"rows: the register {register.title!r} has more rows than its total of "
            f"{register.total}"
        )


def is_wide_register(register: Register) -> bool:
    """Say whether a register wants pages on their side.

    Args:
        register: Which.
    """
    return len(register.columns) >= WIDE_FROM and register.total > 0


def _title(pages: Pages, register: Register) -> None:
    title = pages.lettering.fit(register.title, 9.5, pages.width, is_bold=True)
    pages.y -= 22
    pages.mark(register.title, 1)
    with pages.leaf("H3"):
        pages.write(MARGIN, pages.y, title, 9.5, is_bold=True)
    pages.y -= 6


def _body(pages: Pages, register: Register, rows: Iterator[Sequence[str]]) -> None:
    grid = Grid(pages.lettering, register, pages.width)
    template = grid.template()
    is_told = register.total <= MOST_CELLS_TAGGED
    at = 0
    while at < register.total:
        room = int((pages.y - BOTTOM - CAPTION - HEAD) / ROW)
        if room < 1:
            pages.turn(is_wide=pages.is_wide)
            continue
        taken = list(islice(rows, min(room, register.total - at)))
        _refuse(register, at, taken, min(room, register.total - at))
        _caption(pages, register, grid, (at + 1, at + len(taken)))
        _head(pages, grid, is_first=at == 0)
        y = pages.y - ROW + 2.6
        _stripes(pages, grid, len(taken))
        cells = grid.rows(at + 1, taken)
        if is_told:
            _told(pages, grid, template, cells, y)
        else:
            _shown(pages, grid, template, cells, y)
        pages.y -= ROW * len(taken)
        at += len(taken)
    pages.rule(pages.y - 2)
    pages.y -= 14


def _shown(
    pages: Pages, grid: Grid, template: str, cells: Iterable[tuple[str, ...]], y: float
) -> None:
    """One stretch a page."""
    body = "\n".join([template % row for row in cells])
    with pages.leaf("TBody"):
        pages.draw(f"BT {paint(INK)} rg {grid.plain} 1 0 0 1 {MARGIN:.2f} {y:.2f} Tm\n{body} ET")


def _told(
    pages: Pages, grid: Grid, template: str, cells: Iterable[tuple[str, ...]], y: float
) -> None:
    """Cell by cell, so that a reader who cannot see the grid can walk along it."""
    pages.draw(f"BT {paint(INK)} rg {grid.plain} 1 0 0 1 {MARGIN:.2f} {y:.2f} Tm")
    for row in cells:
        line = pages.tree.begin("TR")
        marked = []
        with pages.tree.inside(line):
            for index, cell in enumerate(row):
                element = pages.tree.begin("TD" if index else "TH")
                number = pages.number_in(element)
                marked.append(f"/{element.role} << /MCID {number} >> BDC {cell} EMC")
                pages.tree.end(element)
        pages.tree.end(line)
        pages.draw(template % tuple(marked))
    pages.draw("ET")


def _caption(pages: Pages, register: Register, grid: Grid, span: tuple[int, int]) -> None:
    """Which rows of which file these are; on each page, so that a loose sheet can be matched."""
    y = pages.y - CAPTION + 3.5
    told = f"rows {span[0]:,} to {span[1]:,} of {register.total:,}"
    size = f"{grid.plain.split()[0]} {NOTE:g} Tf"
    pages.draw(
        f"/Artifact BMC BT {paint(MUTED)} rg {size} 1 0 0 1 {MARGIN:.2f} {y:.2f} Tm ({told}) Tj ET "
        "EMC"
    )
    pages.write(MARGIN + pages.width - grid.source_width, y, grid.source, NOTE, colour=MUTED)
    pages.y -= CAPTION


def _head(pages: Pages, grid: Grid, *, is_first: bool) -> None:
    """The columns' titles: said once, and shown again on each page."""
    if not is_first and pages.y == grid.head_at:
        pages.draw(grid.head_again)
        pages.y -= HEAD
        return
    begin = pages.mark_operators()
    pages.box(MARGIN, pages.y - HEAD + 2, pages.width, HEAD - 2, BAND)
    pages.box(MARGIN, pages.y - HEAD + 2, pages.width, 0.7, ACCENT)
    if is_first:
        with pages.tree.group("TR"):
            for x, place, title in grid.head(pages.y - HEAD + 6.4):
                with pages.leaf("TH"):
                    pages.write(x, place, title, SIZE, colour=ACCENT, is_bold=True)
    else:
        for x, place, title in grid.head(pages.y - HEAD + 6.4):
            pages.write(x, place, title, SIZE, colour=ACCENT, is_bold=True)
        grid.head_at, grid.head_again = pages.y, pages.operators_since(begin)
    pages.y -= HEAD


def _stripes(pages: Pages, grid: Grid, count: int) -> None:
    place = (pages.y, count)
    if grid.stripes_at != place:
        lines = " ".join(
            f"{MARGIN:.2f} {pages.y - ROW * index - 0.8:.2f} {pages.width:.2f} 0.35 re"
            for index in range(1, count + 1)
        )
        grid.stripes_at = place
        grid.stripes = f"/Artifact BMC {paint(HAIRLINE)} rg {lines} f EMC"
    pages.draw(grid.stripes)


def _refuse(register: Register, at: int, rows: Sequence[Sequence[str]], wanted: int) -> None:
    if len(rows) < wanted:
        raise EvidenceError(
            f"rows: the register {register.title!r} has fewer rows than its total of "
            f"{register.total}"
        )
    columns = len(register.columns)
    for number, row in enumerate(rows, start=at + 1):
        if len(row) != columns:
            raise EvidenceError(
                f"rows: row {number} of the register {register.title!r} has {len(row)} texts for "
                f"{columns} columns"
            )
