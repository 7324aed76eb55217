"""The place of time-stamps (RFC 3161): who says when, other than the signer.

No authority is asked yet. A bundle then says plainly that its time is the signer's own word.
"""

from typing import Protocol


class TimeStamper(Protocol):
    """Asks an authority to bind a digest to a time."""

    def stamp(self, sha256: bytes) -> bytes | None:
        """Return the token over a digest, DER, or None if nobody is asked.

        Args:
            sha256: 32 bytes.
        """
        ...


class NoTimeStamper:
    """Asks nobody."""

    def stamp(self, sha256: bytes) -> bytes | None:  # noqa: ARG002 - the port's shape
        """Return None: the time is the signer's own word."""
        return None
