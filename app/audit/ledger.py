"""Reads of the log: its head, its entries, and proofs for them, for whoever may read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import sqlalchemy as sa

from app.audit import reach
from app.audit.tiles import StoredTiles
from app.audit.witnessing import cosigned
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError, NotFoundError
from app.kernel.ledger import LedgerCheckpoint, LedgerEntry, LedgerPosition
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page
from evidence.tiles import consistency, inclusion, root

AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The signed head: its size, root, the note that signs both, and what witnesses put below."""

    size: int
    root: bytes
    note: str
    cosignatures: str


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry with its number; `body` is the exact text that is hashed."""

    index: int
    id: str
    kind: str
    leaf: bytes
    body: str


@dataclass(frozen=True, slots=True)
class InclusionRow:
    """A proof that an entry is in the log of a size."""

    index: int
    size: int
    leaf: bytes
    root: bytes
    hashes: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ConsistencyRow:
    """A proof that the log of size `new` grew out of that of size `old`."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    hashes: Sequence[bytes]


def checkpoint(reading: Reading) -> HeadRow:
    """Return the newest signed head.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        NotFoundError: Nothing was sealed yet.
    """
    reading.actor.require(Permission.LEDGER_READ)
    row = reading.session.execute(
        sa.select(LedgerCheckpoint.size, LedgerCheckpoint.root, LedgerCheckpoint.note)
        .order_by(LedgerCheckpoint.size.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFoundError(phrase("Nothing was sealed yet: it happens every minute."))
    return HeadRow(row.size, row.root, row.note, cosigned(reading, row.size).lines)


def entries(
    reading: Reading, window: Window, *, kind: str | None = None, subject: str | None = None
) -> Page[EntryRow]:
    """Return numbered entries, in the order of their numbers.

    Raises:
        NotPermittedError: The actor may not read the ledger.
    """
    reading.actor.require(Permission.LEDGER_READ)
    statement = (
        sa.select(
            LedgerPosition.idx,
            LedgerEntry.public_id,
            LedgerEntry.kind,
            LedgerEntry.leaf,
            LedgerEntry.body,
        )
        .join(LedgerEntry, LedgerEntry.id == LedgerPosition.entry_id)
        .where(reach.entries(reading))
        .order_by(LedgerPosition.idx)
        .limit(window.limit + 1)
    )
    if window.cursor is not None:
        statement = statement.where(LedgerPosition.idx > window.after_id())
    if kind is not None:
        statement = statement.where(LedgerEntry.kind == kind)
    if subject is not None:
        statement = statement.where(LedgerEntry.subject == subject)
    rows = [
        EntryRow(row.idx, row.public_id, row.kind, row.leaf, row.body.decode())
        for row in reading.session.execute(statement)
    ]
    return page(rows, window, lambda row: [row.index])


def export(reading: Reading, out: BinaryIO) -> HeadRow:
    """Write every entry of the newest signed head, an entry a line, in order.

    Args:
        reading: One consistent look.
        out: Where to.

    Returns:
        The head, for `python -m evidence ledger`.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        NotFoundError: Nothing was sealed yet.
    """
    head = checkpoint(reading)
    reach.require_whole(reading)
    bodies = reading.session.scalars(
        sa.select(LedgerEntry.body)
        .join(LedgerPosition, LedgerPosition.entry_id == LedgerEntry.id)
        .where(LedgerPosition.idx < head.size)
        .order_by(LedgerPosition.idx)
        .execution_options(yield_per=AT_ONCE)
    )
    out.writelines(body + b"\n" for body in bodies)
    return head


def prove_inclusion(reading: Reading, entry: str, size: int | None = None) -> InclusionRow:
    """Prove that an entry is in the log.

    Args:
        reading: The reading.
        entry: The entry's public id.
        size: In the log of this size; None: of the newest signed head.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        NotFoundError: There is no such entry with a number.
        InvalidInputError: The log was smaller then, or is not so large.
    """
    held = checkpoint(reading).size
    row = reading.session.execute(
        sa.select(LedgerPosition.idx, LedgerEntry.leaf)
        .join(LedgerEntry, LedgerEntry.id == LedgerPosition.entry_id)
        .where(LedgerEntry.public_id == entry, reach.entries(reading))
    ).one_or_none()
    if row is None:
        raise NotFoundError(
            phrase("There is no numbered entry with this id; a new one waits a minute.")
        )
    wanted = held if size is None else size
    if not row.idx < wanted <= held:
        raise InvalidInputError(
            {"size": phrase("Give %(number)s to %(held)s.", number=row.idx + 1, held=held)}
        )
    stored = StoredTiles(reading.session)
    return InclusionRow(
        index=row.idx,
        size=wanted,
        leaf=row.leaf,
        root=root(stored, wanted),
        hashes=inclusion(stored, wanted, row.idx),
    )


def prove_consistency(reading: Reading, old: int, new: int | None = None) -> ConsistencyRow:
    """Prove that the log only ever grew.

    Args:
        reading: The reading.
        old: An earlier size.
        new: A later one; None: of the newest signed head.

    Raises:
        NotPermittedError: The actor may not read the ledger.
        NotFoundError: Nothing was sealed yet.
        InvalidInputError: The sizes are not in order, or the log is not so large.
    """
    held = checkpoint(reading).size
    wanted = held if new is None else new
    if wanted > held:
        raise InvalidInputError({"new": phrase("Give at most %(held)s.", held=held)})
    if not 0 < old <= wanted:
        raise InvalidInputError({"old": phrase("Give 1 to %(wanted)s.", wanted=wanted)})
    stored = StoredTiles(reading.session)
    return ConsistencyRow(
        old=old,
        new=wanted,
        old_root=root(stored, old),
        new_root=root(stored, wanted),
        hashes=consistency(stored, old, wanted),
    )
