"""Tasks: tried again without doubling, left to a person with a reason, and never out of order."""

import threading
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from typing_extensions import override

from app.directory import service as directory
from app.directory.models import Membership
from app.grants import service as grants
from app.grants.domain import EndCause, GrantState
from app.grants.models import Grant
from app.kernel.jobs import Job
from app.provisioning import handlers, planning, running, service
from app.provisioning.domain import PlanCause, TaskState
from app.provisioning.models import Attempt, Task
from connectors.memory.state import changing
from connectors.records import Verb
from integration.requests.steps import approve, ask, entries, give, questions, refused, state
from support.cast import Cast


def tasks(cast: Cast, **which: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in which.items())
    found: list[dict[str, Any]] = cast.call("olga").get(f"/tasks?{query}")["items"]
    return found


def one(cast: Cast, source: str = "corp") -> dict[str, Any]:
    """Return the only task against a source, in full."""
    (found,) = [each for each in tasks(cast) if each["source"] == source]
    detail: dict[str, Any] = cast.call("olga").get(f"/tasks/{found['id']}")
    return detail


def open_memberships(cast: Cast, name: str, group: str = "payroll") -> int:
    with cast.house.read() as reading:
        return (
            reading.session.scalar(
                sa.select(sa.func.count())
                .select_from(Membership)
                .where(
                    Membership.account_id == cast.account("corp", name).id,
                    Membership.group_id == cast.group("corp", group).id,
                    Membership.valid_to.is_(None),
                )
            )
            or 0
        )


def test_a_lost_answer_is_tried_again_later_each_time_and_doubles_nothing(cast: Cast) -> None:
    cast.breaks("corp", "half_done")
    request = ask(cast)
    approve(cast, "bob", "carol")
    cast.house.drain()
    first = one(cast)
    assert (first["state"], first["attempt"]) == ("queued", 2)
    assert first["error_code"] == "unavailable"
    assert cast.house.drain() == 0
    waits = []
    for _ in range(3):
        due = cast.house.clock.now()
        cast.house.later(minutes=2)
        waits.append(one(cast)["attempt"])
        assert cast.house.clock.now() > due
    assert waits == [3, 4, 5]
    assert state(cast, request) == "approved"
    cast.breaks("corp")
    cast.house.later(hours=1)
    assert state(cast, request) == "done"
    done = one(cast)
    assert [each["result"] for each in done["attempts"]] == ["unavailable"] * 4 + ["verified"]
    assert done["effect"] == "already"
    assert open_memberships(cast, "alice") == 1
    kinds = [each.kind for each in entries(cast)]
    assert kinds.count("membership.appeared") == 1
    assert kinds.count("grant.confirmed") == 1


def test_after_twelve_tries_a_task_is_left_to_a_person(cast: Cast) -> None:
    cast.breaks("corp", "half_done")
    request = ask(cast)
    approve(cast, "bob", "carol")
    for _ in range(13):
        cast.house.clock.advance(timedelta(hours=1))
        cast.house.drain()
    found = one(cast)
    assert (found["state"], found["attempt"]) == ("failed", 12)
    assert state(cast, request) == "failed"


def test_the_longest_wait_is_an_hour(cast: Cast) -> None:
    cast.breaks("corp", "half_done")
    ask(cast)
    approve(cast, "bob", "carol")
    cast.house.drain()
    while (found := one(cast))["state"] == "queued":
        with cast.house.read() as reading:
            due = reading.session.scalars(
                sa.select(Task.due_at).where(Task.public_id == found["id"])
            ).one()
        assert due is not None
        assert due - cast.house.clock.now() <= timedelta(hours=1)
        cast.house.later(hours=1)


def test_a_denied_task_fails_at_once_and_goes_through_when_a_person_tries_again(
    cast: Cast,
) -> None:
    cast.breaks("corp", "denied")
    request = ask(cast)
    approve(cast, "bob", "carol")
    cast.house.drain()
    failed = one(cast)
    assert (failed["state"], failed["error_code"]) == ("failed", "denied")
    assert state(cast, request) == "failed"
    cast.breaks("corp")
    retried = cast.call("olga").post(f"/tasks/{failed['id']}/retry")
    assert retried["state"] == "queued"
    cast.house.drain()
    assert cast.holds("corp", "payroll", "alice")
    assert state(cast, request) == "done"
    again = cast.call("olga")("POST", f"/tasks/{failed['id']}/retry", {})
    assert again.status_code == 409


