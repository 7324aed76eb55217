"""The operator's home tells how things stand, in as many statements whatever there is to tell."""

from datetime import timedelta

import pytest

from app.kernel.errors import NotPermittedError
from app.provisioning.overview import Overview, SourceHealth, overview
from integration.requests.steps import approve, ask
from support.cast import Cast
from support.statements import counted


def look(cast: Cast, who: str = "olga") -> Overview:
    with cast.house.read(cast.actor(who)) as reading:
        return overview(reading)


def source(cast: Cast, name: str = "corp") -> SourceHealth:
    return next(each for each in look(cast).sources if each.name == name)


def test_sources_that_were_read_to_their_end_are_healthy(cast: Cast) -> None:
    found = look(cast)
    assert [(each.name, each.health) for each in found.sources] == [
        ("cloud", "healthy"),
        ("corp", "healthy"),
    ]
    assert found.healthy == 2
    assert source(cast).accounts == 10
    assert source(cast).hours[-1] == "good"
    assert source(cast).hours[:-1] == ["none"] * 23


def test_a_read_of_changes_does_not_change_how_many_accounts_there_are(cast: Cast) -> None:
    cast.house.clock.advance(timedelta(minutes=5))
    before = source(cast).last_complete_at
    assert cast.sync("corp") == "complete"
    assert source(cast).last_complete_at != before
    assert source(cast).accounts == 10


def test_an_incomplete_read_shows_first_with_its_reason_and_the_last_complete_one(
    cast: Cast,
) -> None:
    complete = source(cast).last_complete_at
    cast.house.clock.advance(timedelta(hours=2))
    cast.breaks("corp", "truncated")
    cast.sync("corp")
    first = look(cast).sources[0]
    assert (first.name, first.health) == ("corp", "incomplete")
    assert first.why
    assert first.last_complete_at == complete
    assert first.hours[-3:] == ["good", "none", "bad"]


def test_a_source_that_nobody_read_for_a_day_is_stale(cast: Cast) -> None:
    cast.house.clock.advance(timedelta(hours=25))
    assert {each.health for each in look(cast).sources} == {"stale"}


def test_what_waits_what_failed_and_what_is_done_are_counted_apart(cast: Cast) -> None:
    ask(cast, "alice")
    approve(cast, "bob", "carol")
    assert (look(cast).queue.waiting, look(cast).queue.done_today) == (0, 0)
    cast.breaks("corp", "denied")
    cast.house.drain()
    found = look(cast)
    assert found.queue.needs_a_person == 1
    assert [each.account for each in found.failed] == ["Alice"]
    assert source(cast).queue >= 1


def test_drift_is_counted_and_the_newest_is_shown(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    cast.house.clock.advance(timedelta(days=2))
    cast.put("corp", "payroll", "mallory")
    cast.sync("corp")
    found = look(cast)
    assert (found.drift_open, found.drift_new) == (2, 1)
    assert [each.account for each in found.drift] == ["Mallory", "Alice"]
    assert source(cast).drift == 2


@pytest.mark.parametrize("who", ["alice", "carol"])
def test_nobody_else_sees_it(cast: Cast, who: str) -> None:
    with pytest.raises(NotPermittedError):
        look(cast, who)


def test_it_costs_as_much_with_a_lot_to_tell_as_with_nothing(cast: Cast) -> None:
    actor = cast.actor("olga")
    with cast.house.read(actor) as reading, counted(cast.house) as calm:
        overview(reading)
    cast.put("corp", "payroll", "alice", "bob", "mallory")
    cast.sync("corp")
    cast.breaks("corp", "denied")
    ask(cast, "alice", group="ledger")
    with cast.house.read(actor) as reading, counted(cast.house) as busy:
        overview(reading)
    assert len(busy) == len(calm) <= 8
