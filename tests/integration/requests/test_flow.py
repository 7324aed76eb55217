"""From a wish to what the directory shows, through the API alone."""

from datetime import timedelta

from integration.requests.steps import (
    answer,
    answer_to,
    approve,
    ask,
    entries,
    give,
    questions,
    refused,
    state,
    wish,
)
from support.cast import Cast
from support.house import MORNING


def test_what_is_approved_is_carried_out_and_read_back(cast: Cast) -> None:
    request = ask(cast)
    assert request["state"] == "submitted"
    approve(cast, "bob", "carol")
    assert not cast.holds("corp", "payroll", "alice")
    cast.house.drain()
    assert cast.holds("corp", "payroll", "alice")
    done = cast.call("alice").get(f"/requests/{request['id']}")
    assert done["state"] == "done"
    assert [each["what"] for each in done["timeline"]] == [
        "submitted",
        "approved",
        "approved",
        "applied: add to Payroll: Alice in corp",
        "verified: add to Payroll: Alice in corp",
        "waits for import: add to Payroll: Alice in cloud",
        "done",
    ]


def test_a_preview_is_what_a_submission_then_does(cast: Cast) -> None:
    shown = cast.call("alice").post("/requests/preview", wish(cast))
    request = ask(cast)
    assert shown["plan"] == request["plan"]
    assert shown["plan_digest"] == request["plan_digest"]
    assert shown["verdict"] == request["verdict"]
    people = [[each["name"] for each in step["people"]] for step in shown["approvers"]]
    assert people == [["Bob"], ["Carol"]]
    approve(cast, "bob", "carol")
    cast.house.drain()
    plans = cast.call("olga").get("/plans")["items"]
    assert [each["digest"] for each in plans] == [shown["plan_digest"]]
    assert plans[0]["operations"] == shown["plan"]


def test_a_preview_stores_nothing(cast: Cast) -> None:
    before = len(entries(cast))
    cast.call("alice").post("/requests/preview", wish(cast))
    assert len(entries(cast)) == before
    assert cast.call("alice").get("/requests")["items"] == []


def test_a_preview_tells_a_refusal_as_an_answer(cast: Cast) -> None:
    shown = cast.call("alice").post("/requests/preview", wish(cast, reason=" "))
    assert shown["verdict"]["outcome"] == "refuse"
    assert [each["rule"] for each in shown["verdict"]["reasons"]][:1] == ["reason"]
    assert shown["approvers"] == []


def test_the_owner_is_asked_only_when_the_manager_has_said_yes(cast: Cast) -> None:
    ask(cast)
    assert questions(cast, "carol") == []
    approve(cast, "bob")
    assert [each["role"] for each in questions(cast, "carol")] == ["owner"]


def test_an_answer_to_a_step_that_is_not_open_yet_is_refused(cast: Cast) -> None:
    request = ask(cast)
    approve(cast, "bob")
    question = questions(cast, "carol")[0]
    cancelled = cast.call("alice")("POST", f"/requests/{request['id']}/cancel", {})
    assert cancelled.status_code == 200
    late = answer_to(cast, "carol", question)
    assert late.status_code == 409
    assert "cancelled" in late.get_json()["detail"]


def test_the_same_question_is_not_answered_twice(cast: Cast) -> None:
    ask(cast)
    question = questions(cast, "bob")[0]
    assert answer_to(cast, "bob", question).status_code == 200
    before = len(entries(cast))
    again = answer_to(cast, "bob", question, "refuse", comment="No")
    assert again.status_code == 409
    assert len(entries(cast)) == before


def test_a_refusal_needs_a_comment_and_ends_the_request(cast: Cast) -> None:
    request = ask(cast)
    without = answer(cast, "bob", "refuse", comment="  ")
    assert without.status_code == 422
    assert [each["field"] for each in without.get_json()["errors"]] == ["comment"]
    assert answer(cast, "bob", "refuse", comment="Not needed").status_code == 200
    cast.house.drain()
    seen = cast.call("alice").get(f"/requests/{request['id']}")
    assert (seen["state"], seen["why"]) == ("refused", "Not needed")
    assert questions(cast, "carol") == []
    assert not cast.holds("corp", "payroll", "alice")


