"""Secrets at rest: AES-256-GCM under a key that is given by file and never stored beside them.

A sealed value names the key that sealed it and what it is for, so that a value copied from one
row to another does not open there. Layout: version byte, 8 bytes of key id, 12 bytes of nonce,
ciphertext with tag.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 8
_NONCE_BYTES = 12
_PRIVATE = 0o600


class SealError(Exception):
    """A sealed value or the seal key cannot be used; the message says what to do."""


class SealKey:
    """One or more keys: the first seals, all of them open."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """Hold keys of 32 bytes each, the newest first."""
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            raise SealError("A seal key is 32 bytes, written as 64 hexadecimal digits a line.")
        self._keys = {hashlib.sha256(key).digest()[:_ID_BYTES]: key for key in keys}
        self._newest = next(iter(self._keys))

    @classmethod
    def from_file(cls, path: Path, *, create: bool) -> "SealKey":
        """Read a key file: one key a line in hexadecimal, the newest first.

        Args:
            path: The file.
            create: Make it with a fresh key if it is not there.

        Raises:
            SealError: The file is missing, readable by others, or holds no key.
        """
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        try:
            lines = path.read_text(encoding="ascii").split()
            keys = tuple(bytes.fromhex(line) for line in lines)
        except FileNotFoundError:
            raise SealError(f"The seal key {path} is missing: run `attestry init`.") from None
        except (OSError, ValueError) as error:
            raise SealError(f"The seal key {path} cannot be read: {error}") from error
        if path.stat().st_mode & 0o077:
            raise SealError(f"The seal key {path} is open to others: chmod 600 it.")
        return cls(keys)

    def seal(self, purpose: str, clear: bytes) -> bytes:
        """Seal bytes for one purpose (`source:ID`, `signing-key:ID`)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        cipher = AESGCM(self._keys[self._newest]).encrypt(nonce, clear, purpose.encode())
        return _VERSION + self._newest + nonce + cipher

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Open what was sealed for the same purpose.

        Raises:
            SealError: The key that sealed it is not among ours, or the value was altered.
        """
        key_id = sealed[1 : 1 + _ID_BYTES]
        start = 1 + _ID_BYTES
        key = self._keys.get(key_id)
        if sealed[:1] != _VERSION or key is None:
            raise SealError("Sealed under another key: give the seal key file it was sealed with.")
        try:
            return AESGCM(key).decrypt(
                sealed[start : start + _NONCE_BYTES],
                sealed[start + _NONCE_BYTES :],
                purpose.encode(),
            )
        except InvalidTag:
            raise SealError("A sealed value was altered or belongs elsewhere.") from None

    def seal_mapping(self, purpose: str, values: Mapping[str, str]) -> bytes:
        """Seal a mapping of names to secrets."""
        return self.seal(purpose, orjson.dumps(dict(values)))

    def open_mapping(self, purpose: str, sealed: bytes | None) -> dict[str, str]:
        """Open a sealed mapping; none is an empty one."""
        if sealed is None:
            return {}
        opened: dict[str, str] = orjson.loads(self.open(purpose, sealed))
        return opened