def test_a_failed_right_that_was_decided_anew_is_not_tried_again(cast: Cast) -> None:
    cast.breaks("corp", "denied")
    ask(cast)
    approve(cast, "bob", "carol")
    cast.house.drain()
    failed = one(cast)
    cast.breaks("corp")
    give(cast)
    retried = cast.call("olga")("POST", f"/tasks/{failed['id']}/retry", {})
    assert retried.status_code == 409
    assert "anew" in retried.get_json()["detail"]


def test_a_failed_end_can_be_asked_for_again_and_then_ends_the_grant(cast: Cast) -> None:
    give(cast)
    cast.breaks("corp", "denied")
    first = ask(cast, action="remove")
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, first) == "failed"
    cast.breaks("corp")
    second = ask(cast, action="remove")
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, second) == "done"
    with cast.house.read() as reading:
        assert reading.session.scalars(sa.select(Grant.state)).all() == [GrantState.ENDED]


def test_a_right_that_is_ended_before_it_came_about_does_not_come_about(cast: Cast) -> None:
    cast.breaks("corp", "half_done")
    with cast.house.write() as uow:
        from app.grants.domain import GrantCause

        grants.authorise(
            uow,
            account_id=cast.account("corp", "alice").id,
            group_id=cast.group("corp", "payroll").id,
            cause=GrantCause.REQUEST,
            cause_ref=uow.ids.new(),
        )
    cast.house.drain()
    with cast.house.write() as uow:
        grants.end(
            uow,
            account_id=cast.account("corp", "alice").id,
            group_id=cast.group("corp", "payroll").id,
            cause=EndCause.REVIEW,
            cause_ref=uow.ids.new(),
        )
    cast.breaks("corp")
    for _ in range(3):
        cast.house.later(minutes=10)
    assert not cast.holds("corp", "payroll", "alice")
    assert open_memberships(cast, "alice") == 0
    states = {each["verb"]: each["state"] for each in tasks(cast) if each["source"] == "corp"}
    assert states == {"add_member": "cancelled", "remove_member": "verified"}


def test_two_operations_on_one_membership_do_not_run_side_by_side(cast: Cast) -> None:
    give(cast)
    with cast.house.write() as uow:
        grants.end(
            uow,
            account_id=cast.account("corp", "alice").id,
            group_id=cast.group("corp", "payroll").id,
            cause=EndCause.REVIEW,
            cause_ref=uow.ids.new(),
        )
    added = set_running(cast, "add_member")
    cast.house.drain()
    waiting = next(each for each in tasks(cast) if each["verb"] == "remove_member")
    assert (waiting["state"], waiting["error_code"]) == ("queued", "busy")
    assert cast.holds("corp", "payroll", "alice")
    set_state(cast, added, TaskState.VERIFIED)
    cast.house.later(minutes=1)
    assert not cast.holds("corp", "payroll", "alice")


def set_running(cast: Cast, verb: str) -> str:
    found = next(each for each in tasks(cast) if (each["verb"], each["source"]) == (verb, "corp"))
    set_state(cast, found["id"], TaskState.RUNNING)
    task_id: str = found["id"]
    return task_id


def set_state(cast: Cast, task_id: str, wanted: TaskState) -> None:
    from app.events import TaskClaimed

    with cast.house.write() as uow:
        row = uow.session.scalars(sa.select(Task).where(Task.public_id == task_id)).one()
        row.state = wanted
        uow.record(TaskClaimed(subject=task_id, attempt=row.attempt))


def test_every_delivery_and_every_job_may_come_twice(cast: Cast) -> None:
    ran: list[Job] = []
    jobs = cast.house.jobs
    pop = jobs.runners

    class Twice(dict[str, Any]):
        @override
        def __getitem__(self, name: str) -> Any:
            def run(payload: Any) -> None:
                pop[name](payload)
                before = len(entries(cast))
                pop[name](payload)
                assert len(entries(cast)) == before, (name, dict(payload))
                ran.append(payload)

            return run

    jobs.runners = Twice()
    request = give(cast, duration_days=1)
    cast.import_payroll()
    cast.sync("cloud")
    cast.house.later(days=1, minutes=1)
    assert not cast.holds("corp", "payroll", "alice")
    assert state(cast, request) == "done"
    assert len(ran) > 10


def test_a_task_nobody_took_is_queued_again(cast: Cast) -> None:
    ask(cast)
    approve(cast, "bob", "carol")
    lost = cast.house.jobs
    while not any(each.name == "provision" for each in lost.waiting):
        job = next(each for each in lost.waiting)
        lost._due.remove(next(each for each in lost._due if each[2] is job))
        lost.runners[job.name](job.payload)
    lost._due.clear()
    cast.house.later(minutes=9)
    assert one(cast)["attempt"] == 1
    cast.house.later(minutes=2)
    assert one(cast)["state"] == "verified"
    assert handlers.heal(cast.house.tx) == 0


