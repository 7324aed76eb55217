"""Access is asked for, approved and given in a real browser: by mouse, and by keyboard alone."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from integration.requests.steps import ask, questions
from support.browsing import Served, Visit, by_keyboard, by_mouse, reach, serving, violations
from support.cast import PEOPLE, Cast

pytestmark = pytest.mark.enable_socket
REASON = "Month end closes on Friday"
PAYROLL = re.compile(r"Payroll.*corp")
Press = Callable[[Locator], None]


@pytest.fixture
def served(cast: Cast, browser: Browser) -> Iterator[Served]:
    with serving(cast.house, browser) as found:
        yield found


def window(served: Served, who: str) -> Visit:
    return served.visit(PEOPLE[who][0])


def approve(served: Served, who: str, press: Press) -> None:
    visit = window(served, who)
    said = visit.open("/approvals")
    page = visit.page
    press(page.get_by_role("link", name="Add: Payroll"))
    expect(page.get_by_text("add to Payroll: Alice in corp")).to_be_visible()
    press(page.get_by_role("button", name="Approve"))
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()
    assert said == []
    visit.context.close()


@pytest.mark.parametrize("press", [by_mouse, by_keyboard])
def test_access_is_asked_for_approved_and_seen_done(
    cast: Cast, served: Served, press: Press
) -> None:
    alice = window(served, "alice")
    said = alice.open("/requests/new")
    page = alice.page
    press(page.get_by_role("link", name=PAYROLL))
    reason = page.get_by_label("Why", exact=True)
    expect(reason).to_be_visible()
    reach(reason)
    page.keyboard.type(REASON)
    press(page.get_by_role("button", name="Send request"))
    expect(page.get_by_text("Sent. You are told at each step.")).to_be_visible()
    expect(page.locator("[aria-current=step]")).to_contain_text("Bob")
    approve(served, "bob", press)
    approve(served, "carol", press)
    cast.house.drain()
    page.reload()
    expect(page.locator("#main .badge").first).to_have_text("Done")
    assert said == []
    alice.context.close()


def test_what_it_would_mean_is_shown_anew_while_the_form_is_filled_in(served: Served) -> None:
    alice = window(served, "alice")
    alice.open("/requests/new")
    page = alice.page
    page.get_by_role("link", name=PAYROLL).click()
    checked = page.locator("#checked")
    expect(checked).to_contain_text("The policy refuses this")
    page.get_by_label("Why", exact=True).fill(REASON)
    page.keyboard.press("Tab")
    expect(checked).to_contain_text("Who must approve")
    expect(checked).not_to_contain_text("The policy refuses this")
    assert page.get_by_label("Why", exact=True).input_value() == REASON
    alice.context.close()


def test_without_script_the_form_is_checked_by_its_button(served: Served) -> None:
    alice = served.visit(PEOPLE["alice"][0], java_script_enabled=False)
    alice.open("/requests/new")
    page = alice.page
    page.get_by_role("link", name=PAYROLL).click()
    page.get_by_label("Why", exact=True).fill(REASON)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#checked")).to_contain_text("Who must approve")
    assert page.get_by_label("Why", exact=True).input_value() == REASON
    alice.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_a_phone_never_scrolls_sideways(
    cast: Cast, served: Served, theme: str
) -> None:
    request = ask(cast)["id"]
    question = questions(cast, "bob")[0]["id"]
    group = cast.group("corp", "payroll").public_id
    bob = served.visit(PEOPLE["bob"][0], color_scheme=theme)
    alice = served.visit(PEOPLE["alice"][0], color_scheme=theme)
    pages: list[tuple[Page, str]] = [
        (bob.page, "/approvals"),
        (bob.page, f"/approvals/{question}"),
        (bob.page, f"/requests/new?entitlement={group}"),
        (bob.page, "/delegations"),
        (alice.page, "/requests"),
        (alice.page, "/requests/new"),
        (alice.page, f"/requests/{request}"),
        (alice.page, "/notices"),
    ]
    for page, path in pages:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(served.base + path)
        assert violations(page) == [], path
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    bob.context.close()
    alice.context.close()
