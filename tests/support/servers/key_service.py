"""A key service of the tests' own: signs digests as Google Cloud KMS does, or fails as told."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typing_extensions import override

ACCESS = "an-access-token-of-an-hour"
SHA256 = Prehashed(hashes.SHA256())


@dataclass(slots=True)
class KeyServer:
    """A running service.

    Attributes:
        key: Private key, PEM.
        answers: What to do: `sign`, or status and body to answer with; `hang` answers nothing.
        asked: How often it was.
        access: The token that lets in.
        url: Where its one key signs.
    """

    key: bytes
    answers: str | tuple[int, bytes] = "sign"
    asked: int = 0
    access: str = ACCESS
    url: str = ""
    gone: threading.Event = field(default_factory=threading.Event)


@contextmanager
def key_service(key: bytes) -> Iterator[KeyServer]:
    """Run a service on loopback for as long as this lasts."""
    server = KeyServer(key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if server.answers == "hang":
                server.gone.wait(30)
                return
            status, content = _answer(server, self.headers.get("Authorization", ""), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        server.url = (
            f"http://127.0.0.1:{running.server_port}/v1/keys/seal/versions/1:asymmetricSign"
        )
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.gone.set()
            running.shutdown()
            thread.join()


def _answer(server: KeyServer, authorization: str, body: bytes) -> tuple[int, bytes]:
    if authorization != f"Bearer {server.access}":
        return 401, b'{"error": {"code": 401}}'
    if isinstance(server.answers, tuple):
        return server.answers
    digest = base64.b64decode(json.loads(body)["digest"]["sha256"])
    held = load_pem_private_key(server.key, password=None)
    if isinstance(held, ec.EllipticCurvePrivateKey):
        signature = held.sign(digest, ec.ECDSA(SHA256))
    else:
        assert isinstance(held, rsa.RSAPrivateKey)
        signature = held.sign(digest, padding.PKCS1v15(), SHA256)
    return 200, json.dumps({"signature": base64.b64encode(signature).decode()}).encode()
