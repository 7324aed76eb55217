"""The sequencer: numbers committed entries, takes them into the tree, signs the head.

Writers put entries down pending and never wait for each other. Whoever seals advances the head by
compare-and-set, so that of several sealers one wins and the others find nothing to do. Entries,
tiles and signed head are committed together. The last head that was signed is also kept in a file:
a database restored from an old backup cannot be sealed into a second history.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audit import signing
from app.audit.tiles import StoredTiles
from app.kernel import bulk
from app.kernel.errors import ConflictError
from app.kernel.ledger import (
    HEAD,
    LedgerCheckpoint,
    LedgerEntry,
    LedgerHead,
    LedgerPending,
    LedgerPosition,
)
from app.kernel.phrases import phrase
from app.kernel.sealed import SealKey
from app.kernel.uow import Transactions, UnitOfWork
from evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from evidence.errors import VerificationError
from evidence.tiles import integrate, root

BATCH = 5_000
LAST_CHECKPOINT = "last-checkpoint"


class _OutrunError(Exception):
    """Another sealer was first; what it numbered needs no work of ours."""


def seal_pending(tx: Transactions, seal: SealKey, home: Path) -> Checkpoint | None:
    """Number every pending entry and sign the head; safe to call at any time, by anybody.

    What is written meanwhile is left to the next call: where writers never rest, going on until
    nothing is pending would sign a head for every few entries, and never end.

    Args:
        tx: Where the ledger is.
        seal: Opens the signing key.
        home: The folder that keeps the last signed head.

    Returns:
        The head, or None if nothing was ever written.

    Raises:
        ConflictError: The ledger holds less than was signed, or something else: a restored backup.
    """
    head = None
    while True:
        # Read before the ledger is: others may sign more meanwhile, and that is no harm.
        signed = _last_signed(home)
        try:
            with tx.write() as uow:
                sealed = _seal_batch(uow, seal, signed)
        except _OutrunError:
            continue
        if sealed is None:
            return head or _latest(tx)
        head = sealed.head
        _keep_last(home, head, sealed.note)
        if sealed.entries < BATCH:
            return head


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The head after a batch, signed, and how many entries the batch had."""

    head: Checkpoint
    note: bytes
    entries: int


def _seal_batch(uow: UnitOfWork, seal: SealKey, signed: bytes | None) -> _Sealed | None:
    session = uow.session
    size = session.scalar(sa.select(LedgerHead.size).where(LedgerHead.name == HEAD)) or 0
    if signed is not None:
        _refuse_second_history(uow, size, signed)
    found = session.execute(
        sa.select(LedgerPending.entry_id, LedgerEntry.leaf)
        .join(LedgerEntry, LedgerEntry.id == LedgerPending.entry_id)
        .order_by(LedgerPending.entry_id)
        .limit(BATCH)
    ).all()
    if not found:
        return None
    _advance(session, size, size + len(found))
    _number(session, size, [entry_id for entry_id, _leaf in found])
    tiles = StoredTiles(session)
    grown = integrate(tiles, size, [leaf for _entry_id, leaf in found])
    signer = signing.log_signer(uow, seal)
    head = Checkpoint(signer.name, grown, root(tiles, grown))
    note = sign_checkpoint(head, signer)
    session.add(LedgerCheckpoint(size=grown, root=head.root, note=note.decode(), at=uow.now))
    return _Sealed(head, note, len(found))


def _advance(session: Session, seen: int, size: int) -> None:
    moved = session.execute(
        sa.update(LedgerHead)
        .where(LedgerHead.name == HEAD, LedgerHead.size == seen)
        .values(size=size)
        .returning(LedgerHead.size)
        .execution_options(synchronize_session=False)
    ).all()
    if not moved:
        raise _OutrunError


def _number(session: Session, first: int, entry_ids: list[int]) -> None:
    numbers = np.arange(first, first + len(entry_ids))
    table = cast("sa.Table", LedgerPosition.__table__)
    bulk.insert(session, table, {"idx": numbers, "entry_id": np.array(entry_ids, np.int64)})
    session.execute(
        sa.delete(LedgerPending)
        .where(bulk.among(session, LedgerPending.entry_id, entry_ids))
        .execution_options(synchronize_session=False)
    )


def _refuse_second_history(uow: UnitOfWork, size: int, signed: bytes) -> None:
    try:
        last = open_checkpoint(signed, signing.verifier_keys(uow))
    except VerificationError as error:
        raise ConflictError(
            phrase(
                "The file %(LAST_CHECKPOINT)s in the home folder is not a head that this "
                "instance signed (%(error)s): is this the database that belongs to this home?",
                LAST_CHECKPOINT=LAST_CHECKPOINT,
                error=error,
            )
        ) from error
    if last.size > size:
        raise ConflictError(
            phrase(
                "A head of %(size)s entries was signed, but the ledger holds %(held)s: this "
                "is an older database. Restore a backup made after that head.",
                size=last.size,
                held=size,
            )
        )
    if root(StoredTiles(uow.session), last.size) != last.root:
        raise ConflictError(
            phrase(
                "The ledger does not lead to the head of %(size)s entries that was signed: it "
                "was altered. Run `attestry ledger verify`.",
                size=last.size,
            )
        )


def _last_signed(home: Path) -> bytes | None:
    try:
        return (home / LAST_CHECKPOINT).read_bytes()
    except FileNotFoundError:
        return None


def _keep_last(home: Path, head: Checkpoint, note: bytes) -> None:
    """Replace the file in one step, unless another sealer's later head stands there."""
    kept = _last_signed(home)
    if kept is not None and int(kept.split(b"\n", 2)[1]) > head.size:
        return
    handle, name = tempfile.mkstemp(prefix=f".{LAST_CHECKPOINT}-", dir=home)
    with os.fdopen(handle, "wb") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(home / LAST_CHECKPOINT)
    folder = os.open(home, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _latest(tx: Transactions) -> Checkpoint | None:
    with tx.read() as reading:
        row = reading.session.execute(
            sa.select(LedgerCheckpoint.size, LedgerCheckpoint.root)
            .order_by(LedgerCheckpoint.size.desc())
            .limit(1)
        ).one_or_none()
        if row is None:
            return None
        return Checkpoint(signing.verifier_keys(reading)[0].name, row.size, row.root)
