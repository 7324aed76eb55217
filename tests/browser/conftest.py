"""One browser for all of these tests, gone before any other test begins.

Playwright keeps an event loop running in the thread that drives it, and where a loop runs no other
can be started; so the browser ends with this package. One worker runs all of it, see
`tests/conftest.py`.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.browsing import start_browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = start_browser(playwright)
        yield found
        found.close()
