"""What Okta answers: pages, links, moments, and what a refusal means."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from connectors.errors import (
    ConnectorError,
    DeniedError,
    IncompleteReadError,
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnavailableError,
    UnsupportedError,
)
from connectors.okta.pacing import until_reset

UNAUTHORISED, FORBIDDEN, MISSING, TOO_MANY, NOT_OFFERED = 401, 403, 404, 429, 501
WRONG_STATUS = "E0000038"
CONFLICTS = frozenset({WRONG_STATUS, "E0000016", "E0000001"})
UNKNOWN = "E0000007"
A_LITTLE = timedelta(seconds=10)
# RFC 8288 section 3: `<target>; name=value; …`; a comma may stand within the target.
LINK = re.compile(r'\s*<([^>]*)>\s*((?:;\s*[\w*!-]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]+)\s*)?)*)(?:,|$)')
RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status.
        raw: Its body as it came.
        next_url: The next page's path within the organisation, or None.
        request_id: Okta's own id of the call.
        date: When the service answered, by its own clock and in whole seconds, or None.
    """

    status: int
    raw: bytes
    next_url: str | None
    request_id: str
    date: datetime | None = None

    @property
    def body(self) -> Any:
        """Its JSON, or None if it is empty.

        Raises:
            MisconfiguredError: It is none.
        """
        return parsed(self.raw)

    @property
    def text(self) -> str:
        """Status and request id, as evidence keeps them."""
        return f"{self.status} {self.request_id}".strip()

    @property
    def done_after(self) -> str:
        """Shortly before the service answered, as RFC 3339, or empty if it does not say.

        `Date` counts whole seconds and tells of the answer; what the call did is a little older.
        """
        return stamp(self.date - A_LITTLE) if self.date is not None else ""


def stamp(moment: datetime) -> str:
    """Return a moment as Okta's filters take it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parsed(raw: bytes) -> Any:
    """Return the JSON of a body, or None if it is empty.

    Raises:
        IncompleteReadError: It breaks off.
        MisconfiguredError: It is something else.
    """
    if not raw:
        return None
    try:
        return orjson.loads(raw)
    except ValueError:
        if raw[:1] in b"[{":
            raise IncompleteReadError("Okta's answer breaks off in the middle.") from None
        raise MisconfiguredError(
            "The answer is not Okta's: is org_url the organisation's own address?", key="org_url"
        ) from None


def objects(raw: bytes) -> list[Any]:
    """Return the objects of one page of a list.

    Raises:
        IncompleteReadError: It is no list.
    """
    found = parsed(raw)
    if not isinstance(found, list):
        raise IncompleteReadError("Okta answered a list with something else.")
    return found


def next_page(links: Sequence[str], org_url: str) -> str | None:
    """Return the next page's path, if it lies within the organisation.

    Args:
        links: The `Link` headers.
        org_url: The organisation.

    Raises:
        IncompleteReadError: It lies elsewhere, or cannot be read.
    """
    for target, relations in (each for link in links for each in _links(link)):
        if "next" in relations:
            return _within(target, org_url)
    return None


def rows_of(answer: Answer, org_url: str) -> tuple[list[Any], str | None]:
    """Return what stands on a page, and the next one; some lists carry both in their body.

    Raises:
        IncompleteReadError: It is no page of a list.
    """
    found = answer.body
    if isinstance(found, list):
        return found, answer.next_url
    body = found if isinstance(found, dict) else {}
    rows, links = body.get("value"), body.get("_links") or {}
    if not isinstance(rows, list) or not isinstance(links, dict):
        raise IncompleteReadError("Okta answered a list with something else.")
    if "next" not in links:
        return rows, None
    try:
        return rows, _within(links["next"]["href"], org_url)
    except (KeyError, TypeError, AttributeError) as error:
        raise IncompleteReadError("Okta's next page cannot be read.") from error


def _within(target: str, org_url: str) -> str:
    """Return an address from the organisation's on, if it lies within."""
    if not is_within(target, org_url):
        raise IncompleteReadError("Okta named a next page outside the organisation.")
    # The SDK takes an address for its own by the organisation's exact letters.
    parts = urlsplit(target)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def is_within(url: str, org_url: str) -> bool:
    """Say whether an address is one of the organisation's."""
    return _origin(url) == _origin(org_url)


def _links(header: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield target and relations of each link of a header.

    Raises:
        IncompleteReadError: It is no list of links, so that nobody knows whether a page follows.
    """
    start = 0
    while start < len(header.rstrip()):
        found = LINK.match(header, start)
        if found is None:
            raise IncompleteReadError("Okta's Link header cannot be read; a page may be missing.")
        relation = RELATION.search(found[2])
        named = (relation[1] or relation[2] or "") if relation else ""
        yield found[1], frozenset(named.lower().split())
        start = found.end()


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port as RFC 6454 section 4 compares them."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme)


def path(*parts: str, **query: str) -> str:
    """Return a path under `/api/v1`, every part and value escaped."""
    joined = "/".join(quote(part, safe="") for part in parts)
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"/api/v1/{joined}" + (f"?{asked}" if asked else "")


def refused(answer: Answer, headers: Any) -> ConnectorError:  # noqa: PLR0911 - one a meaning
    """Return the error that an answer of 400 and above means."""
    body = _envelope(answer.raw)
    code = str(body.get("errorCode", ""))
    summary = str(body.get("errorSummary", "")).strip().rstrip(".")
    named = f"{answer.status} {code}".strip()
    told = f"{summary} ({named}, request {answer.request_id})"
    if answer.status == UNAUTHORISED:
        return MisconfiguredError(
            f"Okta does not take the token ({named}): make a new one.", key="token"
        )
    if code in CONFLICTS and answer.status != MISSING:
        return TargetConflictError(f"Okta refused: {told}.")
    if answer.status == FORBIDDEN:
        return DeniedError(f"Okta does not allow this: give the token's role or scopes. {told}.")
    if answer.status == MISSING and code == UNKNOWN:
        return TargetMissingError(f"Okta does not know it: {told}.")
    if answer.status == MISSING:
        # Anybody's page may be "not found"; only Okta's own word proves that an account is gone.
        return MisconfiguredError(
            f"The answer ({named}) is not Okta's: is org_url the organisation's own address?",
            key="org_url",
        )
    if answer.status == NOT_OFFERED:
        return UnsupportedError(f"Okta cannot do this: {told}.")
    if answer.status == TOO_MANY:
        return UnavailableError(
            f"Okta's rate limit is used up ({named}).", retry_after=until_reset(headers)
        )
    if answer.status >= 500:  # noqa: PLR2004 - RFC 9110 section 15.6
        return UnavailableError(f"Okta is in trouble: {told}.")
    return ConnectorError(f"Okta refused: {told}.")


def _envelope(raw: bytes) -> dict[str, Any]:
    """Return Okta's own words about an error; without them the status says enough."""
    try:
        found = orjson.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
