"""From the report model to a PDF: the same report, the same bytes.

No clock, no machine and no hash seed goes into them. The document is ready to be sealed
(`evidence.pdf.seal`): its signature's place is there, filled with zeros, and the SHA-256 of exactly
these bytes is the manifest's `report.unsigned_sha256`. Pages leave memory as they are filled, so a
million rows take no more of it than a thousand.
"""

from collections.abc import Sequence
from io import BytesIO
from typing import BinaryIO, Final

from evidence.pdf import blocks
from evidence.pdf.cover import contents_pages, draw_answers, draw_contents, draw_cover
from evidence.pdf.document import Report, Section
from evidence.pdf.envelope import (
    Envelope,
    document_title,
    dress,
    fill_byte_range,
    identifier,
    pdf_time,
)
from evidence.pdf.lettering import Lettering, spelled_out
from evidence.pdf.page import A4, HAIRLINE, MARGIN, MUTED, Link, Pages, Place, Sheet, paint
from evidence.pdf.register import draw_register, is_wide_register
from evidence.pdf.tags import Tree
from evidence.pdf.writer import Writer, references, text_string

__all__ = ["pdf_time", "render", "render_to"]

SMALL: Final = 7.0
FOOT: Final = 27.0
BRANCH: Final = 64  # pages a node of the page tree


def render(report: Report) -> bytes:
    """Draw a report in memory; as `render_to`."""
    out = BytesIO()
    render_to(report, out)
    return out.getvalue()


def render_to(report: Report, out: BinaryIO) -> None:
    """Draw a report into a file.

    Args:
        report: What it says. The rows of its registers are read once, in order.
        out: An empty file, open for writing and seeking. It gets an A4 PDF 1.7, all fonts embedded
            in part, with an outline, page x of y, tags, and an empty place for its signature.

    Raises:
        EvidenceError: A register's rows do not agree with its columns or total.
    """
    writer = Writer(out)
    envelope = dress(writer, report)
    tree = Tree(writer)
    pages = Pages(Lettering(), writer, tree)
    front, rest = tree.begin("Part"), tree.begin("Part")
    with tree.inside(rest):
        for section in report.sections:
            _section(pages, section)
        if report.sections:
            draw_answers(pages, report)
    pages.close()
    behind = len(pages.sheets)
    told = [_keyed(index, place) for index, place in enumerate(pages.places)]
    pages.places = list(told)
    with tree.inside(front):
        draw_cover(pages, report)
        pages.close()
        if told:
            draw_contents(pages, told, len(pages.sheets) - behind + contents_pages(len(told)))
            pages.close()
    tree.end(front)
    tree.end(rest)
    order = pages.sheets[behind:] + pages.sheets[:behind]
    ahead = pages.places[len(told) :]
    _Binder(writer, pages, tree, report, envelope).bind(order, [*ahead, *told])
    fill_byte_range(out, envelope, writer.at)


def _keyed(index: int, place: Place) -> Place:
    return (
        place if place.key else Place(place.title, place.level, f"p-{index}", place.sheet, place.y)
    )


def _section(pages: Pages, section: Section) -> None:
    with pages.tree.group("Sect"):
        is_wide = _begins_wide(section)
        blocks.heading(pages, section.title, level=0, key=section.key, is_wide=is_wide)
        for paragraph in section.paragraphs:
            pages.paragraph(paragraph)
        if section.figures:
            blocks.figures(pages, section.figures)
        if section.facts:
            blocks.facts(pages, section.facts)
        for chart in section.charts:
            blocks.chart(pages, chart)
        for table in section.tables:
            blocks.table(pages, table)
        for register in section.registers:
            draw_register(pages, register)


def _begins_wide(section: Section) -> bool:
    """Say whether a section is a wide register from its beginning."""
    before = (section.paragraphs, section.figures, section.facts, section.charts, section.tables)
    return not any(before) and bool(section.registers) and is_wide_register(section.registers[0])


