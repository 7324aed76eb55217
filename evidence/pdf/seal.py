"""Sealing: the PAdES signature over a rendered report (ETSI EN 319 142-1, baseline B).

`render` left a place for it, so nothing is appended: the sealed file is one revision, the signature
certifies it and allows no change, and covers all of it but its own digits. Put zeros back for those
digits (`evidence.pdf.byterange.unsigned_part`) and the rendered bytes are there again.

The raw signature comes from the credential, wherever its key lives. The time is the document's own
/M, which is the bundle's, and so the signer's own word, unless an authority stamps the signature
(baseline T). On request, what the signature needs to be judged by in many years follows the sealed
revision, which keeps each of its bytes (baseline LTA, `evidence.pdf.lasting`).
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from asn1crypto import cms  # type: ignore[import-untyped]
from cryptography.x509 import load_der_x509_certificate

from evidence.cades import Stamper, add_stamp
from evidence.certificates import SigningCredential
from evidence.chain import check_chain, read_certificates
from evidence.errors import EvidenceError, VerificationError
from evidence.longterm import material
from evidence.pdf.byterange import find_gap, unsigned_part
from evidence.pdf.lasting import extend
from evidence.stamps import check_token

__all__ = ["ToLast", "seal", "seal_file", "unsigned_part"]

DICTIONARY: Final = b"/Type /Sig\n"  # as `envelope` writes it
OPENING: Final = b"/Contents <"
HEAD: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ToLast:
    """What a signature that is to last needs beside itself.

    Attributes:
        lists: Revocation lists, DER, of every authority above the signer and the time-stamp.
        stamp_anchors: The certificates that time-stamps lead to, PEM.
    """

    lists: Sequence[bytes]
    stamp_anchors: bytes


def seal(unsigned: bytes, credential: SigningCredential, stamp: Stamper | None = None) -> bytes:
    """Sign a rendered report held in memory; as `seal_file`.

    Args:
        unsigned: From `render`.
        credential: Who signs.
        stamp: As there.

    Returns:
        The sealed PDF, of the same length.

    Raises:
        EvidenceError: As there.
    """
    gap = find_gap(unsigned)
    _refuse_sealed(unsigned[gap.start + 1 : gap.end - 1])
    digest = hashlib.sha256(unsigned[: gap.start])
    digest.update(unsigned[gap.end :])
    digits = _signature(digest.digest(), gap.end - gap.start - 2, credential, stamp)
    return b"".join((unsigned[: gap.start], b"<", digits, b">", unsigned[gap.end :]))


def seal_file(
    path: Path,
    credential: SigningCredential,
    stamp: Stamper | None = None,
    to_last: ToLast | None = None,
) -> None:
    """Sign a rendered report where it is: the zeros kept for the signature become it.

    Args:
        path: From `render_to`; of any size, it is never in memory as a whole.
        credential: Who signs.
        stamp: SHA-256 of the signature in, TimeStampToken out: baseline T.
        to_last: What makes it last: baseline LTA. A time-stamp is needed.

    Raises:
        EvidenceError: The document has no empty place for a signature, the signature is too
            large for it, or something is missing that would make it last.
    """
    with path.open("r+b") as file:
        head = file.read(HEAD)  # the dictionary is the first object there is
        dictionary = head.find(DICTIONARY)
        start = head.find(OPENING, dictionary) + len(OPENING) - 1
        end = head.find(b">", start) + 1
        if dictionary < 0 or start < len(OPENING) or not end:
            raise EvidenceError("path: this PDF has no place for a signature")
        _refuse_sealed(head[start + 1 : end - 1])
        digest = hashlib.sha256(head[:start])
        digest.update(head[end:])
        while chunk := file.read(HEAD):
            digest.update(chunk)
        digits = _signature(digest.digest(), end - start - 2, credential, stamp)
        file.seek(start + 1)
        file.write(digits)
        if to_last is not None:
            _make_last(file, bytes.fromhex(digits.decode("ascii")), credential, stamp, to_last)


def _refuse_sealed(digits: bytes) -> None:
    if digits.strip(b"0"):
        raise EvidenceError("unsigned: this PDF is sealed already; render the report again")


def _signature(
    digest: bytes, digits: int, credential: SigningCredential, stamp: Stamper | None
) -> bytes:
    """Return the hexadecimal digits that fill the gap."""
    from evidence.pdf.signer import DIGEST, CredentialSigner

    signed = asyncio.run(CredentialSigner(credential).async_sign(digest, DIGEST, use_pades=True))
    if stamp is not None:
        add_stamp(signed, stamp)
    signature: bytes = signed.dump()
    if 2 * len(signature) > digits:
        raise EvidenceError(
            f"credential: the signature takes {len(signature)} bytes, and the document has "
            f"{digits // 2}; give fewer issuers"
        )
    return signature.hex().encode("ascii").ljust(digits, b"0")


def _make_last(
    file: BinaryIO,
    contents: bytes,
    credential: SigningCredential,
    stamp: Stamper | None,
    to_last: ToLast,
) -> None:
    """Put the store and the document time-stamp behind the sealed revision."""
    if stamp is None:
        raise EvidenceError("to_last: a signature lasts only with a time-stamping authority")
    try:
        held = _material(contents, credential, to_last)
    except VerificationError as error:
        raise EvidenceError(f"to_last: {error}") from error

    def read(begin: int, end: int) -> bytes:
        file.seek(begin)
        return file.read(end - begin)

    length = file.seek(0, 2)
    updates, start, end = extend(length, read, held)
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(HEAD):
        digest.update(chunk)
    digest.update(updates[:start])
    digest.update(updates[end:])
    token = stamp(digest.digest()).hex().encode("ascii")
    if len(token) > end - start - 2:
        raise EvidenceError("stamp: the authority's time-stamp is too large for its place")
    file.seek(0, 2)
    file.write(updates[: start + 1] + token.ljust(end - start - 2, b"0") + updates[end - 1 :])


def _material(
    contents: bytes, credential: SigningCredential, to_last: ToLast
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Follow the signature just made to its anchors, and choose what tells of each certificate."""
    info = cms.ContentInfo.load(contents)["content"]["signer_infos"][0]
    token = info["unsigned_attrs"][0]["values"][0].dump()
    above = [load_der_x509_certificate(each) for each in credential.issuers]
    anchors = [above[-1], *read_certificates([to_last.stamp_anchors])]
    stamped = check_token(token, info["signature"].native, anchors)
    signer = load_der_x509_certificate(credential.certificate)
    path = check_chain(signer, above[:-1], anchors[:1], stamped.at)
    return material([path, stamped.path], to_last.lists, stamped.at)
