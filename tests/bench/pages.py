"""What the worklist of 500 items costs: on the server, on the line, and in a real browser."""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.figures import Figure, counting, house_of
from support.browsing import Served, serving, start_browser
from support.finance import MANAGER, Finance, found_finance

ROUNDS = 21
PRESSES = 100
SLOWER = 4
SHORTEST = 16.0  # what the browser does not tell of was painted within that
KEYS = "jjajkjaxxu"
WATCH = """() => {
  window.seen = {keys: [], shift: 0, largest: 0};
  new PerformanceObserver((list) => list.getEntries().forEach((each) => {
    if (each.name === "keydown") seen.keys.push(each.duration);
  })).observe({type: "event", durationThreshold: 16});
  new PerformanceObserver((list) => list.getEntries().forEach((each) => {
    if (!each.hadRecentInput) seen.shift += each.value;
  })).observe({type: "layout-shift", buffered: true});
  new PerformanceObserver((list) => list.getEntries().forEach((each) => {
    seen.largest = each.startTime;
  })).observe({type: "largest-contentful-paint", buffered: true});
}"""
STOPS = """() => [...document.querySelectorAll("#list :is(a, button, input, [tabindex])")]
  .filter((each) => each.tabIndex >= 0 && each.checkVisibility()).length"""


def measure_pages(folder: Path) -> Iterator[Figure]:
    """Measure the worklist of 500 items."""
    folder.mkdir(exist_ok=True)
    with house_of(folder) as house:
        finance = found_finance(house, people=50)
        yield from measure_server(finance)
        with sync_playwright() as playwright:
            browser = start_browser(playwright)
            with serving(house, browser) as served:
                yield from measure_first_visit(served, finance)
                yield from measure_hands(served, finance, slower=1, gate=50)
                yield from measure_hands(served, finance, slower=SLOWER, gate=100)
            browser.close()


def measure_server(finance: Finance) -> Iterator[Figure]:
    """The page as the server makes it: time, size, statements."""
    dana = finance.house.visitor(MANAGER)
    path = f"/reviews/{finance.campaign}?show=all"
    size = len(dana.get(path, accept_encoding="br").get_data())
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        dana.get(path, accept_encoding="br")
        times.append(time.perf_counter() - begun)
    with counting(finance.house) as sent:
        dana.get(path)
    reads = [each for each in sent if each.lstrip().upper().startswith("SELECT")]
    yield Figure("KB of a worklist of 500, compressed", size / 1000, 60, "brotli")
    yield Figure(
        "ms of the server for a worklist of 500",
        statistics.median(times) * 1000,
        50,
        f"compressed, best {min(times) * 1000:.1f}, median of {ROUNDS}",
    )
    yield Figure(
        "statements of the page of a worklist of 500", len(reads), 14, "with rail and panel"
    )


def measure_first_visit(served: Served, finance: Finance) -> Iterator[Figure]:
    """All that comes over the line before the page stands, with nothing kept from before."""
    dana = served.visit(MANAGER)
    line = dana.context.new_cdp_session(dana.page)
    line.send("Network.enable")
    line.send("Network.clearBrowserCache")
    received: list[float] = []
    line.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    dana.open(f"/reviews/{finance.campaign}?show=all")
    expect(dana.page.locator("#ctx h2")).to_be_visible()
    yield Figure(
        "KB of a first visit with everything", sum(received) / 1000, 120, f"{len(received)} files"
    )
    dana.context.close()


def measure_hands(
    served: Served, finance: Finance, *, slower: int, gate: float
) -> Iterator[Figure]:
    """What somebody with keys feels: paint, shift, and from key to paint."""
    dana = served.visit(MANAGER)
    page = dana.page
    page.add_init_script(f"({WATCH})()")
    line = dana.context.new_cdp_session(page)
    throttle(line, slower)
    dana.open(f"/reviews/{finance.campaign}?show=all")
    expect(page.locator("#ctx h2")).to_be_visible(timeout=20_000)
    stops = page.evaluate(STOPS)
    for place in range(PRESSES):
        page.keyboard.press(KEYS[place % len(KEYS)])
        page.wait_for_timeout(40)
    seen = settled(page)
    throttle(line, 1)
    keys = sorted([*seen["keys"], *([SHORTEST] * (PRESSES - len(seen["keys"])))])
    speed = "full speed" if slower == 1 else f"{slower} x slower"
    if slower > 1:
        yield Figure(f"ms to the largest paint, {speed}", seen["largest"], 1000, "500 items")
    yield Figure(
        f"ms from key to paint, p98, {speed}",
        keys[int(len(keys) * 0.98) - 1],
        gate,
        f"median {statistics.median(keys):.0f}, {PRESSES} keys",
    )
    yield Figure(f"layout shift, {speed}", seen["shift"], 0, "")
    yield Figure(f"tab stops in the list, {speed}", stops, 10, "500 items")
    dana.context.close()


def throttle(line: CDPSession, rate: int) -> None:
    """Make the processor slower."""
    line.send("Emulation.setCPUThrottlingRate", {"rate": rate})


def settled(page: Page) -> dict[str, Any]:
    """Return what was seen, once everything is painted."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
    found: dict[str, Any] = page.evaluate("() => window.seen")
    return found


def main() -> int:
    """Measure the pages alone."""
    with tempfile.TemporaryDirectory() as held:
        figures = list(measure_pages(Path(held)))
    for figure in figures:
        print(figure.line())
    return 0 if all(each.holds for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
