"""Where a log keeps its tree: tiles of 256 hashes (c2sp.org/tlog-tiles), as pure functions.

A log that grew to millions of entries appends, and proves any entry, by reading a handful of
tiles, all in one read. Only hashes of whole subtrees are stored, so no tile is ever wrong later.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from evidence.errors import EvidenceError
from evidence.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Multiproof,
    Range,
    consistency_ranges,
    inclusion_ranges,
    multiproof_ranges,
    node_hash,
    tree_root,
)

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 256
TileKey = tuple[int, int]


class TileStore(Protocol):
    """Where a log keeps its tiles: 256 neighbouring hashes of one level, or fewer at the edge.

    A tile's key is (level, index); level 0 holds leaf hashes, level 1 the roots of full level-0
    tiles, and so on (c2sp.org/tlog-tiles). Its value is 1 to 256 hashes of 32 bytes, joined.
    """

    def get(self, keys: Sequence[TileKey]) -> Mapping[TileKey, bytes]:
        """Give those of these tiles that exist, all in one read."""

    def put(self, tiles: Mapping[TileKey, bytes]) -> None:
        """Write tiles, over what stood there."""


def integrate(store: TileStore, size: int, leaves: Iterable[bytes]) -> int:
    """Take leaf hashes into a log's tiles.

    Args:
        store: The tiles.
        size: The tree's size before.
        leaves: Leaf hashes, in order.

    Returns:
        The size after.
    """
    adding = list(leaves)
    new_size = size + len(adding)
    level, tiles = 0, dict[TileKey, bytes]()
    while adding:
        held = size >> (TILE_HEIGHT * level)
        first, over = divmod(held, TILE_WIDTH)
        before = _read_tiles(store, [(level, first)])[level, first] if over else b""
        row = before[: over * HASH_BYTES] + b"".join(adding)
        width = TILE_WIDTH * HASH_BYTES
        parts = [row[at : at + width] for at in range(0, len(row), width)]
        tiles |= {(level, first + at): part for at, part in enumerate(parts)}
        adding = [tree_root(_hashes(part)) for part in parts if len(part) == width]
        level += 1
    store.put(tiles)
    return new_size


def root(store: TileStore, size: int) -> bytes:
    """Give the root of a log at a size it has or had."""
    return range_hashes(store, [(0, size)])[0] if size else EMPTY_ROOT


def inclusion(store: TileStore, size: int, index: int) -> tuple[bytes, ...]:
    """Give the inclusion proof of an entry in the tree of a size (RFC 6962, 2.1.1)."""
    return tuple(range_hashes(store, inclusion_ranges(size, index)))


def consistency(store: TileStore, old: int, new: int) -> tuple[bytes, ...]:
    """Give the proof that the tree of size `new` grew out of that of `old` (RFC 6962, 2.1.2)."""
    return tuple(range_hashes(store, consistency_ranges(old, new)))


def multiproof(store: TileStore, size: int, indexes: Sequence[int]) -> Multiproof:
    """Give one proof for many entries, ascending, in the tree of a size."""
    ranges = multiproof_ranges(size, indexes)
    hashes = range_hashes(store, ranges)
    return Multiproof(size, tuple(indexes), tuple(zip(ranges, hashes, strict=True)))


def range_hashes(store: TileStore, ranges: Sequence[Range]) -> list[bytes]:
    """Read the hashes of ranges from tiles, all tiles in one read.

    Args:
        store: The tiles.
        ranges: Subtrees of the RFC 6962 recursion.

    Returns:
        Their hashes, in the same order.

    Raises:
        EvidenceError: A tile is missing or too short: the log is damaged.
    """
    parts = [list(_complete(*each)) for each in ranges]
    keys = sorted({_tile_of(*node) for nodes in parts for node in nodes})
    tiles = _read_tiles(store, keys)
    found = []
    for nodes in parts:
        hashes = [_node(tiles, *node) for node in nodes]
        value = hashes.pop()
        while hashes:
            value = node_hash(hashes.pop(), value)
        found.append(value)
    return found


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a range into whole subtrees, as (level, index), left to right."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _tile_of(level: int, index: int) -> TileKey:
    up, rest = divmod(level, TILE_HEIGHT)
    return up, (index << rest) // TILE_WIDTH


def _node(tiles: Mapping[TileKey, bytes], level: int, index: int) -> bytes:
    key, rest = _tile_of(level, index), level % TILE_HEIGHT
    first = (index << rest) % TILE_WIDTH * HASH_BYTES
    part = tiles[key][first : first + (HASH_BYTES << rest)]
    if len(part) != HASH_BYTES << rest:
        raise EvidenceError(f"tile {key}: too short; the log is damaged, restore a backup")
    return tree_root(_hashes(part))


def _read_tiles(store: TileStore, keys: Sequence[TileKey]) -> Mapping[TileKey, bytes]:
    tiles = store.get(keys)
    missing = [key for key in keys if key not in tiles]
    if missing:
        raise EvidenceError(f"tile {missing[0]}: missing; the log is damaged, restore a backup")
    return tiles


def _hashes(joined: bytes) -> list[bytes]:
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
