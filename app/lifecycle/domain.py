"""What HR may tell, and where the answer to it stands."""

from enum import StrEnum


class LifecycleType(StrEnum):
    """What happened to a person's employment."""

    JOINER = "joiner"
    MOVER = "mover"
    LEAVER = "leaver"
    REHIRE = "rehire"
    LEAVE_OF_ABSENCE = "leave_of_absence"


class LifecycleState(StrEnum):
    """Where an event stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RECORDED = "recorded"
