"""The only source of identifiers and of other randomness that gets stored.

Integer keys stay inside the database; whatever a URL, an export or the ledger names carries a
UUID version 7 (RFC 9562 section 5.7), whose order is the order of making.
"""

import secrets
from typing import NewType, Protocol

from app.kernel.clock import Clock

PublicId = NewType("PublicId", str)
RANDOM_BYTES = 10
# The two bits 10 of the variant, and two random ones (RFC 9562 section 4.1).
VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


class Ids(Protocol):
    """Makes identifiers, salts and secrets."""

    def new(self) -> PublicId:
        """Return a fresh public identifier."""
        ...

    def many(self, count: int) -> list[PublicId]:
        """Return so many fresh public identifiers of one moment, in rising order."""
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
        return _formed(self._begin(), secrets.token_bytes(RANDOM_BYTES).hex())

    def many(self, count: int) -> list[PublicId]:
        """Return so many UUIDv7 of one moment, rising; the randomness of all is drawn at once.

        Rising, each finds its place in an index beside the one before it.
        """
        drawn = secrets.token_bytes(RANDOM_BYTES * count).hex()
        begin, width = self._begin(), 2 * RANDOM_BYTES
        return sorted(_formed(begin, drawn[at : at + width]) for at in range(0, len(drawn), width))

    def _begin(self) -> str:
        """Return the milliseconds, and the version."""
        milliseconds = int(self._clock.now().timestamp() * 1000) & ((1 << 48) - 1)
        begin = f"{milliseconds:012x}"
        return f"{begin[:8]}-{begin[8:]}-7"

    def salt(self) -> bytes:
        """Return 16 random bytes."""
        return secrets.token_bytes(16)

    def secret(self) -> str:
        """Return 256 random bits, URL-safe."""
        return secrets.token_urlsafe(32)


def _formed(begin: str, drawn: str) -> PublicId:
    """Put the randomness, in hexadecimal, behind the time."""
    return PublicId(f"{begin}{drawn[1:4]}-{VARIANT[drawn[4]]}{drawn[5:8]}-{drawn[8:20]}")
