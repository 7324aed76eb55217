"""What proves a bundle: one proof for all its entries, single ones for a few, the cosigned head."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.audit import witnessing
from app.audit.tiles import StoredTiles
from app.kernel.uow import Reading
from evidence import tiles
from evidence.checkpoint import Checkpoint, sign_checkpoint, write_tlog_proof
from evidence.keys import Signer, VerifierKey
from evidence.merkle import encode_multiproof

MOST_SAMPLES = 5


@dataclass(slots=True)
class Proofs:
    """The proofs of one bundle.

    Attributes:
        note: The signed head, with what witnesses put below it.
        witnesses: Whose cosignatures these are.
        samples: Name to single proof; there once `prove` was asked.
    """

    bundle_id: str
    stored: StoredTiles
    size: int
    note: bytes
    witnesses: tuple[VerifierKey, ...]
    samples: dict[str, bytes] = field(default_factory=dict)

    def prove(self, indexes: Sequence[int]) -> bytes:
        """Return the proof of all entries told of, and draw those that get one of their own."""
        for index in drawn(self.bundle_id, indexes):
            path = tiles.inclusion(self.stored, self.size, index)
            self.samples[f"entry-{index}"] = write_tlog_proof(index, path, self.note)
        return encode_multiproof(tiles.multiproof(self.stored, self.size, indexes))


def proofs_of(reading: Reading, bundle_id: str, head: Checkpoint, signer: Signer) -> Proofs:
    """Begin the proofs of a bundle that is held against a head."""
    cosigned = witnessing.cosigned(reading, head.size)
    note = sign_checkpoint(head, signer) + cosigned.lines.encode("utf-8")
    return Proofs(bundle_id, StoredTiles(reading.session), head.size, note, cosigned.keys)


def drawn(bundle_id: str, indexes: Sequence[int]) -> Sequence[int]:
    """Return the entries that get a proof of their own: the same ones, whoever draws.

    Those with the lowest SHA-256 of the bundle's id, a blank and the number.
    """
    by_lot = sorted(
        indexes, key=lambda index: hashlib.sha256(f"{bundle_id} {index}".encode()).digest()
    )
    return sorted(by_lot[:MOST_SAMPLES])
