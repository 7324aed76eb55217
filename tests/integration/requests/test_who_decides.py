"""Who may ask, who is asked, and that nobody answers for themselves."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.catalog import service as catalog
from app.catalog.domain import Risk
from app.directory.models import Identity
from app.kernel.actor import Role
from app.kernel.event import moment
from app.rulebook import service as rulebook
from app.signin import service as signin
from integration.requests.steps import (
    answer,
    answer_to,
    approve,
    ask,
    questions,
    refused,
    state,
    wish,
)
from policies.document import builtin_text
from support.cast import Cast
from support.house import MORNING


def owns(cast: Cast, name: str, group: str = "payroll") -> None:
    """Make somebody the owner of a group in corp."""
    with cast.house.write(cast.actor("frank")) as uow:
        catalog.describe(
            uow,
            entitlement=cast.group("corp", group).public_id,
            version=0,
            risk=Risk.LOW,
            is_requestable=True,
            owner=cast.identity(name).public_id,
        )


def stands_in(cast: Cast, delegator: str, delegate: str, days: int = 10) -> Any:
    return cast.call(delegator).post(
        "/delegations",
        {
            "delegate": cast.identity(delegate).public_id,
            "valid_from": moment(MORNING - timedelta(days=1)),
            "valid_to": moment(MORNING + timedelta(days=days)),
            "reason": "On holiday",
        },
        201,
    )


def approvers(cast: Cast, name: str, **more: Any) -> list[tuple[str, list[str]]]:
    shown = cast.call(name).post("/requests/preview", wish(cast, **more))
    return [
        (step["how"], sorted(each["name"] for each in step["people"]))
        for step in shown["approvers"]
    ]


def test_somebody_without_a_manager_is_answered_for_by_the_owner(cast: Cast) -> None:
    assert approvers(cast, "frank") == [("owner (no manager); owner", ["Carol"])]


def test_without_manager_and_owner_the_administrators_are_asked(cast: Cast) -> None:
    with cast.house.write() as uow:
        signin.grant_role(uow, who="1003", role=Role.ADMIN)
    found = approvers(cast, "frank", group="everyone")
    assert [people for _, people in found] == [["Carol"]]


def test_an_owner_who_asks_is_passed_over(cast: Cast) -> None:
    assert approvers(cast, "carol") == [
        ("manager; administrator (owner is the beneficiary)", ["Frank"])
    ]


def test_a_requester_who_manages_the_beneficiary_does_not_approve(cast: Cast) -> None:
    found = approvers(cast, "bob", beneficiary=cast.identity("alice").public_id)
    assert all("Bob" not in people for _, people in found)
    ask(cast, "bob", beneficiary=cast.identity("alice").public_id)
    assert questions(cast, "bob") == []


def test_a_requester_cannot_approve_their_own_request_as_a_stand_in(cast: Cast) -> None:
    request = ask(cast)
    stands_in(cast, "bob", "alice")
    question = questions(cast, "alice")[0]
    given = answer_to(cast, "alice", question)
    assert given.status_code == 403
    assert state(cast, request) == "submitted"


def test_a_beneficiary_cannot_approve_as_a_stand_in(cast: Cast) -> None:
    ask(cast, "olga", beneficiary=cast.identity("alice").public_id)
    stands_in(cast, "bob", "alice")
    assert answer(cast, "alice").status_code == 403


def test_a_stand_in_answers_and_the_ledger_names_both(cast: Cast) -> None:
    ask(cast)
    stands_in(cast, "bob", "mallory")
    assert answer(cast, "mallory").status_code == 200
    told = cast.call("alice").get("/requests")["items"][0]["id"]
    timeline = cast.call("alice").get(f"/requests/{told}")["timeline"]
    assert ("approved", "Mallory for Bob") in [(each["what"], each["who"]) for each in timeline]


def test_a_delegation_that_is_over_or_ended_gives_nothing(cast: Cast) -> None:
    ask(cast)
    made = stands_in(cast, "bob", "mallory", days=1)
    cast.call("bob").post(f"/delegations/{made['id']}/end")
    assert questions(cast, "mallory") == []
    stands_in(cast, "bob", "mallory", days=1)
    question = questions(cast, "mallory")[0]
    cast.house.later(days=1)
    assert questions(cast, "mallory") == []
    assert answer_to(cast, "mallory", question).status_code == 404


def test_a_stand_in_of_somebody_who_left_decides_nothing(cast: Cast) -> None:
    ask(cast)
    stands_in(cast, "bob", "mallory")
    question = questions(cast, "mallory")[0]
    leave(cast, "bob")
    assert questions(cast, "mallory") == []
    assert answer_to(cast, "mallory", question).status_code == 404


def leave(cast: Cast, name: str) -> None:
    with cast.house.write() as uow:
        from app.events import IdentitiesCorrelated

        row = uow.session.scalars(
            sa.select(Identity).where(Identity.public_id == cast.identity(name).public_id)
        ).one()
        row.is_active = False
        uow.record(
            IdentitiesCorrelated(subject=row.public_id, appeared=0, changed=1, linked=0, rules=0)
        )


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("delegate", {"delegate": "bob"}),
        ("valid_to", {"valid_to": moment(MORNING - timedelta(days=3))}),
        ("valid_to", {"valid_to": moment(MORNING + timedelta(days=400))}),
        ("reason", {"reason": ""}),
        ("valid_from", {"valid_from": "tomorrow"}),
    ],
)
def test_a_senseless_delegation_is_refused_by_field(
    cast: Cast, field: str, change: dict[str, str]
) -> None:
    body = {
        "delegate": cast.identity("mallory").public_id,
        "valid_from": moment(MORNING),
        "valid_to": moment(MORNING + timedelta(days=3)),
        "reason": "On holiday",
        **change,
    }
    if body["delegate"] == "bob":
        body["delegate"] = cast.identity("bob").public_id
    answered = cast.call("bob")("POST", "/delegations", body)
    assert answered.status_code == 422
    assert [each["field"] for each in answered.get_json()["errors"]] == [field]


def test_two_people_do_not_stand_in_for_each_other(cast: Cast) -> None:
    stands_in(cast, "bob", "mallory")
    body = {
        "delegate": cast.identity("bob").public_id,
        "valid_from": moment(MORNING),
        "valid_to": moment(MORNING + timedelta(days=3)),
        "reason": "In turn",
    }
    assert cast.call("mallory")("POST", "/delegations", body).status_code == 422
    body["delegate"] = cast.identity("mallory").public_id
    again = cast.call("bob")("POST", "/delegations", body)
    assert again.get_json()["code"] == "nothing_to_change"


def test_only_a_manager_or_an_operator_asks_for_somebody_else(cast: Cast) -> None:
    alice = cast.identity("alice").public_id
    assert refused(cast, "mallory", 403, beneficiary=alice)["code"] == "not_permitted"
    assert refused(cast, "dana", 403, beneficiary=alice)["code"] == "not_permitted"
    assert ask(cast, "bob", beneficiary=alice)["beneficiary"]["name"] == "Alice"
    assert ask(cast, "olga", group="ledger", beneficiary=alice)["requester"]["name"] == "Olga"


def test_whether_somebody_exists_is_told_only_to_those_who_may_ask_for_them(cast: Cast) -> None:
    nobody = "01890000-0000-7000-8000-000000000000"
    assert refused(cast, "mallory", 403, beneficiary=nobody)["code"] == "not_permitted"
    assert refused(cast, "olga", 404, beneficiary=nobody)["code"] == "not_found"


def test_a_request_of_others_is_not_there(cast: Cast) -> None:
    request = ask(cast)
    question = questions(cast, "bob")[0]
    stranger = cast.call("mallory")
    assert stranger("GET", f"/requests/{request['id']}").status_code == 404
    assert stranger("POST", f"/requests/{request['id']}/cancel", {}).status_code == 404
    assert stranger("GET", f"/approvals/{question['id']}").status_code == 404
    assert answer_to(cast, "mallory", question).status_code == 404
    assert answer_to(cast, "frank", question).status_code == 404
    assert stranger.get("/requests")["items"] == []
    assert cast.call("bob").get(f"/requests/{request['id']}")["id"] == request["id"]


def test_somebody_who_left_is_given_nothing_even_if_it_was_asked_for_before(cast: Cast) -> None:
    request = ask(cast)
    leave(cast, "alice")
    given = answer(cast, "bob")
    assert given.status_code == 403
    assert given.get_json()["verdict"]["reasons"][0]["rule"] == "standing.beneficiary-inactive"
    assert state(cast, request) == "submitted"


def test_an_approver_who_left_decides_nothing(cast: Cast) -> None:
    ask(cast)
    question = questions(cast, "bob")[0]
    leave(cast, "bob")
    assert answer_to(cast, "bob", question).status_code in {401, 403}


def test_an_approval_of_another_plan_is_shown_the_new_one_and_then_holds(cast: Cast) -> None:
    request = ask(cast)
    question = questions(cast, "bob")[0]
    cast.put("cloud", "payroll", "alice")
    cast.sync("cloud")
    stale = answer_to(cast, "bob", question)
    assert stale.status_code == 409
    current = stale.get_json()["current"]
    assert [each["source_name"] for each in current["plan"]] == ["corp"]
    assert state(cast, request) == "submitted"
    fresh = {**question, "plan_digest": current["plan_digest"]}
    assert answer_to(cast, "bob", fresh).status_code == 200
    assert questions(cast, "carol")[0]["plan_digest"] == current["plan_digest"]
    approve(cast, "carol")
    cast.house.drain()
    assert state(cast, request) == "done"


def test_a_plan_that_changes_between_two_approvals_is_put_to_the_first_again(cast: Cast) -> None:
    request = ask(cast)
    approve(cast, "bob")
    cast.put("cloud", "payroll", "alice")
    cast.sync("cloud")
    approve(cast, "carol")
    assert state(cast, request) == "submitted"
    approve(cast, "bob")
    cast.house.drain()
    assert state(cast, request) == "done"


def test_two_administrators_who_answer_at_once_give_one_decision(cast: Cast) -> None:
    with cast.house.write() as uow:
        signin.grant_role(uow, who="1003", role=Role.ADMIN)
        signin.grant_role(uow, who="1002", role=Role.ADMIN)
    request = ask(cast, "alice", group="everyone")
    approve(cast, "bob")
    asked = {name: questions(cast, name)[0] for name in ("frank", "carol")}
    answered: dict[str, int] = {}
    barrier = threading.Barrier(2, timeout=30)

    def say(name: str, outcome: str) -> None:
        barrier.wait()
        given = answer_to(cast, name, asked[name], outcome, comment="As I see it")
        answered[name] = given.status_code

    pairs = (("frank", "approve"), ("carol", "refuse"))
    threads = [threading.Thread(target=say, args=each) for each in pairs]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answered.values()) == [200, 409]
    won = next(name for name, status in answered.items() if status == 200)
    assert state(cast, request) == ("approved" if won == "frank" else "refused")


def test_what_came_about_by_itself_is_no_longer_approved(cast: Cast) -> None:
    ask(cast)
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    given = answer(cast, "bob")
    assert given.status_code == 409
    assert given.get_json()["code"] == "nothing_to_change"


def test_two_answers_of_one_person_are_no_quorum(cast: Cast) -> None:
    text = builtin_text("standard")
    flow = text[text.index("  flow:") : text.index("  step_timeout_hours")]
    text = text.replace(flow, "  flow:\n    - {step: administrators, quorum: 2}\n")
    text = text[: text.index("\nexamples:")] + "\n"
    with cast.house.write() as uow:
        rulebook.put_in_force(uow, text=text)
        for number in ("1002", "1003"):
            signin.grant_role(uow, who=number, role=Role.ADMIN)
    request = ask(cast)
    for name in ("bob", "carol"):
        stands_in(cast, name, "mallory")
    first, second = questions(cast, "mallory")
    assert answer_to(cast, "mallory", first).status_code == 200
    again = answer_to(cast, "mallory", second)
    assert again.status_code == 409
    assert "another person" in again.get_json()["detail"]
    approve(cast, "frank")
    assert state(cast, request) == "approved"
