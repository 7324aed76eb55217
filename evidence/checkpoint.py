"""Signed notes and signed tree heads (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

A note is its text, an empty line, and one line for each signature. Here a note is byte-canonical or
refused: one signature, no blanks that could be otherwise, so that no byte of it can be flipped.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from evidence.errors import EvidenceError, VerificationError
from evidence.keys import ID_BYTES, Signer, VerifierKey

DASH = "\u2014"
SIGNATURE_BYTES = 64
HASH_BYTES = 32
LONGEST = 1 << 20


def sign_note(text: str, signer: Signer) -> str:
    """Return a text as a signed note.

    Args:
        text: Ends with a line end and holds no empty line.
        signer: Whose signature.

    Raises:
        EvidenceError: The text cannot be a note's.
    """
    if not text.endswith("\n") or "\n\n" in text or text.startswith("\n") or "\r" in text:
        raise EvidenceError("A note's text ends with a line end and holds no empty line.")
    key = signer.verifier
    encoded = base64.b64encode(key.key_id + signer.sign(text.encode())).decode()
    return f"{text}\n{DASH} {key.name} {encoded}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note, taken apart.

    Attributes:
        text: What is signed.
        name: The name of the key that signs it.
        key_id: Its four bytes.
        signature: 64 bytes.
    """

    text: str
    name: str
    key_id: bytes
    signature: bytes


def parse_note(note: str) -> Note:
    """Take a note apart, strictly.

    Raises:
        VerificationError: It is not byte for byte a note with one signature.
    """
    text, gap, last = note.rpartition("\n\n")
    parts = last.split(" ")
    if len(note) > LONGEST or not gap or len(parts) != 3:  # noqa: PLR2004 - dash, name, signature
        raise VerificationError("not a signed note: text, empty line, signature")
    try:
        material = base64.b64decode(parts[2].removesuffix("\n"), validate=True)
    except (binascii.Error, ValueError):
        raise VerificationError("a note's signature is base64") from None
    if len(material) != ID_BYTES + SIGNATURE_BYTES:
        raise VerificationError("a note's signature has 64 bytes after the key id")
    found = Note(text + "\n", parts[1], material[:ID_BYTES], material[ID_BYTES:])
    encoded = base64.b64encode(material).decode()
    if f"{found.text}\n{DASH} {found.name} {encoded}\n" != note or "\n\n" in found.text:
        raise VerificationError("the note is not in its canonical form")
    return found


def open_note(note: str, keys: Sequence[VerifierKey]) -> str:
    """Return the text of a note that one of the keys has signed.

    Args:
        note: The whole note.
        keys: Keys that count.

    Raises:
        VerificationError: No such key signed it, or the signature does not hold.
    """
    found = parse_note(note)
    for key in keys:
        if key.name == found.name and key.key_id == found.key_id:
            if key.verify(found.text.encode(), found.signature):
                return found.text
            raise VerificationError(f"the signature of {found.name} does not hold")
    raise VerificationError(f"signed by {found.name}, not by the given key")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head.

    Attributes:
        origin: The log's name.
        size: How many entries.
        root: 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return a tree head as a signed note."""
    return sign_note(checkpoint.text, signer)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a tree head, strictly.

    Raises:
        VerificationError: It is not byte for byte one.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:  # noqa: PLR2004 - origin, size, root, end
        raise VerificationError("a checkpoint is three lines: origin, size, root")
    try:
        root = base64.b64decode(lines[2], validate=True)
        size = int(lines[1]) if lines[1].isascii() and lines[1].isdigit() else -1
    except (binascii.Error, ValueError):
        raise VerificationError("a checkpoint's root is base64") from None
    found = Checkpoint(lines[0], size, root)
    if size < 0 or len(root) != HASH_BYTES or found.text != text:
        raise VerificationError("the checkpoint is not in its canonical form")
    return found


def open_checkpoint(note: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """Return the tree head that one of the keys has signed.

    Raises:
        VerificationError: The note or the head does not hold, or the origin is not the key's name.
    """
    found = parse_checkpoint(open_note(note, keys))
    if found.origin not in {key.name for key in keys}:
        raise VerificationError(f"the checkpoint is of another log: {found.origin}")
    return found


def consistency_text(old_note: str, old_size: int, proof: Sequence[bytes]) -> str:
    """Return the file that ties an earlier checkpoint to a later tree.

    Args:
        old_note: The earlier checkpoint, whole.
        old_size: Its size.
        proof: RFC 6962 consistency proof.
    """
    hashes = "".join(base64.b64encode(each).decode() + "\n" for each in proof)
    return f"old {old_size}\n{hashes}\n{old_note}"


def parse_consistency(text: str) -> tuple[int, list[bytes], str]:
    """Read the file that ties an earlier checkpoint to this tree.

    Returns:
        The earlier size, the proof, and the earlier checkpoint.

    Raises:
        VerificationError: It is not byte for byte what the format asks for.
    """
    head, gap, note = text.partition("\n\n")
    first, *rest = head.split("\n")
    word, _, number = first.partition(" ")
    if not gap or word != "old" or not number.isdigit():
        raise VerificationError("log/consistency: the first line is `old SIZE`")
    try:
        proof = [base64.b64decode(line, validate=True) for line in rest]
    except (binascii.Error, ValueError):
        raise VerificationError("log/consistency: a hash is base64") from None
    size = int(number) if len(number) < 19 else 0  # noqa: PLR2004 - more than any log has
    if consistency_text(note, size, proof) != text or any(
        len(each) != HASH_BYTES for each in proof
    ):
        raise VerificationError("log/consistency: not in its canonical form")
    return size, proof, note
