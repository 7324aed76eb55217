"""Error to status, in one table, and out as RFC 9457 `application/problem+json`.

Whoever looks at a page is told the same on a page; the API, and scripts of our pages, get problems.

A test fails when an error class is missing here or from `docs/reference/errors.md`.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, current_app, g, json, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as WerkzeugResponse

from app.kernel import errors
from app.web.flatten import flatten
from app.web.saying import say
from connectors import errors as sources

PROBLEM = "application/problem+json"
VALIDATION = 422
MIN_ERROR = 400
STATUS: Mapping[type[Exception], int] = {
    errors.InvalidInputError: 422,
    errors.NotSignedInError: 401,
    errors.NotFreshError: 401,
    errors.NotPermittedError: 403,
    errors.PolicyRefusedError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.NothingToChangeError: 409,
    errors.TooManyRequestsError: 429,
    errors.UnrecordedChangeError: 500,
    sources.UnavailableError: 503,
    sources.IncompleteReadError: 502,
    sources.DeniedError: 502,
    sources.TargetMissingError: 502,
    sources.TargetConflictError: 502,
    sources.MisconfiguredError: 502,
    sources.UnsupportedError: 502,
    sources.CursorRefusedError: 502,
}
HTTP_CODES: Mapping[int, str] = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    421: "wrong_host",
}
PAGE = "attestry_error_page"
API = "/api/v1"
NEVER_PAGES = ("/healthz", "/readyz", "/metrics", API)
ErrorPage = Callable[[int, str, str, str], Response]
HTTP_WORDS: Mapping[int, tuple[str, str]] = {
    400: ("Not understood", "What was sent cannot be read."),
    404: ("Not found", "There is nothing at this address."),
    405: ("Not possible here", "This address does not do what was asked of it."),
    413: ("Too much at once", "A body holds at most 1 MiB."),
}
logger = logging.getLogger(__name__)


def wants_page() -> bool:
    """Say whether this caller reads pages; the API, probes, and scripts of our pages do not."""
    is_ours = request.path.startswith(NEVER_PAGES)
    if is_ours or request.headers.get("HX-Request") or request.is_json:
        return False
    given = request.accept_mimetypes
    return not given or given["text/html"] >= given["application/json"]


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build one answer in the shape of RFC 9457 section 3.1, or the page that says the same."""
    page: ErrorPage | None = current_app.extensions.get(PAGE)
    if page is not None and wants_page():
        answer = page(status, code, title, detail)
        answer.headers.extend(headers or {})
        return answer
    house = current_app.extensions["attestry"]
    if not request.path.startswith(API):  # a script of a page: it is shown to whoever reads that
        title, detail = say(title), say(detail)
    body = {
        "type": f"{house.settings.base_url}/api/docs/errors#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id", ""),
        **(extra or {}),
    }
    return Response(json.dumps(body), status, content_type=PROBLEM, headers=dict(headers or {}))


def of_attestry(error: errors.AttestryError) -> Response:
    """Answer one of our own refusals."""
    status = STATUS[type(error)]
    extra: dict[str, Any] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.InvalidInputError):
        extra["errors"] = [{"field": e.field, "message": e.message} for e in error.fields]
    if isinstance(error, errors.PolicyRefusedError):
        extra["verdict"] = error.verdict
    if isinstance(error, errors.ConflictError) and error.current:
        extra["current"] = error.current
    if isinstance(error, errors.TooManyRequestsError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.NotSignedInError):
        headers["WWW-Authenticate"] = 'Bearer realm="attestry"'
    if isinstance(error, errors.UnrecordedChangeError):
        return of_unexpected(error)
    return problem(status, error.code, error.title, error.detail, extra=extra, headers=headers)


def of_source(error: sources.ConnectorError) -> Response:
    """Answer what a directory did to us."""
    headers = {}
    if isinstance(error, sources.UnavailableError) and error.retry_after is not None:
        headers["Retry-After"] = str(int(error.retry_after) + 1)
    status = STATUS.get(type(error), 502)
    return problem(status, error.code, "The source did not do it", str(error), headers=headers)


def of_http(error: HTTPException) -> WerkzeugResponse:
    """Answer what Flask, Werkzeug or the argument parser refused; a redirect stays one."""
    if error.code is None or error.code < MIN_ERROR:
        return error.get_response()
    status = error.code
    messages = getattr(error, "data", {}).get("messages")
    if messages is not None and status == VALIDATION:
        fields = [errors.FieldError(name, text) for name, text in flatten(messages)]
        return of_attestry(errors.InvalidInputError(fields))
    code = HTTP_CODES.get(status, f"http_{status}")
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    title, told = HTTP_WORDS.get(status, (error.name, error.description or error.name))
    if error.description and error.description != type(error).description:
        told = error.description
    return problem(status, code, title, told, headers=headers)


def of_unexpected(error: Exception) -> Response:
    """Answer our own fault: told in full to the log, and to the outside only its id."""
    logger.error(
        "unexpected error",
        exc_info=error,
        extra={
            "path": request.url_rule.rule if request.url_rule else "?",
            "method": request.method,
        },
    )
    detail = "The fault is ours. Nothing was changed. Give the request id to your operator."
    return problem(500, "internal", "Something went wrong", detail)


def install(app: Flask) -> None:
    """Put the table to work."""
    app.register_error_handler(errors.AttestryError, of_attestry)
    app.register_error_handler(sources.ConnectorError, of_source)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_unexpected)
