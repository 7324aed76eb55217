import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.limits import LimitOutcome, limit_verdict
from unit.policies.builders import policy_with

POLICY = policy_with("removal_limits: {per_plan: 5, per_source_and_day: 8}")
COUNTS = st.dictionaries(st.sampled_from(["corp", "okta"]), st.integers(0, 12))


@pytest.mark.parametrize(
    ("planned", "today", "held_by"),
    [
        ({}, {}, []),
        ({"corp": 5}, {}, []),
        ({"corp": 3, "okta": 3}, {}, ["The plan removes 6"]),
        ({"corp": 5}, {"corp": 3, "okta": 900}, []),
        ({"corp": 5}, {"corp": 4}, ["corp: 5 removals after 4 today"]),
        ({"corp": 0}, {"corp": 900}, []),
        ({"okta": 9}, {}, ["The plan removes 9", "okta: 9 removals after 0 today"]),
    ],
)
def test_a_plan_past_a_limit_waits_and_says_which(
    planned: dict[str, int], today: dict[str, int], held_by: list[str]
) -> None:
    verdict = limit_verdict(POLICY, planned, today)
    assert verdict.outcome is (LimitOutcome.HOLD if held_by else LimitOutcome.ALLOW)
    assert len(verdict.reasons) == len(held_by)
    for text, beginning in zip(verdict.reasons, held_by, strict=True):
        assert text.startswith(beginning)


@given(COUNTS, COUNTS)
def test_closing_the_accounts_of_a_leaver_is_never_held_back(
    planned: dict[str, int], today: dict[str, int]
) -> None:
    verdict = limit_verdict(POLICY, planned, today, is_leaver_disable=True)
    assert verdict.outcome is LimitOutcome.ALLOW


@given(COUNTS, COUNTS, st.sampled_from(["corp", "okta"]))
def test_one_removal_more_never_frees_a_plan(
    planned: dict[str, int], today: dict[str, int], source: str
) -> None:
    more = planned | {source: planned.get(source, 0) + 1}
    if limit_verdict(POLICY, planned, today).outcome is LimitOutcome.HOLD:
        assert limit_verdict(POLICY, more, today).outcome is LimitOutcome.HOLD


def test_a_limit_of_none_at_all_holds_every_removal() -> None:
    policy = policy_with("removal_limits: {per_plan: 0}")
    assert limit_verdict(policy, {"corp": 1}, {}).outcome is LimitOutcome.HOLD
