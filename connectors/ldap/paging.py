"""Page after page of one search (RFC 2696), until the cookie is empty."""

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Entries = list[Mapping[str, Any]]
Page = tuple[Mapping[str, Any], Entries]  # its result, and what came
Ask = Callable[[bytes | None], Page]
Accepted = Callable[[Mapping[str, Any]], bytes | None]


def read_on(ask: Ask, accepted: Accepted) -> Generator[Entries]:
    """Yield page after page, each asked for when it is wanted.

    Args:
        ask: Brings the page that a cookie stands for; the first is that of None.
        accepted: Refuses a page that came without success, and returns the cookie of the next.
    """
    cookie: bytes | None = None
    while True:
        result, response = ask(cookie)
        cookie = accepted(result)
        yield response
        if not cookie:
            return


def read_ahead(ask: Ask, accepted: Accepted) -> Generator[Entries]:
    """Yield page after page; while one is being used, the server is at work on the next.

    A page that is not wanted any more is waited for all the same, so that no answer is left on the
    connection.

    Args:
        ask: As above; called by one other thread, one call at a time.
        accepted: As above.
    """
    with ThreadPoolExecutor(1, "ldap-page") as pool:
        coming = pool.submit(ask, None)
        while True:
            result, response = coming.result()
            cookie = accepted(result)
            if cookie:
                coming = pool.submit(ask, cookie)
            yield response
            if not cookie:
                return
