"""Decisions: one's own items only, many at once or none, each at the version that was looked at."""

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.directory.models import Identity
from app.kernel.event import moment
from app.reviews.models import ItemDecision, Tally
from connectors.memory.state import changing
from integration.reviews import campaigns as at
from support.cast import CORP, Cast, members, person
from support.house import MORNING
from support.statements import counted

UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def campaign(cast: Cast) -> str:
    """A campaign over Payroll and Ledger: Bob decides about Eve, Frank about Bob."""
    return at.launch(cast, "payroll", "ledger")


def test_a_reviewer_keeps_one_and_revokes_another_with_the_reason(
    cast: Cast, campaign: str
) -> None:
    payroll, ledger = at.items(cast, "bob")
    found = at.decided(cast, "bob", [at.said(payroll), at.said(ledger, "revoke")])
    assert [(each["decision"], each["reason"]) for each in found] == [
        ("keep", None),
        ("revoke", at.WHY),
    ]
    assert all(each["decided_at"] == moment(MORNING) for each in found)
    progress = at.shown(cast, campaign)["progress"]
    assert (progress["kept"], progress["revoked"], progress["undecided"]) == (1, 1, 1)
    assert progress["awaiting_sign_off"] == 1
    assert cast.holds(CORP, "ledger", "eve")


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_a_revoke_without_a_reason_is_refused_at_its_field(cast: Cast, reason: str | None) -> None:
    payroll, ledger = at.items(cast, "bob")
    answer = at.decide(cast, "bob", [at.said(payroll), at.said(ledger, "revoke", reason=reason)])
    assert answer.status_code == 422
    assert [each["field"] for each in answer.get_json()["errors"]] == ["items.1.reason"]
    assert {each["state"] for each in at.items(cast, "bob")} == {"open"}


def test_a_template_may_ask_for_no_reason(cast: Cast) -> None:
    at.launch(cast, "payroll", is_reason_required=False)
    (item,) = at.items(cast, "bob")
    (found,) = at.decided(cast, "bob", [at.said(item, "revoke", reason=None)])
    assert found["decision"] == "revoke"


@pytest.mark.usefixtures("campaign")
def test_a_decision_is_taken_back_and_every_change_of_mind_stays(cast: Cast) -> None:
    item = at.items(cast, "bob")[0]
    for decision in ("keep", "revoke", "undo", "abstain"):
        (item,) = at.decided(cast, "bob", [at.said(item, decision)])
    assert item["decision"] == "abstain"
    with cast.house.read() as reading:
        moves = reading.session.scalars(sa.select(ItemDecision.move).order_by(ItemDecision.id))
        assert [each.value for each in moves] == ["keep", "revoke", "undo", "abstain"]
    assert at.kinds(cast).count("item.decided") == 4


@pytest.mark.usefixtures("campaign")
def test_after_an_undo_an_item_is_as_it_was_put(cast: Cast) -> None:
    item = at.items(cast, "bob")[0]
    (once,) = at.decided(cast, "bob", [at.said(item, "revoke", replacement="Read only")])
    (again,) = at.decided(cast, "bob", [at.said(once, "undo")])
    assert {key: value for key, value in again.items() if key != "version"} == {
        key: value for key, value in item.items() if key != "version"
    }


@pytest.mark.usefixtures("campaign")
def test_a_stale_look_conflicts_and_shows_what_is_so_now(cast: Cast) -> None:
    item = at.items(cast, "bob")[0]
    at.decided(cast, "bob", [at.said(item)])
    answer = at.decide(cast, "bob", [at.said(item, "revoke")])
    assert answer.status_code == 409
    assert answer.get_json()["current"]["decision"] == "keep"
    assert answer.get_json()["current"]["version"] == item["version"] + 1


@pytest.mark.usefixtures("campaign")
def test_saying_the_same_again_changes_nothing(cast: Cast) -> None:
    (item,) = at.decided(cast, "bob", [at.said(at.items(cast, "bob")[0])])
    answer = at.decide(cast, "bob", [at.said(item)])
    assert (answer.status_code, answer.get_json()["code"]) == (409, "nothing_to_change")


