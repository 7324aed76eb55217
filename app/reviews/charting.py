"""Where the lines of a burn-down go: a pure drawing of points, in units of the picture."""

from dataclasses import dataclass
from datetime import date, timedelta

from app.reviews.burndown import Burndown

LEFT, RIGHT, TOP, BOTTOM = 44, 708, 16, 208
STEPS = 4
MOST_LABELS = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at a place of an axis."""

    at: float
    value: float | date
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A burn-down as lines.

    Attributes:
        actual: Path of what was left.
        area: The same, closed down to the axis.
        plan: Path of an even pace.
        forecast: Path from today to the day it will be done, or empty.
        today: Where today is, across and down.
        rows: Labels of what is left, from the top.
        days: Labels of days, from the left.
    """

    actual: str
    area: str
    plan: str
    forecast: str
    today: tuple[float, float]
    rows: list[Mark]
    days: list[Mark]


def chart(pace: Burndown) -> Chart:
    """Draw a burn-down."""
    top = _round_up(max(pace.items, 1))

    def across(day: date) -> float:
        return round(LEFT + (RIGHT - LEFT) * (day - pace.first_on).days / pace.days, 1)

    def down(left: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * left / top, 1)

    ends = [pace.first_on + timedelta(days=place) for place in range(len(pace.left))]
    points = [(across(day), down(left)) for day, left in zip(ends, pace.left, strict=True)]
    points = [(across(pace.first_on), down(pace.items)), *points]
    here = points[-1]
    line = "M" + " ".join(f"{x} {y}" for x, y in points)
    done = pace.done_on
    return Chart(
        actual=line,
        area=f"{line} V{BOTTOM} H{LEFT} Z",
        plan=f"M{LEFT} {down(pace.items)} L{across(pace.due_on)} {BOTTOM}",
        forecast=f"M{here[0]} {here[1]} L{across(done)} {BOTTOM}" if done else "",
        today=here,
        rows=[Mark(down(top * step / STEPS), top * step / STEPS) for step in range(STEPS, -1, -1)],
        days=_days(pace, here[0]),
    )


def _days(pace: Burndown, today: float) -> list[Mark]:
    """Label some days, every other one only where there is room, none over today's own."""
    step = max(-(-pace.days // MOST_LABELS), 1)
    found = []
    for place in range(0, pace.days + 1, step):
        at = LEFT + (RIGHT - LEFT) * place / pace.days
        if abs(at - today) > (RIGHT - LEFT) / 12:
            day = pace.first_on + timedelta(days=place)
            found.append(Mark(round(at, 1), day, is_minor=bool((place // step) % 2)))
    return found


def _round_up(items: int) -> int:
    """Return a round number that is not smaller, and that four lines divide."""
    size = 1
    while True:
        for each in (4, 8, 12, 16, 20, 24, 32):
            if each * size >= items:
                return each * size
        size *= 10
