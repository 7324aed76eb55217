"""The mailer says what is wrong in a sentence, and never lets a header or a secret out."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest
from typing_extensions import override

from app.notices.mailer import MailError, SmtpMailer


class WithoutTls(socketserver.StreamRequestHandler):
    """A relay that offers no TLS and notes what it is told."""

    told: list[bytes]

    @override
    def handle(self) -> None:
        self.wfile.write(b"220 relay\r\n")
        while line := self.rfile.readline():
            self.told.append(line.strip())
            self.wfile.write(b"221 bye\r\n" if line.startswith(b"quit") else b"250 relay\r\n")


@pytest.fixture
def relay() -> Iterator[tuple[int, list[bytes]]]:
    """A relay on loopback."""
    told: list[bytes] = []
    handler = type("Relay", (WithoutTls,), {"told": told})
    with socketserver.TCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], told
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "url", ["", "relay.example", "http://relay.example", "smtp://", "smtp://relay.example:abc"]
)
def test_what_is_no_relay_is_refused(url: str) -> None:
    with pytest.raises(MailError, match="ATTESTRY_SMTP_URL"):
        SmtpMailer(url)


@pytest.mark.parametrize("to", ["a@b.test\nBcc: c@d.test", "a@b.test\r\n\r\nHello"])
def test_an_address_cannot_bring_in_a_header(to: str) -> None:
    with pytest.raises(MailError):
        SmtpMailer("smtp://127.0.0.1:9").send(to=to, subject="Hello", body="Text")


@pytest.mark.enable_socket
def test_nothing_is_said_to_a_relay_without_tls(relay: tuple[int, list[bytes]]) -> None:
    port, told = relay
    mailer = SmtpMailer(f"smtp://user:hunter2@127.0.0.1:{port}")
    with pytest.raises(MailError) as refused:
        mailer.send(to="a@b.test", subject="Line\nbreak", body="Confidential")
    said = b"\n".join(told).lower()
    assert b"ehlo" in said
    assert not any(word in said for word in (b"mail from", b"auth", b"confidential", b"hunter2"))
    assert "hunter2" not in str(refused.value)


@pytest.mark.enable_socket
def test_a_relay_that_is_away_is_told_in_a_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MailError, match=r"127\.0\.0\.1: ConnectionRefusedError"):
        SmtpMailer(f"smtps://user:hunter2@127.0.0.1:{port}").send(
            to="a@b.test", subject="Hello", body="Text"
        )
