"""What a report is made of besides its registers: headings, key figures, facts, tables, charts."""

from collections.abc import Sequence
from typing import Final

from evidence.pdf.document import Align, Chart, Fact, KeyFigure, Table, Tone
from evidence.pdf.lettering import lines
from evidence.pdf.page import (
    ACCENT,
    BAND,
    HAIRLINE,
    INK,
    LEADING,
    MARGIN,
    MUTED,
    TONES,
    WHITE,
    Colour,
    Pages,
)

LABEL_WIDTH: Final = 128.0
FIGURES_ACROSS: Final = (4, 3)  # the first that fills its rows, else the last
FIGURE_HEIGHT: Final = 52.0
BODY: Final = 8.5
SMALL: Final = 7.0
CELL: Final = 7.6
VALUE: Final = 15.0
BAR: Final = 11.0
GAP: Final = 8.0
SHADES: Final[tuple[Colour, ...]] = (  # apart from each other in grey, too
    (0.09, 0.25, 0.42),
    (0.42, 0.56, 0.70),
    (0.72, 0.80, 0.87),
    (0.90, 0.92, 0.95),
)


def heading(pages: Pages, title: str, *, level: int, key: str = "", is_wide: bool = False) -> None:
    """Set a heading and put it into the outline.

    Args:
        pages: Where.
        title: What.
        level: 0 for a section, 1 below it.
        key: What links lead here by.
        is_wide: Of a section: whether what follows wants a page on its side.
    """
    size = 10.0 if level else 15.0
    if level == 0:
        pages.need(150)
        if pages.is_wide != is_wide:
            pages.turn(is_wide=is_wide)
    pages.need(size * 4)
    if not pages.is_fresh:
        pages.y -= 4 if level else 16
    pages.y -= size + 4
    pages.mark(title, level, key)
    shown = pages.lettering.fit(title, size, pages.width, is_bold=True)
    with pages.leaf(f"H{level + 2}"):
        pages.write(MARGIN, pages.y, shown, size, colour=ACCENT, is_bold=True)
    pages.y -= 5
    if level == 0:
        pages.box(MARGIN, pages.y - 2, 34, 1.6, ACCENT)
        pages.y -= 9


def figures(pages: Pages, shown: Sequence[KeyFigure]) -> None:
    """Set key figures in a grid of even boxes."""
    pages.y -= 3
    across = next((each for each in FIGURES_ACROSS if len(shown) % each == 0), FIGURES_ACROSS[-1])
    width = (pages.width - GAP * (across - 1)) / across
    for begin in range(0, len(shown), across):
        pages.need(FIGURE_HEIGHT + GAP)
        pages.y -= FIGURE_HEIGHT
        for index, each in enumerate(shown[begin : begin + across]):
            _figure(pages, each, MARGIN + index * (width + GAP), width)
        pages.y -= GAP


def _figure(pages: Pages, figure: KeyFigure, x: float, width: float) -> None:
    room = width - 16
    colour = TONES[figure.tone]
    pages.box(x, pages.y, width, FIGURE_HEIGHT, BAND)
    if figure.tone is not Tone.PLAIN:
        pages.box(x, pages.y, 2.2, FIGURE_HEIGHT, colour)
    with pages.leaf("P"):
        label = pages.lettering.fit(figure.label, SMALL, room)
        pages.write(x + 9, pages.y + 38.5, label, SMALL, colour=MUTED)
        value = pages.lettering.prepare(figure.value)
        wide = pages.lettering.width(value, VALUE, is_bold=True)
        size = VALUE * min(1.0, room / wide) if wide else VALUE  # a number is never cut
        pages.write(x + 9, pages.y + 19.5, value, size, colour=colour, is_bold=True)
        note = pages.lettering.fit(figure.note, 6.5, room)
        pages.write(x + 9, pages.y + 7.5, note, 6.5, colour=MUTED)


def facts(pages: Pages, shown: Sequence[Fact], *, size: float = BODY) -> None:
    """Set facts, label and value, a line between each two."""
    step = size * LEADING
    pages.y -= 4
    for fact in shown:
        value = list(lines(pages.lettering, fact.value, size, pages.width - LABEL_WIDTH)) or [""]
        label = pages.lettering.fit(fact.label, size, LABEL_WIDTH - 10)
        pages.need(step + 4)
        with pages.leaf("P"):
            pages.write(MARGIN, pages.y - step, label, size, colour=MUTED)
            for line in value:
                pages.need(step)
                pages.y -= step
                pages.write(MARGIN + LABEL_WIDTH, pages.y, line, size, colour=INK)
        pages.y -= 3.4
        pages.rule(pages.y)
    pages.y -= 6


def table(pages: Pages, shown: Table) -> None:
    """Set a small table whose texts wrap; its head is said again on each page."""
    pages.need(70)
    if shown.title:
        heading(pages, shown.title, level=1)
    if shown.note:
        pages.paragraph(shown.note, SMALL, colour=MUTED, after=4)
    shares = sum(column.width for column in shown.columns)
    widths = [column.width * pages.width / shares for column in shown.columns]
    with pages.tree.group("Table"):
        _titles(pages, shown, widths)
        for row in shown.rows:
            _row(pages, shown, widths, row)
    pages.y -= 10


