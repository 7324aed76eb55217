"""The time-stamping authority (RFC 3161) that stamps a bundle's signatures, if there is one.

Whether it answers is found out before a bundle is written, so that the report can say who stamped
it, or that nobody did and why. What becomes of a bundle if it does not is a setting.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from app.kernel.errors import ConflictError
from app.kernel.phrases import phrase
from evidence.cades import Stamper
from evidence.errors import EvidenceError
from evidence.longterm import BASIC, LASTING, STAMPED
from evidence.pdf.seal import ToLast
from evidence.revocation import read_lists
from evidence.stamps import ask

PATIENCE_SECONDS = 10
LARGEST_ANSWER = 1 << 16
LARGEST_LISTS = 1 << 22
REFUSE, GO_ON = "refuse", "go_on"
QUERY = {"Content-Type": "application/timestamp-query"}

Send = Callable[[str, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Stamping:
    """What is known of the authority for one bundle.

    Attributes:
        told: Who stamps, or `none` and why: what the report says.
        stamp: Digest in, token out; None: nobody stamps.
        anchor: The authority's certificates, PEM, for the bundle.
        lists: File with revocation lists, PEM, or None.
    """

    told: str = "none"
    stamp: Stamper | None = None
    anchor: bytes = b""
    lists: Path | None = None

    def level(self, own: bytes, *, is_lasting: bool) -> tuple[str, ToLast | None]:
        """Say which level a report's signature gets, and what makes it last.

        Args:
            own: The revocation list of the signer's own authority, PEM.
            is_lasting: Whether it was asked to last. If the authority is away and bundles are to
                go on without it, it cannot, and the report says so.

        Raises:
            ConflictError: It cannot last: there is no authority, or no list.
        """
        if self.stamp is None:
            if is_lasting and self.told == "none":
                raise ConflictError(
                    phrase(
                        "A signature that lasts needs a time-stamping authority: set "
                        "ATTESTRY_TSA_URL and ATTESTRY_TSA_CA, then ask again."
                    )
                )
            return BASIC, None
        if not is_lasting:
            return STAMPED, None
        return LASTING, ToLast(read_lists(own + self._given()), self.anchor)

    def _given(self) -> bytes:
        if self.lists is None:
            raise ConflictError(
                phrase(
                    "A signature that lasts needs revocation lists: set ATTESTRY_REVOCATION_LISTS "
                    "to a PEM file of those of the time-stamping authority, then ask again."
                )
            )
        try:
            with self.lists.open("rb") as file:
                return file.read(LARGEST_LISTS)
        except OSError as error:
            raise ConflictError(
                phrase(
                    "The revocation lists cannot be read (%(path)s: %(why)s).",
                    path=self.lists,
                    why=error.strerror or "?",
                )
            ) from error


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority, as the settings name it.

    Attributes:
        url: Where it answers.
        anchor: The certificates its tokens lead to, PEM.
        when_down: `refuse` a bundle, or `go_on` without.
        send: Sends a request.
        lists: File with revocation lists, PEM, for what is to last.
    """

    url: str
    anchor: bytes
    when_down: str
    send: Send
    lists: Path | None = None

    def begin(self) -> Stamping:
        """Find out whether it answers; never inside a transaction.

        Raises:
            ConflictError: It does not, and then no bundle is to be made.
        """
        try:
            self._stamp(hashlib.sha256(b"").digest())
        except EvidenceError as error:
            if self.when_down == REFUSE:
                raise ConflictError(
                    f"{error} ({self.url}). Ask again later, or set ATTESTRY_TSA_WHEN_DOWN=go_on."
                ) from error
            return Stamping(f"none: {error}")
        return Stamping(self.url, self._stamp, self.anchor, self.lists)

    def _stamp(self, sha256: bytes) -> bytes:
        return ask(sha256, lambda query: self.send(self.url, query), secrets.token_bytes)


def send_by_http(url: str, query: bytes) -> bytes:
    """Send a query to an authority; no redirects, a limited answer.

    Raises:
        EvidenceError: It did not answer in time.
    """
    try:
        with requests.post(
            url, query, headers=QUERY, timeout=PATIENCE_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            body: bytes = answer.raw.read(LARGEST_ANSWER, decode_content=True)
            status = answer.status_code
    except (requests.RequestException, OSError) as error:
        kind = type(error).__name__
        raise EvidenceError(f"the time-stamping authority did not answer ({kind})") from error
    if status != requests.codes.ok:
        raise EvidenceError(f"the time-stamping authority answered {status}")
    return body


def begin(authority: Authority | None) -> Stamping:
    """Find out who stamps the next bundle.

    Raises:
        ConflictError: As `Authority.begin`.
    """
    return Stamping() if authority is None else authority.begin()