@pytest.mark.usefixtures("campaign")
def test_another_replacement_alone_is_a_change(cast: Cast) -> None:
    item = at.items(cast, "bob")[0]
    (item,) = at.decided(cast, "bob", [at.said(item, "revoke", replacement="Read only")])
    (item,) = at.decided(cast, "bob", [at.said(item, "revoke", replacement="Nothing at all")])
    assert item["replacement"] == "Nothing at all"


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("wrong", ["stale", "foreign", "unknown", "twice", "reason"])
def test_of_many_decisions_all_are_taken_or_none(cast: Cast, wrong: str) -> None:
    payroll, ledger = at.items(cast, "bob")
    (franks,) = at.items(cast, "frank")
    bad = {
        "stale": at.said(ledger) | {"version": 9},
        "foreign": at.said(franks),
        "unknown": at.said(ledger) | {"id": UNKNOWN},
        "twice": at.said(payroll, "abstain"),
        "reason": at.said(ledger, "revoke", reason=" "),
    }[wrong]
    before = at.kinds(cast)
    answer = at.decide(cast, "bob", [at.said(payroll), bad])
    codes = {"stale": 409, "foreign": 404, "unknown": 404, "twice": 422, "reason": 422}
    assert answer.status_code == codes[wrong]
    assert at.items(cast, "bob") == [payroll, ledger]
    assert at.kinds(cast) == before


@pytest.mark.usefixtures("campaign")
def test_an_item_of_somebody_else_is_not_there(cast: Cast) -> None:
    item = at.items(cast, "bob")[0]
    for name in ("mallory", "olga", "dana", "frank", "eve"):
        assert at.decide(cast, name, [at.said(item)]).status_code == 404, name
    assert at.decide(cast, "hr", [at.said(item)]).status_code == 403
    assert at.items(cast, "mallory") == []


def test_a_late_decision_is_taken_until_the_close_and_marked_late(
    cast: Cast, campaign: str
) -> None:
    item = at.items(cast, "bob")[0]
    cast.house.later(days=15)
    (found,) = at.decided(cast, "bob", [at.said(item)])
    assert found["is_late"]
    assert at.shown(cast, campaign)["state"] == "open"


def test_a_closed_campaign_takes_no_decision(cast: Cast, campaign: str) -> None:
    item = at.items(cast, "bob")[0]
    cast.house.later(days=15)
    assert at.close(cast, campaign).status_code == 200
    answer = at.decide(cast, "bob", [at.said(item) | {"version": item["version"] + 1}])
    assert answer.status_code == 409
    assert "closed" in answer.get_json()["detail"]


@pytest.mark.usefixtures("campaign")
def test_only_a_keep_has_an_end_and_it_lies_ahead(cast: Cast) -> None:
    payroll, ledger = at.items(cast, "bob")
    past, ahead = (moment(MORNING + timedelta(days=days)) for days in (-1, 30))
    says = [at.said(payroll, until=past), at.said(ledger, "revoke", until=ahead)]
    answer = at.decide(cast, "bob", says)
    assert answer.status_code == 422
    fields = {each["field"] for each in answer.get_json()["errors"]}
    assert fields == {"items.0.until", "items.1.until"}


@pytest.mark.usefixtures("campaign")
def test_a_reviewer_who_has_left_decides_nothing_and_the_operator_puts_it_to_another(
    cast: Cast,
) -> None:
    found = at.items(cast, "bob")
    for source in (CORP, "cloud"):
        cast.edit(source, "bob", is_enabled=False, status="disabled")
        cast.sync(source)
    assert at.decide(cast, "bob", [at.said(found[0])]).status_code == 401
    body = {
        "items": [each["id"] for each in found],
        "reviewer": cast.identity("carol").public_id,
        "reason": "Bob has left",
    }
    moved = cast.call("olga").post("/review-items/reassign", body, 200)["items"]
    assert {(each["reviewer"]["name"], each["via"]) for each in moved} == {("Carol", "reassigned")}
    at.decided(cast, "carol", [at.said(each) for each in moved])


