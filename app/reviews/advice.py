"""What speaks for and against an access, from the facts frozen with it and only from them.

Absence of data is no reason: a sign-in that no source tells is *not known*, never *never*. The
same facts give the same advice, so that anyone can work out again what a reviewer was shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.catalog.domain import Risk

UNUSED_AFTER_DAYS = 90
RARE_BELOW_PERCENT = 10
COMMON_FROM_PERCENT = 50
LEAST_PEERS = 5  # a share of fewer people says nothing


class Suggestion(StrEnum):
    """What the product suggests to do."""

    KEEP = "keep"
    LOOK = "look"
    REVOKE = "revoke"


class Code(StrEnum):
    """Why an item is flagged, gravest first; the order in which reasons and items are shown."""

    CONFLICT = "conflict"
    REACH = "reach"
    UNUSED = "unused"
    MOVED = "moved"
    RARE = "rare"
    ORPHAN = "orphan"
    DISABLED = "disabled"
    NEW = "new"
    RISK = "risk"


ORDER = {code: place for place, code in enumerate(Code)}
UNFLAGGED = len(ORDER)


@dataclass(frozen=True, slots=True)
class Peers:
    """Who else is like the holder, and how many of them have it.

    Attributes:
        of: What makes them alike: `title` (and department), `manager` or `department`.
        size: How many there are, without the holder.
        holders: How many of them have it directly.
    """

    of: str
    size: int
    holders: int

    @property
    def percent(self) -> int:
        """The share that has it, rounded down."""
        return 100 * self.holders // self.size


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one access.

    Attributes:
        risk: What the catalogue says of it, or that it administers.
        reach: The way from it to what administers a source, by names, or None if it leads to none.
        idle_days: Whole days from the account's last sign-in to the read; None: not known.
        peers: Or None, if there are too few or nothing makes them alike.
        conflicts: Names of what it does not go together with.
        team_before: The department the holder was in when it was given, if they have left it.
        new_since: When the review before this began, if the access has come since.
        has_holder: Whether a person is known behind the account.
        is_enabled: Whether somebody can use the account.
    """

    risk: Risk
    reach: str | None = None
    idle_days: int | None = None
    peers: Peers | None = None
    conflicts: Sequence[str] = ()
    team_before: str | None = None
    new_since: str | None = None
    has_holder: bool = True
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing to say of an access: a code, and what the words for it need."""

    code: Code
    about: str | int = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do with an access, and why.

    Attributes:
        suggestion: What to do.
        reasons: Why it is flagged, gravest first; none if nothing speaks against it.
        is_low_risk: Low risk, in use and common: one of many that may be kept together.
    """

    suggestion: Suggestion
    reasons: tuple[Reason, ...]
    is_low_risk: bool

    @property
    def rank(self) -> int:
        """Its place among others: gravest first."""
        return ORDER[self.reasons[0].code] if self.reasons else UNFLAGGED

    def document(self) -> dict[str, Any]:
        """Return it as it is frozen with an item."""
        return {
            "suggestion": self.suggestion.value,
            "reasons": [[each.code.value, each.about] for each in self.reasons],
            "is_low_risk": self.is_low_risk,
        }


def read(document: Mapping[str, Any] | None) -> Advice:
    """Return what was frozen; of an item from before advice was given, none."""
    if not document:
        return Advice(Suggestion.KEEP, (), is_low_risk=False)
    return Advice(
        Suggestion(document["suggestion"]),
        tuple(Reason(Code(code), about) for code, about in document["reasons"]),
        document["is_low_risk"],
    )


def advise(known: Known) -> Advice:
    """Weigh what is known of an access."""
    reasons = tuple(_reasons(known))
    codes = {each.code for each in reasons}
    if Code.UNUSED in codes:
        suggestion = Suggestion.REVOKE
    else:
        suggestion = Suggestion.LOOK if reasons else Suggestion.KEEP
    return Advice(suggestion, reasons, is_low_risk=not reasons and _is_low_risk(known))


def _reasons(known: Known) -> list[Reason]:
    found = [Reason(Code.CONFLICT, each) for each in known.conflicts]
    if known.reach is not None:
        found.append(Reason(Code.REACH, known.reach))
    if known.idle_days is not None and known.idle_days > UNUSED_AFTER_DAYS:
        found.append(Reason(Code.UNUSED, known.idle_days))
    if known.team_before is not None:
        found.append(Reason(Code.MOVED, known.team_before))
    if known.peers is not None and known.peers.percent < RARE_BELOW_PERCENT:
        found.append(Reason(Code.RARE, known.peers.percent))
    if not known.has_holder:
        found.append(Reason(Code.ORPHAN))
    if not known.is_enabled:
        found.append(Reason(Code.DISABLED))
    if known.new_since is not None:
        found.append(Reason(Code.NEW, known.new_since))
    if known.reach is None and known.risk in (Risk.HIGH, Risk.PRIVILEGED):
        found.append(Reason(Code.RISK, known.risk.value))
    return found


def _is_low_risk(known: Known) -> bool:
    """Only what is low-risk, known to be used, and known to be common."""
    return (
        known.risk is Risk.LOW
        and known.idle_days is not None
        and known.peers is not None
        and known.peers.percent >= COMMON_FROM_PERCENT
    )
