"""Every door is described, with the ways it may refuse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.factory import create_app
from app.kernel.settings import Settings
from app.web.openapi import document

PREFIX = "/api/v1"
UNDESCRIBED = {f"{PREFIX}/openapi.json": "is the description"}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
REFUSALS = {"401", "403", "500"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    home: Path = tmp_path_factory.mktemp("home")
    settings = Settings(
        home=home,
        database_url=f"sqlite:///{home / 'attestry.sqlite3'}",
        secret_key="s" * 40,
        seal_key_file=home / "seal.key",
    )
    return create_app(settings)


@pytest.fixture(scope="module")
def described(app: Flask) -> dict[str, Any]:
    with app.test_request_context(PREFIX):
        return document()


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for method in (rule.methods or set()) & METHODS:
            if path.startswith(PREFIX) and path not in UNDESCRIBED:
                yield method.lower(), spelled(path)


def spelled(path: str) -> str:
    """Return a path of Flask as OpenAPI spells it: `<string:id>` becomes `{id}`."""
    parts = path.split("/")
    return "/".join(
        "{" + part.strip("<>").split(":")[-1] + "}" if part.startswith("<") else part
        for part in parts
    )


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in described["paths"].items():
        for method in METHODS:
            if method.lower() in item:
                yield method.lower(), path, item[method.lower()]


def test_every_route_of_the_api_is_described(app: Flask, described: dict[str, Any]) -> None:
    told = {(method, path) for method, path, _ in operations(described)}
    assert set(routes(app)) - told == set()


def test_every_operation_says_how_it_may_refuse(described: dict[str, Any]) -> None:
    silent = [
        f"{method} {path}"
        for method, path, operation in operations(described)
        if not set(operation["responses"]) >= REFUSALS
    ]
    assert silent == []


def test_every_operation_says_what_it_is_for(described: dict[str, Any]) -> None:
    silent = [
        f"{method} {path}"
        for method, path, operation in operations(described)
        if not operation.get("summary")
    ]
    assert silent == []


def test_every_post_takes_an_idempotency_key(described: dict[str, Any]) -> None:
    without = [
        path
        for method, path, operation in operations(described)
        if method == "post"
        and "Idempotency-Key" not in {each.get("name") for each in operation["parameters"]}
    ]
    assert without == []
