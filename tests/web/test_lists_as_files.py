"""Lists of the directory are searched, and taken away as files that hold what the page shows."""

import csv
import io
from typing import Any

import pytest

from app.directory import service
from app.directory.domain import CaseState
from app.directory.models import Case
from app.events import CasesFound
from app.web import sheets
from connectors.memory.state import changing
from connectors.records import Group as ShownGroup
from support.cast import PEOPLE, Cast, members
from support.statements import counted
from support.visitor import Visitor


def visitor(cast: Cast, who: str = "frank") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def taken(who: Visitor, path: str, on: str, **typed: str) -> list[dict[str, str]]:
    answer = who.submit(path, typed, on=on)
    assert answer.content_type == "text/csv; charset=utf-8", answer.get_data(as_text=True)[:500]
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def listed(cast: Cast, path: str) -> list[dict[str, Any]]:
    """Return all of a list of the API, part by part."""
    found = cast.call("frank").get(path)
    items: list[dict[str, Any]] = found["items"]
    while found["next_cursor"]:
        found = cast.call("frank").get(f"{path}&cursor={found['next_cursor']}")
        items += found["items"]
    return items


def doubt(cast: Cast, *logins: str) -> None:
    """Put accounts in doubt, as a read that finds a near match does."""
    with cast.house.write() as uow:
        found = CasesFound(subject=uow.ids.new(), opened=len(logins), changed=0, gone=0)
        uow.record(found)
        for login in logins:
            account = cast.account("corp", login)
            uow.session.add(
                Case(
                    public_id=uow.ids.new(),
                    account_id=account.id,
                    code="near_match",
                    detail="It fits one.",
                    candidates=[],
                    state=CaseState.OPEN,
                    opened_at=uow.now,
                )
            )


def test_cases_are_found_by_login_and_taken_as_filtered(cast: Cast) -> None:
    doubt(cast, "alice", "bob", "carol")
    frank = visitor(cast)
    text = frank.page("/cases?q=ALI")
    assert "alice" in text
    assert "Bob" not in text
    assert "No case is found by this" in frank.page("/cases?q=%25")
    assert [row["login"] for row in taken(frank, "/cases/file", "/cases", q="ali")] == ["alice"]
    found = cast.call("frank").get("/cases?q=bob")["items"]
    assert [each["account"]["login"] for each in found] == ["bob"]
    with counted(cast.house) as few:
        frank.page("/cases?q=ali")
    with counted(cast.house) as many:
        frank.page("/cases?q=o")
    assert len(few) == len(many)


def test_sources_are_found_by_name_and_taken_without_their_settings(cast: Cast) -> None:
    frank = visitor(cast)
    assert 'href="/sources/cloud"' not in frank.page("/sources?q=CoR")
    assert "No source is found by this" in frank.page("/sources?q=nowhere")
    (row,) = taken(frank, "/sources/file", "/sources", q="cor")
    assert (row["name"], row["kind"], row["last_state"]) == ("corp", "memory", "complete")
    assert not {"settings", "path"} & row.keys()
    found = cast.call("frank").get("/sources?q=LOU")["items"]
    assert [each["name"] for each in found] == ["cloud"]


