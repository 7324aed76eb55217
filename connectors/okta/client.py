"""Calls and lists of one Okta organisation, in an event loop of its own.

A list is read by following `Link: rel=next` as it is given, within the organisation, and is
complete only when the last page had no next link and no error; the SDK's own paging swallows both.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
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
from connectors.okta.config import NEEDED, OktaConfig

Result = TypeVar("Result")
UNAUTHORISED, FORBIDDEN, MISSING, TOO_MANY, NOT_OFFERED = 401, 403, 404, 429, 501
WRONG_STATUS = "E0000038"
CONFLICTS = frozenset({WRONG_STATUS, "E0000016", "E0000001"})
UNKNOWN = "E0000007"
A_LITTLE = timedelta(seconds=10)
# RFC 8288 section 3: `<target>; name=value; …`; a comma may stand within the target.
LINK = re.compile(r'\s*<([^>]*)>\s*((?:;\s*[\w*!-]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]+)\s*)?)*)(?:,|$)')
RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(slots=True, eq=False)
class Listing:
    """A list and what became of it.

    Attributes:
        text: The first path, with its parameters.
        pages: Pages that came with success.
        returned: Objects that came.
        is_complete: Whether the last page was reached.
        only: What is kept of each object, if not all of it; lists may be long.
    """

    text: str
    pages: int = 0
    returned: int = 0
    is_complete: bool = False
    only: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status.
        body: Its JSON, or None.
        links: The next page's address, or None.
        request_id: Okta's own id of the call.
        date: Shortly before the service answered, by its own clock, or empty.
    """

    status: int
    body: Any
    next_url: str | None
    request_id: str
    date: str = ""

    @property
    def text(self) -> str:
        """Status and request id, as evidence keeps them."""
        return f"{self.status} {self.request_id}".strip()