class _Binder:
    """The end of a document: numbers on its pages, its page tree, outline and catalogue."""

    def __init__(
        self, writer: Writer, pages: Pages, tree: Tree, report: Report, envelope: Envelope
    ) -> None:
        self._writer, self._pages, self._tree = writer, pages, tree
        self._report, self._envelope = report, envelope
        self._lettering = pages.lettering
        self._places = {place.key: place for place in pages.places}

    def bind(self, order: Sequence[Sheet], places: Sequence[Place]) -> None:
        """Write all that is left.

        Args:
            order: The pages as they are read.
            places: The places of the outline, in the same order.
        """
        writer = self._writer
        total = len(order)
        counts = "page 0123456789,of"
        plain = self._lettering.operators(counts, SMALL).split(" ", 1)[0]  # so that all are there
        running = {wide: self._running(is_wide=wide) for wide in (False, True)}
        resources = writer.reserve()
        nodes, root = [], writer.reserve()
        for begin in range(0, total, BRANCH):
            branch = writer.reserve()
            chosen = order[begin : begin + BRANCH]
            for number, sheet in enumerate(chosen, start=begin + 1):
                annotations = [self._link(each) for each in sheet.links]
                if number == 1:
                    annotations.insert(0, self._envelope.field)
                head = running[sheet.is_wide][number != 1]
                foot = self._foot(number, total, plain, is_wide=sheet.is_wide)
                self._page(sheet, branch, resources, head, foot, annotations)
            kids = [each.number for each in chosen]
            writer.put(
                branch,
                b"<< /Type /Pages /Parent %d 0 R /Count %d /Kids [%s] >>"
                % (root, len(kids), references(kids)),
            )
            nodes.append(branch)
        writer.put(root, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (total, references(nodes)))
        outline = self._outline(places)
        structure = self._tree.finish()
        fonts = self._lettering.embed(writer)
        writer.put(resources, b"<< /Font << %s >> /ProcSet [/PDF /Text] >>" % fonts)
        catalog = writer.add(
            b"<< /Type /Catalog /Pages %d 0 R /Outlines %d 0 R /PageMode /UseOutlines\n"
            b"/StructTreeRoot %d 0 R /MarkInfo << /Marked true >>\n%s >>"
            % (root, outline, structure, self._envelope.catalog)
        )
        writer.finish(catalog, self._envelope.info, identifier(self._report))

    def _page(
        self,
        sheet: Sheet,
        parent: int,
        resources: int,
        head: int,
        foot: int,
        annotations: Sequence[int],
    ) -> None:
        width, height = A4[::-1] if sheet.is_wide else A4
        noted = b" /Annots [%s]" % references(list(annotations)) if annotations else b""
        self._writer.put(
            sheet.number,
            b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Resources %d 0 R\n"
            b"/Contents [%s] /StructParents %d /Tabs /S%s >>"
            % (
                parent,
                f"{width:g}".encode(),
                f"{height:g}".encode(),
                resources,
                references([sheet.body, head, foot]),
                sheet.key,
                noted,
            ),
        )

    def _running(self, *, is_wide: bool) -> tuple[int, int]:
        """Head and foot, on the first page and on all others: which bundle a loose sheet is of."""
        lettering, report = self._lettering, self._report
        width, height = A4[::-1] if is_wide else A4
        identity = lettering.prepare(f"Bundle {report.bundle_id}")
        first = [
            f"{paint(HAIRLINE)} rg {MARGIN:.2f} 38 {width - 2 * MARGIN:.2f} 0.5 re f",
            self._line(MARGIN, FOOT, identity),
        ]
        made = lettering.prepare(f"{report.created_at:%Y-%m-%d %H:%M} UTC")
        wide = lettering.width(made, SMALL)
        title = lettering.fit(document_title(report), SMALL, width - 2 * MARGIN - wide - 16)
        head = height - 38.0
        others = [
            *first,
            self._line(MARGIN, head, title),
            self._line(width - MARGIN - wide, head, made),
            f"{paint(HAIRLINE)} rg {MARGIN:.2f} {head - 7:.2f} {width - 2 * MARGIN:.2f} 0.5 re f",
        ]
        return self._artifact(first), self._artifact(others)

    def _foot(self, number: int, total: int, plain: str, *, is_wide: bool) -> int:
        count = f"page {number} of {total}"
        x = (A4[1] if is_wide else A4[0]) - MARGIN - self._lettering.width(count, SMALL)
        shown = (
            f"BT {paint(MUTED)} rg {plain} {SMALL:g} Tf 1 0 0 1 {x:.2f} {FOOT} Tm ({count}) Tj ET"
        )
        content = f"/Artifact BMC {shown} EMC".encode("ascii")
        return self._writer.stream(content, is_packed=False)

    def _line(self, x: float, y: float, prepared: str) -> str:
        shown = self._lettering.operators(prepared, SMALL)
        return f"BT {paint(MUTED)} rg 1 0 0 1 {x:.2f} {y:.2f} Tm {shown} ET"

    def _artifact(self, operators: Sequence[str]) -> int:
        body = "\n".join(["/Artifact << /Type /Pagination >> BDC", *operators, "EMC"])
        return self._writer.stream(body.encode("latin-1"))

    def _link(self, link: Link) -> int:
        place = self._places[link.target]
        box = " ".join(f"{each:.2f}" for each in link.box).encode("ascii")
        return self._writer.add(
            b"<< /Type /Annot /Subtype /Link /F 4 /Border [0 0 0] /Rect [%s]\n"
            b"/Dest %s /Contents %s >>"
            % (box, self._target(place), text_string(spelled_out(place.title)))
        )

    def _target(self, place: Place) -> bytes:
        number = self._pages.sheets[place.sheet].number
        return b"[%d 0 R /XYZ 0 %s null]" % (number, f"{place.y:.1f}".encode("ascii"))

    def _outline(self, places: Sequence[Place]) -> int:
        """Write the outline: sections, and below each what it lists."""
        root = self._writer.reserve()
        chapters: list[tuple[Place, list[Place]]] = []
        for place in places:
            if place.level == 0:
                chapters.append((place, []))
            else:
                chapters[-1][1].append(place)
        numbers = [self._writer.reserve() for _ in chapters]
        for number, (place, below) in zip(numbers, chapters, strict=True):
            kids = [self._writer.reserve() for _ in below]
            for kid, each in zip(kids, below, strict=True):
                self._entry(each, kid, number, kids, b"")
            ends = (kids[0], kids[-1], -len(kids)) if kids else ()
            held = b"/First %d 0 R /Last %d 0 R /Count %d" % ends if ends else b""
            self._entry(place, number, root, numbers, held)
        self._writer.put(
            root,
            b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>"
            % (numbers[0], numbers[-1], len(numbers)),
        )
        return root

    def _entry(
        self, place: Place, number: int, parent: int, beside: Sequence[int], held: bytes
    ) -> None:
        at = beside.index(number)
        before = b"/Prev %d 0 R" % beside[at - 1] if at else b""
        after = b"/Next %d 0 R" % beside[at + 1] if at + 1 < len(beside) else b""
        self._writer.put(
            number,
            b"<< /Title %s /Dest %s /Parent %d 0 R %s %s %s >>"
            % (
                text_string(spelled_out(place.title)),
                self._target(place),
                parent,
                before,
                after,
                held,
            ),
        )
