"""Leavers against the clock: from HR's word to the last account that was read back as closed."""

from datetime import timedelta

import pytest

from app.kernel.errors import NotPermittedError
from app.kernel.event import moment
from app.lifecycle.leavers import Clock, clock
from integration.lifecycle.test_leaver import leave
from support.cast import Cast
from support.house import MORNING
from support.statements import counted


def look(cast: Cast, who: str = "olga") -> Clock:
    with cast.house.read(cast.actor(who)) as reading:
        return clock(reading)


def test_the_clock_stops_when_every_account_was_read_back_closed(cast: Cast) -> None:
    leave(cast)
    cast.house.clock.advance(timedelta(minutes=9))
    (running,) = look(cast).leavers
    assert (running.accounts, running.open_accounts, running.closed_at) == (2, 2, None)
    cast.house.drain()
    found = look(cast)
    (closed,) = found.leavers
    assert (closed.open_accounts, closed.minutes, closed.is_late) == (0, 9, False)
    assert closed.open_operations == 1
    assert (found.in_time, len(found.started)) == (1, 1)
    assert (found.median_minutes, found.slowest_minutes) == (9, 9)


def test_a_leaver_past_the_limit_is_late_and_first(cast: Cast) -> None:
    cast.breaks("corp", "denied")
    leave(cast)
    cast.house.drain()
    cast.house.clock.advance(timedelta(hours=5))
    leave(cast, event_id="hr-2", employee_number="1006")
    found = look(cast)
    assert [each.event_id for each in found.leavers] == ["hr-1", "hr-2"]
    assert [each.event_id for each in found.late] == ["hr-1"]
    assert found.leavers[0].failed >= 1
    assert found.in_time == 0


def test_a_day_to_come_is_shown_and_does_not_count(cast: Cast) -> None:
    leave(cast, effective_at=moment(MORNING + timedelta(days=3)))
    found = look(cast)
    assert [each.is_late for each in found.leavers] == [False]
    assert found.started == []
    assert found.median_minutes is None


def test_who_left_long_ago_is_not_listed_any_more(cast: Cast) -> None:
    leave(cast)
    cast.house.drain()
    cast.import_payroll()
    cast.sync("cloud")
    cast.house.clock.advance(timedelta(days=31))
    assert look(cast).leavers == []


def test_it_is_two_statements_however_many_left(cast: Cast) -> None:
    actor = cast.actor("olga")
    leave(cast)
    leave(cast, event_id="hr-2", employee_number="1006")
    cast.house.drain()
    with cast.house.read(actor) as reading, counted(cast.house) as statements:
        assert len(clock(reading).leavers) == 2
    assert len(statements) == 2


def test_nobody_else_sees_it(cast: Cast) -> None:
    with pytest.raises(NotPermittedError):
        look(cast, "alice")
