"""States and words of the directory stage."""

from enum import StrEnum


class SyncState(StrEnum):
    """Where a read of a source stands."""

    RUNNING = "running"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    PARKED = "parked"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"


class IdentityKind(StrEnum):
    """Who an identity is."""

    PERSON = "person"
    SERVICE = "service"


class Provenance(StrEnum):
    """Why a membership exists."""

    IMPORTED_AT_START = "imported-at-start"
    REQUEST = "request"
    RULE = "rule"
    DRIFT_ADOPTED = "drift-adopted"
    OBSERVED = "observed"
    MIRRORED = "mirrored"


class CorrelationRule(StrEnum):
    """Why an account belongs to its identity."""

    EMPLOYEE_NUMBER = "employee_number"
    MAIL = "mail"
    OWN = "own"
