"""The error family: raised by meaning, translated to a status once, in `web/problems.py`.

Messages are sentences for the person who has to act on them; they never hold secrets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


class AttestryError(Exception):
    """The base of all that the house refuses.

    Attributes:
        code: Stable short name, the last part of the problem's `type`.
        title: The same in a few words for people.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Refused"

    def __init__(self, detail: str) -> None:
        """Keep the sentence."""
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field.

    Attributes:
        field: Where, as a dotted path (`items.3.reason`).
        message: What, and the way out.
    """

    field: str
    message: str


class InvalidInputError(AttestryError):
    """The shape or a value is wrong; every field is told at once."""

    code = "invalid_input"
    title = "Some fields are wrong"

    def __init__(self, fields: Sequence[FieldError] | Mapping[str, str]) -> None:
        """Keep every field error; a mapping is field to message."""
        if isinstance(fields, Mapping):
            fields = [FieldError(name, message) for name, message in fields.items()]
        self.fields = tuple(fields)
        super().__init__(" ".join(f"{each.field}: {each.message}" for each in self.fields))


class NotSignedInError(AttestryError):
    """Nobody said who they are, or what they said does not hold (any more)."""

    code = "not_signed_in"
    title = "Sign in first"


class NotFreshError(NotSignedInError):
    """Signed in, but too long ago for something that much depends on."""

    code = "not_fresh"
    title = "Sign in once more"


class NotPermittedError(AttestryError):
    """Known, and not allowed to."""

    code = "not_permitted"
    title = "Not permitted"


class PolicyRefusedError(AttestryError):
    """A rule of the policy in force says no; the verdict and its reasons ride along."""

    code = "policy_refused"
    title = "The policy refuses this"

    def __init__(self, detail: str, verdict: Mapping[str, Any]) -> None:
        """Keep the sentence and the verdict as a document."""
        super().__init__(detail)
        self.verdict = dict(verdict)


class NotFoundError(AttestryError):
    """Not there, or not yours to see."""

    code = "not_found"
    title = "Not found"


class ConflictError(AttestryError):
    """It moved on since you looked: version, state or idempotency key.

    Attributes:
        current: What is so now, for the caller to show, if it may be told.
    """

    code = "conflict"
    title = "It has moved on"

    def __init__(self, detail: str, current: Mapping[str, Any] | None = None) -> None:
        """Keep the sentence and the present state."""
        super().__init__(detail)
        self.current = dict(current or {})


class NothingToChangeError(ConflictError):
    """The write would change nothing."""

    code = "nothing_to_change"
    title = "Nothing to change"


class TooManyRequestsError(AttestryError):
    """Slow down.

    Attributes:
        retry_after: Seconds to wait.
    """

    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        """Keep the sentence and the wait."""
        super().__init__(detail)
        self.retry_after = retry_after


class UnrecordedChangeError(AttestryError):
    """Our own fault: a governed table changed and nothing was recorded. Nothing was committed."""

    code = "unrecorded_change"
    title = "A change without a record"


@dataclass(slots=True)
class FieldErrors:
    """Collects what is wrong, so that all of it is told at once."""

    found: list[FieldError] = field(default_factory=list)

    def add(self, name: str, message: str) -> None:
        """Note one thing wrong with one field."""
        self.found.append(FieldError(name, message))

    def raise_if_any(self) -> None:
        """Raise `InvalidInputError` if anything was noted."""
        if self.found:
            raise InvalidInputError(self.found)
