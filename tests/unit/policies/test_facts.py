import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import rfc8785
from hypothesis import given

from policies import codec
from policies.errors import InvalidFactsError
from policies.facts import (
    Candidate,
    Candidates,
    Facts,
    IdentityId,
    facts_document,
    facts_from_document,
    facts_text,
)
from unit.policies.builders import BOB, NOW, a_holding, facts, some_facts

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


@given(some_facts)
def test_a_document_of_facts_stands_for_exactly_these_facts(given_facts: Facts) -> None:
    document = facts_document(given_facts)
    assert facts_from_document(document) == given_facts
    assert facts_from_document(json.loads(facts_text(given_facts))) == given_facts


@given(some_facts)
def test_the_text_of_facts_is_canonical_json(given_facts: Facts) -> None:
    document: Any = facts_document(given_facts)
    assert facts_text(given_facts).encode() == rfc8785.dumps(document)


def test_keys_are_ascii_and_no_value_is_a_float() -> None:
    def walk(value: object) -> None:
        assert not isinstance(value, float)
        if isinstance(value, dict):
            assert all(key.isascii() for key in value)
            for item in value.values():
                walk(item)
        if isinstance(value, list):
            for item in value:
                walk(item)

    walk(facts_document(facts(holdings=[a_holding("Zahlläufe")], duration_days=3)))


def test_the_order_in_which_holdings_and_administrators_are_found_does_not_matter() -> None:
    first, second = a_holding("A"), a_holding("B")
    one = Candidates(administrators=(Candidate(IdentityId("x")), Candidate(IdentityId("y"))))
    other = Candidates(administrators=(Candidate(IdentityId("y")), Candidate(IdentityId("x"))))
    assert facts_text(facts(one, [first, second])) == facts_text(facts(other, [second, first]))


def test_the_same_moment_in_another_zone_is_the_same_document() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    assert facts_text(facts(now=there)) == facts_text(facts(now=NOW))


def _changed(path: str, value: object) -> dict[str, Any]:
    document = facts_document(facts(holdings=[a_holding("A", path=("b",), until=NOW)]))
    place: Any = document
    *above, last = path.split(".")
    for key in above:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("colour", "red", "unknown key"),
        ("ask.colour", "red", "unknown key"),
        ("ask.beneficiary.colour", "red", "unknown key"),
        ("holdings.0.colour", "red", "unknown key"),
        ("ask.action", "steal", "allowed: add, remove, extend"),
        ("ask.action", 1, "one of the known words"),
        ("ask.reason", None, "text is expected"),
        ("ask.reason", "\ud800", "lone surrogate"),
        ("ask.duration_days", True, "a whole number"),
        ("ask.duration_days", 1.5, "a whole number"),
        ("ask.duration_days", "7", "a whole number"),
        ("ask.duration_days", 2**53, r"past 2\*\*53"),
        ("ask.duration_days", 0, "give 1 to 36500"),
        ("ask.duration_days", 36_501, "give 1 to 36500"),
        ("ask.leaves_no_administrator", 0, "true or false"),
        ("ask.now", "yesterday", "a time such as"),
        ("ask.now", "2026-02-30T00:00:00Z", "a time such as"),
        ("ask.now", "2026-02-03T00:00:00+00:00", "a time such as"),
        ("ask.beneficiary", [], "an object is expected"),
        ("ask.beneficiary.manager_id", 4, "text is expected"),
        ("holdings", {}, "a list is expected"),
        ("holdings.0.path", "b", "a list is expected"),
    ],
)
def test_a_wrong_document_is_refused_by_the_path_of_its_field(
    path: str, value: object, message: str
) -> None:
    with pytest.raises(InvalidFactsError, match=message) as caught:
        facts_from_document(_changed(path, value))
    assert [problem.field for problem in caught.value.problems] == [path]


def test_a_missing_key_is_refused_by_name() -> None:
    document = facts_document(facts())
    del document["ask"]["ticket"]
    with pytest.raises(InvalidFactsError, match=r"^ask\.ticket: missing"):
        facts_from_document(document)


@pytest.mark.parametrize("document", [None, [], "facts", 3])
def test_what_is_no_object_at_all_is_refused(document: object) -> None:
    with pytest.raises(InvalidFactsError, match=r"^an object is expected$"):
        facts_from_document(document)


def test_a_time_without_a_zone_is_refused_wherever_it_stands() -> None:
    for make in (
        lambda: facts(now=NAIVE),
        lambda: a_holding("A", since=NAIVE),
        lambda: a_holding("A", until=NAIVE),
        lambda: codec.to_document(NAIVE),
    ):
        with pytest.raises(InvalidFactsError, match="without a zone"):
            make()


def test_what_has_no_place_in_a_document_is_refused() -> None:
    for value in (1.5, {1}, Facts, object()):
        with pytest.raises(InvalidFactsError, match="no place in a document"):
            codec.to_document(value)
    with pytest.raises(InvalidFactsError, match="lone surrogate"):
        facts_text(facts(reason="\udfff"))
    with pytest.raises(InvalidFactsError, match="not the same in every JSON reader"):
        codec.to_document(-(2**53))


def test_an_ask_knows_whether_it_is_for_the_requester() -> None:
    assert facts().ask.is_for_self
    assert not replace(facts().ask, requester_id=BOB).is_for_self
