"""A leaver by one call of HR: closed first, taken out everywhere, read back, receipted."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.catalog import service as catalog
from app.catalog.domain import Kind
from app.kernel.event import moment
from app.lifecycle import service as lifecycle
from app.lifecycle.domain import LifecycleState, LifecycleType
from app.lifecycle.models import LifecycleEvent
from app.rulebook import service as rulebook
from integration.requests.steps import answer, approve, ask, entries, give, state
from policies.document import builtin_text
from support.cast import Cast
from support.house import MORNING


def told(number: str = "1005", event_id: str = "hr-1", **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "type": "leaver",
        "employee_number": number,
        "effective_at": moment(MORNING),
        **more,
    }


def leave(cast: Cast, *, status: int = 202, query: str = "", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = cast.call("hr").post(f"/hr/events{query}", told(**more), status)
    return found


def event(cast: Cast, event_id: str = "hr-1") -> dict[str, Any]:
    found: dict[str, Any] = cast.call("hr").get(f"/hr/events/{event_id}")
    return found


def receipt(cast: Cast, event_id: str = "hr-1") -> dict[str, Any]:
    found: dict[str, Any] = cast.call("hr").get(f"/hr/events/{event_id}/receipt")["receipt"]
    return found


def tasks(cast: Cast) -> list[tuple[str, str, str | None, str]]:
    """Return system, verb, group and state of every task, in the order of the plan."""
    rows = cast.call("olga").get("/tasks")["items"][::-1]
    return [(each["source"], each["verb"], each["group"], each["state"]) for each in rows]


def test_a_leaver_is_closed_first_and_then_taken_out_where_it_is_mastered(cast: Cast) -> None:
    leave(cast)
    assert event(cast)["state"] == "running"
    cast.house.drain()
    assert tasks(cast) == [
        ("corp", "disable_account", None, "verified"),
        ("cloud", "suspend_account", None, "verified"),
        ("cloud", "clear_sessions", None, "verified"),
        ("corp", "remove_member", "Payroll", "verified"),
        ("corp", "remove_member", "Ledger, \u201cmain\u201d", "verified"),
        ("corp", "remove_member", "Staff", "verified"),
        ("cloud", "remove_member", "CRM", "verified"),
        ("cloud", "remove_member", "Payroll", "waits_for_import"),
    ]
    corp, cloud = cast.state("corp"), cast.state("cloud")
    assert not corp.accounts["corp-eve"].is_enabled
    assert cloud.accounts["cloud-eve"].status == "SUSPENDED"
    assert "cloud-eve" not in cloud.sessions
    assert not any("corp-eve" in inside for inside in corp.members.values())
    assert not cast.holds("cloud", "crm", "eve")
    assert cast.holds("cloud", "payroll", "eve")
    assert event(cast)["state"] == "running"
    cast.import_payroll()
    cast.house.later(minutes=7)
    cast.sync("cloud")
    done = event(cast)
    assert done["state"] == "done"
    assert done["completed_at"] == moment(MORNING + timedelta(minutes=7))


def test_nothing_is_taken_away_before_every_account_was_tried(cast: Cast) -> None:
    cast.breaks("cloud", "half_done")
    leave(cast)
    order = [each.kind if each.kind != "task.claimed" else each.subject for each in entries(cast)]
    assert order
    cast.house.drain()
    states = {(system, verb): state for system, verb, _, state in tasks(cast)}
    assert states["cloud", "suspend_account"] == "queued"
    assert states["corp", "disable_account"] == "verified"
    assert states["corp", "remove_member"] == "verified"
    claimed = [each for each in entries(cast) if each.kind in {"task.claimed", "task.verified"}]
    plan = cast.call("olga").get("/tasks")["items"][::-1]
    closing = {each["id"] for each in plan if each["verb"].endswith("_account")}
    first_removal = next(i for i, each in enumerate(claimed) if each.subject not in closing)
    tried = {each.subject for each in claimed[:first_removal]}
    assert tried == closing


def test_an_account_is_deactivated_for_good_only_where_the_policy_says_so(cast: Cast) -> None:
    text = builtin_text("standard")
    assert "by_source" not in text
    text = text.replace("\nleaver:\n", "\nleaver:\n  by_source: {cloud: deactivate}\n", 1)
    with cast.house.write(cast.actor("frank")) as uow:
        rulebook.put_in_force(uow, text=text)
    leave(cast)
    cast.house.drain()
    states = {(system, verb): state for system, verb, _, state in tasks(cast)}
    assert states["cloud", "deactivate_account"] == "verified"
    assert ("cloud", "suspend_account") not in states
    assert cast.state("cloud").accounts["cloud-eve"].status == "DEPROVISIONED"
    assert states["corp", "disable_account"] == "verified"


def test_closing_a_leaver_is_never_held_and_the_removals_wait_for_a_person(cast: Cast) -> None:
    text = builtin_text("standard").replace("per_plan: 50", "per_plan: 1")
    with cast.house.write(cast.actor("frank")) as uow:
        rulebook.put_in_force(uow, text=text)
    leave(cast)
    cast.house.drain()
    states = {(system, verb): state for system, verb, _, state in tasks(cast)}
    assert states["corp", "disable_account"] == "verified"
    assert states["cloud", "suspend_account"] == "verified"
    assert states["cloud", "clear_sessions"] == "verified"
    assert states["corp", "remove_member"] == "held"
    assert cast.holds("corp", "payroll", "eve")
    (held,) = cast.call("olga").get("/plans?held=true")["items"]
    assert "more than 1 in one plan wait for a person" in held["held_reason"]
    assert (
        next(each for each in receipt(cast)["systems"] if each["system"] == "corp")["need_a_person"]
        == 3
    )
    cast.call("olga").post(f"/plans/{held['id']}/release")
    cast.house.drain()
    assert not cast.holds("corp", "payroll", "eve")


def test_the_same_call_again_gets_the_first_answer_and_records_nothing(cast: Cast) -> None:
    first = leave(cast)
    cast.house.drain()
    before = len(entries(cast))
    assert leave(cast) == first
    respelled = leave(cast, effective_at="2026-03-02T09:00:00+01:00")
    assert respelled == first
    assert len(entries(cast)) == before


def test_the_same_id_with_another_body_conflicts(cast: Cast) -> None:
    leave(cast)
    for change in (
        {"type": "mover"},
        {"number": "1001"},
        {"effective_at": moment(MORNING + timedelta(days=1))},
        {"attributes": {"reason": "retired"}},
    ):
        other = cast.call("hr")("POST", "/hr/events", told(**change))
        assert other.status_code == 409, change
        assert other.get_json()["code"] == "conflict"


def test_two_calls_at_the_same_moment_make_one_event(cast: Cast) -> None:
    answers: list[Any] = []
    barrier = threading.Barrier(2)
    caller = cast.call("hr")
    path = cast.app

    def call() -> None:
        barrier.wait()
        headers = {"Authorization": f"Bearer {caller.token}"}
        sent = path.test_client().post("/api/v1/hr/events", json=told(), headers=headers)
        answers.append((sent.status_code, sent.get_json()))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [status for status, _ in answers] == [202, 202]
    assert answers[0][1] == answers[1][1]
    with cast.house.read() as reading:
        assert len(reading.session.scalars(sa.select(LifecycleEvent)).all()) == 1


def test_a_leaver_of_tomorrow_waits_and_starts_by_itself(cast: Cast) -> None:
    answered = leave(cast, effective_at=moment(MORNING + timedelta(days=1)))
    assert (answered["state"], answered["note"]) == ("waiting", "It waits until effective_at.")
    cast.house.later(hours=23, minutes=59)
    assert cast.state("corp").accounts["corp-eve"].is_enabled
    cast.house.later(minutes=1)
    assert not cast.state("corp").accounts["corp-eve"].is_enabled
    assert leave(cast, effective_at=moment(MORNING + timedelta(days=1))) == answered
    closed = next(each for each in receipt(cast)["systems"] if each["system"] == "corp")
    assert (closed["minutes"], closed["closed_at"]) == (0, moment(MORNING + timedelta(days=1)))


def test_a_leaver_is_cancelled_in_time_and_not_afterwards(cast: Cast) -> None:
    leave(cast, effective_at=moment(MORNING + timedelta(days=1)))
    assert cast.call("hr").post("/hr/events/hr-1/cancel")["state"] == "cancelled"
    cast.house.later(days=2)
    assert cast.state("corp").accounts["corp-eve"].is_enabled
    again = cast.call("hr")("POST", "/hr/events/hr-1/cancel", {})
    assert again.status_code == 409
    leave(cast, event_id="hr-2")
    late = cast.call("hr")("POST", "/hr/events/hr-2/cancel", {})
    assert late.status_code == 409


def test_a_dry_run_shows_the_plan_and_stores_nothing(cast: Cast) -> None:
    before = len(entries(cast))
    shown = leave(cast, query="?dry_run=true")
    assert shown["accounts"] == 2
    assert [each["verb"] for each in shown["plan"]][:3] == [
        "disable_account",
        "suspend_account",
        "clear_sessions",
    ]
    assert len(entries(cast)) == before
    assert cast.call("hr")("GET", "/hr/events/hr-1").status_code == 404
    leave(cast)
    plans = cast.call("olga").get("/plans")["items"]
    assert plans[0]["digest"] == shown["plan_digest"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "9999"}, "employee_number"),
        ({"number": ""}, "employee_number"),
        ({"type": "retired"}, "type"),
        ({"effective_at": "soon"}, "effective_at"),
        ({"effective_at": "2026-03-02T08:00:00"}, "effective_at"),
        ({"event_id": "a b"}, "event_id"),
        ({"event_id": ""}, "event_id"),
        ({"event_id": "hr-1\n"}, "event_id"),
        ({"attributes": {"a\n": "1"}}, "attributes.a\n.key"),
        ({"attributes": {"a": 1}}, "attributes.a.value"),
        ({"other": 1}, "other"),
    ],
)
def test_what_hr_says_wrong_is_named_by_field(
    cast: Cast, change: dict[str, Any], field: str
) -> None:
    before = len(entries(cast))
    answered = cast.call("hr")("POST", "/hr/events", told(**change))
    assert answered.status_code == 422
    assert [each["field"] for each in answered.get_json()["errors"]] == [field]
    assert len(entries(cast)) == before


def test_what_is_no_leaver_is_recorded_and_changes_nothing(cast: Cast) -> None:
    answered = leave(cast, type="mover", attributes={"department": "Sales"})
    assert answered["state"] == "recorded"
    assert cast.call("olga").get("/plans")["items"] == []
    assert cast.state("corp").accounts["corp-eve"].is_enabled


def test_a_joiner_need_not_be_in_a_directory_yet(cast: Cast) -> None:
    assert leave(cast, type="joiner", number="2001")["state"] == "recorded"
    assert event(cast)["identity"] is None


def test_the_receipt_names_each_system_and_its_times_and_is_signed(cast: Cast) -> None:
    leave(cast)
    cast.house.clock.advance(timedelta(minutes=3))
    cast.house.drain()
    found = cast.call("hr").get("/hr/events/hr-1/receipt")
    systems = {each["system"]: each for each in found["receipt"]["systems"]}
    assert systems["corp"]["closed_at"] == moment(MORNING + timedelta(minutes=3))
    assert systems["corp"]["minutes"] == 3
    assert systems["cloud"]["open"] == 1
    assert found["receipt"]["state"] == "running"
    assert found["note"].startswith("attestry-leaver-receipt/1\n")
    assert cast.call("dana").get("/hr/events/hr-1/receipt")["receipt"]["id"]


def test_a_protected_leaver_is_left_to_a_person(cast: Cast) -> None:
    with cast.house.write(cast.actor("frank")) as uow:
        catalog.protect(
            uow, what=Kind.IDENTITY, ref=cast.identity("eve").public_id, reason="Break glass"
        )
    leave(cast)
    cast.house.drain()
    assert cast.state("corp").accounts["corp-eve"].is_enabled
    found = event(cast)
    assert (found["state"], "need a person" in found["why"]) == ("failed", True)


def test_the_last_administrator_who_leaves_is_left_to_a_person(cast: Cast) -> None:
    leave(cast, number="1008")
    cast.house.drain()
    assert cast.state("corp").accounts["corp-frank"].is_enabled
    assert cast.holds("corp", "admins", "frank")
    assert cast.state("cloud").accounts["cloud-frank"].status == "SUSPENDED"
    failed = [each for each in tasks(cast) if each[3] == "failed"]
    assert [each[:3] for each in failed] == [
        ("corp", "disable_account", None),
        ("corp", "remove_member", "Domain Admins"),
    ]


def test_what_failed_and_was_tried_again_completes_the_leaver(cast: Cast) -> None:
    cast.breaks("corp", "denied")
    leave(cast)
    cast.house.drain()
    assert event(cast)["state"] == "failed"
    cast.breaks("corp")
    for each in cast.call("olga").get("/tasks?state=failed")["items"]:
        cast.call("olga").post(f"/tasks/{each['id']}/retry")
    cast.house.drain()
    cast.import_payroll()
    cast.sync("cloud")
    assert event(cast)["state"] == "done"


def test_a_leaver_whose_plan_failed_says_so(cast: Cast) -> None:
    cast.breaks("cloud", "denied")
    leave(cast, number="1006")
    cast.house.drain()
    assert event(cast)["state"] == "failed"
    cast.breaks("cloud")
    for each in cast.call("olga").get("/tasks?state=failed")["items"]:
        cast.call("olga").post(f"/tasks/{each['id']}/retry")
    cast.house.drain()
    assert event(cast)["state"] == "done"


def test_what_was_approved_but_not_yet_done_does_not_come_to_a_leaver(cast: Cast) -> None:
    cast.breaks("corp", "half_done")
    request = ask(cast, "mallory")
    approve(cast, "bob", "carol")
    cast.house.drain()
    cast.breaks("corp")
    leave(cast, number="1006")
    for _ in range(3):
        cast.house.later(minutes=5)
    assert state(cast, request) == "failed"
    assert not cast.holds("corp", "payroll", "mallory")


def test_what_a_leaver_asked_for_is_not_approved_any_more(cast: Cast) -> None:
    ask(cast, "mallory")
    leave(cast, number="1006")
    assert answer(cast, "bob").status_code == 403


def test_a_second_event_for_the_same_leaver_finds_nothing_left(cast: Cast) -> None:
    give(cast, "mallory")
    leave(cast, number="1006")
    leave(cast, number="1006", event_id="hr-2")
    cast.house.drain()
    cast.import_payroll()
    cast.sync("cloud")
    assert event(cast)["state"] == "done"
    assert event(cast, "hr-2")["state"] == "done"
    assert not cast.holds("corp", "payroll", "mallory")


def test_a_start_that_is_told_twice_starts_once(cast: Cast) -> None:
    leave(cast, effective_at=moment(MORNING + timedelta(days=1)))
    cast.house.clock.advance(timedelta(days=1))
    lifecycle.tick(cast.house.tx)
    lifecycle.tick(cast.house.tx)
    cast.house.drain()
    assert len(cast.call("olga").get("/plans")["items"]) == 1
    with cast.house.read() as reading:
        row = reading.session.scalars(sa.select(LifecycleEvent)).one()
    lifecycle.run_start(cast.house.tx, {"event": row.public_id})
    assert len(cast.call("olga").get("/plans")["items"]) == 1
    assert row.type is LifecycleType.LEAVER
    assert row.state is LifecycleState.RUNNING
