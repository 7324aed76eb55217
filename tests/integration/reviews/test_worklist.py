"""A reviewer's list: what it shows and why, whose it is, and what it costs."""

import dataclasses
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.kernel.actor import SYSTEM
from app.kernel.errors import NotFoundError, NotPermittedError
from app.reviews import closer, service
from app.reviews.advice import Code, Suggestion
from app.reviews.domain import Decision, DecisionMove
from app.reviews.models import Campaign, ItemDecision
from app.reviews.service import Said
from app.reviews.worklist import By, Row, Show, my_campaigns, standing, waiting, worklist
from connectors.memory.state import changing, write_state
from support.finance import (
    COLLEAGUE,
    CREATE,
    PAY,
    SAP,
    TEMPLATE,
    Finance,
    found_finance,
    launch,
    state,
    sync,
)
from support.house import TestHouse
from support.statements import counted


def rows(finance: Finance, show: Show = Show.ALL) -> list[Row]:
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign, show=show)
        return [row for section in found.sections for row in section.rows if row.fits(show)]


def row(finance: Finance, group: str, login: str) -> Row:
    return next(
        each
        for each in rows(finance)
        if each.shown["group_name"] == group and each.shown["account_login"] == login
    )


def decide(
    finance: Finance,
    *chosen: Row,
    move: DecisionMove = DecisionMove.KEEP,
    reason: str | None = None,
) -> None:
    with finance.house.write(finance.actor()) as uow:
        service.decide(uow, [Said(each.id, move, each.version, reason=reason) for each in chosen])


def decide_all(finance: Finance) -> None:
    decide(finance, *(each for each in rows(finance) if each.decision is None))


def sign_off(finance: Finance) -> None:
    with finance.house.write(finance.actor()) as uow:
        service.sign_off(uow, campaign_id=finance.campaign)
    finance.house.drain()


def codes(found: Row) -> list[Code]:
    return [each.code for each in found.advice.reasons]


# --- why an item is flagged ----------------------------------------------------------------


def test_both_sides_of_a_conflict_say_what_they_conflict_with(finance: Finance) -> None:
    for mine, other in ((CREATE, PAY), (PAY, CREATE)):
        found = row(finance, mine, "s0002")
        assert (found.advice.reasons[0].code, found.advice.reasons[0].about) == (
            Code.CONFLICT,
            other,
        )
        assert found.shown["conflicts"][0]["text"].startswith("Together these allow")
    assert Code.CONFLICT not in codes(row(finance, PAY, "s0004"))


def test_an_account_without_sign_in_for_long_is_flagged_and_an_unknown_one_is_not(
    finance: Finance,
) -> None:
    long_ago = row(finance, "E-signature", "s0010")
    assert codes(long_ago) == [Code.UNUSED]
    assert long_ago.advice.suggestion is Suggestion.REVOKE
    assert long_ago.shown["idle_days"] == 200
    unknown = row(finance, "E-signature", "s0001")
    assert unknown.shown["idle_days"] is None
    assert codes(unknown) == []
    assert not unknown.is_low_risk


def test_peers_are_people_alike_without_the_holder_and_only_if_there_are_enough(
    finance: Finance,
) -> None:
    common, rare = row(finance, "E-signature", "s0002"), row(finance, CREATE, "s0002")
    assert common.shown["peers"] == {"of": "title", "size": 11, "holders": 11}
    assert rare.shown["peers"] == {"of": "title", "size": 11, "holders": 1}
    assert (common.percent, rare.percent) == (100, 9)
    assert Code.RARE in codes(rare)


def test_too_few_people_alike_say_nothing(house: TestHouse) -> None:
    few = found_finance(house, people=3)
    assert {each.percent for each in rows(few)} == {None}
    assert not any(each.is_low_risk for each in rows(few))


def test_what_came_since_the_last_review_says_so_and_what_was_there_does_not(
    finance: Finance,
) -> None:
    decide_all(finance)
    sign_off(finance)
    house = finance.house
    with house.write() as uow:
        service.close(uow, campaign_id=finance.campaign)
    house.clock.advance(timedelta(days=30))
    with changing(house.home / f"{SAP}.json") as held:
        treasury = next(key for key, each in held.groups.items() if "Treasury" in each.name)
        known = next(iter(held.members[treasury].values()))
        held.members[treasury]["s7"] = type(known)("s7", known.kind)
    sync(house)
    again = Finance(house, launch(house))
    newcomer = row(again, "Treasury, release wires", "s0007")
    assert Code.NEW in codes(newcomer)
    old = row(again, "E-signature", "s0002")
    assert Code.NEW not in codes(old)
    assert old.shown["last_review"]["decision"] == "keep"
    assert old.shown["last_review"]["by"] == "Dana Whitfield"