@dataclass(slots=True)
class OktaClient:
    """One organisation."""

    config: OktaConfig
    _loop: asyncio.AbstractEventLoop | None = field(default=None, repr=False)
    _executor: Any = field(default=None, repr=False)
    _session: Any = field(default=None, repr=False)

    def call(self, method: str, path: str) -> Answer:
        """Send one call.

        Args:
            method: HTTP method.
            path: From the organisation's address on.

        Raises:
            ConnectorError: The kin that fits the answer.
        """
        return self._run(self._call(method, path))

    def list_all(self, listing: Listing) -> list[Any]:
        """Read a list to its end.

        Raises:
            ConnectorError: A page did not come; what was read proves nothing.
        """
        return self._run(self._list(listing))

    def list_many(
        self, listings: Sequence[Listing], on_error: Callable[[Listing, ConnectorError], None]
    ) -> Iterator[tuple[Listing, list[Any]]]:
        """Read many lists side by side, a few hundred at a time.

        Args:
            listings: What to read.
            on_error: Told of a list that could not be read; the others go on.
        """
        for start in range(0, len(listings), 200):
            part = listings[start : start + 200]
            results = self._run(self._gather(part))
            for listing, result in zip(part, results, strict=True):
                if isinstance(result, ConnectorError):
                    on_error(listing, result)
                else:
                    yield listing, result

    async def _gather(self, listings: Sequence[Listing]) -> list[list[Any] | ConnectorError]:
        async def one(listing: Listing) -> list[Any] | ConnectorError:
            try:
                return await self._list(listing)
            except ConnectorError as error:
                return error

        return list(await asyncio.gather(*(one(each) for each in listings)))

    async def _list(self, listing: Listing) -> list[Any]:
        found: list[Any] = []
        url: str | None = listing.text
        seen: set[str] = set()
        while url is not None:
            if url in seen:
                raise IncompleteReadError("Okta gave the same page twice; the list has no end.")
            seen.add(url)
            rows, url = self._rows(await self._call("GET", url))
            found += rows if listing.only is None else map(listing.only, rows)
            listing.pages += 1
            listing.returned += len(rows)
        listing.is_complete = True
        return found

    def _rows(self, answer: Answer) -> tuple[list[Any], str | None]:
        """Return what stands on a page, and the next one; some lists carry both in their body."""
        if isinstance(answer.body, list):
            return answer.body, answer.next_url
        body = answer.body if isinstance(answer.body, dict) else {}
        rows, links = body.get("value"), body.get("_links") or {}
        if not isinstance(rows, list) or not isinstance(links, dict):
            raise IncompleteReadError("Okta answered a list with something else.")
        if "next" not in links:
            return rows, None
        try:
            return rows, self._within(links["next"]["href"])
        except (KeyError, TypeError, AttributeError) as error:
            raise IncompleteReadError("Okta's next page cannot be read.") from error

    async def _call(self, method: str, path: str) -> Answer:
        request = await self._signed(method, path)
        _, response, body, error = await self._executor.fire_request(request)
        if response is None:
            raise UnavailableError(
                f"{self.config.org_url} cannot be reached ({type(error).__name__}); "
                "it is tried again later."
            )
        answer = Answer(
            status=response.status,
            body=_json(body, response.status),
            next_url=self._next(response.headers.getall("Link", [])),
            request_id=response.headers.get("X-Okta-Request-Id", ""),
            date=_date(response.headers),
        )
        if answer.status >= 400:  # noqa: PLR2004 - RFC 9110 section 15.5
            raise refused(answer, response.headers)
        return answer

    async def _signed(self, method: str, path: str) -> Any:
        """Return the request with its authorisation; a service app may need a token for it."""
        import aiohttp
        from jwcrypto.common import JWException  # type: ignore[import-untyped] # it has no types

        try:
            request, error = await self._executor.create_request(method, path)
        except (ValueError, JWException) as cause:  # what the SDK throws at a key it cannot read
            raise MisconfiguredError(
                "private_key is no private key: give it as PEM or JWK.", key="private_key"
            ) from cause
        is_unreached = isinstance(error, aiohttp.ClientError | TimeoutError)
        if error is not None and not is_unreached and self._executor.ask_for([*NEEDED]):
            # One scope that was not granted refuses the token; some are only asked for if they are.
            return await self._signed(method, path)
        if is_unreached:
            raise UnavailableError(
                f"{self.config.org_url} cannot be reached for an access token "
                f"({type(error).__name__}); it is tried again later."
            )
        if error is not None:
            raise MisconfiguredError(
                "Okta gave no access token: look at client_id, private_key and the scopes granted.",
                key="private_key",
            )
        return request

    def _next(self, links: Sequence[str]) -> str | None:
        """Return the next page's address, if it lies within the organisation."""
        for target, relations in (each for link in links for each in _links(link)):
            if "next" in relations:
                return self._within(target)
        return None

    def _within(self, target: str) -> str:
        """Return an address from the organisation's on, if it lies within."""
        if _origin(target) != _origin(self.config.org_url):
            raise IncompleteReadError("Okta named a next page outside the organisation.")
        # The SDK takes an address for its own by the organisation's exact letters.
        parts = urlsplit(target)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            try:
                self._loop.run_until_complete(self._open())
            except BaseException:
                work.close()
                self.close()
                raise
        return self._loop.run_until_complete(work)

    async def _open(self) -> None:
        import aiohttp

        from connectors.okta.executor import PatientExecutor

        self._executor = PatientExecutor(self.config)
        self._session = aiohttp.ClientSession(trust_env=False)
        self._executor.set_session(self._session)

    def close(self) -> None:
        """Give back connections and the loop."""
        loop, self._loop = self._loop, None
        if loop is not None:
            if self._session is not None:
                loop.run_until_complete(self._session.close())
            self._session = self._executor = None
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


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
    body = answer.body if isinstance(answer.body, dict) else {}
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
        from connectors.okta.executor import until_reset

        wait = until_reset(headers)
        return UnavailableError(f"Okta's rate limit is used up ({named}).", retry_after=wait)
    if answer.status >= 500:  # noqa: PLR2004 - RFC 9110 section 15.6
        return UnavailableError(f"Okta is in trouble: {told}.")
    return ConnectorError(f"Okta refused: {told}.")


def _date(headers: Any) -> str:
    """Return shortly before the service answered, as RFC 3339, or empty if it does not say.

    `Date` counts whole seconds and tells of the answer; what the call did is a little older.
    """
    try:
        moment = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError):
        return ""
    return (moment - A_LITTLE).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _json(body: str | None, status: int) -> Any:
    if not body:
        return None
    try:
        return orjson.loads(body)
    except ValueError:
        if status >= 400:  # noqa: PLR2004 - the status says enough
            return None
        raise MisconfiguredError(
            "The answer is not Okta's: is org_url the organisation's own address?", key="org_url"
        ) from None
