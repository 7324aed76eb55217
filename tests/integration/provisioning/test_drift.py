"""What a source shows and nobody decided waits for a person, who adopts it or has it undone."""

from typing import Any

import pytest
import sqlalchemy as sa

from app.directory.models import Membership
from app.grants.models import Grant
from app.kernel.ledger import LedgerEntry
from app.provisioning.models import Finding, Plan
from integration.requests.steps import approve, ask, state
from support.cast import Cast
from support.statements import counted


def findings(cast: Cast, **where: str) -> list[dict[str, Any]]:
    query = "&".join(f"{name}={value}" for name, value in where.items())
    found: list[dict[str, Any]] = cast.call("olga").get(f"/drift?{query}")["items"]
    return found


def the_finding(cast: Cast) -> dict[str, Any]:
    (found,) = findings(cast)
    return found


def decide(cast: Cast, how: str, who: str = "olga", status: int = 200) -> Any:
    found = the_finding(cast)
    body = {"reason": "Agreed with the owner", "version": found["version"]}
    answer = cast.call(who).post(f"/drift/{found['id']}/{how}", body, status)
    cast.house.drain()
    return answer


def kinds(cast: Cast) -> list[str]:
    with cast.house.read() as reading:
        return list(reading.session.scalars(sa.select(LedgerEntry.kind).order_by(LedgerEntry.id)))


