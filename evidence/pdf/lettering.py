"""Any text, in glyphs that are really there.

A directory holds names in every script. Each character is drawn in the first of our fonts that has
it; Arabic is joined and right-to-left text put in order; what no font has, and what cannot be seen
(controls, bidirectional overrides, unassigned codes), is written out as its code, U+202E in
angle quotes, so that nothing turns into an empty box and nothing hides. Text taken out of the PDF
again is the text put in.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, cast

from reportlab import rl_config
from reportlab.lib.rl_accel import escapePDF
from reportlab.pdfbase.pdfdoc import (
    PDFDocument,
    PDFStream,
    PDFTrueTypeFont,
    format,  # noqa: A004 - reportlab's name
)
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import SUBSETN, TTFont
from typing_extensions import override

from evidence.pdf.writer import Writer

FONTS: Final = Path(__file__).parent / "fonts"
REGULAR: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
FALLBACKS: Final = (REGULAR, "WenQuanYiMicroHei", "Symbola")
ELLIPSIS: Final = "…"
PRINTABLE_ASCII: Final = "".join(map(chr, range(32, 127)))
RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
JOINERS: Final = frozenset("\u200c\u200d\ufe0e\ufe0f")  # part of emoji and of some scripts
KEYCAP: Final = "\u20e3"
PRESENTATION_FORMS: Final = ((0xFB1D, 0xFDFF), (0xFE70, 0xFEFC))
END_OF_STREAM: Final = re.compile(rb"(?<!\n)endstream\s*\Z")
CMAP_BLOCK: Final = 100  # Adobe Technical Note 5014: at most 100 entries a block
EM: Final = 1000
LARGEST_CACHE: Final = 20_000


class ReportFont(TTFont):
    """A TrueType font whose ToUnicode map is right beyond the first plane and for joined Arabic."""

    @override
    def addObjects(self, doc: PDFDocument) -> None:
        """Add the font to a document, as reportlab does, with our own maps to Unicode."""
        subsets = self.state[doc].subsets
        super().addObjects(doc)
        for number, subset in enumerate(subsets):
            name = f"{SUBSETN(number).decode()}+{self.face.name.decode()}"
            stream = cast("PDFStream", doc.idToObject[f"toUnicodeCMap:{name}"])
            stream.content = _to_unicode(name, subset)


@cache
def font(name: str) -> ReportFont:
    """Load one of our fonts, once a process.

    Args:
        name: The file's name without its ending.

    Returns:
        The font, known to reportlab by that name.
    """
    rl_config.useA85 = 0  # the default spends a quarter more bytes on 7-bit transport
    loaded = ReportFont(name, str(FONTS / f"{name}.ttf"), asciiReadable=1)
    registerFont(loaded)
    return loaded


class Lettering:
    """Text for one document: measures it, cuts it to fit, writes its operators.

    Its font subsets grow with what is written; reportlab keeps them in a document of its own, of
    which nothing but the fonts is ever used.
    """

    def __init__(self) -> None:
        self._document: Any = PDFDocument(compression=1, invariant=1)
        for name in (REGULAR, BOLD):  # so that plain ASCII stands for itself in subset 0
            font(name).splitString(PRINTABLE_ASCII + ELLIPSIS, self._document)
        self._prepared = lru_cache(LARGEST_CACHE)(_prepare)

    def prepare(self, text: str) -> str:
        """Put a text into the order and form in which it is drawn.

        Args:
            text: Any text, in logical order.

        Returns:
            Drawable text, in visual order.
        """
        if text.isascii() and text.isprintable():
            return text
        return self._prepared(text)

    def width(self, prepared: str, size: float, *, is_bold: bool = False) -> float:
        """Measure drawable text.

        Args:
            prepared: From `prepare`.
            size: Type size in points.
            is_bold: Which weight.

        Returns:
            Its width in points.
        """
        units = sum(
            _widths(name, chunk) for name, chunk in _runs(prepared, BOLD if is_bold else REGULAR)
        )
        return units * size / EM

    def fit(self, text: str, size: float, width: float, *, is_bold: bool = False) -> str:
        """Prepare a text and cut it, with an ellipsis, to a width.

        Args:
            text: Any text.
            size: Type size in points.
            width: Room in points.
            is_bold: Which weight.

        Returns:
            Drawable text. The cut is made before right-to-left text is reordered, so it is the end
            of the text that is missing.
        """
        whole = self.prepare(text)
        if self.width(whole, size, is_bold=is_bold) <= width:
            return whole
        least, most = 0, len(text)
        while least < most:
            middle = (least + most + 1) // 2
            cut = self.prepare(text[:middle].rstrip() + ELLIPSIS)
            if self.width(cut, size, is_bold=is_bold) <= width:
                least = middle
            else:
                most = middle - 1
        return self.prepare(text[:least].rstrip() + ELLIPSIS)

    def operators(self, prepared: str, size: float, *, is_bold: bool = False) -> str:
        """Write the operators that show drawable text from the current position on.

        Args:
            prepared: From `prepare` or `fit`.
            size: Type size in points.
            is_bold: Which weight.

        Returns:
            `Tf` and `Tj` operators; leaves the last font used set.
        """
        written: list[str] = []
        for name, chunk in _runs(prepared, BOLD if is_bold else REGULAR):
            face = font(name)
            for subset, codes in face.splitString(chunk, self._document):
                internal = face.getSubsetInternalName(subset, self._document)
                written.append(f"{internal} {size:g} Tf ({escapePDF(codes)}) Tj")
        return " ".join(written)

    def embed(self, writer: Writer) -> bytes:
        """Write the subsets of all fonts used; nothing can be lettered after that.

        Args:
            writer: Of the document.

        Returns:
            The entries of the font resources.
        """
        document = self._document
        document.objectcounter = writer.last
        for each in document.delayedFonts:
            each.addObjects(document)
        while writer.last < document.objectcounter:  # writing one may bring in others
            number = writer.reserve()
            written = format(document.idToObject[document.numberToId[number]], document, toplevel=1)
            # reportlab leaves out the end of line before `endstream` (ISO 32000-2, 7.3.8.1)
            writer.put(number, END_OF_STREAM.sub(rb"\nendstream", written))
        return b" ".join(
            b"/%s %d 0 R" % (name.encode(), document.idToObjectNumberAndVersion[name][0])
            for name, each in document.idToObject.items()
            if isinstance(each, PDFTrueTypeFont)
        )


def spelled_out(text: str) -> str:
    """Write out what cannot be seen, for texts that the reader's own fonts will show.

    Args:
        text: Any text, also with lone surrogates.

    Returns:
        Text that any encoding of Unicode and any XML can carry.
    """
    return "".join(
        _spelled(each) if unicodedata.category(each) in HIDDEN else each for each in text
    )


def lines(lettering: Lettering, text: str, size: float, width: float) -> Iterator[str]:
    """Break a paragraph into lines.

    Args:
        lettering: The document's.
        text: Any text.
        size: Type size in points.
        width: Room in points.

    Yields:
        Drawable lines. A word wider than the line is broken inside.
    """
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if lettering.width(lettering.prepare(longer), size) <= width:
            line = longer
            continue
        if line:
            yield lettering.prepare(line)
        *whole, line = _pieces(lettering, word, size, width)
        yield from map(lettering.prepare, whole)
    if line:
        yield lettering.prepare(line)


def _pieces(lettering: Lettering, word: str, size: float, width: float) -> list[str]:
    pieces, piece = [], ""
    for each in word:
        if piece and lettering.width(lettering.prepare(piece + each), size) > width:
            pieces.append(piece)
            piece = ""
        piece += each
    return [*pieces, piece]


def _prepare(text: str) -> str:
    return _in_visual_order("".join(_visible(text)))


def _visible(text: str) -> Iterator[str]:
    """Give each character, or its code written out if it cannot be seen or drawn.

    Joiners and variation selectors pass after a character beyond ASCII, where they belong to an
    emoji or a script; inside plain words they would only hide something.
    """
    before = ""
    for at, each in enumerate(text):
        is_joined = each in JOINERS and (
            (before != "" and not before.isascii()) or text[at + 1 : at + 2] == KEYCAP
        )
        if not is_joined and (each in JOINERS or unicodedata.category(each) in HIDDEN):
            yield _spelled(each)
        else:
            yield each if _is_drawable(each) else _spelled(each)
        before = each


def _spelled(character: str) -> str:
    return f"\u2039U+{ord(character):04X}\u203a"


def _in_visual_order(text: str) -> str:
    """Join and reorder; a joined form our fonts lack is drawn as the plain letter."""
    if not any(unicodedata.bidirectional(each) in RIGHT_TO_LEFT for each in text):
        return text
    from bidi import get_display

    joined = "".join(
        each if _is_drawable(each) else unicodedata.normalize("NFKC", each)
        for each in _reshaper().reshape(text)
    )
    return "".join(  # mirrored brackets are new characters
        each if _is_drawable(each) else _spelled(each) for each in get_display(joined)
    )


@cache
def _reshaper():  # type: ignore[no-untyped-def]  # noqa: ANN202 - the library has no types
    from arabic_reshaper import ArabicReshaper

    return ArabicReshaper(
        {"delete_harakat": False, "support_zwj": True, "ARABIC LIGATURE ALLAH": False}
    )


def _runs(prepared: str, first: str) -> Iterator[tuple[str, str]]:
    """Split drawable text into stretches of one font."""
    if prepared.isascii():
        yield first, prepared
        return
    current, chunk = first, ""
    for each in prepared:
        wanted = _font_for(each, first)
        if wanted != current and chunk:
            yield current, chunk
            chunk = ""
        current, chunk = wanted, chunk + each
    yield current, chunk


@cache
def _font_for(character: str, first: str) -> str:
    """Choose the font for a character that `_is_drawable`."""
    code = ord(character)
    return next(name for name in (first, *FALLBACKS) if code in _glyphs(name))


def _is_drawable(character: str) -> bool:
    code = ord(character)
    return any(code in _glyphs(name) for name in FALLBACKS)


def _glyphs(name: str) -> dict[int, int]:
    glyphs: dict[int, int] = font(name).face.charToGlyph
    return glyphs


def _widths(name: str, chunk: str) -> float:
    face = font(name).face
    return float(sum(face.charWidths.get(ord(each), face.defaultWidth) for each in chunk))


def _to_unicode(name: str, subset: list[int]) -> str:
    """Write a ToUnicode map (ISO 32000-2, 9.10.3): UTF-16BE, joined forms as their letters."""
    entries = [f"<{code:02X}> <{_utf16(char)}>" for code, char in enumerate(subset)]
    blocks = [entries[at : at + CMAP_BLOCK] for at in range(0, len(entries), CMAP_BLOCK)]
    body = "\n".join(
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        f"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        f"/CMapName /{name} def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<00> <FF>\nendcodespacerange\n{body}\n"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    )


def _utf16(code: int) -> str:
    text = chr(code)
    if any(low <= code <= high for low, high in PRESENTATION_FORMS):
        text = unicodedata.normalize("NFKC", text)
    return text.encode("utf-16-be").hex().upper()
