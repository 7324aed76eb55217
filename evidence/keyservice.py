"""A document key in a key service of a cloud: a digest goes out, a signature comes back.

The call is the one of Google Cloud KMS, `asymmetricSign`: POST of `{"digest": {"sha256": BASE64}}`
to the key version's address, answered by `{"signature": BASE64}`. A service that speaks otherwise
(AWS KMS `Sign`, HashiCorp Vault `transit/sign`) takes a small bridge in front of it. Nothing here
opens a connection; `send` is handed in, with its time-outs and whatever lets it in.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from evidence.errors import EvidenceError

LARGEST_SIGNATURE: Final = 1024
Send = Callable[[str, bytes], bytes]


@dataclass(frozen=True, slots=True)
class KeyService:
    """Where a key is.

    Attributes:
        url: The address that signs with it.
        chain: The key's certificate and those above it, PEM, the last one the anchor.
        send: Address and JSON in, JSON out; raises EvidenceError if the service does not answer,
            or refuses.
    """

    url: str
    chain: bytes = field(repr=False)
    send: Send = field(repr=False)

    @property
    def kind(self) -> str:
        """As `KeyHolder.kind`."""
        return "kms"

    @property
    def place(self) -> str:
        """As `KeyHolder.place`."""
        return f"the key at {self.url}"

    def sign(self, message: bytes, *, is_ec: bool) -> bytes:  # noqa: ARG002 - the key decides
        """Sign, as `KeyHolder.sign`; the service decides by the key of which kind it is."""
        digest = base64.b64encode(hashlib.sha256(message).digest()).decode("ascii")
        answer = self.send(self.url, json.dumps({"digest": {"sha256": digest}}).encode("ascii"))
        try:
            signature = base64.b64decode(json.loads(answer)["signature"], validate=True)
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error) as error:
            raise EvidenceError(f"kms: {self.place} answered no signature") from error
        if not 0 < len(signature) <= LARGEST_SIGNATURE:
            raise EvidenceError(f"kms: {self.place} answered no signature")
        return signature