def test_a_task_whose_worker_never_came_back_is_queued_again(cast: Cast) -> None:
    ask(cast)
    approve(cast, "bob", "carol")
    cast.house.drain()
    task = set_running(cast, "add_member")
    cast.house.later(minutes=59)
    assert cast.call("olga").get(f"/tasks/{task}")["state"] == "running"
    cast.house.later(minutes=2)
    again = cast.call("olga").get(f"/tasks/{task}")
    assert (again["state"], again["attempt"], again["effect"]) == ("verified", 2, "already")


def test_a_disabled_source_is_not_written_to(cast: Cast) -> None:
    request = ask(cast)
    approve(cast, "bob", "carol")
    with cast.house.write() as uow:
        directory.disable_source(uow, name="corp")
    cast.house.drain()
    assert one(cast)["error_code"] == "source_disabled"
    assert state(cast, request) == "failed"
    assert not cast.holds("corp", "payroll", "alice")
    assert refused(cast, "mallory", 422)["errors"][0]["field"] == "entitlement"


def test_two_workers_that_end_the_last_tasks_at_once_close_the_plan(cast: Cast) -> None:
    cast.house.jobs.runners = dict(cast.house.jobs.runners)
    with cast.house.write() as uow:
        made = service.make_plan(
            uow,
            cause=PlanCause.LEAVER,
            cause_ref=uow.ids.new(),
            operations=[
                planning.account_operation(uow, verb, cast.account(source, "eve").id)
                for source, verb in (
                    ("corp", Verb.DISABLE_ACCOUNT),
                    ("cloud", Verb.SUSPEND_ACCOUNT),
                )
            ],
        ).public_id
    together = Together()
    house = cast.house.house
    threads = [
        threading.Thread(
            target=running.run, args=(house.tx, house.connect, house.seal, job.payload, together)
        )
        for job in cast.house.jobs.waiting
        if job.name == service.PROVISION
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(threads) == 2
    assert cast.call("olga").get(f"/plans/{made}")["state"] == "done"
    assert [each.kind for each in entries(cast)].count("plan.completed") == 1


class Together:
    """Lets two tasks reach their last transaction at the same moment."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2, timeout=30)

    def reach(self, name: str) -> None:
        if name == "after_read_back":
            self._barrier.wait()


def hide_eve(cast: Cast) -> None:
    """Let the source answer as if it had never known her."""
    with changing(cast.file("corp")) as held:
        del held.accounts["corp-eve"]
        for members in held.members.values():
            members.pop("corp-eve", None)


def test_what_is_gone_counts_as_taken_away_once_a_complete_read_shows_it(cast: Cast) -> None:
    request = ask(cast, "eve", action="remove")
    approve(cast, "bob", "carol")
    hide_eve(cast)
    cast.house.drain()
    assert one(cast)["state"] == "waits_for_import"
    assert "a complete read will tell" in one(cast)["read_back"]["shown"]
    assert state(cast, request) == "approved"
    cast.house.clock.advance(timedelta(minutes=1))
    cast.sync("corp")
    assert one(cast)["state"] == "verified"
    assert state(cast, request) == "done"


def test_what_was_only_out_of_sight_is_not_called_taken_away(cast: Cast) -> None:
    before = cast.file("corp").read_bytes()
    request = ask(cast, "eve", action="remove")
    approve(cast, "bob", "carol")
    hide_eve(cast)
    cast.house.drain()
    cast.file("corp").write_bytes(before)
    cast.house.clock.advance(timedelta(minutes=1))
    cast.sync("corp")
    assert cast.holds("corp", "payroll", "eve")
    assert one(cast)["state"] == "waits_for_import"
    assert state(cast, request) == "approved"


def test_access_to_what_is_gone_fails_with_its_reason(cast: Cast) -> None:
    request = ask(cast)
    approve(cast, "bob", "carol")
    with changing(cast.file("corp")) as held:
        del held.accounts["corp-alice"]
    cast.house.drain()
    assert one(cast)["error_code"] == "target_missing"
    assert state(cast, request) == "failed"


def test_every_try_is_kept(cast: Cast) -> None:
    give(cast)
    with cast.house.read() as reading:
        tries = reading.session.scalars(sa.select(Attempt)).all()
    assert [(each.number, each.result) for each in tries] == [(1, "verified")]
    assert questions(cast, "bob") == []
