"""Remind reviewers who are behind: on the record, and nobody twice within a day."""

from collections.abc import Collection

import sqlalchemy as sa

from app import events
from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.reviews.domain import CampaignState, ItemState
from app.reviews.models import Item
from app.reviews.running import reminded
from app.reviews.service import standing

UNFINISHED = (ItemState.OPEN, ItemState.DECIDED)


def remind(uow: UnitOfWork, *, campaign_id: str, reviewers: Collection[str] = ()) -> int:
    """Have reviewers told again that items wait for them.

    Args:
        uow: The unit of work.
        campaign_id: Public id of the campaign.
        reviewers: Public ids of whom to remind; none is everybody who is not done.

    Returns:
        How many are told.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such campaign.
        ConflictError: It is closed.
        NothingToChangeError: Whoever is meant is done, or was reminded within a day.
    """
    uow.actor.require(Permission.CAMPAIGN_WRITE)
    campaign = standing.find_campaign(uow, campaign_id)
    if campaign.state is not CampaignState.OPEN:
        raise ConflictError(phrase("This campaign is closed."))
    behind = uow.session.scalars(
        sa.select(Identity.public_id)
        .join(Item, Item.reviewer_id == Identity.id)
        .where(Item.campaign_id == campaign.id, Item.state.in_(UNFINISHED), Identity.is_active)
        .distinct()
        .order_by(Identity.public_id)
    ).all()
    wanted = [each for each in behind if not reviewers or each in reviewers]
    told = reminded(uow, campaign.public_id)
    fresh = [each for each in wanted if each not in told]
    if not fresh:
        raise NothingToChangeError(
            phrase("Nobody of them is behind and was not reminded within a day.")
        )
    for each in fresh:
        uow.record(events.ReviewReminded(subject=campaign.public_id, reviewer=each))
    return len(fresh)
