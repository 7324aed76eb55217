"""What a read changed names who did it in the source, where its log tells; so does an access' life.

The words of the log are the same that the drift inbox goes by, and what it may not conclude is not
concluded here either.
"""

import csv
import io
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import erasing
from app.directory import service as directory
from app.directory.models import SyncRun
from integration.provisioning.test_attributing import drift, last_run, later
from integration.requests.steps import approve, ask
from support.cast import Cast


def changes(cast: Cast) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cast.call("olga").get(
        f"/sync-runs/{last_run(cast).public_id}/changes"
    )["items"]
    return found


def done(cast: Cast, kind: str = "membership.appeared") -> Any:
    (change,) = [each for each in changes(cast) if each["kind"] == kind]
    return change["done"]


def life(cast: Cast, name: str, group: str) -> list[tuple[str, str | None, str]]:
    account, where = cast.account("corp", name), cast.group("corp", group)
    path = f"/evidence/access?account={account.public_id}&group={where.public_id}"
    return [
        (each["what"], each["who"], each["at"][:19])
        for each in cast.call("dana").get(path)["moments"]
    ]


def test_the_changes_of_a_read_name_who_made_them_and_when(cast: Cast) -> None:
    done_at = drift(cast)
    mallory = cast.account("corp", "mallory").public_id
    told = done(cast)
    assert told.pop("at")[:19] == done_at[:19]
    assert told == {
        "by": "Mallory",
        "account": mallory,
        "holder": cast.identity("mallory").public_id,
    }


def test_a_change_that_makes_no_finding_names_who_made_it_as_well(cast: Cast) -> None:
    drift(cast)
    later(cast)
    cast.take("corp", "payroll", "alice", by="bob")  # nobody decided that it should be there
    cast.sync("corp")
    assert done(cast, "membership.ended")["by"] == "Bob"


def test_where_the_log_tells_nothing_nobody_is_named(cast: Cast) -> None:
    drift(cast, by=None)
    later(cast)
    assert done(cast) is None
    cast.edit("corp", "bob", display_name="Robert")
    cast.put("corp", "payroll", "dana", by="mallory")
    later(cast)
    cast.take("corp", "payroll", "dana")  # the last word is not the log's
    cast.put("corp", "payroll", "dana")
    cast.sync("corp")
    assert done(cast, "account.changed") is None


def test_the_last_word_before_the_read_names_who_it_was(cast: Cast) -> None:
    later(cast)
    cast.put("corp", "payroll", "alice", by="eve")
    later(cast)
    cast.take("corp", "payroll", "alice", by="bob")
    drift(cast)
    assert done(cast)["by"] == "Mallory"


def test_a_word_that_says_otherwise_than_the_read_names_nobody(cast: Cast) -> None:
    later(cast)
    cast.put("corp", "payroll", "alice", by="eve")
    later(cast)
    cast.take("corp", "payroll", "alice", by="bob")
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    assert done(cast) is None


def test_what_we_did_ourselves_is_told_as_nobody_elses_doing(cast: Cast) -> None:
    ask(cast, "alice")
    cast.breaks("corp", "half_done")
    approve(cast, "bob", "carol")
    cast.house.drain()
    cast.breaks("corp")
    cast.sync("corp")
    assert all(each["done"] is None for each in changes(cast))


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_parked_read_names_them_before_anybody_judges_it(cast: Cast, is_stored: bool) -> None:
    later(cast)
    cast.put("corp", "payroll", "alice", by="mallory")
    cast.take("corp", "staff", "bob", by="eve")
    with cast.house.write(cast.actor("olga")) as uow:
        run = directory.request_sync(uow, source_name="corp", dry_run=True).public_id
    cast.house.drain()
    if is_stored:
        with cast.house.write(cast.actor("olga")) as uow:
            directory.accept_run(uow, run_id=run)
    assert done(cast)["by"] == "Mallory"
    assert done(cast, "membership.ended")["by"] == "Eve"


def test_a_finding_still_names_them_when_the_log_is_forgotten(cast: Cast) -> None:
    drift(cast)
    run = last_run(cast).public_id
    cast.house.later(minutes=60 * 24 * 31)
    with cast.house.read() as reading:
        assert reading.session.scalar(sa.select(SyncRun.id).where(SyncRun.public_id == run))
    (change,) = cast.call("olga").get(f"/sync-runs/{run}/changes")["items"]
    assert change["done"]["by"] == "Mallory"
    told = [each for each in life(cast, "alice", "payroll") if each[0] == "log.joined"]
    assert [who for _, who, _ in told] == ["Mallory"]


def test_who_was_erased_is_named_no_more_and_that_it_was_done_stays(cast: Cast) -> None:
    done_at = drift(cast)
    with cast.house.write(cast.actor("frank")) as uow:
        erasing.erase(uow, subject=cast.identity("mallory").public_id, reason="By right.")
    assert (done(cast)["at"][:19], done(cast)["by"]) == (done_at[:19], None)
    assert ("log.joined", None, done_at[:19]) in life(cast, "alice", "payroll")


def test_the_life_of_an_access_tells_what_the_log_told_in_its_place(cast: Cast) -> None:
    put_at = drift(cast)
    later(cast)
    taken_at = cast.house.clock.now().isoformat()
    cast.take("corp", "payroll", "alice", by="bob")
    later(cast)
    cast.sync("corp")
    assert [each[:2] for each in life(cast, "alice", "payroll")] == [
        ("log.joined", "Mallory"),
        ("membership.seen", None),
        ("drift.appeared", None),
        ("log.left", "Bob"),
        ("membership.ended", None),
    ]
    assert life(cast, "alice", "payroll")[0][2] == put_at[:19]
    assert life(cast, "alice", "payroll")[3][2] == taken_at[:19]


def test_the_life_of_an_access_tells_what_became_of_the_finding(cast: Cast) -> None:
    from integration.provisioning.test_drift import decide

    drift(cast)
    decide(cast, "adopt")
    told = [each[:2] for each in life(cast, "alice", "payroll")]
    assert ("drift.adopted", "Olga") in told


def test_the_page_and_the_file_of_a_read_say_it_too(cast: Cast) -> None:
    drift(cast)
    later(cast)
    olga, run = cast.house.visitor(cast.identity("olga").public_id), last_run(cast).public_id
    shown = olga.page(f"/sync-runs/{run}")
    assert "By" in shown
    assert f'href="/identities/{cast.identity("mallory").public_id}"' in shown
    assert "in <bdi>corp</bdi>, at" in shown
    sent = olga.submit(f"/sync-runs/{run}/file", on=f"/sync-runs/{run}")
    (line,) = csv.DictReader(io.StringIO(sent.get_data(as_text=True).removeprefix("\ufeff")))
    assert (line["done_by"], line["done_by_account"]) == (
        "Mallory",
        cast.account("corp", "mallory").public_id,
    )
    assert line["done_at"]
