"""Every page that a persona of the demonstration can reach by links, as a browser shows it.

Axe finds nothing in either theme, nothing is wider than a narrow phone or than a desk at 200 %
zoom, nothing moves for whoever asked for that, and the browser complains of nothing. Pages are
found by following links, one of each kind: a new page is looked at by itself.
"""

from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from app.factory import create_app
from support.browsing import Served, serving, violations
from support.demonstration import demonstration
from support.house import TestHouse
from support.walking import NO_PAGES, rule_of

pytestmark = pytest.mark.enable_socket
PERSONAS = ("auditor", "operator", "administrator", "manager", "requester")
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NARROW = {"width": 320, "height": 640}
DESK = {"width": 1440, "height": 900}
FILES = (".py", ".csv")  # a browser keeps these and shows no page
ZOOMED = {"width": 640, "height": 400}  # what a window of 1280 by 800 shows at 200 %
SIZES = {"on a narrow phone": NARROW, "at 200 % zoom": ZOOMED}
MOVING = """() => [...document.querySelectorAll("*")].filter((each) => {
  const style = getComputedStyle(each);
  const times = `${style.transitionDuration},${style.animationDuration}`.split(",");
  return style.scrollBehavior === "smooth" || times.some((time) => parseFloat(time) > 0.01);
}).map((each) => each.outerHTML.slice(0, 80))"""
LINKS = """() => [...document.querySelectorAll("main a[href], nav a[href]")].map((a) => a.href)"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestHouse, dict[str, str]]]:
    """Fill the demonstration company; returns it with how each persona comes in."""
    house, links = demonstration(tmp_path_factory.mktemp("company"))
    try:
        yield house, links
    finally:
        house.house.tx.database.engine.dispose()


@pytest.fixture(scope="module")
def app(company: tuple[TestHouse, dict[str, str]]) -> Flask:
    return create_app(company[0].house.settings, house=company[0].house)


@pytest.fixture(scope="module")
def served(company: tuple[TestHouse, dict[str, str]], browser: Browser) -> Iterator[Served]:
    with serving(company[0], browser) as found:
        yield found


@pytest.fixture(scope="module")
def looked_at() -> set[str]:
    """What an earlier persona's walk has looked at in both themes already."""
    return set()


def wrong_with(page: Page, path: str) -> list[str]:
    """Return everything that is wrong with a page as it stands."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # colours stand still
        found += [f"{path} ({scheme}): {each}" for each in violations(page)]
    found += [f"{path}: moves for who wants no motion: {each}" for each in page.evaluate(MOVING)]
    for where, size in SIZES.items():
        page.set_viewport_size(size)  # type: ignore[arg-type]
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > size["width"]:
            found.append(f"{path}: {width} pixels wide {where}")
    if page.locator("h1").count() != 1:
        found.append(f"{path}: has not one heading of the first level")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_page_a_persona_can_reach_is_fit_for_everybody(
    persona: str,
    company: tuple[TestHouse, dict[str, str]],
    served: Served,
    app: Flask,
    looked_at: set[str],
) -> None:
    visit = served.enter(company[1][persona])
    said = visit.open("/")
    wrong: list[str] = []
    waiting, seen = ["/"], {"/"}
    while waiting:
        path = waiting.pop(0)
        answer = visit.page.goto(served.base + path)
        if answer is None or answer.status != 200:
            wrong.append(f"{path}: {answer.status if answer else 'no answer'}")
            continue
        rule = rule_of(app, urlsplit(path).path) or ""
        key = rule if rule != "/" else f"/ of {persona}"
        if key not in looked_at:
            looked_at.add(key)
            wrong += wrong_with(visit.page, path)
        for link in visit.page.evaluate(LINKS):
            if not link.startswith(served.base):
                continue
            there = urlsplit(link).path
            kind = rule_of(app, there)
            if kind is None and not there.startswith(NO_PAGES):
                wrong.append(f"{path}: no page at {there}")
            if kind is None or kind in seen or "download" in there or there.endswith(FILES):
                continue
            seen.add(kind)
            waiting.append(link[len(served.base) :].partition("#")[0])
    visit.context.close()
    assert not wrong, "\n".join(wrong)
    assert not said, "\n".join(said)
