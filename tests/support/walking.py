"""Following links through an instance: one page of each kind, found and not listed by hand."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException

from support.visitor import Visitor

LINK = re.compile(r'href="(/[^"#]*)')
NO_PAGES = ("/api/", "/assets/", "/healthz", "/readyz", "/livez", "/metrics")


def rule_of(app: Flask, path: str, method: str = "GET") -> str | None:
    """Return the rule of a page or form by its path, or None if there is none."""
    if path.startswith(NO_PAGES):
        return None
    try:
        rule, _ = app.url_map.bind("localhost").match(path, method=method, return_rule=True)
    except HTTPException:
        return None
    return str(rule.rule)


def walk(app: Flask, visitor: Visitor, *, but: str = "") -> Iterator[tuple[str, str, str]]:
    """Follow links from the home page; yields rule, path and text of one page of each kind.

    Args:
        app: Whose pages.
        visitor: Who goes there; every page has to answer 200.
        but: Links that begin so are not followed.
    """
    waiting, seen = ["/"], {"/"}
    while waiting:
        path = waiting.pop(0)
        text = visitor.page(path)
        for link in LINK.findall(text):
            there = unescape(link)
            rule = rule_of(app, urlsplit(there).path)
            if rule is None or rule in seen or (but and there.startswith(but)):
                continue
            seen.add(rule)
            waiting.append(there)
        yield rule_of(app, urlsplit(path).path) or path, path, text
