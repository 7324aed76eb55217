"""CMS signatures: the CAdES one of the container, and the check of it and of the PDF's.

Promise: a verdict in milliseconds and without a PDF library, and no way around it. The signature's
own bytes are held to one encoding, so that not one byte of it can change unnoticed, and hostile
input ends in `ok=False`. What is checked: ETSI EN 319 122-1 baseline B (content type, message
digest, ESS signing-certificate-v2), RFC 5652, the path to an anchor, usage and validity.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import algos, cms, core, tsp  # type: ignore[import-untyped]
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.asic import AsicFile, asic_manifest, parse_asic_manifest
from evidence.certificates import SigningCredential
from evidence.chain import check_chain, check_signature, read_certificates, readable_name
from evidence.der import check_der, value_end
from evidence.errors import VerificationError
from evidence.pdf.byterange import find_gap
from evidence.stamps import check_token

__all__ = [
    "AsicFile",
    "SignatureStatus",
    "asic_manifest",
    "parse_asic_manifest",
    "sign_detached",
    "verify_detached",
    "verify_pdf",
]

LARGEST_CMS: Final = 1 << 20
HASH_NAMES: Final = frozenset({"sha256", "sha384", "sha512"})
TWO_DIGIT_YEARS_END: Final = 2050
STAMP: Final = "signature_time_stamp_token"
Stamper = Callable[[bytes], bytes]
Anchors = tuple[Sequence[bytes], Sequence[bytes]]  # of signers, and more of time-stamps


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """What became of checking a signature.

    Attributes:
        ok: Whether everything about it holds.
        detail: One sentence: what holds and what it does not tell, or what failed.
        signer: The subject of the signer's certificate; empty unless `ok`.
    """

    ok: bool
    detail: str
    signer: str


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
    algorithm = _algorithm(x509.load_der_x509_certificate(credential.certificate), "sha256")
    certificates = [credential.certificate, *credential.issuers]
    token = None if stamp is None else stamp(hashlib.sha256(signature).digest())
    return _assemble(attributes, signature, certificates, ("sha256", algorithm), token)


def add_stamp(signed: cms.ContentInfo, stamp: Stamper) -> None:
    """Put a time-stamp beside a signature that was made elsewhere (ETSI EN 319 122-1, 5.3).

    Args:
        signed: The CMS, changed in place.
        stamp: SHA-256 of the signature in, TimeStampToken out.
    """
    info = signed["content"]["signer_infos"][0]
    token = stamp(hashlib.sha256(info["signature"].native).digest())
    info["unsigned_attrs"] = _stamped(token)


def verify_detached(
    content: bytes,
    p7s: bytes,
    anchors: Sequence[bytes],
    at: datetime,
    stamp_anchors: Sequence[bytes] = (),
) -> SignatureStatus:
    """Check a detached CAdES signature.

    Args:
        content: What should be signed.
        p7s: The CMS, DER, nothing after it.
        anchors: Trusted certificates, PEM.
        at: The time the certificates are judged at without a time-stamp, aware.
        stamp_anchors: Certificates trusted for time-stamps as well, PEM.

    Returns:
        Whether it holds; hostile input is `ok=False` and never raises.
    """
    trusted = (anchors, stamp_anchors)
    return _status(lambda: _check([content], p7s, trusted, at, claims_time=True))


def verify_pdf(
    pdf: bytes, anchors: Sequence[bytes], at: datetime, stamp_anchors: Sequence[bytes] = ()
) -> SignatureStatus:
    """Check the one PAdES signature of a PDF of one revision, covering the whole file.

    Args:
        pdf: The file.
        anchors: Trusted certificates, PEM.
        at: The time the certificates are judged at without a time-stamp, aware.
        stamp_anchors: Certificates trusted for time-stamps as well, PEM.

    Returns:
        Whether it holds; hostile input is `ok=False` and never raises.
    """
    return _status(lambda: _check_pdf(pdf, (anchors, stamp_anchors), at))


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


def _assemble(
    attributes: cms.CMSAttributes,
    signature: bytes,
    certificates: Sequence[bytes],
    algorithms: tuple[str, str],
    token: bytes | None = None,
) -> bytes:
    """Put a SignedData together; the first certificate is the signer's.

    Both sides use it: a signature is accepted only if its parts, put together here, give its bytes.
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


def _algorithm(certificate: x509.Certificate, digest: str) -> str:
    """Name the one way a key signs here."""
    is_ec = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    return f"{digest}_ecdsa" if is_ec else f"{digest}_rsa"


