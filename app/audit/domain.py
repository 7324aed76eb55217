"""States of a bundle, and what a key is for."""

from enum import StrEnum


class KeyPurpose(StrEnum):
    """What a signing key signs."""

    LOG = "log"
    DOCUMENT = "document"


class BundleKind(StrEnum):
    """What a bundle is about."""

    CAMPAIGN = "campaign"
    PERIOD = "period"
    SAMPLE = "sample"


class DispatchState(StrEnum):
    """Where a head that is sent out stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class BundleState(StrEnum):
    """Where a bundle stands."""

    QUEUED = "queued"
    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
