"""Asking for access and answering, as pages: what it would mean first, nothing approved blindly."""

from datetime import timedelta

import pytest

from integration.requests.steps import approve, ask, questions
from support.cast import PEOPLE, Cast
from support.statements import counted
from support.visitor import Visitor


def visitor(cast: Cast, who: str) -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def wish(cast: Cast, **more: str) -> dict[str, str]:
    return {
        "entitlement": cast.group("corp", "payroll").public_id,
        "action": "add",
        "reason": "Month end closes on Friday",
        **more,
    }


def form_of(cast: Cast) -> str:
    return f"/requests/new?entitlement={cast.group('corp', 'payroll').public_id}"


def test_access_is_found_by_name_and_chosen_by_its_link(cast: Cast) -> None:
    alice = visitor(cast, "alice")
    text = alice.page("/requests/new?q=payr")
    group = cast.group("corp", "payroll").public_id
    assert f"entitlement={group}" in text
    assert "Ledger" not in text
    assert "Nothing of that name" in alice.page("/requests/new?q=zzz")


def test_the_form_shows_who_must_approve_and_what_would_be_done(cast: Cast) -> None:
    text = visitor(cast, "alice").page(form_of(cast) + "&reason=Closing")
    assert "Bob" in text
    assert "Carol" in text
    assert "add to Payroll: Alice in corp" in text


def test_what_the_policy_refuses_is_shown_before_it_is_sent(cast: Cast) -> None:
    text = visitor(cast, "alice").page(form_of(cast))
    assert "The policy refuses this" in text
    assert "<code>reason</code>" in text


def test_a_request_is_sent_once_even_if_its_form_is_sent_twice(cast: Cast) -> None:
    alice = visitor(cast, "alice")
    once = {"once": "the-same-key"}
    first = alice.submit("/requests", wish(cast, **once), on=form_of(cast))
    again = alice.submit("/requests", wish(cast, **once), on=form_of(cast))
    assert (first.status_code, first.location) == (303, again.location)
    assert len(cast.call("alice").get("/requests")["items"]) == 1
    assert "Waiting for" in alice.page(first.location)


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"reason": ""}, 403, "reason"),
        ({"duration_days": "soon"}, 422, "aria-invalid"),
        ({"reason": "x" * 2001}, 422, "aria-invalid"),
        ({"action": "steal"}, 422, "One field needs"),
        ({"somebody": "nobody@example.test"}, 422, "Nobody has this mail"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    cast: Cast, more: dict[str, str], status: int, words: str
) -> None:
    olga = visitor(cast, "olga")
    typed = wish(cast, ticket='<script>"CHG", \u202eabc \U0001f98a', **more)
    answer = olga.submit("/requests", typed, on=form_of(cast))
    text = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert words in text
    assert "&lt;script&gt;&#34;CHG&#34;" in text
    assert "<script>&" not in text
    assert cast.call("olga").get("/requests")["items"] == []


def test_a_manager_asks_for_a_report_and_nobody_for_strangers(cast: Cast) -> None:
    bob = visitor(cast, "bob")
    assert ">Alice<" in bob.page(form_of(cast))
    asked = bob.submit(
        "/requests", wish(cast, beneficiary=cast.identity("alice").public_id), on=form_of(cast)
    )
    assert asked.status_code == 303
    alice = visitor(cast, "alice")
    refused = alice.submit(
        "/requests", wish(cast, beneficiary=cast.identity("bob").public_id), on=form_of(cast)
    )
    assert refused.status_code == 403


def test_a_request_shows_its_way_and_is_taken_back_by_its_button(cast: Cast) -> None:
    request = ask(cast)["id"]
    alice = visitor(cast, "alice")
    path = f"/requests/{request}"
    assert "Take it back" in alice.page(path)
    assert "Take it back" not in visitor(cast, "bob").page(path)
    assert alice.submit(f"{path}/cancel", on=path).status_code == 303
    assert "Taken back" in alice.page(path)
    late = alice.submit(f"{path}/cancel", on=path)
    assert late.status_code == 409


def test_somebody_elses_request_is_not_there(cast: Cast) -> None:
    request = ask(cast)["id"]
    assert visitor(cast, "mallory").get(f"/requests/{request}").status_code == 404


