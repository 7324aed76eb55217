"""Who holds the key of documents, by the settings: a security module, a key service, or nobody.

The key service is asked over HTTPS, with an access token that is read anew each time, since such
tokens last an hour and something else renews them.
"""

from pathlib import Path

import requests

from app.kernel.settings import KMS, KMS_NAMES, PKCS11, TOKEN, Settings
from evidence.errors import EvidenceError
from evidence.held import KeyHolder
from evidence.keyservice import KeyService
from evidence.token import Token

PATIENCE_SECONDS = (5, 10)  # to be reached; to answer
LARGEST_ANSWER = 1 << 16
LARGEST_ACCESS = 1 << 14
JSON = "application/json"


def key_holder(settings: Settings) -> KeyHolder | None:
    """Say who holds the key of documents; None: it is sealed in the database."""
    if settings.signer == PKCS11:
        library, label, key, pin, chain = (getattr(settings, name) for name in TOKEN)
        return Token(library, label, key, pin, chain.encode())
    if settings.signer == KMS:
        url, access, chain = (getattr(settings, name) for name in KMS_NAMES)
        return KeyService(url, chain.encode(), HttpsSender(Path(access)).send)
    return None


class HttpsSender:
    """Sends to a key service.

    Args:
        access: File with the access token.
    """

    def __init__(self, access: Path) -> None:
        self._access = access

    def send(self, url: str, body: bytes) -> bytes:
        """Send JSON and return JSON: no redirects, a limited answer, so long and no longer.

        Raises:
            EvidenceError: It did not answer in time, or refused; the access token is in no message.
        """
        headers = {"Authorization": f"Bearer {self._read()}", "Content-Type": JSON}
        try:
            with requests.post(
                url,
                body,
                headers=headers,
                timeout=PATIENCE_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                found: bytes = answer.raw.read(LARGEST_ANSWER, decode_content=True)
                status = answer.status_code
        except (requests.RequestException, OSError) as error:
            kind = type(error).__name__
            raise EvidenceError(f"kms: the key service did not answer ({kind})") from error
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            raise EvidenceError(
                f"kms: the key service refused ({status}): see that {self._access} holds a token "
                "that may sign with this key"
            )
        if status != requests.codes.ok:
            raise EvidenceError(f"kms: the key service answered {status}")
        return found

    def _read(self) -> str:
        try:
            with self._access.open("rb") as file:
                text = file.read(LARGEST_ACCESS).decode("ascii").strip()
        except (OSError, ValueError) as error:
            raise EvidenceError(f"kms: {self._access}: no access token can be read") from error
        if not text.isprintable() or " " in text or not text:
            raise EvidenceError(f"kms: {self._access}: no access token can be read")
        return text
