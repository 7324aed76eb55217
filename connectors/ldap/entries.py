"""What is asked of a directory, and what came: raw, each attribute a list of bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it came.

    Attributes:
        dn: Its name as the server writes it; for people, never compared.
        values: Attribute name in lower case to its raw values.
    """

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def text(self, name: str) -> str | None:
        """Return the first value of an attribute as text, or None."""
        found = self.values.get(name.lower())
        return found[0].decode("utf-8", "replace") if found else None

    def number(self, name: str) -> int | None:
        """Return the first value of an attribute as a whole number, or None."""
        value = self.text(name)
        try:
            return int(value) if value is not None else None
        except ValueError:
            return None


@dataclass(slots=True)
class Search:
    """A search and what became of it.

    Attributes:
        text: Base, scope and filter, exactly.
        pages: Pages that came with success.
        returned: Entries that came.
        is_complete: Whether the last page was reached.
    """

    text: str
    pages: int = 0
    returned: int = 0
    is_complete: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one search that is not paged.

    Attributes:
        code: Result code.
        entries: What came.
        controls: Controls of the answer by their OID, as ldap3 decodes them.
    """

    code: int
    entries: tuple[Entry, ...]
    controls: Mapping[str, Any]
