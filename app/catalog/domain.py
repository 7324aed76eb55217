"""Words of the catalogue."""

from enum import StrEnum

MOST_TAGS, LONGEST_TAG = 20, 40
LONGEST_DESCRIPTION = 2000


class Risk(StrEnum):
    """How much harm an entitlement can do in the wrong hands, rising."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    PRIVILEGED = "privileged"


class Kind(StrEnum):
    """What can be protected."""

    IDENTITY = "identity"
    ACCOUNT = "account"
    GROUP = "group"


def default_risk(*, is_administrative: bool) -> Risk:
    """Return the risk of a group nobody described: those that administer are privileged.

    Args:
        is_administrative: Whether whoever is in it administers a source, by however many steps.
    """
    return Risk.PRIVILEGED if is_administrative else Risk.LOW


def may_be_requestable(*, is_writable: bool, is_mirror: bool) -> bool:
    """Say whether a group may be asked for at all: if somebody can bring it about from here."""
    return is_writable or is_mirror


def default_is_requestable(*, is_writable: bool, is_mirror: bool, is_by_rule: bool) -> bool:
    """Say whether a group nobody described may be asked for: if we can bring it about.

    A group filled by a rule cannot be changed by hand; a mirror is changed at its master.
    """
    return may_be_requestable(is_writable=is_writable, is_mirror=is_mirror) and not is_by_rule
