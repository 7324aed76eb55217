"""The end of a campaign: every item has an outcome, and every revoke was read back or is named."""

from collections import Counter
from typing import Any

import sqlalchemy as sa

from app import events
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.reviews.domain import CampaignState, Decision, ItemState, RemediationState
from app.reviews.models import Campaign, Item
from app.reviews.service import standing

EXCEPTIONS = (RemediationState.FAILED, RemediationState.NOT_REMOVABLE)


def close(uow: UnitOfWork, *, campaign_id: str) -> Campaign:
    """End a campaign. What nobody answered stays and is listed as unanswered.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such campaign.
        ConflictError: It is closed, or revokes are not read back yet, or reviewers still have time.
    """
    uow.actor.require(Permission.CAMPAIGN_WRITE)
    campaign = standing.find_campaign(uow, campaign_id)
    if campaign.state is CampaignState.LAUNCHING:
        raise ConflictError(phrase("This campaign is still being launched."))
    if campaign.state is not CampaignState.OPEN:
        raise ConflictError(
            phrase("This campaign is %(state)s: there is nothing to close.", state=campaign.state)
        )
    counts = _counts(uow, campaign)
    unanswered = counts[ItemState.OPEN] + counts[ItemState.DECIDED]
    if unanswered and uow.now < campaign.due_at:
        raise ConflictError(
            phrase(
                "%(unanswered)s items are not signed off, and reviewers have time until "
                "%(due_at)s UTC.",
                unanswered=unanswered,
                due_at=f"{campaign.due_at:%d %b %Y, %H:%M}",
            )
        )
    pending = uow.session.scalar(
        sa.select(sa.func.count()).where(
            Item.campaign_id == campaign.id, Item.remediation == RemediationState.PENDING
        )
    )
    if pending:
        raise ConflictError(phrase("%(pending)s revokes are not read back yet.", pending=pending))
    finish(uow, campaign)
    return campaign


def _counts(reading: Reading, campaign: Campaign) -> Counter[ItemState]:
    rows = reading.session.execute(
        sa.select(Item.state, sa.func.count().label("items"))
        .where(Item.campaign_id == campaign.id)
        .group_by(Item.state)
    )
    return Counter({row.state: row.items for row in rows})


def finish(uow: UnitOfWork, campaign: Campaign) -> None:
    rows = uow.session.execute(
        sa.select(Item.state, Item.decision, Item.remediation, sa.func.count().label("items"))
        .where(Item.campaign_id == campaign.id)
        .group_by(Item.state, Item.decision, Item.remediation)
    ).all()

    def total(which: Any) -> int:
        return sum(row.items for row in rows if which(row))

    campaign.state = CampaignState.CLOSED
    campaign.closed_at = uow.now
    campaign.closed_by = uow.actor.public_id
    signed = [row for row in rows if row.state is ItemState.SIGNED_OFF]
    uow.session.execute(
        sa.update(Item)
        .where(Item.campaign_id == campaign.id)
        .values(state=ItemState.CLOSED, version=Item.version + 1)
        .execution_options(synchronize_session=False)
    )
    uow.record(
        events.CampaignClosed(
            subject=campaign.public_id,
            kept=sum(row.items for row in signed if row.decision is Decision.KEEP),
            revoked=sum(row.items for row in signed if row.decision is Decision.REVOKE),
            abstained=sum(row.items for row in signed if row.decision is Decision.ABSTAIN),
            unanswered=total(lambda row: row.state is not ItemState.SIGNED_OFF),
            confirmed=total(lambda row: row.remediation is RemediationState.CONFIRMED),
            exceptions=total(lambda row: row.remediation in EXCEPTIONS),
        )
    )
