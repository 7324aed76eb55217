from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.document import read_policy
from policies.engine import evaluate
from policies.errors import InvalidFactsError, InvalidPolicyError
from policies.facts import Action, Facts, Identity, Risk, facts_document
from policies.replay import replay
from policies.verdict import (
    ObligationKind,
    ReasonEffect,
    Verdict,
    VerdictOutcome,
    verdict_document,
    verdict_from_document,
)
from unit.policies.builders import (
    ALICE,
    BOB,
    PLAIN,
    STANDARD,
    a_holding,
    an_entitlement,
    candidates,
    facts,
    policy_with,
    some_facts,
)

RICH = policy_with(
    """
rules:
  - {id: why, text: Say why., then: {reason_required: true}}
  - {id: ticket, text: Changes have a ticket., when: {fact: entitlement.risk, at_least: high},
     then: {ticket_required: true, require: [{step: administrators}]}}
  - {id: month, text: A month is enough., when: {fact: entitlement.risk, is: high},
     then: {max_duration_days: 30}}
  - {id: week, text: A week is enough., when: {fact: entitlement.risk, is: privileged},
     then: {max_duration_days: 7}}
  - {id: quarter, text: Nothing lasts., then: {max_duration_days: 90}}
  - {id: easy, text: Low risk needs nobody., when: {fact: entitlement.risk, is: low},
     then: {auto_approve: true}}
  - {id: closed, text: Closed., when: {fact: entitlement.source, is: closed},
     then: {refuse: This source is closed.}}
separation:
  - {id: other, text: Unused., first: [{id: x}], second: [{id: y}]}
  - {id: duties, text: Enter or approve., first: [{source: corp, name: Pay}], second: [{id: enter}]}
protected: {also_refuse: [add]}
"""
)
POLICIES = st.sampled_from([STANDARD, RICH, read_policy(PLAIN)])


def refused_by(verdict: Verdict) -> list[str]:
    assert (verdict.outcome is VerdictOutcome.REFUSE) is (not verdict.is_allowed)
    return [each.rule for each in verdict.reasons if each.effect is ReasonEffect.REFUSES]


def risk(level: Risk, **more: Any) -> dict[str, Any]:
    return {"entitlement": an_entitlement(risk=level, **more)}


def test_the_standard_policy_allows_after_manager_and_owner() -> None:
    verdict = evaluate(STANDARD, facts())
    assert verdict.is_allowed
    assert verdict.policy_digest == STANDARD.digest
    assert [step.how for step in verdict.steps] == ["manager", "owner"]
    assert [(each.rule, each.source) for each in verdict.reasons] == [("reason", "rules.0")]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"beneficiary": Identity(ALICE, is_active=False)}, "standing.beneficiary-inactive"),
        ({"entitlement": an_entitlement(is_requestable=False)}, "standing.not-requestable"),
        (
            {"beneficiary": Identity(ALICE, is_protected=True), "action": Action.REMOVE},
            "standing.protected-identity",
        ),
        (
            {"entitlement": an_entitlement(is_protected=True), "action": Action.REMOVE},
            "standing.protected-entitlement",
        ),
        (
            {"leaves_no_administrator": True, "action": Action.REMOVE},
            "standing.last-administrator",
        ),
    ],
)
def test_some_refusals_no_policy_can_switch_off(changes: dict[str, Any], rule: str) -> None:
    verdict = evaluate(read_policy(PLAIN), facts(**changes))
    assert refused_by(verdict) == [rule]
    assert verdict.steps == ()
    assert verdict.obligations == ()


def test_what_is_protected_may_be_added_to_unless_the_policy_says_otherwise() -> None:
    ask: dict[str, Any] = {"beneficiary": Identity(ALICE, is_protected=True)}
    assert evaluate(read_policy(PLAIN), facts(**ask)).is_allowed
    assert refused_by(evaluate(RICH, facts(**ask))) == ["standing.protected-identity"]


def test_access_of_somebody_inactive_to_something_closed_can_be_taken_away() -> None:
    ask: dict[str, Any] = {
        "beneficiary": Identity(ALICE, is_active=False),
        "entitlement": an_entitlement(is_requestable=False),
        "action": Action.REMOVE,
    }
    assert evaluate(read_policy(PLAIN), facts(**ask)).is_allowed


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_missing_reason_is_refused_with_the_way_out(reason: str) -> None:
    verdict = evaluate(STANDARD, facts(reason=reason))
    assert refused_by(verdict) == ["reason"]
    assert verdict.reasons[0].text == "Every request says why. Give a reason."


@pytest.mark.parametrize(("ticket", "allowed"), [(None, False), (" ", False), ("CHG1", True)])
def test_a_ticket_is_asked_for_where_a_rule_says_so(ticket: str | None, allowed: bool) -> None:
    verdict = evaluate(RICH, facts(ticket=ticket, **risk(Risk.HIGH)))
    assert verdict.is_allowed is allowed
    assert refused_by(verdict) == ([] if allowed else ["ticket"])


def test_a_rule_may_add_a_step_after_the_flow() -> None:
    verdict = evaluate(RICH, facts(ticket="CHG1", **risk(Risk.HIGH)))
    assert [step.how for step in verdict.steps] == ["manager", "owner", "administrator"]
    effects = {each.rule: each.effect for each in verdict.reasons}
    assert effects["ticket"] is ReasonEffect.REQUIRES


def test_an_auto_approval_leaves_out_the_flow_and_says_so() -> None:
    verdict = evaluate(RICH, facts())
    assert verdict.is_allowed
    assert verdict.steps == ()
    assert ReasonEffect.WAIVES in {each.effect for each in verdict.reasons}


