"""Who is charged with a removal that failed is told, and told again when it is late; each once."""

from datetime import timedelta
from typing import Any

import pytest

from app.notices.mailer import MemoryMailer, Sent
from app.reviews import service as reviews
from integration.notices.test_notices import notices
from integration.requests.steps import entries
from integration.reviews.steps import TEMPLATE, template
from integration.reviews.test_follow_up import TICKET, leave_one, put, said
from support.cast import Cast

WAITS, LATE = "A removal waits for you: Staff", "A removal is overdue: Staff"


@pytest.fixture
def revoked(cast: Cast) -> str:
    """An item that was revoked and is still there; only Carol is charged with it, for a week."""
    _, item = leave_one(cast)
    cast.house.drain()
    return item


def charge(cast: Cast, item: str, version: int = 0, **more: Any) -> None:
    put(cast, item, said(cast, version=version, **more), 200)
    cast.house.drain()


def told(cast: Cast, name: str) -> list[str]:
    """What somebody was told of removals, the newest first."""
    return [e["subject"] for e in notices(cast, name) if e["kind"].startswith("follow-up")]


def mails(mailer: MemoryMailer, name: str) -> list[Sent]:
    return [
        each
        for each in mailer.outbox
        if each.to == f"{name}@example.test" and "removal" in each.subject
    ]


def late(cast: Cast) -> int:
    return [each.kind for each in entries(cast)].count("item.follow_up_overdue")


def test_who_is_charged_is_told_all_that_is_to_be_done_in_the_app_and_by_mail(
    cast: Cast, mailer: MemoryMailer, revoked: str
) -> None:
    charge(cast, revoked)
    assert told(cast, "carol") == [WAITS]
    (mail,) = mails(mailer, "carol")
    assert mail.subject == WAITS
    for part in ("Alice", "corp", "Everything", TICKET, "09 Mar 2026, 08:00 UTC", "Olga"):
        assert part in mail.body, part
    assert told(cast, "olga") == []


def test_whoever_has_it_next_is_told_and_nobody_twice(
    cast: Cast, mailer: MemoryMailer, revoked: str
) -> None:
    charge(cast, revoked)
    charge(cast, revoked, 1, owner=cast.identity("frank").public_id)
    cast.house.later(minutes=5)
    assert (told(cast, "carol"), told(cast, "frank")) == ([WAITS], [WAITS])
    assert len(mails(mailer, "carol")) == len(mails(mailer, "frank")) == 1


def test_when_it_is_late_who_has_it_and_who_launched_the_review_are_told_once(
    cast: Cast, mailer: MemoryMailer, revoked: str
) -> None:
    charge(cast, revoked)
    cast.house.later(days=6, hours=23)
    assert late(cast) == 0
    for _ in range(3):
        cast.house.later(hours=1)
    assert told(cast, "carol") == [LATE, WAITS]
    assert told(cast, "olga") == [LATE]
    assert [each.subject for each in mails(mailer, "carol")] == [WAITS, LATE]
    assert "Carol" in mails(mailer, "olga")[0].body
    assert late(cast) == 1


def test_a_new_time_is_kept_apart_from_the_one_that_passed(cast: Cast, revoked: str) -> None:
    charge(cast, revoked)
    cast.house.later(days=8)
    charge(cast, revoked, 1, ticket="INC-9")
    cast.house.later(days=1)
    assert told(cast, "carol") == [WAITS, LATE, WAITS]
    cast.house.later(days=8)
    assert told(cast, "carol") == [LATE, WAITS, LATE, WAITS]
    assert late(cast) == 2


def test_nobody_is_told_that_it_is_late_once_it_is_gone_or_somebody_else_has_it(
    cast: Cast, revoked: str
) -> None:
    charge(cast, revoked)
    later = said(cast)["due_at"]
    charge(cast, revoked, 1, owner=cast.identity("frank").public_id, due_at=later)
    task = cast.call("olga").get("/tasks?state=failed")["items"][0]["id"]
    cast.call("olga").post(f"/tasks/{task}/retry")
    cast.house.drain()
    cast.house.later(days=9)
    assert late(cast) == 0
    assert LATE not in told(cast, "carol") + told(cast, "frank") + told(cast, "olga")


def test_a_review_that_no_person_launched_is_told_of_to_who_charged_somebody(cast: Cast) -> None:
    template(cast)
    with cast.house.write() as uow:
        campaign = reviews.launch(uow, template_id=TEMPLATE).public_id
    cast.house.drain()
    _, item = leave_one(cast, campaign)
    charge(cast, item)
    cast.house.clock.advance(timedelta(days=8))
    cast.house.tick()
    cast.house.drain()
    assert told(cast, "olga") == [LATE]


def test_the_page_of_notices_leads_to_what_is_left_of_the_review_for_who_may_see_it(
    cast: Cast, revoked: str
) -> None:
    charge(cast, revoked, owner=cast.identity("frank").public_id)
    charge(cast, revoked, 1)
    page = cast.house.visitor(cast.identity("frank").public_id).page("/notices")
    where = page.split(WAITS)[0].rsplit('href="', 1)[1].split('"')[0]
    assert where.endswith("/not-removed")
    cast.house.visitor(cast.identity("frank").public_id).page(where)
    carol = cast.house.visitor(cast.identity("carol").public_id).page("/notices")
    assert WAITS in carol
    assert "/not-removed" not in carol
