"""Revocation lists (RFC 5280, 5): making an empty one, reading them, and asking them.

They are what a signature carries to be judged by in many years (`evidence.longterm`). Strict: a
list that says more than is understood here, or that is not of its time, answers nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.certificates import KeyedCertificate
from evidence.chain import STRONG_HASHES, readable_name
from evidence.errors import EvidenceError, VerificationError
from evidence.said import said

MOST_LISTS: Final = 16
END: Final = b"-----END X509 CRL-----"


def issue_list(authority: KeyedCertificate, *, now: datetime, until: datetime) -> bytes:
    """Make an authority's list that revokes nothing.

    Args:
        authority: Whose list it is.
        now: From when it counts, aware.
        until: How long.

    Returns:
        The list, PEM.

    Raises:
        EvidenceError: The authority cannot be read.
    """
    try:
        certificate = x509.load_pem_x509_certificate(authority.certificate)
        key = serialization.load_pem_private_key(authority.key, password=None)
    except ValueError:
        raise EvidenceError("authority: not a PEM certificate with its key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise EvidenceError("authority: give one with an EC or RSA key")
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(now.replace(microsecond=0))
        .next_update(until.replace(microsecond=0))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )


def read_lists(pem: bytes) -> tuple[bytes, ...]:
    """Read the revocation lists of a PEM text.

    Args:
        pem: The text; what stands around the lists is passed over.

    Returns:
        The lists, DER, in order.

    Raises:
        EvidenceError: One is broken, or there are too many.
    """
    parts = [part + END for part in pem.split(END)[:-1]]
    if len(parts) > MOST_LISTS:
        raise EvidenceError(f"lists: give {MOST_LISTS} revocation lists at most")
    try:
        return tuple(x509.load_pem_x509_crl(each).public_bytes(Encoding.DER) for each in parts)
    except (ValueError, x509.InvalidVersion) as error:
        raise EvidenceError("lists: not revocation lists as PEM") from error


def find_list(
    certificate: x509.Certificate, issuer: x509.Certificate, lists: Sequence[bytes], at: datetime
) -> bytes:
    """Find the list by which a certificate was not revoked.

    Args:
        certificate: Which one.
        issuer: Who issued it, and signs the list.
        lists: DER.
        at: When, aware.

    Returns:
        The list.

    Raises:
        VerificationError: None of them is the issuer's and of that time, or it names the
            certificate.
    """
    name = readable_name(certificate)
    for each in lists:
        found = _load(each)
        if found.issuer != issuer.subject or not _is_signed(found, issuer):
            continue
        if not _is_of_time(found, at):
            continue
        if found.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise VerificationError(
                said("the certificate of %(name)s was revoked by its issuer", name=name)
            )
        return each
    raise VerificationError(
        said(
            "no revocation list of %(name)s that counts at %(at)s tells of the "
            "certificate of %(name_2)s",
            name=readable_name(issuer),
            at=at.isoformat(),
            name_2=name,
        )
    )


def _load(der: bytes) -> x509.CertificateRevocationList:
    """Read all of a list that is asked for later: the library reads each part when it is asked."""
    try:
        found = x509.load_der_x509_crl(der)
        extensions = list(found.extensions)
        found.issuer, found.last_update_utc, found.signature_hash_algorithm, list(found)
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise VerificationError("a revocation list cannot be read") from error
    if any(each.critical for each in extensions):  # a delta list, or one for a part of them
        raise VerificationError("a revocation list has a critical extension not understood here")
    return found


def _is_signed(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return False
    is_strong = isinstance(found.signature_hash_algorithm, STRONG_HASHES)
    return is_strong and found.is_signature_valid(key)


def _is_of_time(found: x509.CertificateRevocationList, at: datetime) -> bool:
    until = found.next_update_utc
    return until is not None and found.last_update_utc <= at <= until
