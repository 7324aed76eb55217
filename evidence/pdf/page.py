"""A page being drawn: where the pen is, and the few marks a report is made of.

Pages are kept as operators until all are known, because every page says how many there are.
"""

from dataclasses import dataclass, field
from typing import Final

from evidence.pdf.document import Tone
from evidence.pdf.lettering import Lettering, lines

Colour = tuple[float, float, float]

A4: Final = (595.28, 841.89)
MARGIN: Final = 48.0
TOP: Final = 64.0  # below the running head
BOTTOM: Final = 54.0  # above the running foot

INK: Final[Colour] = (0.11, 0.14, 0.19)
MUTED: Final[Colour] = (0.40, 0.44, 0.50)
HAIRLINE: Final[Colour] = (0.82, 0.84, 0.87)
ACCENT: Final[Colour] = (0.09, 0.25, 0.42)
BAND: Final[Colour] = (0.955, 0.963, 0.973)
TONES: Final[dict[Tone, Colour]] = {
    Tone.PLAIN: INK,
    Tone.GOOD: (0.08, 0.42, 0.28),
    Tone.BAD: (0.68, 0.13, 0.10),
}
LEADING: Final = 1.42


@dataclass(slots=True)
class Page:
    """One page.

    Attributes:
        width: In points.
        height: In points.
        operators: What is drawn on it so far.
        bookmarks: Titles for the outline, each with its level, that begin here.
    """

    width: float
    height: float
    operators: list[str] = field(default_factory=list)
    bookmarks: list[tuple[str, int]] = field(default_factory=list)


class Pages:
    """All pages, and the place on the last one where the next thing goes.

    Args:
        lettering: The document's.
    """

    def __init__(self, lettering: Lettering) -> None:
        self.lettering = lettering
        self.all: list[Page] = []
        self.y = 0.0
        self.turn()

    @property
    def page(self) -> Page:
        """The last page."""
        return self.all[-1]

    @property
    def room(self) -> float:
        """Points left between the pen and the foot."""
        return self.y - BOTTOM

    @property
    def width(self) -> float:
        """Points between the margins."""
        return self.page.width - 2 * MARGIN

    def turn(self, *, is_wide: bool = False) -> None:
        """Begin a page."""
        width, height = (A4[1], A4[0]) if is_wide else A4
        self.all.append(Page(width, height))
        self.y = height - TOP

    def need(self, points: float) -> None:
        """Begin a page of the same kind if there is not so much room."""
        if self.room < points:
            self.turn(is_wide=self.page.width > self.page.height)

    def mark(self, title: str, level: int) -> None:
        """Put a title into the outline."""
        self.page.bookmarks.append((title, level))

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
        self.page.operators.append(f"BT {paint(colour)} rg 1 0 0 1 {x:.2f} {y:.2f} Tm {shown} ET")

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.page.operators.append(
            f"{paint(colour)} rg {x:.2f} {y:.2f} {width:.2f} {height:.2f} re f"
        )

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
        for line in lines(self.lettering, text, size, self.width - indent):
            self.need(step)
            self.y -= step
            self.write(MARGIN + indent, self.y, line, size, colour=colour)
        self.y -= after


def paint(colour: Colour) -> str:
    """Write a colour's components.

    Args:
        colour: Red, green, blue, each 0 to 1.

    Returns:
        Operands for `rg`.
    """
    return " ".join(f"{part:.3g}" for part in colour)
