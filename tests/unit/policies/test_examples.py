import pytest

from policies.clauses import PolicySet
from policies.document import builtin_names, builtin_text, read_policy
from policies.examples import example_facts, run_examples
from policies.facts import Provenance
from unit.policies.builders import policy_with


def story(lines: str, policy: str = "") -> PolicySet:
    found: PolicySet = policy_with(f"{policy}\nexamples:\n  - name: a story\n{lines}")
    return found


@pytest.mark.parametrize("name", builtin_names())
def test_every_starter_policy_passes_its_own_examples(name: str) -> None:
    results = run_examples(read_policy(builtin_text(name)))
    assert results
    assert {each.name: each.differences for each in results if not each.is_passed} == {}


def test_an_example_that_fails_names_each_difference() -> None:
    expect = "    expect: {outcome: refuse, steps: [], refused_by: [x, y], max_duration_days: 3}"
    (result,) = run_examples(story(expect))
    assert not result.is_passed
    assert result.differences == (
        "outcome: expected refuse, got allow",
        "steps: expected none, got manager, owner",
        "refused_by: expected x, y, got none",
        "max_duration_days: expected 3, got None",
    )
    assert result.verdict.is_allowed


def test_an_example_compares_only_what_it_says() -> None:
    (result,) = run_examples(story("    expect: {outcome: allow}"))
    assert result.is_passed


def test_an_example_casts_everybody() -> None:
    policy = story(
        """    ask: {for_self: false}
    people: {manager: requester, upper_manager: active, owner: beneficiary,
             administrators: [active, inactive, missing, manager]}
    expect: {outcome: allow}"""
    )
    facts = example_facts(policy.examples[0])
    assert [each.identity_id for each in facts.candidates.managers] == [
        "requester",
        "upper-manager",
    ]
    assert facts.candidates.owner is not None
    assert facts.candidates.owner.identity_id == "beneficiary"
    assert [(each.identity_id, each.is_active) for each in facts.candidates.administrators] == [
        ("administrator-1", True),
        ("administrator-2", False),
        ("manager", True),
    ]


def test_an_example_may_hold_rights_by_id_or_by_name() -> None:
    policy = story(
        """    entitlement: {name: Pay, source: corp}
    holdings: [{id: x, provenance: request}, {source: corp, name: Enter}]
    expect: {outcome: refuse, refused_by: [duties]}""",
        "separation: [{id: duties, text: D., first: [{source: corp, name: Pay}],"
        " second: [{source: corp, name: Enter}]}]",
    )
    (result,) = run_examples(policy)
    assert result.differences == ()
    held = {each.entitlement_id: each for each in example_facts(policy.examples[0]).holdings}
    assert held["x"].provenance is Provenance.REQUEST  # type: ignore[index]  # plain text here
