"""The SDK's request executor, with our own patience in place of its own.

The SDK retries only 429, 503 and 504, gives up after two, lets every task sleep by itself, and
turns a dropped connection into an `AttributeError`. Here: one pause for all on 429 until the
service's own reset, retries of what is safe to repeat on 5xx, drops and time-outs, a cap on calls
at once, a deadline for each call, and every answer or error handed back as it is.
"""

import asyncio
import logging
import random
import time
from email.utils import parsedate_to_datetime
from typing import Any

from okta.cache.no_op_cache import NoOpCache
from okta.http_client import HTTPClient
from okta.request_executor import RequestExecutor
from typing_extensions import override

from connectors.okta.config import OktaConfig

AT_ONCE = 8
TRIES = 5
DEADLINE_SECONDS = 180.0
LONGEST_PAUSE = 65.0
REPEATABLE = frozenset({"GET", "PUT", "DELETE"})
TOO_MANY = 429
SERVER_ERROR = 500
# At DEBUG the SDK logs whole requests, the token among them; what it logs at ERROR we tell better.
logging.getLogger("okta-sdk-python").setLevel(logging.CRITICAL)


class DirectClient(HTTPClient):
    """Takes no proxy from the environment: a source says itself how it is reached."""

    @override
    def _setup_proxy(self, proxy: object) -> None:
        return None


class PatientExecutor(RequestExecutor):
    """Sends one call after the other with patience; used within one event loop."""

    def __init__(self, config: OktaConfig) -> None:
        """Speak to one organisation."""
        cache = NoOpCache()  # type: ignore[no-untyped-call]
        super().__init__(  # type: ignore[no-untyped-call]
            config.for_executor(), cache, DirectClient
        )
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._paused_until = 0.0
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
    ) -> tuple[Any, Any, Any, Any]:
        """Send a request until it is answered, the tries are used up, or the deadline has come.

        A call keeps its turn until then, so that one that was refused does not go to the end of the
        queue; and its deadline runs from its turn on, for how long it waited behind others says
        nothing about the service.
        """
        del attempts, request_start_time
        async with self._slots:
            return await self._answered(request, time.monotonic() + DEADLINE_SECONDS)

    async def _answered(self, request: dict[str, Any], end: float) -> tuple[Any, Any, Any, Any]:
        tries = 0
        while True:
            # Asked within the turn: those who queued before the limit was met wait too.
            await self._wait_for_all(end)
            tries += 1
            self.calls += 1
            info, response, body, error = await self._http_client.send_request(request)
            pause = self._pause(request["method"], response, tries)
            if pause is None or time.monotonic() + pause > end:
                return info, response, body, error
            if response is not None and response.status == TOO_MANY:
                self.limited += 1
                self._paused_until = max(self._paused_until, time.monotonic() + pause)
            else:
                await asyncio.sleep(pause)

    async def _wait_for_all(self, end: float) -> None:
        """Wait while everybody waits; past the deadline go on, and fail with the service's word."""
        while True:
            left = min(self._paused_until, end) - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(left)

    def _pause(self, method: str, response: Any, tries: int) -> float | None:
        """Return how long to wait before the next try, or None if this answer stands."""
        if response is not None and response.status == TOO_MANY:
            return until_reset(response.headers) + random.uniform(0, 0.5)  # noqa: S311
        is_lost = response is None or response.status >= SERVER_ERROR
        is_final = response is not None and response.status == 501  # noqa: PLR2004 - not offered
        if not is_lost or is_final or method not in REPEATABLE or tries >= TRIES:
            return None
        return float(2**tries) * random.uniform(0.1, 0.3)  # noqa: S311 - jitter


def until_reset(headers: Any) -> float:
    """Return the seconds until a limit is lifted, by the service's own clock.

    A limit of 0 is the one on calls at once: it is lifted as soon as others are answered.
    """
    if headers.get("X-Rate-Limit-Limit") == "0":
        return 0.5
    try:
        reset = float(headers["X-Rate-Limit-Reset"])
        now = parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return 5.0
    return min(max(reset - now, 0.0) + 1.0, LONGEST_PAUSE)
