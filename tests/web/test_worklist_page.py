"""The worklist as a page: works by forms alone, and says the same to its script."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import brotli
import pytest
from msgspec.structs import replace

from app.reviews import service
from app.reviews.domain import Decision
from app.reviews.worklist import Row, Show, worklist
from connectors.memory.state import changing
from support.finance import (
    COLLEAGUE,
    CREATE,
    MANAGER,
    SAP,
    Finance,
    found_finance,
    launch,
    sync,
)
from support.house import TestHouse
from support.statements import counted
from support.visitor import Visitor

SCRIPT = "<script>alert(1)</script>"
ODD = 'Ω "quoted" \u0645\u0631\u062d\u0628\u0627 \U0001f98a ' + SCRIPT


@pytest.fixture
def finance(house: TestHouse) -> Finance:
    return found_finance(house, people=12)


@pytest.fixture
def dana(finance: Finance) -> Visitor:
    return finance.house.visitor(MANAGER)


def here(finance: Finance, rest: str = "") -> str:
    return f"/reviews/{finance.campaign}{rest}"


def rows(finance: Finance) -> list[Row]:
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
        return [row for section in found.sections for row in section.rows]


def now(finance: Finance, item: str) -> Row:
    return next(row for row in rows(finance) if row.id == item)


def shown(page: str) -> list[str]:
    return [
        found[1]
        for found in re.finditer(r'<li class="it" data-id="([^"]+)"[^>]*>', page)
        if " hidden" not in found[0]
    ]


def press(dana: Visitor, finance: Finance, **form: Any) -> Any:
    return dana.submit(here(finance), form, on=here(finance))


def test_it_opens_on_what_needs_attention_and_everything_is_one_step_away(
    finance: Finance, dana: Visitor
) -> None:
    page = dana.page(here(finance))
    wanted = {row.id for row in rows(finance) if row.fits(Show.ATTENTION)}
    assert set(shown(page)) == wanted
    assert "?by=person&amp;show=all" in page
    assert len(shown(dana.page(here(finance, "?show=all")))) == 120


def test_the_filter_works_without_script(finance: Finance, dana: Visitor) -> None:
    found = shown(dana.page(here(finance, "?show=all&q=treasury+okafor")))
    assert len(found) == 1
    nothing = dana.page(here(finance, "?show=all&q=nobody+at+all"))
    assert shown(nothing) == []
    assert "No item fits this filter" in nothing


def test_nonsense_in_the_address_is_not_taken(finance: Finance, dana: Visitor) -> None:
    page = dana.page(here(finance, "?show=everything&by=colour"))
    assert set(shown(page)) == {row.id for row in rows(finance) if row.fits(Show.ATTENTION)}


def test_keep_undo_and_revoke_work_by_forms(finance: Finance, dana: Visitor) -> None:
    row = rows(finance)[0]
    assert press(dana, finance, do=f"keep:{row.id}:{row.version}").status_code == 303
    assert now(finance, row.id).decision is Decision.KEEP
    kept = now(finance, row.id)
    assert press(dana, finance, do=f"undo:{kept.id}:{kept.version}").status_code == 303
    assert now(finance, row.id).decision is None
    undone = now(finance, row.id)
    answer = press(dana, finance, do=f"revoke:{undone.id}:{undone.version}")
    assert answer.status_code == 303
    asked = dana.page(answer.headers["Location"])
    assert "Why remove this access?" in asked
    sent = dana.submit(
        here(finance, "/revoke"),
        {"item": f"{undone.id}:{undone.version}", "reason": ODD},
        on=answer.headers["Location"],
    )
    assert sent.status_code == 303
    assert now(finance, row.id).reason == ODD
    assert SCRIPT not in dana.page(here(finance, f"/items/{row.id}"))


def test_a_revoke_without_reason_is_asked_again_and_keeps_what_was_chosen(
    finance: Finance, dana: Visitor
) -> None:
    row = rows(finance)[0]
    path = here(finance, f"/revoke?items={row.id}")
    answer = dana.submit(
        here(finance, "/revoke"), {"item": f"{row.id}:{row.version}", "reason": " "}, on=path
    )
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "Say why it is revoked." in page
    assert f"{row.id}:{row.version}" in page


def test_ticked_items_are_kept_together(finance: Finance, dana: Visitor) -> None:
    chosen = rows(finance)[:3]
    press(dana, finance, do="keep", item=[f"{row.id}:{row.version}" for row in chosen])
    assert {now(finance, row.id).decision for row in chosen} == {Decision.KEEP}


def test_nothing_ticked_is_said(finance: Finance, dana: Visitor) -> None:
    answer = press(dana, finance, do="keep")
    assert answer.status_code == 422
    assert "Tick the items first." in answer.get_data(as_text=True)


def test_a_stale_page_overwrites_nothing_and_says_how_it_stands(
    finance: Finance, dana: Visitor
) -> None:
    row = rows(finance)[0]
    press(dana, finance, do=f"keep:{row.id}:{row.version}")
    body = {
        "items": [
            {"id": row.id, "decision": "revoke", "version": row.version, "reason": "Not needed."}
        ]
    }
    answer = dana.send(here(finance, "/decisions"), body, on=here(finance))
    assert answer.status_code == 409
    assert answer.get_json()["current"]["decision"] == "keep"
    assert now(finance, row.id).decision is Decision.KEEP
    by_form = press(dana, finance, do=f"keep:{row.id}:{row.version}")
    assert by_form.status_code == 409
    assert "changed since you looked" in by_form.get_data(as_text=True)


def test_another_ones_list_is_not_there_by_any_door(finance: Finance, dana: Visitor) -> None:
    row = rows(finance)[0]
    omar = finance.house.visitor(COLLEAGUE)
    for path in ("", "/state", f"/items/{row.id}", "/sign-off", "/low-risk"):
        assert omar.get(here(finance, path)).status_code == 404, path
    assert omar.get(here(finance, f"/revoke?items={row.id}")).status_code == 404
    assert omar.get(here(finance, f"/hand-over?items={row.id}")).status_code == 404
    said = {"id": row.id, "decision": "keep", "version": row.version}
    assert omar.send(here(finance, "/decisions"), {"items": [said]}).status_code == 404
    assert omar.send(here(finance, "/samples"), {}).status_code == 404
    assert omar.submit(here(finance, "/sign-off"), {}).status_code == 404
    assert now(finance, row.id).decision is None
    assert dana.get("/reviews/nothing-of-the-kind").status_code == 404


def test_the_state_is_told_only_when_it_has_changed(finance: Finance, dana: Visitor) -> None:
    first = dana.get(here(finance, "/state"))
    assert len(first.get_json()["items"]) == 120
    assert dana.get(here(finance, "/state"), if_none_match=first.headers["ETag"]).status_code == 304
    row = rows(finance)[0]
    press(dana, finance, do=f"keep:{row.id}:{row.version}")
    after = dana.get(here(finance, "/state"), if_none_match=first.headers["ETag"])
    assert after.status_code == 200
    assert [row.id, row.version + 1, "keep", None] in after.get_json()["items"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": [{"id": "x", "decision": "keep", "version": 1}]},
        {"items": [{"decision": "keep"}]},
        {"items": "all"},
        {"items": [], "more": 1},
    ],
)
def test_what_is_no_decision_is_refused_with_every_field(
    finance: Finance, dana: Visitor, body: dict[str, Any]
) -> None:
    answer = dana.send(here(finance, "/decisions"), body, on=here(finance))
    assert answer.status_code == 422
    assert answer.get_json()["errors"]


def test_low_risk_items_are_kept_by_forms_after_five_were_checked(
    finance: Finance, dana: Visitor
) -> None:
    answer = dana.submit(here(finance, "/low-risk"), {}, on=here(finance, "/low-risk"))
    path = answer.headers["Location"]
    page = dana.page(path)
    asked = re.findall(r'name="answer-([^"]+)" value="right"', page)
    items = re.findall(r'name="item" value="([^"]+)"', page)
    assert len(asked) == 5
    answers = {f"answer-{each}": "right" for each in asked[2:]}
    half = dana.submit(path, {**answers, "item": items}, on=path)
    assert half.status_code == 422
    unsure = {f"answer-{each}": "unsure" for each in asked[:2]}
    done = dana.submit(path, {**answers, **unsure, "item": items}, on=path)
    assert done.status_code == 303
    decided = [row for row in rows(finance) if row.decision is Decision.KEEP]
    assert len(decided) == len(items) - 2
    assert {row.id for row in rows(finance) if row.is_unsure} == set(asked[:2])


def test_an_item_is_handed_over_by_forms(finance: Finance, dana: Visitor) -> None:
    row = rows(finance)[0]
    path = here(finance, f"/hand-over?items={row.id}&q=farouk")
    page = dana.page(path)
    person = re.search(r'name="reviewer" value="([^"]+)"', page)
    assert person
    form = {"item": f"{row.id}:{row.version}", "reviewer": person[1], "reason": "Knows the work."}
    assert dana.submit(here(finance, "/hand-over"), form, on=path).status_code == 303
    assert row.id not in {each.id for each in rows(finance)}
    assert finance.house.visitor(COLLEAGUE).page(here(finance)).count('class="it"') == 1


def test_signing_off_waits_for_the_last_item_and_says_first_what_it_does(
    finance: Finance, dana: Visitor
) -> None:
    early = dana.submit(here(finance, "/sign-off"), {}, on=here(finance, "/sign-off"))
    assert early.status_code == 409
    chosen = next(row for row in rows(finance) if row.shown["group_name"] == CREATE)
    said = [
        {
            "id": row.id,
            "decision": "revoke" if row.id == chosen.id else "keep",
            "version": row.version,
            "reason": "Conflicts." if row.id == chosen.id else None,
        }
        for row in rows(finance)
    ]
    assert dana.send(here(finance, "/decisions"), {"items": said}, on="/reviews").status_code == 200
    told = unescape(dana.page(here(finance, "/sign-off")))
    assert CREATE in told
    assert "take away one access" in told
    done = dana.submit(here(finance, "/sign-off"), {}, on=here(finance, "/sign-off"))
    assert done.status_code == 303
    finance.house.drain()
    page = dana.page(here(finance, "?show=all"))
    assert "You signed off on" in page
    assert 'name="do"' not in page
    assert "Revoked, gone" in page
    assert "Finished" in dana.page("/reviews")


def test_my_campaigns_say_what_is_left_and_when_it_was_due(finance: Finance, dana: Visitor) -> None:
    assert "120 of 120 items are undecided" in dana.page("/reviews")
    finance.house.clock.advance(timedelta(days=20))
    later = finance.house.visitor(MANAGER).page("/reviews")
    assert "Was due" in later
    assert "Nothing waits for you" in finance.house.visitor(COLLEAGUE).page("/reviews")


def test_the_panel_is_a_part_and_a_page(finance: Finance, dana: Visitor) -> None:
    row = next(each for each in rows(finance) if each.shown["account_login"] == "s0001")
    part = dana.page(here(finance, f"/items/{row.id}?part=1"))
    assert "<html" not in part
    assert "No source tells it" in part
    page = dana.page(here(finance, f"/items/{row.id}"))
    assert page.count("<h1") == 1
    assert part.strip()[:40] in page


def test_names_are_shown_as_text(house: TestHouse) -> None:
    first = found_finance(house, people=3)
    with changing(house.home / f"{SAP}.json") as held:
        held.accounts["s1"] = replace(held.accounts["s1"], display_name=ODD)
    sync(house)
    with house.write() as uow:
        uow.now += timedelta(days=20)
        service.close(uow, campaign_id=first.campaign)
    again = Finance(house, launch(house))
    page = house.visitor(MANAGER).page(here(again, "?show=all"))
    assert SCRIPT not in page
    assert "\u0645\u0631\u062d\u0628\u0627" in page


def test_the_page_of_500_items_is_small_and_costs_as_much_as_one_of_60(
    house: TestHouse,
) -> None:
    finance = found_finance(house, people=50)
    dana = house.visitor(MANAGER)
    dana.page(here(finance))
    with counted(house) as statements:
        page = dana.page(here(finance))
    assert page.count('class="it"') == 500
    assert len(brotli.compress(page.encode(), quality=4)) <= 60_000
    assert len([each for each in statements if each.startswith("SELECT")]) <= 14
