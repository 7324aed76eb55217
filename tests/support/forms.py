"""The forms of pages, found by following links, and what somebody would fill in."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from flask import Flask
from typing_extensions import override

from support.visitor import Visitor
from support.walking import rule_of, walk

TYPED = frozenset(
    {"text", "search", "textarea", "email", "number", "date", "datetime-local", "url"}
)
SAID = "Agreed at the weekly meeting"


@dataclass(slots=True)
class Control:
    """One control of a form.

    Attributes:
        kind: Its type, or `textarea`, `select`, `button`.
        value: What stands in it.
        options: What can be chosen.
    """

    kind: str
    value: str
    options: list[str] = field(default_factory=list)

    def filled(self) -> str:
        """Return what somebody would leave or put there."""
        if self.options:
            return self.value or next((each for each in self.options if each), "")
        return self.value or {"number": "5", "date": "2027-01-29"}.get(self.kind, SAID)


@dataclass(slots=True)
class Found:
    """A form.

    Attributes:
        rule: Where it is sent, as the route is written.
        page: The address of its page.
        action: Where it is sent.
        controls: Its controls by name.
    """

    rule: str
    page: str
    action: str
    controls: dict[str, Control]

    def typed(self) -> list[str]:
        """Return the names of what people type into."""
        return [name for name, each in self.controls.items() if each.kind in TYPED]

    def filled(self) -> dict[str, str]:
        """Return it filled in, without its token."""
        return {
            name: each.filled()
            for name, each in self.controls.items()
            if name != "csrf" and each.kind not in {"file", "password"}
        }


class Forms(HTMLParser):
    """The forms of a page: where each is sent, and its controls."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self.found: list[tuple[str, dict[str, Control]]] = []
        self._open: dict[str, Control] | None = None
        self._inside: Control | None = None

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form or a control."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post":
            self._open = {}
            self.found.append((given.get("action", ""), self._open))
        elif self._open is None:
            return
        elif tag == "option" and self._inside is not None:
            self._inside.options.append(given.get("value", ""))
            if "selected" in given:
                self._inside.value = given.get("value", "")
        elif tag in {"input", "textarea", "select", "button"} and "name" in given:
            self._note(tag, given)

    def _note(self, tag: str, given: dict[str, str]) -> None:
        assert self._open is not None
        kind = given.get("type", "text") if tag == "input" else tag
        made = Control(kind, given.get("value", ""))
        known = self._open.setdefault(given["name"], made)
        if "checked" in given:
            known.value = made.value
        self._inside = known if tag in {"textarea", "select"} else None

    @override
    def handle_data(self, data: str) -> None:
        """Note what stands in a text area."""
        if self._inside is not None and self._inside.kind == "textarea":
            self._inside.value += data

    @override
    def handle_endtag(self, tag: str) -> None:
        """Note the end of a form or control."""
        if tag in {"textarea", "select"}:
            self._inside = None
        elif tag == "form":
            self._open = None


def forms(app: Flask, visitor: Visitor, *, each_page: bool = False) -> dict[str, Found]:
    """Return the forms that links lead somebody to, one of each rule.

    Args:
        app: Whose pages.
        visitor: Who goes there.
        each_page: Also those of the frame, which stand on every page.
    """
    found: dict[str, Found] = {}
    for _, page, text in walk(app, visitor):
        parser = Forms()
        parser.feed(text)
        for action, controls in parser.found:
            path = (action or page).partition("?")[0]
            rule = rule_of(app, path, "POST")
            assert rule is not None, f"{page}: a form leads to {action}"
            if each_page or rule != "/sign-out":
                found.setdefault(rule, Found(rule, page, action or urlsplit(page).path, controls))
    return found
