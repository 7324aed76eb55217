"""The base of all events: a name, a subject, and what may be told of it in clear.

An event is a frozen dataclass. Its plain fields go into the ledger entry as they are and must
therefore be opaque ids, names of states, counts, digests and times. A field declared with
`personal()` (a reason somebody typed, a name, the facts of a verdict) never does: the entry only
carries a salted commitment to it, and the clear value stands in `ledger_disclosure`, which the
law may have erased without breaking a single proof.
"""

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

PERSONAL = "personal"


def personal(**options: Any) -> Any:
    """Declare a field of an event whose value only its commitment may tell of."""
    return dataclasses.field(metadata={PERSONAL: True}, **options)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        kind: The dotted name in the ledger, past tense.
        subject: Public id of what it happened to.
    """

    kind: ClassVar[str]
    subject: str

    def data(self) -> dict[str, Any]:
        """Return the plain fields, ready for canonical JSON."""
        own = vars(self)
        return {
            name: value if type(value := own[name]) is str else _plain(value)
            for name in _fields(self)[0]
        }

    def personal(self) -> dict[str, str]:
        """Return the personal fields that have a value."""
        names = _fields(self)[1]
        if not names:
            return {}
        found = ((name, getattr(self, name)) for name in names)
        return {name: str(value) for name, value in found if value is not None}


Fields = tuple[tuple[str, ...], tuple[str, ...]]
_FIELDS: dict[str, Fields] = {}


def _fields(event: Event) -> Fields:
    """Return the plain and the personal fields of an event but for its subject; asked once."""
    found = _FIELDS.get(event.kind)
    if found is None:
        fields = [each for each in dataclasses.fields(event) if each.name != "subject"]
        found = _FIELDS[event.kind] = (
            tuple(each.name for each in fields if not each.metadata.get(PERSONAL)),
            tuple(each.name for each in fields if each.metadata.get(PERSONAL)),
        )
    return found


def moment(at: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds."""
    return f"{at.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"  # instead of +00:00


def _plain(value: Any) -> Any:
    if type(value) is str or value is None or type(value) is int:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
