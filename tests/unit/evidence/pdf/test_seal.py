"""The report's seal: one revision, the whole file, and nobody can touch it unnoticed."""

import asyncio
import hashlib
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from evidence.cades import sign_detached
from evidence.certificates import (
    KeyedCertificate,
    SigningCredential,
    create_authority,
    issue_signer,
    load_credential,
)
from evidence.cms import verify_detached, verify_pdf
from evidence.errors import EvidenceError, VerificationError
from evidence.pdf.byterange import find_gap, unsigned_part
from evidence.pdf.document import Section
from evidence.pdf.render import render
from evidence.pdf.seal import seal, seal_file
from evidence.pdf.signer import CredentialSigner
from unit.evidence.pdf.sample import CREATED_AT, register, report

BEGIN = CREATED_AT - timedelta(days=10)
ROOT = create_authority(
    "Authority", "Example", now=BEGIN, valid_for=timedelta(days=3650), random=os.urandom
)
SIGNER = issue_signer(
    ROOT, "Signer", "Example", now=BEGIN, valid_for=timedelta(days=365), random=os.urandom
)
CREDENTIAL = load_credential(SIGNER, [ROOT.certificate])
UNSIGNED = render(report(Section("S", registers=(register(("Zoë",)),))))
SEALED = seal(UNSIGNED, CREDENTIAL)
GAP = find_gap(SEALED)


def accepted(pdf: bytes) -> bool:
    return verify_pdf(pdf, [ROOT.certificate], CREATED_AT).ok


def test_a_sealed_report_holds_and_names_its_signer() -> None:
    status = verify_pdf(SEALED, [ROOT.certificate], CREATED_AT)
    assert status.ok, status.detail
    assert status.signer == "CN=Signer,O=Example"


def test_sealing_adds_no_byte_and_taking_the_seal_out_gives_the_report_back() -> None:
    assert len(SEALED) == len(UNSIGNED)
    assert unsigned_part(SEALED) == UNSIGNED
    assert unsigned_part(UNSIGNED) == UNSIGNED
    assert hashlib.sha256(SEALED).digest() != hashlib.sha256(UNSIGNED).digest()


def test_an_unsealed_report_is_not_accepted() -> None:
    assert not accepted(UNSIGNED)


def test_another_anchor_or_time_is_refused() -> None:
    other = create_authority(
        "Authority", "Example", now=BEGIN, valid_for=timedelta(days=3650), random=os.urandom
    )
    assert not verify_pdf(SEALED, [other.certificate], CREATED_AT).ok
    assert not verify_pdf(SEALED, [ROOT.certificate], BEGIN - timedelta(days=1)).ok


def test_every_flipped_byte_is_refused() -> None:
    signature = range(GAP.start - 200, GAP.start + 3200, 3)
    around = range(GAP.end - 40, GAP.end + 400, 3)
    rest = range(0, len(SEALED), 149)
    changed = bytearray(SEALED)
    missed = []
    for at in {*signature, *around, *rest}:
        changed[at] ^= 1 << (at % 8)
        if accepted(bytes(changed)):
            missed.append(at)
        changed[at] = SEALED[at]
    assert missed == []


def test_zeros_of_the_padding_cannot_be_drawn_into_the_signature() -> None:
    first = bytearray(GAP.contents[:4])  # a sequence with a length of two bytes
    assert first[:2] == b"\x30\x82"
    length = int.from_bytes(first[2:], "big")
    for more in range(1, 300):
        head = b"\x30\x82" + (length + more).to_bytes(2, "big")
        pdf = SEALED.replace(GAP.contents[:4].hex().encode(), head.hex().encode(), 1)
        assert not accepted(pdf), more


def test_a_signature_digit_in_upper_case_is_refused() -> None:
    at = next(at for at in range(GAP.start, GAP.end) if SEALED[at] in b"abcdef")
    changed = bytearray(SEALED)
    changed[at] -= 32
    assert not accepted(bytes(changed))


