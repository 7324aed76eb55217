"""From the report model to PDF bytes: the same report, the same bytes.

No clock, no machine and no hash seed goes into them. The document is ready to be sealed
(`evidence.pdf.seal`): its signature's place is there, filled with zeros, and the SHA-256 of exactly
these bytes is the manifest's `report.unsigned_sha256`.
"""

from io import BytesIO
from typing import Any, Final

from reportlab import rl_config
from reportlab.pdfgen.canvas import Canvas

from evidence.pdf.document import Fact, Finding, KeyFigure, Report, Section, Tone
from evidence.pdf.envelope import document_title, dress, fill_byte_range
from evidence.pdf.lettering import REGULAR, Lettering, font, lines, spelled_out
from evidence.pdf.page import (
    ACCENT,
    BAND,
    INK,
    LEADING,
    MARGIN,
    MUTED,
    TONES,
    Page,
    Pages,
)
from evidence.pdf.register import draw_register

LABEL_WIDTH: Final = 128.0
FIGURES_ACROSS: Final = (4, 3)  # the first that fills its rows, else the last
FIGURE_HEIGHT: Final = 52.0
BODY: Final = 8.5
SMALL: Final = 7.0
VALUE: Final = 15.0


def render(report: Report) -> bytes:
    """Draw a report.

    Args:
        report: What it says. The rows of its registers are read once.

    Returns:
        An A4 PDF 1.7, all fonts embedded in part, with an outline, page x of y, and an empty place
        for its signature.

    Raises:
        EvidenceError: A register's rows do not agree with its columns or total.
    """
    canvas = _canvas(report)
    field = dress(canvas._doc, report)  # noqa: SLF001 - reportlab has no public door here
    pages = Pages(Lettering(canvas._doc))  # noqa: SLF001
    _cover(pages, report)
    if report.sections:
        pages.turn()
    for section in report.sections:
        _section(pages, section)
    _emit(canvas, pages, report, field)
    pdf: bytes = canvas.getpdfdata()
    return fill_byte_range(pdf)


def _canvas(report: Report) -> Any:
    """Begin a document without the unembedded Helvetica that reportlab would begin with."""
    font(REGULAR)
    rl_config.canvas_basefontname = REGULAR
    make: Any = Canvas  # the stubs call a font's name a float and leave out raw operators
    canvas = make(
        BytesIO(),
        pageCompression=1,
        invariant=1,
        initialFontName=REGULAR,
        pdfVersion=(1, 7),
        lang=report.language,
    )
    canvas._preamble = ""  # noqa: SLF001 - it would only set a font
    return canvas


def _emit(canvas: Any, pages: Pages, report: Report, field: object) -> None:
    total = len(pages.all)
    canvas._addAnnotation(field)  # noqa: SLF001
    for number, page in enumerate(pages.all, start=1):
        _running_lines(pages.lettering, page, report, number, total)
        canvas.setPageSize((page.width, page.height))
        canvas._preamble = ""  # noqa: SLF001 - setPageSize made it anew
        for index, (title, level) in enumerate(page.bookmarks):
            key = f"p{number}-{index}"
            canvas.bookmarkPage(key)
            canvas.addOutlineEntry(spelled_out(title), key, level)
        canvas._code.extend(page.operators)  # noqa: SLF001
        canvas.showPage()


def _running_lines(
    lettering: Lettering, page: Page, report: Report, number: int, total: int
) -> None:
    """Head and foot; they say which bundle a loose sheet belongs to."""
    drawn = Pages(lettering)
    drawn.all = [page]
    count = lettering.prepare(f"page {number} of {total}")
    identity = lettering.prepare(f"Bundle {report.bundle_id}")
    drawn.rule(38.0)
    drawn.write(MARGIN, 27.0, identity, SMALL, colour=MUTED)
    right = page.width - MARGIN
    drawn.write(right - lettering.width(count, SMALL), 27.0, count, SMALL, colour=MUTED)
    if number == 1:
        return
    head = page.height - 38.0
    made = lettering.prepare(f"{report.created_at:%Y-%m-%d %H:%M} UTC")
    wide = lettering.width(made, SMALL)
    title = lettering.fit(document_title(report), SMALL, page.width - 2 * MARGIN - wide - 16)
    drawn.write(MARGIN, head, title, SMALL, colour=MUTED)
    drawn.write(right - wide, head, made, SMALL, colour=MUTED)
    drawn.rule(head - 7)


def _cover(pages: Pages, report: Report) -> None:
    pages.mark(document_title(report), 0)
    pages.box(0, pages.page.height - 6, pages.page.width, 6, ACCENT)
    pages.y = pages.page.height - 44
    kicker = pages.lettering.fit(report.organization, BODY, pages.width)
    pages.write(MARGIN, pages.y, kicker, BODY, colour=MUTED)
    pages.y -= 27
    title = pages.lettering.fit(report.title, 22, pages.width, is_bold=True)
    pages.write(MARGIN, pages.y, title, 22, colour=ACCENT, is_bold=True)
    pages.y -= 5
    pages.paragraph(report.subtitle, 11.5, after=10)
    _findings(pages, report)
    _figures(pages, report.figures)
    _facts(
        pages,
        (
            Fact("Bundle", report.bundle_id),
            Fact("Made at", f"{report.created_at:%Y-%m-%d %H:%M:%S} UTC"),
            *report.facts,
        ),
    )
    _heading(pages, "How to check this bundle", level=1)
    for number, step in enumerate(report.verification, start=1):
        pages.paragraph(f"{number}. {step}", 8, after=2.5)


