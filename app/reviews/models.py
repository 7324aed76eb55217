"""Campaigns over a frozen population: what was shown then stands in the item itself."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.columns import state_column
from app.kernel.db import BigId, Governed, Keyed, Model, Named, Versioned
from app.reviews.domain import (
    CampaignState,
    Decision,
    DecisionMove,
    ItemState,
    RemediationState,
)


class Template(Governed, Named, Versioned, Model):
    """How a kind of campaign is made."""

    __tablename__ = "reviews_template"
    name: Mapped[str] = mapped_column(unique=True)
    scope: Mapped[dict[str, Any]] = mapped_column(default=dict)
    fallback_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"))
    grace_hours: Mapped[int] = mapped_column(default=0)
    due_days: Mapped[int] = mapped_column(default=14)
    reason_required: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Campaign(Governed, Named, Versioned, Model):
    """One run of a review over a snapshot."""

    __tablename__ = "reviews_campaign"
    template_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_template.id"), index=True)
    name: Mapped[str]
    state: Mapped[CampaignState] = state_column(CampaignState, index=True)
    snapshot: Mapped[list[Any]]
    population_count: Mapped[int] = mapped_column(default=0)
    population_digest: Mapped[str | None] = mapped_column(sa.String(64))
    launched_at: Mapped[datetime]
    launched_by: Mapped[str]
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    why: Mapped[str | None]


class LaunchProgress(Model):
    """How far a launch has come that takes its time; gone when it is done."""

    __tablename__ = "reviews_launch"
    campaign_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("reviews_campaign.id"), primary_key=True, autoincrement=False
    )
    looked_at: Mapped[int]
    total: Mapped[int]


class Item(Governed, Named, Versioned, Model):
    """One membership to decide."""

    __tablename__ = "reviews_item"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "account_id", "group_id"),
        sa.Index("ix_reviews_item_reviewer", "reviewer_id", "campaign_id", "id"),
    )
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_campaign.id"))
    membership_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_membership.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"))
    identity_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"))
    reviewer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"))
    via: Mapped[str]
    state: Mapped[ItemState] = state_column(ItemState)
    decision: Mapped[Decision | None] = state_column(Decision, nullable=True)
    reason: Mapped[str | None]
    until: Mapped[datetime | None]
    replacement: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"))
    signed_off_at: Mapped[datetime | None]
    remediation: Mapped[RemediationState] = state_column(RemediationState)
    remediation_at: Mapped[datetime | None]
    remediation_why: Mapped[str | None]
    end_id: Mapped[int | None] = mapped_column(sa.ForeignKey("grants_end.id"), index=True)
    frozen: Mapped[dict[str, Any]]


class ItemDecision(Governed, Keyed, Model):
    """Every decision on an item and every change of mind."""

    __tablename__ = "reviews_decision"
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_item.id"), index=True)
    move: Mapped[DecisionMove] = state_column(DecisionMove)
    reason: Mapped[str | None]
    until: Mapped[datetime | None]
    decided_at: Mapped[datetime]
    decided_by_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"))
    batch_size: Mapped[int]
    dwell_ms: Mapped[int | None]
    is_viewed: Mapped[bool | None]
    sample_id: Mapped[int | None] = mapped_column(sa.ForeignKey("reviews_sample.id"))


class FollowUp(Governed, Keyed, Model):
    """Who answers for a revoke that was not carried out; a change is a row, the newest counts."""

    __tablename__ = "reviews_follow_up"
    __table_args__ = (sa.UniqueConstraint("item_id", "turn"),)
    item_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_item.id"))
    turn: Mapped[int]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"))
    ticket: Mapped[str]
    due_at: Mapped[datetime]
    set_at: Mapped[datetime]
    set_by: Mapped[str] = mapped_column(sa.String(36))
    overdue_at: Mapped[datetime | None]


class Sample(Governed, Named, Model):
    """What a reviewer was asked to check before keeping many at once, and what they answered."""

    __tablename__ = "reviews_sample"
    __table_args__ = (sa.Index("ix_reviews_sample_reviewer", "reviewer_id", "campaign_id"),)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_campaign.id"))
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"))
    seed: Mapped[str]
    eligible: Mapped[int]
    drawn: Mapped[list[Any]]
    drawn_at: Mapped[datetime]
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answered_at: Mapped[datetime | None]
    kept: Mapped[int | None]
    dwell_ms: Mapped[int | None]


class SignOff(Governed, Keyed, Model):
    """A reviewer's word that they are done."""

    __tablename__ = "reviews_signoff"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "reviewer_id"),)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_campaign.id"))
    reviewer_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"))
    signed_at: Mapped[datetime]
    kept: Mapped[int]
    revoked: Mapped[int]
    abstained: Mapped[int]


class Excluded(Governed, Keyed, Model):
    """What a campaign left out, by which rule and why."""

    __tablename__ = "reviews_excluded"
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_campaign.id"), index=True)
    membership_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_membership.id"))
    what: Mapped[dict[str, Any]]
    rule: Mapped[str]
    reason: Mapped[str]


class Tally(Model):
    """Derived: one reviewer's counts in one campaign."""

    __tablename__ = "reviews_tally"
    campaign_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("reviews_campaign.id"), primary_key=True, autoincrement=False
    )
    reviewer_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("directory_identity.id"), primary_key=True, autoincrement=False
    )
    total: Mapped[int] = mapped_column(default=0)
    kept: Mapped[int] = mapped_column(default=0)
    revoked: Mapped[int] = mapped_column(default=0)
    abstained: Mapped[int] = mapped_column(default=0)
