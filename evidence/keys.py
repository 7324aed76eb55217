"""Signing keys of the log: Ed25519, named and published as C2SP verifier keys.

A verifier key is one line, `NAME+ID+BASE64`, where the base64 is 0x01 and the 32 bytes of the
public key, and the id is the first four bytes of SHA-256 over `NAME ‖ LF ‖ 0x01 ‖ key`
(c2sp.org/signed-note). The private half stays behind `Signer`, so that a hardware key fits there.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence.errors import EvidenceError, VerificationError

ED25519 = b"\x01"
KEY_BYTES = 32
ID_BYTES = 4
_NAME = re.compile(r"[\x21-\x2a\x2c-\x7e]+", re.ASCII)


class Signer(Protocol):
    """Signs for the log; the private key stays wherever it is."""

    @property
    def name(self) -> str:
        """The key's name: the origin of the log."""
        ...

    @property
    def verifier(self) -> "VerifierKey":
        """The public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message."""
        ...


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of a signing key.

    Attributes:
        name: Its name.
        public: 32 bytes.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Refuse a name or key that no note could carry.

        Raises:
            EvidenceError: The name holds blanks or `+`, or the key has another length.
        """
        if not _NAME.fullmatch(self.name):
            raise EvidenceError("A key's name is printable ASCII without blanks and `+`.")
        if len(self.public) != KEY_BYTES:
            raise EvidenceError(f"An Ed25519 public key is {KEY_BYTES} bytes.")

    @property
    def key_id(self) -> bytes:
        """Four bytes that find the key's signature in a note; they prove nothing."""
        material = self.name.encode() + b"\n" + ED25519 + self.public
        return hashlib.sha256(material).digest()[:ID_BYTES]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key line, for people to compare by eye or telephone."""
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        return ":".join(digest[place : place + 4] for place in range(0, len(digest), 4))

    @property
    def text(self) -> str:
        """The key as one line."""
        encoded = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Say whether a signature over a message is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def parse_verifier_key(text: str) -> VerifierKey:
    """Read a verifier key.

    Args:
        text: `NAME+ID+BASE64`, with or without a line end.

    Raises:
        VerificationError: It is not one; the sentence says what is wrong.
    """
    parts = text.strip().split("+", 2)
    if len(parts) != 3:  # noqa: PLR2004 - name, id, key
        raise VerificationError("A verifier key is one line NAME+ID+BASE64.")
    name, key_id, encoded = parts
    try:
        material = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise VerificationError("The key part of a verifier key is base64.") from None
    if material[:1] != ED25519:
        raise VerificationError("This verifier key is not Ed25519.")
    try:
        key = VerifierKey(name, material[1:])
    except EvidenceError as error:
        raise VerificationError(str(error)) from None
    if key.text != text.strip() or key.key_id.hex() != key_id:
        raise VerificationError("The verifier key's parts do not belong together: copy it again.")
    return key


class MemorySigner:
    """A signer whose key is in memory: from a sealed store, or for a test."""

    def __init__(self, name: str, private: bytes) -> None:
        """Hold a private key of 32 bytes under a name."""
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self._verifier = VerifierKey(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> "MemorySigner":
        """Make a fresh key."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def name(self) -> str:
        """The key's name."""
        return self._verifier.name

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return self._verifier

    def private_bytes(self) -> bytes:
        """Return the private key, to be sealed at once."""
        return self._key.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message."""
        return self._key.sign(message)
