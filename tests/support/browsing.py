"""A house that a real browser can open: served on a port of its own, on this machine only."""

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, Response
from typing_extensions import override
from werkzeug.serving import WSGIRequestHandler, make_server

from app.factory import create_app
from app.signin import links
from support.house import TestHouse

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).parents[2] / "app/web/assets/node_modules/axe-core/axe.min.js"
DESK = {"width": 1440, "height": 900}
MOST_STOPS = 200
IS_SEEN = """each => { const style = getComputedStyle(each);
  return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
    || style.boxShadow !== "none"; }"""
FOUND = """() => axe.run(document, {resultTypes: ["violations"]}).then((found) =>
  found.violations.map((each) => each.id + ": " + each.nodes.map((node) => node.html).join(" ")))"""


def start_browser(playwright: Playwright) -> Browser:
    """Start Debian's Chromium."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@dataclass(slots=True)
class Served:
    """A house on a port.

    Attributes:
        house: The house.
        base: Its address.
        browser: What opens it.
    """

    house: TestHouse
    base: str
    browser: Browser

    def visit(self, who: str, **options: object) -> "Visit":
        """Open a window of somebody who signs in by a link."""
        with self.house.write() as uow:
            path = links.make(uow, who=who).path
        return self.enter(path, **options)

    def enter(self, path: str, **options: object) -> "Visit":
        """Open a window, and sign in by a link."""
        context = self.browser.new_context(**{"viewport": DESK, **options})  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(self.base + path)
        page.locator("main form button").first.click()
        page.wait_for_url(lambda url: "/sign-in" not in url)
        return Visit(self, context, page)


@dataclass(slots=True)
class Visit:
    """One window of somebody, and all that the browser complained of in it.

    Attributes:
        served: Where.
        context: Its cookies, and whether it is online.
        page: The page that is open.
    """

    served: Served
    context: BrowserContext
    page: Page

    def open(self, path: str) -> list[str]:
        """Open a page; what the console says from here on is collected in what is returned."""
        said: list[str] = []
        self.page.on("console", lambda message: said.append(message.text))
        self.page.on("pageerror", lambda error: said.append(str(error)))
        self.page.goto(self.served.base + path)
        return said

    def second_window(self, path: str) -> Page:
        """Open another window of the same session."""
        page = self.context.new_page()
        page.goto(self.served.base + path)
        return page


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with a page as it stands."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(FOUND)
    return found


def by_mouse(target: Locator) -> None:
    """Click."""
    target.click()


def by_keyboard(target: Locator) -> None:
    """Go to something by Tab alone, and press Enter."""
    reach(target)
    target.page.keyboard.press("Enter")


def reach(target: Locator) -> None:
    """Go to something by Tab alone; where the focus is then can be seen."""
    for _stop in range(MOST_STOPS):
        if target.evaluate("each => each === document.activeElement"):
            assert target.evaluate(IS_SEEN), f"the focus on {target} cannot be seen"
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def is_answer_of(path: str) -> object:
    """Return what picks the answer of an address that ends so."""

    def fits(answer: Response) -> bool:
        return answer.url.split("?")[0].endswith(path)

    return fits


class QuietHandler(WSGIRequestHandler):
    """Says nothing of each call."""

    @override
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def serving(
    house: TestHouse, browser: Browser, *, port: int = 0, **changes: Any
) -> Iterator[Served]:
    """Serve a house while the block lasts, on a port of its own, with some settings changed."""
    server = make_server(
        "127.0.0.1", port, lambda *_: [], threaded=True, request_handler=QuietHandler
    )
    base = f"http://127.0.0.1:{server.port}"
    settings = dataclasses.replace(house.house.settings, base_url=base, **changes)
    server.app = create_app(settings, house=house.house)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Served(house, base, browser)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
