"""Calls and lists of one Okta organisation, in an event loop of its own.

A list is read by following `Link: rel=next` as it is given, within the organisation, and is
complete only when the last page had no next link and no error; the SDK's own paging swallows both.
Work that was begun goes on whenever the loop runs, whatever is waited for.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from connectors.errors import (
    ConnectorError,
    IncompleteReadError,
    MisconfiguredError,
    UnavailableError,
)
from connectors.okta.answers import Answer, next_page, refused, rows_of
from connectors.okta.clock import moment_of
from connectors.okta.config import NEEDED, OktaConfig

Result = TypeVar("Result")
Kept = TypeVar("Kept")
Take = Callable[[bytes], Sequence[Result]]
LISTS_AT_ONCE = 8
MOST_LOST = 10  # lists one after the other for which nobody answered
CLIENT_ERROR = 400


@dataclass(slots=True, eq=False)
class Listing:
    """A list and what became of it.

    Attributes:
        text: The first path, with its parameters.
        pages: Pages that came with success.
        returned: Objects that came.
        is_complete: Whether the last page was reached.
        began: When its first page was answered, by the service's clock, or None.
        noticed: The same by ours.
        only: What is kept of each object, if not all of it; lists may be long.
    """

    text: str
    pages: int = 0
    returned: int = 0
    is_complete: bool = False
    began: datetime | None = None
    noticed: datetime | None = None
    only: Callable[[Any], Any] | None = None


@dataclass(slots=True)
class OktaClient:
    """One organisation.

    Attributes:
        config: How it is reached.
        now: Our clock. Stamps are never compared with it; it tells how much time passes.
    """

    config: OktaConfig
    now: Callable[[], datetime]
    _loop: asyncio.AbstractEventLoop | None = field(default=None, repr=False)
    _executor: Any = field(default=None, repr=False)
    _session: Any = field(default=None, repr=False)
    _signing: Any = field(default=None, repr=False)

    def call(self, method: str, path: str) -> Answer:
        """Send one call.

        Args:
            method: HTTP method.
            path: From the organisation's address on.

        Raises:
            ConnectorError: The kin that fits the answer.
        """
        return self._run(self._call(method, path))

    def ask(self, path: str) -> tuple[Answer, ConnectorError | None]:
        """GET something; return the answer, whatever it is, and the error that it means."""
        return self._run(self._ask("GET", path))

    def list_all(self, listing: Listing, take: Take[Result] | None = None) -> list[Result]:
        """Read a list to its end.

        Args:
            listing: What to read.
            take: Makes the objects of a page, if they are not wanted as they come.

        Raises:
            ConnectorError: A page did not come; what was read proves nothing.
        """
        return self.finish(self.begin(listing, take))

    def begin(
        self, listing: Listing, take: Take[Result] | None = None
    ) -> asyncio.Task[list[Result]]:
        """Begin to read a list."""
        task = self._started().create_task(self.read(listing, take))
        task.add_done_callback(_looked_at)
        return task

    def finish(self, task: asyncio.Task[Result]) -> Result:
        """Return what was begun, once it is done.

        Raises:
            ConnectorError: A page did not come; what was read proves nothing.
        """
        return self._started().run_until_complete(task)

    def side_by_side(
        self,
        listings: Iterable[Listing],
        take: Take[Result] | None,
        keep: Callable[[list[Result]], Kept],
    ) -> "Several[Result, Kept]":
        """Begin to read many lists, some at a time.

        Args:
            listings: What to read.
            take: Makes the objects of a page, if they are not wanted as they come.
            keep: Makes of a whole list what is kept of it until it is given out.
        """
        return Several(self, self._started(), iter(listings), take, keep)

    def list_many(
        self, listings: Iterable[Listing], on_error: Callable[[Listing, ConnectorError], None]
    ) -> Iterator[tuple[Listing, list[Any]]]:
        """Read many lists side by side.

        Args:
            listings: What to read.
            on_error: Told of a list that could not be read; the others go on.
        """
        reading: Several[Any, list[Any]] = self.side_by_side(listings, None, list)
        for listing, result in reading:
            if isinstance(result, ConnectorError):
                on_error(listing, result)
            else:
                yield listing, result

    def rest(self) -> None:
        """Give up what was begun and is not done."""
        if self._loop is not None and not self._loop.is_closed():
            begun = asyncio.all_tasks(self._loop)
            for task in begun:
                task.cancel()
            if begun:
                self._loop.run_until_complete(asyncio.gather(*begun, return_exceptions=True))

    async def read(self, listing: Listing, take: Take[Result] | None) -> list[Result]:
        """Read a list to its end, within the loop.

        Args:
            listing: What to read.
            take: Makes the objects of a page, if they are not wanted as they come.

        Raises:
            ConnectorError: A page did not come; what was read proves nothing.
        """
        found: list[Result] = []
        url: str | None = listing.text
        seen: set[str] = set()
        while url is not None:
            if url in seen:
                raise IncompleteReadError("Okta gave the same page twice; the list has no end.")
            seen.add(url)
            answer = await self._call("GET", url)
            if listing.began is None:
                listing.began, listing.noticed = answer.date, self.now()
            page, url = self._page(answer, take)
            found += page if listing.only is None else map(listing.only, page)
            listing.pages += 1
            listing.returned += len(page)
        listing.is_complete = True
        return found

    def _page(self, answer: Answer, take: Take[Any] | None) -> tuple[Sequence[Any], str | None]:
        if take is None:
            return rows_of(answer, self.config.org_url)
        return take(answer.raw), answer.next_url

    async def _call(self, method: str, path: str) -> Answer:
        answer, error = await self._ask(method, path)
        if error is not None:
            raise error
        return answer

    async def _ask(self, method: str, path: str) -> tuple[Answer, ConnectorError | None]:
        request = await self._signed(method, path)
        _, response, body, error = await self._executor.send(request)
        if response is None:
            raise self._unreached(error, "cannot be reached")
        is_refused = response.status >= CLIENT_ERROR
        links = response.headers.getall("Link", []) if not is_refused else ()
        answer = Answer(
            status=response.status,
            raw=body,
            next_url=next_page(links, self.config.org_url),
            request_id=response.headers.get("X-Okta-Request-Id", ""),
            date=moment_of(response.headers),
        )
        return answer, refused(answer, response.headers) if is_refused else None

    async def _signed(self, method: str, path: str) -> Any:
        """Return the request with its authorisation; a service app may need a token for it."""
        import aiohttp
        from jwcrypto.common import JWException  # type: ignore[import-untyped] # it has no types

        try:
            async with self._signing:  # one access token for all, however many ask at once
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
            raise self._unreached(error, "cannot be reached for an access token")
        if error is not None:
            raise MisconfiguredError(
                "Okta gave no access token: look at client_id, private_key and the scopes granted.",
                key="private_key",
            )
        return request

    def _unreached(self, error: Any, what: str) -> ConnectorError:
        """Return the error for a call that nobody answered."""
        import aiohttp

        org_url = self.config.org_url
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            cause = error.certificate_error
            return MisconfiguredError(
                f"The certificate of {org_url} was refused "
                f"({getattr(cause, 'verify_message', type(cause).__name__)}): if a proxy opens the "
                "connection on its way, this machine has to trust the proxy's authority.",
                key="org_url",
            )
        return UnavailableError(
            f"{org_url} {what} ({type(error).__name__}); it is tried again later."
        )

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            loop = self._started()
        except BaseException:
            work.close()
            raise
        return loop.run_until_complete(work)

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            try:
                self._loop.run_until_complete(self._open())
            except BaseException:
                self.close()
                raise
        return self._loop

    async def _open(self) -> None:
        import aiohttp

        from connectors.okta.executor import PatientExecutor

        self._executor = PatientExecutor(self.config)
        self._session = aiohttp.ClientSession(trust_env=False)
        self._executor.set_session(self._session)
        self._signing = asyncio.Lock()

    def close(self) -> None:
        """Give back connections and the loop."""
        self.rest()
        loop, self._loop = self._loop, None
        if loop is not None:
            if self._session is not None:
                loop.run_until_complete(self._session.close())
            self._session = self._executor = None
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


class Several(Generic[Result, Kept]):
    """Many lists that are read side by side, each given out when it is done.

    One that cannot be read is given out with its error; the others go on. It ends with that error
    if it is about all of them: the credentials are good no more, or nobody answers for one after
    the other.
    """

    def __init__(
        self,
        client: OktaClient,
        loop: asyncio.AbstractEventLoop,
        listings: Iterator[Listing],
        take: Take[Result] | None,
        keep: Callable[[list[Result]], Kept],
    ) -> None:
        """Begin."""
        self._client, self._loop, self._take, self._keep = client, loop, take, keep
        self._listings = listings
        self._done: deque[tuple[Listing, Kept | ConnectorError]] = deque()
        self._lost = 0
        self._tasks = {loop.create_task(self._work()) for _ in range(LISTS_AT_ONCE)}
        self._more = asyncio.Event()

    def __iter__(self) -> Iterator[tuple[Listing, Kept | ConnectorError]]:
        """Give out what is done; wait for more.

        Raises:
            ConnectorError: None of them can be read any more.
        """
        while self._done or self._tasks:
            while self._done:
                yield self._done.popleft()
            if self._tasks:
                self._loop.run_until_complete(self._wait())

    async def _wait(self) -> None:
        """Wait until something is done, or everybody has come to the end."""
        self._more.clear()
        more = self._loop.create_task(self._more.wait())
        ended, _ = await asyncio.wait({*self._tasks, more}, return_when=asyncio.FIRST_COMPLETED)
        more.cancel()
        for task in ended & self._tasks:
            self._tasks.discard(task)
            task.result()

    async def _work(self) -> None:
        for listing in self._listings:
            try:
                found = await self._client.read(listing, self._take)
                result: Kept | ConnectorError = self._keep(found)
                self._lost = 0
            except MisconfiguredError:
                raise
            except ConnectorError as error:
                self._lost += isinstance(error, UnavailableError)
                if self._lost >= MOST_LOST:
                    raise
                result = error
            self._done.append((listing, result))
            self._more.set()


def _looked_at(task: asyncio.Task[Any]) -> None:
    """Ask a list for its error, so that none is logged as forgotten: another's was told already."""
    if not task.cancelled():
        task.exception()