@pytest.mark.parametrize("how", ["stored", "parked"])
def test_the_difference_of_a_read_is_searched_and_taken(cast: Cast, how: str) -> None:
    cast.put("corp", "payroll", "alice", "bob")
    cast.take("corp", "ledger", "bob")
    cast.edit("corp", "carol", title="Chief")
    with changing(cast.file("corp")) as state:
        state.add(groups=[ShownGroup("corp-new", "Newcomers", "security")])
        state.add(members={"corp-new": members("corp", "eve")})
    frank = visitor(cast)
    typed = {"how": "dry"} if how == "parked" else {}
    run = frank.submit("/sources/corp/sync", typed, on="/sources/corp").headers["Location"]
    cast.house.drain()
    whole = taken(frank, f"{run}/file", run)
    assert len(whole) == 6
    for q, kinds in {
        "LEDG": ["membership.ended"],
        "ali": ["membership.appeared"],
        "bob": ["membership.ended", "membership.appeared"],
        "newc": ["group.appeared", "membership.appeared"],
    }.items():
        rows = taken(frank, f"{run}/file", run, q=q)
        assert sorted(row["kind"] for row in rows) == sorted(kinds), q
        assert all(row in whole for row in rows)
        told = listed(cast, f"{run}/changes?q={q}&limit=1")
        assert sorted(each["kind"] for each in told) == sorted(kinds), q
    with counted(cast.house) as few:
        assert "Carol" not in frank.page(f"{run}?q=alice")
    with counted(cast.house) as more:
        frank.page(f"{run}?q=o")
    assert len(few) == len(more)
    assert "Nothing of this read is called so" in frank.page(f"{run}?q=%25")
    frank.page(f"{run}?q={'x' * 201}", 422)


def test_a_large_difference_is_taken_whole_and_a_parked_one_compared_once(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "PART", 2)
    cast.put("corp", "payroll", "alice", "bob", "carol", "dana", "olga")
    frank = visitor(cast)
    run = frank.submit("/sources/corp/sync", {"how": "dry"}, on="/sources/corp")
    cast.house.drain()
    path = run.headers["Location"]
    with counted(cast.house) as statements:
        rows = taken(frank, f"{path}/file", path, q="payr")
    assert len({row["subject"] for row in rows}) == 5
    assert sum("directory_parked_read" in each for each in statements) == 1


def test_the_history_of_somebody_and_of_a_group_is_taken(cast: Cast) -> None:
    cast.house.later(minutes=10)
    cast.take("corp", "payroll", "eve")
    cast.sync("corp")
    olga = visitor(cast, "olga")
    eve = f"/identities/{cast.identity('eve').public_id}"
    payroll = f"/groups/{cast.group('corp', 'payroll').public_id}"
    for path in (eve, payroll):
        assert f'action="{path}/history/file"' in olga.page(f"{path}?view=history")
        rows = taken(olga, f"{path}/history/file", f"{path}?view=history")
        (ended,) = (row for row in rows if row["valid_to"])
        assert (ended["group_name"], ended["login"]) == ("Payroll", "eve")
        assert (bool(ended["run_from"]), bool(ended["run_to"])) == (True, True)
    alice = visitor(cast, "alice")
    assert alice.submit(f"{eve}/history/file", {}, on="/requests").status_code == 404


def test_files_of_the_past_hold_what_was_known_then(cast: Cast) -> None:
    """A read that waited tells of a moment before it was accepted; nobody knew it then."""
    cast.house.later(minutes=10)
    cast.put("corp", "payroll", "alice")
    with cast.house.write(cast.actor("olga")) as uow:
        run = service.request_sync(uow, source_name="corp", dry_run=True).public_id
    cast.house.drain()
    seen = cast.house.clock.now()
    cast.house.later(hours=1)
    with cast.house.write(cast.actor("olga")) as uow:
        service.accept_run(uow, run_id=run)
    olga = visitor(cast, "olga")
    payroll = f"/groups/{cast.group('corp', 'payroll').public_id}"
    alice = f"/identities/{cast.identity('alice').public_id}"
    by_now, by_then = (
        {"as_of": seen.isoformat()},
        {
            "as_of": seen.isoformat(),
            "known_at": seen.isoformat(),
        },
    )
    for then, is_known in ((by_now, True), (by_then, False)):
        logins = [row["login"] for row in taken(olga, f"{payroll}/file", payroll, **then)]
        assert ("alice" in logins) is is_known
        names = [row["name"] for row in taken(olga, f"{alice}/file", alice, **then)]
        assert ("Payroll" in names) is is_known
    assert (
        olga.submit(f"{payroll}/file", {"known_at": seen.isoformat()}, on=payroll).status_code
        == 422
    )
    for kind in ("identities", "groups"):
        assert taken(olga, f"/{kind}/file", f"/{kind}", **by_then)
