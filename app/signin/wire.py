"""Every word exchanged with the provider: bounded in time and size, never led elsewhere.

Who answers slowly, too much, with a redirect or not in JSON has not answered.
"""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from requests import PreparedRequest, Response
from requests.auth import AuthBase
from typing_extensions import override

from app.kernel.settings import LOOPBACK
from app.signin.domain import RefusedError, Trouble

TIMEOUTS = (4.0, 8.0)
LONGEST = 15.0
LARGEST = 512 * 1024
CHUNK = 16 * 1024
FAULT = 500
OK = 200
REDIRECTS = range(300, 400)


class _Bearer(AuthBase):
    """Shows an access token, or nothing; either way, no password of a `.netrc` is sent."""

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    @override
    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Put the token on."""
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Wire(OAuth2Session):  # type: ignore[misc]  # authlib has no types
    """Authlib's client, on a short leash."""

    @override
    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        """Send one call, and read its answer whole.

        Raises:
            RefusedError: There is none, or not within bounds.
        """
        self.trust_env = urlsplit(url).hostname not in LOOPBACK
        bounds = {"timeout": TIMEOUTS, "allow_redirects": False, "stream": True}
        try:
            answer: Response = super().request(method, url, *args, **{**options, **bounds})
            with closing(answer):
                answer._content = _read(answer)  # noqa: SLF001 - read here, within bounds
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise RefusedError(Trouble.DOWN, f"{_place(url)}: {type(error).__name__}") from error
        if answer.status_code in REDIRECTS:
            raise RefusedError(Trouble.NONSENSE, f"{_place(url)} leads elsewhere")
        if answer.status_code >= FAULT:
            raise RefusedError(Trouble.DOWN, f"{_place(url)}: status {answer.status_code}")
        return answer

    def document(self, url: str, *, token: str | None = None) -> Mapping[str, Any]:
        """GET a JSON object.

        Raises:
            RefusedError: It is none.
        """
        answer = self.request(
            "GET",
            url,
            withhold_token=True,
            auth=_Bearer(token),
            headers={"Accept": "application/json"},
        )
        if answer.status_code != OK:
            raise RefusedError(Trouble.NONSENSE, f"{_place(url)}: status {answer.status_code}")
        return _object(answer)

    def tokens(self, url: str, *, code: str, verifier: str) -> Mapping[str, Any]:
        """Exchange a code for tokens.

        Raises:
            RefusedError: The provider does not, or answers something else.
        """
        try:
            found: Mapping[str, Any] = self.fetch_token(
                url, grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except OAuthError as error:
            raise RefusedError(Trouble.PROVIDER_REFUSED, f"token: {error.error!r:.80}") from error
        except (requests.RequestException, ValueError, TypeError, KeyError) as error:
            raise RefusedError(Trouble.NONSENSE, f"token: {type(error).__name__}") from error
        return found


def _read(answer: Response) -> bytes:
    """Read an answer, but not for ever."""
    until = time.monotonic() + LONGEST
    found = bytearray()
    while part := answer.raw.read1(CHUNK, decode_content=True):
        found += part
        if len(found) > LARGEST:
            raise RefusedError(Trouble.NONSENSE, f"{_place(answer.url)}: too much")
        if time.monotonic() > until:
            raise RefusedError(Trouble.DOWN, f"{_place(answer.url)}: too slow")
    return bytes(found)


def _object(answer: Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RefusedError(Trouble.NONSENSE, f"{_place(answer.url)}: no JSON object")
    return found


def _place(url: str) -> str:
    """Name an address without its query, for the log."""
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"
