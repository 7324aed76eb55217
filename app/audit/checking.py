"""`ledger verify`: everything recomputed from the stored bytes, and the first wrong entry named.

Nothing stored beside the bytes is believed: numbers must have no gap, each entry's hash, number and
columns must follow from its bytes, and tiles and every head ever signed from the hashes.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.audit import signing
from app.kernel.actor import Permission
from app.kernel.ledger import (
    HEAD,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerHead,
    LedgerPending,
    LedgerPosition,
    LedgerTile,
)
from app.kernel.uow import Reading
from evidence.checkpoint import Checkpoint, open_checkpoint
from evidence.errors import VerificationError
from evidence.merkle import EMPTY_ROOT, leaf_hash
from evidence.record import parse_record
from evidence.tiles import TileKey, integrate, root

AT_ONCE = 2_000
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """What a check of the whole ledger found.

    Attributes:
        size: Numbered entries.
        pending: Entries that wait for a number.
        checkpoints: Signed heads.
        root: Recomputed root, hex.
        problems: What does not hold, at most 20 sentences, the first wrong entry first.
    """

    size: int
    pending: int
    checkpoints: int
    root: str
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.problems


@dataclass(slots=True)
class _MemoryTiles:
    tiles: dict[TileKey, bytes] = field(default_factory=dict)

    def get(self, keys: Sequence[TileKey]) -> Mapping[TileKey, bytes]:
        return {key: self.tiles[key] for key in keys if key in self.tiles}

    def put(self, tiles: Mapping[TileKey, bytes]) -> None:
        self.tiles.update(tiles)


def verify(reading: Reading) -> LedgerReport:
    """Recompute the ledger and hold everything against it.

    Args:
        reading: One consistent look; entries that come meanwhile are not part of it.

    Returns:
        What holds and what does not.

    Raises:
        NotPermittedError: The actor may not read the ledger.
    """
    reading.actor.require(Permission.LEDGER_READ)
    told: list[str] = []
    made, size = _MemoryTiles(), 0
    for leaves, problems in _entries(reading):
        told += problems
        size = integrate(made, size, leaves)
    told += _head(reading, size)
    told += _tiles(reading, made)
    heads, problems = _checkpoints(reading, made, size)
    told += problems
    pending = reading.session.scalar(sa.select(sa.func.count()).select_from(LedgerPending)) or 0
    computed = root(made, size) if size else EMPTY_ROOT
    return LedgerReport(size, pending, heads, computed.hex(), tuple(told[:MOST_TOLD]))


def _entries(reading: Reading) -> Iterator[tuple[list[bytes], list[str]]]:
    """Read entries in the order of their numbers; give their hashes and what is wrong."""
    expected, last = 0, -1
    while True:
        rows = reading.session.execute(
            sa.select(LedgerPosition.idx, LedgerEntry)
            .join(LedgerEntry, LedgerEntry.id == LedgerPosition.entry_id)
            .where(LedgerPosition.idx > last)
            .order_by(LedgerPosition.idx)
            .limit(AT_ONCE)
        ).all()
        if not rows:
            return
        problems, leaves = [], []
        for idx, entry in rows:
            if idx != expected:
                problems.append(f"Entry {expected} is missing: the next one is {idx}.")
                expected = idx
            problems += [f"Entry {idx} ({entry.public_id}): {each}." for each in _wrong(entry)]
            leaves.append(leaf_hash(entry.body))
            expected += 1
        last = rows[-1].idx
        reading.session.expunge_all()
        yield leaves, problems


def _wrong(entry: LedgerEntry) -> list[str]:
    if leaf_hash(entry.body) != entry.leaf:
        return ["its bytes are not those that were hashed"]
    try:
        record = parse_record(entry.body)
    except VerificationError as error:
        return [str(error)]
    columns = (entry.public_id, entry.kind, entry.actor, entry.subject)
    if columns != (record.id, record.kind, record.actor, record.subject):
        return ["its columns do not say what its bytes say"]
    return []


def _head(reading: Reading, size: int) -> list[str]:
    told = reading.session.scalar(sa.select(LedgerHead.size).where(LedgerHead.name == HEAD)) or 0
    return [] if told == size else [f"The head says {told} entries, but {size} are numbered."]


def _tiles(reading: Reading, made: _MemoryTiles) -> list[str]:
    """Compare stored tiles with those made anew; at the lowest level, a wrong hash is an entry."""
    stored = {
        (row.level, row.idx): row.hashes
        for row in reading.session.execute(
            sa.select(LedgerTile.level, LedgerTile.idx, LedgerTile.hashes)
        )
    }
    problems = []
    for key in sorted(stored.keys() | made.tiles.keys()):
        held, wanted = stored.get(key), made.tiles.get(key)
        if held == wanted:
            continue
        if held is None or wanted is None or key[0]:
            problems.append(f"Tile {key} does not follow from the entries.")
        else:
            problems.append(_first_difference(key[1], held, wanted))
    return problems


def _first_difference(tile: int, held: bytes, wanted: bytes) -> str:
    for at in range(0, max(len(held), len(wanted)), 32):
        if held[at : at + 32] != wanted[at : at + 32]:
            number = tile * 256 + at // 32
            return f"Entry {number} is not the one that was taken into the tree."
    return f"Tile (0, {tile}) does not follow from the entries."


def _checkpoints(reading: Reading, made: _MemoryTiles, size: int) -> tuple[int, list[str]]:
    """Every head must be signed by a key of ours, and follow from the entries it covers."""
    keys, problems, count = signing.verifier_keys(reading), [], 0
    rows = reading.session.execute(
        sa.select(LedgerCheckpoint.size, LedgerCheckpoint.root, LedgerCheckpoint.note).order_by(
            LedgerCheckpoint.size
        )
    ).all()
    for row in rows:
        count += 1
        try:
            head = open_checkpoint(row.note.encode(), keys)
        except VerificationError as error:
            problems.append(f"The head of {row.size} entries: {error}.")
            continue
        if (head.size, head.root) != (row.size, row.root):
            problems.append(f"The head of {row.size} entries is not the one its note signs.")
        elif head.size > size or root(made, head.size) != head.root:
            problems.append(_not_from_entries(head))
    if rows and rows[-1].size < size:
        problems.append(f"Entries from {rows[-1].size} on are numbered, but no head was signed.")
    return count, problems


def _not_from_entries(head: Checkpoint) -> str:
    shown = base64.b64encode(head.root).decode("ascii")
    return f"The entries do not lead to the signed head of {head.size} ({shown})."
