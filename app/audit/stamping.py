"""The time-stamping authority (RFC 3161) that stamps a bundle's signatures, if there is one.

Whether it answers is found out before a bundle is written, so that the report can say who stamped
it, or that nobody did and why. What becomes of a bundle if it does not is a setting.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import requests

from app.kernel.errors import ConflictError
from evidence.cades import Stamper
from evidence.errors import EvidenceError
from evidence.stamps import ask

PATIENCE_SECONDS = 10
LARGEST_ANSWER = 1 << 16
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
    """

    told: str = "none"
    stamp: Stamper | None = None
    anchor: bytes = b""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority, as the settings name it.

    Attributes:
        url: Where it answers.
        anchor: The certificates its tokens lead to, PEM.
        when_down: `refuse` a bundle, or `go_on` without.
        send: Sends a request.
    """

    url: str
    anchor: bytes
    when_down: str
    send: Send

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
        return Stamping(self.url, self._stamp, self.anchor)

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
