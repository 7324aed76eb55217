"""Every route of asking, deciding and acting, called by those who may not: nothing leaks or moves.

One table: the route, a body that would be right, and what a stranger, an auditor, an administrator
or operator without a part in it, and an HR system are answered.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.events import AuditorLooked
from app.kernel import schema
from app.kernel.db import prepare
from app.kernel.event import moment
from app.kernel.ledger import LedgerEntry
from integration.requests.steps import answer, approve, ask, questions, wish
from support.cast import Cast, bring_in
from support.house import MORNING, Caller, open_house
from web.matrix import calls

PREFIX = "/api/v1"
STAGES = ("requests", "approvals", "delegations", "tasks", "plans", "hr", "notices")
# Rule -> what is answered to mallory (a stranger), dana (auditor), olga (operator), hr (a token).
NEGATIVE: dict[tuple[str, str], tuple[int, int, int, int]] = {
    ("POST", "/requests/preview"): (403, 403, 200, 403),
    ("POST", "/requests"): (403, 403, 409, 403),
    ("GET", "/requests"): (200, 200, 200, 403),
    ("GET", "/requests/<request_id>"): (404, 200, 200, 403),
    ("POST", "/requests/<request_id>/cancel"): (404, 404, 404, 403),
    ("GET", "/approvals"): (200, 200, 200, 403),
    ("GET", "/approvals/<approval_id>"): (404, 404, 404, 404),
    ("POST", "/approvals/<approval_id>/decision"): (404, 404, 404, 404),
    ("GET", "/delegations"): (200, 200, 200, 403),
    ("POST", "/delegations"): (422, 422, 422, 403),
    ("POST", "/delegations/<delegation_id>/end"): (404, 404, 404, 403),
    ("GET", "/tasks"): (403, 200, 200, 403),
    ("GET", "/tasks/<task_id>"): (403, 200, 200, 403),
    ("POST", "/tasks/<task_id>/retry"): (403, 403, 409, 403),
    ("GET", "/plans"): (403, 200, 200, 403),
    ("GET", "/plans/<plan_id>"): (403, 200, 200, 403),
    ("POST", "/plans/<plan_id>/release"): (403, 403, 409, 403),
    ("GET", "/hr/events"): (403, 200, 200, 200),
    ("POST", "/hr/events"): (403, 403, 403, 409),
    ("GET", "/hr/events/<event_id>"): (403, 200, 200, 200),
    ("GET", "/hr/events/<event_id>/receipt"): (403, 200, 200, 200),
    ("POST", "/hr/events/<event_id>/cancel"): (403, 403, 403, 409),
    ("GET", "/notices"): (200, 200, 200, 403),
    ("POST", "/notices/<notice_id>/read"): (404, 404, 404, 403),
}
CALLERS = ("mallory", "dana", "olga", "hr")


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    folder = tmp_path_factory.mktemp("house")
    url = f"sqlite:///{_migrated(folder)}"
    for house in open_house(folder, url):
        yield bring_in(house)


def _migrated(folder: Path) -> Path:
    path = folder / "attestry.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}")
    prepare(engine)
    schema.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(scope="module")
def parts(cast: Cast) -> dict[str, str]:
    """Something of each kind that belongs to Alice, Bob or the operators."""
    ask(cast, "eve", group="ledger", action="remove")
    approve(cast, "bob", "carol")
    waiting = ask(cast, "alice")
    question = questions(cast, "bob")[0]
    made = cast.call("bob").post("/delegations", delegation(cast, "carol"), 201)
    cast.call("hr").post("/hr/events", hr_event(), 202)
    cast.house.drain()
    return {
        "request_id": waiting["id"],
        "approval_id": question["id"],
        "digest": question["plan_digest"],
        "delegation_id": made["id"],
        "event_id": "hr-1",
        "task_id": cast.call("olga").get("/tasks")["items"][0]["id"],
        "plan_id": cast.call("olga").get("/plans")["items"][0]["id"],
        "notice_id": cast.call("bob").get("/notices")["items"][0]["id"],
    }


def delegation(cast: Cast, delegate: str) -> dict[str, str]:
    return {
        "delegate": cast.identity(delegate).public_id,
        "valid_from": moment(MORNING),
        "valid_to": "2026-03-20T00:00:00Z",
        "reason": "On holiday",
    }


def hr_event(**more: str) -> dict[str, str]:
    body = {"event_id": "hr-1", "type": "leaver", "employee_number": "1005"}
    return body | {"effective_at": moment(MORNING)} | more


def body(cast: Cast, parts: dict[str, str], rule: str, name: str) -> Any:
    """Return a body that would be right for somebody who may."""
    alice = cast.identity("alice").public_id
    match rule:
        case "/requests" | "/requests/preview":
            group = "ledger" if rule.endswith("preview") else "payroll"
            return wish(cast, group=group, beneficiary=alice)
        case "/approvals/<approval_id>/decision":
            return {"outcome": "approve", "plan_digest": parts["digest"]}
        case "/delegations":
            return delegation(cast, "alice" if name not in cast.tokens or name == "hr" else name)
        case "/hr/events":
            return hr_event(employee_number="1001")
        case _:
            return {}


def call(cast: Cast, parts: dict[str, str], name: str | None, method: str, rule: str) -> Any:
    path = rule
    for part, value in parts.items():
        path = path.replace(f"<{part}>", value)
    caller = cast.call(name) if name else Caller(cast.app.test_client(), None)
    sent = None if method == "GET" else body(cast, parts, rule, name or "")
    return caller(method, path, sent)


def entries(cast: Cast) -> int:
    """Count what was recorded, but for the looks of an auditor, each of which is."""
    with cast.house.read() as reading:
        counted = sa.select(sa.func.count()).where(LedgerEntry.kind != AuditorLooked.kind)
        return reading.session.scalar(counted) or 0


def test_every_route_of_these_stages_is_in_the_table(cast: Cast) -> None:
    cast.call("alice")
    there = {
        (each.method, each.rule.removeprefix(PREFIX))
        for each in calls(cast.app)
        if each.rule.removeprefix(PREFIX).split("/")[1] in STAGES
    }
    assert there == set(NEGATIVE)


@pytest.mark.parametrize(("method", "rule"), NEGATIVE)
def test_who_may_not_is_refused_and_moves_nothing(
    cast: Cast, parts: dict[str, str], method: str, rule: str
) -> None:
    before = entries(cast)
    found = tuple(call(cast, parts, name, method, rule).status_code for name in CALLERS)
    assert found == NEGATIVE[method, rule]
    assert call(cast, parts, None, method, rule).status_code == 401
    assert entries(cast) == before


@pytest.mark.parametrize("path", ["/requests", "/approvals", "/delegations", "/notices"])
def test_a_strangers_lists_hold_nothing_of_others(
    cast: Cast, parts: dict[str, str], path: str
) -> None:
    assert parts
    assert cast.call("mallory").get(path)["items"] == []


@pytest.mark.parametrize(
    ("path", "given", "fields"),
    [
        ("/requests", {}, {"entitlement"}),
        (
            "/requests",
            {"entitlement": "x", "action": "steal", "duration_days": 0, "reason": 5, "more": 1},
            {"entitlement", "action", "duration_days", "reason", "more"},
        ),
        ("/requests", {"entitlement": "0" * 36, "duration_days": "7"}, {"duration_days"}),
        ("/requests", {"entitlement": "0" * 36, "reason": "x" * 2001}, {"reason"}),
        ("/requests", {"entitlement": "0" * 36, "reason": "a\u0007b"}, {"reason"}),
        ("/requests/preview", {"beneficiary": "me"}, {"entitlement", "beneficiary"}),
        ("/delegations", {}, {"delegate", "valid_from", "valid_to", "reason"}),
    ],
)
def test_every_wrong_field_is_named(
    cast: Cast, path: str, given: dict[str, Any], fields: set[str]
) -> None:
    answered = cast.call("alice")("POST", path, given)
    assert answered.status_code == 422
    assert {each["field"] for each in answered.get_json()["errors"]} == fields


def test_an_unknown_entitlement_is_not_found(cast: Cast) -> None:
    answered = cast.call("alice")("POST", "/requests", {"entitlement": "0" * 36, "reason": "x"})
    assert answered.status_code == 404


def test_a_decision_needs_the_digest_that_was_shown(cast: Cast, parts: dict[str, str]) -> None:
    path = f"/approvals/{parts['approval_id']}/decision"
    without = cast.call("bob")("POST", path, {"outcome": "approve"})
    assert [each["field"] for each in without.get_json()["errors"]] == ["plan_digest"]
    other = cast.call("bob")("POST", path, {"outcome": "approve", "plan_digest": "0" * 64})
    assert other.status_code == 409
    assert other.get_json()["current"]["plan_digest"] == parts["digest"]


def test_a_repeated_decision_under_one_key_gets_the_first_answer(
    cast: Cast, parts: dict[str, str]
) -> None:
    sent = {"outcome": "approve", "plan_digest": parts["digest"]}
    path = f"/approvals/{parts['approval_id']}/decision"
    first = cast.call("bob").post(path, sent, idempotency_key="decide-1")
    before = entries(cast)
    assert cast.call("bob").post(path, sent, idempotency_key="decide-1") == first
    assert entries(cast) == before
    assert answer(cast, "carol").status_code == 200
