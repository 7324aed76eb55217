"""Pages of people and groups: who there is, what they have by which path, now and then."""

from support.cast import ODD, PEOPLE, Cast
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


def test_access_that_is_new_is_not_shown_in_the_past(cast: Cast) -> None:
    before = cast.house.clock.now()
    cast.house.later(hours=1)
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    olga = visitor(cast)
    path = f"/identities/{identity(cast, 'alice')}"
    link = f'href="/groups/{group(cast, "payroll")}"'
    assert link in olga.page(path)
    then = olga.page(f"{path}?as_of={before:%Y-%m-%dT%H:%M:%SZ}")
    assert "This shows the past." in then
    assert link not in then


def test_a_moment_that_is_none_is_refused_in_words(cast: Cast) -> None:
    text = visitor(cast).page("/identities?as_of=yesterday", 422)
    assert "2026-11-23T09:40:00Z" in text


def test_a_group_shows_its_members(cast: Cast) -> None:
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    olga = visitor(cast)
    path = f"/groups/{group(cast, 'payroll')}"
    assert f'href="/identities/{identity(cast, "alice")}"' in olga.page(path)
    assert "Direct and nested" in olga.page(f"{path}?view=effective")
    assert path in olga.page("/groups?q=payr")
