"""The first pages: what this is, what went wrong, how to check it; then what is where.

They are drawn last, when it is known on which page everything stands, and bound first.
"""

import math
from typing import Final

from evidence.pdf.blocks import BODY, SMALL, facts, figures, heading
from evidence.pdf.document import Fact, Finding, Report, Tone
from evidence.pdf.envelope import document_title
from evidence.pdf.lettering import lines
from evidence.pdf.page import A4 as SIZE
from evidence.pdf.page import (
    ACCENT,
    BAND,
    BOTTOM,
    HAIRLINE,
    LEADING,
    MARGIN,
    MUTED,
    TONES,
    TOP,
    Pages,
    Place,
)

ENTRY: Final = 13.5
MOST_ANSWERS: Final = 12  # kinds of finding; more than these are answered on a sheet of their own


def draw_cover(pages: Pages, report: Report) -> None:
    """Draw what everybody reads first."""
    pages.turn()
    pages.mark(document_title(report), 0, "cover")
    pages.box(0, pages.height - 6, pages.breadth, 6, ACCENT)
    pages.y = pages.height - 44
    with pages.leaf("P"):
        kicker = pages.lettering.fit(report.organization, BODY, pages.width)
        pages.write(MARGIN, pages.y, kicker, BODY, colour=MUTED)
    pages.y -= 27
    with pages.leaf("H1"):
        title = pages.lettering.fit(report.title, 22, pages.width, is_bold=True)
        pages.write(MARGIN, pages.y, title, 22, colour=ACCENT, is_bold=True)
    pages.y -= 5
    pages.paragraph(report.subtitle, 11.5, after=8)
    _verdict(pages, report)
    _findings(pages, report)
    figures(pages, report.figures)
    facts(
        pages,
        (
            Fact("Bundle", report.bundle_id),
            Fact("Made at", f"{report.created_at:%Y-%m-%d %H:%M:%S} UTC"),
            *report.facts,
        ),
        size=8,
    )
    heading(pages, "How to check this bundle", level=1)
    for number, step in enumerate(report.verification, start=1):
        pages.paragraph(f"{number}. {step}", 7.8, after=2)
    _signatures(pages, report)


def draw_contents(pages: Pages, places: list[Place], front: int) -> None:
    """Draw what stands on which page.

    Args:
        pages: Where.
        places: What, in order.
        front: How many pages come before those of the places, these included.
    """
    pages.turn()
    heading(pages, "Contents", level=0, key="contents")
    with pages.tree.group("TOC"):
        for place in places:
            pages.need(ENTRY)
            _entry(pages, place, front)


def contents_pages(count: int) -> int:
    """Tell how many pages a list of contents takes."""
    first = int((SIZE[1] - TOP - BOTTOM - 34) / ENTRY)
    following = int((SIZE[1] - TOP - BOTTOM) / ENTRY)
    return 1 + max(0, math.ceil((count - first) / following))


def _entry(pages: Pages, place: Place, front: int) -> None:
    pages.y -= ENTRY
    indent = 14.0 * place.level
    is_bold = place.level == 0
    number = f"{place.sheet + front + 1:,}"
    wide = pages.lettering.width(number, BODY)
    shown = pages.lettering.fit(
        place.title, BODY, pages.width - indent - wide - 20, is_bold=is_bold
    )
    end = MARGIN + indent + pages.lettering.width(shown, BODY, is_bold=is_bold) + 5
    right = MARGIN + pages.width
    with pages.leaf("TOCI"):
        pages.write(MARGIN + indent, pages.y, shown, BODY, is_bold=is_bold)
        pages.write(right - wide, pages.y, number, BODY, is_bold=False)
    pages.box(end, pages.y + 1, max(0.0, right - wide - 5 - end), 0.4, HAIRLINE)
    pages.link((MARGIN, pages.y - 3, right, pages.y + ENTRY - 4), place.key)


def _verdict(pages: Pages, report: Report) -> None:
    verdict = report.verdict
    if verdict is None:
        return
    room = pages.width - 24
    detail = list(lines(pages.lettering, verdict.detail, 8, room))
    head = list(lines(pages.lettering, verdict.text, 11, room))
    height = (len(head) * 11 + len(detail) * 8) * LEADING + 13
    pages.y -= 2
    pages.box(MARGIN, pages.y - height, pages.width, height, BAND)
    pages.box(MARGIN, pages.y - height, 3, height, TONES[verdict.tone])
    bottom = pages.y - height
    pages.y -= 4
    with pages.leaf("P"):
        for line in head:
            pages.y -= 11 * LEADING
            pages.write(MARGIN + 13, pages.y, line, 11, colour=TONES[verdict.tone], is_bold=True)
        for line in detail:
            pages.y -= 8 * LEADING
            pages.write(MARGIN + 13, pages.y, line, 8, colour=MUTED)
    pages.y = bottom - 4


