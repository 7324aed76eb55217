"""A request that nobody decides ends by itself when the policy says so, and everybody is told."""

import sqlalchemy as sa

from app.kernel.ledger import LedgerEntry
from integration.requests.steps import answer_to, approve, ask, questions
from support.cast import Cast

LIMIT_DAYS = 30


def test_an_open_request_stays_until_the_limit_and_ends_with_it(cast: Cast) -> None:
    request = ask(cast)["id"]
    cast.house.later(days=LIMIT_DAYS, seconds=-1)
    assert cast.call("alice").get(f"/requests/{request}")["state"] == "submitted"
    cast.house.later(seconds=1)
    ended = cast.call("alice").get(f"/requests/{request}")
    assert ended["state"] == "cancelled"
    assert ended["why"] == "Nobody decided it within 30 days, the policy's limit."
    assert questions(cast, "bob") == []


def test_a_question_of_a_lapsed_request_is_answered_by_nobody(cast: Cast) -> None:
    ask(cast)
    question = questions(cast, "bob")[0]
    cast.house.later(days=LIMIT_DAYS)
    assert answer_to(cast, "bob", question).status_code == 409


def test_the_requester_is_told_that_nobody_decided(cast: Cast) -> None:
    ask(cast)
    cast.house.later(days=LIMIT_DAYS)
    told = cast.call("alice").get("/notices")["items"]
    assert [each["subject"] for each in told] == ["Nobody decided: add Payroll"]
    assert "within 30 days" in told[0]["body"]
    assert "taken back" not in told[0]["body"]


def test_a_request_lapses_once_and_the_record_says_by_whom(cast: Cast) -> None:
    request = ask(cast)["id"]
    cast.house.later(days=LIMIT_DAYS)
    cast.house.later(minutes=1)
    with cast.house.read() as reading:
        found = reading.session.scalars(
            sa.select(LedgerEntry).where(LedgerEntry.subject == request)
        ).all()
    ends = [each for each in found if each.kind == "request.cancelled"]
    assert len(ends) == 1


def test_what_was_decided_in_time_does_not_lapse(cast: Cast) -> None:
    request = ask(cast)["id"]
    approve(cast, "bob", "carol")
    cast.house.drain()
    cast.house.later(days=LIMIT_DAYS)
    assert cast.call("alice").get(f"/requests/{request}")["state"] == "done"