def test_a_member_that_nobody_granted_is_found_once(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    cast.sync("corp")
    found = the_finding(cast)
    assert (found["kind"], found["state"]) == ("appeared", "open")
    assert (found["account"], found["group"], found["source"]) == ("Alice", "Payroll", "corp")
    assert kinds(cast).count("drift.found") == 1


def test_the_baseline_is_no_drift(cast: Cast) -> None:
    assert findings(cast) == []


def test_a_read_that_was_not_complete_finds_nothing(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.take("corp", "ledger", "bob")
    cast.breaks("corp", "truncated")
    assert cast.sync("corp") == "incomplete"
    assert findings(cast) == []


def test_what_was_granted_here_is_no_drift_even_if_a_read_sees_it_first(cast: Cast) -> None:
    request = ask(cast, "alice")
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert state(cast, request) == "done"
    cast.sync("corp")
    assert findings(cast) == []


def test_what_a_mirror_shows_is_drift_of_its_master_alone(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    cast.import_payroll()
    cast.sync("cloud")
    assert [each["source"] for each in findings(cast)] == ["corp"]


def test_adopting_a_member_makes_a_grant_and_leaves_the_source_alone(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    adopted = decide(cast, "adopt")
    assert adopted["state"] == "adopted"
    assert cast.holds("corp", "payroll", "alice")
    with cast.house.read() as reading:
        grant = reading.session.scalars(sa.select(Grant)).one()
        membership = reading.session.scalars(
            sa.select(Membership).where(Membership.provenance == "drift-adopted")
        ).one()
        assert (grant.state, grant.cause, grant.cause_ref) == ("confirmed", "drift", adopted["id"])
        assert membership.provenance_ref == grant.public_id
        assert reading.session.scalars(sa.select(Plan)).all() == []
    cast.sync("corp")
    assert len(findings(cast)) == 1


def test_reverting_a_member_removes_it_and_reads_that_back(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    assert decide(cast, "revert")["state"] == "reverting"
    assert not cast.holds("corp", "payroll", "alice")
    assert the_finding(cast)["state"] == "reverted"
    assert kinds(cast)[-1] != "drift.found"
    assert {"drift.revert_ordered", "task.verified", "drift.ended"} <= set(kinds(cast))


def test_access_that_comes_back_after_it_was_taken_away_is_drift(cast: Cast) -> None:
    ask(cast, "eve", action="remove")
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert not cast.holds("corp", "payroll", "eve")
    cast.sync("corp")
    assert findings(cast) == []
    cast.put("corp", "payroll", "eve")
    cast.sync("corp")
    assert the_finding(cast)["kind"] == "appeared"


def test_a_member_who_stood_there_before_us_and_vanished_is_found(cast: Cast) -> None:
    cast.take("corp", "ledger", "bob")
    cast.sync("corp")
    assert the_finding(cast)["kind"] == "vanished"


def test_a_granted_member_who_vanished_is_put_back_when_that_is_reverted(cast: Cast) -> None:
    ask(cast, "alice")
    approve(cast, "bob", "carol")
    cast.house.drain()
    cast.sync("corp")
    cast.take("corp", "payroll", "alice")
    cast.sync("corp")
    assert the_finding(cast)["kind"] == "vanished"
    assert decide(cast, "revert")["state"] == "reverting"
    assert cast.holds("corp", "payroll", "alice")
    assert the_finding(cast)["state"] == "reverted"
    with cast.house.read() as reading:
        states = reading.session.scalars(sa.select(Grant.state).order_by(Grant.id)).all()
        plans = reading.session.scalars(sa.select(Plan.cause).order_by(Plan.id)).all()
    assert [each.value for each in states] == ["ended", "confirmed"]
    assert [each.value for each in plans] == ["request", "revert"]
    cast.sync("corp")
    assert len(findings(cast)) == 1


def test_adopting_that_a_granted_member_vanished_ends_the_grant(cast: Cast) -> None:
    ask(cast, "alice")
    approve(cast, "bob", "carol")
    cast.house.drain()
    cast.sync("corp")
    cast.take("corp", "payroll", "alice")
    cast.sync("corp")
    decide(cast, "adopt")
    with cast.house.read() as reading:
        assert reading.session.scalars(sa.select(Grant.state)).one().value == "ended"
    assert not cast.holds("corp", "payroll", "alice")


def test_a_difference_that_goes_by_itself_closes_its_finding(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    cast.take("corp", "payroll", "alice")
    cast.sync("corp")
    assert the_finding(cast)["state"] == "gone"
    answer = decide(cast, "adopt", status=409)
    assert "gone by itself" in answer["detail"]


def test_two_people_do_not_decide_the_same_finding_twice(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    decide(cast, "adopt")
    assert "was adopted" in decide(cast, "revert", who="frank", status=409)["detail"]


def test_a_decision_on_an_older_look_is_refused(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    found = the_finding(cast)
    body = {"reason": "Agreed", "version": found["version"] + 1}
    refused = cast.call("olga").post(f"/drift/{found['id']}/adopt", body, 409)
    assert "look again" in refused["detail"]


def test_nobody_decides_about_their_own_access(cast: Cast) -> None:
    cast.put("corp", "payroll", "olga")
    cast.sync("corp")
    assert "your own access" in decide(cast, "adopt", status=403)["detail"]
    assert the_finding(cast)["state"] == "open"


@pytest.mark.parametrize("who", ["alice", "dana"])
def test_only_those_who_operate_decide(cast: Cast, who: str) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    decide(cast, "revert", who=who, status=403)
    assert cast.holds("corp", "payroll", "alice")


def test_an_undoing_that_fails_shows_the_finding_again_and_can_be_ordered_again(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    cast.breaks("corp", "denied")
    decide(cast, "revert")
    assert the_finding(cast)["state"] == "failed"
    cast.breaks("corp")
    assert decide(cast, "revert")["state"] == "reverting"
    assert the_finding(cast)["state"] == "reverted"


def test_looking_at_a_read_without_a_difference_writes_nothing(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    with cast.house.read() as reading:
        before = reading.session.scalar(sa.select(sa.func.sum(Finding.version)))
    cast.sync("corp")
    with cast.house.read() as reading:
        assert reading.session.scalar(sa.select(sa.func.sum(Finding.version))) == before


def test_a_list_of_findings_is_one_statement(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice", "bob", "mallory")
    cast.sync("corp")
    with counted(cast.house) as few:
        assert len(findings(cast)) == 3
    cast.put("corp", "ledger", "alice", "mallory", "dana")
    cast.sync("corp")
    with counted(cast.house) as more:
        assert len(findings(cast)) == 6
    assert len(few) == len(more)


def test_a_ticket_is_noted_and_the_finding_stays_open(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    found = the_finding(cast)
    path = f"/drift/{found['id']}/ticket"
    noted = {"ticket": "https://desk.example/INC-7", "reason": "Carol is away", "version": 1}
    told = cast.call("olga").post(path, noted, 200)
    assert (told["state"], told["ticket"], told["reason"]) == ("open", noted["ticket"], None)
    assert told["ticketed_at"] is not None
    cast.call("olga").post(path, {**noted, "version": told["version"]}, 409)
    cast.call("olga").post(path, {**noted, "ticket": "INC-8"}, 409)  # an older look
    cast.call("dana").post(path, {**noted, "version": told["version"]}, 403)
    cast.call("olga").post(path, {**noted, "ticket": ""}, 422)
    assert kinds(cast).count("drift.ticketed") == 1
    assert decide(cast, "adopt")["ticket"] == noted["ticket"]
    cast.call("olga").post(path, {**noted, "version": 3}, 409)


def test_findings_are_found_by_names_and_by_ticket(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.put("corp", "ledger", "mallory")
    cast.sync("corp")
    first = next(each for each in findings(cast) if each["account"] == "Alice")
    noted = {"ticket": "INC-7", "reason": "Carol is away", "version": 1}
    cast.call("olga").post(f"/drift/{first['id']}/ticket", noted, 200)
    for where in ({"q": "inc-7"}, {"q": "ALI"}, {"q": "payr"}, {"ticketed": "true"}):
        assert [each["id"] for each in findings(cast, **where)] == [first["id"]], where
    assert len(findings(cast, ticketed="false")) == 1
    assert findings(cast, q="%25") == []


def test_a_person_does_not_note_a_ticket_about_their_own_access(cast: Cast) -> None:
    cast.put("corp", "payroll", "olga")
    cast.sync("corp")
    noted = {"ticket": "INC-7", "reason": "Mine", "version": 1}
    cast.call("olga").post(f"/drift/{the_finding(cast)['id']}/ticket", noted, 403)
