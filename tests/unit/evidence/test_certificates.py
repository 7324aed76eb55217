"""An instance's own authority and signer, and the way from a signer to an anchor."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidence.certificates import (
    DOCUMENT_SIGNING,
    KeyedCertificate,
    SigningCredential,
    certificate_fingerprint,
    create_authority,
    issue_signer,
    load_credential,
)
from evidence.chain import check_chain, check_signature, read_certificates, readable_name
from evidence.errors import EvidenceError, VerificationError

NOW = datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC)
YEARS = timedelta(days=3650)
YEAR = timedelta(days=365)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def authority(name: str = "Attestry authority") -> KeyedCertificate:
    return create_authority(name, "Example Bank", now=NOW, valid_for=YEARS, random=os.urandom)


def signer(by: KeyedCertificate) -> KeyedCertificate:
    return issue_signer(
        by, "Evidence signer", "Example Bank", now=NOW, valid_for=YEAR, random=os.urandom
    )


def read(keyed: KeyedCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keyed.certificate)


def usage(*, signs: bool = False, issues: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=not signs and not issues,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def made(
    subject: str,
    key: Key,
    issuer: tuple[x509.Certificate, Key] | None,
    change: Change,
    algorithm: hashes.SHA224 | hashes.SHA256 | None = None,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer[0].subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW)
        .not_valid_after(NOW + YEAR)
    )
    return change(builder).sign(issuer[1] if issuer else key, algorithm or hashes.SHA256())


def as_authority(path_length: int | None = None) -> Change:
    def change(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        return builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=path_length), critical=True
        ).add_extension(usage(issues=True), critical=True)

    return change


def as_signer(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder.add_extension(usage(signs=True), critical=True)


def p256() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_the_authority_is_self_signed_and_may_issue_end_certificates_only() -> None:
    certificate = read(authority())
    certificate.verify_directly_issued_by(certificate)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert certificate.not_valid_before_utc == NOW.replace(microsecond=0)
    assert certificate.not_valid_after_utc == (NOW + YEARS).replace(microsecond=0)


def test_the_signer_may_sign_documents_and_commit_to_them_and_nothing_else() -> None:
    root = authority()
    certificate = read(signer(root))
    certificate.verify_directly_issued_by(read(root))
    found = certificate.extensions
    allowed = found.get_extension_for_class(x509.KeyUsage).value
    assert (allowed.digital_signature, allowed.content_commitment) == (True, True)
    assert (allowed.key_cert_sign, allowed.crl_sign, allowed.key_encipherment) == (False,) * 3
    assert list(found.get_extension_for_class(x509.ExtendedKeyUsage).value) == [DOCUMENT_SIGNING]
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)


def test_the_serial_number_comes_from_the_given_randomness_and_is_positive() -> None:
    made_with = create_authority(
        "A", "B", now=NOW, valid_for=YEAR, random=lambda count: b"\xff" * count
    )
    number = read(made_with).serial_number
    assert number == int.from_bytes(b"\x01" + b"\xff" * 19, "big")
    assert number.bit_length() <= 159


def test_keys_do_not_show_in_representations() -> None:
    root = authority()
    credential = load_credential(signer(root), [root.certificate])
    assert "PRIVATE KEY" not in repr(root)
    assert "sign=" not in repr(credential)


def test_the_fingerprint_is_the_one_common_tools_show() -> None:
    root = authority()
    expected = read(root).fingerprint(hashes.SHA256()).hex().upper()
    assert certificate_fingerprint(root.certificate).replace(":", "") == expected


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_a_name_that_does_not_fit_a_certificate_is_refused(name: str) -> None:
    with pytest.raises(EvidenceError, match="common_name"):
        create_authority(name, "Example Bank", now=NOW, valid_for=YEAR, random=os.urandom)


def test_no_validity_at_all_is_refused() -> None:
    with pytest.raises(EvidenceError, match="valid_for"):
        create_authority("A", "B", now=NOW, valid_for=timedelta(0), random=os.urandom)


def test_a_signer_cannot_outlive_its_authority() -> None:
    root = create_authority("A", "B", now=NOW, valid_for=YEAR, random=os.urandom)
    with pytest.raises(EvidenceError, match="outlive"):
        issue_signer(root, "C", "B", now=NOW, valid_for=YEAR + timedelta(days=1), random=os.urandom)


def test_a_key_of_another_certificate_makes_no_credential() -> None:
    root = authority()
    mixed = KeyedCertificate(signer(root).certificate, signer(root).key)
    with pytest.raises(EvidenceError, match="does not belong"):
        load_credential(mixed, [root.certificate])


@pytest.mark.parametrize(
    "key", [b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
)
def test_a_broken_key_is_refused_without_quoting_it(key: bytes) -> None:
    with pytest.raises(EvidenceError, match="PEM private key") as caught:
        load_credential(KeyedCertificate(signer(authority()).certificate, key), [])
    assert "AAAA" not in str(caught.value)


def test_a_key_of_another_kind_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(EvidenceError, match="EC or RSA"):
        load_credential(KeyedCertificate(signer(authority()).certificate, pem), [])


def test_a_broken_certificate_is_refused() -> None:
    with pytest.raises(EvidenceError, match="certificate"):
        certificate_fingerprint(b"nothing")
    with pytest.raises(VerificationError, match="anchors"):
        read_certificates([b"nothing"])


def test_the_path_from_the_signer_ends_at_the_anchor() -> None:
    root = authority()
    path = check_chain(read(signer(root)), [], [read(root)], NOW)
    assert [readable_name(each) for each in path] == [
        "CN=Evidence signer,O=Example Bank",
        "CN=Attestry authority,O=Example Bank",
    ]


def test_an_authority_of_the_same_name_is_no_anchor() -> None:
    with pytest.raises(VerificationError, match="no trusted anchor"):
        check_chain(read(signer(authority())), [], [read(authority())], NOW)


def test_what_came_along_is_never_an_anchor() -> None:
    root = authority()
    with pytest.raises(VerificationError, match="no trusted anchor"):
        check_chain(read(signer(root)), [read(root)], [read(authority("Other"))], NOW)


@pytest.mark.parametrize("at", [NOW - timedelta(seconds=2), NOW + YEAR + timedelta(seconds=1)])
def test_a_certificate_out_of_its_time_is_refused(at: datetime) -> None:
    root = authority()
    with pytest.raises(VerificationError, match="is valid from"):
        check_chain(read(signer(root)), [], [read(root)], at)


def test_an_intermediate_that_came_along_is_used() -> None:
    top_key, middle_key, end_key = p256(), p256(), p256()
    top = made("top", top_key, None, as_authority())
    middle = made("middle", middle_key, (top, top_key), as_authority(0))
    end = made("end", end_key, (middle, middle_key), as_signer)
    assert check_chain(end, [middle], [top], NOW) == (end, middle, top)


def test_an_authority_that_may_have_none_below_it_is_held_to_that() -> None:
    top_key, middle_key = p256(), p256()
    top = made("top", top_key, None, as_authority(0))
    middle = made("middle", middle_key, (top, top_key), as_authority())
    end = made("end", p256(), (middle, middle_key), as_signer)
    with pytest.raises(VerificationError, match="may not have authorities below"):
        check_chain(end, [middle], [top], NOW)


def test_a_path_without_end_is_refused() -> None:
    keys = [p256() for _ in range(8)]
    path = [made("0", keys[0], None, as_authority())]
    for number in range(1, 8):
        above = (path[-1], keys[number - 1])
        path.append(made(str(number), keys[number], above, as_authority()))
    end = made("end", p256(), (path[-1], keys[-1]), as_signer)
    with pytest.raises(VerificationError, match="longer than"):
        check_chain(end, path[1:], path[:1], NOW)


def test_an_end_certificate_cannot_issue() -> None:
    top_key, middle_key = p256(), p256()
    top = made("top", top_key, None, as_authority())
    middle = made("middle", middle_key, (top, top_key), as_signer)
    end = made("end", p256(), (middle, middle_key), as_signer)
    with pytest.raises(VerificationError, match="not an authority"):
        check_chain(end, [middle], [top], NOW)


def test_an_authority_cannot_sign_documents() -> None:
    root = authority()
    with pytest.raises(VerificationError, match="not for signatures"):
        check_chain(read(root), [], [read(root)], NOW)
    key = p256()
    both = made(
        "both",
        key,
        None,
        lambda builder: as_signer(builder).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        ),
    )
    with pytest.raises(VerificationError, match="authority's"):
        check_chain(both, [], [both], NOW)


def test_a_certificate_for_something_else_cannot_sign_documents() -> None:
    key = p256()
    top = made("top", key, None, as_authority())
    web = made(
        "web",
        p256(),
        (top, key),
        lambda builder: as_signer(builder).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        ),
    )
    with pytest.raises(VerificationError, match="not for signing documents"):
        check_chain(web, [], [top], NOW)
    sealing = made(
        "sealing",
        p256(),
        (top, key),
        lambda builder: builder.add_extension(usage(), critical=True),
    )
    with pytest.raises(VerificationError, match="not for signatures"):
        check_chain(sealing, [], [top], NOW)


def test_a_critical_extension_nobody_here_understands_is_refused() -> None:
    key = p256()
    top = made("top", key, None, as_authority())
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    end = made(
        "end",
        p256(),
        (top, key),
        lambda builder: as_signer(builder).add_extension(odd, critical=True),
    )
    with pytest.raises(VerificationError, match=r"1\.2\.3\.4"):
        check_chain(end, [], [top], NOW)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - weak on purpose
        ec.generate_private_key(ec.SECP192R1()),
    ],
    ids=["RSA-1024", "P-192"],
)
def test_a_weak_key_is_refused(key: Key) -> None:
    top_key = p256()
    top = made("top", top_key, None, as_authority())
    with pytest.raises(VerificationError, match="too weak"):
        check_chain(made("end", key, (top, top_key), as_signer), [], [top], NOW)


def test_a_weak_hash_is_refused() -> None:
    top_key = p256()
    top = made("top", top_key, None, as_authority())
    end = made("end", p256(), (top, top_key), as_signer, hashes.SHA224())
    with pytest.raises(VerificationError, match="too weak"):
        check_chain(end, [], [top], NOW)


def test_an_rsa_key_signs_and_is_checked_too() -> None:
    top_key, end_key = p256(), rsa.generate_private_key(65537, 2048)
    top = made("top", top_key, None, as_authority())
    end = made("end", end_key, (top, top_key), as_signer)
    pem = end_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    keyed = KeyedCertificate(end.public_bytes(serialization.Encoding.PEM), pem)
    credential: SigningCredential = load_credential(keyed, [])
    assert check_chain(end, [], [top], NOW) == (end, top)
    check_signature(end, credential.sign(b"message"), b"message", "sha256")
    with pytest.raises(VerificationError, match="does not hold"):
        check_signature(end, credential.sign(b"message"), b"massage", "sha256")


def test_a_name_with_control_characters_is_printed_without_them() -> None:
    shown = readable_name(made("a\x1b[31m\nb", p256(), None, as_signer))
    assert shown == "CN=a?[31m?b"


def test_a_key_that_is_neither_ec_nor_rsa_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = p256()
    top = made("top", key, None, as_authority())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])
    end = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(top.subject)
        .public_key(Ed25519PrivateKey.generate().public_key())
        .serial_number(5)
        .not_valid_before(NOW)
        .not_valid_after(NOW + YEAR)
        .add_extension(usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    with pytest.raises(VerificationError, match="too weak"):
        check_chain(end, [], [top], NOW)
    with pytest.raises(VerificationError, match="neither EC nor RSA"):
        check_signature(end, b"x", b"x", "sha256")
