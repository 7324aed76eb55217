"""The SDK's request executor, with our own patience in place of its own.

The SDK retries only 429, 503 and 504, gives up after two, lets every task sleep by itself, parses
every page to see whether it might keep it, and turns a dropped connection into an `AttributeError`.
Here: calls go out at the pace the limits allow (`pacing.py`), one pause for all on 429, retries
with jitter of what is safe to repeat on 5xx, drops and time-outs, a cap on calls at once, a
deadline for each call, and every answer handed back as the bytes that came.
"""

import asyncio
import json
import logging
import random
from typing import Any

import aiohttp
from okta.cache.no_op_cache import NoOpCache
from okta.http_client import HTTPClient
from okta.request_executor import RequestExecutor
from typing_extensions import override

from connectors.okta.config import OktaConfig
from connectors.okta.pacing import Pacing, bucket_of

AT_ONCE = 8
TRIES = 5
DEADLINE_SECONDS = 180.0
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
TOO_MANY, SERVER_ERROR, NOT_OFFERED = 429, 500, 501
Reply = tuple[Any, Any, Any, Any]
# At DEBUG the SDK logs whole requests, the token among them; what it logs at ERROR we tell better.
logging.getLogger("okta-sdk-python").setLevel(logging.CRITICAL)


class DirectClient(HTTPClient):
    """Sends one request and hands back bytes.

    It takes no proxy from the environment: a source says itself how it is reached.
    """

    @override
    def _setup_proxy(self, proxy: object) -> None:
        return None

    @override
    async def send_request(self, request: dict[str, Any]) -> Reply:
        """Return what the SDK's own returns, with the body as it came; never raises for the wire.

        Args:
            request: As `create_request` makes it.
        """
        session: aiohttp.ClientSession = self._session  # type: ignore[assignment] # it is opened
        data = json.dumps(request["data"]) if request["data"] else request["form"] or None
        try:
            async with session.request(
                request["method"],
                request["url"],
                headers={**self._default_headers, **request["headers"]},
                data=data,
                timeout=self._timeout,
            ) as response:
                return response.request_info, response, await response.read(), None
        except (aiohttp.ClientError, TimeoutError) as error:
            return None, None, None, error


class PatientExecutor(RequestExecutor):
    """Sends calls with patience; used within one event loop, whose clock it goes by."""

    def __init__(self, config: OktaConfig, http_client: type[HTTPClient] = DirectClient) -> None:
        """Speak to one organisation."""
        cache = NoOpCache()  # type: ignore[no-untyped-call]
        super().__init__(config.for_executor(), cache, http_client)  # type: ignore[no-untyped-call]
        self._root = config.org_url
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._pacing = Pacing(config.rate_share)
        self._queues: dict[str, asyncio.Lock] = {}
        self.calls = 0
        self.limited = 0

    def ask_for(self, scopes: list[str]) -> bool:
        """Ask for other scopes from now on; False if they are the same."""
        client = self._config["client"]
        if client.get("scopes") == scopes:
            return False
        client["scopes"] = scopes
        return True

    @override
    async def fire_request_helper(
        self, request: dict[str, Any], attempts: int, request_start_time: float
    ) -> Reply:
        """Send a request of the SDK's own (for an access token) as any other."""
        del attempts, request_start_time
        return await self.send(request)

    async def send(self, request: dict[str, Any]) -> Reply:
        """Send a request until it is answered, the tries are used up, or the deadline has come.

        The deadline runs from when it is sent first: how long it waited behind others says nothing
        about the service.

        Args:
            request: As `create_request` makes it.

        Returns:
            What the SDK returns: the request, the response, the body as bytes, and the error if
            there was no answer.
        """
        clock = asyncio.get_running_loop().time
        bucket = bucket_of(request["url"].removeprefix(self._root))
        tries, end = 0, 0.0
        while True:
            reply = await self._in_turn(request, bucket)
            if reply is None:  # a pause began while it waited for its slot
                continue
            tries += 1
            end = end or clock() + DEADLINE_SECONDS
            response = reply[1]
            if response is not None and response.status == TOO_MANY:
                self.limited += 1
                jitter = random.uniform(0, 0.5)  # noqa: S311 - jitter
                pause = self._pacing.refused(bucket, response.headers, clock(), jitter)
                if clock() + pause > end:
                    return reply
                continue
            if isinstance(reply[3], aiohttp.ClientConnectorCertificateError):
                return reply  # no waiting makes it valid
            again = _pause(request["method"], response, tries)
            if again is None or clock() + again > end:
                return reply
            await asyncio.sleep(again)

    async def _in_turn(self, request: dict[str, Any], bucket: str) -> Reply | None:
        """Send when the limits allow it; return None if a pause came between."""
        clock = asyncio.get_running_loop().time
        async with self._queues.setdefault(bucket, asyncio.Lock()):
            # Each sleep is as long as the limits say; what they say may change meanwhile.
            while (wait := self._pacing.wait(bucket, clock())) > 0:  # noqa: ASYNC110
                await asyncio.sleep(wait)
            self._pacing.sent(bucket, clock())
        headers = None
        async with self._slots:
            if self._pacing.is_paused(bucket, clock()):
                self._pacing.taken_back(bucket)
                return None
            self.calls += 1
            try:
                reply: Reply = await self._http_client.send_request(request)
                headers = None if reply[1] is None else reply[1].headers
            finally:
                self._pacing.answered(bucket, headers, clock())
        return reply


def _pause(method: str, response: Any, tries: int) -> float | None:
    """Return how long to wait before the next try, or None if this answer stands."""
    is_lost = response is None or response.status >= SERVER_ERROR
    is_final = response is not None and response.status == NOT_OFFERED
    if not is_lost or is_final or method not in REPEATABLE or tries >= TRIES:
        return None
    return float(2**tries) * random.uniform(0.1, 0.3)  # noqa: S311 - jitter
