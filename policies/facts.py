"""Everything a rule may see about one ask: plain values, no lookups, no clock.

The house builds these from its tables; they are stored with the verdict, so that an auditor can
put the same facts before the same policy again. `facts_document` and `facts_from_document` are
strict inverses of each other.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from policies import codec
from policies.errors import InvalidFactsError, Problem

IdentityId = NewType("IdentityId", str)
EntitlementId = NewType("EntitlementId", str)

GREATEST_DURATION = 36_500


class IdentityKind(StrEnum):
    """Whether an identity is a human."""

    PERSON = "person"
    SERVICE = "service"


class Risk(StrEnum):
    """How much harm an entitlement can do, in rising order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    PRIVILEGED = "privileged"

    @property
    def rank(self) -> int:
        """Its place in the rising order, from 0."""
        return list(Risk).index(self)


class Action(StrEnum):
    """What is asked for."""

    ADD = "add"
    REMOVE = "remove"
    EXTEND = "extend"


class Provenance(StrEnum):
    """Why a membership exists."""

    REQUEST = "request"
    RULE = "rule"
    DRIFT_ADOPTED = "drift-adopted"
    IMPORTED_AT_START = "imported-at-start"
    OBSERVED = "observed"
    MIRRORED = "mirrored"


@dataclass(frozen=True, slots=True)
class Identity:
    """One person or non-human actor, as it is now.

    Attributes:
        id: Opaque and stable.
        kind: Person or service.
        is_active: False once the identity has left or is not there yet.
        manager_id: The identity it reports to, or None.
        department: As HR or the directory tells, or None.
        title: The same.
        is_protected: Whether automation may never take anything from it (break-glass, the account
            the product itself binds with).
    """

    id: IdentityId
    kind: IdentityKind = IdentityKind.PERSON
    is_active: bool = True
    manager_id: IdentityId | None = None
    department: str | None = None
    title: str | None = None
    is_protected: bool = False


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One right that can be granted: today a group of a source.

    Attributes:
        id: Opaque and stable.
        name: As people know it, any Unicode.
        source: The name of the source it is in.
        group_kind: The source's own word (`security`, `OKTA_GROUP`).
        owner_id: The identity that answers for it, or None.
        risk: How much harm it can do.
        is_requestable: Whether people may ask for it at all.
        mastered_by: The name of the source in which it is really kept if this one only mirrors it,
            else None.
        is_removal_automatic: False if a rule of the source fills the group, so that a removal does
            not last.
        is_protected: Whether automation may never take members from it.
        is_administrative: Whether its members can administer the source itself.
    """

    id: EntitlementId
    name: str
    source: str
    group_kind: str = "security"
    owner_id: IdentityId | None = None
    risk: Risk = Risk.LOW
    is_requestable: bool = True
    mastered_by: str | None = None
    is_removal_automatic: bool = True
    is_protected: bool = False
    is_administrative: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """One entitlement an identity has, directly or through nesting.

    Attributes:
        entitlement_id: Which.
        name: Its name, as in `Entitlement.name`.
        source: The name of its source.
        since: Since when, aware.
        provenance: Why.
        path: The entitlements it comes through, nearest to the identity first; empty if direct.
        until: When it ends by itself, aware, or None.
    """

    entitlement_id: EntitlementId
    name: str
    source: str
    since: datetime
    provenance: Provenance = Provenance.IMPORTED_AT_START
    path: tuple[EntitlementId, ...] = ()
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse times without a zone.

        Raises:
            InvalidFactsError: `since` or `until` is naive.
        """
        codec.require_aware(self.since, "since")
        if self.until is not None:
            codec.require_aware(self.until, "until")


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted, by whom and for whom.

    Attributes:
        requester_id: Who asks.
        beneficiary: For whom.
        entitlement: What.
        action: To add, remove or extend it.
        now: When it is judged, aware.
        reason: In the requester's words, or empty.
        duration_days: For how many days of 24 hours, counted from the last approval (1 to 36,500),
            or None for no end.
        ticket: The number of a ticket elsewhere, or None.
        plan_digest: SHA-256 (lower-case hex) of the exact operations, or None if there is no plan
            yet.
        leaves_no_administrator: For a removal from an administrators' group: whether its last
            member would go.
    """

    requester_id: IdentityId
    beneficiary: Identity
    entitlement: Entitlement
    action: Action
    now: datetime
    reason: str = ""
    duration_days: int | None = None
    ticket: str | None = None
    plan_digest: str | None = None
    leaves_no_administrator: bool = False

    def __post_init__(self) -> None:
        """Refuse a naive time and a senseless duration.

        Raises:
            InvalidFactsError: Naming the field.
        """
        codec.require_aware(self.now, "now")
        days = self.duration_days
        if days is not None and not 1 <= days <= GREATEST_DURATION:
            message = f"{days} days; give 1 to {GREATEST_DURATION}, or none for no end"
            raise InvalidFactsError([Problem("duration_days", message)])

    @property
    def is_for_self(self) -> bool:
        """Whether requester and beneficiary are the same identity."""
        return self.requester_id == self.beneficiary.id


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who might have to answer.

    Attributes:
        identity_id: Who.
        is_active: Whether they are there to answer.
    """

    identity_id: IdentityId
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everybody who might have to answer for one beneficiary and one entitlement.

    Attributes:
        managers: The beneficiary's manager, then the manager's manager, and so on upwards.
        owner: The owner of the entitlement, or None.
        administrators: The named administrators, in any order.
    """

    managers: tuple[Candidate, ...] = ()
    owner: Candidate | None = None
    administrators: tuple[Candidate, ...] = ()

    def __post_init__(self) -> None:
        """Bring the administrators into one order, so that equal facts are equal documents."""
        ordered = sorted(self.administrators, key=lambda each: (each.identity_id, each.is_active))
        object.__setattr__(self, "administrators", tuple(ordered))


@dataclass(frozen=True, slots=True)
class Facts:
    """All a policy is shown for one decision.

    Attributes:
        ask: What is wanted.
        candidates: Who might have to answer.
        holdings: What the beneficiary has now, effective, in any order.
    """

    ask: Ask
    candidates: Candidates
    holdings: tuple[Holding, ...] = ()

    def __post_init__(self) -> None:
        """Bring the holdings into one order, so that equal facts are equal documents."""
        object.__setattr__(self, "holdings", tuple(sorted(self.holdings, key=codec.canonical_text)))


def facts_document(facts: Facts) -> dict[str, Any]:
    """Return facts as a JSON-able document: ASCII keys, no floats, times in UTC.

    Args:
        facts: Well-formed facts.

    Raises:
        InvalidFactsError: Some text is no Unicode.
    """
    document: dict[str, Any] = codec.to_document(facts)
    return document


def facts_text(facts: Facts) -> str:
    """Return the one canonical JSON text (RFC 8785) of facts, to be stored and committed to.

    Args:
        facts: Well-formed facts.

    Raises:
        InvalidFactsError: Some text is no Unicode.
    """
    return codec.canonical_text(facts)


def facts_from_document(document: object) -> Facts:
    """Return the facts a document stands for: the strict inverse of `facts_document`.

    Args:
        document: A JSON object as `facts_document` makes it.

    Raises:
        InvalidFactsError: Naming the field that is missing, unknown or wrong.
    """
    return codec.from_document(Facts, document)
