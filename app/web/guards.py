"""What stands before every page: who is signed in, whether a form is ours, where one may be sent.

A form is ours if its token was made for this session, or, before anybody signed in, for this
browser; besides, the browser itself must not say that it came from elsewhere. The token is masked
anew in every answer (BREACH), and names the session it was made for, so that a form sent after its
session has ended is still known for one of ours and can be kept.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit
from uuid import UUID

from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.errors import ConflictError, NotPermittedError, NotSignedInError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.web.scope import doors
from app.web.visit import NOBODY, Visit

SESSION = "attestry"
BROWSER = "attestry-browser"
CSRF_HEADER = "X-CSRF-Token"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OWN_SITE = frozenset({"same-origin", "none"})  # none: somebody's own doing, no page's
ID_BYTES = 16
MAC_BYTES = 32
MAX_ADDRESS = 2000
FORGED = (
    "This was not sent from a page of Attestry that is open in this browser. "
    "Open the page again and repeat it."
)


# --- cookies -------------------------------------------------------------------------------


def is_secure() -> bool:
    """Say whether people reach this instance by https."""
    return doors().settings.base_url.startswith("https:")


def require_safe_address() -> None:
    """Refuse to sign anybody in where a cookie could be read on the way.

    Raises:
        ConflictError: The base address is neither https nor on this machine.
    """
    host = urlsplit(doors().settings.base_url).hostname or ""
    if not is_secure() and host not in LOOPBACK:
        raise ConflictError(
            phrase("Nobody can sign in over plain http: set ATTESTRY_BASE_URL to an https address.")
        )


def cookie_name(plain: str) -> str:
    """Return the name a cookie has here: with https, one that only this host can set."""
    return f"__Host-{plain}" if is_secure() else plain


def cookie(plain: str) -> str:
    """Return the value of one of our cookies, empty if it was not sent."""
    return request.cookies.get(cookie_name(plain), "")


def set_cookie(response: Response, plain: str, value: str, *, seconds: int | None = None) -> None:
    """Hand the browser a cookie that no script reads; without seconds, until it is closed."""
    response.set_cookie(
        cookie_name(plain),
        value,
        max_age=seconds,
        path="/",
        secure=is_secure(),
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Response, plain: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        cookie_name(plain), path="/", secure=is_secure(), httponly=True, samesite="Lax"
    )


# --- who -----------------------------------------------------------------------------------


@contextmanager
def reading() -> Iterator[Reading]:
    """Open this page's reading, as whoever is signed in.

    Raises:
        NotSignedInError: Nobody is.
    """
    with doors().transactions.read(NOBODY) as found:
        enter(found)
        with _as_current(found):
            yield found


@contextmanager
def writing() -> Iterator[UnitOfWork]:
    """Open this form's unit of work, as whoever is signed in.

    Raises:
        NotSignedInError: Nobody is.
    """
    with doors().transactions.write(NOBODY) as uow:
        enter(uow)
        with _as_current(uow):
            yield uow


@contextmanager
def looking() -> Iterator[Reading]:
    """Open a reading for a page that is for everybody, as whoever is signed in, or as nobody."""
    with doors().transactions.read(NOBODY) as found:
        try:
            enter(found)
        except NotSignedInError:
            g.visit = None
        with _as_current(found):
            yield found


def enter(reading_: Reading) -> Visit:
    """Let whoever is signed in act.

    Raises:
        NotSignedInError: Nobody is.
    """
    value = cookie(SESSION)
    if not value:
        raise NotSignedInError(phrase("Sign in to see this page."))
    visit = doors().authenticate_session(reading_, value)
    reading_.actor = visit.actor
    g.visit = visit
    return visit


def visit() -> Visit | None:
    """Return who is signed in at this click, as far as this is known yet."""
    found: Visit | None = g.get("visit")
    return found


def visitor() -> Visit | None:
    """Return who is signed in, looking it up if need be; nobody, if that cannot be told."""
    if "visit" not in g:
        try:
            with looking():
                pass
        except SQLAlchemyError:
            g.visit = None
    return visit()


@contextmanager
def _as_current(found: Reading) -> Iterator[None]:
    g.reading = found
    try:
        yield
    finally:
        g.reading = None


# --- forms that are ours -------------------------------------------------------------------


def csrf_token() -> str:
    """Return a token for the forms of this answer."""
    seen = visit()
    return _masked("session", seen.session) if seen else browser_token()


def browser_token() -> str:
    """Return a token for the forms that sign somebody in."""
    return _masked("browser", browser())


def browser() -> str:
    """Return what this browser is known by before anybody signs in, and see that it is kept."""
    kept = g.get("browser") or _uuid(cookie(BROWSER))
    if not kept:
        kept = g.new_browser = str(UUID(bytes=secrets.token_bytes(ID_BYTES)))
    g.browser = kept
    found: str = kept
    return found


def sent_token() -> str:
    """Return the token that came with this call."""
    return request.headers.get(CSRF_HEADER) or request.form.get("csrf", "")


def check_session_form(seen: Visit) -> None:
    """Refuse a form that was not made for this session.

    Raises:
        NotPermittedError: It was not.
    """
    check_site()
    if _unmasked("session", sent_token()) != seen.session:
        raise NotPermittedError(FORGED)


def check_browser_form() -> None:
    """Refuse a form from before signing in that was not made for this browser.

    Raises:
        NotPermittedError: It was not.
    """
    check_site()
    known = _uuid(cookie(BROWSER))
    if not known or _unmasked("browser", sent_token()) != known:
        raise NotPermittedError(FORGED)


def session_of_form() -> str | None:
    """Return the session that this form was made for, whether it lasts or not; None if forged."""
    return _unmasked("session", sent_token())


def check_site() -> None:
    """Refuse what the browser says was sent from elsewhere (Fetch Metadata, RFC 6454).

    Raises:
        NotPermittedError: It was.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in OWN_SITE:
        raise NotPermittedError(FORGED)
    origin = request.headers.get("Origin")
    if origin is not None and not _is_own_origin(origin):
        raise NotPermittedError(FORGED)


