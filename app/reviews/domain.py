"""States of a campaign and of its items."""

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
