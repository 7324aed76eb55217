"""Keep many low-risk items at once: some are checked first, and the answers stand on record.

The server picks the sample, and tests every item again when the answers come. Whoever asks again
without having answered gets the same sample, so that nobody draws until they like what they see.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app import events
from app.directory.models import Identity
from app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.reviews import low_risk
from app.reviews.domain import Answer, CampaignState, DecisionMove
from app.reviews.models import Campaign, Item, Sample
from app.reviews.service import deciding, standing
from app.reviews.service.deciding import Said


@dataclass(frozen=True, slots=True)
class Checked:
    """What a reviewer answered to a sample.

    Attributes:
        sample: Its public id.
        answers: Each item of it, with what they say.
        items: Every item to be kept, with the version that was looked at.
        dwell_ms: How long they took, if the door knows.
    """

    sample: str
    answers: Mapping[str, Answer]
    items: Mapping[str, int]
    dwell_ms: int | None = None


def draw_sample(uow: UnitOfWork, *, campaign_id: str) -> Sample:
    """Pick items to be checked before the low-risk ones are kept together.

    Raises:
        NotFoundError: There is no such campaign with items of the actor.
        ConflictError: Nothing may be kept together, or the campaign is closed.
    """
    me = uow.actor.require_identity()
    campaign = _campaign(uow, campaign_id, me)
    items = low_risk.eligible(uow, campaign.id, me)
    if not items:
        raise ConflictError(phrase("None of your undecided items is low-risk, used and common."))
    waiting = uow.session.scalar(
        sa.select(Sample)
        .where(
            Sample.campaign_id == campaign.id,
            Sample.reviewer_id == me,
            Sample.answered_at.is_(None),
        )
        .order_by(Sample.id.desc())
        .limit(1)
    )
    wanted = min(low_risk.SAMPLE_SIZE, len(items))
    if waiting is not None and items.issuperset(waiting.drawn) and len(waiting.drawn) >= wanted:
        return waiting
    seed = uow.ids.new()
    sample = Sample(
        public_id=uow.ids.new(),
        campaign_id=campaign.id,
        reviewer_id=me,
        seed=seed,
        eligible=len(items),
        drawn=list(low_risk.draw(seed, items)),
        drawn_at=uow.now,
    )
    uow.session.add(sample)
    uow.record(
        events.SampleDrawn(
            subject=campaign.public_id,
            sample=sample.public_id,
            reviewer=uow.session.get_one(Identity, me).public_id,
            seed=seed,
            eligible=len(items),
            drawn=tuple(sample.drawn),
        )
    )
    return sample


def keep_low_risk(uow: UnitOfWork, *, campaign_id: str, checked: Checked) -> Sequence[Item]:
    """Keep low-risk items together, after every item of a sample was answered.

    What was answered *not sure* stays undecided, and is never kept this way again.

    Raises:
        NotFoundError: There is no such campaign, sample or item of the actor.
        InvalidInputError: An answer is missing, or one is to be kept that may not be.
        ConflictError: The sample was answered before, or an item has moved on since.
    """
    me = uow.actor.require_identity()
    campaign = _campaign(uow, campaign_id, me)
    sample = _waiting(uow, campaign, me, checked.sample)
    _check_answers(sample, checked)
    allowed = low_risk.eligible(uow, campaign.id, me)
    moved = [each for each in checked.items if each not in allowed]
    if moved:
        raise ConflictError(
            phrase(
                "%(count)s of these items cannot be kept together any more. Nothing was saved.",
                count=len(moved),
            ),
            {"ids": moved},
        )
    unsure = tuple(each for each, said in checked.answers.items() if said is Answer.UNSURE)
    sample.answers = {each: said.value for each, said in checked.answers.items()}
    sample.answered_at, sample.kept = uow.now, len(checked.items)
    sample.dwell_ms = checked.dwell_ms
    uow.record(
        events.SampleAnswered(
            subject=campaign.public_id,
            sample=sample.public_id,
            reviewer=uow.session.get_one(Identity, me).public_id,
            right=tuple(each for each in checked.answers if each not in unsure),
            unsure=unsure,
            kept=len(checked.items),
            dwell_ms=checked.dwell_ms,
        )
    )
    if not checked.items:  # not sure of any of them: that is an answer too
        return []
    said = [Said(each, DecisionMove.KEEP, version) for each, version in checked.items.items()]
    return deciding.decide(uow, said, sample=sample)


def _campaign(uow: UnitOfWork, campaign_id: str, me: int) -> Campaign:
    campaign = standing.find_campaign(uow, campaign_id)
    is_mine = uow.session.scalar(
        sa.select(Item.id).where(Item.campaign_id == campaign.id, Item.reviewer_id == me).limit(1)
    )
    if is_mine is None:
        raise NotFoundError(phrase("There is no such campaign with items of yours."))
    if campaign.state is not CampaignState.OPEN:
        raise ConflictError(phrase("This campaign is closed."))
    return campaign


def _waiting(uow: UnitOfWork, campaign: Campaign, me: int, sample_id: str) -> Sample:
    sample = uow.session.scalar(
        sa.select(Sample)
        .where(
            Sample.public_id == sample_id,
            Sample.campaign_id == campaign.id,
            Sample.reviewer_id == me,
        )
        .with_for_update()
    )
    if sample is None:
        raise NotFoundError(phrase("There is no such sample of yours."))
    if sample.answered_at is not None:
        raise ConflictError(phrase("This sample was answered before. Ask for a new one."))
    return sample


def _check_answers(sample: Sample, checked: Checked) -> None:
    if set(checked.answers) != set(sample.drawn):
        raise InvalidInputError({"answers": phrase("Answer each of the items that were picked.")})
    unsure = {each for each, said in checked.answers.items() if said is Answer.UNSURE}
    if unsure & set(checked.items):
        raise InvalidInputError(
            {"items": phrase("What you are not sure of cannot be kept with the rest.")}
        )
    sure = set(checked.answers) - unsure
    if not sure <= set(checked.items):
        raise InvalidInputError({"items": phrase("What you found right is kept with the rest.")})