def test_who_has_changed_team_since_the_last_review_keeps_nothing_unseen(
    finance: Finance,
) -> None:
    decide_all(finance)
    sign_off(finance)
    house = finance.house
    with house.write() as uow:
        service.close(uow, campaign_id=finance.campaign)
    house.clock.advance(timedelta(days=30))
    with changing(house.home / f"{SAP}.json") as held:
        held.accounts["s7"] = replace(held.accounts["s7"], department="Procurement")
    sync(house)
    again = Finance(house, launch(house))
    moved = row(again, "E-signature", "s0007")
    assert moved.shown["team_before"] == "Finance"
    assert Code.MOVED in codes(moved)
    assert Code.MOVED not in codes(row(again, "E-signature", "s0008"))


# --- the list ------------------------------------------------------------------------------


def test_problems_come_first_inside_a_person_and_the_gravest_person_first(
    finance: Finance,
) -> None:
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign)
    for section in found.sections:
        ranks = [each.advice.rank for each in section.rows]
        assert ranks == sorted(ranks)
    firsts = [section.rows[0].advice.rank for section in found.sections]
    assert firsts == sorted(firsts)
    assert found.sections[0].rows[0].advice.reasons[0].code is Code.CONFLICT


def test_by_access_the_same_items_stand_under_what_they_give(finance: Finance) -> None:
    with finance.house.read(finance.actor()) as reading:
        by_access = worklist(reading, finance.campaign, by=By.ACCESS)
        by_person = worklist(reading, finance.campaign)
    assert {section.name for section in by_access.sections} >= {CREATE, PAY, "E-signature"}
    assert by_access.total == by_person.total == 120
    assert by_access.digest == by_person.digest


def test_each_filter_shows_what_its_number_says(finance: Finance) -> None:
    decide(finance, row(finance, CREATE, "s0002"))
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign)
    assert len(rows(finance, Show.ATTENTION)) == found.attention > 0
    assert len(rows(finance, Show.HIGH)) == found.high > 0
    assert len(rows(finance, Show.UNDECIDED)) == found.undecided == 119
    assert all(each.decision is None for each in rows(finance, Show.ATTENTION))


def test_another_ones_list_and_items_are_not_there(finance: Finance) -> None:
    item = rows(finance)[0].id
    with finance.house.read(finance.actor(COLLEAGUE)) as reading:
        with pytest.raises(NotFoundError):
            worklist(reading, finance.campaign)
        with pytest.raises(NotFoundError):
            standing(reading, finance.campaign)
        with pytest.raises(NotFoundError):
            closer.panel(reading, finance.campaign, item)
        with pytest.raises(NotFoundError):
            closer.chosen(reading, finance.campaign, [item])
        assert my_campaigns(reading) == []
        assert waiting(reading) == 0


def test_the_panel_says_what_is_known_and_what_is_not(finance: Finance) -> None:
    with finance.house.read(finance.actor()) as reading:
        known = closer.panel(reading, finance.campaign, row(finance, CREATE, "s0002").id)
        unknown = closer.panel(reading, finance.campaign, row(finance, CREATE, "s0001").id)
    assert known.read_at is not None
    assert known.last_sign_in_at is not None
    assert unknown.last_sign_in_at is None
    assert known.approved_by == []
    assert known.last_review is None
    assert known.protected is None


def test_the_digest_changes_with_each_decision_and_each_item_that_leaves(
    finance: Finance,
) -> None:
    def digest() -> str:
        with finance.house.read(finance.actor()) as reading:
            found = standing(reading, finance.campaign).digest
            assert found == worklist(reading, finance.campaign).digest
            return found

    seen = {digest()}
    decide(finance, row(finance, CREATE, "s0002"))
    seen.add(digest())
    decide(finance, row(finance, CREATE, "s0002"), move=DecisionMove.UNDO)
    seen.add(digest())
    hand_over(finance, row(finance, CREATE, "s0002"))
    seen.add(digest())
    assert len(seen) == 4


def test_a_campaign_waits_until_it_is_signed_off(finance: Finance) -> None:
    with finance.house.read(finance.actor()) as reading:
        (mine,) = my_campaigns(reading)
        assert (mine.undecided, mine.is_waiting, waiting(reading)) == (120, True, 120)
    decide_all(finance)
    with finance.house.read(finance.actor()) as reading:
        assert my_campaigns(reading)[0].is_waiting
    sign_off(finance)
    with finance.house.read(finance.actor()) as reading:
        assert not my_campaigns(reading)[0].is_waiting
        assert worklist(reading, finance.campaign).signed_off_at is not None
        assert waiting(reading) == 0


