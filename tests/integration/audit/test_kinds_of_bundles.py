"""Bundles of a stand-in's answers, of one control, of a sample; and what a later one replaces."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.audit import bundles, nonces, populations, sampling
from app.audit.domain import Frequency, Population
from app.audit.evaluating import Told, evaluate
from app.audit.evaluating.checklist import Line, State, checklist
from app.kernel.errors import InvalidInputError, NotFoundError, NothingToChangeError
from app.reviews.models import Campaign
from integration.audit.test_campaign_bundle import hold_campaign
from integration.audit.test_what_a_bundle_says import (
    NAMES,
    WORD,
    Held,
    built,
    over_all,
    report_of,
    something_appears,
)
from integration.requests.steps import answer, ask
from integration.requests.test_who_decides import stands_in
from support.cast import Cast
from support.house import MORNING, TestHouse
from support.recount import Files, wrong_places


def is_recounted(held: Held) -> bool:
    """Say whether every number of its report is that of its files."""
    assert wrong_places(Files(held.content), report_of(held)) == []
    return True


def test_each_answer_of_a_stand_in_is_held_against_the_delegations_of_the_bundle(
    house: TestHouse, cast: Cast
) -> None:
    ask(cast)
    made = stands_in(cast, "bob", "mallory")
    house.clock.advance(timedelta(hours=1))
    assert answer(cast, "mallory").status_code == 200
    house.clock.advance(timedelta(hours=1))
    assert cast.call("bob")("POST", f"/delegations/{made['id']}/end").status_code == 200
    held = built(house, over_all(house))
    told = [row for row in held.rows("requests") if row["what"] == "delegation"]
    assert [(row["approver_name"], row["by_name"], row["reason"]) for row in told] == [
        ("Bob", "Mallory", "On holiday")
    ]
    assert held.lines()["C3"].state is State.ANSWERED
    assert "1, each inside the validity of a delegation" in held.lines()["C3"].answer
    assert is_recounted(held)
    (given,) = (row for row in held.rows("requests") if row["what"] == "approval" and row["by"])
    for column, moment in (  # begun later, over before, ended early before; of somebody else
        ("valid_from", told[0]["ended_at"]),
        ("valid_to", given["at"]),
        ("ended_at", given["after"]),
        ("by", given["approver"]),
    ):
        assert told_of(held, {**told[0], column: moment}).state is State.EXCEPTION


def told_of(held: Held, delegation: dict[str, Any]) -> Line:
    """Line C3, had another delegation stood in the bundle."""

    def rows(name: str) -> Iterator[dict[str, Any]]:
        for row in held.rows(name):
            yield delegation if row["what"] == "delegation" else row

    found = checklist(evaluate(Told.of(held.manifest), rows, NAMES), has_earlier=False)
    return next(line for line in found if line.id == "C3")


def test_a_bundle_of_a_control_holds_only_what_speaks_to_it(house: TestHouse, cast: Cast) -> None:
    house.clock.advance(timedelta(hours=1))
    assert cast.house is house
    held = built(house, over_all(house, controls=["PCI-DSS-8.2.5"]))
    assert held.manifest["kind"] == "control"
    assert held.manifest["scope"]["files"] == ["leavers"]
    assert held.manifest["counts"]["population"] == 0
    assert held.manifest["counts"]["ledger"] > 0
    assert held.lines()["F4"].state is State.NOT_CONCERNED
    made = report_of(held)
    assert [each.label for each in made.figures] == ["HR events", "Operations read back"]
    assert "Roll-forward" not in {each.title for part in made.sections for each in part.tables}
    assert is_recounted(held)


def test_a_later_bundle_names_the_one_it_replaces_and_the_next_period_rolls_forward(
    house: TestHouse, cast: Cast, tmp_path: Path
) -> None:
    something_appears(house, cast)
    first = built(house, over_all(house)).manifest
    end = house.clock.now()
    same = built(house, over_all(house, why_anew="The first was lost."))
    assert same.manifest["supersedes"] == first["id"]
    assert same.manifest["scope"]["supersedes"]["why"] == "The first was lost."
    assert "The first was lost." in same.text(tmp_path)
    house.clock.advance(timedelta(hours=2))
    following = built(house, bundles.Wish(start=end, end=house.clock.now()))
    assert following.manifest["supersedes"] is None
    assert following.manifest["scope"]["previous"]["bundle"] == same.manifest["id"]
    assert following.lines()["B10"].state is State.ANSWERED
    assert is_recounted(following)


def test_a_sample_is_drawn_by_the_auditors_seed_and_can_be_drawn_again(
    house: TestHouse, cast: Cast
) -> None:
    something_appears(house, cast)
    period = built(house, over_all(house))
    wish = populations.SampleWish(
        Population.MEMBERSHIPS,
        seed="2026-q1",
        start=MORNING - timedelta(days=1),
        end=house.clock.now(),
        frequency=Frequency.QUARTERLY,
    )
    with house.write() as uow:
        first = sampling.draw_sample(uow, wish)
        again = sampling.draw_sample(uow, wish)
    assert [each.key for each in first.lines] == [each.key for each in again.lines]
    assert first.population_digest == again.population_digest
    keys = [
        f"{row['account']}/{row['group']}/{row['valid_from']}"
        for row in period.rows("population")
        if row["what"] in {"membership", "ended"}
    ]
    assert first.population_count == len(keys)
    by_hand = sorted(keys, key=lambda key: hashlib.sha256(b"2026-q1\0" + key.encode()).digest())
    assert [each.key for each in first.lines] == by_hand[:2]
    held = built(house, bundles.Wish(sample=first.id))
    assert held.manifest["scope"]["drawn"]["keys"] == by_hand[:2]
    facts = {fact.label: fact.value for fact in report_of(held).facts}
    assert facts["Seed"] == "2026-q1"
    assert facts["Drawn"].startswith(f"2 of {len(keys)} memberships, performed quarterly, ")
    assert is_recounted(held)
    told = {(row["account"], row["group"]) for row in held.rows("population")}
    assert told == {tuple(key.split("/")[:2]) for key in by_hand[:2]}


def test_a_word_is_taken_once_and_only_while_the_campaign_is_open(
    house: TestHouse, cast: Cast
) -> None:
    asked = hold_campaign(house, cast)
    with house.write() as uow:
        nonces.give_nonce(uow, campaign_id=asked, nonce=WORD)
    with pytest.raises(NothingToChangeError), house.write() as uow:
        nonces.give_nonce(uow, campaign_id=asked, nonce=WORD)
    with pytest.raises(InvalidInputError), house.write() as uow:
        nonces.give_nonce(uow, campaign_id=asked, nonce="short")
    with pytest.raises(NotFoundError), house.write() as uow:
        nonces.give_nonce(uow, campaign_id="x", nonce=WORD)
    with house.read() as reading:
        state = reading.session.query(Campaign).one().state
    assert state.value == "open"


def test_numbers_of_a_redacted_bundle_are_those_of_its_own_files(
    house: TestHouse, cast: Cast
) -> None:
    asked = hold_campaign(house, cast)
    house.clock.advance(timedelta(hours=1))
    for wish in (bundles.Wish(campaign=asked), over_all(house), over_all(house, leavers=True)):
        held = built(house, replace(wish, redacted=True))
        assert is_recounted(held)
        assert held.manifest["scope"]["redacted"]
