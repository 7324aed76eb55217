from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.clauses import Role
from policies.errors import InvalidFactsError
from policies.facts import Candidate, Candidates, Facts, Identity
from policies.routing import Acting, Delegation, acting_for, is_approved, reviewers, route
from policies.verdict import Step
from unit.policies.builders import (
    ALICE,
    BOB,
    CAROL,
    DANA,
    EVE,
    MALLORY,
    NOW,
    PEOPLE,
    STANDARD,
    candidates,
    facts,
    policy_with,
    some_candidates,
    some_facts,
)

FLOWS = st.sampled_from(
    [
        STANDARD,
        policy_with(flow="[{step: upper_manager}, {step: administrators}]"),
        policy_with(flow="[{step: administrators, quorum: 2, fallback: []}, {step: owner}]"),
        policy_with(flow="[{step: manager, fallback: [upper_manager, owner, administrators]}]"),
    ]
)
HOUR = timedelta(hours=1)


def hows(people: Candidates, **ask: Any) -> list[str]:
    routed = route(STANDARD, facts(people, **ask))
    assert not routed.deadlocks
    return [step.how for step in routed.steps]


def test_the_manager_answers_first_and_then_the_owner() -> None:
    assert route(STANDARD, facts()).steps == (
        Step(1, Role.MANAGER, (BOB,), 1, "manager"),
        Step(2, Role.OWNER, (CAROL,), 1, "owner"),
    )


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (candidates(managers=()), ["owner (no manager); owner"]),
        (candidates(inactive=[BOB]), ["owner (manager is inactive); owner"]),
        (candidates(owner=None), ["manager", "administrator (no owner)"]),
        (candidates(inactive=[CAROL]), ["manager", "administrator (owner is inactive)"]),
        (candidates(owner=BOB), ["manager; owner"]),
        (
            candidates(managers=(), owner=None),
            ["administrator (no manager; no owner); administrator (no owner)"],
        ),
        (candidates(owner=ALICE), ["manager", "administrator (owner is the beneficiary)"]),
        (candidates(managers=(ALICE,)), ["owner (manager is the beneficiary); owner"]),
    ],
)
def test_whoever_cannot_answer_is_replaced_and_the_step_says_why(
    people: Candidates, expected: list[str]
) -> None:
    assert hows(people) == expected


def test_a_requester_cannot_approve_what_they_ask_for_somebody_else() -> None:
    people = candidates()
    expected = ["owner (manager is the requester); owner"]
    assert hows(people, requester_id=BOB, beneficiary=Identity(ALICE)) == expected


def test_with_nobody_left_the_step_is_a_deadlock_that_says_why() -> None:
    routed = route(STANDARD, facts(candidates(managers=(), owner=None, administrators=(ALICE,))))
    assert routed.steps == ()
    assert [dead.spec_index for dead in routed.deadlocks] == [0, 1]
    assert routed.deadlocks[0].text == (
        "Nobody can answer the step of the manager: no manager; no owner; "
        "no administrator is free to answer."
    )


def test_a_quorum_needs_as_many_different_free_persons() -> None:
    policy = policy_with(flow="[{step: administrators, quorum: 2}]")
    enough = route(policy, facts(candidates(administrators=(DANA, EVE, EVE))))
    assert [(step.approvers, step.quorum) for step in enough.steps] == [((DANA, EVE), 2)]
    too_few = route(policy, facts(candidates(administrators=(DANA, EVE, ALICE), inactive=[EVE])))
    assert "fewer than 2 administrators are free" in too_few.deadlocks[0].text


def test_the_same_persons_are_asked_once_with_the_greater_quorum() -> None:
    policy = policy_with(flow="[{step: administrators}, {step: administrators, quorum: 2}]")
    (step,) = route(policy, facts(candidates(administrators=(DANA, EVE)))).steps
    assert (step.quorum, step.how) == (2, "administrator; administrator")


def test_the_same_person_after_somebody_else_is_asked_again() -> None:
    policy = policy_with(flow="[{step: owner}, {step: manager}, {step: owner}]")
    assert [step.order for step in route(policy, facts()).steps] == [1, 2, 3]


def test_a_policy_may_go_up_the_line_before_it_leaves_it() -> None:
    policy = policy_with(flow="[{step: manager, fallback: [upper_manager, administrators]}]")
    (step,) = route(policy, facts(candidates(managers=(BOB, EVE), inactive=[BOB]))).steps
    assert (step.approvers, step.how) == ((EVE,), "manager's manager (manager is inactive)")


@given(FLOWS, some_facts)
def test_nobody_approves_for_themselves(policy: Any, given_facts: Facts) -> None:
    involved = {given_facts.ask.requester_id, given_facts.ask.beneficiary.id}
    for step in route(policy, given_facts).steps:
        assert not involved & set(step.approvers)


