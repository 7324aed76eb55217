"""Pages of people and groups: who there is, what they have by which path, now and then."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from connectors.memory.state import changing
from connectors.records import Group as ShownGroup
from connectors.records import Member, MemberKind
from integration.requests.steps import approve, ask
from support.cast import ODD, PEOPLE, Cast, members
from support.statements import counted
from support.visitor import Visitor


def visitor(cast: Cast, who: str = "olga") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def identity(cast: Cast, name: str) -> str:
    found: str = cast.call("olga").get(f"/identities?q={name}")["items"][0]["id"]
    return found


def group(cast: Cast, name: str) -> str:
    found: str = cast.call("olga").get(f"/groups?q={name}")["items"][0]["id"]
    return found


def test_people_are_found_by_part_of_a_name(cast: Cast) -> None:
    olga = visitor(cast)
    text = olga.page("/identities?q=ali")
    assert f'href="/identities/{identity(cast, "alice")}"' in text
    assert "Carol" not in text
    assert "Nobody is found by this" in olga.page("/identities?q=%23nobody%2C%22")


def test_an_odd_name_is_shown_as_it_is_and_on_its_own(cast: Cast) -> None:
    text = visitor(cast).page(f"/identities/{identity(cast, 'eve')}")
    assert f"<bdi>{ODD.replace(chr(34), '&#34;')}</bdi>" in text


def test_whoever_may_not_read_the_directory_sees_themselves_and_nobody_else(cast: Cast) -> None:
    alice = visitor(cast, "alice")
    alice.page("/identities", 403)
    assert "Effective access" in alice.page(f"/identities/{identity(cast, 'alice')}")
    alice.page(f"/identities/{identity(cast, 'bob')}", 404)


def test_access_that_is_new_is_not_shown_in_the_past_but_as_gained_since(cast: Cast) -> None:
    before = cast.house.clock.now()
    cast.house.later(hours=1)
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    olga = visitor(cast)
    path = f"/identities/{identity(cast, 'alice')}"
    link = f'<a class="lnk b" href="/groups/{group(cast, "payroll")}'
    assert link in olga.page(path)
    then = olga.page(f"{path}?as_of={before:%Y-%m-%dT%H:%M:%SZ}")
    assert "This shows the past." in then
    assert "1 group gained" in then
    assert link not in then


def test_a_moment_is_typed_and_shown_in_the_zone_of_the_reader(cast: Cast) -> None:
    olga = visitor(cast)
    words = {"zone": "Asia/Tokyo", "language": "en"}
    assert olga.submit("/account/preferences", words, on="/account").status_code == 303
    began = cast.house.clock.now()
    cast.house.later(minutes=20)
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    in_tokyo = began + timedelta(hours=9, minutes=10)
    path = f"/identities/{identity(cast, 'alice')}"
    text = olga.page(f"{path}?as_of={in_tokyo:%Y-%m-%dT%H:%M}")
    assert "This shows the past." in text
    assert "1 group gained" in text
    assert f'value="{in_tokyo:%Y-%m-%dT%H:%M}"' in text
    assert "In Asia/Tokyo" in text


def test_accounts_are_shown_as_they_were_and_taken_so_as_a_file(cast: Cast) -> None:
    before = cast.house.clock.now()
    cast.house.later(hours=1)
    cast.edit("corp", "eve", login="eve.m")
    cast.sync("corp")
    olga = visitor(cast)
    asked = f"as_of={before:%Y-%m-%dT%H:%M:%SZ}"
    then = olga.page(f"/accounts?{asked}")
    assert "This shows the past." in then
    assert "<bdi>eve</bdi>" in then
    assert "eve.m" not in then
    assert "eve.m" in olga.page("/accounts")
    fields = {"q": "eve", "as_of": f"{before:%Y-%m-%dT%H:%M:%SZ}"}
    file = olga.submit("/accounts/file", fields, on="/accounts").get_data(as_text=True)
    assert "eve.m" not in file
    assert ",eve," in file
    refused = olga.page("/accounts?as_of=yesterday", 422)
    assert "Write a date and a time" in refused.split('id="f-as_of-error"')[1]


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("yesterday", "Write a date and a time"),
        ("2026-02-30T10:00", "Write a date and a time"),
        ("0001-01-01T00:00+14:00", "Write a date and a time"),
        ("9999-01-01T00:00", "This is still to come"),
        ("<script>alert(1)</script>", "Write a date and a time"),
        ("\u0663\U0001f98a\u202e", "Write a date and a time"),
    ],
)
def test_a_moment_that_is_none_is_told_at_its_field(cast: Cast, moment: str, said: str) -> None:
    olga = visitor(cast)
    path = f"/identities/{identity(cast, 'alice')}"
    text = olga.page(f"{path}?as_of={quote(moment)}", 422)
    assert said in text.split('id="f-as_of-error"')[1]
    assert "<script>alert" not in text
    assert said in olga.page(f"/identities?as_of={quote(moment)}", 422)


def test_who_was_not_known_then_is_shown_as_now_and_that_is_said(cast: Cast) -> None:
    text = visitor(cast).page(f"/identities/{identity(cast, 'alice')}?as_of=2020-01-01T00:00", 422)
    assert "Nothing was known of this then" in text
    assert "Effective access" in text


def test_history_tells_when_access_began_and_ended_and_which_read_found_it(cast: Cast) -> None:
    cast.house.later(hours=1)
    cast.take("corp", "payroll", "eve")
    cast.sync("corp")
    olga = visitor(cast)
    for path in (f"/identities/{identity(cast, 'eve')}", f"/groups/{group(cast, 'payroll')}"):
        text = olga.page(f"{path}?view=history")
        assert "Read that found it gone" in text
        assert "There at the start" in text
        run = re.findall(r'href="(/sync-runs/[^"]+)"', text)[0]
        olga.page(run)


def test_access_by_request_leads_to_its_request(cast: Cast) -> None:
    request = ask(cast)["id"]
    approve(cast, "bob", "carol")
    cast.house.drain()
    cast.sync("corp")
    text = visitor(cast).page(f"/identities/{identity(cast, 'alice')}")
    assert f'<a class="lnk" href="/requests/{request}">' in text
    alice = visitor(cast, "alice")
    assert f'href="/requests/{request}"' in alice.page(f"/identities/{identity(cast, 'alice')}")
    alice.page(f"/requests/{request}")


def test_somebody_who_may_not_read_groups_is_led_to_none(cast: Cast) -> None:
    text = visitor(cast, "eve").page(f"/identities/{identity(cast, 'eve')}")
    assert 'href="/groups/' not in text
    assert 'href="/identities"' not in text


@pytest.mark.parametrize("path", ["/identities", "/groups"])
def test_a_list_takes_any_words_and_runs_none_of_them(cast: Cast, path: str) -> None:
    olga = visitor(cast)
    for words in ("<script>x()</script>", "{{ 7*7 }}", "%_%", "مرحبا", "🦊"):
        text = olga.page(f"{path}?q={quote(words)}")
        assert "<script>x()" not in text
        assert ">49<" not in text
    olga.page(f"{path}?q={'x' * 201}", 422)
    olga.page(f"{path}?q=ali&cursor=nonsense", 422)
    olga.page(f"{path}?limit=many", 422)
    olga.page(f"{path}?q=ali&unheard-of=1")


def test_a_list_goes_on_where_it_ended(cast: Cast) -> None:
    olga = visitor(cast)
    first = olga.page("/identities?limit=3")
    rest = unescape(re.findall(r'rel="next" href="([^"]+)"', first)[0])
    shown = set(re.findall(r'href="(/identities/[^"?]+)', first))
    assert shown.isdisjoint(
        re.findall(r'<a class="b lnk" href="(/identities/[^"?]+)', olga.page(rest))
    )


@pytest.mark.parametrize(
    "path",
    [
        "/identities",
        "/groups",
        "/identities/{alice}",
        "/groups/{staff}",
        "/groups/{staff}?view=effective",
        "/groups/{staff}?view=history",
        "/identities/{alice}?view=history",
        "/identities/{alice}?as_of=2026-03-02T08:30",
    ],
)
def test_a_page_costs_as_many_statements_however_much_there_is(cast: Cast, path: str) -> None:
    cast.house.later(hours=2)
    olga = visitor(cast)
    address = path.format(alice=identity(cast, "alice"), staff=group(cast, "staff"))
    olga.page(address)
    with counted(cast.house) as before:
        olga.page(address)
    with changing(cast.file("corp")) as state:
        names = [f"corp-more-{number}" for number in range(30)]
        state.add(
            groups=[ShownGroup(name, name, "security") for name in names],
            members={name: members("corp", "alice", "bob") for name in names}
            | {names[0]: [Member("corp-staff", MemberKind.GROUP)]},
        )
    cast.house.later(minutes=1)
    cast.sync("corp")
    olga.page(address)  # notes the click
    with counted(cast.house) as after:
        olga.page(address)
    assert len(after) == len(before)
    assert len(after) <= 18


def test_a_group_shows_its_members(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    olga = visitor(cast)
    path = f"/groups/{group(cast, 'payroll')}"
    assert f'href="/identities/{identity(cast, "alice")}"' in olga.page(path)
    assert "Direct and nested" in olga.page(f"{path}?view=effective")
    assert path in olga.page("/groups?q=payr")


def test_a_group_shows_its_owner_and_what_it_is_nested_in(cast: Cast) -> None:
    olga = visitor(cast)
    text = olga.page(f"/groups/{group(cast, 'payroll')}")
    assert f'<a class="lnk" href="/identities/{identity(cast, "carol")}"><bdi>Carol</bdi>' in text
    assert "Not nested" in text
    staff = olga.page(f"/groups/{group(cast, 'staff')}")
    assert f'href="/groups/{group(cast, "everyone")}"' in staff
    assert "Is in" in staff


def test_what_is_no_group_is_said_to_be_what_it_is_and_that_it_is_not_changed_from_here(
    cast: Cast,
) -> None:
    with changing(cast.file("cloud")) as state:
        wiki = ShownGroup("cloud-wiki", "Wiki", "APPLICATION", is_writable=False)
        inside = [*members("cloud", "eve"), Member("cloud-crm", MemberKind.GROUP)]
        state.add(groups=[wiki], members={"cloud-wiki": inside})
        state.groups["cloud-crm"] = replace(state.groups["cloud-crm"], rule="all of sales")
    assert cast.sync("cloud") == "complete"
    olga = visitor(cast)
    told = olga.page(f"/groups/{group(cast, 'Wiki')}")
    assert "Application" in told
    assert "It is read only." in told
    assert "Nobody can ask for it" in olga.page(f"/entitlements/{group(cast, 'Wiki')}")
    ruled = olga.page(f"/groups/{group(cast, 'CRM')}")
    assert "Removal is not automatic." in ruled
    assert "all of sales" in ruled
    listed = olga.page("/groups")
    assert "Application" in listed
    assert "Removal not automatic" in listed
    way = olga.page(f"/identities/{identity(cast, 'bob')}")
    assert re.search(r"CRM</bdi></a>\s*<span[^>]*>→</span>\s*<a[^>]*><bdi>Wiki", way)


def test_a_last_sign_in_is_shown_with_its_age_and_how_late_it_may_be(cast: Cast) -> None:
    late = {"lastSignInFrom": "lastLogonTimestamp, up to 14 days late"}
    seen = cast.house.clock.now() - timedelta(days=20)
    cast.edit("corp", "alice", last_sign_in_at=seen, attributes=late)
    cast.sync("corp")
    told = visitor(cast).page(f"/identities/{identity(cast, 'alice')}")
    assert "up to 14 days late" in told
    assert "ago" in told
    listed = visitor(cast).page("/accounts?q=alice")
    assert "up to 14 days late" in listed
