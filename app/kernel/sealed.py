"""Secrets at rest: AES-256-GCM under a key that is given by file and never stored beside them.

A sealed value names the key that sealed it and what it is for, so that a value copied from one
row to another does not open there. Layout: version byte, 8 bytes of key id, 12 bytes of nonce,
ciphertext with tag.

The file may be changed under a running process (`key rotate --purpose seal`): whoever seals looks
first whether it was, and whoever meets a key they do not know reads it again.
"""

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
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

    def __init__(self, keys: Sequence[bytes], path: Path | None = None) -> None:
        """Hold keys of 32 bytes each, the newest first, and the file they came from, if any."""
        self._path = path
        self._seen = _stamp(path)
        self._held = _by_id(keys)

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
        return cls(_read(path), path)

    @property
    def newest_id(self) -> str:
        """The name of the key that seals."""
        return next(iter(self._held)).hex()

    @property
    def older_ids(self) -> list[str]:
        """The names of the keys that only open."""
        return [each.hex() for each in list(self._held)[1:]]

    def is_newest(self, sealed: bytes) -> bool:
        """Say whether a value is sealed under the key that seals."""
        return sealed[1 : 1 + _ID_BYTES].hex() == self.newest_id

    def add_newest(self) -> None:
        """Put a fresh key before the others, in the file and here; the others still open.

        Raises:
            SealError: There is no file, or it cannot be written.
        """
        self._reload()
        self._write([secrets.token_bytes(_KEY_BYTES), *self._held.values()])

    def forget_older(self) -> None:
        """Keep only the key that seals, in the file and here.

        Raises:
            SealError: There is no file, or it cannot be written.
        """
        self._reload()
        self._write(list(self._held.values())[:1])

    def _write(self, keys: Sequence[bytes]) -> None:
        if self._path is None:
            raise SealError("The seal key did not come from a file.")
        try:
            _replace(self._path, "".join(key.hex() + "\n" for key in keys))
        except OSError as error:
            raise SealError(
                f"The seal key {self._path} cannot be written ({error.strerror}). Put a new key of "
                "64 hexadecimal digits before the first line yourself, then rotate again."
            ) from error
        self._seen, self._held = _stamp(self._path), _by_id(keys)

    def _reload(self) -> None:
        """Read the file again if it was changed since."""
        if self._path is None or _stamp(self._path) == self._seen:
            return
        self._seen, self._held = _stamp(self._path), _by_id(_read(self._path))

    def seal(self, purpose: str, clear: bytes) -> bytes:
        """Seal bytes for one purpose (`source:ID`, `signing-key:ID`)."""
        self._reload()
        key_id, key = next(iter(self._held.items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _VERSION + key_id + nonce + AESGCM(key).encrypt(nonce, clear, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Open what was sealed for the same purpose.

        Raises:
            SealError: The key that sealed it is not among ours, or the value was altered.
        """
        key_id = sealed[1 : 1 + _ID_BYTES]
        start = 1 + _ID_BYTES
        if key_id not in self._held:
            self._reload()
        key = self._held.get(key_id)
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


def _by_id(keys: Sequence[bytes]) -> dict[bytes, bytes]:
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise SealError("A seal key is 32 bytes, written as 64 hexadecimal digits a line.")
    return {hashlib.sha256(key).digest()[:_ID_BYTES]: key for key in keys}


def _read(path: Path) -> Sequence[bytes]:
    try:
        keys = [bytes.fromhex(line) for line in path.read_text(encoding="ascii").split()]
    except FileNotFoundError:
        raise SealError(
            f"The seal key {path} is missing. Put back the file that this instance was made with, "
            "or say where it is by ATTESTRY_SEAL_KEY_FILE: no other key opens what it sealed."
        ) from None
    except (OSError, ValueError) as error:
        raise SealError(f"The seal key {path} cannot be read: {error}") from error
    if path.stat().st_mode & 0o077:
        raise SealError(f"The seal key {path} is open to others: chmod 600 it.")
    return keys


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Return what changes when the file does."""
    if path is None or not path.exists():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


def _replace(path: Path, text: str) -> None:
    """Replace a file in one step; after a crash it is the old one or the new one."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
