"""Who changed a membership behind our back is named where the log of the source tells it."""

from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from app.audit import erasing
from app.directory import logs
from app.directory.models import LogDeed, Source, SourceLog, SyncRun
from app.grants import service as grants
from app.grants.models import Grant
from app.kernel.ledger import LedgerDisclosure, LedgerEntry
from connectors.memory.state import By, changing
from connectors.records import Deed
from integration.provisioning.test_drift import decide, findings, the_finding
from integration.requests.steps import approve, ask
from support.cast import Cast

NOBODY = {"done_at": None, "actor": None, "actor_account": None, "actor_holder": None}


def told(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in NOBODY}


def later(cast: Cast, minutes: int = 10) -> None:
    """Let time pass, and nothing else."""
    from datetime import timedelta

    cast.house.clock.advance(timedelta(minutes=minutes))


def entries(cast: Cast, kind: str = "drift.attributed") -> list[dict[str, Any]]:
    with cast.house.read() as reading:
        bodies = reading.session.scalars(
            sa.select(LedgerEntry.body).where(LedgerEntry.kind == kind).order_by(LedgerEntry.id)
        )
        return [orjson.loads(each) for each in bodies]


def deeds(cast: Cast) -> list[LogDeed]:
    with cast.house.read() as reading:
        return list(reading.session.scalars(sa.select(LogDeed).order_by(LogDeed.id)))


def last_run(cast: Cast) -> SyncRun:
    with cast.house.read() as reading:
        return reading.session.scalars(sa.select(SyncRun).order_by(SyncRun.id.desc())).first() or (
            pytest.fail("there is no run")
        )


def notes(cast: Cast) -> list[str]:
    return [each["code"] for each in last_run(cast).problems]


def drift(cast: Cast, name: str = "alice", by: str | None = "mallory") -> str:
    """Let somebody put somebody into Payroll, and read; returns when they did it."""
    later(cast)
    done_at = cast.house.clock.now().isoformat()
    cast.put("corp", "payroll", name, by=by)
    later(cast)
    assert cast.sync("corp") == "complete"
    return done_at.replace("+00:00", "Z")


def test_who_did_it_is_named_with_the_time_and_linked_to_their_account(cast: Cast) -> None:
    done_at = drift(cast)
    found = the_finding(cast)
    mallory = cast.account("corp", "mallory")
    assert found["done_at"][:19] == done_at[:19]
    assert (found["actor"], found["actor_account"]) == ("Mallory", mallory.public_id)
    assert found["actor_holder"] == cast.identity("mallory").public_id
    (entry,) = entries(cast)
    assert entry["subject"] == found["id"]
    assert entry["data"]["actor"] == mallory.public_id
    assert "Mallory" not in orjson.dumps(entry).decode()
    assert set(entry["commitments"]) == {"actor_name", "actor_ref", "log_event"}
    assert decide(cast, "adopt")["actor"] == "Mallory"


def test_who_made_a_change_in_the_source_does_not_adopt_it_but_may_undo_it(cast: Cast) -> None:
    drift(cast, by="olga")
    assert "somebody else adopts it" in decide(cast, "adopt", status=403)["detail"]
    assert decide(cast, "revert")["state"] == "reverting"


def test_where_the_source_says_nothing_nobody_is_named(cast: Cast) -> None:
    drift(cast, by=None)
    assert told(the_finding(cast)) == NOBODY
    assert entries(cast) == []


def test_who_took_somebody_out_is_named_as_well(cast: Cast) -> None:
    later(cast)
    cast.take("corp", "ledger", "bob", by="mallory")
    cast.sync("corp")
    assert (the_finding(cast)["kind"], the_finding(cast)["actor"]) == ("vanished", "Mallory")


def test_somebody_who_is_no_account_here_is_named_as_the_log_names_them(cast: Cast) -> None:
    later(cast)
    with changing(cast.file("corp"), By("", "Helpdesk tool", cast.house.clock.now())) as state:
        state.members["corp-payroll"] |= {
            each.external_id: each for each in (state.members["corp-staff"]["corp-alice"],)
        }
    cast.sync("corp")
    assert told(the_finding(cast)) | {"done_at": None} == NOBODY | {"actor": "Helpdesk tool"}


