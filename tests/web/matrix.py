"""Every route of an application, called by those who may not: for the tests of all stages.

`calls(app)` lists each route of `/api/v1` with a made-up id for each part of its path.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask
from werkzeug.test import TestResponse

PREFIX = "/api/v1"
NOBODY = "01890000-0000-7000-8000-000000000000"
PUBLIC = frozenset({f"{PREFIX}/openapi.json"})
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Call:
    """One route as it can be called.

    Attributes:
        method: The HTTP method.
        path: The path, with made-up ids.
        rule: The route as it is written.
    """

    method: str
    path: str
    rule: str

    def send(self, app: Flask, token: str | None) -> TestResponse:
        """Call it with an empty body, as the bearer of a token or as nobody."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        body: dict[str, str] | None = None if self.method in {"GET", "DELETE"} else {}
        return app.test_client().open(self.path, method=self.method, headers=headers, json=body)


def calls(app: Flask) -> Iterator[Call]:
    """Return every call of the API, in the order of the paths."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        if not rule.rule.startswith(f"{PREFIX}/") or rule.rule in PUBLIC:
            continue
        path = rule.rule
        for name, converter in rule._converters.items():
            made_up = "1" if type(converter).__name__ == "IntegerConverter" else NOBODY
            for written in (f"<{name}>", f"<int:{name}>", f"<string:{name}>", f"<uuid:{name}>"):
                path = path.replace(written, made_up)
        for method in METHODS:
            if method in (rule.methods or ()):
                yield Call(method, path, rule.rule)


def answers(app: Flask, token: str | None) -> dict[tuple[str, str], int]:
    """Call everything once, and return the status of each."""
    return {(c.method, c.rule): c.send(app, token).status_code for c in calls(app)}
