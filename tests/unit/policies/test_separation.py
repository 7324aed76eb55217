from hypothesis import given
from hypothesis import strategies as st

from policies.facts import EntitlementId
from policies.separation import Selector, SodRule, conflicts, existing_violations
from unit.policies.builders import ALICE, BOB, a_holding, an_entitlement

RULE = SodRule(
    "pay-and-approve",
    "Nobody both enters and approves a payment.",
    (Selector(source="corp", name="Enter"),),
    (Selector(entitlement_id=EntitlementId("approve")),),
)
RIGHTS = ("Enter", "Approve", "Print")


@given(st.sampled_from(RIGHTS), st.sampled_from(RIGHTS))
def test_a_pair_excludes_each_other_in_both_directions(one: str, other: str) -> None:
    forth = conflicts([RULE], [a_holding(one)], an_entitlement(id=other.lower(), name=other))
    back = conflicts([RULE], [a_holding(other)], an_entitlement(id=one.lower(), name=one))
    assert bool(forth) is bool(back) is ({one, other} == {"Enter", "Approve"})


def test_a_conflict_names_the_rule_and_both_rights() -> None:
    held = a_holding("Enter", path=("team",))
    (conflict,) = conflicts([RULE], [held], an_entitlement(id="approve"))
    assert (conflict.rule_id, conflict.text) == (RULE.id, RULE.text)
    assert (conflict.held, conflict.wanted_id) == (held, "approve")


def test_the_same_name_in_another_source_is_another_right() -> None:
    held = a_holding("Enter", source="other")
    assert conflicts([RULE], [held], an_entitlement(id="approve")) == ()


def test_a_right_does_not_conflict_with_itself() -> None:
    both = Selector(source="corp", name="Enter")
    rule = SodRule("odd", "Odd.", (both,), (both,))
    assert conflicts([rule], [a_holding("Enter")], an_entitlement(id="enter", name="Enter")) == ()
    assert existing_violations([rule], {ALICE: [a_holding("Enter")]}) == ()


def test_who_breaks_a_drafted_rule_already_is_listed() -> None:
    enter, approve = a_holding("Enter"), a_holding("Approve")
    found = existing_violations([RULE], {ALICE: [approve, enter], BOB: [enter]})
    assert [(each.identity_id, each.first, each.second) for each in found] == [
        (ALICE, enter, approve)
    ]
