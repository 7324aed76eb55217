"""Keys of the log: who signs checkpoints and manifests, and the verifier keys that tell.

The format is C2SP's (c2sp.org/signed-note): `name+id+base64(0x01 | public key)`, one line. The key
may live anywhere that can sign: `Signer` is all that is asked of it.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence.errors import EvidenceError, VerificationError
from evidence.record import read_base64
from evidence.said import said

ED25519: Final = b"\x01"
COSIGNATURE: Final = b"\x04"  # of a witness, with its time (c2sp.org/tlog-cosignature)
TIME_BYTES: Final = 8
KEY_BYTES: Final = 32
NAME: Final = re.compile(r"[!-*,-~]{1,200}")


class Signer(Protocol):
    """Something that holds an Ed25519 key and signs with it.

    Attributes:
        name: The key's name; for a log, its origin.
        public_key: 32 bytes.
    """

    @property
    def name(self) -> str: ...

    @property
    def public_key(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes:
        """Give the 64 bytes of an Ed25519 signature (RFC 8032)."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and its name.

    Attributes:
        name: Printable ASCII without blank or plus.
        public_key: 32 bytes, Ed25519.
        kind: What its signatures are over: the text itself, or a witness's time and the text.
    """

    name: str
    public_key: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell signature lines apart (c2sp.org/signed-note)."""
        text = self.name.encode("ascii") + b"\n" + self.kind + self.public_key
        return hashlib.sha256(text).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as its one line of text."""
        encoded = base64.b64encode(self.kind + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of that line, hex, in groups of four to read over the telephone."""
        digest = hashlib.sha256(self.vkey.encode("ascii")).hexdigest()
        return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature is this key's over a message."""
        if self.kind == COSIGNATURE:
            at, signature = signature[:TIME_BYTES], signature[TIME_BYTES:]
            message = cosigned(message, int.from_bytes(at, "big"))
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class MemorySigner:
    """A key held in memory, as the file and the sealed store hand it over.

    Args:
        name: The key's name.
        private_key: The 32 bytes of an Ed25519 private key (RFC 8032).

    Raises:
        EvidenceError: The name or the length cannot be.
    """

    def __init__(self, name: str, private_key: bytes) -> None:
        if not NAME.fullmatch(name):
            raise EvidenceError(f"name: {name!r} must be printable ASCII without blank and plus")
        if len(private_key) != KEY_BYTES:
            raise EvidenceError(f"private key: {KEY_BYTES} bytes are needed")
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Sign a message.

        Args:
            message: Any bytes.

        Returns:
            64 bytes (RFC 8032).
        """
        return self._key.sign(message)


def verifier_key(signer: Signer) -> VerifierKey:
    """Tell the public side of a signer.

    Args:
        signer: Any signer.

    Returns:
        Its verifier key.
    """
    return VerifierKey(signer.name, signer.public_key)


def cosigned(text: bytes, at: int) -> bytes:
    """Tell what a witness signs (c2sp.org/tlog-cosignature).

    Args:
        text: The text of the checkpoint.
        at: Seconds since 1970.

    Returns:
        The bytes under its signature.
    """
    return b"cosignature/v1\ntime %d\n" % at + text


def parse_vkey(text: str, kind: bytes = ED25519) -> VerifierKey:
    """Read a verifier key (c2sp.org/signed-note), strictly.

    Args:
        text: One line, without its LF.
        kind: Whose key is wanted: a log's, or with `COSIGNATURE` a witness's.

    Returns:
        The key.

    Raises:
        VerificationError: It is no such line, its id is not its key's, or it is not Ed25519.
    """
    name, _, rest = text.partition("+")
    encoded = rest.partition("+")[2]
    raw = read_base64(encoded)
    if not NAME.fullmatch(name) or raw[:1] != kind or len(raw) != 1 + KEY_BYTES:
        whose = "an Ed25519 key" if kind == ED25519 else "a witness's Ed25519 key"
        raise VerificationError(
            said("not a verifier key: name+id+base64 of %(whose)s is wanted", whose=whose)
        )
    key = VerifierKey(name, raw[1:], kind)
    if key.vkey != text:
        raise VerificationError("not a verifier key: its id is not that of its name and key")
    return key
