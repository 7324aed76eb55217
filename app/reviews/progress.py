"""How far a campaign is: what was decided, and, told apart from that, what was really removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.uow import Reading
from app.reviews.domain import Decision, RemediationState
from app.reviews.models import Item, SignOff, Tally


@dataclass(frozen=True, slots=True)
class ReviewerRow:
    """One reviewer's progress."""

    id: str
    name: str
    items: int
    kept: int
    revoked: int
    abstained: int
    undecided: int
    signed_off_at: datetime | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a campaign.

    Attributes:
        items: To be decided in all.
        undecided: Without a decision.
        kept: Decided to keep.
        revoked: Decided to revoke; what came of it is told in the next five.
        abstained: The reviewer does not know.
        signed_off: Decisions that stand.
        awaiting_sign_off: Revokes that nothing was done about, for want of a sign-off.
        pending: Revokes being carried out.
        confirmed: Revokes read back: gone.
        failed: Revokes that the source refused.
        not_removable: Revokes that the rules forbid to carry out.
        reviewers: Each reviewer, by name.
    """

    items: int
    undecided: int
    kept: int
    revoked: int
    abstained: int
    signed_off: int
    awaiting_sign_off: int
    pending: int
    confirmed: int
    failed: int
    not_removable: int
    reviewers: Sequence[ReviewerRow]


def progress_of(reading: Reading, campaign_id: int) -> Progress:
    """Count a campaign in two statements; without the role, the actor's own part of it."""
    only = None
    if not reading.actor.may(Permission.CAMPAIGN_READ):
        only = reading.actor.require_identity()
    rows = _counts(reading, campaign_id, only)

    def total(which: Callable[[Any], bool]) -> int:
        return sum(row.items for row in rows if which(row))

    def remediated(state: RemediationState) -> int:
        return total(lambda row: row.remediation is state)

    def is_unsettled(row: Any) -> bool:
        return row.decision is Decision.REVOKE and row.remediation is RemediationState.NONE

    return Progress(
        items=total(lambda _: True),
        undecided=total(lambda row: row.decision is None),
        kept=total(lambda row: row.decision is Decision.KEEP),
        revoked=total(lambda row: row.decision is Decision.REVOKE),
        abstained=total(lambda row: row.decision is Decision.ABSTAIN),
        signed_off=total(lambda row: row.is_signed),
        awaiting_sign_off=total(is_unsettled),
        pending=remediated(RemediationState.PENDING),
        confirmed=remediated(RemediationState.CONFIRMED),
        failed=remediated(RemediationState.FAILED),
        not_removable=remediated(RemediationState.NOT_REMOVABLE),
        reviewers=_reviewers(reading, campaign_id, only),
    )


def _counts(reading: Reading, campaign_id: int, only: int | None) -> Sequence[Any]:
    is_signed = Item.signed_off_at.is_not(None).label("is_signed")
    statement = (
        sa.select(Item.decision, Item.remediation, is_signed, sa.func.count().label("items"))
        .where(Item.campaign_id == campaign_id)
        .group_by(Item.decision, Item.remediation, is_signed)
    )
    if only is not None:
        statement = statement.where(Item.reviewer_id == only)
    return reading.session.execute(statement).all()


def _reviewers(reading: Reading, campaign_id: int, only: int | None) -> list[ReviewerRow]:
    statement = (
        sa.select(Tally, Identity, SignOff.signed_at)
        .join(Identity, Identity.id == Tally.reviewer_id)
        .outerjoin(
            SignOff,
            sa.and_(
                SignOff.campaign_id == Tally.campaign_id,
                SignOff.reviewer_id == Tally.reviewer_id,
            ),
        )
        .where(Tally.campaign_id == campaign_id)
        .order_by(Identity.display_name, Identity.id)
    )
    if only is not None:
        statement = statement.where(Tally.reviewer_id == only)
    return [
        ReviewerRow(
            id=person.public_id,
            name=person.display_name,
            items=tally.total,
            kept=tally.kept,
            revoked=tally.revoked,
            abstained=tally.abstained,
            undecided=tally.total - tally.kept - tally.revoked - tally.abstained,
            signed_off_at=signed_at,
        )
        for tally, person, signed_at in reading.session.execute(statement)
    ]
