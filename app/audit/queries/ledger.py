"""The ledger as pages show it: its entries, the newest first, one with its proof, its head."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import events
from app.audit import ledger, reach
from app.audit.queries.people import Who, who_are
from app.audit.witnessing import cosigned
from app.kernel.actor import Permission
from app.kernel.event import Event
from app.kernel.ledger import LedgerCheckpoint, LedgerEntry, LedgerPending, LedgerPosition
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries somebody looks for; None: all."""

    kind: str | None = None
    subject: str | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A numbered entry of the ledger as pages show it."""

    index: int
    id: str
    at: datetime
    kind: str
    by: Who
    subject: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry, with its exact text and the proof that it is in the log."""

    line: EntryLine
    body: str
    proof: ledger.InclusionRow


@dataclass(frozen=True, slots=True)
class Head:
    """The newest signed head, who cosigned it, and how many entries wait for a number."""

    size: int
    root: bytes
    note: str
    at: datetime
    pending: int
    cosigners: tuple[str, ...] = ()


def kinds() -> Mapping[str, str]:
    """Return every kind of entry with what it says, in a sentence."""
    found = {each.kind: (each.__doc__ or "").split("\n")[0] for each in _events(Event)}
    return dict(sorted(found.items()))


def head(reading: Reading) -> Head | None:
    """Return the newest signed head, or None if nothing was sealed yet.

    Raises:
        NotPermittedError: The actor may not read the ledger.
    """
    reading.actor.require(Permission.LEDGER_READ)
    pending = sa.select(sa.func.count()).select_from(LedgerPending).scalar_subquery()
    row = reading.session.execute(
        sa.select(
            LedgerCheckpoint.size,
            LedgerCheckpoint.root,
            LedgerCheckpoint.note,
            LedgerCheckpoint.at,
            pending,
        )
        .order_by(LedgerCheckpoint.size.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    names = tuple(key.name for key in cosigned(reading, row.size).keys)
    return Head(row.size, row.root, row.note, row.at, row[4], names)


def list_entries(reading: Reading, window: Window, wanted: Wanted) -> Page[EntryLine]:
    """Return numbered entries, the newest first.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        InvalidInputError: The cursor is not one of this list.
    """
    reading.actor.require(Permission.LEDGER_READ)
    statement = (
        _entries()
        .where(reach.entries(reading))
        .order_by(LedgerPosition.idx.desc())
        .limit(window.limit + 1)
    )
    if window.cursor is not None:
        statement = statement.where(LedgerPosition.idx < window.after_id())
    if wanted.kind is not None:
        statement = statement.where(LedgerEntry.kind == wanted.kind)
    if wanted.subject is not None:
        statement = statement.where(LedgerEntry.subject == wanted.subject)
    if wanted.start is not None:
        statement = statement.where(
            LedgerEntry.at >= wanted.start, LedgerPosition.idx >= _sealed_before(wanted.start)
        )
    if wanted.end is not None:
        statement = statement.where(LedgerEntry.at < wanted.end)
    rows = reading.session.execute(statement).all()
    people = who_are(reading, [row.actor for row in rows])
    return page([_line(row, people) for row in rows], window, lambda each: [each.index])


def entry_page(reading: Reading, public_id: str) -> EntryPage:
    """Return one entry, with its exact text and its proof.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        NotFoundError: There is no such entry with a number.
    """
    proof = ledger.prove_inclusion(reading, public_id)
    row = reading.session.execute(
        _entries().add_columns(LedgerEntry.body).where(LedgerEntry.public_id == public_id)
    ).one()
    return EntryPage(_line(row, who_are(reading, [row.actor])), row.body.decode(), proof)


def _entries() -> Any:
    return sa.select(
        LedgerPosition.idx,
        LedgerEntry.public_id,
        LedgerEntry.at,
        LedgerEntry.kind,
        LedgerEntry.actor,
        LedgerEntry.subject,
        LedgerEntry.leaf,
    ).join(LedgerEntry, LedgerEntry.id == LedgerPosition.entry_id)


def _sealed_before(moment: datetime) -> sa.ScalarSelect[int]:
    """Return how many entries were sealed before a moment: they happened before it, too."""
    return (
        sa.select(sa.func.coalesce(sa.func.max(LedgerCheckpoint.size), 0))
        .where(LedgerCheckpoint.at < moment)
        .scalar_subquery()
    )


def _line(row: sa.Row[Any], people: Mapping[str, Who]) -> EntryLine:
    return EntryLine(
        row.idx, row.public_id, row.at, row.kind, people[row.actor], row.subject, row.leaf
    )


def _events(base: type[Event]) -> Iterable[type[Event]]:
    for each in base.__subclasses__():
        if each.__module__ == events.__name__:
            yield each
        yield from _events(each)
