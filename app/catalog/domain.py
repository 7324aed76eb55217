"""Words of the catalogue."""

from enum import StrEnum


class Risk(StrEnum):
    """How much harm an entitlement can do in the wrong hands, rising."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    PRIVILEGED = "privileged"
