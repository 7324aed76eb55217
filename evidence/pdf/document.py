"""What a report says, apart from how it looks.

The app fills these in from its tables; `render` turns them into pages. Every text may be any
Unicode: names come from directories as they are. Nothing here is escaped, cut or translated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from evidence.errors import EvidenceError


class Tone(StrEnum):
    """How a figure or finding is meant; never said by colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


class Align(StrEnum):
    """Where the text of a column stands."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a list of facts.

    Attributes:
        label: What it is, a few words.
        value: The fact; wraps if it is long.
    """

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One number worth a large type.

    Attributes:
        label: What is counted.
        value: The number as shown, with its unit.
        note: A few words below it, such as what it is a part of.
        tone: Whether it is good or bad news.
    """

    label: str
    value: str
    note: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that went wrong (an audit's exception), told on the first page.

    Attributes:
        title: What went wrong, such as "Removals that failed".
        count: How often.
        detail: What it means and where the records are.
    """

    title: str
    count: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a register.

    Attributes:
        title: Its head.
        width: Its share of the page's width, in any unit common to the register's columns.
        align: Where its text stands.
    """

    title: str
    width: float
    align: Align = Align.LEFT


@dataclass(frozen=True, slots=True)
class Register:
    """A table of records, one line each; a text too long for its column ends in an ellipsis.

    Attributes:
        title: What is listed.
        columns: The columns; the renderer puts the row's number before them.
        rows: One text a column, as many rows as `total` says. Read once.
        total: How many rows there are.
        source: The bundle's file with the full values, such as `data/population.csv`. Row n here
            is record n there.
        empty: What to say if there are none, after "No records: ".
    """

    title: str
    columns: tuple[Column, ...]
    rows: Iterable[Sequence[str]] = field(repr=False)
    total: int
    source: str
    empty: str

    def __post_init__(self) -> None:
        """Refuse a table that cannot be drawn."""
        if not self.columns or any(column.width <= 0 for column in self.columns):
            raise EvidenceError(
                f"columns: the register {self.title!r} needs columns, each with a width above zero"
            )
        if self.total < 0:
            raise EvidenceError(f"total: the register {self.title!r} cannot have {self.total} rows")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    Attributes:
        title: Its heading.
        paragraphs: What to know before reading the figures and records.
        figures: Key figures.
        facts: Facts in a list.
        registers: Records.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[KeyFigure, ...] = ()
    facts: tuple[Fact, ...] = ()
    registers: tuple[Register, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. The first page shows everything but the sections.

    Attributes:
        title: What the report is, such as "Access review".
        subtitle: Which one: the campaign's name, or the period.
        bundle_id: The bundle's id, on every page.
        created_at: The bundle's time, aware; the document's own dates are this one.
        organization: Whose access it is about.
        facts: Kind, scope, period, controls, population, ledger head, signer's fingerprint.
        findings: What went wrong, the gravest first; told before anything else.
        no_findings: What to say if nothing did.
        figures: The key figures of the whole.
        verification: How to check the bundle; one paragraph a step.
        sections: The rest.
        language: The language of the texts (BCP 47).
    """

    title: str
    subtitle: str
    bundle_id: str
    created_at: datetime
    organization: str
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]
    no_findings: str
    figures: tuple[KeyFigure, ...]
    verification: tuple[str, ...]
    sections: tuple[Section, ...]
    language: str = "en"

    def __post_init__(self) -> None:
        """Refuse a time without a zone: the document says it is UTC."""
        if self.created_at.utcoffset() is None:
            raise EvidenceError("created_at: give a time with its zone")
