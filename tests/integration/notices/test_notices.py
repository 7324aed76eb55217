"""Everybody is told what concerns them, once; what could not be delivered is on record."""

import re
from datetime import timedelta
from typing import Any

import pytest

from app.kernel.event import moment
from app.notices.mailer import MemoryMailer
from integration.requests.steps import REASON, answer, approve, ask, entries, give
from support.cast import ODD, PEOPLE, Cast
from support.house import MORNING


def notices(cast: Cast, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cast.call(name).get("/notices")["items"]
    return found


def end_as(cast: Cast, end: str) -> None:
    """Bring a request of Alice to one of its ends."""
    if end == "failed":
        cast.breaks("corp", "denied")
    request = ask(cast)
    if end == "cancelled":
        cast.call("alice").post(f"/requests/{request['id']}/cancel")
    elif end == "refused":
        assert answer(cast, "bob", "refuse", comment="Not your task").status_code == 200
    else:
        approve(cast, "bob", "carol")
    cast.house.drain()


@pytest.mark.parametrize(
    ("end", "subject"),
    [
        ("completed", "Done: add Payroll"),
        ("refused", "Refused: add Payroll"),
        ("failed", "Not carried out yet: add Payroll"),
        ("cancelled", "Taken back: add Payroll"),
    ],
)
def test_a_requester_is_told_of_every_end_in_the_app_and_by_mail(
    cast: Cast, mailer: MemoryMailer, end: str, subject: str
) -> None:
    end_as(cast, end)
    (told,) = notices(cast, "alice")
    assert (told["subject"], told["state"], told["channel"]) == (subject, "sent", "mail")
    (mail,) = [each for each in mailer.outbox if each.to == "alice@example.test"]
    assert (mail.subject, mail.body) == (subject, told["body"])


def test_why_it_was_refused_is_told(cast: Cast) -> None:
    end_as(cast, "refused")
    assert "Not your task" in notices(cast, "alice")[0]["body"]


def test_approvers_are_told_when_it_is_their_turn_and_not_before(cast: Cast) -> None:
    ask(cast)
    cast.house.drain()
    assert [each["subject"] for each in notices(cast, "bob")] == [
        "Your approval is wanted: Payroll"
    ]
    assert REASON in notices(cast, "bob")[0]["body"]
    assert notices(cast, "carol") == []
    approve(cast, "bob")
    cast.house.drain()
    assert len(notices(cast, "carol")) == 1


def test_who_stands_in_is_told_too(cast: Cast) -> None:
    cast.call("bob").post(
        "/delegations",
        {
            "delegate": cast.identity("mallory").public_id,
            "valid_from": moment(MORNING),
            "valid_to": moment(MORNING + timedelta(days=1)),
            "reason": "On holiday",
        },
        201,
    )
    ask(cast)
    cast.house.drain()
    assert len(notices(cast, "mallory")) == 1


def test_beneficiary_and_requester_are_both_told(cast: Cast) -> None:
    request = ask(cast, "olga", beneficiary=cast.identity("alice").public_id)
    cast.call("olga").post(f"/requests/{request['id']}/cancel")
    cast.house.drain()
    assert len(notices(cast, "alice")) == len(notices(cast, "olga")) == 1


def test_mail_that_is_refused_is_recorded_and_the_notice_stays_in_the_app(
    cast: Cast, mailer: MemoryMailer
) -> None:
    mailer.refused.add("alice@example.test")
    end_as(cast, "cancelled")
    (told,) = notices(cast, "alice")
    assert told["state"] == "failed"
    assert mailer.outbox == []
    assert [each.kind for each in entries(cast)].count("notice.failed") == 1


def test_a_notice_is_read_by_its_recipient_only_and_once(cast: Cast) -> None:
    end_as(cast, "cancelled")
    (told,) = notices(cast, "alice")
    path = f"/notices/{told['id']}/read"
    assert cast.call("mallory")("POST", path, {}).status_code == 404
    assert cast.call("alice").post(path)["read_at"] is not None
    again = cast.call("alice")("POST", path, {})
    assert again.get_json()["code"] == "nothing_to_change"


def test_nothing_personal_stands_in_the_ledger(cast: Cast) -> None:
    cast.breaks("corp", "denied")
    request = ask(cast, ticket="INC-4711")
    approve(cast, "bob")
    assert answer(cast, "carol", "approve", comment="Fine by Carol").status_code == 200
    cast.house.drain()
    assert request
    cast.breaks("corp")
    cast.call("hr").post(
        "/hr/events",
        {
            "event_id": "hr-of-Eve",
            "type": "leaver",
            "employee_number": "1005",
            "effective_at": moment(MORNING),
        },
        202,
    )
    cast.house.drain()
    give(cast, "mallory")
    kinds = {each.kind for each in entries(cast)}
    assert {"task.verified", "task.failed", "ruling.made", "hr.event_received"} <= kinds
    words = [REASON, ODD, "INC-4711", "Fine by", "hr-of-Eve", "@example.test", "corp-", "cloud-"]
    words += list(PEOPLE) + [name.capitalize() for name in PEOPLE]
    words += [number for number, _ in PEOPLE.values()] + ["Payroll", "Ledger", "Finance", "Clerk"]
    for each in entries(cast):
        body = each.body.decode()
        found = [word for word in words if re.search(rf"\b{re.escape(word)}\b", body)]
        assert not found, (each.kind, found, body)