def _findings(pages: Pages, report: Report) -> None:
    tone = Tone.BAD if report.findings else report.verdict.tone if report.verdict else Tone.GOOD
    title = pages.lettering.prepare("What went wrong")
    pages.need(40)
    pages.y -= 15
    with pages.leaf("H2"):
        pages.write(MARGIN, pages.y, title, 10, colour=TONES[tone], is_bold=True)
    pages.y -= 4
    if not report.findings:
        pages.paragraph(report.no_findings, BODY, after=8)
        return
    counts = [pages.lettering.prepare(f"{finding.count:,}") for finding in report.findings]
    widest = max(pages.lettering.width(count, BODY, is_bold=True) for count in counts)
    for finding, count in zip(report.findings, counts, strict=True):
        _finding(pages, finding, count, indent=widest + 22)
    pages.y -= 4


def _finding(pages: Pages, finding: Finding, count: str, *, indent: float) -> None:
    room = pages.width - indent
    detail = list(lines(pages.lettering, finding.detail, 7.6, room))
    titles = list(lines(pages.lettering, finding.title, BODY, room))
    height = (len(titles) * BODY + len(detail) * 7.6) * LEADING + 4
    pages.need(height)
    top = pages.y
    pages.box(MARGIN, top - height + 3, 2.2, height - 3, TONES[Tone.BAD])
    with pages.leaf("P"):
        pages.write(
            MARGIN + 9, top - BODY * LEADING, count, BODY, colour=TONES[Tone.BAD], is_bold=True
        )
        for line in titles:
            pages.y -= BODY * LEADING
            pages.write(MARGIN + indent, pages.y, line, BODY)
        for line in detail:
            pages.y -= 7.6 * LEADING
            pages.write(MARGIN + indent, pages.y, line, 7.6, colour=MUTED)
    pages.y -= 4
    if finding.section:
        pages.link((MARGIN, pages.y, MARGIN + pages.width, top), finding.section)


def _signatures(pages: Pages, report: Report) -> None:
    """Who signed this file, and the room for a hand's signature under what it says."""
    half = (pages.width - 14) / 2
    said = [
        line
        for fact in report.signature
        for line in lines(pages.lettering, f"{fact.label}: {fact.value}", 6.6, half - 16)
    ]
    height = max(62.0, 12 + 9.4 * len(said) + 7)
    pages.need(height + 14)
    pages.y -= 8
    top, bottom = pages.y, pages.y - height
    for x in (MARGIN, MARGIN + half + 14):
        pages.frame(x, bottom, half, height, HAIRLINE)
    with pages.leaf("P"):
        y = top - 12
        pages.write(
            MARGIN + 8,
            y,
            pages.lettering.prepare("Sealed electronically"),
            SMALL,
            colour=ACCENT,
            is_bold=True,
        )
        for line in said:
            y -= 9.4
            pages.write(MARGIN + 8, y, line, 6.6, colour=MUTED)
    x = MARGIN + half + 22
    with pages.leaf("P"):
        title = pages.lettering.prepare("Acknowledged by management")
        pages.write(x, top - 12, title, SMALL, colour=ACCENT, is_bold=True)
        for index, label in enumerate(("Name and role", "Date", "Signature")):
            y = top - 27 - index * 14
            pages.write(x, y, pages.lettering.prepare(label), 6.6, colour=MUTED)
            pages.box(x + 60, y - 1.5, half - 76, 0.5, MUTED)
    pages.y = bottom - 6


def draw_answers(pages: Pages, report: Report) -> None:
    """Room for what management says to each finding."""
    if not report.findings:
        return
    heading(pages, "Management's response", level=0, key="answers")
    pages.paragraph(
        "One place for each kind of exception. What is written here by hand is not part of what "
        "was sealed.",
        colour=MUTED,
    )
    for finding in report.findings:
        pages.need(74)
        pages.y -= 14
        title = pages.lettering.fit(
            f"{finding.title} ({finding.count:,})", BODY, pages.width, is_bold=True
        )
        with pages.leaf("P"):
            pages.write(MARGIN, pages.y, title, BODY, is_bold=True)
            for label, width in (("Response", 1.0), ("", 1.0), ("Owner and due date", 1.0)):
                pages.y -= 17
                pages.write(MARGIN, pages.y, pages.lettering.prepare(label), 6.6, colour=MUTED)
                pages.box(MARGIN + 90, pages.y - 1.5, width * pages.width - 90, 0.5, HAIRLINE)
        pages.y -= 4
