"""Where campaigns, people and their counters stand; what several commands ask."""

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.reviews.domain import CampaignState, Decision
from app.reviews.models import Campaign, Item, Tally, Template


def open_campaigns(reading: Reading, ids: set[int]) -> dict[int, bool]:
    """Return the open ones among campaigns, with whether a revoke needs a reason."""
    rows = reading.session.execute(
        sa.select(Campaign.id, Template.reason_required)
        .join(Template, Template.id == Campaign.template_id)
        .where(Campaign.id.in_(ids), Campaign.state == CampaignState.OPEN)
    )
    return {row.id: row.reason_required for row in rows}


def campaign_names(reading: Reading, ids: set[int]) -> dict[int, str]:
    """Return the public ids of campaigns by their keys."""
    rows = reading.session.execute(
        sa.select(Campaign.id, Campaign.public_id).where(Campaign.id.in_(ids))
    )
    return {row.id: row.public_id for row in rows}


def recount(uow: UnitOfWork, campaign_id: int, reviewer_id: int) -> None:
    """Derive a reviewer's counters again from the items."""
    rows = uow.session.execute(
        sa.select(Item.decision, sa.func.count().label("items"))
        .where(Item.campaign_id == campaign_id, Item.reviewer_id == reviewer_id)
        .group_by(Item.decision)
    )
    counts = {row.decision: row.items for row in rows}
    uow.session.execute(
        sa.delete(Tally).where(Tally.campaign_id == campaign_id, Tally.reviewer_id == reviewer_id)
    )
    if counts:
        uow.session.execute(
            sa.insert(Tally).values(
                campaign_id=campaign_id,
                reviewer_id=reviewer_id,
                total=sum(counts.values()),
                kept=counts.get(Decision.KEEP, 0),
                revoked=counts.get(Decision.REVOKE, 0),
                abstained=counts.get(Decision.ABSTAIN, 0),
            )
        )


def identity_names(reading: Reading, ids: set[int]) -> dict[int, str]:
    """Return the public ids of identities by their keys."""
    rows = reading.session.execute(
        sa.select(Identity.id, Identity.public_id).where(Identity.id.in_(ids))
    )
    return {row.id: row.public_id for row in rows}


def campaign_row(reading: Reading, campaign_id: str) -> Campaign:
    """Return a campaign.

    Raises:
        NotFoundError: There is none.
    """
    found = reading.session.scalar(sa.select(Campaign).where(Campaign.public_id == campaign_id))
    if found is None:
        raise NotFoundError(phrase("There is no such campaign."))
    return found


def find_campaign(reading: Reading, campaign_id: str) -> Campaign:
    """Return a campaign, locked.

    Raises:
        NotFoundError: There is none.
    """
    found = reading.session.scalar(
        sa.select(Campaign).where(Campaign.public_id == campaign_id).with_for_update()
    )
    if found is None:
        raise NotFoundError(phrase("There is no such campaign."))
    return found
