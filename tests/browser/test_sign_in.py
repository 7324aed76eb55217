"""Signing in with a real provider in a real browser: in, once more, and out again."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.kernel.clock import SystemClock
from app.signin.models import SigninSession
from support.browsing import Served, serving, violations
from support.cast import Cast
from support.servers import oidc_node

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def served(cast: Cast, browser: Browser) -> Iterator[Served]:
    house = cast.house
    house.clock.move_to(SystemClock().now())  # the provider's clock is the machine's
    port = oidc_node.free_port()
    with oidc_node.running(f"http://127.0.0.1:{port}") as issuer:
        with serving(
            house,
            browser,
            port=port,
            oidc_issuer=issuer,
            oidc_client_id=oidc_node.CLIENT_ID,
            oidc_client_secret=oidc_node.CLIENT_SECRET,
        ) as found:
            yield found


@pytest.fixture
def context(served: Served) -> Iterator[BrowserContext]:
    found = served.browser.new_context(viewport={"width": 1440, "height": 900})
    yield found
    found.close()


def at_the_provider(page: Page, who: str) -> None:
    """Do there what somebody does."""
    page.get_by_label("Name").fill(who)
    page.get_by_role("button", name="Sign in").click()


def sign_in(page: Page) -> None:
    page.get_by_role("link", name="Sign in with your work account").click()


def test_somebody_comes_in_proves_it_once_more_and_leaves(
    served: Served, context: BrowserContext
) -> None:
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{served.base}/people")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert violations(page) == []
    sign_in(page)
    at_the_provider(page, "frank")
    expect(page).to_have_url(f"{served.base}/people")

    # eleven minutes later, a role is given: who is it, once more
    with served.house.write() as uow:
        uow.session.execute(
            sa.update(SigninSession).values(fresh_at=uow.now - timedelta(minutes=11))
        )
    page.get_by_label("Who").fill("1002")
    page.get_by_role("combobox", name="Role").select_option("operator")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in once more")
    assert violations(page) == []
    sign_in(page)
    at_the_provider(page, "frank")
    expect(page.get_by_text("It has not been sent yet")).to_be_visible()
    expect(page.get_by_label("Who")).to_have_value("1002")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_text("The role is given.")).to_be_visible()

    page.goto(f"{served.base}/account")
    expect(page.get_by_text("with the work account of 127.0.0.1")).to_be_visible()
    page.locator("#main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.get_by_role("link", name="Sign out there as well").click()
    page.get_by_role("button", name=re.compile("Yes, sign me out")).click()
    expect(page).to_have_url(f"{served.base}/sign-in?why=signed-out")
    sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("The provider")
    assert [each for each in said if "Content Security Policy" in each] == []


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("stranger", "nobody here is known by that address"),
        ("unverified-frank", "your address is not verified there"),
    ],
)
def test_whoever_is_nobody_here_is_told_so(
    served: Served, context: BrowserContext, who: str, told: str
) -> None:
    page = context.new_page()
    page.goto(f"{served.base}/sign-in")
    sign_in(page)
    at_the_provider(page, who)
    expect(page.get_by_role("heading", level=1)).to_contain_text(told)
    assert violations(page) == []
    page.get_by_role("link", name="To the sign-in page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_whoever_breaks_it_off_there_is_told_so(served: Served, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{served.base}/sign-in")
    sign_in(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "You did not sign in at your provider"
    )
