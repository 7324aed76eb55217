"""States of plans, tasks and findings of drift."""

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


class FindingKind(StrEnum):
    """How a source differs from what was decided."""

    APPEARED = "appeared"
    VANISHED = "vanished"


class FindingState(StrEnum):
    """Where a finding of drift stands."""

    OPEN = "open"
    ADOPTED = "adopted"
    REVERTING = "reverting"
    REVERTED = "reverted"
    FAILED = "failed"
    GONE = "gone"


OVER = frozenset({TaskState.APPLIED, TaskState.VERIFIED, TaskState.FAILED, TaskState.CANCELLED})


def is_over(state: TaskState) -> bool:
    """Say whether a task has come to an end by itself.

    `applied` is an end only for operations whose source has no way to show them; a task that can be
    read back is `running` until it is verified or refuted.
    """
    return state in OVER
