"""The Merkle tree of RFC 6962 section 2.1: roots, inclusion, consistency, and one proof for many.

Hashes are SHA-256; a leaf is hashed with a leading 0x00, a node with a leading 0x01. The tree over
[a, b) splits at the largest power of two smaller than its size.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from evidence.errors import VerificationError

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()
PROOF_HEADER = "attestry-multiproof/1"

SubtreeHash = Callable[[int, int], bytes]
Wanted = Sequence[tuple[int, int]]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf.

    Args:
        entry: The exact bytes of the entry.
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return the largest power of two smaller than `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def level_of(begin: int, end: int) -> int:
    """Return ceil(log2(end - begin)), the level of the subtree over [begin, end)."""
    return (end - begin - 1).bit_length()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes, in one pass and with a stack of log2(n) hashes."""
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        level, current = 0, leaf
        while stack and stack[-1][0] == level:
            current = node_hash(stack.pop()[1], current)
            level += 1
        stack.append((level, current))
    if not stack:
        return EMPTY_ROOT
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


# --- proofs, from any source of subtree hashes -------------------------------------------------


def inclusion_proof(index: int, size: int, subtree: SubtreeHash) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962 section 2.1.1), from the leaf upwards.

    Args:
        index: Of the leaf, below `size`.
        size: Of the tree.
        subtree: Hash of the tree over leaves [a, b).
    """
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + split(end - begin)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(begin, middle))
            begin = middle
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check an audit path.

    Raises:
        VerificationError: It does not lead from the leaf to the root.
    """
    if not 0 <= index < size:
        raise VerificationError("the leaf lies outside the tree")
    sides: list[bool] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + split(end - begin)
        sides.append(index >= middle)
        begin, end = (middle, end) if index >= middle else (begin, middle)
    if len(sides) != len(path):
        raise VerificationError("the inclusion proof has another length than the tree asks for")
    current = leaf
    for is_right, sibling in zip(reversed(sides), path, strict=True):
        current = node_hash(sibling, current) if is_right else node_hash(current, sibling)
    if current != root:
        raise VerificationError("the inclusion proof does not lead to the root")


def consistency_proof(old: int, size: int, subtree: SubtreeHash) -> list[bytes]:
    """Return the proof that a tree extends an earlier one (RFC 6962 section 2.1.2).

    Args:
        old: Size of the earlier tree, 0 to `size`.
        size: Of the tree.
        subtree: Hash of the tree over leaves [a, b).
    """
    if old in (0, size):
        return []
    return _consistency(old, 0, size, subtree, is_known=True)


def _consistency(
    old: int, begin: int, end: int, subtree: SubtreeHash, *, is_known: bool
) -> list[bytes]:
    if old == end - begin:
        return [] if is_known else [subtree(begin, end)]
    middle = begin + split(end - begin)
    if old <= middle - begin:
        inner = _consistency(old, begin, middle, subtree, is_known=is_known)
        return [*inner, subtree(middle, end)]
    inner = _consistency(old - (middle - begin), middle, end, subtree, is_known=False)
    return [*inner, subtree(begin, middle)]


