"""Pages of sources and their reads: how each stands, and what a parked one waits for."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest

from app.directory import service
from app.directory.queries import connection
from app.directory.service import live_source
from connectors.memory.state import changing
from connectors.records import Group as ShownGroup
from support.cast import PEOPLE, Cast, members
from support.statements import counted
from support.visitor import Visitor

READING = "/sources/corp/reading"


def visitor(cast: Cast, who: str = "frank") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def test_sources_say_how_they_stand_and_which_are_simulated(cast: Cast) -> None:
    text = visitor(cast).page("/sources")
    assert 'href="/sources/corp"' in text
    assert "Simulated: its state is a file" in text
    assert "Complete" in text


def test_a_source_is_read_by_its_button_and_the_page_waits_for_the_end(cast: Cast) -> None:
    frank = visitor(cast)
    answer = frank.submit("/sources/corp/sync", on="/sources/corp")
    assert answer.status_code == 303
    run = answer.headers["Location"]
    assert "It is being read" in frank.page(run)
    assert "HX-Refresh" not in frank.get(f"{run}/now").headers
    cast.house.drain()
    assert frank.get(f"{run}/now").headers["HX-Refresh"] == "true"
    assert "Memberships" in frank.page(run)


def test_a_second_read_beside_the_first_is_refused_in_words(cast: Cast) -> None:
    frank = visitor(cast)
    frank.submit("/sources/corp/sync", on="/sources/corp")
    assert frank.submit("/sources/corp/sync", on="/sources/corp").status_code == 409


def test_a_disabled_source_offers_no_read(cast: Cast) -> None:
    frank = visitor(cast)
    assert frank.submit("/sources/corp/disable", on="/sources/corp").status_code == 303
    text = frank.page("/sources/corp")
    assert "Disabled" in text
    assert "Read it now" not in text


def test_a_source_or_a_read_that_is_not_there_is_not_found(cast: Cast) -> None:
    frank = visitor(cast)
    frank.page("/sources/nothing", 404)
    frank.page("/sync-runs/nothing", 404)


def wanted(cast: Cast, **more: str) -> dict[str, str]:
    """Return what is typed to connect a third source, a copy of corp."""
    copy = cast.house.home / "third.json"
    copy.write_bytes(cast.file("corp").read_bytes())
    return {"kind": "memory", "name": "third", "key.path": str(copy), "key.flavour": "", **more}


@pytest.mark.parametrize("page", ["/sources/new?kind=memory", "/sources/corp/settings"])
def test_a_fresh_sign_in_is_asked_for_before_secrets_are_typed(cast: Cast, page: str) -> None:
    frank = visitor(cast)
    assert frank.get(page).status_code == 200
    cast.house.clock.advance(timedelta(minutes=20))
    answer = frank.get(page)
    assert answer.status_code == 303
    assert "step_up=1" in answer.headers["Location"]
    assert quote(page, safe="") in answer.headers["Location"]


def test_what_a_source_has_to_be_told_is_called_by_its_proper_name(cast: Cast) -> None:
    text = visitor(cast).page("/sources/new?kind=active_directory")
    labels = re.findall(r"<label for=[^>]*>([^<]*)", text)
    assert {"Address", "Base DN", "Bind DN", "CA file"} <= {each.strip() for each in labels}


def test_a_source_is_tried_and_connected_and_read_on_its_page(cast: Cast) -> None:
    frank = visitor(cast)
    assert 'href="/sources/new?kind=okta"' in frank.page("/sources/new")
    answer = frank.submit("/sources/new", wanted(cast), on="/sources/new?kind=memory")
    assert answer.headers["Location"] == "/sources/third"
    text = frank.page("/sources/third")
    assert "Nothing is read yet" in text
    assert "It was never read" in text
    run = frank.submit("/sources/third/sync", on="/sources/third").headers["Location"]
    cast.house.drain()
    assert "First read of this source" in frank.page(run)
    assert ">First<" in frank.page("/sources/third")


def test_a_form_sent_twice_connects_one_source(cast: Cast) -> None:
    frank = visitor(cast)
    typed = wanted(cast, once="the-same-key")
    for _ in range(2):
        answer = frank.submit("/sources/new", typed, on="/sources/new?kind=memory")
        assert answer.headers["Location"] == "/sources/third"
    assert cast.call("frank").get("/sources")["items"][-1]["name"] == "third"


def test_what_cannot_be_used_is_not_kept_and_the_reason_stands_on_the_page(cast: Cast) -> None:
    frank = visitor(cast)
    gone = wanted(cast) | {"key.path": str(cast.house.home / "nowhere.json")}
    answer = frank.submit("/sources/new", gone, on="/sources/new?kind=memory")
    assert answer.status_code in {409, 422}
    assert "nowhere.json" in answer.text
    frank.page("/sources/third", 404)


def test_a_source_can_be_kept_untried_and_checked_later(cast: Cast) -> None:
    frank = visitor(cast)
    gone = wanted(cast, untried="yes") | {"key.path": str(cast.house.home / "nowhere.json")}
    frank.submit("/sources/new", gone, on="/sources/new?kind=memory")
    assert "Check it before you read it" in frank.page("/sources/third")
    answer = frank.submit("/sources/third/check", on="/sources/third")
    assert answer.status_code == 409
    assert "nowhere.json" in answer.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": " third "}, "name"),
        ({"name": "new"}, "name"),
        ({"name": ".."}, "name"),
        ({"key.path": ""}, "key.path"),
        ({"kind": "sharepoint"}, "kind"),
        ({"kind": ""}, "kind"),
    ],
)
def test_each_error_stands_at_its_field_and_the_rest_stays(
    cast: Cast, typed: dict[str, str], field: str
) -> None:
    frank = visitor(cast)
    answer = frank.submit("/sources/new", wanted(cast) | typed, on="/sources/new?kind=memory")
    assert answer.status_code == 422
    if field == "kind":
        assert "Choose one of the kinds" in answer.text
    else:
        assert f'id="f-{field}-error"' in answer.text
    assert [each["name"] for each in cast.call("frank").get("/sources")["items"]] == [
        "corp",
        "cloud",
    ]


def test_an_odd_name_is_a_name(cast: Cast) -> None:
    frank = visitor(cast)
    for number, name in enumerate(
        ("<script>x()</script>?#".replace("/", ""), "\u0645\u0631 \U0001f98a")
    ):
        typed = wanted(cast) | {"name": name}
        answer = frank.submit("/sources/new", typed, on="/sources/new?kind=memory")
        assert answer.status_code == 303, number
        text = frank.page(answer.headers["Location"])
        assert "<script>x()" not in text
    assert "<script>x()" not in frank.page("/sources")


SECRET = "hunter2-<\u0645>-very-long-secret"


def test_a_secret_never_comes_back(cast: Cast) -> None:
    frank = visitor(cast)
    typed = {
        "kind": "okta",
        "name": "org",
        "key.org_url": "https://org.example.test",
        "key.token": SECRET,
        "key.private_key": SECRET,
        "key.client_id": "0oa1",
    }
    refused = frank.submit("/sources/new", typed | {"name": "a/b"}, on="/sources/new?kind=okta")
    assert refused.status_code in {409, 422}
    assert "hunter2" not in refused.text
    typed.pop("key.private_key")
    typed.pop("key.client_id")
    kept = frank.submit("/sources/new", typed | {"untried": "y"}, on="/sources/new?kind=okta")
    assert kept.status_code == 303, kept.text
    for path in ("/sources/org", "/sources/org/settings", "/sources"):
        assert "hunter2" not in frank.page(path)
    with cast.house.read() as reading:
        source = live_source(reading, "org")
        assert SECRET.encode() not in (source.sealed_secrets or b"")
        _, _, secrets = connection(reading, source.id, cast.house.house.seal)
    assert secrets == {"token": SECRET}
    changed = {
        "version": "1",
        "key.org_url": "https://b.example.test",
        "key.token": "",
        "untried": "y",
    }
    assert frank.submit("/sources/org/settings", changed, on="/sources/org").status_code == 303
    with cast.house.read() as reading:
        _, settings, secrets = connection(reading, source.id, cast.house.house.seal)
    assert secrets == {"token": SECRET}
    assert settings["org_url"] == "https://b.example.test"


def test_settings_are_tried_changed_and_not_overwritten_by_a_stale_page(cast: Cast) -> None:
    frank = visitor(cast)
    path = "/sources/corp/settings"
    version = re.findall(r'name="version" value="(\d+)"', frank.page(path))[0]
    typed = {"version": version, "key.path": str(cast.file("corp"))}
    broken = typed | {"key.path": "/nowhere/at-all.json"}
    refused = frank.submit(path, broken, on=path)
    assert refused.status_code in {409, 422}
    assert 'value="/nowhere/at-all.json"' in refused.text
    moved = frank.submit(path, typed | {"key.flavour": "okta"}, on=path)
    assert moved.status_code == 303, moved.text
    stale = frank.submit(path, typed | {"key.flavour": "directory"}, on=path)
    assert stale.status_code == 409
    assert "Look at what it says now" in stale.text


def test_a_check_says_in_sentences_what_works(cast: Cast) -> None:
    answer = visitor(cast).submit("/sources/corp/check", on="/sources/corp")
    assert answer.status_code == 200
    assert "It can be used." in answer.text
    assert ">Works<" in re.sub(r"<svg.*?</svg>", "", answer.text)


def test_a_disabled_source_is_enabled_again(cast: Cast) -> None:
    frank = visitor(cast)
    frank.submit("/sources/corp/disable", on="/sources/corp")
    assert frank.submit("/sources/corp/enable", on="/sources/corp").status_code == 303
    assert "Read it now" in frank.page("/sources/corp")


@pytest.mark.parametrize("path", ["/sources/new", "/sources/corp/settings"])
def test_whoever_may_not_change_sources_opens_no_form_and_sends_none(cast: Cast, path: str) -> None:
    dana = visitor(cast, "dana")
    dana.page(path, 403)
    assert dana.submit(path, wanted(cast)).status_code == 403
    text = dana.page("/sources/corp")
    assert "Check it" not in text
    assert "/settings" not in text.split('id="main"')[1]
    assert "Connect a source" not in dana.page("/sources")
    for act in ("check", "disable", "enable", "sync"):
        assert dana.submit(f"/sources/corp/{act}").status_code == 403


@pytest.mark.parametrize("path", ["/sources", "/sources/corp"])
def test_a_page_costs_as_many_statements_after_many_reads(cast: Cast, path: str) -> None:
    frank = visitor(cast)
    frank.page(path)
    with counted(cast.house) as before:
        frank.page(path)
    for _ in range(3):
        cast.sync("corp")
    with counted(cast.house) as after:
        frank.page(path)
    assert len(after) == len(before) <= 8


def started(cast: Cast) -> str:
    """Ask for a read of corp by its button, and return the address of the read."""
    address: str = (
        visitor(cast).submit("/sources/corp/sync", on="/sources/corp").headers["Location"]
    )
    return address


def test_a_read_shows_by_name_what_it_changed(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.take("corp", "ledger", "bob")
    cast.edit("corp", "carol", title="Chief")
    run = started(cast)
    cast.house.drain()
    text = re.sub(r"\s+", " ", visitor(cast).page(run))
    assert "Joins a group" in text
    assert "Leaves a group" in text
    assert 'Account changes</span><div class="small sub">title</div>' in text
    assert "Alice (alice)" in text
    assert "<bdi>Frank</bdi></a></dd>" in text  # who asked for it
    assert "Bob (bob)" in text
    assert f'href="/groups/{cast.group("corp", "payroll").public_id}"' in text


def test_a_read_that_changed_nothing_says_so(cast: Cast) -> None:
    run = started(cast)
    cast.house.drain()
    assert "exactly what was known already" in visitor(cast).page(run)


def test_many_changes_come_in_parts_at_the_same_cost(cast: Cast) -> None:
    with changing(cast.file("corp")) as state:
        names = [f"corp-more-{number}" for number in range(40)]
        state.add(
            groups=[ShownGroup(name, name, "security") for name in names],
            members={name: members("corp", "alice", "bob") for name in names},
        )
    run = started(cast)
    cast.house.drain()
    frank = visitor(cast)
    with counted(cast.house) as few:
        first = frank.page(run)
    rest = unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    with counted(cast.house) as more:
        second = frank.page(rest)
    assert len(more) == len(few) <= 15  # three of them ask who did it, as the log tells
    third = frank.page(unescape(re.findall(r'rel="next" href="([^"]+)"', second)[0]))
    assert 'rel="next"' not in third
    shown = [
        len(re.findall(r"<tr><td><span class=\"badge", each)) for each in (first, second, third)
    ]
    assert sum(shown) == 40 + 80
    frank.page(f"{run}?cursor=nonsense", 422)


def parked(cast: Cast) -> str:
    """Have a read wait for a person: Eve is gone from corp, and the read was asked to wait."""
    frank = visitor(cast)
    with changing(cast.file("corp")) as state:
        del state.accounts["corp-eve"]
        for found in state.members.values():
            found.pop("corp-eve", None)
    answer = frank.submit("/sources/corp/sync", {"how": "dry"}, on="/sources/corp")
    cast.house.drain()
    run: str = answer.headers["Location"]
    return run


def test_a_parked_read_shows_what_it_would_do_and_is_accepted_or_refused(cast: Cast) -> None:
    run = parked(cast)
    frank = visitor(cast)
    assert 'hx-trigger="load"' in frank.page(run)
    text = frank.page(f"{run}?changes=1")
    assert "Account ends" in text
    assert "(eve)" in text
    assert "Leaves a group" in text
    assert frank.submit(f"{run}/accept", on=run).status_code == 303
    again = frank.submit(f"{run}/accept", on=run)
    assert again.status_code == 409
    assert "(eve)" in frank.page(run)
    other = parked_again(cast)
    assert frank.submit(f"{other}/refuse", on=other).status_code == 303
    assert "Refused" in frank.page(other)


def parked_again(cast: Cast) -> str:
    cast.put("corp", "payroll", "alice")
    answer = visitor(cast).submit("/sources/corp/sync", {"how": "dry"}, on="/sources/corp")
    cast.house.drain()
    run: str = answer.headers["Location"]
    return run


def test_whoever_may_not_judge_a_read_sees_it_and_no_button(cast: Cast) -> None:
    run = parked(cast)
    dana = visitor(cast, "dana")
    text = dana.page(f"{run}?changes=1")
    assert "Account ends" in text
    assert "Store exactly this" not in text
    assert dana.submit(f"{run}/accept").status_code == 403
    visitor(cast, "alice").page(run, 403)


def test_a_failed_read_says_what_to_do_next(cast: Cast) -> None:
    cast.file("corp").write_bytes(b"nonsense")
    run = started(cast)
    cast.house.drain()
    assert "Check the source" in visitor(cast).page(run)


def test_when_a_source_is_read_by_itself_is_shown_and_changed_on_its_page(cast: Cast) -> None:
    frank = visitor(cast)
    assert "Every 15 minutes" in frank.page("/sources/corp")
    typed = {
        "delta_minutes": "5",
        "full_hours": "12",
        "most_accounts_percent": "10",
        "most_memberships_percent": "10",
        "most_of_group_percent": "40",
        "large_group": "200",
    }
    wrong = frank.submit("/sources/corp/reading", typed | {"full_hours": "0"}, on=READING)
    assert wrong.status_code == 422
    assert "from 1 to 168" in wrong.text.split('id="f-full_hours-error"')[1]
    assert frank.submit("/sources/corp/reading", typed, on=READING).status_code == 303
    assert "Every 5 minutes" in frank.page("/sources/corp")


def test_a_group_that_cannot_be_read_is_named_on_the_run_and_left_out_there(cast: Cast) -> None:
    with cast.house.write() as uow:
        service.set_source(
            uow,
            cast.house.house.seal,
            name="corp",
            settings={"unreadable": "corp-payroll"},
            secrets={},
        )
        public_id = service.request_sync(uow, source_name="corp", full=True).public_id
    cast.house.drain()
    frank = visitor(cast)
    run = f"/sync-runs/{public_id}"
    shown = frank.page(run)
    assert "Groups whose members could not be read" in shown
    assert "Payroll" in shown
    typed = {"group": "corp-payroll", "reason": "Its owner keeps it secret."}
    assert frank.submit("/sources/corp/exclusions", typed, on=run).status_code == 303
    assert "Left out by name" in frank.page(run)
    source = frank.page("/sources/corp")
    lift = source.split("/sources/corp/exclusions/")[1].split('"')[0]
    address = f"/sources/corp/exclusions/{lift}"
    assert frank.submit(address, on="/sources/corp").status_code == 303
    assert "Left out by name" not in frank.page("/sources/corp")
