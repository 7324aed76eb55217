"""States of a decided right and of a decided end."""

from enum import StrEnum


class GrantState(StrEnum):
    """Where a grant stands."""

    AUTHORISED = "authorised"
    CONFIRMED = "confirmed"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"


class GrantCause(StrEnum):
    """What a grant came from."""

    REQUEST = "request"
    DRIFT = "drift"
    LIFECYCLE = "lifecycle"


class EndState(StrEnum):
    """Where the end of a right stands."""

    AUTHORISED = "authorised"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    FAILED = "failed"


class EndCause(StrEnum):
    """What an end came from."""

    REQUEST = "request"
    REVIEW = "review"
    LEAVER = "leaver"
    EXPIRY = "expiry"
    DRIFT = "drift"
