"""States of a bundle, what a key is for, and what samples are drawn from."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from heapq import nsmallest
from types import MappingProxyType


class KeyPurpose(StrEnum):
    """What a signing key signs."""

    LOG = "log"
    DOCUMENT = "document"


class BundleKind(StrEnum):
    """What a bundle is about."""

    CAMPAIGN = "campaign"
    PERIOD = "period"
    CONTROL = "control"
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


class Population(StrEnum):
    """What a sample is drawn from."""

    MEMBERSHIPS = "memberships"
    REQUESTS = "requests"
    ITEMS = "items"
    LEAVERS = "leavers"


class Frequency(StrEnum):
    """How often a control is performed."""

    YEARLY = "yearly"
    QUARTERLY = "quarterly"
    MONTHLY = "monthly"
    WEEKLY = "weekly"
    DAILY = "daily"
    OFTEN = "often"


SIZES: Mapping[Frequency, int] = MappingProxyType(
    {
        Frequency.YEARLY: 1,
        Frequency.QUARTERLY: 2,
        Frequency.MONTHLY: 2,
        Frequency.WEEKLY: 5,
        Frequency.DAILY: 15,
        Frequency.OFTEN: 25,
    }
)
"""How many to draw, by how often a control is performed: the sizes customary for a low risk. Who
needs more says how many."""


def draw(seed: str, keys: Iterable[str], size: int) -> list[str]:
    """Draw a sample that anyone can draw again.

    Each key is put behind the seed and a zero byte; those with the lowest SHA-256 are drawn.

    Args:
        seed: Any text; given by the auditor, so that nobody here could choose it.
        keys: The population.
        size: How many.

    Returns:
        The keys drawn, in the order of their digests.
    """
    return nsmallest(size, keys, key=lambda key: sha256(f"{seed}\0{key}".encode()).digest())


def population_digest(keys: Iterable[str]) -> str:
    """Return the SHA-256 of a population: its keys in their order, a line feed after each."""
    digest = sha256()
    for key in keys:
        digest.update(f"{key}\n".encode())
    return digest.hexdigest()
