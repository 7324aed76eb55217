"""What a provider's ID token says, once it has been checked; and nothing, if it does not hold.

Signature by a published key and a fixed list of algorithms with two keys (`none` and HMAC are not
among them); issuer, audience, party, nonce, and times with two minutes for clocks that differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import JWKRegistry

from app.kernel.actor import Role
from app.signin.domain import LONGEST_SUBJECT, SKEW, RefusedError, Trouble

FAMILIES = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "PS384": "RSA",
    "PS512": "RSA",
    "ES256": "EC",
    "ES384": "EC",
    "ES512": "EC",
    "EdDSA": "OKP",
}
TIMES = frozenset({"iat", "nbf", "exp"})


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom a provider vouches for.

    Attributes:
        issuer: The provider.
        subject: Who they are there.
        mail: Their address, if the provider has verified it; else None.
        proven_at: When they proved who they are there; None if it does not say.
        roles: What their claims make of them here.
    """

    issuer: str
    subject: str
    mail: str | None
    proven_at: datetime | None
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say.

    Attributes:
        issuer: Who made it.
        client_id: For whom.
        nonce: For which sign-in.
        access_token: The token that came with it, or None.
    """

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None


def fitting_keys(token: str, keys: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the keys that may have signed a token.

    Raises:
        RefusedError: It is none, or signed as no provider signs.
    """
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise _not_genuine(error) from error
    family = FAMILIES.get(str(header.get("alg")))
    if family is None:
        raise RefusedError(Trouble.NOT_GENUINE, f"algorithm {header.get('alg')!r:.20}")
    wanted = header.get("kid")
    return [
        key
        for key in keys
        if key.get("kty") == family
        and key.get("use", "sig") == "sig"
        and (wanted is None or key.get("kid") == wanted)
    ]


def signed_claims(token: str, keys: Sequence[Mapping[str, Any]]) -> tuple[Any, Any] | None:
    """Return header and claims of a token that one of the keys signed; None if none did."""
    for key in keys:
        try:
            found = jwt.decode(token, JWKRegistry.import_key(dict(key)), algorithms=list(FAMILIES))
        except (JoseError, ValueError, TypeError):
            continue
        return found.header, found.claims
    return None


def check(header: Any, claims: Any, expected: Expected, now: datetime) -> Mapping[str, Any]:
    """Return what a token says, if it is for us, for this sign-in, and for now.

    Raises:
        RefusedError: It is not.
    """
    token = CodeIDToken(
        claims,
        header,
        {
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
            "nonce": {"essential": True, "value": expected.nonce},
        },
        {
            "nonce": expected.nonce,
            "client_id": expected.client_id,
            "access_token": expected.access_token,
        },
    )
    try:
        token.validate(now=int(now.timestamp()), leeway=int(SKEW.total_seconds()))
    except ExpiredTokenError as error:
        raise RefusedError(Trouble.CLOCK, "exp") from error
    except ClaimError as error:
        late = Trouble.CLOCK if error.claim in TIMES else Trouble.NOT_GENUINE
        raise RefusedError(late, f"claim {error.claim}") from error
    except (JoseError, ValueError, TypeError) as error:
        raise _not_genuine(error) from error
    subject = token["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise RefusedError(Trouble.NOT_GENUINE, "claim sub")
    return dict(token)


def verified_mail(claims: Mapping[str, Any]) -> str | None:
    """Return somebody's address, if the provider has verified that it is theirs."""
    mail, is_verified = claims.get("email"), claims.get("email_verified")
    is_good = isinstance(mail, str) and "@" in mail and is_verified in (True, "true")
    return str(mail).strip() if is_good else None


def proven_at(claims: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when somebody proved who they are there; None if it is not said, or not yet so."""
    told = claims.get("auth_time")
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        moment = datetime.fromtimestamp(told, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return min(moment, now) if moment <= now + timedelta(seconds=SKEW.total_seconds()) else None


def _not_genuine(error: Exception) -> RefusedError:
    return RefusedError(Trouble.NOT_GENUINE, type(error).__name__)
