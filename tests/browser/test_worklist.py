"""A manager and her list in a real browser: by keyboard, by hand, on a phone, without a line."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.kernel.actor import Actor
from app.reviews import service
from app.reviews.domain import Decision, DecisionMove
from app.reviews.service import Said
from app.reviews.worklist import Row, Show, worklist
from app.signin import preferences
from support.browsing import Served, Visit, is_answer_of, serving, violations
from support.finance import COLLEAGUE, CREATE, MANAGER, Finance, found_finance
from support.house import TestHouse

pytestmark = pytest.mark.enable_socket
REASON = "Conflicts with payments."
STOPS = """() => [...document.querySelectorAll("#list :is(a, button, input, [tabindex])")]
  .filter((each) => each.tabIndex >= 0 && each.checkVisibility()).length"""


@pytest.fixture
def finance(house: TestHouse) -> Finance:
    return found_finance(house, people=12)


@pytest.fixture
def served(finance: Finance, browser: Browser) -> Iterator[Served]:
    with serving(finance.house, browser) as found:
        yield found


@pytest.fixture
def dana(served: Served) -> Iterator[Visit]:
    visit = served.visit(MANAGER)
    yield visit
    visit.context.close()


def here(finance: Finance, query: str = "") -> str:
    return f"/reviews/{finance.campaign}{query}"


def rows(finance: Finance) -> list[Row]:
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
        return [row for section in found.sections for row in section.rows]


def decided(finance: Finance) -> dict[str, Decision]:
    return {row.id: row.decision for row in rows(finance) if row.decision is not None}


def decide(
    finance: Finance, *chosen: Row, move: DecisionMove = DecisionMove.KEEP, who: Actor | None = None
) -> None:
    said = [Said(each.id, move, each.version, reason=None) for each in chosen]
    with finance.house.write(who or finance.actor()) as uow:
        service.decide(uow, said)


def press(page: Page, key: str, *, answer: str = "/decisions") -> Any:
    """Press a key, and wait for the answer of what it sends."""
    with page.expect_response(is_answer_of(answer)) as found:  # type: ignore[arg-type]
        page.keyboard.press(key)
    return found.value


def current(page: Page) -> str:
    return str(page.locator(".it.on").get_attribute("data-id"))


def test_a_list_is_decided_by_keyboard_alone_from_the_first_item_to_the_sign_off(
    finance: Finance, dana: Visit
) -> None:
    said = dana.open(here(finance))
    page = dana.page
    first = current(page)
    press(page, "a")
    assert decided(finance) == {first: Decision.KEEP}
    second = current(page)
    assert second != first
    page.keyboard.press("r")
    page.keyboard.type(REASON)
    press(page, "Control+Enter")
    assert decided(finance)[second] is Decision.REVOKE
    press(page, "u")
    assert second not in decided(finance)
    assert current(page) == second
    page.keyboard.press("r")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    press(page, "Control+Enter")
    assert next(row.reason for row in rows(finance) if row.id == second)
    decide(finance, *(row for row in rows(finance) if row.decision is None))
    page.reload()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#sign").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Sign off and take away one access")
    go = dialog.get_by_role("button", name="Sign off and take away one access")
    for _ in range(4):
        if go.evaluate("(each) => each === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("Signed off")
    assert said == []


def test_keys_move_tick_and_find_and_never_act_while_somebody_types(
    finance: Finance, dana: Visit
) -> None:
    dana.open(here(finance, "?show=all"))
    page = dana.page
    first = current(page)
    page.keyboard.press("j")
    assert current(page) != first
    page.keyboard.press("k")
    assert current(page) == first
    page.keyboard.press("x")
    expect(page.locator("#n-picked")).to_have_text("1 ticked")
    page.keyboard.press("/")
    page.keyboard.type("arxunjk treasury")
    expect(page.locator("#q")).to_have_value("arxunjk treasury")
    expect(page.locator("#none")).to_be_visible()
    page.locator("#q").fill("treasury okafor")
    expect(page.locator(".it[data-id]:visible")).to_have_count(1)
    assert decided(finance) == {}
    page.locator("#q").fill("")
    page.keyboard.press("Escape")
    press(page, "a")
    page.keyboard.press("n")
    assert current(page) not in decided(finance)


def test_keys_can_be_switched_off(finance: Finance, served: Served) -> None:
    with finance.house.write(finance.actor()) as uow:
        preferences.set_preferences(uow, zone="UTC", language="en", are_keys_on=False)
    visit = served.visit(MANAGER)
    visit.open(here(finance))
    visit.page.keyboard.press("a")
    visit.page.keyboard.press("j")
    visit.page.locator("#q").click()
    assert decided(finance) == {}
    visit.context.close()


def test_without_a_line_a_decision_is_rolled_back_and_said(finance: Finance, dana: Visit) -> None:
    dana.open(here(finance))
    page = dana.page
    first = current(page)
    row = page.locator(f'[data-id="{first}"]')
    dana.context.set_offline(True)
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("Not saved")
    expect(row).not_to_have_attribute("data-d", "keep")
    expect(page.locator("#p-decided")).to_have_text("0")
    expect(page.locator("#offline")).to_be_visible()
    dana.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
    row.focus()
    press(page, "a")
    assert decided(finance) == {first: Decision.KEEP}


def test_a_server_that_comes_back_is_noticed_although_the_line_was_never_gone(
    finance: Finance, dana: Visit
) -> None:
    dana.open(here(finance))
    page = dana.page
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("Not saved")
    expect(page.locator("#offline")).to_be_visible()
    page.unroute_all()
    expect(page.locator("#offline")).to_be_hidden()
    assert decided(finance) == {}


def test_without_a_line_an_undo_is_rolled_back_too_and_works_later(
    finance: Finance, dana: Visit
) -> None:
    dana.open(here(finance))
    page = dana.page
    first = current(page)
    press(page, "a")
    dana.context.set_offline(True)
    page.keyboard.press("u")
    expect(page.locator("#toast")).to_contain_text("Not undone")
    expect(page.locator(f'[data-id="{first}"]')).to_have_attribute("data-d", "keep")
    dana.context.set_offline(False)
    press(page, "u")
    assert decided(finance) == {}


def test_two_of_five_not_sure_stay_and_are_not_sent_to_be_kept(
    finance: Finance, dana: Visit
) -> None:
    dana.open(here(finance))
    page = dana.page
    offered = int(page.locator("#n-low").inner_text())
    page.locator("#low").click()
    dialog = page.get_by_role("dialog")
    go = dialog.locator("[data-go]")
    expect(go).to_be_disabled()
    asked = dialog.locator(".samples li")
    expect(asked).to_have_count(5)
    for place in range(5):
        asked.nth(place).get_by_text("Not sure" if place < 2 else "Still right").click()
    expect(go).to_have_text(f"Keep {offered - 2} items")
    with page.expect_request(lambda request: request.url.endswith("/kept")) as found:
        go.click()
    sent = json.loads(found.value.post_data or "{}")
    unsure = {each["id"] for each in sent["answers"] if each["answer"] == "unsure"}
    assert len(unsure) == 2
    assert len(sent["answers"]) == 5
    assert len(sent["items"]) == offered - 2
    assert not unsure & {each["id"] for each in sent["items"]}
    expect(page.locator("#toast")).to_contain_text(f"Kept: {offered - 2} items")
    expect(page.locator("#low")).to_be_hidden()
    assert len(decided(finance)) == offered - 2
    assert not unsure & decided(finance).keys()
    press(page, "u")
    assert decided(finance) == {}


def test_a_group_is_revoked_with_one_reason(finance: Finance, dana: Visit) -> None:
    dana.open(here(finance))
    page = dana.page
    chosen = [current(page)]
    page.keyboard.press("x")
    page.keyboard.press("j")
    chosen.append(current(page))
    page.keyboard.press("x")
    page.get_by_role("button", name="Revoke…").click()
    page.locator("#why").press("Control+Enter")
    expect(page.locator("#why-wrong")).to_be_visible()
    page.locator("#why").fill(REASON)
    press(page, "Control+Enter")
    assert decided(finance) == dict.fromkeys(chosen, Decision.REVOKE)
    assert {row.reason for row in rows(finance) if row.decision} == {REASON}


def test_an_item_is_handed_to_a_colleague(finance: Finance, dana: Visit) -> None:
    dana.open(here(finance))
    page = dana.page
    chosen = current(page)
    page.keyboard.press("d")
    dialog = page.get_by_role("dialog")
    dialog.locator("#who-live").fill("farouk")
    dialog.get_by_label("Omar Farouk").check()
    dialog.get_by_label("Why they know better").fill("Knows the work.")
    dialog.get_by_role("button", name="Hand over").click()
    expect(page.locator("#toast")).to_contain_text("Handed over")
    expect(page.locator(f'[data-id="{chosen}"]')).to_have_count(0)
    expect(page.locator("#n-all")).to_have_text("119")
    with finance.house.read(finance.actor(COLLEAGUE)) as reading:
        assert worklist(reading, finance.campaign).total == 1


def test_what_was_decided_elsewhere_is_shown_and_not_overwritten(
    finance: Finance, dana: Visit
) -> None:
    dana.open(here(finance))
    page = dana.page
    first = current(page)
    decide(finance, next(row for row in rows(finance) if row.id == first))
    page.keyboard.press("r")
    page.keyboard.type(REASON)
    assert press(page, "Control+Enter").status == 409
    row = page.locator(f'[data-id="{first}"]')
    expect(row).to_have_attribute("data-d", "keep")
    expect(row).to_contain_text("Changed elsewhere")
    assert decided(finance) == {first: Decision.KEEP}


def test_two_windows_agree_when_one_comes_back(finance: Finance, dana: Visit) -> None:
    dana.open(here(finance))
    first = current(dana.page)
    other = dana.second_window(here(finance))
    press(other, "a")
    dana.page.bring_to_front()
    dana.page.evaluate("dispatchEvent(new Event('focus'))")
    expect(dana.page.locator(f'[data-id="{first}"]')).to_have_attribute("data-d", "keep")
    expect(dana.page.locator("#moved")).to_contain_text("another window")


def test_500_items_have_few_tab_stops_and_the_panel_follows(
    house: TestHouse, browser: Browser
) -> None:
    finance = found_finance(house, people=50)
    with serving(house, browser) as served:
        dana = served.visit(MANAGER)
        said = dana.open(here(finance, "?show=all"))
        page = dana.page
        expect(page.locator(".it[data-id]")).to_have_count(500)
        assert 0 < page.evaluate(STOPS) <= 10
        for _ in range(5):
            page.keyboard.press("j")
        name = page.locator(".it.on .nm").inner_text()
        expect(page.locator("#ctx h2")).to_have_text(name)
        assert page.evaluate(STOPS) <= 10
        assert said == []
        dana.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page_or_in_its_dialogs(
    finance: Finance, served: Served, scheme: str
) -> None:
    dana = served.visit(MANAGER, color_scheme=scheme, reduced_motion="reduce")
    dana.open(here(finance))
    page = dana.page
    expect(page.locator("#ctx h2")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("r")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    assert violations(page) == []
    press(page, "a")
    for opener in ("#help", "#low"):
        page.locator(opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("d")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
    for path in ("/reviews", here(finance, "/sign-off"), here(finance, "/low-risk")):
        dana.open(path)
        assert violations(page) == []
    dana.context.close()


@pytest.mark.parametrize("width", [320, 390])
def test_on_a_phone_an_item_is_a_card_with_a_sheet_of_details(
    finance: Finance, served: Served, width: int
) -> None:
    dana = served.visit(MANAGER, viewport={"width": width, "height": 700})
    said = dana.open(here(finance))
    page = dana.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    first = page.locator(".it[data-id]:visible").first
    for button in (
        first.get_by_role("button", name="Keep"),
        first.get_by_role("button", name="Revoke"),
    ):
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
    first.get_by_role("button", name="Details").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("If you revoke")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    sheet.get_by_role("button", name="Close").click()
    with page.expect_response(is_answer_of("/decisions")):  # type: ignore[arg-type]
        first.get_by_role("button", name="Keep").click()
    assert len(decided(finance)) == 1
    assert said == []
    dana.context.close()


def test_without_script_a_list_is_decided_by_its_buttons(
    finance: Finance, served: Served, browser: Browser
) -> None:
    signed_in = served.visit(MANAGER)
    state = signed_in.context.storage_state()
    plain = browser.new_context(java_script_enabled=False, storage_state=state)
    page = plain.new_page()
    page.goto(served.base + here(finance))
    page.locator(".it[data-id]:visible").first.get_by_role("button", name="Keep").click()
    expect(page.locator(".notice")).to_contain_text("Kept: one item.")
    assert list(decided(finance).values()) == [Decision.KEEP]
    page.get_by_role("link", name=CREATE).first.click()
    expect(page.locator("h1")).to_have_text(CREATE)
    plain.close()
    signed_in.context.close()
