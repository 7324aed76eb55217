"""What the manifest says of a bundle, and how its moments are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

Row = Mapping[str, Any]
SPOKEN: Final = frozenset(
    {"population", "excluded", "decisions", "requests", "leavers", "drift"}
)  # sources stand in every bundle


def at(text: str) -> datetime:
    """Read a moment as data files write it."""
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """What the manifest says of a bundle.

    Attributes:
        kind: Its kind.
        scope: What it is about, and under which circumstances.
        start: Begin of its period.
        end: Its end.
        created_at: When it was made.
    """

    kind: str
    scope: Mapping[str, Any]
    start: datetime
    end: datetime
    created_at: datetime

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Told":
        """Take it from a manifest."""
        return cls(
            manifest["kind"],
            manifest["scope"],
            at(manifest["period"]["from"]),
            at(manifest["period"]["to"]),
            at(manifest["created_at"]),
        )

    @property
    def is_redacted(self) -> bool:
        """Whether names, reasons and readings were left out of the data files."""
        return bool(self.scope.get("redacted"))

    @property
    def silent(self) -> frozenset[str]:
        """The data files that it leaves empty by its scope: that they are says nothing."""
        if self.scope.get("about") == "leavers":
            return frozenset({"population", "excluded", "decisions", "requests", "drift"})
        if "files" in self.scope:
            return SPOKEN - frozenset(self.scope["files"])
        return frozenset()

    @property
    def limit_minutes(self) -> int | None:
        """How long closing a leaver's accounts may take, if a policy says so."""
        found: int | None = self.scope.get("leaver_limit_minutes")
        return found
