"""Making CMS signatures: the CAdES one of the container, and what of it the PDF's shares.

ETSI EN 319 122-1, baseline B or, with an authority's time-stamp, T. `evidence.cms` checks what is
made here, and puts a signature together anew by `assemble` to see that it says nothing more.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from asn1crypto import algos, cms, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.certificates import SigningCredential

TWO_DIGIT_YEARS_END: Final = 2050
STAMP: Final = "signature_time_stamp_token"
Stamper = Callable[[bytes], bytes]


def sign_detached(
    content: bytes,
    credential: SigningCredential,
    signed_at: datetime,
    stamp: Stamper | None = None,
) -> bytes:
    """Sign bytes without enclosing them: CAdES baseline B, or T (ETSI EN 319 122-1, 6).

    Args:
        content: What is signed, in a bundle `META-INF/ASiCManifest001.xml`.
        credential: Who signs.
        signed_at: The time claimed in the signature, aware; kept to the second.
        stamp: SHA-256 of the signature in, TimeStampToken out: baseline T.

    Returns:
        A CMS SignedData, DER, for `META-INF/signature001.p7s`.

    Raises:
        EvidenceError: The credential's key is of a kind that cannot be used.
    """
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "data"),
            _attribute("signing_time", _claimed_time(signed_at)),
            _attribute("message_digest", hashlib.sha256(content).digest()),
            _attribute("signing_certificate_v2", _ess_certificate(credential.certificate)),
        ]
    )
    signature = credential.sign(attributes.dump())
    algorithm = algorithm_of(x509.load_der_x509_certificate(credential.certificate), "sha256")
    certificates = [credential.certificate, *credential.issuers]
    token = None if stamp is None else stamp(hashlib.sha256(signature).digest())
    return assemble(attributes, signature, certificates, ("sha256", algorithm), token)


def add_stamp(signed: cms.ContentInfo, stamp: Stamper) -> None:
    """Put a time-stamp beside a signature that was made elsewhere (ETSI EN 319 122-1, 5.3).

    Args:
        signed: The CMS, changed in place.
        stamp: SHA-256 of the signature in, TimeStampToken out.
    """
    info = signed["content"]["signer_infos"][0]
    token = stamp(hashlib.sha256(info["signature"].native).digest())
    info["unsigned_attrs"] = _stamped(token)


def _attribute(kind: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": [value]})


def _claimed_time(at: datetime) -> cms.Time:
    """Years from 2050 on are written out (RFC 5652, 11.3)."""
    form = "utc_time" if at.astimezone(UTC).year < TWO_DIGIT_YEARS_END else "generalized_time"
    return cms.Time({form: at.astimezone(UTC).replace(microsecond=0)})


def _ess_certificate(certificate: bytes) -> tsp.SigningCertificateV2:
    """Bind the signature to one certificate (RFC 5035); SHA-256 is the default and left out."""
    identifier = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(certificate).digest()})
    return tsp.SigningCertificateV2({"certs": [identifier]})


def assemble(
    attributes: cms.CMSAttributes,
    signature: bytes,
    certificates: Sequence[bytes],
    algorithms: tuple[str, str],
    token: bytes | None = None,
) -> bytes:
    """Put a SignedData together.

    Both sides use it: a signature is accepted only if its parts, put together here, give its bytes.

    Args:
        attributes: What was signed.
        signature: Over them.
        certificates: DER; the first one is the signer's.
        algorithms: Of the digest, and of the signature.
        token: A TimeStampToken, DER, over the signature.

    Returns:
        The CMS, DER.
    """
    embedded = [asn1_x509.Certificate.load(each) for each in certificates]
    digest = algos.DigestAlgorithm({"algorithm": algorithms[0]})
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.IssuerAndSerialNumber(
                {"issuer": embedded[0].issuer, "serial_number": embedded[0].serial_number}
            ),
            "digest_algorithm": digest,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": algorithms[1]},
            "signature": signature,
        }
    )
    if token is not None:
        signer["unsigned_attrs"] = _stamped(token)
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [digest],
            "encap_content_info": {"content_type": "data"},
            "certificates": embedded,
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _stamped(token: bytes) -> cms.CMSAttributes:
    attribute = {"type": STAMP, "values": [cms.ContentInfo.load(token)]}
    return cms.CMSAttributes([cms.CMSAttribute(attribute)])


def algorithm_of(certificate: x509.Certificate, digest: str) -> str:
    """Name the one way a certificate's key signs here, with a hash of that name."""
    is_ec = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    return f"{digest}_ecdsa" if is_ec else f"{digest}_rsa"