def _status(check: Callable[[], SignatureStatus]) -> SignatureStatus:
    """Turn every refusal into a status.

    Parsers of hostile bytes fail in more ways than they promise (asn1crypto: ValueError, TypeError,
    KeyError, OverflowError, RecursionError…). Whatever they raise means the same here: not
    verified. So everything is caught, here alone, and the kind of failure is told.
    """
    try:
        return check()
    except VerificationError as refusal:
        return SignatureStatus(ok=False, detail=str(refusal), signer="")
    except Exception as failure:  # noqa: BLE001
        kind = type(failure).__name__
        return SignatureStatus(ok=False, detail=f"the signature cannot be read ({kind})", signer="")


def _check_pdf(pdf: bytes, anchors: Anchors, at: datetime) -> SignatureStatus:
    gap = find_gap(pdf)
    whole = memoryview(pdf)
    end = value_end(gap.contents)
    if gap.contents[end:].strip(b"\0"):
        raise VerificationError("the padding after the PDF's signature is not all zero")
    around = [whole[: gap.start], whole[gap.end :]]
    return _check(around, gap.contents[:end], anchors, at, claims_time=False)


def _check(
    stretches: Sequence[bytes | memoryview],
    p7s: bytes,
    anchors: Anchors,
    at: datetime,
    *,
    claims_time: bool,
) -> SignatureStatus:
    """Check one CMS over some stretches of bytes.

    A CAdES signature claims its time in an attribute; PAdES forbids that one and uses the PDF's
    own /M (ETSI EN 319 142-1, 6.3).
    """
    signed, info = _read(p7s)
    attributes = _signed_bytes(info)
    embedded = _certificates(signed)
    signer = _signer(info, embedded)
    digest, token = _hash_name(info, signer), _token(info)
    order = [signer, *(each for each in embedded if each != signer)]
    _check_form(p7s, info, attributes, order, (digest, token))
    _check_attributes(attributes, stretches, digest, signer, claims_time=claims_time)
    check_signature(signer, info["signature"].native, attributes, digest)
    trusted, for_stamps = (read_certificates(each) for each in anchors)
    said = "no time-stamp: the time is the signer's own word"
    if token is not None:
        at, authority = check_token(token, info["signature"].native, [*trusted, *for_stamps])
        said = f"time-stamped by {authority}"
    path = check_chain(signer, embedded, trusted, at)
    if any(each not in path for each in embedded):
        raise VerificationError("the signature carries a certificate that is not on its path")
    name = readable_name(signer)
    detail = (
        f"signed by {name}, certified by {readable_name(path[-1])}, judged at {at.isoformat()}; "
        f"{said}"
    )
    return SignatureStatus(ok=True, detail=detail, signer=name)


def _read(p7s: bytes) -> tuple[cms.SignedData, cms.SignerInfo]:
    """Parse, and refuse all that could be said in another way or is not under the signature."""
    if len(p7s) > LARGEST_CMS:
        raise VerificationError("the signature is too large to be one")
    check_der(p7s)
    outer = cms.ContentInfo.load(p7s, strict=True)
    if outer["content_type"].native != "signed_data":
        raise VerificationError("this is not a CMS signature")
    signed = outer["content"]
    if len(signed["signer_infos"]) != 1:
        raise VerificationError("the signature has not exactly one signer")
    info = signed["signer_infos"][0]
    _check_envelope(signed, info)
    return signed, info


def _check_envelope(signed: cms.SignedData, info: cms.SignerInfo) -> None:
    inner = signed["encap_content_info"]
    if inner["content_type"].native != "data" or inner["content"].native is not None:
        raise VerificationError("the signature is not a detached one over data")
    if not _is_present(info["signed_attrs"]):
        raise VerificationError("the signature has no signed attributes")
    if signed["version"].native != "v1" or info["version"].native != "v1":
        raise VerificationError("the signature is not of version 1")
    kinds = [each["type"].native for each in info["unsigned_attrs"] or ()]
    if _is_present(signed["crls"]) or kinds not in ([], [STAMP]):
        raise VerificationError(
            "the signature carries something it does not sign (revocation lists, unsigned "
            "attributes), which is not accepted here; but one time-stamp is"
        )


def _token(info: cms.SignerInfo) -> bytes | None:
    """Give the one time-stamp of the signature, if it has one."""
    if not _is_present(info["unsigned_attrs"]):
        return None
    values = info["unsigned_attrs"][0]["values"]
    if len(values) != 1:
        raise VerificationError("the signature has not exactly one time-stamp")
    return bytes(values[0].dump())


def _is_present(field: Any) -> bool:
    return not isinstance(field, core.Void)


