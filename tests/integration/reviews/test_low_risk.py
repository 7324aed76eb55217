"""Keeping many low-risk items at once: picked by the server, tested again, on record."""

import json

import pytest
import sqlalchemy as sa

from app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from app.kernel.ledger import LedgerEntry
from app.reviews import closer, low_risk, service
from app.reviews.domain import Answer, Decision, DecisionMove
from app.reviews.models import ItemDecision, Sample
from app.reviews.service import Checked, Said
from app.reviews.worklist import Show, worklist
from support.finance import COLLEAGUE, Finance


def draw(finance: Finance) -> str:
    with finance.house.write(finance.actor()) as uow:
        return service.draw_sample(uow, campaign_id=finance.campaign).public_id


def sample_of(finance: Finance, public_id: str) -> Sample:
    with finance.house.read() as reading:
        return reading.session.scalars(sa.select(Sample).where(Sample.public_id == public_id)).one()


def versions(finance: Finance, *, only_eligible: bool = True) -> dict[str, int]:
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
    return {
        row.id: row.version
        for section in found.sections
        for row in section.rows
        if row.is_low_risk or not only_eligible
    }


def keep(finance: Finance, checked: Checked, who: str = "2000") -> int:
    with finance.house.write(finance.actor(who)) as uow:
        return len(service.keep_low_risk(uow, campaign_id=finance.campaign, checked=checked))


def all_right(sample: Sample) -> dict[str, Answer]:
    return dict.fromkeys(sample.drawn, Answer.RIGHT)


def without(items: dict[str, int], *gone: str) -> dict[str, int]:
    return {item: version for item, version in items.items() if item not in gone}


def test_five_are_picked_and_anyone_can_draw_them_again(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    items = versions(finance)
    assert len(set(sample.drawn)) == 5
    assert set(sample.drawn) <= set(items)
    assert sample.eligible == len(items)
    assert list(low_risk.draw(sample.seed, items)) == sample.drawn


def test_asking_again_without_answering_gives_the_same_five(finance: Finance) -> None:
    assert draw(finance) == draw(finance)


def test_only_low_risk_used_and_common_items_may_be_kept_so(finance: Finance) -> None:
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
    for section in found.sections:
        for row in section.rows:
            if row.is_low_risk:
                assert row.shown["risk"] == "low"
                assert row.shown["idle_days"] <= 90
                assert row.percent is not None
                assert row.percent >= 50
    assert found.low_risk < found.total


def test_what_is_right_is_kept_with_the_rest_and_what_is_unsure_stays(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    items = versions(finance)
    unsure = sample.drawn[:2]
    answers = {**all_right(sample), **dict.fromkeys(unsure, Answer.UNSURE)}
    kept = keep(finance, Checked(sample.public_id, answers, without(items, *unsure), 61_000))
    assert kept == len(items) - 2
    with finance.house.read(finance.actor()) as reading:
        found = worklist(reading, finance.campaign, show=Show.ALL)
    left = {row.id: row for section in found.sections for row in section.rows}
    assert found.kept == kept
    assert found.low_risk == 0
    for each in unsure:
        assert left[each].decision is None
        assert left[each].is_unsure
        assert left[each].fits(Show.ATTENTION)


def test_what_was_sampled_and_answered_stands_with_the_decisions(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    items = versions(finance)
    answers = {**all_right(sample), sample.drawn[0]: Answer.UNSURE}
    keep(finance, Checked(sample.public_id, answers, without(items, sample.drawn[0]), 61_000))
    after = sample_of(finance, sample.public_id)
    assert after.answers == {each: said.value for each, said in answers.items()}
    assert (after.kept, after.dwell_ms) == (len(items) - 1, 61_000)
    with finance.house.read() as reading:
        decisions = reading.session.scalars(sa.select(ItemDecision)).all()
        entries = reading.session.execute(
            sa.select(LedgerEntry.kind, LedgerEntry.body).where(
                LedgerEntry.subject == finance.campaign, LedgerEntry.kind.like("sample.%")
            )
        ).all()
    assert {each.sample_id for each in decisions} == {after.id}
    assert {each.batch_size for each in decisions} == {len(items) - 1}
    told = {row.kind: json.loads(row.body)["data"] for row in entries}
    assert told["sample.drawn"]["drawn"] == sample.drawn
    assert told["sample.drawn"]["seed"] == sample.seed
    assert told["sample.answered"]["unsure"] == [sample.drawn[0]]
    assert told["sample.answered"]["kept"] == len(items) - 1


def test_a_batch_without_every_answer_is_refused_and_nothing_is_kept(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    answers = all_right(sample)
    del answers[sample.drawn[0]]
    with pytest.raises(InvalidInputError):
        keep(finance, Checked(sample.public_id, answers, versions(finance)))
    assert sample_of(finance, sample.public_id).answered_at is None
    with finance.house.read(finance.actor()) as reading:
        assert worklist(reading, finance.campaign).kept == 0


def test_an_item_that_is_not_low_risk_refuses_the_whole_batch(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    everything = versions(finance, only_eligible=False)
    with pytest.raises(ConflictError):
        keep(finance, Checked(sample.public_id, all_right(sample), everything))
    with finance.house.read(finance.actor()) as reading:
        assert worklist(reading, finance.campaign).kept == 0


def test_an_item_decided_meanwhile_refuses_the_batch(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    items = versions(finance)
    other = next(each for each in items if each not in sample.drawn)
    with finance.house.write(finance.actor()) as uow:
        service.decide(uow, [Said(other, DecisionMove.REVOKE, items[other], reason="Not needed.")])
    with pytest.raises(ConflictError):
        keep(finance, Checked(sample.public_id, all_right(sample), items))
    with finance.house.read(finance.actor()) as reading:
        found = closer.chosen(reading, finance.campaign, [other])
    assert found[0].decision is Decision.REVOKE


def test_what_one_is_unsure_of_cannot_be_smuggled_in(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    answers = {**all_right(sample), sample.drawn[0]: Answer.UNSURE}
    with pytest.raises(InvalidInputError):
        keep(finance, Checked(sample.public_id, answers, versions(finance)))


def test_what_was_unsure_once_is_never_kept_so_again(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    unsure = dict.fromkeys(sample.drawn, Answer.UNSURE)
    assert keep(finance, Checked(sample.public_id, unsure, {})) == 0
    again = sample_of(finance, draw(finance))
    assert not set(again.drawn) & set(sample.drawn)
    smuggled = {**versions(finance), **dict.fromkeys(sample.drawn, 1)}
    with pytest.raises(ConflictError):
        keep(finance, Checked(again.public_id, all_right(again), smuggled))


def test_a_sample_is_answered_once_and_by_its_reviewer_alone(finance: Finance) -> None:
    sample = sample_of(finance, draw(finance))
    checked = Checked(sample.public_id, all_right(sample), versions(finance))
    with pytest.raises(NotFoundError):
        keep(finance, checked, COLLEAGUE)
    keep(finance, checked)
    with pytest.raises(ConflictError):
        keep(finance, checked)


def test_who_has_no_items_there_is_given_nothing_to_check(finance: Finance) -> None:
    with (
        finance.house.write(finance.actor(COLLEAGUE)) as uow,
        pytest.raises(NotFoundError),
    ):
        service.draw_sample(uow, campaign_id=finance.campaign)
