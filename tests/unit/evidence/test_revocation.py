"""Revocation lists: who is on one, whose list counts, and what is no list at all."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from evidence.canonical import canonical, parse_canonical
from evidence.certificates import KeyedCertificate, create_authority, issue_signer
from evidence.errors import EvidenceError, VerificationError
from evidence.manifest import parse_manifest
from evidence.pdf.lasting import extend
from evidence.revocation import MOST_LISTS, find_list, issue_list, read_lists
from evidence.verify import verify_bytes
from unit.evidence.sample_bundle import KEY, bundle, parts
from unit.evidence.test_tampering import members

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LONG = timedelta(days=3650)
ROOT = create_authority("Root", "Example", now=NOW, valid_for=LONG, random=os.urandom)
SIGNER = issue_signer(ROOT, "Seal", "Example", now=NOW, valid_for=LONG / 2, random=os.urandom)
ISSUER, CERTIFICATE = (x509.load_pem_x509_certificate(x.certificate) for x in (ROOT, SIGNER))
GOOD = issue_list(ROOT, now=NOW, until=NOW + LONG)
(DER,) = read_lists(GOOD)


def made(
    *, revoked: bool = False, critical: bool = False, until: datetime | None = NOW + LONG
) -> bytes:
    key = serialization.load_pem_private_key(ROOT.key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateRevocationListBuilder().issuer_name(ISSUER.subject)
    builder = builder.last_update(NOW).next_update(until or NOW + LONG)
    if critical:
        point = x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=True,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        builder = builder.add_extension(point, critical=True)
    if revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(CERTIFICATE.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(NOW).build())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_the_list_of_the_issuer_that_counts_is_found_among_others() -> None:
    other = create_authority("Root", "Example", now=NOW, valid_for=LONG, random=os.urandom)
    others = read_lists(issue_list(other, now=NOW, until=NOW + LONG))
    old = made(until=NOW + timedelta(days=1))
    at = NOW + timedelta(days=100)
    assert find_list(CERTIFICATE, ISSUER, [*others, old, DER], at) == DER


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ([], "no revocation list of CN=Root"),
        ([made(revoked=True)], "was revoked by its issuer"),
        ([made(critical=True)], "critical extension"),
        ([b"no list"], "cannot be read"),
        ([made(until=NOW + timedelta(days=1))], "no revocation list"),
    ],
)
def test_what_tells_of_no_good_certificate_is_refused(lists: list[bytes], says: str) -> None:
    with pytest.raises(VerificationError, match=says):
        find_list(CERTIFICATE, ISSUER, lists, NOW + timedelta(days=100))


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_no_byte_of_a_list_changes_unnoticed() -> None:
    for at in range(len(DER)):
        changed = bytearray(DER)
        changed[at] ^= 1 << (at % 8)
        with pytest.raises(VerificationError):
            find_list(CERTIFICATE, ISSUER, [bytes(changed)], NOW)


def test_an_issuer_with_a_key_of_another_kind_vouches_for_nothing() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    odd = (
        x509.CertificateBuilder()
        .subject_name(ISSUER.subject)
        .issuer_name(ISSUER.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + LONG)
        .sign(key, None)
    )
    with pytest.raises(VerificationError, match="no revocation list"):
        find_list(CERTIFICATE, odd, [DER], NOW)


def test_lists_are_read_from_a_text_with_other_things_around_them() -> None:
    assert read_lists(b"# kept fresh\n" + GOOD + b"\n" + GOOD) == (DER, DER)
    assert read_lists(b"nothing") == ()
    with pytest.raises(EvidenceError, match="as PEM"):
        read_lists(b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    with pytest.raises(EvidenceError, match="at most"):
        read_lists(GOOD * (MOST_LISTS + 1))


def test_an_authority_that_cannot_sign_a_list_is_refused() -> None:
    odd = ed25519.Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for key, says in ((b"no key", "with its key"), (odd, "EC or RSA")):
        with pytest.raises(EvidenceError, match=says):
            issue_list(KeyedCertificate(ROOT.certificate, key), now=NOW, until=NOW + LONG)


def test_a_pdf_from_elsewhere_is_not_made_to_last() -> None:
    foreign = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nxref\n"
    with pytest.raises(EvidenceError, match="as one made here"):
        extend(len(foreign), lambda begin, end: foreign[begin:end], ((), ()))


def test_a_level_that_the_report_does_not_have_is_refused() -> None:
    made = bundle(parts(entries=8, scope={"signature_level": "B-LTA"}))
    report = verify_bytes(memoryview(made), [KEY])
    failed = [each for each in report.checks if each.status == "failed"]
    assert [each.name for each in failed] == ["report signature"]
    assert "at level B-B, but the manifest says B-LTA" in failed[0].detail


def test_a_level_that_there_is_not_is_refused() -> None:
    manifest = parse_canonical(dict(members())["manifest.json"])
    manifest["scope"] = {"signature_level": {}}
    with pytest.raises(VerificationError, match="none that there is"):
        parse_manifest(canonical(manifest))
