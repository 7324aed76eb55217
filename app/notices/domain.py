"""States of a notice."""

from enum import StrEnum


class NoticeState(StrEnum):
    """Where the delivery of a notice stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
