"""The identity provider: found by its issuer, asked by authorization code with PKCE.

What it publishes is kept for an hour; keys are fetched anew, once, for a token whose key is not
among them. A provider that did not answer is not asked again for some seconds, so that whoever
clicks on does not tie up every thread. Nothing here opens a transaction.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from authlib.common.security import generate_token

from app.kernel.settings import Settings, is_safe_address
from app.signin import vouching
from app.signin.domain import FLOW_HOLDS, SKEW, RefusedError, Trouble, claimed_roles
from app.signin.vouching import Expected, Vouched
from app.signin.wire import Wire

CALLBACK = "/sign-in/provider/callback"
DISCOVERY = "/.well-known/openid-configuration"
KEPT_FOR = timedelta(hours=1)
WAIT_AFTER_FAILURE = timedelta(seconds=5)
SECRET_LENGTH = 48
DENIED = frozenset({"access_denied", "login_required", "interaction_required", "consent_required"})


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in on its way, kept by the browser that began it.

    Attributes:
        state: Names it; comes back with the answer.
        nonce: Names it in the ID token.
        verifier: Shows that whoever brings the code began it (PKCE).
        to: Where they wanted to go.
        is_step_up: They have to prove anew who they are.
        began_at: When, in seconds.
    """

    state: str
    nonce: str
    verifier: str
    to: str
    is_step_up: bool
    began_at: int

    def holds(self, now: datetime) -> bool:
        """Say whether it is still on its way."""
        age = now - datetime.fromtimestamp(self.began_at, UTC)
        return age < FLOW_HOLDS


def flows_of(text: str | None) -> list[Flow]:
    """Read the sign-ins on their way from what `text_of` wrote."""
    return [] if text is None else [Flow(**each) for each in json.loads(text)]


def text_of(flows: Sequence[Flow]) -> str:
    """Write sign-ins on their way."""
    return json.dumps([asdict(each) for each in flows])


@dataclass(frozen=True, slots=True)
class Found:
    """What a provider publishes about itself.

    Attributes:
        authorization: Where people sign in.
        token: Where a code is exchanged.
        keys: Where its keys are.
        userinfo: Where it tells more, or None.
        end_session: Where people sign out, or None.
        auth_method: How we prove who we are.
        tells_issuer: Its answers name it (RFC 9207).
    """

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    auth_method: str
    tells_issuer: bool


T = TypeVar("T")


@dataclass(frozen=True)
class _Kept(Generic[T]):
    """Something fetched, and until when it is good."""

    value: T
    until: datetime


