"""What holds for every call, whichever stage answers it: ids, sizes, hosts, headers.

Nothing is loaded from elsewhere and nothing runs that is not a file of ours, so the content
security policy can be as narrow as it is. The referrer goes to ourselves only; without it browsers
would send our own forms with `Origin: null`, which nobody could tell from a forged one.
"""

import logging
import re
import time
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request

from app.kernel.errors import FieldErrors
from app.kernel.logging import REQUEST_ID
from app.kernel.phrases import phrase
from app.kernel.settings import Mode
from app.web import bodies
from app.web.scope import doors

REQUEST_ID_HEADER = "X-Request-Id"
REQUEST_ID_FORM = re.compile(r"[A-Za-z0-9._-]{1,64}")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
PROBES = frozenset({"/healthz", "/readyz"})
JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HSTS_SECONDS = 31_536_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECRET_PATH = re.compile(r"^(/sign-in/link/).+", re.DOTALL)
logger = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Put the rules before and after every call."""
    app.config["MAX_CONTENT_LENGTH"] = bodies.MAX_BYTES
    app.before_request(_name_the_request)
    app.before_request(_check_host)
    app.before_request(_check_query)
    app.before_request(_check_body)
    app.after_request(_finish)


def is_our_host(host: str, base_url: str) -> bool:
    """Say whether a `Host` is the one of the base address; loopback names stand for each other."""
    wanted, given = _name(base_url), _name(f"http://{host}")
    return given == wanted or {given, wanted} <= LOOPBACK


def _name(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def _name_the_request() -> None:
    """Take the caller's request id if it is a plain word, else make one."""
    g.began = time.perf_counter()
    given = request.headers.get(REQUEST_ID_HEADER, "")
    fits = REQUEST_ID_FORM.fullmatch(given) is not None
    g.request_id = given if fits else doors().transactions.ids.new()
    REQUEST_ID.set(g.request_id)


def _check_host() -> None:
    """Answer in production only under our own name, so that no link is made with another."""
    settings = doors().settings
    if settings.mode is not Mode.PRODUCTION or request.path in PROBES:
        return
    if not is_our_host(request.host, settings.base_url):
        abort(421, "This instance answers under another name: see ATTESTRY_BASE_URL.")


def _check_query() -> None:
    wrong = FieldErrors()
    for name, values in request.args.lists():
        if "\x00" in name or any("\x00" in value for value in values):
            wrong.add(name.replace("\x00", ""), phrase("Leave out NUL."))
        elif len(values) > 1:
            wrong.add(name, phrase("Give it once."))
    wrong.raise_if_any()
    if "\x00" in request.path:
        abort(404)


def _check_body() -> None:
    """Refuse a body that is too large, not JSON, or JSON nobody means."""
    view = current_app.view_functions.get(request.endpoint or "")
    most = getattr(view, bodies.MOST, bodies.MAX_BYTES)
    request.max_content_length = most
    if most > bodies.MAX_BYTES:
        request.max_form_memory_size = min(most, bodies.MAX_TYPED)
    if (request.content_length or 0) > most:
        abort(413, f"A body holds at most {most >> 20} MiB.")
    if request.method not in WRITES or not request.path.startswith("/api/"):
        return
    body = request.get_data(cache=True)
    if not body:
        return
    if JSON_TYPE.fullmatch(request.mimetype) is None:
        abort(415, "Send JSON, with Content-Type: application/json.")
    try:
        bodies.check(bodies.parse(body))
    except bodies.MalformedError as error:
        abort(400, str(error))


def _finish(response: Response) -> Response:
    """Put the headers on, and tell the operator's log what was answered."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith("/assets/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if doors().settings.base_url.startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", f"max-age={HSTS_SECONDS}")
    response.headers[REQUEST_ID_HEADER] = g.get("request_id", "")
    _log(response)
    return response


def _log(response: Response) -> None:
    if request.path in PROBES:
        return
    began = g.get("began")
    took = None if began is None else round((time.perf_counter() - began) * 1000, 1)
    logger.info(
        "answered",
        extra={
            "method": request.method,
            "path": SECRET_PATH.sub(r"\1…", request.path),
            "status": response.status_code,
            "milliseconds": took,
        },
    )
