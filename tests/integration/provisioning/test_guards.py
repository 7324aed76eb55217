"""What automation never takes away, and what it takes only after a person has looked."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.catalog import service as catalog
from app.catalog.domain import Kind
from app.grants import service as grants
from app.grants.domain import EndCause
from app.provisioning.models import Plan
from app.rulebook import service as rulebook
from connectors.memory.state import changing
from integration.requests.steps import approve, ask, refused, state
from policies.document import builtin_text
from support.cast import Cast, members


def protect(cast: Cast, what: Kind, ref: str) -> str:
    with cast.house.write(cast.actor("frank")) as uow:
        return catalog.protect(uow, what=what, ref=ref, reason="The break-glass way in").id


def limit(cast: Cast, *, per_plan: int = 50, per_day: int = 500) -> None:
    text = builtin_text("standard")
    text = text.replace("per_plan: 50", f"per_plan: {per_plan}")
    text = text.replace("per_source_and_day: 500", f"per_source_and_day: {per_day}")
    with cast.house.write(cast.actor("frank")) as uow:
        rulebook.put_in_force(uow, text=text)


def take_away(cast: Cast, name: str, group: str = "payroll") -> None:
    with cast.house.write() as uow:
        grants.end(
            uow,
            account_id=cast.account("corp", name).id,
            group_id=cast.group("corp", group).id,
            cause=EndCause.REVIEW,
            cause_ref=uow.ids.new(),
        )
    cast.house.drain()


def task(cast: Cast) -> dict[str, Any]:
    found: dict[str, Any] = cast.call("olga").get("/tasks")["items"][0]
    return found


@pytest.mark.parametrize("what", list(Kind))
def test_what_is_protected_is_refused_when_it_is_asked_for(cast: Cast, what: Kind) -> None:
    refs = {
        Kind.IDENTITY: cast.identity("eve").public_id,
        Kind.ACCOUNT: cast.account("corp", "eve").public_id,
        Kind.GROUP: cast.group("corp", "payroll").public_id,
    }
    protect(cast, what, refs[what])
    found = refused(cast, "eve", 403, action="remove")
    assert found["code"] == "policy_refused"
    assert "protected" in found["detail"]


@pytest.mark.parametrize("what", list(Kind))
def test_what_was_protected_since_is_refused_when_it_is_to_be_run(cast: Cast, what: Kind) -> None:
    refs = {
        Kind.IDENTITY: cast.identity("eve").public_id,
        Kind.ACCOUNT: cast.account("corp", "eve").public_id,
        Kind.GROUP: cast.group("corp", "payroll").public_id,
    }
    request = ask(cast, "eve", action="remove")
    approve(cast, "bob", "carol")
    protection = protect(cast, what, refs[what])
    cast.house.drain()
    failed = next(
        each
        for each in cast.call("olga").get("/tasks")["items"]
        if not each["group"] or each["source"] == "corp"
    )
    assert (failed["state"], failed["error_code"]) == ("failed", "protected")
    assert "The break-glass way in" in failed["error"]
    assert cast.holds("corp", "payroll", "eve")
    assert state(cast, request) == "failed"
    again = cast.call("olga")("POST", f"/tasks/{failed['id']}/retry", {})
    assert again.get_json()["code"] == "policy_refused"
    cast.call("frank")("DELETE", f"/protections/{protection}")


def test_the_account_attestry_itself_uses_is_never_touched(cast: Cast) -> None:
    cast.put("corp", "payroll", "svc-attestry")
    cast.sync("corp")
    take_away(cast, "svc-attestry")
    failed = next(each for each in cast.call("olga").get("/tasks")["items"])
    assert (failed["state"], failed["error_code"]) == ("failed", "protected")
    assert "Attestry itself" in failed["error"]


def test_the_last_administrator_stays(cast: Cast) -> None:
    found = refused(cast, "frank", 403, group="admins", action="remove")
    assert found["code"] == "policy_refused"
    assert "last member of an administrators' group" in found["detail"]
    take_away(cast, "frank", "admins")
    assert (task(cast)["state"], task(cast)["error_code"]) == ("failed", "last_administrator")
    assert cast.holds("corp", "admins", "frank")


def test_an_administrator_goes_when_another_one_can_stay(cast: Cast) -> None:
    cast.put("corp", "admins", "olga")
    cast.sync("corp")
    take_away(cast, "frank", "admins")
    assert task(cast)["state"] == "verified"
    take_away(cast, "olga", "admins")
    assert task(cast)["error_code"] == "last_administrator"


def test_an_administrator_who_cannot_sign_in_does_not_count(cast: Cast) -> None:
    cast.put("corp", "admins", "olga")
    cast.edit("corp", "olga", is_enabled=False, status="disabled")
    cast.sync("corp")
    take_away(cast, "frank", "admins")
    assert task(cast)["error_code"] == "last_administrator"


def test_of_two_administrators_decided_about_together_one_stays(cast: Cast) -> None:
    cast.put("corp", "admins", "olga")
    cast.sync("corp")
    with cast.house.write() as uow:
        for name in ("frank", "olga"):
            grants.end(
                uow,
                account_id=cast.account("corp", name).id,
                group_id=cast.group("corp", "admins").id,
                cause=EndCause.REVIEW,
                cause_ref=uow.ids.new(),
            )
    cast.house.drain()
    found = {each["account"]: each["state"] for each in cast.call("olga").get("/tasks")["items"]}
    assert sorted(found.values()) == ["failed", "verified"]


def test_removals_beyond_the_day_wait_for_a_second_person(cast: Cast) -> None:
    limit(cast, per_day=1)
    take_away(cast, "eve")
    assert not cast.holds("corp", "payroll", "eve")
    take_away(cast, "eve", "ledger")
    assert cast.holds("corp", "ledger", "eve")
    (held,) = cast.call("olga").get("/plans?held=true")["items"]
    assert "more than 1 a day wait for a person" in held["held_reason"]
    assert cast.call("dana")("POST", f"/plans/{held['id']}/release", {}).status_code == 403
    released = cast.call("olga").post(f"/plans/{held['id']}/release")
    assert released["state"] == "open"
    cast.house.drain()
    assert not cast.holds("corp", "ledger", "eve")
    again = cast.call("olga")("POST", f"/plans/{held['id']}/release", {})
    assert again.status_code == 409


def test_the_next_day_has_its_own_count(cast: Cast) -> None:
    limit(cast, per_day=1)
    take_away(cast, "eve")
    cast.house.later(days=1)
    take_away(cast, "eve", "ledger")
    assert not cast.holds("corp", "ledger", "eve")


def test_who_decided_a_held_removal_does_not_release_it(cast: Cast) -> None:
    limit(cast, per_plan=1, per_day=1)
    take_away(cast, "eve")
    with cast.house.write(cast.actor("olga")) as uow:
        grants.end(
            uow,
            account_id=cast.account("corp", "eve").id,
            group_id=cast.group("corp", "ledger").id,
            cause=EndCause.REVIEW,
            cause_ref=uow.ids.new(),
        )
    cast.house.drain()
    (held,) = cast.call("olga").get("/plans?held=true")["items"]
    own = cast.call("olga")("POST", f"/plans/{held['id']}/release", {})
    assert own.status_code == 403
    assert "second person" in own.get_json()["detail"]
    cast.call("frank").post(f"/plans/{held['id']}/release")
    cast.house.drain()
    assert not cast.holds("corp", "ledger", "eve")


def test_a_plan_names_everything_it_would_do(cast: Cast) -> None:
    take_away(cast, "eve")
    with cast.house.read() as reading:
        plan = reading.session.scalars(sa.select(Plan)).one()
    assert [each["verb"] for each in plan.operations] == ["remove_member", "remove_member"]
    assert members("corp", "eve")
    with changing(cast.file("corp")) as held:
        assert "corp-eve" not in held.members["corp-payroll"]
