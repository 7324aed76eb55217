"""Each decision of a review and change of mind, what was checked first, each sign-off."""

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.audit.gathering.shared import HELD, By, Reviewer, Statement, pairs, what_, whole
from app.audit.scope import Scope
from app.directory.models import (
    Account,
    Group,
    Identity,
    Source,
)
from app.lifecycle.domain import LifecycleState, LifecycleType
from app.lifecycle.models import LifecycleEvent
from app.reviews.models import Campaign, Item, ItemDecision, Sample, SignOff

Left = aliased(LifecycleEvent)


HAD_LEFT = (
    sa.select(Left.id)
    .where(
        Left.identity_id == ItemDecision.decided_by_id,
        Left.type == LifecycleType.LEAVER,
        Left.state != LifecycleState.CANCELLED,
        Left.effective_at <= ItemDecision.decided_at,
    )
    .correlate(ItemDecision)
    .exists()
)


def decision_rows(scope: Scope) -> list[Statement]:
    """Each decision and each change of mind, what was checked first, each word to be done."""
    decisions = (
        sa.select(
            what_("decision"),
            Campaign.public_id.label("campaign"),
            Item.public_id.label("item"),
            *HELD,
            ItemDecision.move.label("move"),
            sa.func.row_number()
            .over(partition_by=ItemDecision.item_id, order_by=ItemDecision.id)
            .label("turn"),
            ItemDecision.reason.label("reason"),
            ItemDecision.until.label("until"),
            ItemDecision.decided_at.label("at"),
            By.public_id.label("by"),
            By.display_name.label("by_name"),
            HAD_LEFT.label("had_left"),
            Reviewer.public_id.label("reviewer"),
            Reviewer.display_name.label("reviewer_name"),
            Item.via.label("relationship"),
            ItemDecision.batch_size.label("batch_size"),
            ItemDecision.dwell_ms.label("dwell_ms"),
            ItemDecision.is_viewed.label("is_viewed"),
            Sample.public_id.label("sample"),
        )
        .select_from(ItemDecision)
        .outerjoin(Sample, Sample.id == ItemDecision.sample_id)
        .join(Item, Item.id == ItemDecision.item_id)
        .join(Campaign, Campaign.id == Item.campaign_id)
        .join(Account, Account.id == Item.account_id)
        .join(Group, Group.id == Item.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Item.identity_id)
        .join(By, By.id == ItemDecision.decided_by_id)
        .outerjoin(Reviewer, Reviewer.id == Item.reviewer_id)
        .where(scope.decided(ItemDecision.decided_at), pairs(scope, Item))
        .order_by(ItemDecision.id)
    )
    samples = (
        sa.select(
            what_("sample"),
            Campaign.public_id.label("campaign"),
            Sample.public_id.label("sample"),
            Sample.answered_at.label("at"),
            By.public_id.label("by"),
            By.display_name.label("by_name"),
            Sample.seed.label("seed"),
            Sample.eligible.label("eligible"),
            Sample.drawn.label("drawn"),
            Sample.drawn_at.label("drawn_at"),
            Sample.answers.label("answers"),
            Sample.kept.label("kept"),
            Sample.dwell_ms.label("dwell_ms"),
        )
        .select_from(Sample)
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .join(By, By.id == Sample.reviewer_id)
        .where(scope.decided(Sample.drawn_at), whole(scope))
        .order_by(Sample.id)
    )
    words = (
        sa.select(
            what_("sign-off"),
            Campaign.public_id.label("campaign"),
            SignOff.signed_at.label("at"),
            By.public_id.label("by"),
            By.display_name.label("by_name"),
            SignOff.kept.label("kept"),
            SignOff.revoked.label("revoked"),
            SignOff.abstained.label("abstained"),
        )
        .select_from(SignOff)
        .join(Campaign, Campaign.id == SignOff.campaign_id)
        .join(By, By.id == SignOff.reviewer_id)
        .where(scope.decided(SignOff.signed_at), whole(scope))
        .order_by(SignOff.id)
    )
    return [decisions, samples, words]
