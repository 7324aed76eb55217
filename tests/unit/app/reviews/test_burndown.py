"""How much is left day by day, when it will be done, and who is behind: pure sums."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.reviews.burndown import Burndown, burndown, days_behind
from app.reviews.charting import BOTTOM, LEFT, RIGHT, TOP, chart

LAUNCHED = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DUE = LAUNCHED + timedelta(days=20)


def after(days: int, decided: dict[int, int], items: int = 100) -> Burndown:
    return burndown(
        launched_at=LAUNCHED,
        due_at=DUE,
        now=LAUNCHED + timedelta(days=days),
        items=items,
        decided={LAUNCHED.date() + timedelta(days=day): count for day, count in decided.items()},
    )


def test_each_day_ends_with_what_was_not_decided_by_then() -> None:
    pace = after(3, {0: 10, 2: 30})
    assert pace.left == [90, 90, 60, 60]
    assert pace.by_day[2] == (date(2026, 11, 4), 60)


def test_a_forecast_goes_by_the_last_three_days() -> None:
    assert after(4, {2: 10, 3: 10, 4: 10}).done_on == date(2026, 11, 6) + timedelta(days=7)


def test_without_a_pace_there_is_no_forecast() -> None:
    assert after(0, {0: 50}).done_on is None
    assert after(5, {0: 50}).done_on is None


def test_what_is_done_needs_no_forecast() -> None:
    assert after(4, {1: 100}).done_on is None


def test_the_chart_reaches_to_the_day_it_is_due_and_beyond_if_it_is_late() -> None:
    assert after(4, {4: 50}).days == 20
    assert after(4, {4: 3}).days > 20


def behind(days: float, decided: int) -> int:
    now = LAUNCHED + timedelta(days=days)
    return days_behind(launched_at=LAUNCHED, due_at=DUE, now=now, items=20, decided=decided)


def test_whoever_keeps_the_even_pace_is_not_behind() -> None:
    assert behind(5, 5) == 0
    assert behind(5, 19) == 0
    assert behind(30, 20) == 0


def test_whoever_does_less_is_behind_by_whole_days() -> None:
    assert behind(5, 2) == 3
    assert behind(5.9, 5) == 0
    assert behind(22, 0) == 22


@given(
    days=st.integers(0, 60),
    counts=st.dictionaries(st.integers(0, 59), st.integers(0, 40), max_size=30),
    spare=st.integers(0, 200),
)
def test_what_is_left_never_grows_and_the_lines_stay_in_the_picture(
    days: int, counts: dict[int, int], spare: int
) -> None:
    items = sum(counts.values()) + spare
    pace = after(days, counts, items)
    assert list(pace.left) == sorted(pace.left, reverse=True)
    assert all(0 <= left <= items for left in pace.left)
    drawn = chart(pace)
    numbers = [float(each) for each in drawn.actual[1:].split()]
    assert all(LEFT <= x <= RIGHT for x in numbers[::2])
    assert all(TOP <= y <= BOTTOM for y in numbers[1::2])
    assert [each.value for each in drawn.rows][-1] == 0
