"""Every form that an administrator can reach by links, sent with what nobody should type.

Forms are found by following links through the demonstration company, one of each kind: a new form
is tried by itself. Whatever is typed, the answer is a page that says what is wrong or what was
done, never a failure of ours, and never what was typed as markup.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from flask import Flask
from typing_extensions import override

from support.demonstration import demonstration
from support.house import TestHouse
from support.visitor import Visitor
from support.walking import rule_of, walk

SCRIPT = "<script>alert(1)</script>"
HOSTILE = {
    "nothing": "",
    "blanks": " \t ",
    "much": "x" * 5_000,
    "script": f"{SCRIPT}\"'--{{{{7*7}}}}${{7*7}}",
    "right to left, and beyond": "\u202e\u0645\u0631\u062d\u0628\u0627 \U0001f98a \u0000",
    "a number that is none": "-1e99",
}
NEVER = {"/sign-out", "/account/sessions/end"}  # they end the session that tries the others
REFUSED_OR_DONE = {200, 202, 303, 400, 403, 404, 409, 413, 415, 422}


class Forms(HTMLParser):
    """The forms of a page: where each is sent, and its fields with what stands in them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._open: dict[str, str] | None = None

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form or a field."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post":
            self._open = {}
            self.found.append((given.get("action", ""), self._open))
        elif self._open is not None and tag in {"input", "textarea", "select"} and "name" in given:
            kind = given.get("type", tag)
            self._open[given["name"]] = given.get("value", "") if kind == "hidden" else f"?{kind}"

    @override
    def handle_endtag(self, tag: str) -> None:
        """Note the end of a form."""
        if tag == "form":
            self._open = None


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestHouse, Flask, Visitor]]:
    house, links = demonstration(tmp_path_factory.mktemp("company"))
    app = house.app()
    try:
        yield house, app, Visitor(app).follow(links["administrator"])
    finally:
        house.house.tx.database.engine.dispose()


def forms(app: Flask, visitor: Visitor) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Return the rule of each form that links lead to: its page, where it is sent, its fields."""
    found: dict[str, tuple[str, str, dict[str, str]]] = {}
    for _, page, text in walk(app, visitor):
        parser = Forms()
        parser.feed(text)
        for action, fields in parser.found:
            rule = rule_of(app, action or urlsplit(page).path, "POST")
            assert rule is not None, f"{page}: a form leads to {action}"
            found.setdefault(rule, (page, action or urlsplit(page).path, fields))
    return found


def test_whatever_is_typed_into_a_form_is_refused_or_done_and_never_markup(
    company: tuple[TestHouse, Flask, Visitor],
) -> None:
    _, app, admin = company
    wrong: list[str] = []
    found = forms(app, admin)
    assert len(found) > 10, sorted(found)
    for rule, (page, action, fields) in sorted(found.items()):
        if rule in NEVER:
            continue
        for name, text in HOSTILE.items():
            typed = {key: text if value.startswith("?") else value for key, value in fields.items()}
            typed.pop("once", None)
            answer = admin.submit(action, {**typed, "csrf": admin.csrf("/account")})
            shown = answer.get_data()
            answer.close()
            if answer.status_code not in REFUSED_OR_DONE:
                wrong.append(f"{rule} of {page} with {name}: {answer.status_code}")
            if SCRIPT.encode() in shown or b">49<" in shown:
                wrong.append(f"{rule} of {page} with {name}: shown as markup")
    assert not wrong, "\n".join(wrong)


def test_no_page_shows_as_markup_what_was_typed(
    company: tuple[TestHouse, Flask, Visitor],
) -> None:
    """What the forms before took in is shown by the lists now."""
    _, app, admin = company
    assert [page for _, page, text in walk(app, admin) if SCRIPT in text] == []