def _findings(pages: Pages, report: Report) -> None:
    tone = Tone.BAD if report.findings else Tone.GOOD
    title = pages.lettering.prepare("What went wrong")
    pages.need(40)
    pages.y -= 13
    pages.write(MARGIN, pages.y, title, 10, colour=TONES[tone], is_bold=True)
    pages.y -= 4
    if not report.findings:
        pages.paragraph(report.no_findings, BODY, after=8)
        return
    counts = [pages.lettering.prepare(f"{finding.count:,}") for finding in report.findings]
    widest = max(pages.lettering.width(count, BODY, is_bold=True) for count in counts)
    for finding, count in zip(report.findings, counts, strict=True):
        _finding(pages, finding, count, indent=widest + 22)
    pages.y -= 6


def _finding(pages: Pages, finding: Finding, count: str, *, indent: float) -> None:
    detail = list(lines(pages.lettering, finding.detail, 8, pages.width - indent))
    titles = list(lines(pages.lettering, finding.title, BODY, pages.width - indent))
    height = (len(titles) * BODY + len(detail) * 8) * LEADING + 5
    pages.need(height)
    pages.box(MARGIN, pages.y - height + 3, 2.2, height - 3, TONES[Tone.BAD])
    pages.write(
        MARGIN + 9, pages.y - BODY * LEADING, count, BODY, colour=TONES[Tone.BAD], is_bold=True
    )
    for line in titles:
        pages.y -= BODY * LEADING
        pages.write(MARGIN + indent, pages.y, line, BODY)
    for line in detail:
        pages.y -= 8 * LEADING
        pages.write(MARGIN + indent, pages.y, line, 8, colour=MUTED)
    pages.y -= 5


def _figures(pages: Pages, figures: tuple[KeyFigure, ...]) -> None:
    gap = 8.0
    pages.y -= 3
    across = next((each for each in FIGURES_ACROSS if len(figures) % each == 0), FIGURES_ACROSS[-1])
    width = (pages.width - gap * (across - 1)) / across
    for begin in range(0, len(figures), across):
        pages.need(FIGURE_HEIGHT + gap)
        pages.y -= FIGURE_HEIGHT
        for index, figure in enumerate(figures[begin : begin + across]):
            _figure(pages, figure, MARGIN + index * (width + gap), width)
        pages.y -= gap


def _figure(pages: Pages, figure: KeyFigure, x: float, width: float) -> None:
    room = width - 16
    colour = TONES[figure.tone]
    pages.box(x, pages.y, width, FIGURE_HEIGHT, BAND)
    if figure.tone is not Tone.PLAIN:
        pages.box(x, pages.y, 2.2, FIGURE_HEIGHT, colour)
    for text, size, up in ((figure.label, SMALL, 38.5), (figure.note, 6.5, 7.5)):
        shown = pages.lettering.fit(text, size, room)
        pages.write(x + 9, pages.y + up, shown, size, colour=MUTED)
    value = pages.lettering.prepare(figure.value)
    wide = pages.lettering.width(value, VALUE, is_bold=True)
    size = VALUE * min(1.0, room / wide) if wide else VALUE  # a number is never cut
    pages.write(x + 9, pages.y + 19.5, value, size, colour=colour, is_bold=True)


def _facts(pages: Pages, facts: tuple[Fact, ...]) -> None:
    step = BODY * LEADING
    pages.y -= 4
    for fact in facts:
        value = list(lines(pages.lettering, fact.value, BODY, pages.width - LABEL_WIDTH)) or [""]
        label = pages.lettering.fit(fact.label, BODY, LABEL_WIDTH - 10)
        pages.need(step + 4)
        pages.write(MARGIN, pages.y - step, label, BODY, colour=MUTED)
        for line in value:
            pages.need(step)
            pages.y -= step
            pages.write(MARGIN + LABEL_WIDTH, pages.y, line, BODY, colour=INK)
        pages.y -= 3.6
        pages.rule(pages.y)
    pages.y -= 6


def _section(pages: Pages, section: Section) -> None:
    _heading(pages, section.title, level=0)
    for paragraph in section.paragraphs:
        pages.paragraph(paragraph)
    _figures(pages, section.figures)
    if section.facts:
        _facts(pages, section.facts)
    for register in section.registers:
        draw_register(pages, register)


def _heading(pages: Pages, title: str, *, level: int) -> None:
    size = 10.0 if level else 14.0
    if level == 0:
        pages.need(120)
        if pages.page.width > pages.page.height:
            pages.turn()
    pages.need(size * 4)
    pages.y -= size + 8
    pages.mark(title, level)
    shown = pages.lettering.fit(title, size, pages.width, is_bold=True)
    pages.write(MARGIN, pages.y, shown, size, colour=ACCENT, is_bold=True)
    pages.y -= 6 if level else 8
