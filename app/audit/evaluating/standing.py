"""Who stood in for whom, and when: told by the delegations of a bundle, asked by its answers."""

from dataclasses import dataclass, field
from datetime import datetime

from app.audit.evaluating.told import Row, at


@dataclass(slots=True)
class StandIns:
    """The delegations that were told; memory grows with them, and not with the answers."""

    _times: dict[tuple[str, str], list[tuple[datetime, datetime]]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self._times.values()))

    def take(self, row: Row) -> None:
        """See a delegation: from when it is valid until its end, or until it was ended before."""
        ends = [at(row[name]) for name in ("valid_to", "ended_at") if row[name]]
        pair = (row["approver"], row["by"])
        self._times.setdefault(pair, []).append((at(row["valid_from"]), min(ends)))

    def may(self, row: Row) -> bool:
        """Say whether a delegation of the approver to who answered was valid at that moment."""
        moment = at(row["at"])
        times = self._times.get((row["approver"], row["by"]), ())
        return any(begin <= moment < end for begin, end in times)
