"""Signed notes and signed tree heads (c2sp.org/signed-note, tlog-checkpoint, tlog-proof).

A note is text, an empty line and signature lines. It is byte-canonical or refused, and every
signature line must be a known key's: nothing unsigned rides along.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evidence.errors import EvidenceError, VerificationError
from evidence.keys import (
    COSIGNATURE,
    TIME_BYTES,
    Signer,
    VerifierKey,
    cosigned,
    verifier_key,
)
from evidence.record import read_base64
from evidence.said import said

LARGEST_NOTE: Final = 1 << 20
HASH_BYTES: Final = 32
LARGEST_TREE: Final = 2**53
LINE: Final = re.compile(r"\u2014 ([!-*,-~]{1,200}) ([A-Za-z0-9+/=]{1,400})\n")
NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}")
PROOF_HEAD: Final = "c2sp.org/tlog-proof@v1\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head.

    Attributes:
        origin: Which log.
        size: Its number of entries.
        root: The RFC 6962 root, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


def sign_note(text: str, signer: Signer) -> bytes:
    """Sign a text (c2sp.org/signed-note).

    Args:
        text: Lines, each ended by LF; no other control characters.
        signer: Who signs.

    Returns:
        The note.

    Raises:
        EvidenceError: The text cannot be a note's.
    """
    if not _is_text(text):
        raise EvidenceError("text: a note is lines of text, each ended by LF, without controls")
    key = verifier_key(signer)
    signature = base64.b64encode(key.key_id + signer.sign(text.encode("utf-8"))).decode("ascii")
    return f"{text}\n\u2014 {key.name} {signature}\n".encode()


def open_note(note: bytes, keys: Sequence[VerifierKey]) -> str:
    """Check a note and give its text.

    Args:
        note: Its bytes.
        keys: The keys that count.

    Returns:
        The signed text.

    Raises:
        VerificationError: Not a note, or a signature that is not one of these keys'.
    """
    text, _found = _opened(note, keys)
    return text


def cosigners(note: bytes, keys: Sequence[VerifierKey]) -> list[tuple[VerifierKey, int]]:
    """Tell which witnesses cosigned a checkpoint, and when by their own word.

    Args:
        note: The signed checkpoint.
        keys: The keys that count, of the log and of witnesses.

    Returns:
        Each witness's key, and seconds since 1970.

    Raises:
        VerificationError: As `open_note`.
    """
    _text, found = _opened(note, keys)
    return [
        (key, int.from_bytes(blob[4:12], "big")) for key, blob in found if key.kind == COSIGNATURE
    ]


def _opened(
    note: bytes, keys: Sequence[VerifierKey]
) -> tuple[str, list[tuple[VerifierKey, bytes]]]:
    text, lines = _split(note)
    found = dict[VerifierKey, bytes]()
    for name, blob in lines:
        key = next((k for k in keys if k.name == name and k.key_id == blob[:4]), None)
        if key is None:
            raise VerificationError(
                said(
                    "signed by %(name)s (key id %(digest)s), which is not a key that counts here",
                    name=name,
                    digest=blob[:4].hex(),
                )
            )
        if key in found or not key.verify(text.encode("utf-8"), blob[4:]):
            raise VerificationError(said("the signature of %(name)s does not hold", name=name))
        found[key] = blob
    if all(key.kind == COSIGNATURE for key in found):
        raise VerificationError("cosigned by witnesses, but no key of the log signed it")
    return text, list(found.items())


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint (c2sp.org/tlog-checkpoint), without extension lines.

    Args:
        text: What `open_note` gave.

    Returns:
        The tree head.

    Raises:
        VerificationError: It is not in the one form of a checkpoint.
    """
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0] or not NUMBER.fullmatch(lines[1]):  # noqa: PLR2004 - the last is empty
        raise VerificationError("not a checkpoint: origin, size and root are wanted, a line each")
    found = Checkpoint(lines[0], int(lines[1]), read_base64(lines[2]))
    if found.text != text or len(found.root) != HASH_BYTES or found.size > LARGEST_TREE:
        raise VerificationError("not a checkpoint: its size or root is malformed")
    return found


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """Sign a tree head.

    Args:
        checkpoint: The head; its origin is the signer's name.
        signer: Who signs.

    Returns:
        The note.

    Raises:
        EvidenceError: Origin and name differ.
    """
    if checkpoint.origin != signer.name:
        raise EvidenceError(f"origin: {checkpoint.origin!r} is not the key's name {signer.name!r}")
    return sign_note(checkpoint.text, signer)