@pytest.mark.parametrize("way", ["log_late", "log_denied"])
def test_what_the_log_tells_later_is_filled_in_then(cast: Cast, way: str) -> None:
    cast.breaks("corp", way)
    drift(cast)
    assert told(the_finding(cast)) == NOBODY
    decide(cast, "adopt")
    cast.breaks("corp")
    later(cast)
    cast.sync("corp")
    found = the_finding(cast)
    assert (found["state"], found["actor"]) == ("adopted", "Mallory")
    assert len(entries(cast)) == 1


@pytest.mark.parametrize("way", ["log_disordered", "log_repeated"])
def test_disorder_and_repetition_change_nothing(cast: Cast, way: str) -> None:
    cast.breaks("corp", way)
    later(cast)
    cast.put("corp", "payroll", "alice", by="eve")
    later(cast)
    cast.take("corp", "payroll", "alice", by="bob")
    drift(cast)
    later(cast)
    cast.sync("corp")
    assert the_finding(cast)["actor"] == "Mallory"
    assert [each.event_id for each in deeds(cast)] == sorted({e.event_id for e in deeds(cast)}) or (
        way == "log_disordered"
    )
    assert len(deeds(cast)) == 3
    assert len(entries(cast)) == 1


def test_a_later_word_of_the_log_corrects_who_is_named(cast: Cast) -> None:
    drift(cast)
    late = cast.house.clock.now()
    words = [
        Deed("late-1", late, "corp-alice", "corp-payroll", False, "corp-bob", "Bob"),
        Deed("late-2", late, "corp-alice", "corp-payroll", True, "corp-eve", "Eve"),
    ]
    for word, actor in zip(words, (None, "Eve"), strict=True):
        with changing(cast.file("corp")) as state:
            state.deeds.append(word)
        later(cast)
        cast.sync("corp")
        assert the_finding(cast)["actor"] == actor
    assert [each["data"]["done_at"] is None for each in entries(cast)] == [False, True, False]


def test_nothing_older_than_the_read_before_is_matched(cast: Cast) -> None:
    later(cast)
    old = Deed("old", cast.house.clock.now(), "corp-alice", "corp-payroll", True, "x", "Old")
    later(cast)
    cast.sync("corp")
    cast.put("corp", "payroll", "alice")
    with changing(cast.file("corp")) as state:
        state.deeds.append(old)
    later(cast)
    cast.sync("corp")
    assert told(the_finding(cast)) == NOBODY


def test_a_group_that_the_read_before_could_not_read_is_matched_from_the_one_before_that(
    cast: Cast,
) -> None:
    def unreadable(group: str) -> None:
        with cast.house.write() as uow:
            from app import events

            row = uow.session.scalars(sa.select(Source).where(Source.name == "corp")).one()
            row.settings = {**row.settings, "unreadable": group}
            uow.record(events.SourceChanged(subject=row.public_id, keys=("unreadable",)))

    later(cast)
    cast.put("corp", "payroll", "alice", by="mallory")
    unreadable("corp-payroll")
    later(cast)
    assert cast.sync("corp") == "incomplete"
    assert findings(cast) == []
    unreadable("")
    later(cast)
    cast.sync("corp")
    assert the_finding(cast)["actor"] == "Mallory"


def test_what_we_did_ourselves_is_never_told_as_drift_of_somebody(cast: Cast) -> None:
    ask(cast, "alice")
    cast.breaks("corp", "half_done")
    approve(cast, "bob", "carol")
    cast.house.drain()
    assert cast.holds("corp", "payroll", "alice")
    with cast.house.write() as uow:  # as it is once every try has failed
        grants.fail(uow, grant_id=uow.session.scalars(sa.select(Grant.id)).one(), code="away")
    cast.breaks("corp")
    cast.sync("corp")
    assert the_finding(cast)["kind"] == "appeared"
    assert told(the_finding(cast)) == NOBODY
    assert [(each.is_ours, each.actor_name) for each in deeds(cast)] == [(True, "Attestry")]


