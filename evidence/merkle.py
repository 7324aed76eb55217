"""The Merkle tree of RFC 6962: roots, proofs, and the tiles a log keeps it in.

Every question (root, inclusion, consistency, the bundle's one proof) is first turned into the list
of ranges whose hashes answer it. A range is a subtree of the RFC's recursion; on the right edge it
may be incomplete. Whoever holds the leaves hashes them; a log reads the same ranges from tiles.
"""

import base64
import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from evidence.errors import EvidenceError, VerificationError
from evidence.record import read_base64
from evidence.said import said, told_by

HASH_BYTES: Final = 32
_sha256: Final = hashlib.sha256
LARGEST_TREE: Final = 2**53
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
PROOF_HEAD: Final = "attestry-multiproof/1"
RANGE: Final = re.compile(r"(0|[1-9][0-9]{0,15})(?:-([1-9][0-9]{0,15}))?")
NODE: Final = re.compile(r"(0|[1-9][0-9]?) (0|[1-9][0-9]{0,15}) ([A-Za-z0-9+/]{43}=)")

Range = tuple[int, int]


class Multiproof(NamedTuple):
    """One proof for many entries.

    Attributes:
        size: The tree's size.
        indexes: The entries', ascending.
        nodes: The ranges that hold none of them, left to right, with their hashes.
    """

    size: int
    indexes: tuple[int, ...]
    nodes: tuple[tuple[Range, bytes], ...]


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry (RFC 6962, 2.1): SHA-256 of `0x00 | entry`."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees (RFC 6962, 2.1): SHA-256 of `0x01 | left | right`."""
    return hashlib.sha256(b"\1" + left + right).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Compute the root over leaf hashes (RFC 6962, 2.1).

    Args:
        leaves: Leaf hashes, in order.

    Returns:
        32 bytes; of an empty tree, SHA-256 of nothing.
    """
    level = list(leaves)
    while len(level) > 1:
        # A million nodes: a call and two look-ups fewer for each are a third of the time.
        each = iter(level)
        pairs = [
            _sha256(b"\1" + left + right).digest() for left, right in zip(each, each, strict=False)
        ]
        level = pairs + level[len(pairs) * 2 :]
    return level[0] if level else EMPTY_ROOT


def inclusion_ranges(size: int, index: int) -> list[Range]:
    """Tell which ranges prove an entry, leaf to root (RFC 6962, 2.1.1).

    Args:
        size: The tree's size.
        index: The entry's number.

    Returns:
        The ranges.

    Raises:
        EvidenceError: There is no such entry.
    """
    if not 0 <= index < size:
        raise EvidenceError(f"index: {index} is not in a tree of {size}")
    found, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(old: int, size: int) -> list[Range]:
    """Tell which ranges prove that a tree grew out of an earlier one (RFC 6962, 2.1.2).

    Args:
        old: The earlier size.
        size: The present one.

    Returns:
        The ranges; none if the sizes are equal or the earlier tree was empty.

    Raises:
        EvidenceError: The earlier tree is the larger one.
    """
    if not 0 <= old <= size:
        raise EvidenceError(f"old: {old} is not the size of an earlier tree than {size}")
    if old in (0, size):
        return []
    found, start, end = [], 0, size
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    # The earlier tree itself is left out when it is a whole subtree: its root is known.
    return ([(start, end)] if start else []) + found[::-1]


def verify_inclusion(
    root: bytes, size: int, index: int, leaf: bytes, path: Sequence[bytes]
) -> None:
    """Check an inclusion proof (RFC 6962, 2.1.1).

    Args:
        root: The tree's root.
        size: Its size.
        index: The entry's number.
        leaf: Its leaf hash.
        path: The proof.

    Raises:
        VerificationError: It does not lead to the root.
    """
    if not 0 <= index < size <= LARGEST_TREE:
        raise VerificationError(
            said("entry %(index)s is not in a tree of %(size)s", index=index, size=size)
        )
    ranges = inclusion_ranges(size, index)
    if len(ranges) != len(path):
        raise VerificationError(
            said("the proof of entry %(index)s has not the length it must have", index=index)
        )
    for (start, _end), sibling in zip(ranges, path, strict=True):
        leaf = node_hash(leaf, sibling) if start > index else node_hash(sibling, leaf)
    if leaf != root:
        raise VerificationError(
            said("the proof of entry %(index)s does not lead to the root", index=index)
        )


def verify_consistency(
    old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]
) -> None:
    """Check that a tree grew out of an earlier one (RFC 6962, 2.1.2).

    Args:
        old: The earlier size.
        old_root: The earlier root.
        size: The present size.
        root: The present root.
        path: The proof.

    Raises:
        VerificationError: It did not, or the proof does not show it.
    """
    if not 0 <= old <= size <= LARGEST_TREE:
        raise VerificationError(
            said("a tree of %(size)s cannot have grown out of one of %(old)s", size=size, old=old)
        )
    ranges = consistency_ranges(old, size)
    if len(ranges) != len(path):
        raise VerificationError("the consistency proof has not the length it must have")
    if not ranges:
        same = old_root == (root if old == size else EMPTY_ROOT)
        if not same:
            raise VerificationError("two different roots for the same size: the log was rewritten")
        return
    known = list(zip(ranges, path, strict=True))
    first = known.pop(0)[1] if ranges[0][1] == old and ranges[0][0] else old_root
    before = after = first
    for (start, _end), sibling in known:
        if start < old:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
        else:
            after = node_hash(after, sibling)
    if before != old_root or after != root:
        raise VerificationError("the present log did not grow out of the earlier one")


def multiproof_ranges(size: int, indexes: Sequence[int]) -> list[Range]:
    """Tell the largest subtrees that hold none of some entries, left to right.

    Args:
        size: The tree's size.
        indexes: The entries', ascending, none twice.

    Returns:
        The ranges.

    Raises:
        EvidenceError: The indexes are not so, or not in the tree.
    """
    _check_indexes(size, indexes)
    found: list[Range] = []
    waiting = [(0, size, 0, len(indexes))] if size else []
    while waiting:
        start, end, low, high = waiting.pop()
        if low == high:
            found.append((start, end))
        elif high - low < end - start:
            middle = start + _split(end - start)
            cut = bisect_left(indexes, middle, low, high)
            waiting += [(middle, end, cut, high), (start, middle, low, cut)]
    return found


def multiproof_root(proof: Multiproof, leaves: Sequence[bytes]) -> bytes:
    """Compute the root that a multiproof and its entries lead to.

    Args:
        proof: The proof.
        leaves: The entries' leaf hashes, in order.

    Returns:
        32 bytes.

    Raises:
        VerificationError: A hash is missing, unused or stands elsewhere than it must.
    """
    if len(leaves) != len(proof.indexes):
        raise VerificationError(
            said(
                "log/proof is for %(count)s entries, but there are %(count_2)s",
                count=len(proof.indexes),
                count_2=len(leaves),
            )
        )
    try:
        wanted = multiproof_ranges(proof.size, proof.indexes)
    except EvidenceError as error:
        raise VerificationError(
            said("%(path)s: %(what)s", path="log/proof", what=told_by(error))
        ) from error
    if wanted != [place for place, _hash in proof.nodes]:
        raise VerificationError("log/proof: a hash is missing, unused or at a wrong place")
    given = iter([each for _place, each in proof.nodes])
    if not proof.size:
        return EMPTY_ROOT
    return _fold(proof, leaves, given, (0, proof.size), (0, len(leaves)))


def encode_multiproof(proof: Multiproof) -> bytes:
    """Write a multiproof as the text of `log/proof`.

    Args:
        proof: The proof.

    Returns:
        ASCII lines, LF ended.
    """
    lines = [PROOF_HEAD, str(proof.size), ",".join(_range_texts(proof.indexes))]
    for (start, end), value in proof.nodes:
        level = (end - start - 1).bit_length()
        lines.append(f"{level} {start >> level} {base64.b64encode(value).decode('ascii')}")
    return ("\n".join(lines) + "\n").encode("ascii")


def decode_multiproof(text: bytes, most: int) -> Multiproof:
    """Read the text of `log/proof`, strictly.

    Args:
        text: The file.
        most: The number of entries at hand: no more indexes are unfolded than that.

    Returns:
        The proof.

    Raises:
        VerificationError: It is not in its one form.
    """
    lines = text.decode("ascii", "replace").split("\n")
    if len(lines) < 4 or lines[0] != PROOF_HEAD or not RANGE.fullmatch(lines[1]):  # noqa: PLR2004 - three lines and the end
        raise VerificationError("log/proof: its first lines are malformed")
    if "-" in lines[1] or int(lines[1]) > LARGEST_TREE:
        raise VerificationError("log/proof: its tree size is malformed")
    size = int(lines[1])
    nodes = tuple(_read_node(size, line) for line in lines[3:-1])
    proof = Multiproof(size, tuple(_read_indexes(lines[2], most)), nodes)
    if encode_multiproof(proof) != text:
        raise VerificationError("log/proof: it is not in its one form")
    return proof


def _split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)


def _check_indexes(size: int, indexes: Sequence[int]) -> None:
    ascending = all(a < b for a, b in pairwise(indexes))
    if not ascending or (indexes and not 0 <= indexes[0] <= indexes[-1] < size):
        raise EvidenceError(f"indexes: ascending and within a tree of {size} is wanted")


def _fold(
    proof: Multiproof, leaves: Sequence[bytes], given: Iterator[bytes], place: Range, held: Range
) -> bytes:
    (start, end), (low, high) = place, held
    if low == high:
        return next(given)
    if high - low == end - start:
        return tree_root(leaves[low:high])
    middle = start + _split(end - start)
    cut = bisect_left(proof.indexes, middle, low, high)
    left = _fold(proof, leaves, given, (start, middle), (low, cut))
    return node_hash(left, _fold(proof, leaves, given, (middle, end), (cut, high)))


def _range_texts(indexes: Sequence[int]) -> Iterator[str]:
    at = 0
    while at < len(indexes):
        end = at
        while end + 1 < len(indexes) and indexes[end + 1] == indexes[end] + 1:
            end += 1
        yield str(indexes[at]) if end == at else f"{indexes[at]}-{indexes[end]}"
        at = end + 1


def _read_indexes(text: str, most: int) -> list[int]:
    found: list[int] = []
    for part in text.split(",") if text else []:
        match = RANGE.fullmatch(part)
        if match is None:
            raise VerificationError("log/proof: its entries' indexes are malformed")
        first, last = int(match[1]), int(match[2] or match[1])
        if len(found) + last - first + 1 > most:
            raise VerificationError(
                said("log/proof is for more than the %(most)s entries at hand", most=most)
            )
        found += range(first, last + 1)
    return found


def _read_node(size: int, line: str) -> tuple[Range, bytes]:
    match = NODE.fullmatch(line)
    if match is None:
        raise VerificationError("log/proof: a line is not `level index base64`")
    level = int(match[1])
    start = int(match[2]) << level
    return (start, min(start + (1 << level), size)), read_base64(match[3])
