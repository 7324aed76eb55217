"""One browser for all of these tests, gone before any other test begins.

Playwright keeps an event loop running in the thread that drives it, and where a loop runs no other
can be started; so the browser ends with this package, and one worker runs all of it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.browsing import start_browser

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before the groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one worker run all that needs the browser, one after the other."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = start_browser(playwright)
        yield found
        found.close()