def _certificates(signed: cms.SignedData) -> tuple[x509.Certificate, ...]:
    choices = signed["certificates"]
    if not _is_present(choices):
        raise VerificationError("the signature does not carry its signer's certificate")
    if any(each.name != "certificate" for each in choices):
        raise VerificationError("the signature carries something that is no X.509 certificate")
    if any(each.chosen.serial_number <= 0 for each in choices):  # RFC 5280, 4.1.2.2
        raise VerificationError("the signature carries a certificate without a positive number")
    encoded = [each.chosen.dump() for each in choices]
    if sorted(set(encoded)) != encoded:
        raise VerificationError("the signature's certificates are not a set in order")
    return tuple(x509.load_der_x509_certificate(each) for each in encoded)


def _signer(info: cms.SignerInfo, embedded: Sequence[x509.Certificate]) -> x509.Certificate:
    named = info["sid"]
    if named.name != "issuer_and_serial_number":
        raise VerificationError("the signature does not name its signer by issuer and serial")
    issuer, serial = named.chosen["issuer"].dump(), named.chosen["serial_number"].native
    for each in embedded:
        if each.issuer.public_bytes() == issuer and each.serial_number == serial:
            return each
    raise VerificationError("the signature does not carry its signer's certificate")


def _hash_name(info: cms.SignerInfo, signer: x509.Certificate) -> str:
    """Tell the hash, after the algorithms named were found to be those of the signer's key."""
    digest = str(info["digest_algorithm"]["algorithm"].native)
    signature = str(info["signature_algorithm"]["algorithm"].native)
    if digest not in HASH_NAMES or signature != _algorithm(signer, digest):
        raise VerificationError(f"the algorithms {signature} and {digest} are not accepted")
    return digest


def _check_form(
    p7s: bytes,
    info: cms.SignerInfo,
    attributes: bytes,
    certificates: Sequence[x509.Certificate],
    said: tuple[str, bytes | None],
) -> None:
    """Refuse a signature that says the same in other bytes, or says more than we have read.

    Parsers pass over what they do not know (asn1crypto: whatever follows the last field). Made
    anew from the parts we read, the signature must be the one we were given; so each of its bytes
    is the signer's, or a consequence of the signer's.
    """
    digest, token = said
    again = _assemble(
        cms.CMSAttributes.load(attributes),
        info["signature"].native,
        [each.public_bytes(Encoding.DER) for each in certificates],
        (digest, _algorithm(certificates[0], digest)),
        token,
    )
    if again != p7s:
        raise VerificationError("the signature is not in its one form, or carries something more")


def _signed_bytes(info: cms.SignerInfo) -> bytes:
    """The attributes as they were signed: a SET OF, not the implicit tag (RFC 5652, 5.4).

    To be asked for before anything else is: reading a value makes asn1crypto write it anew.
    """
    return b"\x31" + bytes(info["signed_attrs"].dump())[1:]


def _check_attributes(
    signed_bytes: bytes,
    stretches: Sequence[bytes | memoryview],
    digest: str,
    signer: x509.Certificate,
    *,
    claims_time: bool,
) -> None:
    values = _attributes(signed_bytes)
    hasher = hashlib.new(digest)
    for stretch in stretches:
        hasher.update(stretch)
    if values.get("content_type") is None or values["content_type"].native != "data":
        raise VerificationError("the signature does not say that it is over data")
    if values.get("message_digest") is None:
        raise VerificationError("the signature has no digest of the content")
    if values["message_digest"].native != hasher.digest():
        raise VerificationError("the content is not what was signed: its digest differs")
    if ("signing_time" in values) != claims_time:
        raise VerificationError("the signature's time is not where its kind keeps it")
    _check_ess(values.get("signing_certificate_v2"), signer)


def _attributes(signed_bytes: bytes) -> dict[str, Any]:
    attributes = cms.CMSAttributes.load(signed_bytes)
    kinds = [str(each["type"].native) for each in attributes]
    if len(set(kinds)) != len(kinds) or any(len(each["values"]) != 1 for each in attributes):
        raise VerificationError("a signed attribute comes twice")
    return {kind: each["values"][0] for kind, each in zip(kinds, attributes, strict=True)}


def _check_ess(attribute: tsp.SigningCertificateV2 | None, signer: x509.Certificate) -> None:
    """Without this one, another certificate for the same key could be put in its place."""
    if attribute is None:
        raise VerificationError("the signature does not bind its signer's certificate")
    first = attribute["certs"][0]
    name = str(first["hash_algorithm"]["algorithm"].native)
    if name not in HASH_NAMES:
        raise VerificationError("the signature binds its certificate by a hash not accepted here")
    if first["cert_hash"].native != hashlib.new(name, signer.public_bytes(Encoding.DER)).digest():
        raise VerificationError("the signature was made with another certificate")