def cosign(checkpoint: Checkpoint, signer: Signer, at: int) -> str:
    """Cosign a tree head as a witness (c2sp.org/tlog-cosignature).

    Args:
        checkpoint: The head, which was found to have grown out of the one cosigned before.
        signer: The witness's key.
        at: Seconds since 1970.

    Returns:
        The signature line, LF ended, to be put below the log's.
    """
    key = VerifierKey(signer.name, signer.public_key, COSIGNATURE)
    signature = signer.sign(cosigned(checkpoint.text.encode("utf-8"), at))
    blob = base64.b64encode(key.key_id + at.to_bytes(TIME_BYTES, "big") + signature).decode("ascii")
    return f"\u2014 {key.name} {blob}\n"


def open_checkpoint(
    note: bytes, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey] = ()
) -> Checkpoint:
    """Check a signed tree head.

    Args:
        note: Its bytes.
        keys: The keys that count.
        witnesses: Whose cosignatures may stand below, and must hold.

    Returns:
        The head.

    Raises:
        VerificationError: The note, its signature or its text does not hold.
    """
    checkpoint = parse_checkpoint(open_note(note, [*keys, *witnesses]))
    if all(key.name != checkpoint.origin for key in keys):
        raise VerificationError(
            said(
                "no key that counts here signs for the log %(origin)s",
                origin=f"{checkpoint.origin!r}",
            )
        )
    return checkpoint


def write_tlog_proof(index: int, path: Sequence[bytes], note: bytes) -> bytes:
    """Write a proof for one entry (c2sp.org/tlog-proof@v1).

    Args:
        index: The entry's number.
        path: Its inclusion proof.
        note: The signed checkpoint it leads to.

    Returns:
        The file.
    """
    hashes = "".join(base64.b64encode(each).decode("ascii") + "\n" for each in path)
    return f"{PROOF_HEAD}index {index}\n{hashes}\n".encode("ascii") + note


def parse_tlog_proof(content: bytes) -> tuple[int, tuple[bytes, ...], bytes]:
    """Read such a proof, strictly.

    Args:
        content: The file.

    Returns:
        Index, inclusion proof, the signed checkpoint.

    Raises:
        VerificationError: It is not in its one form.
    """
    head, _, note = content.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    if len(lines) < 2 or not re.fullmatch(r"index (0|[1-9][0-9]{0,15})", lines[1]):  # noqa: PLR2004 - head and index
        raise VerificationError("not a tlog-proof: its index is malformed")
    index, path = int(lines[1][6:]), tuple(read_base64(line) for line in lines[2:])
    if write_tlog_proof(index, path, note) != content or any(len(h) != HASH_BYTES for h in path):
        raise VerificationError("not a tlog-proof in its one form")
    return index, path, note


def _is_text(text: str) -> bool:
    legal = all(each == "\n" or each >= " " for each in text) and "\x7f" not in text
    return legal and text.endswith("\n") and "\n\n\u2014" not in text


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > LARGEST_NOTE:
        raise VerificationError("the note is too large to be one")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise VerificationError("the note is not UTF-8") from error
    text, mark, tail = whole.rpartition("\n\n\u2014 ")
    lines = LINE.findall("\u2014 " + tail)
    if not mark or "".join(f"\u2014 {n} {b}\n" for n, b in lines) != "\u2014 " + tail:
        raise VerificationError("not a signed note: text, an empty line, signature lines")
    if not _is_text(text + "\n"):
        raise VerificationError("the note's text holds characters that no note holds")
    return text + "\n", [(name, read_base64(blob)) for name, blob in lines]
