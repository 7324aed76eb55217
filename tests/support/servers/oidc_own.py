"""A small OpenID provider in the test's own process: signs with real keys, and lies when told to.

It takes authorization codes with PKCE only, and answers as `Faults` says. Its clock is the test's.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from typing_extensions import override

CLIENT_ID = "attestry"
CLIENT_SECRET = "a-secret-of-the-provider"
BIG = 2 * 1024 * 1024
Key = RSAKey | ECKey
RAW = tuple[int, str, bytes]


@dataclass
class Provider:
    """A provider on loopback.

    Attributes:
        issuer: Its address.
        now: Its clock.
        skew: By how much its clock is wrong.
        keys: Published keys; the last one signs.
        algorithm: What it says it signs with.
        change: Makes other claims of those of an ID token.
        change_discovery: Makes another document of what it publishes.
        raw: Path to an answer given instead of the right one.
        way: How a client proves who it is.
        is_mail_in_token: Whether the ID token holds the address; else only userinfo does.
        asked: Every call, in order.
    """

    issuer: str
    now: Callable[[], datetime]
    skew: timedelta = timedelta(0)
    keys: list[Key] = field(default_factory=list)
    algorithm: str = "RS256"
    change: Callable[[dict[str, Any]], dict[str, Any]] = dict
    change_discovery: Callable[[dict[str, Any]], dict[str, Any]] = dict
    raw: dict[str, RAW] = field(default_factory=dict)
    way: str = "client_secret_basic"
    is_mail_in_token: bool = True
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)

    def rotate(self, *, kind: str = "RSA") -> None:
        """Take another key, and publish no other."""
        kid = f"key-{len(self.asked)}-{kind}"
        made: Key = (
            RSAKey.generate_key(2048, {"kid": kid})
            if kind == "RSA"
            else ECKey.generate_key("P-256", {"kid": kid})
        )
        self.keys = [made]
        self.algorithm = "RS256" if kind == "RSA" else "ES256"

    def consent(
        self, address: str, *, signed_in_for: timedelta = timedelta(0), **claims: Any
    ) -> str:
        """Do what somebody does at the provider; return the path that they come back to."""
        asked = {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        assert address.startswith(f"{self.issuer}/authorize?")
        if asked.get("prompt") == "login":
            assert asked["max_age"] == "0"
        code = f"code-{len(self.codes)}"
        proven = self.now() - signed_in_for
        self.codes[code] = {**asked, "claims": {"auth_time": int(proven.timestamp()), **claims}}
        return self.back(asked, code=code)

    def back(self, asked: Mapping[str, str], **answer: str) -> str:
        """Return the path that somebody comes back to with an answer."""
        place = urlsplit(asked["redirect_uri"])
        query = {"state": asked["state"], "iss": self.issuer, **answer}
        return f"{place.path}?{urlencode(query)}"

    # --- what it answers -------------------------------------------------------------------

    def answer(self, path: str, form: Mapping[str, str], header: str) -> RAW:
        """Answer a call."""
        self.asked.append(path)
        if path in self.raw:
            return self.raw[path]
        match path:
            case "/.well-known/openid-configuration":
                return _json(self.change_discovery(self._discovery()))
            case "/jwks":
                return _json({"keys": [key.as_dict(private=False) for key in self.keys]})
            case "/token":
                return self._token(form, header)
            case "/userinfo":
                return _json(self.people[header.removeprefix("Bearer ")])
            case _:
                return _json({"error": "not_found"}, 404)

    def _discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/leave",
            "authorization_response_iss_parameter_supported": True,
            "token_endpoint_auth_methods_supported": [self.way],
        }

    def _token(self, form: Mapping[str, str], header: str) -> RAW:
        if not self._is_client(form, header):
            return _json({"error": "invalid_client"}, 401)
        known = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if known is None or known["code_challenge"] != challenge:
            return _json({"error": "invalid_grant"}, 400)
        if form.get("redirect_uri") != known["redirect_uri"]:
            return _json({"error": "invalid_grant"}, 400)
        return self._tokens(known)

    def _is_client(self, form: Mapping[str, str], header: str) -> bool:
        if self.way == "client_secret_post":
            given = (form.get("client_id"), form.get("client_secret"), header)
            return given == (CLIENT_ID, CLIENT_SECRET, "")
        wanted = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return header == f"Basic {wanted}" and "client_secret" not in form

    def _tokens(self, known: Mapping[str, Any]) -> RAW:
        now = int((self.now() + self.skew).timestamp())
        plain = {"sub": "alice@provider", **known["claims"]}
        access = f"access-{len(self.asked)}"
        self.people[access] = dict(plain)
        if not self.is_mail_in_token:
            plain = {name: each for name, each in plain.items() if not name.startswith("email")}
        claims = self.change(
            {
                "iss": self.issuer,
                "aud": CLIENT_ID,
                "iat": now,
                "exp": now + 300,
                "nonce": known["nonce"],
                **plain,
            }
        )
        answer = {"access_token": access, "token_type": "Bearer", "id_token": self._signed(claims)}
        return _json(answer)

    def _signed(self, claims: dict[str, Any]) -> str:
        key = self.keys[-1]
        header = {"alg": self.algorithm, "kid": key.kid}
        if self.algorithm == "none":
            parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
            return ".".join(_b64(each.encode()) for each in parts) + "."
        if self.algorithm == "HS256":  # the published key taken for a shared secret
            parts = [_b64(json.dumps(each).encode()) for each in (header, claims)]
            mac = hmac.digest(key.as_pem(private=False), ".".join(parts).encode(), "sha256")
            return ".".join([*parts, _b64(mac)])
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _json(document: Any, status: int = 200) -> RAW:
    return status, "application/json", json.dumps(document).encode()


@contextmanager
def running(now: Callable[[], datetime]) -> Iterator[Provider]:
    """Run a provider while the block lasts."""
    found: list[Provider] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, form: Mapping[str, str]) -> None:
            header = self.headers.get("Authorization", "")
            status, kind, body = found[0].answer(urlsplit(self.path).path, form, header)
            self.send_response(status)
            if status in {301, 302, 307}:
                self.send_header("Location", body.decode())
                body = b""
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            self._answer({name: each[0] for name, each in parse_qs(text).items()})

        @override
        def log_message(self, *_said: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.append(Provider(f"http://127.0.0.1:{server.server_port}", now))
    found[0].rotate()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
