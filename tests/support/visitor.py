"""Somebody with a browser, without the browser: signs in by a link, opens pages, sends forms."""

import re
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.kernel.uow import Transactions
from app.signin import links

CSRF_HEADER = "X-CSRF-Token"


class Visitor:
    """One browser of one person."""

    def __init__(self, app: Flask) -> None:
        """Open a browser; nobody is signed in."""
        self.app = app
        self.client: FlaskClient = app.test_client()

    def sign_in(self, tx: Transactions, who: str) -> "Visitor":
        """Sign in as a person, by a link of their own."""
        with tx.write() as uow:
            path = links.make(uow, who=who).path
        return self.follow(path)

    def follow(self, path: str) -> "Visitor":
        """Open a sign-in link, and press its button."""
        answer = self.submit(path, on=path)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return self

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page; headers in snake case (`hx_request="true"`)."""
        return self.client.get(path, headers=_spelled(headers))

    def page(self, path: str, status: int = 200) -> str:
        """Open a page, and return its text."""
        answer = self.get(path)
        text = answer.get_data(as_text=True)
        assert answer.status_code == status, (answer.status_code, answer.headers, text[:2000])
        return text

    def csrf(self, on: str = "/") -> str:
        """Return the token that a page gives its forms."""
        return token_of(self.client.get(on).get_data(as_text=True))

    def submit(
        self,
        path: str,
        data: dict[str, Any] | None = None,
        *,
        on: str = "/",
        csrf: str | None = None,
        **headers: str,
    ) -> TestResponse:
        """Send a form, with the token of the page that it stands on."""
        token = self.csrf(on) if csrf is None else csrf
        sent = {"Sec-Fetch-Site": "same-origin", **_spelled(headers)}
        return self.client.post(path, data={"csrf": token, **(data or {})}, headers=sent)

    def send(self, path: str, body: Any, *, on: str = "/", csrf: str | None = None) -> TestResponse:
        """Send JSON, as the script of a page does."""
        token = self.csrf(on) if csrf is None else csrf
        return self.client.post(path, json=body, headers={CSRF_HEADER: token})


def token_of(text: str) -> str:
    """Return the token in the text of a page: of its last form, else of its head."""
    found = re.findall(r'name="csrf" (?:value|content)="([^"]+)"', text)
    assert found, text[:2000]
    return unescape(found[-1])


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
