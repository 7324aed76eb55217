"""A page being drawn: where the pen is, and the few marks a report is made of.

A page's operators are packed and written as soon as the next page begins; of what is behind there
remain a few numbers a page. How many pages there are is said on each of them by a small stream of
its own, written when all are known.
"""

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from evidence.pdf.document import Tone
from evidence.pdf.lettering import Lettering, lines
from evidence.pdf.tags import Element, Tree
from evidence.pdf.writer import Writer

Colour = tuple[float, float, float]

A4: Final = (595.28, 841.89)
MARGIN: Final = 48.0
TOP: Final = 64.0  # below the running head
BOTTOM: Final = 54.0  # above the running foot

INK: Final[Colour] = (0.11, 0.14, 0.19)
MUTED: Final[Colour] = (0.37, 0.41, 0.47)
HAIRLINE: Final[Colour] = (0.82, 0.84, 0.87)
ACCENT: Final[Colour] = (0.09, 0.25, 0.42)
BAND: Final[Colour] = (0.955, 0.963, 0.973)
WHITE: Final[Colour] = (1.0, 1.0, 1.0)
TONES: Final[dict[Tone, Colour]] = {
    Tone.PLAIN: INK,
    Tone.GOOD: (0.08, 0.42, 0.28),
    Tone.BAD: (0.68, 0.13, 0.10),
}
LEADING: Final = 1.42


@dataclass(frozen=True, slots=True)
class Link:
    """A place on a page that leads to another."""

    box: tuple[float, float, float, float]
    target: str


@dataclass(slots=True)
class Sheet:
    """What remains of a page that is behind: numbers, and the links on it."""

    number: int
    body: int
    is_wide: bool
    key: int
    links: list[Link]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the document: an entry of the outline, and what a link leads to."""

    title: str
    level: int
    key: str
    sheet: int
    y: float


@dataclass(slots=True)
class _Open:
    """The page being drawn."""

    number: int
    is_wide: bool
    operators: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    owners: "array[int]" = field(default_factory=lambda: array("l"))


class Pages:
    """All pages, and the place on the last one where the next thing goes.

    Args:
        lettering: The document's.
        writer: Where finished pages go.
        tree: What they mean.
    """

    def __init__(self, lettering: Lettering, writer: Writer, tree: Tree) -> None:
        self.lettering, self.writer, self.tree = lettering, writer, tree
        self.sheets: list[Sheet] = []
        self.places: list[Place] = []
        self.y = 0.0
        self._page: _Open | None = None
        self._leaf: Element | None = None

    @property
    def is_wide(self) -> bool:
        """Whether the page lies on its side."""
        return self._now.is_wide

    @property
    def breadth(self) -> float:
        """The page's width in points."""
        return A4[1] if self.is_wide else A4[0]

    @property
    def height(self) -> float:
        """The page's height in points."""
        return A4[0] if self.is_wide else A4[1]

    @property
    def width(self) -> float:
        """Points between the margins."""
        return self.breadth - 2 * MARGIN

    @property
    def room(self) -> float:
        """Points left between the pen and the foot."""
        if self._page is None:
            self.turn()
        return self.y - BOTTOM

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is on the page yet."""
        return not self._now.operators

    def turn(self, *, is_wide: bool = False) -> None:
        """Begin a page; the one before is written."""
        self.close()
        self._page = _Open(self.writer.reserve(), is_wide)
        self.y = self.height - TOP
        if self._leaf is not None:
            self._mark_content(self._leaf)

    def close(self) -> None:
        """Write the page being drawn."""
        page = self._page
        if page is None:
            return
        if self._leaf is not None:
            page.operators.append("EMC")
        body = self.writer.stream("\n".join(page.operators).encode("latin-1"))
        key = len(self.sheets)
        self.tree.page_done(key, page.owners)
        self.sheets.append(Sheet(page.number, body, page.is_wide, key, page.links))
        self._page = None

    def need(self, points: float) -> None:
        """Begin a page of the same kind if there is not so much room."""
        if self.room < points:
            self.turn(is_wide=self.is_wide)

    def mark(self, title: str, level: int, key: str = "") -> None:
        """Put a title into the outline, and let links lead here."""
        at = min(self.y + 24, self.height)
        self.places.append(Place(title, level, key, len(self.sheets), at))

    def link(self, box: tuple[float, float, float, float], target: str) -> None:
        """Let a place on the page lead to the one marked with a key."""
        self._now.links.append(Link(box, target))

    @contextmanager
    def leaf(self, role: str, alternative: str = "") -> Iterator[None]:
        """Say what is drawn in the block; it may run over pages."""
        if self._page is None:
            self.turn()
        element = self._leaf = self.tree.begin(role, alternative)
        self._mark_content(element)
        yield
        self.draw("EMC")
        self._leaf = None
        self.tree.end(element)

    def number_in(self, element: Element) -> int:
        """Give a number on this page to a stretch of an element's content."""
        number = len(self._now.owners)
        self._now.owners.append(element.number)
        element.content.append((self._now.number, number))
        return number

    def draw(self, operators: str) -> None:
        """Put operators on the page."""
        self._now.operators.append(operators)

    def mark_operators(self) -> int:
        """Remember where on the page something begins, for `operators_since`."""
        return len(self._now.operators)

    def operators_since(self, begin: int) -> str:
        """Give what was drawn since, to be drawn again elsewhere."""
        return "\n".join(self._now.operators[begin:])

    def write(
        self,
        x: float,
        y: float,
        prepared: str,
        size: float,
        *,
        colour: Colour = INK,
        is_bold: bool = False,
    ) -> None:
        """Put one drawable line somewhere."""
        shown = self.lettering.operators(prepared, size, is_bold=is_bold)
        self._decorate(f"BT {paint(colour)} rg 1 0 0 1 {x:.2f} {y:.2f} Tm {shown} ET")

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self._decorate(f"{paint(colour)} rg {x:.2f} {y:.2f} {width:.2f} {height:.2f} re f")

    def frame(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Draw a rectangle's outline."""
        self._decorate(f"{paint(colour)} RG 0.5 w {x:.2f} {y:.2f} {width:.2f} {height:.2f} re S")

    def rule(self, y: float, colour: Colour = HAIRLINE, thickness: float = 0.5) -> None:
        """Draw a line across the page."""
        self.box(MARGIN, y, self.width, thickness, colour)

    def paragraph(
        self,
        text: str,
        size: float = 8.5,
        *,
        colour: Colour = INK,
        indent: float = 0.0,
        after: float = 5.0,
    ) -> None:
        """Set a paragraph from the pen on, over as many pages as it takes."""
        step = size * LEADING
        with self.leaf("P"):
            for line in lines(self.lettering, text, size, self.width - indent):
                self.need(step)
                self.y -= step
                self.write(MARGIN + indent, self.y, line, size, colour=colour)
        self.y -= after

    @property
    def _now(self) -> _Open:
        if self._page is None:
            self.turn()
        assert self._page is not None  # noqa: S101 - just begun
        return self._page

    def _mark_content(self, element: Element) -> None:
        number = self.number_in(element)
        self.draw(f"/{element.role} << /MCID {number} >> BDC")

    def _decorate(self, operators: str) -> None:
        """What belongs to nothing that is being said is decoration."""
        self.draw(operators if self._leaf else f"/Artifact BMC {operators} EMC")


def paint(colour: Colour) -> str:
    """Write a colour's components.

    Args:
        colour: Red, green, blue, each 0 to 1.

    Returns:
        Operands for `rg`.
    """
    return " ".join(f"{part:.3g}" for part in colour)
