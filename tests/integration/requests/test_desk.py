"""What waits for somebody on their home page, on both stores."""

from datetime import timedelta

import pytest

from app.requests import desk
from app.requests.domain import RequestState
from integration.requests.steps import approve, ask, questions
from support.cast import Cast
from support.house import TestHouse
from support.statements import counted


def waiting(house: TestHouse, cast: Cast, name: str) -> list[desk.Question]:
    with house.read(cast.actor(name)) as reading:
        return list(desk.questions(reading, 5)[0])


def test_a_question_waits_for_whom_it_is_put_to_and_for_nobody_else(
    house: TestHouse, cast: Cast
) -> None:
    ask(cast, "alice")
    found = waiting(house, cast, "bob")
    assert [(each.beneficiary, each.entitlement, each.source, each.action) for each in found] == [
        ("Alice", "Payroll", "corp", "add")
    ]
    assert found[0].id == questions(cast, "bob")[0]["id"]
    assert not found[0].is_late
    for name in ("alice", "carol", "mallory", "frank"):
        assert waiting(house, cast, name) == []
    approve(cast, "bob")
    assert waiting(house, cast, "bob") == []
    assert len(waiting(house, cast, "carol")) == 1


def test_whoever_stands_in_sees_the_question_and_for_whom(house: TestHouse, cast: Cast) -> None:
    ask(cast, "alice")
    body = {
        "delegate": cast.identity("dana").public_id,
        "valid_from": (house.clock.now() - timedelta(minutes=1)).isoformat(),
        "valid_to": (house.clock.now() + timedelta(days=2)).isoformat(),
        "reason": "Away for two days",
    }
    answer = cast.call("bob")("POST", "/delegations", body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    house.clock.advance(timedelta(minutes=1))
    found = waiting(house, cast, "dana")
    assert [(each.beneficiary, each.delegator) for each in found] == [("Alice", "Bob")]
    house.clock.advance(timedelta(days=3))
    assert waiting(house, cast, "dana") == []


def test_a_request_is_under_way_until_it_ends(house: TestHouse, cast: Cast) -> None:
    made = ask(cast, "alice")
    with house.read(cast.actor("alice")) as reading:
        shown, total = desk.under_way(reading, 5)
    assert total == 1
    assert (shown[0].id, shown[0].state) == (made["id"], RequestState.SUBMITTED)
    with house.read(cast.actor("mallory")) as reading:
        assert desk.under_way(reading, 5) == ([], 0)
    cast.call("alice").post(f"/requests/{made['id']}/cancel")
    with house.read(cast.actor("alice")) as reading:
        assert desk.under_way(reading, 5) == ([], 0)


@pytest.mark.usefixtures("cast")
def test_nothing_waits_for_a_token_that_is_nobody(house: TestHouse) -> None:
    with house.read() as reading:
        assert desk.questions(reading, 5) == ([], 0)
        assert desk.under_way(reading, 5) == ([], 0)
        assert desk.count_questions(reading) == 0


def test_each_list_is_one_statement_however_much_waits(house: TestHouse, cast: Cast) -> None:
    ask(cast, "alice")
    ask(cast, "alice", group="ledger")
    with house.read(cast.actor("bob")) as reading, counted(house) as statements:
        shown, total = desk.questions(reading, 1)
        assert (len(shown), total) == (1, 2)
        assert desk.count_questions(reading) == 2
        desk.under_way(reading, 1)
    assert len(statements) == 3
