"""States of a request, its steps and its approvals."""

from enum import StrEnum


class Action(StrEnum):
    """What is asked for."""

    ADD = "add"
    REMOVE = "remove"
    EXTEND = "extend"


class RequestState(StrEnum):
    """Where a request stands."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"


class StepState(StrEnum):
    """Where a step of the flow stands."""

    WAITING = "waiting"
    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    SKIPPED = "skipped"


class ApprovalOutcome(StrEnum):
    """What became of one approver's question."""

    APPROVE = "approve"
    REFUSE = "refuse"
    SUPERSEDED = "superseded"
