"""The only source of identifiers and of other randomness that gets stored.

Integer keys stay inside the database; whatever a URL, an export or the ledger names carries a
UUID version 7 (RFC 9562 section 5.7), whose order is the order of making.
"""

import secrets
from typing import NewType, Protocol
from uuid import UUID

from app.kernel.clock import Clock

PublicId = NewType("PublicId", str)


class Ids(Protocol):
    """Makes identifiers, salts and secrets."""

    def new(self) -> PublicId:
        """Return a fresh public identifier."""
        ...

    def salt(self) -> bytes:
        """Return 16 random bytes for one commitment."""
        ...

    def secret(self) -> str:
        """Return a fresh token of 256 bits, URL-safe."""
        ...


class RandomIds:
    """UUIDv7 from a clock and the operating system's randomness."""

    def __init__(self, clock: Clock) -> None:
        """Take the time part from `clock`."""
        self._clock = clock

    def new(self) -> PublicId:
        """Return a UUIDv7: 48 bits of milliseconds, 74 of randomness."""
        milliseconds = int(self._clock.now().timestamp() * 1000) & ((1 << 48) - 1)
        value = (milliseconds << 80) | secrets.randbits(80)
        value = (value & ~(0xF << 76)) | (0x7 << 76)
        value = (value & ~(0x3 << 62)) | (0x2 << 62)
        return PublicId(str(UUID(int=value)))

    def salt(self) -> bytes:
        """Return 16 random bytes."""
        return secrets.token_bytes(16)

    def secret(self) -> str:
        """Return 256 random bits, URL-safe."""
        return secrets.token_urlsafe(32)
