"""What was revoked becomes ends and one plan; what comes of them is kept with each item."""

from collections.abc import Sequence

import sqlalchemy as sa

from app import events
from app.directory.models import Membership, SyncRun
from app.grants import service as grants
from app.grants.domain import EndCause
from app.kernel.errors import NothingToChangeError
from app.kernel.uow import UnitOfWork
from app.provisioning import guards, planning
from app.provisioning import service as provisioning
from app.provisioning.domain import PlanCause
from app.provisioning.planning import Target
from app.reviews.domain import RemediationState
from app.reviews.models import Campaign, Item
from connectors.records import Verb

BY_HAND = "It was taken away in its source: a read showed that it is gone."


def carry_out(uow: UnitOfWork, campaign: Campaign, revoked: Sequence[Item]) -> None:
    """Decide the end of what was revoked, in one plan; what cannot be ended is said so."""
    revoked = _automatic(uow, revoked)
    if not revoked:
        return
    targets = [Target(each.account_id, each.group_id) for each in revoked]
    direct = planning.membership_operations(uow, Verb.REMOVE_MEMBER, targets)[: len(targets)]
    judged = provisioning.consider(uow, direct)
    ends: list[int | None] = []
    going: list[Target] = []
    for place, (item, target) in enumerate(zip(revoked, targets, strict=True)):
        refusal = judged.refusal_of(place)
        if refusal is not None:
            fail_item(uow, item, code=refusal.code, why=refusal.reason)
            continue
        end_id = _end(uow, item)
        if end_id is not None:
            going.append(target)
            ends.append(end_id)
    if not going:
        return
    operations = planning.membership_operations(uow, Verb.REMOVE_MEMBER, going, ends=ends)
    provisioning.make_plan(
        uow, cause=PlanCause.REVIEW, cause_ref=campaign.public_id, operations=operations
    )


def _automatic(uow: UnitOfWork, revoked: Sequence[Item]) -> list[Item]:
    """Say of which items a removal is left to a person; return the others."""
    by_hand = guards.not_automatic(uow, {each.group_id for each in revoked})
    for item in revoked:
        if item.group_id in by_hand:
            code, why = by_hand[item.group_id]
            fail_item(uow, item, code=code, why=why)
    return [each for each in revoked if each.group_id not in by_hand]


def _end(uow: UnitOfWork, item: Item) -> int | None:
    """Decide one end; the key of it if it has to be carried out for this item."""
    pending = grants.pending_end(uow, item.account_id, item.group_id)
    if pending is not None:  # somebody decided it first: this item waits for the same end
        item.remediation, item.end_id = RemediationState.PENDING, pending.id
        return None
    try:
        decided = grants.end(
            uow,
            account_id=item.account_id,
            group_id=item.group_id,
            cause=EndCause.REVIEW,
            cause_ref=item.public_id,
        )
    except NothingToChangeError:
        confirm_item(uow, item, end=None)
        return None
    uow.session.flush()
    item.remediation, item.end_id = RemediationState.PENDING, decided.id
    return decided.id


def confirm_item(
    uow: UnitOfWork, item: Item, *, end: str | None, why: str = "It was gone before it was revoked."
) -> None:
    """Note that what was revoked is gone; without an end of ours, how that came."""
    item.remediation, item.remediation_at = RemediationState.CONFIRMED, uow.now
    item.remediation_why = None if end else why
    campaign = uow.session.get_one(Campaign, item.campaign_id)
    uow.record(
        events.RemediationConfirmed(
            subject=item.public_id, campaign=campaign.public_id, end=end or ""
        )
    )


def note_gone_by_hand(uow: UnitOfWork, run: SyncRun) -> None:
    """Confirm what was left to a person and is gone, as a stored read of its source shows.

    Args:
        uow: The unit of work.
        run: The read.
    """
    for item in uow.session.scalars(
        sa.select(Item)
        .join(Membership, Membership.id == Item.membership_id)
        .where(
            Item.remediation == RemediationState.NOT_REMOVABLE,
            Membership.run_to == run.id,
            Membership.valid_to.is_not(None),
        )
        .with_for_update(of=Item)
    ).all():
        confirm_item(uow, item, end=None, why=BY_HAND)


def fail_item(uow: UnitOfWork, item: Item, *, code: str, why: str, end: str | None = None) -> None:
    """Note that what was revoked could not be taken away."""
    item.remediation = RemediationState.FAILED if end else RemediationState.NOT_REMOVABLE
    item.remediation_at, item.remediation_why = uow.now, why
    campaign = uow.session.get_one(Campaign, item.campaign_id)
    uow.record(
        events.RemediationFailed(
            subject=item.public_id, campaign=campaign.public_id, end=end, code=code
        )
    )
