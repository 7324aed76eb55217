"""The port of a document key that lives elsewhere: in a security module, or a key service.

All that is asked of its holder is bytes in, signature out; the key itself is never here. Before it
counts it signs once for its certificate, so that a key of another kind, a certificate of another
key or a holder that is away is found out before anything is built. P-256 is what to choose.
"""

from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.certificates import SigningCredential
from evidence.chain import check_signature, read_certificates
from evidence.errors import EvidenceError, VerificationError

LEAST_CHAIN: Final = 2
PROBE: Final = b"attestry: does this key belong to this certificate?"


class KeyHolder(Protocol):
    """Where a document key is (`evidence.token`, `evidence.keyservice`)."""

    @property
    def kind(self) -> str:
        """One word for the history of keys: `pkcs11`, `kms`."""

    @property
    def place(self) -> str:
        """Which key it is, for messages; no secret in it."""

    @property
    def chain(self) -> bytes:
        """The key's certificate and those above it, PEM, the last one the anchor."""

    def sign(self, message: bytes, *, is_ec: bool) -> bytes:
        """Sign.

        Args:
            message: What is signed, over its SHA-256.
            is_ec: Whether the certificate says P-256, else RSA.

        Returns:
            DER ECDSA, or PKCS #1 v1.5.

        Raises:
            EvidenceError: The holder or the key cannot be used; the message says why, and names
                no secret.
        """


def load_held(holder: KeyHolder) -> SigningCredential:
    """Make a credential from a key held elsewhere, after it has signed once for its certificate.

    Args:
        holder: Who holds it.

    Returns:
        The credential, whose `sign` asks the holder, and looks at the answer.

    Raises:
        EvidenceError: The holder, the key or its certificate cannot be used; the message says
            which, and what to do.
    """
    try:
        certificates = chain_of(holder)
    except VerificationError as error:
        raise EvidenceError(f"chain: {error}") from error
    public = certificates[0].public_key()
    is_ec = isinstance(public, ec.EllipticCurvePublicKey)
    is_p256 = isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1"
    if not is_p256 and not isinstance(public, rsa.RSAPublicKey):
        raise EvidenceError("chain: the key must be P-256 or RSA; issue a certificate for such one")

    def sign(message: bytes) -> bytes:
        signature = holder.sign(message, is_ec=is_ec)
        try:
            check_signature(certificates[0], signature, message, "sha256")
        except VerificationError as error:
            raise EvidenceError(
                f"key: {holder.place} does not belong to the first certificate of the chain; give "
                "the chain that was issued for it"
            ) from error
        return signature

    sign(PROBE)
    return SigningCredential(
        certificates[0].public_bytes(Encoding.DER),
        tuple(each.public_bytes(Encoding.DER) for each in certificates[1:]),
        sign,
    )


def chain_of(holder: KeyHolder) -> tuple[x509.Certificate, ...]:
    """Read the certificates of a key held elsewhere, the anchor last.

    Args:
        holder: Who holds it.

    Returns:
        The certificates.

    Raises:
        VerificationError: The chain cannot be read, or is too short.
    """
    found = read_certificates([holder.chain])
    if len(found) < LEAST_CHAIN:
        raise VerificationError("give the key's certificate and those above it, the anchor last")
    return found
