from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.conditions import FACTS, GREATEST_DEPTH, Not, holds, read_condition
from policies.errors import InvalidPolicyError
from policies.facts import Action, Facts, Identity, IdentityKind, Risk
from unit.policies.builders import (
    ALICE,
    BOB,
    NOW,
    PEOPLE,
    an_entitlement,
    candidates,
    facts,
    some_facts,
)

ROBOT = Identity(BOB, IdentityKind.SERVICE, department="Finance", title="Batch", is_protected=True)
CASE = facts(
    candidates(managers=(), owner=None),
    beneficiary=ROBOT,
    requester_id=ALICE,
    action=Action.EXTEND,
    duration_days=30,
    ticket="CHG1",
    entitlement=an_entitlement(
        risk=Risk.HIGH, mastered_by="hq", is_protected=True, is_administrative=True
    ),
)


def true_of(document: object, about: Facts = CASE) -> bool:
    return holds(read_condition(document), about)


@pytest.mark.parametrize(
    ("fact", "value", "other"),
    [
        ("ask.action", "extend", "add"),
        ("ask.duration_days", 30, 31),
        ("ask.has_duration", True, False),
        ("ask.has_ticket", True, False),
        ("ask.is_for_self", False, True),
        ("beneficiary.department", "Finance", "finance"),
        ("beneficiary.has_manager", False, True),
        ("beneficiary.is_protected", True, False),
        ("beneficiary.kind", "service", "person"),
        ("beneficiary.title", "Batch", "Bat"),
        ("entitlement.group_kind", "security", "distribution"),
        ("entitlement.has_owner", False, True),
        ("entitlement.id", "pay", "Pay"),
        ("entitlement.is_administrative", True, False),
        ("entitlement.is_protected", True, False),
        ("entitlement.mastered_by", "hq", "corp"),
        ("entitlement.name", "Pay", "pay"),
        ("entitlement.risk", "high", "low"),
        ("entitlement.source", "corp", "hq"),
    ],
)
def test_every_fact_is_compared_with_its_own_value(fact: str, value: Any, other: Any) -> None:
    assert true_of({"fact": fact, "is": value})
    assert not true_of({"fact": fact, "is": other})
    assert true_of({"fact": fact, "in": [other, value]})
    assert not true_of({"fact": fact, "in": [other]})


def test_the_list_above_names_every_fact() -> None:
    marks = test_every_fact_is_compared_with_its_own_value.pytestmark
    assert {row[0] for row in marks[0].args[1]} == set(FACTS)


@pytest.mark.parametrize(
    ("least", "expected"), [("medium", True), ("high", True), ("privileged", False)]
)
def test_at_least_follows_the_order_of_risk(least: str, expected: bool) -> None:
    assert true_of({"fact": "entitlement.risk", "at_least": least}) is expected


@pytest.mark.parametrize(("least", "expected"), [(29, True), (30, True), (31, False)])
def test_at_least_compares_numbers(least: int, expected: bool) -> None:
    assert true_of({"fact": "ask.duration_days", "at_least": least}) is expected


def test_matches_prefix_compares_the_beginning() -> None:
    assert true_of({"fact": "entitlement.name", "matches_prefix": "Pa"})
    assert not true_of({"fact": "entitlement.name", "matches_prefix": "ay"})


@pytest.mark.parametrize(
    "test",
    [
        {"fact": "ask.duration_days", "at_least": 1},
        {"fact": "beneficiary.department", "is": "Finance"},
        {"fact": "beneficiary.department", "in": [""]},
        {"fact": "beneficiary.department", "matches_prefix": ""},
    ],
)
def test_a_fact_without_a_value_fails_every_test(test: dict[str, object]) -> None:
    nothing_known = facts(beneficiary=Identity(ALICE))
    assert not true_of(test, nothing_known)
    assert true_of({"not": test}, nothing_known)


YES: dict[str, Any] = {"fact": "ask.has_ticket", "is": True}
NO: dict[str, Any] = {"not": YES}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"all": [YES, YES]}, True),
        ({"all": [YES, NO]}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, NO]}, False),
        ({"not": {"all": [YES, {"any": [NO, YES]}]}}, False),
    ],
)
def test_conditions_combine(document: object, expected: bool) -> None:
    assert true_of(document) is expected


@given(some_facts, st.sampled_from([YES, NO, {"fact": "entitlement.risk", "at_least": "high"}]))
def test_not_is_the_opposite_for_whatever_facts(given_facts: Facts, document: object) -> None:
    condition = read_condition(document)
    assert holds(Not(condition), given_facts) is not holds(condition, given_facts)


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        (None, "", "all, any, not or fact"),
        ({}, "", "all, any, not or fact"),
        ([YES], "", "all, any, not or fact"),
        ({"eval": "1"}, "eval", "one key of"),
        ({"all": [YES], "any": [YES]}, "all", "one key of"),
        ({"all": []}, "all", "at least one"),
        ({"any": YES}, "any", "a list"),
        ({"not": [YES]}, "not", "all, any, not or fact"),
        ({"all": [YES, {"not": {"fact": "x", "is": 1}}]}, "all.1.not.fact", "allowed: ask.action"),
        ({"fact": ["ask.action"], "is": "add"}, "fact", "unknown fact"),
        ({"fact": "ask.action"}, "", "exactly one test"),
        ({"fact": "ask.action", "is": "add", "in": ["add"]}, "", "exactly one test"),
        ({"fact": "ask.action", "like": "add"}, "like", "allowed: is, in, at_least"),
        ({"fact": "ask.action", "is": "steal"}, "is", "one of add, remove, extend"),
        ({"fact": "ask.action", "is": 1}, "is", "one of add, remove, extend"),
        ({"fact": "ask.action", "at_least": "add"}, "at_least", "does not suit"),
        ({"fact": "entitlement.name", "at_least": "a"}, "at_least", "does not suit"),
        ({"fact": "entitlement.risk", "matches_prefix": "h"}, "matches_prefix", "does not suit"),
        ({"fact": "ask.has_ticket", "is": 1}, "is", "true or false"),
        ({"fact": "ask.duration_days", "is": True}, "is", "a whole number"),
        ({"fact": "entitlement.name", "is": 5}, "is", "text"),
        ({"fact": "entitlement.name", "in": []}, "in", "at least one"),
        ({"fact": "entitlement.name", "in": "Pay"}, "in", "a list"),
        ({"fact": "entitlement.name", "in": ["Pay", 5]}, "in.1", "text"),
    ],
)
def test_a_condition_outside_the_language_is_refused(
    document: object, field: str, message: str
) -> None:
    with pytest.raises(InvalidPolicyError, match=message) as caught:
        read_condition(document)
    assert caught.value.problems[0].field == field


def test_a_condition_nested_too_deep_is_refused() -> None:
    document = YES
    for _ in range(GREATEST_DEPTH - 1):
        document = {"not": document}
    assert true_of(document) is (GREATEST_DEPTH % 2 == 1)
    with pytest.raises(InvalidPolicyError, match="nested deeper"):
        read_condition({"not": document})


@given(PEOPLE)
def test_whose_ask_it_is_can_be_told(requester: Any) -> None:
    about = facts(requester_id=requester, now=NOW)
    assert true_of({"fact": "ask.is_for_self", "is": requester == ALICE}, about)