def verify_consistency(
    old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `size` extends the tree of `old`.

    Raises:
        VerificationError: It does not, or the proof is not the one the sizes ask for.
    """
    if not 0 <= old <= size:
        raise VerificationError("the earlier tree is larger than this one")
    if old in (0, size):
        if proof:
            raise VerificationError("the consistency proof holds more than it needs")
        if old_root != (root if old else EMPTY_ROOT):
            raise VerificationError("equal sizes with different roots: the log was rewritten")
        return
    rest = list(proof)

    def both(left_old: int, begin: int, end: int, *, is_known: bool) -> tuple[bytes, bytes]:
        if left_old == end - begin:
            found = old_root if is_known else _take(rest)
            return found, found
        middle = begin + split(end - begin)
        if left_old <= middle - begin:
            was, now = both(left_old, begin, middle, is_known=is_known)
            return was, node_hash(now, _take(rest))
        was, now = both(left_old - (middle - begin), middle, end, is_known=False)
        left = _take(rest)
        return node_hash(left, was), node_hash(left, now)

    was, now = both(old, 0, size, is_known=True)
    if rest:
        raise VerificationError("the consistency proof holds more than it needs")
    if was != old_root or now != root:
        raise VerificationError("this log is not an extension of the earlier one")


def _take(rest: list[bytes]) -> bytes:
    if not rest:
        raise VerificationError("the consistency proof is too short")
    return rest.pop(0)


# --- one proof for many entries -----------------------------------------------------------------


def _largest_without(indexes: Sequence[int], size: int) -> list[tuple[int, int]]:
    """Return the largest subtrees [a, b) that hold none of the sorted indexes, left to right."""
    from bisect import bisect_left

    found: list[tuple[int, int]] = []
    stack = [(0, size)] if size else []
    while stack:
        begin, end = stack.pop()
        place = bisect_left(indexes, begin)
        if place == len(indexes) or indexes[place] >= end:
            found.append((begin, end))
        elif end - begin > 1:
            middle = begin + split(end - begin)
            stack += [(middle, end), (begin, middle)]
    return found


def ranges_text(indexes: Sequence[int]) -> str:
    """Return ascending indexes as merged ranges: `0-99,120`."""
    parts: list[str] = []
    place = 0
    while place < len(indexes):
        last = place
        while last + 1 < len(indexes) and indexes[last + 1] == indexes[last] + 1:
            last += 1
        first, final = indexes[place], indexes[last]
        parts.append(str(first) if first == final else f"{first}-{final}")
        place = last + 1
    return ",".join(parts)


def multiproof_text(indexes: Sequence[int], size: int, subtree: SubtreeHash) -> str:
    """Return the one proof file for all entries at `indexes`.

    Args:
        indexes: Ascending, each once, below `size`.
        size: Of the tree.
        subtree: Hash of the tree over leaves [a, b).
    """
    lines = [PROOF_HEADER, str(size), ranges_text(indexes)]
    for begin, end in _largest_without(indexes, size):
        level = level_of(begin, end)
        value = base64.b64encode(subtree(begin, end)).decode()
        lines.append(f"{level} {begin >> level} {value}")
    return "\n".join(lines) + "\n"


def parse_multiproof(text: str) -> tuple[int, list[tuple[int, int]], dict[tuple[int, int], bytes]]:
    """Read a proof file strictly.

    Returns:
        The tree's size, the ranges [a, b) of the entries, and the hashes by (level, index) in the
        order of the file.

    Raises:
        VerificationError: It is not byte for byte what the format asks for.
    """
    if not text.endswith("\n") or "\r" in text:
        raise VerificationError("log/proof: LF ends each line")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or lines[0] != PROOF_HEADER:  # noqa: PLR2004 - header, size, ranges
        raise VerificationError(f"log/proof: the first line is {PROOF_HEADER}")
    size = _number(lines[1])
    ranges = _ranges(lines[2], size)
    hashes: dict[tuple[int, int], bytes] = {}
    for line in lines[3:]:
        parts = line.split(" ")
        if len(parts) != 3:  # noqa: PLR2004 - level, index, hash
            raise VerificationError("log/proof: a hash line is `level index base64`")
        key = (_number(parts[0]), _number(parts[1]))
        if key in hashes:
            raise VerificationError(f"log/proof: {key[0]} {key[1]} stands twice")
        hashes[key] = _hash(parts[2])
    return size, ranges, hashes


def _ranges(text: str, size: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    after = -1
    for part in text.split(",") if text else []:
        first, dash, last = part.partition("-")
        begin = _number(first)
        end = _number(last) + 1 if dash else begin + 1
        if begin <= after or (dash and end <= begin + 1) or end > size:
            raise VerificationError("log/proof: ranges are ascending, merged and inside the tree")
        found.append((begin, end))
        after = end
    return found


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or (text != "0" and text[0] == "0"):
        raise VerificationError(f"log/proof: {text[:20]!r} is no number")
    if len(text) > 18:  # noqa: PLR2004 - more leaves than anybody has
        raise VerificationError("log/proof: a number beyond any tree")
    return int(text)


def _hash(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != HASH_BYTES or base64.b64encode(value).decode() != text:
        raise VerificationError("log/proof: a hash is 32 bytes of base64")
    return value


def verify_multiproof(text: str, leaves: Sequence[bytes], size: int, root: bytes) -> list[int]:
    """Check one proof for many entries.

    Args:
        text: The proof file.
        leaves: Leaf hashes of the entries, in ledger order.
        size: The size the checkpoint names.
        root: The root the checkpoint names.

    Returns:
        The entries' indexes.

    Raises:
        VerificationError: The proof is malformed, misses a hash, holds one that is not needed, or
            does not lead to the root.
    """
    stated, ranges, hashes = parse_multiproof(text)
    if stated != size:
        raise VerificationError("log/proof: another tree size than the checkpoint's")
    indexes = [index for begin, end in ranges for index in range(begin, end)]
    if len(indexes) != len(leaves):
        raise VerificationError(
            f"log/proof: proves {len(indexes)} entries, data/ledger.jsonl holds {len(leaves)}"
        )
    needed = _largest_without(indexes, size)
    keys = [(level_of(a, b), a >> level_of(a, b)) for a, b in needed]
    if keys != list(hashes):
        raise VerificationError("log/proof: not exactly the hashes that are needed, left to right")
    made = _rebuild(size, dict(zip(indexes, leaves, strict=True)), hashes, set(needed))
    if made != root:
        raise VerificationError("the entries and log/proof do not lead to the checkpoint's root")
    return indexes


def _rebuild(
    size: int,
    leaves: Mapping[int, bytes],
    hashes: Mapping[tuple[int, int], bytes],
    given: set[tuple[int, int]],
) -> bytes:
    if size == 0:
        return EMPTY_ROOT

    def subtree(begin: int, end: int) -> bytes:
        if (begin, end) in given:
            level = level_of(begin, end)
            return hashes[level, begin >> level]
        if end - begin == 1:
            return leaves[begin]
        middle = begin + split(end - begin)
        return node_hash(subtree(begin, middle), subtree(middle, end))

    return subtree(0, size)


# --- tiles: 256 neighbouring hashes of every eighth level (c2sp.org/tlog-tiles) -----------------


class TileStore(Protocol):
    """Where tiles are kept: (level, index) to the concatenated hashes it holds so far."""

    def get(self, level: int, index: int) -> bytes:
        """Return a tile's hashes, 32 bytes each; empty if there is none."""
        ...

    def put(self, level: int, index: int, hashes: bytes) -> None:
        """Keep a tile, replacing a shorter one."""
        ...


def integrate(store: TileStore, size: int, leaves: Sequence[bytes]) -> int:
    """Take further leaf hashes into the tiles.

    Args:
        store: The tiles of a tree of `size`.
        size: How many leaves there are.
        leaves: Hashes of the leaves that follow.

    Returns:
        The new size.
    """
    level, begin, fresh = 0, size, list(leaves)
    while fresh:
        complete: list[bytes] = []
        first = begin // TILE_WIDTH
        kept = store.get(level, first) if begin % TILE_WIDTH else b""
        filled = kept[: (begin % TILE_WIDTH) * HASH_BYTES] + b"".join(fresh)
        width = TILE_WIDTH * HASH_BYTES
        for place in range(0, len(filled), width):
            tile = filled[place : place + width]
            store.put(level, first + place // width, tile)
            if len(tile) == width:
                complete.append(_tile_root(tile))
        level, begin, fresh = level + 1, first, complete
    return size + len(leaves)


def _tile_root(tile: bytes) -> bytes:
    row = [tile[place : place + HASH_BYTES] for place in range(0, len(tile), HASH_BYTES)]
    while len(row) > 1:
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]


def subtree_hashes(store: TileStore) -> SubtreeHash:
    """Return a function that reads the hash over leaves [a, b) from tiles, remembering them."""
    tiles: dict[tuple[int, int], bytes] = {}

    def tile(level: int, index: int) -> bytes:
        if (level, index) not in tiles:
            tiles[level, index] = store.get(level, index)
        return tiles[level, index]

    def complete(height: int, index: int) -> bytes:
        level, above = divmod(height, TILE_HEIGHT)
        if above == 0:
            place = index % TILE_WIDTH
            found = tile(level, index // TILE_WIDTH)
            value = found[place * HASH_BYTES : (place + 1) * HASH_BYTES]
            if len(value) != HASH_BYTES:
                raise VerificationError(f"the tiles do not hold {height} {index}")
            return value
        return node_hash(complete(height - 1, 2 * index), complete(height - 1, 2 * index + 1))

    def subtree(begin: int, end: int) -> bytes:
        if end <= begin:
            return EMPTY_ROOT
        size = end - begin
        if size & (size - 1) == 0 and begin % size == 0:
            height = size.bit_length() - 1
            return complete(height, begin // size)
        middle = begin + split(size)
        return node_hash(subtree(begin, middle), subtree(middle, end))

    return subtree
