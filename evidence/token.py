"""A document key in a security module, by PKCS#11: it signs there and never leaves."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from evidence.errors import EvidenceError


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

    @property
    def kind(self) -> str:
        """As `KeyHolder.kind`."""
        return "pkcs11"

    @property
    def place(self) -> str:
        """As `KeyHolder.place`."""
        return f"{self.key!r} in the token {self.label!r}"

    def sign(self, message: bytes, *, is_ec: bool) -> bytes:
        """Sign, as `KeyHolder.sign`."""
        return _sign(self, message, is_ec=is_ec)


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
