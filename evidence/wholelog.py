"""A whole log in one file, an entry a line: checked against a signed head without a database.

`attestry ledger export` writes the file. Entries are hashed as they stand, never parsed. Hashing
small things is bound by calls, not by bytes, so the file is cut at whole subtrees, which several
processes hash at once, each small enough for a processor's own memory.
"""

import multiprocessing
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from evidence.checkpoint import Checkpoint, open_checkpoint
from evidence.errors import VerificationError
from evidence.merkle import tree_root
from evidence.said import said
from evidence.verify import read_keys

SUBTREE: Final = 1 << 11
AT_ONCE: Final = 16
SMALL: Final = 1 << 20  # bytes; below, other processes take longer to begin than to hash
LARGEST_NOTE: Final = 1 << 20

Piece = tuple[str, int, int]


def file_root(path: Path, workers: int | None = None) -> tuple[int, bytes]:
    """Compute the root over the lines of a file (RFC 6962, 2.1).

    Args:
        path: Entries, one a line, each ended by LF.
        workers: How many processes; None: one for each core.

    Returns:
        The number of entries, and the root.

    Raises:
        VerificationError: The file cannot be read, or its last line is cut off.
    """
    try:
        count = workers or os.cpu_count() or 1
        if count <= 1 or path.stat().st_size < SMALL:
            found = [_hash_piece(each) for each in _pieces(path)]
        else:
            with multiprocessing.get_context("fork").Pool(count) as pool:
                found = list(pool.imap(_hash_piece, _pieces(path), AT_ONCE))
    except OSError as error:
        raise VerificationError(
            said("%(path)s: cannot be read: %(error)s", path=path, error=error)
        ) from error
    # A subtree of a power of two is whole; the last one may be incomplete and is still one hash.
    return sum(size for size, _root in found), tree_root([root for _size, root in found])


def check_log(path: Path, head: Checkpoint) -> None:
    """Check that a file holds exactly the entries of a log's head.

    Args:
        path: Entries, one a line.
        head: From a checked checkpoint.

    Raises:
        VerificationError: Entries are missing, too many, altered or in another order.
    """
    size, root = file_root(path)
    if size != head.size:
        raise VerificationError(
            said(
                "%(path)s holds %(size)s entries, but the head is of %(size_2)s",
                path=path,
                size=size,
                size_2=head.size,
            )
        )
    if root != head.root:
        raise VerificationError(
            said("%(path)s: the entries do not lead to the head: one was altered", path=path)
        )


def main(argv: Sequence[str]) -> int:
    """Run the command line.

    Args:
        argv: The arguments after `ledger`.

    Returns:
        0 the log holds; 1 it does not; 2 wrong use.
    """
    parser = ArgumentParser(prog="python -m evidence ledger", description="Check a whole log.")
    parser.add_argument("file", type=Path, help="its entries, one a line")
    parser.add_argument("--checkpoint", type=Path, required=True, help="its signed head")
    parser.add_argument("--key", required=True, help="the log's VKEY, or a file of them")
    try:
        options = parser.parse_args(list(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        with options.checkpoint.open("rb") as file:
            note = file.read(LARGEST_NOTE)
        head = open_checkpoint(note, read_keys(options.key))
    except (OSError, VerificationError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        check_log(options.file, head)
    except VerificationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{head.size} entries lead to the signed head of {head.origin}.\n")
    return 0


def _pieces(path: Path) -> Iterator[Piece]:
    """Cut the file at every `SUBTREE` lines."""
    with path.open("rb") as file:
        begin = 0
        while size := sum(map(len, islice(file, SUBTREE))):
            yield str(path), begin, size
            begin += size


def _hash_piece(piece: Piece) -> tuple[int, bytes]:
    name, begin, size = piece
    with Path(name).open("rb") as file:
        file.seek(begin)
        lines = file.read(size).split(b"\n")
    if lines.pop():
        raise VerificationError(said("%(name)s: its last line is cut off", name=name))
    leaves = [sha256(b"\0" + line).digest() for line in lines]
    return len(leaves), tree_root(leaves)
