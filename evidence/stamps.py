"""Time-stamps of RFC 3161: asking an authority for one, and checking the token it gave.

A token is a CMS of its own over `TSTInfo`, by a certificate that may do nothing but stamp. What it
vouches for here is a signature's bytes: they existed at its time. Nothing here opens a connection;
`ask` is given a way to send.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from asn1crypto import algos, cms, core, tsp  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.chain import check_chain, check_signature, readable_name
from evidence.errors import EvidenceError, VerificationError
from evidence.said import said

LARGEST_TOKEN: Final = 1 << 16
NONCE_BYTES: Final = 16
HASH_NAMES: Final = frozenset({"sha256", "sha384", "sha512"})
GRANTED: Final = frozenset({"granted", "granted_with_mods"})

Send = Callable[[bytes], bytes]
DigestOf = Callable[[str], bytes]


class Stamp(NamedTuple):
    """What a token says.

    Attributes:
        at: The authority's time, aware.
        authority: The subject of its certificate.
        path: Its certificates, from the authority's to the anchor.
    """

    at: datetime
    authority: str
    path: tuple[x509.Certificate, ...]


def ask(sha256: bytes, send: Send, random: Callable[[int], bytes]) -> bytes:
    """Ask a time-stamping authority to stamp a digest (RFC 3161, 2.4.1).

    Args:
        sha256: The digest.
        send: Request in, response out.
        random: A number of bytes in, that many random bytes out: the nonce.

    Returns:
        The TimeStampToken, DER.

    Raises:
        EvidenceError: It refused, or answered something else than was asked.
    """
    nonce = int.from_bytes(random(NONCE_BYTES), "big")
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": sha256,
            },
            "nonce": nonce,
            "cert_req": True,
        }
    )
    try:
        answer = tsp.TimeStampResp.load(send(request.dump()), strict=True)
        status = str(answer["status"]["status"].native)
        token: bytes = b"" if status not in GRANTED else answer["time_stamp_token"].dump()
        info = _info(cms.ContentInfo.load(token, strict=True)["content"]) if token else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise EvidenceError("the time-stamping authority answered no time-stamp") from error
    if info is None:
        raise EvidenceError(f"the time-stamping authority refused: {status}")
    if info["nonce"].native != nonce or info["message_imprint"]["hashed_message"].native != sha256:
        raise EvidenceError("the time-stamping authority stamped something else than was asked")
    return token


def check_token(
    token: bytes, stamped: bytes | DigestOf, anchors: Sequence[x509.Certificate]
) -> Stamp:
    """Check a token over some bytes.

    Args:
        token: A TimeStampToken, DER.
        stamped: What it should be over: a signature's bytes; or name of a hash in, digest out.
        anchors: Trusted certificates.

    Returns:
        What it says.

    Raises:
        VerificationError: It does not hold, or leads to no anchor.
    """
    if len(token) > LARGEST_TOKEN:
        raise VerificationError("the time-stamp is too large to be one")
    outer = cms.ContentInfo.load(token, strict=True)
    if outer["content_type"].native != "signed_data":
        raise VerificationError("the time-stamp is not a CMS signature")
    signed = outer["content"]
    if len(signed["signer_infos"]) != 1:
        raise VerificationError("the time-stamp has not exactly one signer")
    info, signer_info = _info(signed), signed["signer_infos"][0]
    _check_envelope(signed, signer_info)
    imprint = info["message_imprint"]
    name = str(imprint["hash_algorithm"]["algorithm"].native)
    if name not in HASH_NAMES or imprint["hashed_message"].native != _digest(stamped, name):
        raise VerificationError("the time-stamp is of another signature")
    certificates = _certificates(signed)
    signer = _signer(signer_info, certificates)
    _check_signature(signed, signer_info, signer)
    at = info["gen_time"].native
    path = check_chain(signer, certificates, anchors, at, is_stamping=True)
    return Stamp(at, readable_name(signer), path)


def _digest(stamped: bytes | DigestOf, name: str) -> bytes:
    return hashlib.new(name, stamped).digest() if isinstance(stamped, bytes) else stamped(name)


def _info(signed: cms.SignedData) -> tsp.TSTInfo:
    content = signed["encap_content_info"]
    if content["content_type"].native != "tst_info":
        raise VerificationError("the time-stamp holds no TSTInfo")
    return content["content"].parsed


def _check_envelope(signed: cms.SignedData, info: cms.SignerInfo) -> None:
    """Hold to one form what stands around the signature and is not under it.

    A parser reads over a version, a parameter or a list of algorithms that nothing else asks for;
    a byte changed there would change nothing that is said, and still it was changed.
    """
    digest = str(info["digest_algorithm"]["algorithm"].native)
    listed = [algos.DigestAlgorithm(form) for form in _forms(digest)]
    is_listed = signed["digest_algorithms"].dump() in [
        cms.DigestAlgorithms([each]).dump() for each in listed
    ]
    if (signed["version"].native, info["version"].native) != ("v3", "v1") or not is_listed:
        raise VerificationError("the time-stamp's versions or algorithms are not as they must be")
    for key in ("digest_algorithm", "signature_algorithm"):
        named = info[key]
        forms = [type(named)(form).dump() for form in _forms(str(named["algorithm"].native))]
        if named.dump() not in forms:
            raise VerificationError("the time-stamp names an algorithm with parameters")
    if any(not isinstance(each, core.Void) for each in (signed["crls"], info["unsigned_attrs"])):
        raise VerificationError("the time-stamp carries something that nobody signed")


def _forms(algorithm: str) -> list[dict[str, object]]:
    """Name an algorithm in the two ways in use: without parameters, and with NULL (RFC 5754, 2)."""
    return [{"algorithm": algorithm}, {"algorithm": algorithm, "parameters": core.Null()}]


def _certificates(signed: cms.SignedData) -> tuple[x509.Certificate, ...]:
    choices = signed["certificates"]
    if isinstance(choices, core.Void):
        return ()
    return tuple(
        x509.load_der_x509_certificate(each.chosen.dump())
        for each in choices
        if each.name == "certificate"
    )


def _signer(info: cms.SignerInfo, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    named = info["sid"]
    for each in certificates:
        if named.name == "issuer_and_serial_number":
            issuer = named.chosen["issuer"].dump()
            serial = named.chosen["serial_number"].native
            if each.issuer.public_bytes() == issuer and each.serial_number == serial:
                return each
    raise VerificationError("the time-stamp does not carry its authority's certificate")


def _check_signature(
    signed: cms.SignedData, info: cms.SignerInfo, signer: x509.Certificate
) -> None:
    """Over TSTInfo, through signed attributes that bind the certificate (RFC 5816)."""
    if isinstance(info["signed_attrs"], core.Void):
        raise VerificationError("the time-stamp has no signed attributes")
    digest = str(info["digest_algorithm"]["algorithm"].native)
    signed_bytes = b"\x31" + bytes(info["signed_attrs"].dump())[1:]
    found = {str(each["type"].native): each["values"] for each in info["signed_attrs"]}
    if digest not in HASH_NAMES or len(found) != len(info["signed_attrs"]):
        raise VerificationError("the time-stamp's algorithm or attributes are not accepted")
    content = signed["encap_content_info"]["content"].contents
    wanted = hashlib.new(digest, content).digest()
    if found["content_type"].native != ["tst_info"] or found["message_digest"].native != [wanted]:
        raise VerificationError("the time-stamp's digest is not that of what it says")
    _check_binding(found, signer)
    used = str(info["signature_algorithm"]["algorithm"].native)
    kind = "ecdsa" if isinstance(signer.public_key(), ec.EllipticCurvePublicKey) else "rsa"
    names = {f"{digest}_{kind}"} | ({"rsassa_pkcs1v15"} if kind == "rsa" else set())
    if used not in names:
        raise VerificationError(
            said("the time-stamp's algorithm %(used)s is not accepted", used=used)
        )
    check_signature(signer, info["signature"].native, signed_bytes, digest)


def _check_binding(found: dict[str, core.SetOf], signer: x509.Certificate) -> None:
    raw = signer.public_bytes(Encoding.DER)
    for kind, fallback in (("signing_certificate_v2", "sha256"), ("signing_certificate", "sha1")):
        if kind in found:
            first = found[kind][0]["certs"][0]
            name = fallback
            if kind == "signing_certificate_v2":
                name = str(first["hash_algorithm"]["algorithm"].native)
            # SHA-1 only tells which certificate is meant; the signature itself is never under it.
            found_hash = hashlib.new(name, raw, usedforsecurity=name != "sha1").digest()
            if first["cert_hash"].native == found_hash:
                return
    raise VerificationError("the time-stamp does not bind its authority's certificate")