def test_we_are_known_in_a_log_by_our_account_or_by_our_client(cast: Cast) -> None:
    with cast.house.read() as reading, reading.session.no_autoflush:
        source = reading.session.scalars(sa.select(Source).where(Source.name == "corp")).one()
        source.settings = {**source.settings, "client_id": "0oaClient"}
        found = logs.place(reading, source, last_run(cast))
    assert found is not None
    assert found.own == {"corp-svc-attestry", "0oaClient"}


def test_a_log_that_cannot_be_read_costs_a_run_nothing_but_a_note(cast: Cast) -> None:
    for way, note in (
        ("log_denied", ["log_unread"]),
        ("log_forgetful", ["log_begun_anew"]),
        ("", []),
    ):
        cast.breaks("corp", *filter(None, (way,)))
        later(cast)
        assert cast.sync("corp") == "complete", way
        assert notes(cast) == note, way


def test_what_was_read_of_a_log_that_breaks_off_is_kept_and_gone_on_from(cast: Cast) -> None:
    later(cast)
    cast.take("corp", "staff", "alice", by="mallory")
    for _ in range(30):
        cast.put("corp", "staff", "alice", by="mallory")
        cast.take("corp", "staff", "alice", by="mallory")
    cast.breaks("corp", "log_broken")
    cast.sync("corp")
    assert (notes(cast), len(deeds(cast))) == (["log_unread"], 50)
    cast.breaks("corp", "network")  # the read itself breaks off: what the log told is kept
    later(cast)
    assert cast.sync("corp") == "failed"
    assert len(deeds(cast)) == 61


def test_reading_a_quiet_log_writes_nothing(cast: Cast) -> None:
    drift(cast)
    with cast.house.read() as reading:
        before = reading.session.scalars(sa.select(SourceLog.cursor)).all()
    cast.sync("corp")
    with cast.house.read() as reading:
        assert reading.session.scalars(sa.select(SourceLog.cursor)).all() == before
    assert len(entries(cast, "directory.log_told")) == 1


def test_the_log_of_a_source_is_not_read_if_that_is_set_and_what_it_told_goes_with_time(
    cast: Cast,
) -> None:
    drift(cast)
    assert len(deeds(cast)) == 1
    cast.house.later(minutes=60 * 24 * 29)
    assert len(deeds(cast)) == 1
    cast.house.later(minutes=60 * 24 * 2)
    assert deeds(cast) == []
    assert findings(cast)[0]["actor"] == "Mallory"  # what it explained stays told
    path = "/sources/corp/reading"
    answer = cast.call("frank")("PUT", path, {"log_days": 0})
    assert (answer.status_code, answer.get_json()["log_days"]) == (200, 0)
    drift(cast, "dana")
    assert deeds(cast) == []
    assert told(findings(cast)[0]) == NOBODY
    assert notes(cast) == []


def test_who_is_named_can_be_erased_and_stays_erased(cast: Cast) -> None:
    done_at = drift(cast)
    with cast.house.write(cast.actor("frank")) as uow:
        erasing.erase(uow, subject=cast.identity("mallory").public_id, reason="By right.")
    found = the_finding(cast)
    assert (found["done_at"][:19], found["actor"], found["actor_account"]) == (
        done_at[:19],
        None,
        None,
    )
    cast.breaks("corp", "log_repeated")
    drift(cast, "dana", by="bob")
    mine = next(each for each in findings(cast) if each["account"] == "Alice")
    assert mine["actor"] is None
    with cast.house.read() as reading:
        names = reading.session.scalars(
            sa.select(LedgerDisclosure.value).where(LedgerDisclosure.field == "actor_name")
        ).all()
    assert names == ["Bob"]
    assert {each.actor_name for each in deeds(cast)} == {None, "Bob"}
