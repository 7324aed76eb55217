"""Find anything: whatever is called so or has this id, for whoever may see it."""

import re
from urllib.parse import quote

import pytest

from integration.requests.steps import ask
from support.cast import PEOPLE, Cast
from support.statements import counted
from support.visitor import Visitor


def visitor(cast: Cast, who: str = "olga") -> Visitor:
    return Visitor(cast.house.app()).sign_in(cast.house.tx, PEOPLE[who][0])


def found(who: Visitor, words: str) -> list[str]:
    """Return the addresses of what the page finds."""
    text = who.page(f"/find?q={quote(words)}").split('id="main"')[1]
    return re.findall(r'<a class="lnk b" href="([^"]+)"', text)


@pytest.mark.parametrize("words", ["lic", "ALICE", "alice@example.test", "1001", "alice"])
def test_people_are_found_by_name_mail_number_and_login(cast: Cast, words: str) -> None:
    assert f"/identities/{cast.identity('alice').public_id}" in found(visitor(cast), words)


def test_groups_sources_and_requests_are_found_by_name(cast: Cast) -> None:
    request = ask(cast)["id"]
    olga = visitor(cast)
    assert f"/groups/{cast.group('corp', 'payroll').public_id}" in found(olga, "payr")
    assert f"/requests/{request}" in found(olga, "payr")
    assert found(olga, "corp") == ["/sources/corp"]


def test_an_id_that_was_copied_leads_to_its_page(cast: Cast) -> None:
    olga = visitor(cast)
    request = ask(cast)["id"]
    run = cast.call("olga").get("/sources")["items"][0]["last_run"]
    for path in (
        f"/identities/{cast.identity('bob').public_id}",
        f"/groups/{cast.group('corp', 'staff').public_id}",
        f"/requests/{request}",
        f"/sync-runs/{run}",
    ):
        assert found(olga, path.rsplit("/", 1)[1]) == [path]
        olga.page(path)


def test_whoever_may_not_see_it_does_not_find_it(cast: Cast) -> None:
    mine = ask(cast)["id"]
    assert found(visitor(cast, "mallory"), "payr") == []
    assert found(visitor(cast, "mallory"), "alice") == []
    assert found(visitor(cast, "mallory"), mine) == []
    assert found(visitor(cast, "alice"), "payr") == [f"/requests/{mine}"]


def test_the_field_in_the_top_bar_gets_options_only(cast: Cast) -> None:
    answer = visitor(cast).get("/find?q=alice", hx_request="true").get_data(as_text=True)
    assert "<html" not in answer
    address = f"/identities/{cast.identity('alice').public_id}"
    assert f'role="option" id="found-1" aria-selected="false" data-href="{address}"' in answer
    assert "Nothing is found" in visitor(cast).get("/find?q=zz", hx_request="true").text


@pytest.mark.parametrize(
    "words",
    ["<script>x()</script>", "{{ 7*7 }}", "%_%", "\u0645\u0631\u062d", "x" * 5000, "\U0001f98a"],
)
def test_any_words_can_be_looked_for(cast: Cast, words: str) -> None:
    text = visitor(cast).page(f"/find?q={quote(words)}")
    assert "<script>x()" not in text
    assert ">49<" not in text


def test_too_little_to_look_for_is_said_and_half_a_character_refused(cast: Cast) -> None:
    olga = visitor(cast)
    assert "Write two characters or more" in olga.page("/find?q=a")
    assert "Write two characters or more" in olga.page("/find")
    olga.page("/find?q=a%00bc", 422)


def test_it_costs_as_many_statements_however_much_there_is(cast: Cast) -> None:
    olga = visitor(cast)
    olga.page("/find?q=payr")
    with counted(cast.house) as few:
        olga.page("/find?q=payr")
    for group in ("payroll", "ledger"):
        ask(cast, group=group)
    assert len(few) <= 14
    with counted(cast.house) as many:
        olga.page("/find?q=er")
    assert len(many) == len(few)
