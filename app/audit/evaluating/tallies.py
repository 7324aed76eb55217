"""Counting without keeping: extremes of a number, and where exceptions stand."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

FIRST: Final = 12


@dataclass(slots=True)
class Extremes:
    """The least, most and sum of numbers that went by."""

    count: int = 0
    least: int = 0
    most: int = 0
    total: int = 0

    def add(self, value: int) -> None:
        """See one."""
        self.least = value if self.count == 0 else min(self.least, value)
        self.most = value if self.count == 0 else max(self.most, value)
        self.count += 1
        self.total += value

    @property
    def mean(self) -> int:
        """The mean, rounded down."""
        return self.total // self.count if self.count else 0


@dataclass(slots=True)
class Note:
    """Rows of one kind of exception: how many, and the numbers of the first.

    Attributes:
        file: The data file they stand in.
        count: How many there are.
        rows: The first of them, by their numbers, which are those of the report's registers.
    """

    file: str
    count: int = 0
    rows: list[int] = field(default_factory=list)

    def where(self) -> str:
        """Say where they stand."""
        if not self.count:
            return f"data/{self.file}"
        shown = ", ".join(f"{row:,}" for row in self.rows)
        more = " and more" if self.count > len(self.rows) else ""
        return f"data/{self.file}, row{'s' if self.count > 1 else ''} {shown}{more}"


class Notes(dict[tuple[str, str], Note]):
    """Exceptions by kind and file: a row's number says nothing without its file."""

    def add(self, what: str, file: str, row: int) -> None:
        """Note a row."""
        note = self.setdefault((what, file), Note(file))
        note.count += 1
        if len(note.rows) < FIRST:
            note.rows.append(row)

    def count(self, *kinds: str) -> int:
        """Count the rows of some kinds."""
        return sum(each.count for each in self._of(kinds))

    def where(self, *kinds: str) -> str:
        """Say where the rows of some kinds stand; empty if there are none."""
        return "; ".join(each.where() for each in self._of(kinds))

    def files(self, *kinds: str) -> list[str]:
        """Name the files in which rows of some kinds stand."""
        return [each.file for each in self._of(kinds)]

    def _of(self, kinds: Sequence[str]) -> list[Note]:
        return [note for kind in kinds for (what, _), note in self.items() if what == kind]