def test_a_request_is_taken_back_before_it_is_decided_and_not_after(cast: Cast) -> None:
    first = ask(cast)
    cast.call("alice").post(f"/requests/{first['id']}/cancel")
    assert state(cast, first) == "cancelled"
    assert questions(cast, "bob") == []
    second = give(cast)
    late = cast.call("alice")("POST", f"/requests/{second['id']}/cancel", {})
    assert late.status_code == 409


def test_what_is_so_already_is_not_asked_for(cast: Cast) -> None:
    give(cast)
    held = refused(cast, "alice", 409)
    assert held["code"] == "nothing_to_change"
    missing = refused(cast, "alice", 409, group="ledger", action="remove")
    assert missing["code"] == "nothing_to_change"


def test_the_same_wish_is_not_asked_for_twice(cast: Cast) -> None:
    first = ask(cast)
    again = refused(cast, "alice", 409)
    assert again["code"] == "nothing_to_change"
    assert first["id"] in again["detail"]
    mirrored = refused(cast, "alice", 409, source="cloud")
    assert mirrored["code"] == "nothing_to_change"


def test_an_opposite_wish_waits_for_the_first_one(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    ask(cast, action="remove")
    other = refused(cast, "alice", 409, action="add")
    assert other["code"] in {"conflict", "nothing_to_change"}


def test_access_is_taken_away_by_request(cast: Cast) -> None:
    give(cast)
    request = ask(cast, action="remove")
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, request) == "done"
    assert not cast.holds("corp", "payroll", "alice")
    assert ask(cast)["state"] == "submitted"


def test_access_that_stood_before_us_is_taken_away_by_request(cast: Cast) -> None:
    request = ask(cast, "eve", action="remove")
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, request) == "done"
    assert not cast.holds("corp", "payroll", "eve")


def test_a_duration_counts_from_the_approval_and_ends_the_access(cast: Cast) -> None:
    request = ask(cast, duration_days=2)
    cast.house.later(days=3)
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, request) == "done"
    cast.house.later(days=1, hours=23)
    assert cast.holds("corp", "payroll", "alice")
    cast.house.later(hours=1)
    assert not cast.holds("corp", "payroll", "alice")
    told = [each.kind for each in entries(cast)]
    assert told.count("grant.ended") == 1
    assert told.index("end.authorised") < told.index("end.confirmed")


def test_an_access_is_extended_from_the_approval_on(cast: Cast) -> None:
    give(cast, duration_days=2)
    cast.house.later(days=1)
    request = ask(cast, action="extend", duration_days=5)
    assert request["plan"] == []
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, request) == "done"
    cast.house.later(days=4)
    assert cast.holds("corp", "payroll", "alice")
    cast.house.later(days=1, minutes=1)
    assert not cast.holds("corp", "payroll", "alice")


def test_access_without_an_end_is_not_extended(cast: Cast) -> None:
    give(cast)
    assert refused(cast, "alice", 409, action="extend", duration_days=5)["code"] == (
        "nothing_to_change"
    )
    assert refused(cast, "eve", 409, action="extend", duration_days=5)["code"] == (
        "nothing_to_change"
    )


def test_an_extension_does_not_bring_the_end_nearer(cast: Cast) -> None:
    give(cast, duration_days=30)
    found = refused(cast, "alice", 409, action="extend", duration_days=5)
    assert found["code"] == "nothing_to_change"
    assert (MORNING + timedelta(days=30)).date().isoformat() in found["detail"]


def test_wishing_for_a_mirror_changes_its_master(cast: Cast) -> None:
    request = ask(cast, source="cloud")
    assert [(each["source_name"], each["way"]) for each in request["plan"]] == [
        ("corp", "direct"),
        ("cloud", "import"),
    ]
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert cast.holds("corp", "payroll", "alice")
    assert not cast.holds("cloud", "payroll", "alice")
    waiting = cast.call("olga").get("/tasks?state=waits_for_import")["items"]
    assert [each["source"] for each in waiting] == ["cloud"]
    cast.import_payroll()
    cast.sync("cloud")
    assert cast.call("olga").get("/tasks?state=waits_for_import")["items"] == []
    assert cast.call("olga").get("/plans")["items"][0]["state"] == "done"


def test_a_mirror_that_does_not_show_it_yet_keeps_waiting(cast: Cast) -> None:
    give(cast)
    cast.edit("cloud", "mallory", title="Something else")
    cast.sync("cloud")
    waiting = cast.call("olga").get("/tasks?state=waits_for_import")["items"]
    assert len(waiting) == 1
