"""Calls and lists of one Okta organisation, in an event loop of its own.

A list is read by following `Link: rel=next` as it is given, within the organisation, and is
complete only when the last page had no next link and no error; the SDK's own paging swallows both.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
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
from connectors.okta.config import OktaConfig

Result = TypeVar("Result")
UNAUTHORISED, FORBIDDEN, MISSING, TOO_MANY, NOT_OFFERED = 401, 403, 404, 429, 501
WRONG_STATUS = "E0000038"
CONFLICTS = frozenset({WRONG_STATUS, "E0000016", "E0000001"})
NEXT = 'rel="next"'


@dataclass(slots=True)
class Listing:
    """A list and what became of it.

    Attributes:
        text: The first path, with its parameters.
        pages: Pages that came with success.
        returned: Objects that came.
        is_complete: Whether the last page was reached.
    """

    text: str
    pages: int = 0
    returned: int = 0
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status.
        body: Its JSON, or None.
        links: The next page's address, or None.
        request_id: Okta's own id of the call.
    """

    status: int
    body: Any
    next_url: str | None
    request_id: str

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
            answer = await self._call("GET", url)
            if not isinstance(answer.body, list):
                raise IncompleteReadError("Okta answered a list with something else.")
            found += answer.body
            listing.pages += 1
            listing.returned += len(answer.body)
            url = answer.next_url
        listing.is_complete = True
        return found

    async def _call(self, method: str, path: str) -> Answer:
        request, error = await self._executor.create_request(method, path)
        if error is not None:
            raise MisconfiguredError(
                "Okta gave no access token: look at client_id and private_key.", key="private_key"
            )
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
        )
        if answer.status >= 400:  # noqa: PLR2004 - RFC 9110 section 15.5
            raise refused(answer, response.headers)
        return answer

    def _next(self, links: Sequence[str]) -> str | None:
        """Return the next page's address, if it lies within the organisation."""
        for link in (part for each in links for part in each.split(",")):
            address, _, relation = link.strip().partition(">;")
            if NEXT in relation and address.startswith("<"):
                url = address[1:]
                mine, theirs = urlsplit(self.config.org_url), urlsplit(url)
                if (mine.scheme, mine.netloc) != (theirs.scheme, theirs.netloc):
                    raise IncompleteReadError("Okta named a next page outside the organisation.")
                return url
        return None

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop.run_until_complete(self._open())
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
            loop.run_until_complete(self._session.close())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


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
    if answer.status == MISSING:
        return TargetMissingError(f"Okta does not know it: {told}.")
    if answer.status == NOT_OFFERED:
        return UnsupportedError(f"Okta cannot do this: {told}.")
    if answer.status == TOO_MANY:
        from connectors.okta.executor import until_reset

        wait = until_reset(headers)
        return UnavailableError(f"Okta's rate limit is used up ({named}).", retry_after=wait)
    if answer.status >= 500:  # noqa: PLR2004 - RFC 9110 section 15.6
        return UnavailableError(f"Okta is in trouble: {told}.")
    return ConnectorError(f"Okta refused: {told}.")


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