def test_anything_in_the_padding_is_refused() -> None:
    changed = bytearray(SEALED)
    changed[GAP.end - 2] = ord("1")
    assert "padding" in verify_pdf(bytes(changed), [ROOT.certificate], CREATED_AT).detail


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda pdf: pdf + b"\n", "one revision"),
        (lambda pdf: pdf + b"%hidden\n", "one revision"),
        (lambda pdf: b"%\n" + pdf, "not a PDF"),
        (lambda pdf: pdf[:-1], "cover the whole"),
        (lambda pdf: pdf + pdf[pdf.rindex(b"startxref") :], "one revision"),
        (lambda pdf: pdf.replace(b"/ByteRange", b"/byterange"), "exactly one signature"),
        (lambda pdf: pdf.replace(b"/ByteRange [0 ", b"/ByteRange [1 "), "cover the whole"),
        (lambda pdf: pdf.replace(b"/ByteRange [0 ", b"/ByteRange [-1 "), "plain numbers"),
        (lambda pdf: pdf.replace(b"CAdES.detached", b"CAdES.detachee"), "CAdES.detached"),
        (lambda pdf: pdf.replace(b"/Contents <", b"/Contentz <"), "/Contents"),
        (lambda pdf: b"", "not a PDF"),  # noqa: ARG005
    ],
)
def test_a_file_put_together_otherwise_is_refused_with_a_reason(change: Any, says: str) -> None:
    status = verify_pdf(change(SEALED), [ROOT.certificate], CREATED_AT)
    assert not status.ok
    assert says in status.detail


def test_a_gap_wider_than_the_signature_is_refused() -> None:
    numbers = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", SEALED)
    assert numbers is not None
    start, end, rest = (int(each) for each in numbers.groups())
    for moved in ((start - 10, end, rest), (start, end + 1, rest - 1), (start, start, 0)):
        forged = b"/ByteRange [0 %010d %010d %010d]" % moved
        pdf = SEALED.replace(numbers.group(), forged)
        assert len(pdf) == len(SEALED)
        with pytest.raises(VerificationError):
            find_gap(pdf)


def test_a_signature_of_the_container_cannot_stand_in_the_pdf() -> None:
    content = SEALED[: GAP.start] + SEALED[GAP.end :]
    cades = sign_detached(content, CREDENTIAL, CREATED_AT)
    assert verify_detached(content, cades, [ROOT.certificate], CREATED_AT).ok
    digits = cades.ljust(len(GAP.contents), b"\0").hex().encode()
    forged = SEALED[: GAP.start] + b"<" + digits + b">" + SEALED[GAP.end :]
    assert "time is not where" in verify_pdf(forged, [ROOT.certificate], CREATED_AT).detail


def test_a_sealed_report_cannot_be_sealed_again() -> None:
    with pytest.raises(EvidenceError, match="sealed already"):
        seal(SEALED, CREDENTIAL)


def test_a_pdf_without_a_place_for_a_seal_is_refused() -> None:
    with pytest.raises(EvidenceError, match="exactly one signature"):
        seal(UNSIGNED.replace(b"/ByteRange", b"/byterange"), CREDENTIAL)


