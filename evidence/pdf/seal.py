"""Sealing: the PAdES signature over a rendered report (ETSI EN 319 142-1, baseline B).

`render` left a place for it, so nothing is appended: the sealed file is one revision, the signature
certifies it and allows no change, and covers all of it but its own digits. Put zeros back for those
digits (`evidence.pdf.byterange.unsigned_part`) and the rendered bytes are there again.

The raw signature comes from the credential, wherever its key lives. The time is the document's own
/M, which is the bundle's, and so the signer's own word; there is room in the document for the
time-stamp of an authority (baseline T).
"""

import asyncio
import hashlib
from typing import Final

from asn1crypto import algos, x509  # type: ignore[import-untyped]
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore
from typing_extensions import override

from evidence.certificates import SigningCredential
from evidence.errors import EvidenceError
from evidence.pdf.byterange import find_gap, unsigned_part

__all__ = ["seal", "unsigned_part"]

DIGEST: Final = "sha256"


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


def seal(unsigned: bytes, credential: SigningCredential) -> bytes:
    """Sign a rendered report.

    Args:
        unsigned: From `render`.
        credential: Who signs.

    Returns:
        The sealed PDF, of the same length.

    Raises:
        EvidenceError: The document has no empty place for a signature, or the signature is too
            large for it.
    """
    gap = find_gap(unsigned)
    if gap.contents.strip(b"\0"):
        raise EvidenceError("unsigned: this PDF is sealed already; render the report again")
    before, after = unsigned[: gap.start], unsigned[gap.end :]
    digest = hashlib.sha256(before)
    digest.update(after)
    signed = asyncio.run(
        CredentialSigner(credential).async_sign(digest.digest(), DIGEST, use_pades=True)
    )
    signature: bytes = signed.dump()
    if len(signature) > len(gap.contents):
        raise EvidenceError(
            f"credential: the signature takes {len(signature)} bytes, and the document has "
            f"{len(gap.contents)}; give fewer issuers"
        )
    digits = signature.ljust(len(gap.contents), b"\0").hex().encode("ascii")
    return b"".join((before, b"<", digits, b">", after))