def _titles(pages: Pages, shown: Table, widths: Sequence[float]) -> None:
    pages.box(MARGIN, pages.y - 15, pages.width, 14, BAND)
    pages.box(MARGIN, pages.y - 15, pages.width, 0.7, ACCENT)
    x = MARGIN
    with pages.tree.group("TR"):
        for column, width in zip(shown.columns, widths, strict=True):
            title = pages.lettering.fit(column.title, SMALL, width - 8, is_bold=True)
            shift = _shift(pages, title, column.align, width, is_bold=True, size=SMALL)
            with pages.leaf("TH"):
                pages.write(
                    x + 4 + shift, pages.y - 10.6, title, SMALL, colour=ACCENT, is_bold=True
                )
            x += width
    pages.y -= 16


def _row(pages: Pages, shown: Table, widths: Sequence[float], row: Sequence[str]) -> None:
    step = CELL * 1.36
    cells = [
        list(lines(pages.lettering, text, CELL, width - 8)) or [""]
        for text, width in zip(row, widths, strict=True)
    ]
    height = step * max(map(len, cells)) + 4
    if pages.room < min(height, 300):
        pages.turn(is_wide=pages.is_wide)
        _titles(pages, shown, widths)
    x, top = MARGIN, pages.y
    lowest = top
    with pages.tree.group("TR"):
        for column, width, cell in zip(shown.columns, widths, cells, strict=True):
            with pages.leaf("TD"):
                y = top - 1
                for line in cell:
                    y -= step
                    shift = _shift(pages, line, column.align, width, is_bold=False, size=CELL)
                    pages.write(x + 4 + shift, y, line, CELL)
                lowest = min(lowest, y)
            x += width
    pages.y = lowest - 4
    pages.rule(pages.y)


def _shift(
    pages: Pages, text: str, align: Align, width: float, *, is_bold: bool, size: float
) -> float:
    if align is Align.LEFT:
        return 0.0
    return width - 8 - pages.lettering.width(text, size, is_bold=is_bold)


def chart(pages: Pages, shown: Chart) -> None:
    """Draw a chart: bars from zero, or the parts of one whole; each with its number."""
    pages.need(40 + (BAR + 6) * len(shown.bars))
    heading(pages, shown.title, level=1)
    pages.y -= 4
    told = "; ".join(f"{bar.label}: {bar.value:,}" for bar in shown.bars)
    with pages.leaf("Figure", f"{shown.title}. {told}."):
        if shown.is_whole:
            _whole(pages, shown)
        else:
            _bars(pages, shown)
    pages.y -= 8


def _bars(pages: Pages, shown: Chart) -> None:
    room = pages.width - LABEL_WIDTH - 110
    most = max((bar.value for bar in shown.bars), default=0) or 1
    for bar in shown.bars:
        pages.y -= BAR + 4
        label = pages.lettering.fit(bar.label, SMALL, LABEL_WIDTH - 10)
        pages.write(MARGIN, pages.y + 2.8, label, SMALL)
        pages.box(MARGIN + LABEL_WIDTH, pages.y, room, BAR, BAND)
        length = room * bar.value / most
        pages.box(MARGIN + LABEL_WIDTH, pages.y, length, BAR, SHADES[0])
        text = f"{bar.value:,}" + (f"  {bar.note}" if bar.note else "")
        value = pages.lettering.fit(text, SMALL, 104)
        pages.write(MARGIN + LABEL_WIDTH + room + 6, pages.y + 2.8, value, SMALL)


def _whole(pages: Pages, shown: Chart) -> None:
    total = sum(bar.value for bar in shown.bars)
    pages.y -= 18
    x = MARGIN
    for index, bar in enumerate(shown.bars):
        length = pages.width * bar.value / total if total else 0.0
        pages.box(x, pages.y, length, 16, SHADES[index % len(SHADES)])
        if index and bar.value:
            pages.box(x - 0.5, pages.y, 1, 16, WHITE)
        x += length
    pages.frame(MARGIN, pages.y, pages.width, 16, HAIRLINE)
    across = min(len(shown.bars), 4) or 1
    width = pages.width / across
    for begin in range(0, len(shown.bars), across):
        pages.y -= 13
        for index, bar in enumerate(shown.bars[begin : begin + across]):
            x = MARGIN + index * width
            pages.box(x, pages.y - 0.6, 7, 7, SHADES[(begin + index) % len(SHADES)])
            pages.frame(x, pages.y - 0.6, 7, 7, MUTED)
            share = f" ({100 * bar.value / total:.0f} %)" if total else ""
            text = pages.lettering.fit(f"{bar.label} {bar.value:,}{share}", SMALL, width - 16)
            pages.write(x + 11, pages.y, text, SMALL)
    pages.y -= 4
