"""A reviewer's word to be done: from here on every decision stands and is carried out."""

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from app import events
from app.catalog.domain import Risk
from app.directory.models import Identity
from app.kernel.errors import ConflictError, NotFoundError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.reviews.domain import CampaignState, Decision, ItemState
from app.reviews.models import Campaign, Item, SignOff
from app.reviews.service import remediation, standing


def sign_off(uow: UnitOfWork, *, campaign_id: str) -> SignOff:
    """Say that one is done: every decision stands, and what is revoked is carried out.

    Raises:
        NotFoundError: There is no such campaign, or nothing of this reviewer in it.
        ConflictError: Items are undecided, or it is closed.
        NothingToChangeError: Signed off before.
        NotFreshError: Access with privileges is among it, and the sign-in is too long ago.
    """
    me = uow.actor.require_identity()
    campaign = standing.find_campaign(uow, campaign_id)
    items = uow.session.scalars(
        sa.select(Item)
        .where(Item.campaign_id == campaign.id, Item.reviewer_id == me)
        .order_by(Item.id)
        .with_for_update()
    ).all()
    if not items:
        raise NotFoundError(phrase("There is no such campaign with items of yours."))
    waiting = [each for each in items if each.state is ItemState.OPEN]
    ready = [each for each in items if each.state is ItemState.DECIDED]
    if campaign.state is not CampaignState.OPEN:
        raise ConflictError(phrase("This campaign is closed."))
    if waiting:
        raise ConflictError(phrase("%(count)s of your items are undecided.", count=len(waiting)))
    if not ready:
        raise NothingToChangeError(phrase("You have signed off before."))
    if any(each.frozen["risk"] == Risk.PRIVILEGED for each in ready):
        uow.actor.require_fresh(uow.now)
    for each in ready:
        each.state, each.signed_off_at = ItemState.SIGNED_OFF, uow.now
    remediation.carry_out(
        uow, campaign, [each for each in ready if each.decision is Decision.REVOKE]
    )
    return _note_sign_off(uow, campaign, me, items)


def _note_sign_off(uow: UnitOfWork, campaign: Campaign, me: int, items: Sequence[Item]) -> SignOff:
    counts = Counter(each.decision for each in items)
    before = uow.session.scalar(
        sa.select(SignOff).where(SignOff.campaign_id == campaign.id, SignOff.reviewer_id == me)
    )
    signed = before or SignOff(campaign_id=campaign.id, reviewer_id=me)
    signed.signed_at = uow.now
    signed.kept = counts[Decision.KEEP]
    signed.revoked = counts[Decision.REVOKE]
    signed.abstained = counts[Decision.ABSTAIN]
    uow.session.add(signed)
    uow.record(
        events.ReviewSignedOff(
            subject=campaign.public_id,
            reviewer=uow.session.get_one(Identity, me).public_id,
            kept=signed.kept,
            revoked=signed.revoked,
            abstained=signed.abstained,
        )
    )
    return signed
