"""States of a campaign and of its items."""

from datetime import datetime
from enum import StrEnum


class CampaignState(StrEnum):
    """Where a campaign stands."""

    LAUNCHING = "launching"
    OPEN = "open"
    CLOSED = "closed"
    FAILED = "failed"


LAUNCHED = frozenset({CampaignState.OPEN, CampaignState.CLOSED})


class ItemState(StrEnum):
    """Where an item stands."""

    OPEN = "open"
    DECIDED = "decided"
    SIGNED_OFF = "signed_off"
    CLOSED = "closed"


class Decision(StrEnum):
    """What a reviewer says of one membership."""

    KEEP = "keep"
    REVOKE = "revoke"
    ABSTAIN = "abstain"


class DecisionMove(StrEnum):
    """What a reviewer does to an item: a decision, or taking one back."""

    KEEP = "keep"
    REVOKE = "revoke"
    ABSTAIN = "abstain"
    UNDO = "undo"


class Answer(StrEnum):
    """What a reviewer says of an item they were asked to check."""

    RIGHT = "right"
    UNSURE = "unsure"


class RemediationState(StrEnum):
    """Where the work that a revoke causes stands."""

    NONE = "none"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    NOT_REMOVABLE = "not_removable"


NOT_REMOVED = (RemediationState.FAILED, RemediationState.NOT_REMOVABLE)
"""What was revoked and is not gone, once nothing is under way for it any more."""


class FollowUpState(StrEnum):
    """Where the following up of a revoke that was not carried out stands."""

    OPEN = "open"
    OVERDUE = "overdue"
    DONE = "done"


def is_left(remediation: RemediationState, campaign: CampaignState) -> bool:
    """Say whether somebody has to follow up on a revoke: it was not, or not in time, carried out.

    Args:
        remediation: What became of it.
        campaign: Where its campaign stands; until it is closed, a removal may be under way.
    """
    is_late = remediation is RemediationState.PENDING and campaign is CampaignState.CLOSED
    return is_late or remediation in NOT_REMOVED


def follow_up_state(
    remediation: RemediationState, due_at: datetime, now: datetime
) -> FollowUpState:
    """Say where the following up of a revoke stands.

    Args:
        remediation: What became of the revoke.
        due_at: Until when it is to be carried out.
        now: The present.
    """
    if remediation is RemediationState.CONFIRMED:
        return FollowUpState.DONE
    return FollowUpState.OVERDUE if now >= due_at else FollowUpState.OPEN
