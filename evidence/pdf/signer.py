"""pyHanko's signer on a credential of ours; imported where a seal is made, it is heavy to load."""

from typing import Final

from asn1crypto import algos, x509  # type: ignore[import-untyped]
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore
from typing_extensions import override

from evidence.certificates import SigningCredential
from evidence.errors import EvidenceError

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
