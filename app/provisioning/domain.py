"""States of plans and tasks."""

from enum import StrEnum


class PlanCause(StrEnum):
    """What a plan carries out."""

    REQUEST = "request"
    LEAVER = "leaver"
    REVIEW = "review"
    EXPIRY = "expiry"
    REVERT = "revert"


class PlanState(StrEnum):
    """Where a plan stands."""

    OPEN = "open"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    """Where one operation stands."""

    WAITING = "waiting"
    HELD = "held"
    QUEUED = "queued"
    RUNNING = "running"
    APPLIED = "applied"
    VERIFIED = "verified"
    REFUTED = "refuted"
    FAILED = "failed"
    WAITS_FOR_IMPORT = "waits_for_import"
    CANCELLED = "cancelled"