def test_an_item_is_never_put_to_its_holder(cast: Cast, campaign: str) -> None:
    found = at.items(cast, "bob")
    body = {
        "items": [each["id"] for each in found],
        "reviewer": cast.identity("eve").public_id,
        "reason": "She knows best",
    }
    answer = cast.call("olga")("POST", "/review-items/reassign", body)
    assert answer.status_code == 403
    assert at.items(cast, "bob") == found
    assert at.shown(cast, campaign)["progress"]["undecided"] == 3


@pytest.mark.usefixtures("campaign")
def test_only_open_items_go_to_another_active_person_with_a_reason(cast: Cast) -> None:
    payroll, ledger = at.items(cast, "bob")
    at.decided(cast, "bob", [at.said(payroll)])
    carol = cast.identity("carol").public_id

    def put(status: int, **more: object) -> None:
        body = {"items": [ledger["id"]], "reviewer": carol, "reason": "On holiday", **more}
        assert cast.call("olga")("POST", "/review-items/reassign", body).status_code == status

    put(409, items=[ledger["id"], payroll["id"]])
    put(404, reviewer=UNKNOWN)
    put(404, items=[UNKNOWN])
    put(422, reason="")
    put(200)
    put(409)
    body = {"items": [ledger["id"]], "reviewer": carol, "reason": "On holiday"}
    assert cast.call("dana")("POST", "/review-items/reassign", body).status_code == 403
    assert at.kinds(cast).count("item.reassigned") == 1


def test_counters_agree_with_the_items_whatever_is_done(cast: Cast) -> None:
    campaign = at.launch(cast)
    for turn, decision in enumerate(["keep", "revoke", "undo", "abstain", "keep", "revoke"]):
        found = at.items(cast, "bob")
        at.decided(cast, "bob", [at.said(each, decision) for each in found[turn % 3 :: 2]])
    body = {
        "items": [each["id"] for each in at.items(cast, "frank")][:2],
        "reviewer": cast.identity("olga").public_id,
        "reason": "She runs it",
    }
    cast.call("olga").post("/review-items/reassign", body, 200)
    counts: dict[str, Counter[str]] = {}
    for each in at.all_items(cast, campaign):
        counts.setdefault(each["reviewer"]["id"], Counter())[each["decision"] or "none"] += 1
    with cast.house.read() as reading:
        rows = reading.session.execute(
            sa.select(Tally, Identity.public_id).join(Identity, Identity.id == Tally.reviewer_id)
        ).all()
    assert {person: counts[person].total() for person in counts} == {
        public_id: tally.total for tally, public_id in rows
    }
    for tally, public_id in rows:
        mine = counts[public_id]
        assert (tally.kept, tally.revoked, tally.abstained) == (
            mine["keep"],
            mine["revoke"],
            mine["abstain"],
        )


def crowd(cast: Cast, size: int) -> None:
    """Let Bob have so many people, each of whom is in Payroll."""
    with changing(cast.file(CORP)) as state:
        for number in range(size):
            one = replace(
                person(CORP, "alice"),
                external_id=f"corp-clerk{number}",
                login=f"clerk{number}",
                employee_number=f"7{number:04d}",
                mail=f"clerk{number}@example.test",
            )
            state.add(accounts=[one], members={"corp-payroll": members(CORP, f"clerk{number}")})
    assert cast.sync(CORP) == "complete"


def reads(statements: list[str]) -> int:
    return sum(each.startswith("SELECT") for each in statements)


def test_a_list_of_five_hundred_items_is_three_statements_and_deciding_them_reads_no_more(
    cast: Cast,
) -> None:
    crowd(cast, 499)  # and Eve
    at.launch(cast, "payroll")
    bob = cast.call("bob")
    with counted(cast.house) as listing:
        page = bob.get("/review-items?limit=500")
    assert len(page["items"]) == 500
    assert len(listing) <= 3
    says = [at.said(each) for each in page["items"]]
    with counted(cast.house) as few:
        at.decided(cast, "bob", says[:2])
    with counted(cast.house) as many:
        at.decided(cast, "bob", says[2:])
    assert reads(many) == reads(few)
