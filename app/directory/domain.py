"""States and words of the directory stage."""

from enum import StrEnum

# Sources that tell of people, not of logins: what they say of a person counts before all others.
PEOPLE_KINDS = frozenset({"hr_csv"})


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
    HAND = "hand"


class AccountType(StrEnum):
    """What an account is for, as a person said, or as its source suggests."""

    PERSON = "person"
    PRIVILEGED = "privileged"
    GUEST = "guest"
    SHARED = "shared"
    SERVICE = "service"


# Nobody's own: never tied to a person by a rule.
SERVICE_TYPES = frozenset({AccountType.SERVICE.value, AccountType.SHARED.value})
# What nobody signs in with at all, neither.
NOBODYS_TYPES = SERVICE_TYPES | {"computer", "contact", "foreign"}


class CaseState(StrEnum):
    """Where a doubt about an account stands."""

    OPEN = "open"
    LINKED = "linked"
    OWN = "own"
    NOT_SAME = "not_same"
    GONE = "gone"
