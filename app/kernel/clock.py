"""The only source of time. Everything else is handed a `Clock` or a moment."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """Return this moment."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return this moment as the machine knows it."""
        return datetime.now(UTC)


class MovingClock:
    """A clock that stands still until it is moved: for the demonstration's past, and for tests."""

    def __init__(self, start: datetime) -> None:
        """Start at a moment, which must be aware."""
        if start.tzinfo is None:
            raise ValueError("A clock starts at an aware moment")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment the clock stands at."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward; going back is refused, as a ledger's time never does."""
        if by < timedelta(0):
            raise ValueError("A clock does not go back")
        self._now += by
        return self._now

    def move_to(self, moment: datetime) -> datetime:
        """Move forward to a moment."""
        return self.advance(moment - self._now)
