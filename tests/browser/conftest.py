"""One browser for all of these tests, gone before any other test begins.

Playwright keeps an event loop running in the thread that drives it, and where a loop runs no other
can be started; so the browser ends with this package. One worker runs all of it, see
`tests/conftest.py`.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from support.browsing import start_browser

PATIENCE = 20_000  # milliseconds; what a page shows is waited for, however busy the machine is
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = start_browser(playwright)
        yield found
        found.close()
