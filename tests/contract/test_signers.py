"""One suite for every place a document key may be: a file, a security module, a key service."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.audit import keyholding
from app.audit.keyholding import HttpsSender
from evidence.cades import sign_detached
from evidence.certificates import (
    KeyedCertificate,
    SigningCredential,
    create_authority,
    load_credential,
)
from evidence.chain import check_signature
from evidence.cms import verify_detached, verify_pdf
from evidence.errors import EvidenceError
from evidence.held import KeyHolder, chain_of, load_held
from evidence.keyservice import KeyService
from evidence.pdf.render import render
from evidence.pdf.seal import seal
from support.security_module import BEGIN, LIBRARY, LIFE, MISSING, security_module, signer_of
from support.servers.key_service import ACCESS, KeyServer, key_service
from unit.evidence.pdf.sample import CREATED_AT, report

pytestmark = pytest.mark.enable_socket
ROOT = create_authority("Root", "Example", now=BEGIN, valid_for=LIFE, random=os.urandom)
SIGNER = signer_of(ROOT, BEGIN)
CONTENT = b"what is signed"


@dataclass(frozen=True)
class Place:
    """A key's place: its credential, its anchor, and how to load it with another chain."""

    credential: SigningCredential
    anchor: bytes
    with_chain: Callable[[bytes], SigningCredential]


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    with key_service(SIGNER.key) as running:
        yield running


@pytest.fixture
def service(server: KeyServer, tmp_path: Path) -> KeyService:
    server.answers, server.asked, server.access, server.key = "sign", 0, ACCESS, SIGNER.key
    (tmp_path / "access").write_text(f"{ACCESS}\n", encoding="ascii")
    send = HttpsSender(tmp_path / "access").send
    return KeyService(server.url, SIGNER.certificate + ROOT.certificate, send)


@pytest.fixture(params=["file", "pkcs11", "kms"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "file":

        def with_chain(pem: bytes) -> SigningCredential:
            return load_credential(KeyedCertificate(pem, SIGNER.key), [ROOT.certificate])

        return Place(with_chain(SIGNER.certificate), ROOT.certificate, with_chain)
    holder: KeyHolder
    if request.param == "pkcs11":
        if not LIBRARY.exists():
            pytest.skip(MISSING)
        holder = security_module()
    else:
        holder = request.getfixturevalue("service")
    anchor = chain_of(holder)[-1].public_bytes(Encoding.PEM)
    return Place(
        load_held(holder),
        anchor,
        lambda pem: load_held(replace(holder, chain=pem + anchor)),  # type: ignore[type-var]
    )


def test_it_signs_containers_and_reports(place: Place) -> None:
    signed = sign_detached(CONTENT, place.credential, CREATED_AT)
    status = verify_detached(CONTENT, signed, [place.anchor], CREATED_AT)
    assert status.ok, status.detail
    assert verify_pdf(seal(render(report()), place.credential), [place.anchor], CREATED_AT).ok


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_what_it_signs_is_the_sha_256_of_any_number_of_bytes(place: Place, size: int) -> None:
    message = bytes(size)
    certificate = x509.load_der_x509_certificate(place.credential.certificate)
    check_signature(certificate, place.credential.sign(message), message, "sha256")


def test_a_certificate_of_another_key_is_refused(place: Place) -> None:
    other = signer_of(ROOT, BEGIN).certificate
    with pytest.raises(EvidenceError, match="does not belong"):
        place.with_chain(other)


def test_what_is_no_certificate_is_refused(place: Place) -> None:
    with pytest.raises(EvidenceError, match="not a PEM certificate"):
        place.with_chain(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def test_neither_keys_nor_what_lets_in_shows_in_a_representation(
    place: Place, service: KeyService
) -> None:
    assert "sign=" not in repr(place.credential)
    assert ACCESS not in repr(service)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, b"no JSON"), "answered no signature"),
        ((200, b"[" * 50_000), "answered no signature"),
        ((200, b"[]"), "answered no signature"),
        ((200, b'{"signature": ""}'), "answered no signature"),
        ((200, b'{"signature": "%s"}' % (b"A" * 4000)), "answered no signature"),
        ((200, b'{"signature": "AAAA"}'), "does not belong"),
        ((200, b" " * 200_000 + b'{"signature": "AAAA"}'), "answered no signature"),
        ((302, b""), "answered 302"),
        ((403, b"secrets"), "refused .403."),
        ((429, b""), "answered 429"),
        ((503, b""), "answered 503"),
    ],
)
def test_a_key_service_that_answers_something_else_is_told(
    service: KeyService, server: KeyServer, answer: tuple[int, bytes], says: str
) -> None:
    server.answers = answer
    with pytest.raises(EvidenceError, match=says) as refused:
        load_held(service)
    assert ACCESS not in str(refused.value)
    assert "secrets" not in str(refused.value)


def test_a_key_service_that_hangs_or_is_gone_is_told_in_time(
    service: KeyService, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyholding, "PATIENCE_SECONDS", (0.2, 0.2))
    server.answers = "hang"
    with pytest.raises(EvidenceError, match=r"did not answer \(ReadTimeout\)"):
        load_held(service)
    with pytest.raises(EvidenceError, match=r"did not answer \(ConnectionError\)"):
        load_held(replace(service, url="http://127.0.0.1:9/v1:asymmetricSign"))


def test_an_access_token_that_changed_is_read_anew(
    service: KeyService, server: KeyServer, tmp_path: Path
) -> None:
    credential = load_held(service)
    server.access = "the next hour's"
    with pytest.raises(EvidenceError, match="refused"):
        credential.sign(CONTENT)
    (tmp_path / "access").write_text(server.access, encoding="ascii")
    with pytest.raises(EvidenceError, match="no access token can be read"):  # it has a blank
        credential.sign(CONTENT)
    server.access = "next"
    (tmp_path / "access").write_text(server.access, encoding="ascii")
    assert credential.sign(CONTENT)
    (tmp_path / "access").unlink()
    with pytest.raises(EvidenceError, match="no access token can be read"):
        credential.sign(CONTENT)


def test_a_signature_by_another_key_is_found_out_at_each_signing(
    service: KeyService, server: KeyServer
) -> None:
    credential = load_held(service)
    server.key = signer_of(ROOT, BEGIN).key
    with pytest.raises(EvidenceError, match="does not belong"):
        credential.sign(CONTENT)


@pytest.mark.parametrize("kind", ["rsa", "p384"])
def test_a_service_with_an_rsa_key_signs_and_one_of_another_kind_does_not_count(
    service: KeyService, server: KeyServer, kind: str
) -> None:
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = ec.generate_private_key(ec.SECP384R1())
    if kind == "rsa":
        key = rsa.generate_private_key(65537, 2048)
    server.key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    held = replace(service, chain=_certified(key) + ROOT.certificate)
    if kind == "rsa":
        signed = sign_detached(CONTENT, load_held(held), CREATED_AT)
        assert verify_detached(CONTENT, signed, [ROOT.certificate], CREATED_AT).ok
    else:
        with pytest.raises(EvidenceError, match="must be P-256 or RSA"):
            load_held(held)


def _certified(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    root = x509.load_pem_x509_certificate(ROOT.certificate)
    root_key = serialization.load_pem_private_key(ROOT.key, password=None)
    usage = x509.load_pem_x509_certificate(SIGNER.certificate).extensions.get_extension_for_class(
        x509.KeyUsage
    )
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Elsewhere")]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + timedelta(days=3000))
        .add_extension(usage.value, critical=True)
        .sign(root_key, hashes.SHA256())  # type: ignore[arg-type]
        .public_bytes(Encoding.PEM)
    )