def test_a_required_step_is_stronger_than_an_auto_approval() -> None:
    policy = policy_with(
        "rules: [{id: a, text: A., then: {auto_approve: true}},"
        " {id: b, text: B., then: {require: [{step: owner}]}}]"
    )
    assert [step.how for step in evaluate(policy, facts()).steps] == ["owner"]


@pytest.mark.parametrize(
    ("level", "asked", "limit", "granted", "refusals"),
    [
        (Risk.LOW, None, 90, 90, []),
        (Risk.LOW, 90, 90, 90, []),
        (Risk.LOW, 91, 90, None, ["quarter"]),
        (Risk.HIGH, 12, 30, 12, []),
        (Risk.HIGH, 31, 30, None, ["month"]),
        (Risk.PRIVILEGED, None, 7, 7, []),
    ],
)
def test_the_shortest_duration_of_all_rules_counts(
    level: Risk, asked: int | None, limit: int, granted: int | None, refusals: list[str]
) -> None:
    verdict = evaluate(RICH, facts(ticket="T", duration_days=asked, **risk(level)))
    assert verdict.max_duration_days == limit
    assert verdict.duration_days == granted
    assert refused_by(verdict) == refusals


def test_a_duration_without_a_limit_is_kept_and_none_means_no_end() -> None:
    assert evaluate(STANDARD, facts(duration_days=400)).duration_days == 400
    assert evaluate(STANDARD, facts()).duration_days is None


def test_a_removal_has_no_duration() -> None:
    verdict = evaluate(RICH, facts(action=Action.REMOVE, duration_days=400))
    assert verdict.is_allowed
    assert verdict.max_duration_days is None
    assert verdict.duration_days is None


def test_a_rule_refuses_in_its_own_words() -> None:
    verdict = evaluate(RICH, facts(entitlement=an_entitlement(source="closed")))
    (reason,) = [each for each in verdict.reasons if each.effect is ReasonEffect.REFUSES]
    assert (reason.rule, reason.text, reason.source) == (
        "closed",
        "This source is closed.",
        "rules.6",
    )


def test_a_conflict_of_duties_is_refused_and_names_what_is_held() -> None:
    held = a_holding("Enter", path=("team",))
    verdict = evaluate(RICH, facts(holdings=[held]))
    assert refused_by(verdict) == ["duties"]
    assert "holds Enter in corp" in verdict.reasons[0].text
    assert verdict.reasons[0].source == "separation.1"
    assert evaluate(RICH, facts(holdings=[held], action=Action.REMOVE)).is_allowed


def test_a_step_nobody_can_answer_refuses_and_names_its_place() -> None:
    people = candidates(managers=(), owner=None, administrators=())
    verdict = evaluate(read_policy(PLAIN), facts(people))
    assert [(each.rule, each.source) for each in verdict.reasons] == [
        ("approval", "approval.flow.0"),
        ("approval", "approval.flow.1"),
    ]
    policy = policy_with("rules: [{id: r, text: R., then: {require: [{step: administrators}]}}]")
    verdict = evaluate(policy, facts(candidates(administrators=())))
    assert (verdict.reasons[0].rule, verdict.reasons[0].source) == ("r", "rules.0.then.require.0")


def test_every_refusal_is_told_at_once_and_before_other_reasons() -> None:
    verdict = evaluate(RICH, facts(reason="", duration_days=99, **risk(Risk.HIGH)))
    assert refused_by(verdict) == ["why", "ticket", "month"]
    assert [each.effect for each in verdict.reasons[3:]] == [
        ReasonEffect.REQUIRES,
        ReasonEffect.REQUIRES,
        ReasonEffect.LIMITS,
        ReasonEffect.LIMITS,
    ]


def test_obligations_say_what_comes_with_a_removal() -> None:
    right = an_entitlement(is_removal_automatic=False, mastered_by="hq")
    verdict = evaluate(STANDARD, facts(action=Action.REMOVE, entitlement=right))
    assert [each.kind for each in verdict.obligations] == [
        ObligationKind.REMOVAL_NOT_AUTOMATIC,
        ObligationKind.CHANGED_AT_MASTER,
    ]
    assert "hq" in verdict.obligations[1].text


@given(POLICIES, some_facts)
def test_every_case_has_one_verdict_with_reasons_for_a_refusal(
    policy: Any, given_facts: Facts
) -> None:
    verdict = evaluate(policy, given_facts)
    assert verdict == evaluate(policy, given_facts)
    if verdict.is_allowed:
        assert not refused_by(verdict)
    else:
        assert refused_by(verdict)
        assert verdict.steps == ()


@given(POLICIES, some_facts)
def test_an_auditor_computes_the_same_verdict_from_the_record(
    policy: Any, given_facts: Facts
) -> None:
    assert replay(policy.text, facts_document(given_facts)) == evaluate(policy, given_facts)


@given(POLICIES, some_facts)
def test_a_document_of_a_verdict_stands_for_exactly_this_verdict(
    policy: Any, given_facts: Facts
) -> None:
    verdict = evaluate(policy, given_facts)
    assert verdict_from_document(verdict_document(verdict)) == verdict


def test_replay_refuses_what_is_no_policy_or_no_facts() -> None:
    with pytest.raises(InvalidPolicyError):
        replay("", facts_document(facts()))
    with pytest.raises(InvalidFactsError):
        replay(PLAIN, {})
    assert BOB not in verdict_document(evaluate(STANDARD, facts(reason="")))["steps"]