def test_an_approver_sees_the_plan_and_says_yes_on_its_digest(cast: Cast) -> None:
    ask(cast)
    bob = visitor(cast, "bob")
    question = questions(cast, "bob")[0]
    path = f"/approvals/{question['id']}"
    assert path in bob.page("/approvals")
    text = bob.page(path)
    assert "add to Payroll: Alice in corp" in text
    assert question["plan_digest"] in text
    said = {"outcome": "approve", "plan_digest": question["plan_digest"]}
    assert bob.submit(path, said, on=path).status_code == 303
    assert "Nothing waits for you" in bob.page("/approvals")
    assert "You approved it" in bob.page(path)


def test_a_refusal_needs_its_comment_and_keeps_what_was_typed(cast: Cast) -> None:
    ask(cast)
    bob = visitor(cast, "bob")
    question = questions(cast, "bob")[0]
    path = f"/approvals/{question['id']}"
    said = {"outcome": "refuse", "plan_digest": question["plan_digest"], "comment": " "}
    assert bob.submit(path, said, on=path).status_code == 422
    assert bob.submit(path, said | {"comment": "Not needed"}, on=path).status_code == 303


def test_a_plan_that_is_not_the_present_one_is_never_approved_but_shown_again(cast: Cast) -> None:
    ask(cast)
    bob = visitor(cast, "bob")
    question = questions(cast, "bob")[0]
    path = f"/approvals/{question['id']}"
    answer = bob.submit(path, {"outcome": "approve", "plan_digest": "0" * 64}, on=path)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert question["plan_digest"] in text
    assert questions(cast, "bob")


def test_somebody_stands_in_from_a_day_to_a_day_and_is_ended(cast: Cast) -> None:
    bob = visitor(cast, "bob")
    day = cast.house.clock.now().date()
    typed = {
        "delegate": "carol@example.test",
        "first_on": day.isoformat(),
        "last_on": (day + timedelta(days=3)).isoformat(),
        "reason": "On leave",
    }
    wrong = bob.submit("/delegations", typed | {"delegate": "no@where"}, on="/delegations")
    assert wrong.status_code == 422
    assert "On leave" in wrong.get_data(as_text=True)
    assert bob.submit("/delegations", typed, on="/delegations").status_code == 303
    ask(cast)
    assert questions(cast, "carol")
    made = cast.call("bob").get("/delegations")["items"][0]["id"]
    assert bob.submit(f"/delegations/{made}/end", on="/delegations").status_code == 303
    assert not questions(cast, "carol")


def test_notices_lead_to_what_they_are_about_and_are_read_once(cast: Cast) -> None:
    request = ask(cast)["id"]
    approve(cast, "bob", "carol")
    cast.house.drain()
    alice = visitor(cast, "alice")
    assert f'href="/requests/{request}"' in alice.page("/notices")
    notice = cast.call("alice").get("/notices")["items"][0]["id"]
    assert alice.submit(f"/notices/{notice}/read", on="/notices").status_code == 303
    assert alice.submit(f"/notices/{notice}/read", on="/notices").status_code == 409


@pytest.mark.parametrize("path", ["/requests", "/approvals", "/notices"])
def test_a_list_costs_as_many_statements_however_long_it_is(cast: Cast, path: str) -> None:
    who = visitor(cast, "bob")
    ask(cast)
    cast.house.drain()
    with counted(cast.house) as few:
        who.page(path)
    ask(cast, group="ledger")
    ask(cast, "mallory")
    cast.house.drain()
    with counted(cast.house) as more:
        who.page(path)
    assert len(more) == len(few)


def test_what_is_no_longer_done_is_marked_before_anybody_approves_it(cast: Cast) -> None:
    ask(cast)
    bob = visitor(cast, "bob")
    question = questions(cast, "bob")[0]
    path = f"/approvals/{question['id']}"
    assert "No longer done" not in bob.page(path)
    cast.put("cloud", "payroll", "alice")
    cast.sync("cloud")
    stale = {"outcome": "approve", "plan_digest": question["plan_digest"]}
    answer = bob.submit(path, stale, on=path)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "It has moved on since you looked" in text
    assert text.count("No longer done") == 1
    assert ">New<" not in text


def test_a_request_that_nobody_decided_says_so(cast: Cast) -> None:
    path = f"/requests/{ask(cast)['id']}"
    cast.house.later(days=30)
    alice = visitor(cast, "alice")
    text = alice.page(path)
    assert "Nobody decided" in text
    assert "the policy&#39;s limit" in text
    assert "Taken back" not in text
    assert "Nobody decided" in alice.page("/requests?view=not-done")
