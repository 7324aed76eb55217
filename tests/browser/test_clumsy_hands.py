"""What people do to forms in a browser: click twice, go back, come too late, lose the line."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from app.kernel.actor import Role
from app.signin import links, service
from support.browsing import Served, Visit, serving
from support.cast import PEOPLE, Cast

pytestmark = pytest.mark.enable_socket
REASON = "Month end closes on Friday"


@pytest.fixture
def served(cast: Cast, browser: Browser) -> Iterator[Served]:
    with serving(cast.house, browser) as found:
        yield found


@pytest.fixture
def alice(cast: Cast, served: Served) -> Iterator[Visit]:
    visit = served.visit(PEOPLE["alice"][0])
    group = cast.group("corp", "payroll").public_id
    visit.open(f"/requests/new?entitlement={group}")
    visit.page.get_by_label("Why", exact=True).fill(REASON)
    yield visit
    visit.context.close()


def requests_of(cast: Cast, name: str) -> list[str]:
    return [each["id"] for each in cast.call(name).get("/requests")["items"]]


def send(page: Page) -> None:
    page.get_by_role("button", name="Send request").click()


def test_a_double_click_sends_once(cast: Cast, alice: Visit) -> None:
    alice.page.get_by_role("button", name="Send request").dblclick()
    expect(alice.page.get_by_text("Sent. You are told at each step.")).to_be_visible()
    assert len(requests_of(cast, "alice")) == 1


def test_going_back_and_sending_again_names_what_was_sent_and_sends_nothing(
    cast: Cast, alice: Visit
) -> None:
    page = alice.page
    send(page)
    expect(page.get_by_text("Sent. You are told at each step.")).to_be_visible()
    page.go_back()
    assert page.get_by_label("Why", exact=True).input_value() == REASON
    send(page)
    [sent] = requests_of(cast, "alice")
    expect(page.get_by_text(f"Request {sent} asks for the same and is open.")).to_be_visible()
    assert page.get_by_label("Why", exact=True).input_value() == REASON
    assert requests_of(cast, "alice") == [sent]


def test_whoever_comes_too_late_signs_in_again_and_finds_what_was_typed(
    cast: Cast, served: Served, alice: Visit
) -> None:
    page = alice.page
    cast.house.clock.advance(timedelta(minutes=31))
    send(page)
    page.wait_for_url(lambda url: "/sign-in" in url)
    assert requests_of(cast, "alice") == []
    back = page.url
    with cast.house.write() as uow:
        path = links.make(uow, who=PEOPLE["alice"][0]).path
    page.goto(served.base + path)
    page.locator("main form button").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(back)
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert page.get_by_label("Why", exact=True).input_value() == REASON
    send(page)
    expect(page.get_by_text("Sent. You are told at each step.")).to_be_visible()
    assert len(requests_of(cast, "alice")) == 1


def test_a_lost_line_is_said_and_nothing_typed_is_lost(alice: Visit) -> None:
    page = alice.page
    lost = page.get_by_text("The connection is lost. What you typed stays here")
    expect(lost).to_be_hidden()
    alice.context.set_offline(True)
    expect(lost).to_be_visible()
    assert page.get_by_label("Why", exact=True).input_value() == REASON
    alice.context.set_offline(False)
    expect(lost).to_be_hidden()
    send(page)
    expect(page.get_by_text("Sent. You are told at each step.")).to_be_visible()


def test_a_role_taken_away_ends_what_its_page_would_do_next(cast: Cast, served: Served) -> None:
    olga = served.visit(PEOPLE["olga"][0])
    olga.open("/sources/corp")
    with cast.house.write() as uow:
        service.revoke_role(uow, who=PEOPLE["olga"][0], role=Role.OPERATOR)
    olga.page.get_by_role("button", name="Read it now").click()
    expect(olga.page.get_by_role("heading", level=1)).to_have_text("Not permitted")
    olga.context.close()
