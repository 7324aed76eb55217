"""What the pages mean, for readers that cannot see them: headings, paragraphs, tables, in order.

Each stretch of a page's operators carries a number; each number leads to an element of one tree
(ISO 32000-2, 14.7). An element is written as soon as it is closed, so the tree of a long report
does not stand in memory. Long registers are told page by page, not cell by cell: their data file is
the accessible form, and the report says so.
"""

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from evidence.pdf.writer import Writer, references, text_string


@dataclass(slots=True)
class Element:
    """A node: a group of others, or a leaf with content on one or more pages."""

    number: int
    role: str
    parent: int
    alternative: str = ""
    children: "array[int]" = field(default_factory=lambda: array("l"))
    content: list[tuple[int, int]] = field(default_factory=list)  # page, number on it


class Tree:
    """The structure of one document.

    Args:
        writer: Where its elements go.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.root = writer.reserve()
        self._open = [Element(writer.reserve(), "Document", self.root)]
        self._document = self._open[0]
        self._pages: list[tuple[int, int]] = []

    @contextmanager
    def group(self, role: str) -> Iterator[Element]:
        """Open an element that holds others; close it at the end of the block."""
        element = self.begin(role)
        self._open.append(element)
        yield element
        self._open.pop()
        self.end(element)

    def begin(self, role: str, alternative: str = "") -> Element:
        """Open an element within the one that is open."""
        parent = self._open[-1]
        element = Element(self._writer.reserve(), role, parent.number, alternative)
        parent.children.append(element.number)
        return element

    @contextmanager
    def inside(self, element: Element) -> Iterator[None]:
        """Let what is opened in the block belong to an element; it stays open."""
        self._open.append(element)
        yield
        self._open.pop()

    def end(self, element: Element) -> None:
        """Write an element; nothing can be added to it any more."""
        marks = b" ".join(
            b"<< /Type /MCR /Pg %d 0 R /MCID %d >>" % each for each in element.content
        )
        kids = b" ".join(part for part in (references(element.children), marks) if part)
        alternative = b" /Alt " + text_string(element.alternative) if element.alternative else b""
        self._writer.put(
            element.number,
            b"<< /Type /StructElem /S /%s /P %d 0 R /K [%s]%s >>"
            % (element.role.encode(), element.parent, kids, alternative),
        )

    def page_done(self, key: int, owners: "array[int]") -> None:
        """Say which element each numbered stretch of a page belongs to."""
        self._pages.append((key, self._writer.add(b"[%s]" % references(owners))))

    def finish(self) -> int:
        """Write the root and return its number."""
        self.end(self._document)
        numbers = b" ".join(b"%d %d 0 R" % each for each in sorted(self._pages))
        parents = self._writer.add(b"<< /Nums [%s] >>" % numbers)
        self._writer.put(
            self.root,
            b"<< /Type /StructTreeRoot /K [%d 0 R] /ParentTree %d 0 R /ParentTreeNextKey %d >>"
            % (self._document.number, parents, len(self._pages)),
        )
        return self.root
