"""The main work of the operator and the auditor, by keyboard alone.

That of the requester and the approver is in `test_requests.py`, the reviewer's in
`test_worklist.py`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from integration.requests.steps import approve, ask
from support.browsing import Served, by_keyboard, reach, serving
from support.cast import PEOPLE, Cast

pytestmark = pytest.mark.enable_socket
REFRESH = """() => htmx.ajax("GET", "/operations/now", {target: "#now", swap: "innerHTML"})"""


@pytest.fixture
def served(cast: Cast, browser: Browser) -> Iterator[Served]:
    with serving(cast.house, browser) as found:
        yield found


def test_an_operator_mends_what_failed_and_reads_a_source(cast: Cast, served: Served) -> None:
    ask(cast, "alice")
    approve(cast, "bob", "carol")
    cast.breaks("corp", "denied")
    cast.house.drain()
    cast.breaks("corp")
    olga = served.visit(PEOPLE["olga"][0])
    said = olga.open("/operations")
    page = olga.page
    by_keyboard(page.locator("#main a[href^='/tasks/']").first)
    expect(page.get_by_text("The source refused: a right is missing").first).to_be_visible()
    by_keyboard(page.get_by_role("button", name="Try again"))
    expect(page.get_by_text("It is tried again.")).to_be_visible()
    cast.house.drain()
    page.reload()
    expect(page.get_by_text("Done and read back")).to_be_visible()
    by_keyboard(page.get_by_role("link", name="Sources", exact=True))
    by_keyboard(page.get_by_role("link", name="corp", exact=True).first)
    by_keyboard(page.get_by_role("button", name="Read it now"))
    expect(page.get_by_role("heading", name="Read of corp")).to_be_visible()
    cast.house.drain()
    expect(page.get_by_role("region", name="Counted")).to_be_visible()
    assert said == []
    olga.context.close()


def test_what_has_the_focus_keeps_it_when_its_part_of_the_page_comes_anew(
    cast: Cast, served: Served
) -> None:
    ask(cast, "alice")
    approve(cast, "bob", "carol")
    cast.breaks("corp", "denied")
    cast.house.drain()
    olga = served.visit(PEOPLE["olga"][0])
    olga.open("/operations")
    page = olga.page
    failed = page.locator("#now a[href^='/tasks/']").first
    reach(failed)
    page.evaluate(REFRESH)
    expect(failed).to_be_focused()
    cast.breaks("corp")
    olga.second_window(failed.get_attribute("href") or "").get_by_role(
        "button", name="Try again"
    ).click()
    cast.house.drain()
    page.evaluate(REFRESH)
    expect(page.locator("#now a[href^='/tasks/']")).to_have_count(0)
    expect(page.locator("#now")).to_be_focused()
    olga.context.close()


def test_an_auditor_asks_for_evidence_takes_it_and_checks_it(
    cast: Cast, served: Served, tmp_path: Path
) -> None:
    dana = served.visit(PEOPLE["dana"][0], accept_downloads=True)
    said = dana.open("/evidence")
    page = dana.page
    by_keyboard(page.get_by_role("link", name="Make a bundle").first)
    by_keyboard(page.get_by_role("link", name="A period", exact=True))
    for label in ("First day", "Last day"):
        day = page.get_by_label(label)
        reach(day)
        day.press_sequentially(f"{cast.house.clock.now():%m%d%Y}")
    by_keyboard(page.get_by_role("button", name="Make the bundle"))
    expect(page.get_by_role("heading", name="Being built")).to_be_visible()
    with ThreadPoolExecutor(1) as worker:  # signing runs a loop of its own, as a worker does
        worker.submit(cast.house.drain).result()
    download = page.get_by_role("button", name="Download bundle")
    expect(download).to_be_visible()
    reach(download)
    with page.expect_download() as taking:
        page.keyboard.press("Enter")
    bundle = tmp_path / "bundle.zip"
    taking.value.save_as(bundle)
    by_keyboard(page.get_by_role("link", name="Check a copy on this page instead"))
    file = page.get_by_label("Choose a bundle, or drop it here")
    reach(file)  # what Space opens then is the browser's own, and not always there without a screen
    file.set_input_files(bundle)
    by_keyboard(page.get_by_role("button", name="Check it"))
    expect(page.get_by_role("heading", name="It holds.")).to_be_visible()
    expect(page.locator("#result")).to_be_focused()
    assert said == []
    dana.context.close()
