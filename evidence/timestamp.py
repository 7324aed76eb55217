"""The place of a time-stamp by somebody else (RFC 3161). Without one, the time is our own word."""

from typing import Protocol


class TimeStamper(Protocol):
    """An authority that vouches that a digest existed at a time."""

    @property
    def name(self) -> str:
        """Who it is, as told in the report; `none` if nobody."""

    def stamp(self, sha256: bytes) -> bytes | None:
        """Give a DER TimeStampToken over a digest, or None if nobody stamps."""


class NoTimeStamper:
    """Nobody vouches for the time, and the report says so."""

    name = "none"

    def stamp(self, sha256: bytes) -> bytes | None:  # noqa: ARG002 - the port's argument
        """Stamp nothing.

        Args:
            sha256: The digest.

        Returns:
            None.
        """
        return None
