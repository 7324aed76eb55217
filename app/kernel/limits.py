"""To what an auditor's role may be limited: campaigns by name, a stretch of time, controls in it.

A limited auditor may do only what knows these limits (`actor.LIMITED`); everything else is refused
as if the role did not reach it. So a read that is added later is closed to them until it asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.kernel.event import moment


@dataclass(frozen=True, slots=True)
class Limits:
    """What a limited auditor may see: the campaigns, and what happened in the stretch of time.

    Attributes:
        campaigns: Public ids of campaigns, whenever they were held.
        start: Begin of the stretch of time, or None if there is none.
        end: Its end, which does not belong to it.
        controls: Of the stretch of time, only evidence for these controls; empty: all.
    """

    campaigns: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    controls: tuple[str, ...] = ()

    def holds(self, start: datetime, end: datetime) -> bool:
        """Say whether a stretch of time lies in that of the limits."""
        if self.start is None or self.end is None:
            return False
        return self.start <= start and end <= self.end

    def told(self) -> dict[str, Any]:
        """Return them as they are kept, and told to the ledger."""
        return {
            "campaigns": list(self.campaigns),
            "from": None if self.start is None else moment(self.start),
            "to": None if self.end is None else moment(self.end),
            "controls": list(self.controls),
        }

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> "Limits | None":
        """Take them from how they are kept; None: there are none."""
        if told is None:
            return None
        return cls(
            tuple(told["campaigns"]),
            _moment(told["from"]),
            _moment(told["to"]),
            tuple(told["controls"]),
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
