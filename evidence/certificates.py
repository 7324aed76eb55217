"""The certificates behind PDF and CMS signatures: making them and loading them.

An instance makes its own small authority and one signer certificate when it is set up, or is given
a pair by its owner's authority. Nothing here reads a clock, a file or the network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from evidence.errors import EvidenceError

RandomBytes = Callable[[int], bytes]
"""A source of randomness: a number of bytes in, that many bytes out (`os.urandom`)."""

DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336, section 3
SERIAL_BYTES: Final = 19  # RFC 5280, 4.1.2.2: at most 20 octets, and positive

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class KeyedCertificate:
    """A certificate with its private key, as `create_authority` and `issue_signer` make them.

    Attributes:
        certificate: The certificate, PEM.
        key: The private key, PKCS #8 PEM, not encrypted: seal it before you store it.
    """

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningCredential:
    """Everything a signature needs. The key may live elsewhere: only `sign` touches it.

    Attributes:
        certificate: The signer's certificate, DER.
        issuers: Its issuers, DER, nearest first; the last one is the anchor.
        sign: Bytes in, signature over their SHA-256 out: DER ECDSA for an EC key, PKCS #1 v1.5 for
            an RSA key. This is the place of a PKCS #11 token or a key service.
    """

    certificate: bytes
    issuers: tuple[bytes, ...]
    sign: Callable[[bytes], bytes] = field(repr=False)


def create_authority(
    common_name: str,
    organization: str,
    *,
    now: datetime,
    valid_for: timedelta,
    random: RandomBytes,
) -> KeyedCertificate:
    """Make a self-signed authority (P-256) that may only issue end certificates.

    Args:
        common_name: What people will see as the anchor's name, 1 to 64 characters.
        organization: Whose authority it is, 1 to 64 characters.
        now: Begin of validity, aware.
        valid_for: How long it is good.
        random: Where the serial number comes from; the key comes from the system's own source.

    Returns:
        The authority's certificate and key.

    Raises:
        EvidenceError: A name is empty or too long, or the validity is no time at all.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name, organization)
    builder = _begin(name, name, key.public_key(), now=now, valid_for=valid_for, random=random)
    certificate = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(issues_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _keyed(certificate, key)


def issue_signer(
    authority: KeyedCertificate,
    common_name: str,
    organization: str,
    *,
    now: datetime,
    valid_for: timedelta,
    random: RandomBytes,
) -> KeyedCertificate:
    """Make a document signer's key (P-256) and have the authority certify it.

    The certificate is for digitalSignature and contentCommitment (RFC 5280, 4.2.1.3) and for
    signing documents (RFC 9336).

    Args:
        authority: Whose certificate and key sign, from `create_authority`.
        common_name: The signer's name as documents show it, 1 to 64 characters.
        organization: Whose signer it is, 1 to 64 characters.
        now: Begin of validity, aware.
        valid_for: How long it is good; must end no later than the authority.
        random: Where the serial number comes from.

    Returns:
        The signer's certificate and key.

    Raises:
        EvidenceError: A name or the validity does not fit, or the authority cannot be read.
    """
    issuer = _one(authority.certificate)
    issuer_key = _load_key(authority.key)
    if now + valid_for > issuer.not_valid_after_utc:
        raise EvidenceError(
            f"valid_for: the signer would outlive its authority, which ends on "
            f"{issuer.not_valid_after_utc:%Y-%m-%d}; give a shorter time or a new authority"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name, organization)
    begun = _begin(
        name, issuer.subject, key.public_key(), now=now, valid_for=valid_for, random=random
    )
    aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    certificate = (
        begun.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(issues_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
        .add_extension(aki, critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return _keyed(certificate, key)


def load_credential(signer: KeyedCertificate, issuers: Sequence[bytes]) -> SigningCredential:
    """Make a credential from a key held in memory.

    Args:
        signer: The signer's certificate and key.
        issuers: The certificates above it, PEM, nearest first.

    Returns:
        The credential, whose `sign` uses the key.

    Raises:
        EvidenceError: Something cannot be read, or key and certificate do not belong together.
    """
    certificate = _one(signer.certificate)
    key = _load_key(signer.key)
    if certificate.public_key() != key.public_key():
        raise EvidenceError(
            "signer: this key does not belong to this certificate; give the pair as it was issued"
        )
    above = tuple(_one(pem).public_bytes(Encoding.DER) for pem in issuers)
    return SigningCredential(
        certificate.public_bytes(Encoding.DER), above, lambda message: _sign(key, message)
    )


def certificate_fingerprint(pem: bytes) -> str:
    """Tell a certificate's fingerprint, as `openssl x509 -fingerprint -sha256` shows it.

    Args:
        pem: One PEM certificate.

    Returns:
        The SHA-256 of its DER, in upper-case hex pairs with colons.

    Raises:
        EvidenceError: It cannot be read.
    """
    return _one(pem).fingerprint(hashes.SHA256()).hex(":").upper()


def _name(common_name: str, organization: str) -> x509.Name:
    try:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
                x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            ]
        )
    except ValueError as error:
        raise EvidenceError("common_name, organization: give 1 to 64 characters each") from error


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    *,
    now: datetime,
    valid_for: timedelta,
    random: RandomBytes,
) -> x509.CertificateBuilder:
    if valid_for < timedelta(days=1):
        raise EvidenceError("valid_for: give at least one day")
    ski = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(int.from_bytes(b"\x01" + random(SERIAL_BYTES), "big"))
        .not_valid_before(now.replace(microsecond=0))
        .not_valid_after((now + valid_for).replace(microsecond=0))
        .add_extension(ski, critical=False)
    )


def _key_usage(*, issues_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not issues_certificates,
        content_commitment=not issues_certificates,
        key_cert_sign=issues_certificates,
        crl_sign=issues_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _keyed(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyedCertificate:
    return KeyedCertificate(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(
            Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _one(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise EvidenceError("certificate: not a PEM certificate") from error


def _load_key(pem: bytes) -> Key:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is left out: a parser's words may quote what it could not read.
        raise EvidenceError("key: not an unencrypted PEM private key") from None
    if not isinstance(key, Key):
        raise EvidenceError("key: give an EC or RSA key")
    return key


def _sign(key: Key, message: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256()))
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
