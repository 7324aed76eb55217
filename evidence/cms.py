"""Checking CMS signatures: the container's CAdES one and the PDF's.

Promise: a verdict in milliseconds and without a PDF library, and no way around it. The signature's
own bytes are held to one encoding, so that not one byte of it can change unnoticed, and hostile
input ends in `ok=False`. What is checked: ETSI EN 319 122-1 baseline B (content type, message
digest, ESS signing-certificate-v2), RFC 5652, the path to an anchor, usage and validity.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asn1crypto import cms, core, tsp  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.cades import STAMP, algorithm_of, assemble
from evidence.chain import check_chain, check_signature, read_certificates, readable_name
from evidence.der import check_der, value_end
from evidence.errors import VerificationError
from evidence.longterm import BASIC, LASTING, STAMPED, judge
from evidence.pdf.byterange import find_gap
from evidence.pdf.lasting import read_lasting, sealed_end
from evidence.said import Said, in_a_row, said, told_by
from evidence.stamps import Stamp, check_token

LARGEST_CMS: Final = 1 << 20
HASH_NAMES: Final = frozenset({"sha256", "sha384", "sha512"})
Anchors = tuple[Sequence[bytes], Sequence[bytes]]  # of signers, and more of time-stamps


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """What became of checking a signature.

    Attributes:
        ok: Whether everything about it holds.
        detail: One sentence: what holds and what it does not tell, or what failed.
        signer: The subject of the signer's certificate; empty unless `ok`.
        level: Its baseline level, B-B, B-T or B-LTA; empty unless `ok`.
    """

    ok: bool
    detail: Said
    signer: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A signature that holds.

    Attributes:
        path: The signer's certificates, from its own to the anchor.
        at: When they were judged.
        stamp: The time-stamp over it, if there is one.
    """

    path: tuple[x509.Certificate, ...]
    at: datetime
    stamp: Stamp | None

    @property
    def paths(self) -> list[tuple[x509.Certificate, ...]]:
        """Every path there is."""
        return [self.path, self.stamp.path] if self.stamp else [self.path]


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
    return _status(lambda: _told(_check([content], p7s, trusted, at, claims_time=True)))


def verify_pdf(
    pdf: bytes, anchors: Sequence[bytes], at: datetime, stamp_anchors: Sequence[bytes] = ()
) -> SignatureStatus:
    """Check the one PAdES signature of a PDF of one revision, covering the whole file.

    After that revision may only follow what makes it last: a store of certificates and revocation
    lists and a document time-stamp, in the one form of `evidence.pdf.lasting`.

    Args:
        pdf: The file.
        anchors: Trusted certificates, PEM.
        at: The time the certificates are judged at without a time-stamp, aware.
        stamp_anchors: Certificates trusted for time-stamps as well, PEM.

    Returns:
        Whether it holds; hostile input is `ok=False` and never raises.
    """
    return _status(lambda: _check_pdf(pdf, (anchors, stamp_anchors), at))


def _status(check: Callable[[], SignatureStatus]) -> SignatureStatus:
    """Turn every refusal into a status.

    Parsers of hostile bytes fail in more ways than they promise (asn1crypto: ValueError, TypeError,
    KeyError, OverflowError, RecursionError…). Whatever they raise means the same here: not
    verified. So everything is caught, here alone, and the kind of failure is told.
    """
    try:
        return check()
    except VerificationError as refusal:
        return SignatureStatus(ok=False, detail=told_by(refusal), signer="")
    except Exception as failure:  # noqa: BLE001
        kind = type(failure).__name__
        detail = said("the signature cannot be read (%(kind)s)", kind=kind)
        return SignatureStatus(ok=False, detail=detail, signer="")


def judge_pdf(revision: bytes, anchors: Anchors, at: datetime) -> Judged:
    """Check the signature of a sealed revision, as `verify_pdf` does.

    Args:
        revision: The file, or what of it came first.
        anchors: Trusted certificates, PEM, for signers, and more for time-stamps.
        at: As there.

    Returns:
        What was found.

    Raises:
        VerificationError: It does not hold.
    """
    gap = find_gap(revision)
    whole = memoryview(revision)
    end = value_end(gap.contents)
    if gap.contents[end:].strip(b"\0"):
        raise VerificationError("the padding after the PDF's signature is not all zero")
    around = [whole[: gap.start], whole[gap.end :]]
    return _check(around, gap.contents[:end], anchors, at, claims_time=False)


def _check_pdf(pdf: bytes, anchors: Anchors, at: datetime) -> SignatureStatus:
    end = sealed_end(pdf)
    found = judge_pdf(pdf[:end], anchors, at)
    if end == len(pdf):
        return _told(found)
    if found.stamp is None:
        raise VerificationError("the PDF's signature is to last, but nobody time-stamped it")
    trusted = [each for part in anchors for each in read_certificates(part)]
    stamp = judge(read_lasting(pdf, end), found.paths, found.stamp.at, trusted)
    return _told(found, stamp)


def _told(found: Judged, last: Stamp | None = None) -> SignatureStatus:
    name = readable_name(found.path[0])
    parts = [
        said(
            "signed by %(signer)s, certified by %(anchor)s, judged at %(at)s",
            signer=name,
            anchor=readable_name(found.path[-1]),
            at=found.at.isoformat(),
        ),
        said("no time-stamp: the time is the signer's own word"),
    ]
    if found.stamp is not None:
        parts[1] = said("time-stamped by %(authority)s", authority=found.stamp.authority)
    if last is not None:
        parts.append(
            said(
                "made to last (B-LTA): revocation lists, and a document time-stamp by "
                "%(authority)s at %(at)s",
                authority=last.authority,
                at=last.at.isoformat(),
            )
        )
    detail = in_a_row(parts)
    level = LASTING if last else STAMPED if found.stamp else BASIC
    return SignatureStatus(ok=True, detail=detail, signer=name, level=level)


def _check(
    stretches: Sequence[bytes | memoryview],
    p7s: bytes,
    anchors: Anchors,
    at: datetime,
    *,
    claims_time: bool,
) -> Judged:
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
    stamp = None
    if token is not None:
        stamp = check_token(token, info["signature"].native, [*trusted, *for_stamps])
        at = stamp.at
    path = check_chain(signer, embedded, trusted, at)
    if any(each not in path for each in embedded):
        raise VerificationError("the signature carries a certificate that is not on its path")
    return Judged(path, at, stamp)


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
    if digest not in HASH_NAMES or signature != algorithm_of(signer, digest):
        raise VerificationError(
            said(
                "the algorithms %(signature)s and %(digest)s are not accepted",
                signature=signature,
                digest=digest,
            )
        )
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
    again = assemble(
        cms.CMSAttributes.load(attributes),
        info["signature"].native,
        [each.public_bytes(Encoding.DER) for each in certificates],
        (digest, algorithm_of(certificates[0], digest)),
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
