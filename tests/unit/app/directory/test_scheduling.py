"""When a source is read next, by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.directory.domain import SyncState
from app.directory.scheduling import Next, Past, Waits, next_read

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
READ = Past(NOON, SyncState.COMPLETE, NOON, NOON, tells_changes=True)


def plan(past: Past, **more: Any) -> Next:
    rules = {"is_enabled": True, "has_baseline": True, "delta_minutes": 15, "full_hours": 24}
    return next_read(past, **{**rules, **more})


def test_what_changed_is_read_every_few_minutes_and_all_of_it_once_a_day() -> None:
    found = plan(READ)
    assert (found.at, found.is_full, found.full_at) == (NOON + 15 * MINUTE, False, NOON + 24 * HOUR)
    late = plan(replace(READ, last_at=NOON + 24 * HOUR - MINUTE))
    assert (late.at, late.is_full) == (NOON + 24 * HOUR, True)


@pytest.mark.parametrize(
    ("past", "rules"),
    [(replace(READ, tells_changes=False), {}), (READ, {"delta_minutes": 0})],
    ids=["it cannot tell", "never by itself"],
)
def test_without_deltas_all_of_it_is_still_read(past: Past, rules: dict[str, Any]) -> None:
    found = plan(past, **rules)
    assert (found.at, found.is_full) == (NOON + 24 * HOUR, True)


def test_a_whole_read_that_came_to_nothing_is_tried_again_after_an_hour_not_at_once() -> None:
    day = NOON + 24 * HOUR
    failed = replace(READ, last_at=day, last_state=SyncState.FAILED, tried_at=day)
    assert plan(failed, delta_minutes=0).at == day + HOUR
    assert plan(failed).at == day + 15 * MINUTE


@pytest.mark.parametrize(
    ("past", "rules", "waits"),
    [
        (Past(), {"has_baseline": False}, Waits.NEVER_READ),
        (READ, {"is_enabled": False}, Waits.DISABLED),
        (replace(READ, last_state=SyncState.RUNNING), {}, Waits.RUNNING),
        (replace(READ, last_state=SyncState.PARKED), {}, Waits.PARKED),
    ],
)
def test_what_waits_for_a_person_or_is_under_way_is_not_read_by_itself(
    past: Past, rules: dict[str, Any], waits: Waits
) -> None:
    found = plan(past, **rules)
    assert (found.at, found.waits) == (None, waits)