def _is_own_origin(origin: str) -> bool:
    base = urlsplit(doors().settings.base_url)
    if origin == f"{base.scheme}://{base.netloc}":
        return True
    if base.hostname not in LOOPBACK:
        return False
    given = urlsplit(origin)
    is_here = given.hostname in LOOPBACK and given.netloc == request.host
    return is_here and given.scheme == base.scheme


def _masked(kind: str, bound: str) -> str:
    plain = UUID(bound).bytes
    plain += _mac(kind, plain)
    pad = secrets.token_bytes(len(plain))
    hidden = bytes(a ^ b for a, b in zip(pad, plain, strict=True))
    return base64.urlsafe_b64encode(pad + hidden).decode()


def _unmasked(kind: str, token: str) -> str | None:
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    half = ID_BYTES + MAC_BYTES
    if len(raw) != 2 * half:
        return None
    plain = bytes(a ^ b for a, b in zip(raw[:half], raw[half:], strict=True))
    bound, mac = plain[:ID_BYTES], plain[ID_BYTES:]
    return str(UUID(bytes=bound)) if hmac.compare_digest(mac, _mac(kind, bound)) else None


def _mac(kind: str, bound: bytes) -> bytes:
    return hmac.digest(key("csrf"), kind.encode() + b"\0" + bound, hashlib.sha256)


def key(purpose: str) -> bytes:
    """Return the key for one purpose, made of the instance's secret."""
    secret = doors().settings.secret_key.encode()
    return hmac.digest(secret, b"attestry/" + purpose.encode(), hashlib.sha256)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text)) if text else ""
    except ValueError:
        return ""


# --- signed values in cookies --------------------------------------------------------------


def sign(purpose: str, text: str) -> str:
    """Write a text so that nobody can change it on its way through the browser."""
    mac = hmac.digest(key(purpose), text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac + text.encode()).decode()


def signed(purpose: str, value: str) -> str | None:
    """Return the text of a value that we signed for this purpose, else None."""
    try:
        raw = base64.b64decode(value.encode("ascii"), altchars=b"-_", validate=True)
        mac, text = raw[:MAC_BYTES], raw[MAC_BYTES:]
        is_ours = hmac.compare_digest(mac, hmac.digest(key(purpose), text, hashlib.sha256))
        return text.decode() if is_ours else None
    except (binascii.Error, UnicodeError):
        return None


# --- where to ------------------------------------------------------------------------------


def own_path(address: str | None, otherwise: str = "/") -> str:
    r"""Return an address if it leads to a page of ours, else another one.

    Browsers take `//host`, `/\host` and `/<tab>/host` for other hosts; so whatever is not plainly
    a path here is refused, decoded too.
    """
    if not address or len(address) > MAX_ADDRESS:
        return otherwise
    for text in (address, unquote(address), unquote(unquote(address))):
        if not _is_plain_path(text):
            return otherwise
    path = urlsplit(address).path
    return otherwise if path.startswith(("/sign-in", "/sign-out", "/api/v1")) else address


def _is_plain_path(text: str) -> bool:
    if not text.startswith("/") or text.startswith("//") or "\\" in text:
        return False
    if any(ord(each) <= ord(" ") or ord(each) == 0x7F for each in text.split("?", maxsplit=1)[0]):  # noqa: PLR2004 - DEL
        return False
    if any(ord(each) < ord(" ") for each in text):
        return False
    try:
        found = urlsplit(text)
    except ValueError:
        return False
    return not found.scheme and not found.netloc
