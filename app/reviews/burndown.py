"""The burn-down of a campaign: how much was left at the end of each day, the plan, the forecast.

Pure: facts in, points out. A forecast is given only where there is a pace to go by.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

PACE_DAYS = 3
LEAST_DAYS = 2


@dataclass(frozen=True, slots=True)
class Burndown:
    """How much was left, day by day.

    Attributes:
        first_on: The day of the launch.
        due_on: The day on which it is due.
        today: The last day with a figure.
        items: How many items there are.
        left: Undecided at the end of each day, from the first to today.
        done_on: When it will be done at the present pace, or None if that cannot be said.
    """

    first_on: date
    due_on: date
    today: date
    items: int
    left: Sequence[int]
    done_on: date | None

    @property
    def by_day(self) -> list[tuple[date, int]]:
        """Each day with what was left at its end."""
        days = [self.first_on + timedelta(days=place) for place in range(len(self.left))]
        return list(zip(days, self.left, strict=True))

    @property
    def days(self) -> int:
        """How many days the chart spans."""
        last = max(self.due_on, self.today, self.done_on or self.today)
        return max((last - self.first_on).days, 1)


def burndown(
    *,
    launched_at: datetime,
    due_at: datetime,
    now: datetime,
    items: int,
    decided: Mapping[date, int],
) -> Burndown:
    """Work out the burn-down.

    Args:
        launched_at: When the campaign began.
        due_at: When it is due.
        now: The present, or when it was closed.
        items: How many items there are.
        decided: Day (UTC) to how many of the standing decisions were made on it.
    """
    first, today = launched_at.date(), max(now.date(), launched_at.date())
    left, remaining = [], items
    for back in range((today - first).days + 1):
        remaining -= decided.get(first + timedelta(days=back), 0)
        left.append(remaining)
    return Burndown(first, due_at.date(), today, items, left, _done_on(today, left, items))


def days_behind(
    *, launched_at: datetime, due_at: datetime, now: datetime, items: int, decided: int
) -> int:
    """Return by how many whole days somebody is behind an even pace; 0 if they are not.

    The plan is an even pace from the launch to the day it is due; who is late is behind by the
    time since then as well.
    """
    if decided >= items:
        return 0
    should_be_at = launched_at + (due_at - launched_at) * (decided / items)
    return max((now - should_be_at).days, 0)


def _done_on(today: date, left: Sequence[int], items: int) -> date | None:
    if not left or left[-1] == 0 or len(left) < LEAST_DAYS:
        return None
    span = min(PACE_DAYS, len(left))
    before = left[-span - 1] if len(left) > span else items
    pace = (before - left[-1]) / span
    if pace <= 0:
        return None
    return today + timedelta(days=int(-(-left[-1] // pace)))
