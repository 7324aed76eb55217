"""A document key in a security module, by PKCS#11: it signs there and never leaves.

The same place would take a key service of a cloud: all that is asked of either is bytes in,
signature out (`SigningCredential.sign`). P-256 is what to choose; RSA is accepted.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.certificates import SigningCredential
from evidence.chain import check_signature, read_certificates
from evidence.errors import EvidenceError, VerificationError

LEAST_CHAIN: Final = 2
PROBE: Final = b"attestry: does this key belong to this certificate?"


@dataclass(frozen=True, slots=True)
class Token:
    """Where a key is.

    Attributes:
        library: Path of the module's PKCS#11 library.
        label: The token's label.
        key: The private key's label.
        pin: Opens it; kept out of the repr.
        chain: The key's certificate and those above it, PEM, the last one the anchor.
    """

    library: str
    label: str
    key: str
    pin: str = field(repr=False)
    chain: bytes = field(repr=False)


def load_token(token: Token) -> SigningCredential:
    """Make a credential from a key in a token, after it has signed once for its certificate.

    Args:
        token: Where it is.

    Returns:
        The credential, whose `sign` asks the token.

    Raises:
        EvidenceError: The library, the token, the key or its certificate cannot be used; the
            message says which, and what to do.
    """
    try:
        certificates = chain_of(token)
    except VerificationError as error:
        raise EvidenceError(f"chain: {error}") from error
    public = certificates[0].public_key()
    if isinstance(public, ec.EllipticCurvePublicKey) and not isinstance(public.curve, ec.SECP256R1):
        raise EvidenceError("chain: the key must be P-256 or RSA; issue a certificate for such one")
    signature = _sign(token, PROBE, is_ec=isinstance(public, ec.EllipticCurvePublicKey))
    try:
        check_signature(certificates[0], signature, PROBE, "sha256")
    except VerificationError as error:
        raise EvidenceError(
            f"key: {token.key!r} in the token {token.label!r} does not belong to the first "
            "certificate of the chain; give the chain that was issued for it"
        ) from error
    return SigningCredential(
        certificates[0].public_bytes(Encoding.DER),
        tuple(each.public_bytes(Encoding.DER) for each in certificates[1:]),
        lambda message: _sign(token, message, is_ec=isinstance(public, ec.EllipticCurvePublicKey)),
    )


def chain_of(token: Token) -> tuple[x509.Certificate, ...]:
    """Read the certificates of a token's key, the anchor last.

    Args:
        token: Where it is.

    Returns:
        The certificates.

    Raises:
        VerificationError: The chain cannot be read, or is too short.
    """
    found = read_certificates([token.chain])
    if len(found) < LEAST_CHAIN:
        raise VerificationError("give the key's certificate and those above it, the anchor last")
    return found


def _sign(token: Token, message: bytes, *, is_ec: bool) -> bytes:
    """Open a session, sign, and close it: nothing of the token stays open in between."""
    import pkcs11

    with _told(token), _session(token) as session:
        kind = pkcs11.KeyType.EC if is_ec else pkcs11.KeyType.RSA
        key = session.get_key(
            object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=token.key, key_type=kind
        )
        if not is_ec:
            signed: bytes = key.sign(message, mechanism=pkcs11.Mechanism.SHA256_RSA_PKCS)
            return signed
        raw = key.sign(hashlib.sha256(message).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        half = len(raw) // 2
        return encode_dss_signature(
            int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big")
        )


@contextmanager
def _session(token: Token) -> Iterator[Any]:
    import pkcs11

    found = pkcs11.lib(token.library).get_token(token_label=token.label)
    with found.open(user_pin=token.pin) as session:
        yield session


@contextmanager
def _told(token: Token) -> Iterator[None]:
    """Say what is wrong with a token in words that help; PINs are in none of them."""
    import pkcs11

    try:
        yield
    except pkcs11.exceptions.NoSuchToken as error:
        raise EvidenceError(f"token: there is none labelled {token.label!r}") from error
    except pkcs11.exceptions.NoSuchKey as error:
        raise EvidenceError(
            f"key: the token {token.label!r} has no private key {token.key!r} of the kind in the "
            "certificate; P-256 or RSA is needed"
        ) from error
    except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinInvalid) as error:
        raise EvidenceError("pin: the token refused it; mind that it locks after a few") from error
    except (pkcs11.exceptions.PKCS11Error, RuntimeError, OSError) as error:
        kind = type(error).__name__
        raise EvidenceError(f"library: {token.library!r} cannot sign ({kind})") from error