class Provider:
    """The one provider of an instance. Threads share it: what is kept is replaced whole."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        """Know it by the settings; nothing is fetched yet."""
        self.issuer = settings.oidc_issuer or ""
        self._settings = settings
        self._now = now
        self._client_id = settings.oidc_client_id or ""
        self._found: _Kept[Found] | None = None
        self._keys: _Kept[list[Mapping[str, Any]]] | None = None
        self._failed: _Kept[RefusedError] | None = None

    def depart(self, *, to: str, is_step_up: bool) -> tuple[str, Flow]:
        """Begin a sign-in: where the browser goes, and what it keeps until it comes back.

        Raises:
            RefusedError: The provider cannot be found.
        """
        found = self._discover()
        state, nonce, verifier = (generate_token(SECRET_LENGTH) for _ in range(3))
        flow = Flow(state, nonce, verifier, to, is_step_up, int(self._now().timestamp()))
        anew = {"prompt": "login", "max_age": "0"} if is_step_up else {}
        with self._wire(found) as wire:
            address, _state = wire.create_authorization_url(
                found.authorization,
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
                **anew,
            )
        return str(address), flow

    def arrive(self, flow: Flow, answer: Mapping[str, str]) -> Vouched:
        """Finish a sign-in: exchange the code, and check what the provider says.

        Args:
            flow: What the browser kept.
            answer: What it came back with; its state has been compared.

        Raises:
            RefusedError: The provider says no, nothing, or something that does not hold.
        """
        found = self._discover()
        self._check_answer(found, answer)
        with self._wire(found) as wire:
            tokens = wire.tokens(found.token, code=answer["code"], verifier=flow.verifier)
            claims = self._claims(wire, found, flow, tokens)
            claims = self._with_userinfo(wire, found, claims, tokens.get("access_token"))
        proven_at = vouching.proven_at(claims, self._now())
        if flow.is_step_up:
            _check_anew(flow, proven_at)
        settings = self._settings
        return Vouched(
            issuer=self.issuer,
            subject=claims["sub"],
            mail=vouching.verified_mail(claims),
            proven_at=proven_at,
            roles=claimed_roles(claims, settings.oidc_roles_claim, settings.oidc_role_map),
        )

    def leaves_at(self) -> str | None:
        """Return where one signs out at the provider too; None if that is not known."""
        kept = self._found
        if kept is None or kept.value.end_session is None:
            return None
        back = f"{self._settings.base_url}/sign-in?why=signed-out"
        query = urlencode({"client_id": self._client_id, "post_logout_redirect_uri": back})
        joint = "&" if "?" in kept.value.end_session else "?"
        return f"{kept.value.end_session}{joint}{query}"

    # --- what it publishes -----------------------------------------------------------------

    def _discover(self) -> Found:
        kept, failed, now = self._found, self._failed, self._now()
        if kept is not None and now < kept.until:
            return kept.value
        if failed is not None and now < failed.until:
            raise RefusedError(failed.value.trouble, f"a moment ago: {failed.value.detail}")
        try:
            with self._wire() as wire:
                found = self._read(wire.document(self.issuer.rstrip("/") + DISCOVERY))
        except RefusedError as error:
            self._failed = _Kept(error, now + WAIT_AFTER_FAILURE)
            raise
        self._found = _Kept(found, now + KEPT_FOR)
        return found

    def _read(self, document: Mapping[str, Any]) -> Found:
        if document.get("issuer") != self.issuer:
            raise RefusedError(Trouble.NONSENSE, "discovery: another issuer")
        return Found(
            authorization=_address(document, "authorization_endpoint"),
            token=_address(document, "token_endpoint"),
            keys=_address(document, "jwks_uri"),
            userinfo=_optional(document, "userinfo_endpoint"),
            end_session=_optional(document, "end_session_endpoint"),
            auth_method=self._auth_method(document.get("token_endpoint_auth_methods_supported")),
            tells_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _auth_method(self, known: Any) -> str:
        """Return how we prove who we are: the way that the provider knows."""
        if not self._settings.oidc_client_secret:
            return "none"
        is_post = isinstance(known, list) and "client_secret_basic" not in known
        return "client_secret_post" if is_post else "client_secret_basic"

    def _fetch_keys(self, wire: Wire, found: Found) -> list[Mapping[str, Any]]:
        told = wire.document(found.keys).get("keys")
        if not isinstance(told, list):
            raise RefusedError(Trouble.NONSENSE, "keys: no list")
        keys: list[Mapping[str, Any]] = [each for each in told if isinstance(each, dict)]
        self._keys = _Kept(keys, self._now() + KEPT_FOR)
        return keys

    # --- what it says of somebody ----------------------------------------------------------

    def _check_answer(self, found: Found, answer: Mapping[str, str]) -> None:
        """Look at what came back before anything is sent (RFC 9207: from whom it comes)."""
        issuer = answer.get("iss")
        if issuer != self.issuer and (issuer is not None or found.tells_issuer):
            raise RefusedError(Trouble.NOT_GENUINE, "answer: another issuer")
        error = answer.get("error")
        if error in DENIED:
            raise RefusedError(Trouble.DENIED, f"answer: {error}")
        if error is not None or not answer.get("code"):
            raise RefusedError(Trouble.PROVIDER_REFUSED, f"answer: {error!r:.80}")

    def _claims(
        self, wire: Wire, found: Found, flow: Flow, tokens: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        token, access = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(token, str):
            raise RefusedError(Trouble.NOT_GENUINE, "no ID token")
        header, claims = self._verified(wire, found, token)
        expected = Expected(
            self.issuer, self._client_id, flow.nonce, access if isinstance(access, str) else None
        )
        return vouching.check(header, claims, expected, self._now())

    def _verified(self, wire: Wire, found: Found, token: str) -> tuple[Any, Any]:
        """Verify a token's signature; keys that do not fit are fetched anew, once."""
        kept = self._keys
        is_kept = kept is not None and self._now() < kept.until
        keys = kept.value if kept is not None and is_kept else self._fetch_keys(wire, found)
        fitting = vouching.fitting_keys(token, keys)
        if not fitting and is_kept:
            fitting = vouching.fitting_keys(token, self._fetch_keys(wire, found))
        verified = vouching.signed_claims(token, fitting)
        if verified is None:
            raise RefusedError(Trouble.NOT_GENUINE, f"signature, {len(fitting)} keys fit")
        return verified

    def _with_userinfo(
        self, wire: Wire, found: Found, claims: Mapping[str, Any], access: Any
    ) -> Mapping[str, Any]:
        """Add what the provider tells elsewhere, if the ID token lacks what we need."""
        wanted = {"email", self._settings.oidc_roles_claim} - {None}
        if found.userinfo is None or not isinstance(access, str) or wanted <= claims.keys():
            return claims
        more = wire.document(found.userinfo, token=access)
        if more.get("sub") != claims["sub"]:
            raise RefusedError(Trouble.NOT_GENUINE, "userinfo: another subject")
        return {**more, **claims}

    def _wire(self, found: Found | None = None) -> Wire:
        settings = self._settings
        return Wire(
            self._client_id,
            settings.oidc_client_secret,
            token_endpoint_auth_method=None if found is None else found.auth_method,
            scope=settings.oidc_scope,
            redirect_uri=settings.base_url + CALLBACK,
            code_challenge_method="S256",
        )


def _check_anew(flow: Flow, proven_at: datetime | None) -> None:
    """Refuse whoever did not prove anew who they are, though that was asked for."""
    if proven_at is None:
        raise RefusedError(Trouble.STALE, "auth_time is missing")
    if proven_at < datetime.fromtimestamp(flow.began_at, UTC) - SKEW:
        raise RefusedError(Trouble.STALE, "auth_time is before the question")


def _address(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not is_safe_address(found):
        raise RefusedError(Trouble.NONSENSE, f"discovery: {name}")
    return found


def _optional(document: Mapping[str, Any], name: str) -> str | None:
    return None if document.get(name) is None else _address(document, name)
