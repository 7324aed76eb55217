"""`make pictures`: fill the demonstration, open it in a browser, take what the documents show."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.browsing import Served, serving, start_browser
from support.demonstration import demonstration

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = {"width": 1440, "height": 900}


def take(page: Page, name: str) -> None:
    """Take one picture."""
    page.screenshot(path=str(PICTURES / f"{name}.png"))
    print(f"{name}.png", flush=True)


def follow(page: Page, served: Served, path: str, pattern: str) -> None:
    """Open a list, and of what it names the first one."""
    page.goto(served.base + path)
    page.locator(f'main a[href^="{pattern}"]').first.click()
    page.wait_for_load_state("networkidle")


def main() -> int:
    """Take every picture."""
    with tempfile.TemporaryDirectory() as held, sync_playwright() as playwright:
        house, links = demonstration(Path(held))
        browser = start_browser(playwright)
        with serving(house, browser) as served:
            manager = served.enter(links["manager"], viewport=SIZE)
            follow(manager.page, served, "/reviews", "/reviews/")
            expect(manager.page.locator("#ctx h2")).to_be_visible()
            take(manager.page, "worklist")
            auditor = served.enter(links["auditor"], viewport=SIZE)
            follow(auditor.page, served, "/evidence", "/evidence/0")
            take(auditor.page, "evidence")
            operator = served.enter(links["operator"], viewport=SIZE)
            follow(operator.page, served, "/campaigns", "/campaigns/0")
            take(operator.page, "campaign")
        browser.close()
        house.house.tx.database.engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
