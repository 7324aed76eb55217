"""Somebody who shows a certificate of the tests' own, and has nothing to say after it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.kernel.clock import SystemClock

HERE = "127.0.0.1"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """Where somebody shows a certificate, and the file of the authority that signed it."""

    address: str
    ca_file: str


@contextmanager
def showing(folder: Path, *, name: str = HERE, until: timedelta = DAY) -> Iterator[Shown]:
    """Show a certificate to whoever comes, for as long as the block lasts.

    Args:
        folder: Where its files are put.
        name: The address it is made for.
        until: How long it is still valid; below zero: since when no longer.
    """
    authority, key = _made("Test authority", None, None, timedelta(days=30))
    shown, own = _made(name, authority, key, until)
    ca_file, both = folder / "authority.pem", folder / "server.pem"
    ca_file.write_bytes(authority.public_bytes(Encoding.PEM))
    private = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    both.write_bytes(private + shown.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    with socket.create_server((HERE, 0)) as listener:
        thread = threading.Thread(target=_show, args=(listener, context))
        thread.start()
        try:
            yield Shown(f"{HERE}:{listener.getsockname()[1]}", str(ca_file))
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _show(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            line, _ = listener.accept()
        except OSError:  # it was closed
            return
        with line, suppress(OSError), context.wrap_socket(line, server_side=True):
            pass


def _made(
    name: str,
    authority: x509.Certificate | None,
    by: ec.EllipticCurvePrivateKey | None,
    until: timedelta,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Make a certificate and its key: an authority's, or one that an authority signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = SystemClock().now()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if authority is None else authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 400 * DAY)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    if authority is not None:
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
        made = made.add_extension(address, critical=False)
    return made.sign(by or key, hashes.SHA256()), key
