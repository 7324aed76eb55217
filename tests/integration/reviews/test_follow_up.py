"""A revoke that was not carried out: who answers for it, under which ticket, and until when."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.kernel.actor import Role
from app.kernel.event import moment
from app.kernel.ledger import LedgerEntry
from app.signin import service as signin
from integration.reviews.steps import all_items, launch, sign_off
from integration.reviews.test_remediation import item, revoke
from support.cast import Cast

TICKET = "https://desk.example/INC-7"


@pytest.fixture
def left(cast: Cast) -> tuple[Cast, str, str]:
    """A campaign, and its item that the source refused to end."""
    return cast, *leave_one(cast)


def leave_one(cast: Cast, campaign: str = "") -> tuple[str, str]:
    """Let a source refuse to end what was revoked; returns the campaign and the item."""
    campaign = campaign or launch(cast)
    revoked = revoke(cast, campaign)
    cast.breaks("corp", "denied")
    sign_off(cast, "bob", campaign)
    cast.breaks("corp")
    return campaign, revoked


def said(cast: Cast, **more: Any) -> dict[str, Any]:
    due = cast.house.clock.now() + timedelta(days=7)
    owner = cast.identity("carol").public_id
    return {"owner": owner, "ticket": TICKET, "due_at": moment(due), "version": 0, **more}


def put(cast: Cast, item_id: str, body: dict[str, Any], status: int, who: str = "olga") -> Any:
    answer = cast.call(who)("PUT", f"/review-items/{item_id}/follow-up", body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def told(cast: Cast) -> list[LedgerEntry]:
    with cast.house.read() as reading:
        found = sa.select(LedgerEntry).where(LedgerEntry.kind == "item.followed_up")
        return list(reading.session.scalars(found.order_by(LedgerEntry.id)))


def test_somebody_answers_for_it_each_change_is_kept_and_it_is_done_when_it_is_gone(
    left: tuple[Cast, str, str],
) -> None:
    cast, campaign, revoked = left
    assert item(cast, campaign, revoked)["follow_up"] is None
    first = said(cast)
    shown = put(cast, revoked, first, 200)["follow_up"]
    assert (shown["owner"]["name"], shown["ticket"], shown["state"]) == ("Carol", TICKET, "open")
    assert (shown["due_at"], shown["version"]) == (first["due_at"], 1)
    put(cast, revoked, {**first, "version": 1}, 409)  # exactly that is noted
    put(cast, revoked, {**first, "ticket": "INC-8"}, 409)  # an older look
    later = {**first, "owner": cast.identity("frank").public_id, "version": 1}
    assert put(cast, revoked, later, 200)["follow_up"]["owner"]["name"] == "Frank"
    cast.house.clock.advance(timedelta(days=7))
    assert item(cast, campaign, revoked)["follow_up"]["state"] == "overdue"
    task = cast.call("olga").get("/tasks?state=failed")["items"][0]["id"]
    cast.call("olga").post(f"/tasks/{task}/retry")
    cast.house.drain()
    assert item(cast, campaign, revoked)["follow_up"]["state"] == "done"
    put(cast, revoked, said(cast, version=2), 409)  # nothing is left to follow up
    entries = told(cast)
    assert [TICKET.encode() in each.body for each in entries] == [False, False]
    assert [later["owner"].encode() in each.body for each in entries] == [False, True]


def test_what_is_wrong_is_said_at_its_field_and_only_what_is_left_is_followed_up(
    left: tuple[Cast, str, str],
) -> None:
    cast, campaign, revoked = left
    past = moment(cast.house.clock.now())
    for owner in (cast.identity("alice").public_id, "0" * 8 + "-0000-7000-8000-" + "0" * 12):
        body = said(cast, owner=owner, ticket="INC-7\nINC-8", due_at=past)
        refused = put(cast, revoked, body, 422)
        assert {each["field"] for each in refused["errors"]} == {"owner", "ticket", "due_at"}
    put(cast, revoked, said(cast, ticket=" "), 422)
    put(cast, revoked, said(cast, ticket="x" * 501), 422)
    for who in ("alice", "bob", "dana"):
        put(cast, revoked, said(cast), 403, who)
    with cast.house.write() as uow:
        signin.grant_role(uow, who=cast.identity("alice").employee_number or "", role=Role.OPERATOR)
    assert "your own access" in put(cast, revoked, said(cast), 403, "alice")["detail"]
    kept = next(each for each in all_items(cast, campaign) if each["decision"] == "keep")
    assert "Only what was revoked" in put(cast, kept["id"], said(cast), 409)["detail"]
    put(cast, "0" * 8 + "-0000-7000-8000-" + "0" * 12, said(cast), 404)
    assert told(cast) == []
