"""One event of HR is the same event however it is spelled, and no other."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from app.lifecycle.domain import LifecycleType
from app.lifecycle.service import Told

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is drawn beside it
TOLD = st.builds(
    Told,
    event_id=st.just("hr-1"),
    type=st.sampled_from(LifecycleType),
    employee_number=st.text(max_size=5),
    effective_at=MOMENTS,
    attributes=st.dictionaries(st.text("aB0_.-", max_size=3), st.text(max_size=3), max_size=3),
)


@given(TOLD, st.integers(-12, 12))
def test_another_offset_is_the_same_moment(told: Told, hours: int) -> None:
    elsewhere = told.effective_at.astimezone(timezone(timedelta(hours=hours)))
    again = Told(told.event_id, told.type, told.employee_number, elsewhere, told.attributes)
    assert again.digest() == told.digest()


@given(TOLD)
def test_the_order_of_attributes_does_not_matter(told: Told) -> None:
    turned = dict(reversed(list(told.attributes.items())))
    again = Told(told.event_id, told.type, told.employee_number, told.effective_at, turned)
    assert again.digest() == told.digest()


@given(TOLD, TOLD)
def test_different_facts_have_different_digests(first: Told, second: Told) -> None:
    assert (first.digest() == second.digest()) == (first == second)
