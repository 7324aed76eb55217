"""Who is told when: approvers when a step waits for them, requesters at every end."""

import sqlalchemy as sa

from app.directory.models import Group, Identity
from app.kernel.delivery import Delivery
from app.kernel.uow import Transactions, UnitOfWork
from app.notices import service
from app.requests import deciding
from app.requests.models import AccessRequest, Approval, Step
from app.reviews.models import Campaign, Item

ENDS = {
    "request.completed": ("Done", "It was carried out and read back from the directory."),
    "request.refused": ("Refused", "An approver said no."),
    "request.failed": ("Not carried out yet", "It was approved, but could not be carried out."),
    "request.cancelled": ("Taken back", "It was taken back before it was decided."),
}
LAPSED = ("Nobody decided", "It came to nothing; ask again if it is still needed.")


def on_step_opened(tx: Transactions, delivery: Delivery) -> None:
    """Tell the approvers of a step, and those who stand in for them, that it waits.

    The plan's digest is part of what they are told: a plan that changed is told of again.
    """
    with tx.write() as uow:
        request, group = _request(uow, delivery.subject)
        approvers = uow.session.scalars(
            sa.select(Approval.approver_id)
            .join(Step, Step.id == Approval.step_id)
            .where(Step.public_id == delivery.data["step"], Approval.outcome.is_(None))
        ).all()
        requester = uow.session.get_one(Identity, request.requester_id)
        asked = [each for one in approvers for each in (one, *deciding.stand_ins(uow, one))]
        for person in dict.fromkeys(asked):
            service.tell(
                uow,
                recipient_id=person,
                kind=f"approval-wanted-{delivery.data['ordinal']}-{request.plan_digest[:8]}",
                about=request.public_id,
                subject=f"Your approval is wanted: {group.name}",
                body=f"{requester.display_name} asks: {request.action.value} {group.name}.\n"
                f"Reason: {request.reason}\n",
            )


def on_request_ended(tx: Transactions, delivery: Delivery) -> None:
    """Tell requester and beneficiary how a request ended."""
    title, text = ENDS[delivery.kind]
    with tx.write() as uow:
        request, group = _request(uow, delivery.subject)
        if delivery.kind == "request.cancelled" and request.why:
            title, text = LAPSED
        for person in dict.fromkeys((request.requester_id, request.beneficiary_id)):
            service.tell(
                uow,
                recipient_id=person,
                kind=delivery.kind,
                about=request.public_id,
                subject=f"{title}: {request.action.value} {group.name}",
                body=f"{text}\n{request.why or ''}\n",
            )


def on_campaign_launched(tx: Transactions, delivery: Delivery) -> None:
    """Tell every reviewer of a campaign that items wait for them."""
    with tx.write() as uow:
        campaign = uow.session.scalars(
            sa.select(Campaign).where(Campaign.public_id == delivery.subject)
        ).one()
        counts = uow.session.execute(
            sa.select(Item.reviewer_id, sa.func.count().label("items"))
            .where(Item.campaign_id == campaign.id, Item.reviewer_id.is_not(None))
            .group_by(Item.reviewer_id)
            .order_by(Item.reviewer_id)
        ).all()
        for row in counts:
            service.tell(
                uow,
                recipient_id=row.reviewer_id,
                kind="review-waits",
                about=campaign.public_id,
                subject=f"Access review: {campaign.name}",
                body=f"{row.items} items wait for your decision until "
                f"{campaign.due_at:%d %b %Y, %H:%M} UTC.\n",
            )


def on_review_reminded(tx: Transactions, delivery: Delivery) -> None:
    """Tell a reviewer once more, and what is left; whoever is done by now is left in peace."""
    with tx.write() as uow:
        campaign = uow.session.scalars(
            sa.select(Campaign).where(Campaign.public_id == delivery.subject)
        ).one()
        reviewer = uow.session.scalars(
            sa.select(Identity).where(Identity.public_id == delivery.data["reviewer"])
        ).one()
        left = uow.session.scalar(
            sa.select(sa.func.count()).where(
                Item.campaign_id == campaign.id,
                Item.reviewer_id == reviewer.id,
                Item.signed_off_at.is_(None),
            )
        )
        if not left:
            return
        service.tell(
            uow,
            recipient_id=reviewer.id,
            kind=f"review-reminder-{delivery.entry_id}",
            about=campaign.public_id,
            subject=f"Reminder: {campaign.name}",
            body=f"{left} items still wait for you until {campaign.due_at:%d %b %Y, %H:%M} UTC.\n",
        )


def _request(uow: UnitOfWork, public_id: str) -> tuple[AccessRequest, Group]:
    row = uow.session.execute(
        sa.select(AccessRequest, Group)
        .join(Group, Group.id == AccessRequest.group_id)
        .where(AccessRequest.public_id == public_id)
    ).one()
    return row[0], row[1]
