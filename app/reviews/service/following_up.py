"""Who answers for a revoke that was not carried out, under which ticket, and until when."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app import events
from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import (
    ConflictError,
    FieldErrors,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.reviews.domain import Decision, RemediationState, is_left
from app.reviews.models import Campaign, FollowUp, Item

LONGEST_TICKET = 500


@dataclass(frozen=True, slots=True)
class Charge:
    """What somebody is charged with.

    Attributes:
        owner: Public id of who answers for it.
        ticket: A reference or an address of the ticket, in one line.
        due_at: Until when it is to be carried out.
    """

    owner: str
    ticket: str
    due_at: datetime


def follow_up(uow: UnitOfWork, *, item_id: str, charge: Charge, version: int) -> FollowUp:
    """Say who answers for a revoke that was not carried out; what was said before stays on record.

    Args:
        uow: The unit of work.
        item_id: Public id of the item.
        charge: What is said.
        version: How often it was said before, as it was looked at; 0: never.

    Raises:
        NotPermittedError: The actor may not, or it is about their own access.
        NotFoundError: There is no such item.
        ConflictError: It was not revoked, is gone or being removed, or somebody said so meanwhile.
        InvalidInputError: Nobody active is meant, the ticket is no line, or the time is past.
        NothingToChangeError: Exactly that was said last.
    """
    uow.actor.require(Permission.CAMPAIGN_WRITE)
    item = uow.session.scalar(sa.select(Item).where(Item.public_id == item_id).with_for_update())
    if item is None:
        raise NotFoundError(phrase("There is no such item."))
    campaign = uow.session.get_one(Campaign, item.campaign_id)
    if item.identity_id is not None and item.identity_id == uow.actor.identity_id:
        raise NotPermittedError(phrase("This is about your own access: somebody else decides it."))
    _check_left(item, campaign)
    last = newest(uow, item)
    if (last.turn if last else 0) != version:
        raise ConflictError(phrase("Somebody said who follows it up meanwhile; look again."))
    owner, ticket = _checked(uow, item, charge)
    if last and (last.owner_id, last.ticket, last.due_at) == (owner.id, ticket, charge.due_at):
        raise NothingToChangeError(phrase("Exactly this is noted already."))
    before = uow.session.get_one(Identity, last.owner_id).public_id if last else None
    made = FollowUp(
        item_id=item.id,
        turn=version + 1,
        owner_id=owner.id,
        ticket=ticket,
        due_at=charge.due_at,
        set_at=uow.now,
        set_by=uow.actor.public_id,
    )
    uow.session.add(made)
    uow.record(
        events.ItemFollowedUp(
            subject=item.public_id,
            campaign=campaign.public_id,
            owner_before=before,
            owner=owner.public_id,
            due_at=charge.due_at,
            ticket=ticket,
        )
    )
    return made


def newest(reading: Reading, item: Item) -> FollowUp | None:
    """Return what was said last of an item, if anything was (no authorisation)."""
    return reading.session.scalar(
        sa.select(FollowUp)
        .where(FollowUp.item_id == item.id)
        .order_by(FollowUp.turn.desc())
        .limit(1)
    )


def tick(tx: Transactions) -> int:
    """Note of every follow-up whose time has passed that it is overdue, once; once a minute.

    Returns:
        How many were noted.
    """
    with tx.read() as reading:
        late = reading.session.scalars(_late(reading.now).order_by(FollowUp.id)).all()
    return sum(_note_late(tx, each) for each in late)


def _late(now: datetime) -> sa.Select[int]:
    """Select what was said last of an item, is past, and was not noted yet."""
    later = aliased(FollowUp)
    is_replaced = sa.exists().where(later.item_id == FollowUp.item_id, later.turn > FollowUp.turn)
    return (
        sa.select(FollowUp.id)
        .join(Item, Item.id == FollowUp.item_id)
        .where(
            FollowUp.due_at <= now,
            FollowUp.overdue_at.is_(None),
            Item.remediation != RemediationState.CONFIRMED,
            ~is_replaced,
        )
    )


def _note_late(tx: Transactions, follow_up_id: int) -> bool:
    """Note one, unless it was replaced, done or noted in the meantime."""
    with tx.write() as uow:
        # An item is locked by whoever says or does something about it.
        item = uow.session.scalars(
            sa.select(Item)
            .join(FollowUp, FollowUp.item_id == Item.id)
            .where(FollowUp.id == follow_up_id)
            .with_for_update(of=Item)
        ).one()
        if uow.session.scalar(_late(uow.now).where(FollowUp.id == follow_up_id)) is None:
            return False
        late = uow.session.get_one(FollowUp, follow_up_id)
        late.overdue_at = uow.now
        uow.record(
            events.ItemFollowUpOverdue(
                subject=item.public_id,
                campaign=uow.session.get_one(Campaign, item.campaign_id).public_id,
                owner=uow.session.get_one(Identity, late.owner_id).public_id,
                due_at=late.due_at,
            )
        )
        return True


def _check_left(item: Item, campaign: Campaign) -> None:
    """Refuse what nobody has to follow up."""
    if item.remediation is RemediationState.CONFIRMED:
        raise ConflictError(phrase("This access is gone: there is nothing to follow up."))
    if item.decision is not Decision.REVOKE or item.remediation is RemediationState.NONE:
        raise ConflictError(phrase("Only what was revoked and signed off is followed up."))
    if not is_left(item.remediation, campaign.state):
        raise ConflictError(phrase("This access is being removed; wait for what comes of it."))


def _checked(uow: UnitOfWork, item: Item, charge: Charge) -> tuple[Identity, str]:
    """Return who is meant and the ticket as it is kept, or say all that is wrong with a charge."""
    wrong = FieldErrors()
    owner = uow.session.scalar(sa.select(Identity).where(Identity.public_id == charge.owner))
    if owner is None or not owner.is_active:
        wrong.add("owner", phrase("There is no such active identity."))
    elif owner.id == item.identity_id:
        wrong.add("owner", phrase("Nobody answers for the end of their own access."))
    ticket = charge.ticket.strip()
    if len(ticket.splitlines()) != 1:
        wrong.add("ticket", phrase("Write the number or address of the ticket, in one line."))
    elif len(ticket) > LONGEST_TICKET:
        wrong.add("ticket", phrase("At most %(most)s characters.", most=LONGEST_TICKET))
    if charge.due_at <= uow.now:
        wrong.add("due_at", phrase("This is past: name a day that is still to come, or today."))
    wrong.raise_if_any()
    assert owner is not None  # noqa: S101 - or it was said above
    return owner, ticket
