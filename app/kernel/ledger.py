"""The ledger's tables, and the one way into them: entries written pending, with the change.

An entry's exact bytes are stored and hashed once and never made anew. It is inserted in the
transaction of the change it tells of, without a number; `audit/sealing.py`, the one sequencer,
later numbers committed entries and takes them into the Merkle tree. So writers never wait for each
other, and there are no gaps. Rows of `ledger_entry` and `ledger_position` are append-only, by
triggers that the migrations put on both stores.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain, repeat
from typing import Any, NamedTuple, cast

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel import bulk
from app.kernel.db import BigId, Keyed, Model, Named
from evidence.record import SealedRecord


class LedgerEntry(Named, Model):
    """One fact, as the exact bytes that are hashed."""

    __tablename__ = "ledger_entry"
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    body: Mapped[bytes]
    leaf: Mapped[bytes]


class LedgerPending(Model):
    """An entry that has no number yet. Its row goes when the sequencer has numbered it.

    No foreign key: both rows are written by one function in one statement, no entry is ever removed
    (`migrations/versions/0002_guard_the_ledger.py`), and the number that follows has one. It cost
    each command a look-up and a lock, and a read that changed much a tenth of a second.
    """

    __tablename__ = "ledger_pending"
    entry_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class LedgerPosition(Model):
    """The number of an entry: its leaf index in the tree."""

    __tablename__ = "ledger_position"
    idx: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("ledger_entry.id"), unique=True)


class LedgerTile(Model):
    """256 neighbouring hashes of one level of the tree, or fewer on its right edge."""

    __tablename__ = "ledger_tile"
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    idx: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes]


class LedgerHead(Model):
    """One row: how many entries are numbered. Its compare-and-set makes the sequencer the one."""

    __tablename__ = "ledger_head"
    name: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)


class LedgerCheckpoint(Keyed, Model):
    """A signed head of the tree."""

    __tablename__ = "ledger_checkpoint"
    size: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    root: Mapped[bytes]
    note: Mapped[str]
    at: Mapped[datetime]


class LedgerDisclosure(Keyed, Model):
    """The clear value behind one commitment. May be erased; the proofs stand without it."""

    __tablename__ = "ledger_disclosure"
    entry_id: Mapped[int] = mapped_column(sa.ForeignKey("ledger_entry.id"), index=True)
    field: Mapped[str]
    salt: Mapped[bytes]
    value: Mapped[str]


HEAD = "log"
INSERT_ENTRY = sa.insert(LedgerEntry).returning(LedgerEntry.id)
INSERT_PENDING = sa.insert(LedgerPending)
INSERT_DISCLOSURE = sa.insert(LedgerDisclosure)
# An entry with all that belongs to it, in one statement: what a command waits for is the way to the
# store and back. The keys rise in the order of the entries. Few entries are written as plain values
# (arrays cost the driver more than they save), many as one array for each column.
COLUMNS = "(public_id, at, kind, actor, subject, body, leaf)"
ROW = "(%s, %s, %s, %s, %s, %s, %s)"
ARRAYS = """
  SELECT public_id, at, kind, actor, subject, body, leaf
  FROM unnest(%s::text[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::bytea[],
    %s::bytea[]) WITH ORDINALITY AS given (public_id, at, kind, actor, subject, body, leaf, place)
  ORDER BY place"""
TOLD = "(%s, %s, %s::bytea, %s)"
TOLD_ARRAYS = "SELECT * FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::text[])"
FEW = 8
MANY = 1000  # from so many on entries are written past the mapper


class Pending(NamedTuple):
    """An entry about to be written: its sealed bytes and the columns that find it again."""

    public_id: str
    at: datetime
    kind: str
    actor: str
    subject: str
    sealed: SealedRecord


def write(session: Session, entries: Sequence[Pending]) -> None:
    """Insert entries, pending, in their order, in the caller's transaction.

    One statement on PostgreSQL, two or three for each entry on SQLite, where a statement costs no
    way; very many are copied in.

    Args:
        session: The unit of work's session.
        entries: What to write; none is fine.
    """
    if not entries:
        return
    if len(entries) >= MANY:
        _disclose(session, entries, _copied(session, entries))
    elif session.get_bind().dialect.name == "postgresql":
        _write_at_once(session, entries)
    else:
        _disclose(session, entries, _written(session, entries))


def _write_at_once(session: Session, entries: Sequence[Pending]) -> None:
    told = [each for entry in entries for each in entry.sealed.disclosures]
    rows = [
        (
            each.public_id,
            each.at,
            each.kind,
            each.actor,
            each.subject,
            each.sealed.body,
            each.sealed.leaf_hash,
        )
        for each in entries
    ]
    opened = [(each.entry, each.field, each.salt, each.value) for each in told]
    few = len(rows) <= FEW and len(opened) <= FEW
    statement = _statement(len(rows), len(opened)) if few else _statement(0, -bool(opened))
    given = (rows, opened) if few else (_columns(rows), _columns(opened))
    # By the driver: this is in the way of every command.
    session.connection().exec_driver_sql(statement, tuple(chain.from_iterable(chain(*given))))


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[list[Any]]]:
    """Turn rows into columns, each one parameter."""
    return [[list(column)] for column in zip(*rows, strict=True)]


@cache
def _statement(entries: int, told: int) -> str:
    """Return the statement for so many entries and disclosures; for 0 and -1: as arrays."""
    given = f"VALUES {', '.join([ROW] * entries)}" if entries else ARRAYS
    begin = f"WITH entry AS (INSERT INTO ledger_entry {COLUMNS} {given} RETURNING id, public_id)"
    pend = "INSERT INTO ledger_pending (entry_id) SELECT id FROM entry"
    if not told:
        return f"{begin} {pend}"
    opened = f"VALUES {', '.join([TOLD] * told)}" if told > 0 else TOLD_ARRAYS
    return (  # only texts of ours are put together here
        f"{begin}, pending AS ({pend}) "  # noqa: S608
        "INSERT INTO ledger_disclosure (entry_id, field, salt, value) "
        "SELECT entry.id, told.field, told.salt, told.value "
        f"FROM ({opened}) AS told (public_id, field, salt, value) JOIN entry USING (public_id)"
    )


def _disclose(session: Session, entries: Sequence[Pending], keys: Mapping[str, int]) -> None:
    disclosures = [
        {
            "entry_id": keys[entry.public_id],
            "field": each.field,
            "salt": each.salt,
            "value": each.value,
        }
        for entry in entries
        for each in entry.sealed.disclosures
    ]
    if disclosures:
        session.connection().execute(INSERT_DISCLOSURE, disclosures)


def _copied(session: Session, entries: Sequence[Pending]) -> dict[str, int]:
    """Insert very many entries past the mapper; return their keys."""
    table = cast("sa.Table", LedgerEntry.__table__)
    keys = bulk.next_keys(session, table, len(entries))
    public_ids = [each.public_id for each in entries]
    moments = [each.at for each in entries]
    columns: dict[str, Iterable[Any]] = {
        "id": keys,
        "public_id": public_ids,
        # Those of one transaction are of one moment.
        "at": repeat(moments[0]) if moments.count(moments[0]) == len(moments) else moments,
        "kind": [each.kind for each in entries],
        "actor": [each.actor for each in entries],
        "subject": [each.subject for each in entries],
        "body": [each.sealed.body for each in entries],
        "leaf": [each.sealed.leaf_hash for each in entries],
    }
    bulk.insert(session, table, columns)
    pending = cast("sa.Table", LedgerPending.__table__)
    bulk.insert(session, pending, {"entry_id": np.array(keys, np.int64)})
    return dict(zip(public_ids, keys, strict=True))


def _written(session: Session, entries: Sequence[Pending]) -> dict[str, int]:
    """Insert entries one by one; return their keys."""
    connection = session.connection()
    keys = {}
    for entry in entries:
        row = {
            "public_id": entry.public_id,
            "at": entry.at,
            "kind": entry.kind,
            "actor": entry.actor,
            "subject": entry.subject,
            "body": entry.sealed.body,
            "leaf": entry.sealed.leaf_hash,
        }
        keys[entry.public_id] = connection.execute(INSERT_ENTRY, row).scalar_one()
    connection.execute(INSERT_PENDING, [{"entry_id": key} for key in keys.values()])
    return keys
