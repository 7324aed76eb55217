"""Sealing: the PAdES signature over a rendered report (ETSI EN 319 142-1, baseline B).

`render` left a place for it, so nothing is appended: the sealed file is one revision, the signature
certifies it and allows no change, and covers all of it but its own digits. Put zeros back for those
digits (`evidence.pdf.byterange.unsigned_part`) and the rendered bytes are there again.

The raw signature comes from the credential, wherever its key lives. The time is the document's own
/M, which is the bundle's, and so the signer's own word, unless an authority stamps the signature
(baseline T).
"""

import asyncio
import hashlib
from pathlib import Path
from typing import Final

from asn1crypto import algos, x509  # type: ignore[import-untyped]
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore
from typing_extensions import override

from evidence.certificates import SigningCredential
from evidence.cms import Stamper, add_stamp
from evidence.errors import EvidenceError
from evidence.pdf.byterange import find_gap, unsigned_part

__all__ = ["seal", "seal_file", "unsigned_part"]

DIGEST: Final = "sha256"
DICTIONARY: Final = b"/Type /Sig\n"  # as `envelope` writes it
OPENING: Final = b"/Contents <"
HEAD: Final = 1 << 20


class CredentialSigner(Signer):
    """pyHanko's signer on a credential of ours: the key is only ever asked for a signature.

    Args:
        credential: Whose certificate goes in, and who signs.
    """

    def __init__(self, credential: SigningCredential) -> None:
        certificate = x509.Certificate.load(credential.certificate)
        issuers = [x509.Certificate.load(each) for each in credential.issuers]
        kind = "ecdsa" if certificate.public_key.algorithm == "ec" else "rsa"
        self._credential = credential
        above = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        for issuer in issuers:
            above.register(issuer)
        super().__init__(
            signing_cert=certificate,
            cert_registry=above,
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": f"{DIGEST}_{kind}"}),
        )

    @override
    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        """Sign, or for an estimate of the size give as many bytes as a signature may take."""
        if digest_algorithm != DIGEST:
            raise EvidenceError(f"digest: the seal is made with {DIGEST} only")
        if dry_run:
            return bytes(512)
        return self._credential.sign(data)


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


def seal_file(path: Path, credential: SigningCredential, stamp: Stamper | None = None) -> None:
    """Sign a rendered report where it is: the zeros kept for the signature become it.

    Args:
        path: From `render_to`; of any size, it is never in memory as a whole.
        credential: Who signs.
        stamp: SHA-256 of the signature in, TimeStampToken out: baseline T.

    Raises:
        EvidenceError: The document has no empty place for a signature, or the signature is too
            large for it.
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


def _refuse_sealed(digits: bytes) -> None:
    if digits.strip(b"0"):
        raise EvidenceError("unsigned: this PDF is sealed already; render the report again")


def _signature(
    digest: bytes, digits: int, credential: SigningCredential, stamp: Stamper | None
) -> bytes:
    """Return the hexadecimal digits that fill the gap."""
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
