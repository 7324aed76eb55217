"""Who is charged with a removal that failed is told so, and told again when it is late.

When it is late, whoever launched the review is told as well; of a review that no person launched,
who charged somebody.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.directory.models import Account, Group, Identity, Source
from app.kernel.delivery import Delivery
from app.kernel.uow import Reading, Transactions
from app.notices import service
from app.reviews.domain import RemediationState
from app.reviews.models import Campaign, FollowUp, Item


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to say of a removal, and to whom.

    Attributes:
        campaign: Public id of the review.
        group: In what.
        text: What is to be done, in lines.
        due: Until when.
        owner: Who has it.
        charged_by: Who said so, if a person did.
        launched_by: Who launched the review, if a person did.
    """

    campaign: str
    group: str
    text: str
    due: str
    owner: Identity
    charged_by: Identity | None
    launched_by: Identity | None


def on_item_followed_up(tx: Transactions, delivery: Delivery) -> None:
    """Tell who is charged with a removal, unless it has passed to somebody else meanwhile."""
    with tx.write() as uow:
        told = _told(uow, delivery)
        if told is None:
            return
        by = f"{told.charged_by.display_name} asks you" if told.charged_by else "You are asked"
        service.tell(
            uow,
            recipient_id=told.owner.id,
            kind=f"follow-up-{delivery.entry_id}",
            about=told.campaign,
            subject=f"A removal waits for you: {told.group}",
            body=f"{by} to see to it until {told.due}.\n{told.text}",
        )


def on_follow_up_overdue(tx: Transactions, delivery: Delivery) -> None:
    """Tell who has a removal, and whose review it is from, that it is late."""
    with tx.write() as uow:
        told = _told(uow, delivery)
        if told is None:
            return
        for person in {told.owner.id: 0, (told.launched_by or told.charged_by or told.owner).id: 0}:
            service.tell(
                uow,
                recipient_id=person,
                kind=f"follow-up-overdue-{delivery.entry_id}",
                about=told.campaign,
                subject=f"A removal is overdue: {told.group}",
                body=f"{told.owner.display_name} was to see to it until {told.due}.\n{told.text}",
            )


def _told(reading: Reading, delivery: Delivery) -> Told | None:
    """Return what to say; None, if it is gone, or something else was said last."""
    row = reading.session.execute(
        sa.select(FollowUp, Item, Campaign, Account, Group.name, Source.name, Identity)
        .join(Item, Item.id == FollowUp.item_id)
        .join(Campaign, Campaign.id == Item.campaign_id)
        .join(Account, Account.id == Item.account_id)
        .join(Group, Group.id == Item.group_id)
        .join(Source, Source.id == Group.source_id)
        .join(Identity, Identity.id == FollowUp.owner_id)
        .where(Item.public_id == delivery.subject)
        .order_by(FollowUp.turn.desc())
        .limit(1)
    ).one()
    last, item, campaign, account, group, source, owner = row
    due_at = datetime.fromisoformat(delivery.data["due_at"])
    is_last = (owner.public_id, last.due_at) == (delivery.data["owner"], due_at)
    if not is_last or item.remediation is RemediationState.CONFIRMED:
        return None
    lines = [
        f"{account.display_name} ({account.login}) is still in {group} in {source}.",
        f"This was revoked in the review {campaign.name}.",
        f"Why: {item.remediation_why}" if item.remediation_why else "",
        f"Ticket: {last.ticket}",
    ]
    return Told(
        campaign=campaign.public_id,
        group=group,
        text="".join(f"{each}\n" for each in lines if each),
        due=f"{last.due_at:%d %b %Y, %H:%M} UTC",
        owner=owner,
        charged_by=_person(reading, last.set_by),
        launched_by=_person(reading, campaign.launched_by),
    )


def _person(reading: Reading, public_id: str) -> Identity | None:
    """Return who did something, if it was a person."""
    return reading.session.scalar(sa.select(Identity).where(Identity.public_id == public_id))
