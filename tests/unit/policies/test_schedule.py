from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from policies import schedule
from policies.errors import InvalidFactsError
from unit.policies.builders import NOW, STANDARD, policy_with

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


def test_due_times_follow_the_policy() -> None:
    policy = policy_with("review: {due_days: 10, grace_hours: 24}")
    assert schedule.step_due_at(policy, NOW) == NOW + timedelta(hours=120)
    assert schedule.request_expires_at(policy, NOW) == NOW + timedelta(days=30)
    assert schedule.review_due_at(policy, NOW) == NOW + timedelta(days=10)
    assert schedule.revoke_runs_at(policy, NOW) == NOW + timedelta(hours=24)


def test_a_revoke_runs_at_once_unless_the_policy_gives_time() -> None:
    assert schedule.revoke_runs_at(STANDARD, NOW) == NOW


def test_access_counts_from_the_approval_and_may_have_no_end() -> None:
    assert schedule.access_ends_at(NOW, 7) == NOW + timedelta(days=7)
    assert schedule.access_ends_at(NOW, None) is None


def test_a_day_is_24_hours_over_a_change_of_the_clocks() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    after = schedule.access_ends_at(before, 1)
    assert after is not None
    assert after.timestamp() - before.timestamp() == 24 * 3600


def test_the_very_moment_is_due() -> None:
    assert schedule.is_due(NOW, NOW)
    assert not schedule.is_due(NOW, NOW - timedelta(microseconds=1))


@pytest.mark.parametrize(
    "call",
    [
        lambda: schedule.step_due_at(STANDARD, NAIVE),
        lambda: schedule.access_ends_at(NAIVE, 1),
        lambda: schedule.is_due(NAIVE, NOW),
        lambda: schedule.is_due(NOW, NAIVE),
    ],
)
def test_a_time_without_a_zone_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(InvalidFactsError, match="without a zone"):
        call()