@given(FLOWS, some_facts)
def test_every_step_can_reach_its_quorum_and_steps_are_numbered(
    policy: Any, given_facts: Facts
) -> None:
    routed = route(policy, given_facts)
    assert [step.order for step in routed.steps] == list(range(1, len(routed.steps) + 1))
    assert all(len(set(step.approvers)) >= step.quorum for step in routed.steps)
    assert all(
        one.approvers != next_one.approvers
        for one, next_one in zip(routed.steps, routed.steps[1:], strict=False)
    )


@given(FLOWS, some_facts, some_candidates)
def test_only_active_people_are_asked(policy: Any, given_facts: Facts, people: Candidates) -> None:
    seats = [*people.managers, *([people.owner] if people.owner else []), *people.administrators]
    active = {seat.identity_id for seat in seats if seat.is_active}
    for step in route(policy, given_facts, people).steps:
        assert set(step.approvers) <= active


@given(some_facts, some_candidates)
def test_a_free_administrator_always_finds_a_way(given_facts: Facts, people: Candidates) -> None:
    involved = {given_facts.ask.requester_id, given_facts.ask.beneficiary.id}
    if any(s.is_active and s.identity_id not in involved for s in people.administrators):
        routed = route(STANDARD, given_facts, people)
        assert routed.steps
        assert not routed.deadlocks


def test_the_reviewer_is_the_manager_and_never_the_subject() -> None:
    assert reviewers(STANDARD, ALICE, candidates()).ids == (BOB,)
    assert reviewers(STANDARD, ALICE, candidates(managers=(ALICE,))).how == (
        "owner (manager is the subject)"
    )


def test_an_item_nobody_can_review_says_so_instead_of_vanishing() -> None:
    found = reviewers(STANDARD, ALICE, candidates(managers=(), owner=None, administrators=()))
    assert found.ids == ()
    assert found.how.startswith("Nobody can answer")


@given(PEOPLE, some_candidates)
def test_no_one_reviews_their_own_access(subject: Any, people: Candidates) -> None:
    assert subject not in reviewers(STANDARD, subject, people).ids


def a_delegation(**changes: Any) -> Delegation:
    given: dict[str, Any] = {"delegator_id": BOB, "delegate_id": EVE}
    given |= {"valid_from": NOW, "valid_to": NOW + HOUR}
    return Delegation(**given | changes)


STEP = Step(1, Role.MANAGER, (BOB, CAROL), 1, "manager")
OWN = (Acting(BOB, BOB), Acting(CAROL, CAROL))


def test_a_delegate_answers_for_the_delegator_and_both_names_are_kept() -> None:
    found = acting_for(STEP, [a_delegation(), a_delegation()], NOW, {ALICE})
    assert found == (*OWN, Acting(actor_id=EVE, approver_id=BOB))


@pytest.mark.parametrize(
    "delegation",
    [
        a_delegation(valid_from=NOW + HOUR, valid_to=NOW + 2 * HOUR),
        a_delegation(valid_from=NOW - HOUR, valid_to=NOW),
        a_delegation(delegate_id=ALICE),
        a_delegation(delegate_id=CAROL),
        a_delegation(delegator_id=DANA),
        a_delegation(is_delegate_active=False),
    ],
    ids=["early", "over", "barred", "answers anyway", "no approver", "inactive"],
)
def test_a_delegation_that_does_not_apply_gives_nothing(delegation: Delegation) -> None:
    assert acting_for(STEP, [delegation], NOW, {ALICE}) == OWN


def test_a_duty_is_handed_over_once() -> None:
    chain = [a_delegation(), a_delegation(delegator_id=EVE, delegate_id=MALLORY)]
    actors = {each.actor_id for each in acting_for(STEP, chain, NOW, {ALICE})}
    assert MALLORY not in actors


@given(
    st.lists(st.builds(a_delegation, delegator_id=PEOPLE, delegate_id=PEOPLE), max_size=5),
    st.sets(PEOPLE),
)
def test_neither_requester_nor_beneficiary_ever_stands_in(
    delegations: list[Delegation], barred: set[Any]
) -> None:
    for each in acting_for(STEP, delegations, NOW, barred):
        assert each in OWN or each.actor_id not in barred


@pytest.mark.parametrize(
    ("approvals", "expected"),
    [
        ([], False),
        ([Acting(BOB, BOB)], False),
        ([Acting(BOB, BOB), Acting(CAROL, CAROL)], True),
        ([Acting(BOB, BOB), Acting(EVE, CAROL)], True),
        ([Acting(EVE, BOB), Acting(EVE, CAROL)], False),
        ([Acting(BOB, BOB), Acting(EVE, BOB)], False),
        ([Acting(BOB, BOB), Acting(DANA, DANA)], False),
    ],
)
def test_a_quorum_counts_different_persons_for_different_approvers(
    approvals: list[Acting], expected: bool
) -> None:
    assert is_approved(replace(STEP, quorum=2), approvals) is expected


def test_a_delegation_with_a_time_without_a_zone_is_refused() -> None:
    for name in ("valid_from", "valid_to"):
        with pytest.raises(InvalidFactsError, match=name):
            a_delegation(**{name: NOW.replace(tzinfo=None)})


def test_candidates_are_active_unless_said_otherwise() -> None:
    assert Candidate(BOB).is_active