def test_a_signature_too_large_for_its_place_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048)
    huge = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "x" * 60)] * 300)
    issuer = (
        x509.CertificateBuilder()
        .subject_name(huge)
        .issuer_name(huge)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(CREATED_AT)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    crowded = SigningCredential(CREDENTIAL.certificate, (issuer,), CREDENTIAL.sign)
    with pytest.raises(EvidenceError, match="fewer issuers"):
        seal(UNSIGNED, crowded)


def test_the_key_is_asked_once_and_only_for_a_signature() -> None:
    asked: list[bytes] = []

    def elsewhere(message: bytes) -> bytes:
        asked.append(message)
        return CREDENTIAL.sign(message)

    credential = SigningCredential(CREDENTIAL.certificate, CREDENTIAL.issuers, elsewhere)
    assert accepted(seal(UNSIGNED, credential))
    assert len(asked) == 1


def test_an_estimate_of_the_size_asks_no_key() -> None:
    def never(_message: bytes) -> bytes:
        raise AssertionError

    signer = CredentialSigner(SigningCredential(CREDENTIAL.certificate, CREDENTIAL.issuers, never))
    estimate = asyncio.run(signer.async_sign_raw(b"x", "sha256", dry_run=True))
    assert len(estimate) >= len(CREDENTIAL.sign(b"x"))
    with pytest.raises(EvidenceError, match="sha256 only"):
        asyncio.run(signer.async_sign_raw(b"x", "sha512"))


def test_an_rsa_key_seals_too() -> None:
    key = rsa.generate_private_key(65537, 2048)
    root_key = serialization.load_pem_private_key(ROOT.key, password=None)
    root = x509.load_pem_x509_certificate(ROOT.certificate)
    usage = x509.load_pem_x509_certificate(SIGNER.certificate).extensions.get_extension_for_class(
        x509.KeyUsage
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "RSA signer")]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(BEGIN)
        .not_valid_after(CREATED_AT + timedelta(days=5))
        .add_extension(usage.value, critical=True)
        .sign(root_key, hashes.SHA256())  # type: ignore[arg-type]
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    keyed = KeyedCertificate(certificate.public_bytes(pem), private)
    sealed = seal(UNSIGNED, load_credential(keyed, [ROOT.certificate]))
    assert verify_pdf(sealed, [ROOT.certificate], CREATED_AT).signer == "CN=RSA signer"


def test_pyhanko_finds_one_revision_wholly_covered_and_certified(tmp_path: Path) -> None:
    from pyhanko.keys import load_certs_from_pemder_data
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.fields import MDPPerm
    from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    path = tmp_path / "sealed.pdf"
    path.write_bytes(SEALED)
    with path.open("rb") as file:
        reader = PdfFileReader(file)
        (signature,) = reader.embedded_signatures
        context = ValidationContext(
            trust_roots=list(load_certs_from_pemder_data(ROOT.certificate)),
            moment=CREATED_AT,
            best_signature_time=CREATED_AT,
        )
        status = validate_pdf_signature(signature, context)
        assert status.bottom_line
        assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        assert reader.xrefs.total_revisions == 1
        assert signature.docmdp_level is MDPPerm.NO_CHANGES
        assert signature.field_name == "Seal"


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def test_pdfsig_says_valid_and_whole(tmp_path: Path) -> None:
    tool = _tool("pdfsig")
    (tmp_path / "sealed.pdf").write_bytes(SEALED)
    done = subprocess.run(
        [tool, "-nocert", "sealed.pdf"], cwd=tmp_path, capture_output=True, check=False, timeout=30
    )
    said = done.stdout.decode()
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert said.count("Signature #") == 1


def test_openssl_accepts_the_signature_over_the_byte_range(tmp_path: Path) -> None:
    tool = _tool("openssl")
    (tmp_path / "content").write_bytes(SEALED[: GAP.start] + SEALED[GAP.end :])
    (tmp_path / "signature").write_bytes(GAP.contents)
    (tmp_path / "ca.pem").write_bytes(ROOT.certificate)
    done = subprocess.run(
        [
            *(tool, "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature"),
            *("-content", "content", "-CAfile", "ca.pem", "-purpose", "any", "-cades"),
            *("-attime", str(int(CREATED_AT.timestamp())), "-out", "out"),
        ],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_checking_loads_no_pdf_library() -> None:
    code = (
        "import sys, evidence.cms; "
        "print([m for m in ('pyhanko', 'reportlab', 'lxml', 'requests') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[4],
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.strip() == b"[]"


def test_a_file_is_sealed_where_it_is_and_only_once(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(UNSIGNED)
    seal_file(path, CREDENTIAL)
    assert unsigned_part(path.read_bytes()) == UNSIGNED
    assert accepted(path.read_bytes())
    with pytest.raises(EvidenceError, match="sealed already"):
        seal_file(path, CREDENTIAL)
    path.write_bytes(b"%PDF-1.7 without a place")
    with pytest.raises(EvidenceError, match="no place"):
        seal_file(path, CREDENTIAL)
