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
        section: Key of the section that tells more; the finding leads there.
    """

    title: str
    count: int
    detail: str = ""
    section: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the report comes to, in one line.

    Attributes:
        text: The line.
        detail: What it rests on, and what it does not say.
        tone: Whether it is good or bad news.
    """

    text: str
    detail: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart, or one part of a whole.

    Attributes:
        label: What it counts.
        value: How many.
        note: A few words beside the number.
    """

    label: str
    value: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Numbers as lengths. Every bar carries its number, so nothing depends on colour.

    Attributes:
        title: What is shown.
        bars: Its bars, each drawn from zero.
        is_whole: They are the parts of one whole, drawn as one bar.
    """

    title: str
    bars: tuple[Bar, ...]
    is_whole: bool = False

    def __post_init__(self) -> None:
        """Refuse what has no length."""
        if any(bar.value < 0 for bar in self.bars):
            raise EvidenceError(f"bars: the chart {self.title!r} has a number below zero")


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
        title: What is listed; empty if the section's own title says it.
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
class Table:
    """A small table whose texts wrap; for what was counted, not for records.

    Attributes:
        title: What it tells.
        columns: Its columns.
        rows: One text a column.
        note: What to know before reading it.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a table that cannot be drawn."""
        if not self.columns or any(column.width <= 0 for column in self.columns):
            raise EvidenceError(
                f"columns: the table {self.title!r} needs columns, each with a width above zero"
            )
        if any(len(row) != len(self.columns) for row in self.rows):
            raise EvidenceError(f"rows: a row of the table {self.title!r} has not its columns")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report.

    Attributes:
        title: Its heading.
        paragraphs: What to know before reading the figures and records.
        figures: Key figures.
        facts: Facts in a list.
        charts: Numbers as lengths.
        tables: Small tables.
        registers: Records.
        key: What findings lead here by.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[KeyFigure, ...] = ()
    facts: tuple[Fact, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    registers: tuple[Register, ...] = ()
    key: str = ""


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
        verdict: What it comes to.
        signature: Who signs, and with which certificate; beside the room for a hand's signature.
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
    verdict: Verdict | None = None
    signature: tuple[Fact, ...] = ()
    language: str = "en"

    def __post_init__(self) -> None:
        """Refuse a time without a zone: the document says it is UTC."""
        if self.created_at.utcoffset() is None:
            raise EvidenceError("created_at: give a time with its zone")