def test_the_end_lists_each_revoke_before_it_happens(finance: Finance) -> None:
    chosen = row(finance, CREATE, "s0002")
    decide(finance, chosen, move=DecisionMove.REVOKE, reason="Conflicts with payments.")
    decide_all(finance)
    with finance.house.read(finance.actor()) as reading:
        found = closer.ending(reading, finance.campaign)
    assert [each.id for each in found.revoked] == [chosen.id]
    assert found.revoked[0].reason == "Conflicts with payments."
    sign_off(finance)
    assert row(finance, CREATE, "s0002").remediation.value == "confirmed"


# --- handing over --------------------------------------------------------------------------


def hand_over(finance: Finance, *chosen: Row, to: str = COLLEAGUE) -> None:
    with finance.house.write(finance.actor()) as uow:
        service.hand_over(
            uow,
            item_ids=[each.id for each in chosen],
            reviewer=finance.actor(to).public_id,
            reason="Knows the work.",
        )


def test_a_reviewer_hands_an_item_of_their_own_to_somebody_who_decides_it(
    finance: Finance,
) -> None:
    chosen = row(finance, CREATE, "s0002")
    hand_over(finance, chosen)
    assert chosen.id not in {each.id for each in rows(finance)}
    with finance.house.read(finance.actor(COLLEAGUE)) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
    assert [each.id for section in found.sections for each in section.rows] == [chosen.id]


def test_what_is_not_ones_own_cannot_be_handed_over(finance: Finance) -> None:
    chosen = row(finance, CREATE, "s0002")
    hand_over(finance, chosen)
    with pytest.raises(NotFoundError):
        hand_over(finance, chosen)


def test_nobody_is_handed_their_own_access(finance: Finance) -> None:
    with pytest.raises(NotPermittedError):
        hand_over(finance, row(finance, CREATE, "s0002"), to="2002")


def test_people_are_found_by_parts_of_their_names_and_never_oneself(finance: Finance) -> None:
    with finance.house.read(finance.actor()) as reading:
        assert [each.name for each in closer.colleagues(reading, "far om")] == ["Omar Farouk"]
        assert closer.colleagues(reading, "whitfield") == []
        assert closer.colleagues(reading, "  ") == []
        assert closer.colleagues(reading, "%") == []
        assert len(closer.colleagues(reading, "a")) <= closer.MOST_PEOPLE


# --- what it costs -------------------------------------------------------------------------


def test_the_list_the_panel_and_the_launch_cost_the_same_however_many_items_there_are(
    house: TestHouse,
) -> None:
    def cost(people: int) -> tuple[int, dict[str, int]]:
        finance = found_finance(house, people) if people == 6 else grow(house, people)
        sent = {}
        with house.read(finance.actor()) as reading:
            with counted(house) as statements:
                found = worklist(reading, finance.campaign)
            sent["list"] = len(statements)
            first = found.sections[0].rows[0].id
            with counted(house) as statements:
                closer.panel(reading, finance.campaign, first)
            sent["panel"] = len(statements)
            with counted(house) as statements:
                standing(reading, finance.campaign)
            sent["standing"] = len(statements)
            with counted(house) as statements:
                service.preview(dataclasses.replace(reading, actor=SYSTEM), template_id=TEMPLATE)
            sent["preview"] = len(statements)
        return found.total, sent

    few, short = cost(6)
    many, long = cost(50)
    assert (few, many) == (60, 500)
    assert short == long
    assert long["list"] <= 4
    assert long["standing"] == 1


def grow(house: TestHouse, people: int) -> Finance:
    """Close the review, let the department grow, and launch the next one."""
    house.clock.advance(timedelta(days=30))
    with house.write() as uow:
        campaign = uow.session.scalars(sa.select(Campaign.public_id)).one()
        service.close(uow, campaign_id=campaign)
    write_state(house.home / f"{SAP}.json", state(people))
    sync(house)
    return Finance(house, launch(house))


def test_a_decision_keeps_how_long_and_whether_the_details_were_seen(finance: Finance) -> None:
    chosen = row(finance, CREATE, "s0002")
    with finance.house.write(finance.actor()) as uow:
        said = Said(chosen.id, DecisionMove.KEEP, chosen.version, dwell_ms=4200, is_viewed=True)
        service.decide(uow, [said])
    with finance.house.read() as reading:
        kept = reading.session.scalars(sa.select(ItemDecision)).one()
    assert (kept.dwell_ms, kept.is_viewed, kept.batch_size) == (4200, True, 1)
    assert row(finance, CREATE, "s0002").decision is Decision.KEEP
