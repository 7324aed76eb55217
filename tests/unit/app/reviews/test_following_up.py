"""What of a campaign's revokes somebody has to follow up, and where that stands."""

from datetime import UTC, datetime, timedelta

import pytest

from app.reviews.domain import (
    CampaignState,
    FollowUpState,
    RemediationState,
    follow_up_state,
    is_left,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("remediation", "while_open", "after"),
    [
        (RemediationState.NONE, False, False),
        (RemediationState.PENDING, False, True),
        (RemediationState.CONFIRMED, False, False),
        (RemediationState.FAILED, True, True),
        (RemediationState.NOT_REMOVABLE, True, True),
    ],
)
def test_a_removal_is_followed_up_once_nothing_is_under_way_for_it(
    remediation: RemediationState, *, while_open: bool, after: bool
) -> None:
    assert is_left(remediation, CampaignState.OPEN) is while_open
    assert is_left(remediation, CampaignState.CLOSED) is after


def test_it_is_overdue_from_the_moment_it_was_due_and_done_once_it_is_gone() -> None:
    failed, gone = RemediationState.FAILED, RemediationState.CONFIRMED
    assert follow_up_state(failed, NOW + timedelta(microseconds=1), NOW) is FollowUpState.OPEN
    assert follow_up_state(failed, NOW, NOW) is FollowUpState.OVERDUE
    assert follow_up_state(gone, NOW, NOW) is FollowUpState.DONE
