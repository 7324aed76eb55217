"""From a signer's certificate to an anchor, and from a certificate's key to a signature.

A small part of RFC 5280, section 6, and strict: what is not understood is refused. Nothing here
asks for revocation: lists travel beside a signature and are judged there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from evidence.certificates import DOCUMENT_SIGNING
from evidence.errors import VerificationError
from evidence.said import said

Extension = TypeVar("Extension", bound=x509.ExtensionType)

SIGNER_PURPOSES: Final = frozenset(
    {
        DOCUMENT_SIGNING,
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }
)
UNDERSTOOD_EXTENSIONS: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
STRONG_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
STRONG_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
LEAST_RSA_BITS: Final = 2048
LONGEST_PATH: Final = 5


def read_certificates(pems: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    """Read every certificate of some PEM texts.

    Args:
        pems: PEM texts, each with one or more certificates.

    Returns:
        The certificates, in order.

    Raises:
        VerificationError: A text holds no certificate, or a broken one.
    """
    try:
        return tuple(found for pem in pems for found in x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise VerificationError(
            "anchors: not a PEM certificate; give the text between BEGIN and END CERTIFICATE"
        ) from error


def check_chain(
    signer: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    at: datetime,
    *,
    is_stamping: bool = False,
) -> tuple[x509.Certificate, ...]:
    """Follow a signer's certificate to an anchor (RFC 5280, section 6, without policies).

    Args:
        signer: The end certificate; its usage must allow signing documents.
        others: What came with the signature; may help, is never trusted.
        anchors: What the verifier trusts.
        at: The time the certificates are judged at, aware.
        is_stamping: It must be for time-stamps and nothing else (RFC 3161, 2.3), not documents.

    Returns:
        The path, from the signer to the anchor.

    Raises:
        VerificationError: There is no path, or a certificate on it is out of its time, too weak,
            not allowed to do what it did, or has critical extensions we do not understand.
    """
    if at.utcoffset() is None:
        raise VerificationError("at: give a time with its zone to judge certificates at")
    (_check_may_stamp if is_stamping else _check_may_sign)(signer)
    path = [signer]
    while len(path) <= LONGEST_PATH:
        _check_fit(path[-1], at)
        anchor = _issuer_of(path[-1], anchors)
        issuer = anchor or _issuer_of(path[-1], [each for each in others if each not in path])
        if issuer is None:
            raise VerificationError(
                said(
                    "the certificate of %(name)s leads to no trusted anchor",
                    name=readable_name(path[-1]),
                )
            )
        _check_may_issue(issuer, below=len(path) - 1)
        path.append(issuer)
        if anchor is not None:
            _check_fit(anchor, at)
            return tuple(path)
    raise VerificationError(
        said("the certificate path is longer than %(longest_path)s", longest_path=LONGEST_PATH)
    )


def check_signature(
    certificate: x509.Certificate, signature: bytes, message: bytes, algorithm: str
) -> None:
    """Check one signature with a certificate's key.

    Args:
        certificate: Whose key it should be.
        signature: DER ECDSA or PKCS #1 v1.5.
        message: What was signed.
        algorithm: Name of the hash: sha256, sha384 or sha512.

    Raises:
        VerificationError: It is not that key's signature over that message.
    """
    chosen = HASHES[algorithm]
    key = certificate.public_key()
    try:
        match key:
            case ec.EllipticCurvePublicKey():
                key.verify(signature, message, ec.ECDSA(chosen))
            case rsa.RSAPublicKey():
                key.verify(signature, message, padding.PKCS1v15(), chosen)
            case _:
                raise VerificationError("the signer's key is neither EC nor RSA")
    except InvalidSignature:
        raise VerificationError("the signature does not hold") from None


def readable_name(certificate: x509.Certificate) -> str:
    """Tell a certificate's subject so that it can be printed anywhere.

    Args:
        certificate: Any certificate, also a hostile one.

    Returns:
        RFC 4514 text, at most 200 characters, without control characters.
    """
    text = certificate.subject.rfc4514_string()
    return "".join(each if each.isprintable() else "?" for each in text)[:200]


def _issuer_of(
    certificate: x509.Certificate, candidates: Sequence[x509.Certificate]
) -> x509.Certificate | None:
    return next((each for each in candidates if _issued(each, certificate)), None)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _check_fit(certificate: x509.Certificate, at: datetime) -> None:
    """Refuse a certificate that is out of its time, too weak, or says more than we understand."""
    name = readable_name(certificate)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= at <= end:
        raise VerificationError(
            said(
                "the certificate of %(name)s is valid from %(begin)s to %(end)s, not at %(at)s",
                name=name,
                begin=f"{begin:%Y-%m-%dT%H:%M:%SZ}",
                end=f"{end:%Y-%m-%dT%H:%M:%SZ}",
                at=at.isoformat(),
            )
        )
    if not _is_strong(certificate):
        raise VerificationError(
            said("the key or hash in the certificate of %(name)s is too weak", name=name)
        )
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in UNDERSTOOD_EXTENSIONS:
            raise VerificationError(
                said(
                    "the certificate of %(name)s has a critical extension that is not "
                    "understood here: %(dotted_string)s",
                    name=name,
                    dotted_string=extension.oid.dotted_string,
                )
            )


def _is_strong(certificate: x509.Certificate) -> bool:
    if not isinstance(certificate.signature_hash_algorithm, STRONG_HASHES):
        return False
    match certificate.public_key():
        case ec.EllipticCurvePublicKey(curve=curve):
            return isinstance(curve, STRONG_CURVES)
        case rsa.RSAPublicKey(key_size=bits):
            return bits >= LEAST_RSA_BITS
        case _:
            return False


def _check_may_sign(certificate: x509.Certificate) -> None:
    """Key usage is needed (RFC 9336 section 4 asks for it); extended usage only if it is there."""
    name = readable_name(certificate)
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        raise VerificationError(
            said("the certificate of %(name)s is not for signatures", name=name)
        )
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if purposes is not None and SIGNER_PURPOSES.isdisjoint(purposes):
        raise VerificationError(
            said("the certificate of %(name)s is not for signing documents", name=name)
        )
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        raise VerificationError(
            said("the certificate of %(name)s is an authority's, not a signer's", name=name)
        )


def _check_may_stamp(certificate: x509.Certificate) -> None:
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if purposes is None or list(purposes) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise VerificationError(
            said(
                "the certificate of %(name)s is not for time-stamps alone",
                name=readable_name(certificate),
            )
        )


def _check_may_issue(certificate: x509.Certificate, *, below: int) -> None:
    name = readable_name(certificate)
    constraints = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    if constraints is None or not constraints.ca or usage is None or not usage.key_cert_sign:
        raise VerificationError(
            said("%(name)s is not an authority that may issue certificates", name=name)
        )
    if constraints.path_length is not None and below > constraints.path_length:
        raise VerificationError(said("%(name)s may not have authorities below it", name=name))


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
