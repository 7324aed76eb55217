"""The limit on removals: past it a plan waits for a person, and says so.

A narrowed filter or a wrong rule takes access from thousands within minutes; this is what stops it.
Closing the accounts of somebody who left is never held back: there the harm is in waiting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from policies.clauses import PolicySet


class LimitOutcome(StrEnum):
    """Whether a plan may run by itself."""

    ALLOW = "allow"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class LimitVerdict:
    """What the limit says of one plan.

    Attributes:
        outcome: Run it, or hold it for a person.
        reasons: One sentence for each limit passed, with its numbers; empty if none is.
    """

    outcome: LimitOutcome
    reasons: tuple[str, ...] = ()


def limit_verdict(
    policy: PolicySet,
    removals_in_plan: Mapping[str, int],
    removals_today_by_source: Mapping[str, int],
    *,
    is_leaver_disable: bool = False,
) -> LimitVerdict:
    """Return whether the removals of a plan may run by themselves.

    Args:
        policy: The policy, for its limits.
        removals_in_plan: Source name to the number of removals the plan holds there.
        removals_today_by_source: Source name to the removals already run or claimed there on this
            day (UTC), those of this plan not counted.
        is_leaver_disable: Whether the plan does nothing but close a leaver's accounts.
    """
    if is_leaver_disable:
        return LimitVerdict(LimitOutcome.ALLOW)
    reasons = (
        *_plan_reasons(policy.removal_limits.per_plan, removals_in_plan),
        *_day_reasons(
            policy.removal_limits.per_source_and_day, removals_in_plan, removals_today_by_source
        ),
    )
    return LimitVerdict(LimitOutcome.HOLD if reasons else LimitOutcome.ALLOW, reasons)


def _plan_reasons(limit: int, planned: Mapping[str, int]) -> tuple[str, ...]:
    total = sum(planned.values())
    if total <= limit:
        return ()
    return (f"The plan removes {total}; more than {limit} in one plan wait for a person.",)


def _day_reasons(limit: int, planned: Mapping[str, int], done: Mapping[str, int]) -> list[str]:
    return [
        f"{source}: {count} removals after {done.get(source, 0)} today; "
        f"more than {limit} a day wait for a person."
        for source, count in sorted(planned.items())
        if count and count + done.get(source, 0) > limit
    ]
