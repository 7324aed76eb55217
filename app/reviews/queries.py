"""Reads of reviews: templates, campaigns with their progress, and the items to decide.

An item shows what was frozen into it at the launch, next to what has happened since; so a list of
any length is one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.models import Identity, Membership
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.reviews.domain import CampaignState, Decision, ItemState, RemediationState
from app.reviews.follow_ups import COLUMNS, IS_NEWEST, FollowUpRow, Owner, follow_up_of
from app.reviews.models import Campaign, Excluded, FollowUp, Item, LaunchProgress, Template
from app.reviews.progress import Progress, progress_of
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class Person:
    """An identity or an entitlement as others see it: opaque id and name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """How a kind of campaign is made."""

    key: int
    id: str
    name: str
    sources: Sequence[str]
    entitlements: Sequence[str]
    fallback: Person | None
    due_days: int
    grace_hours: int
    is_reason_required: bool
    created_at: datetime
    created_by: str
    version: int


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in a list."""

    key: int
    id: str
    name: str
    state: CampaignState
    template: Person
    population: int
    launched_at: datetime
    launched_by: str
    due_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    why: str | None
    version: int


@dataclass(frozen=True, slots=True)
class UnderWay:
    """How far a launch is: memberships looked at, of those in scope when it was asked for."""

    looked_at: int
    total: int


@dataclass(frozen=True, slots=True)
class RuleRow:
    """What one rule left out."""

    rule: str
    reason: str
    memberships: int


@dataclass(frozen=True, slots=True)
class CampaignDetail:
    """A campaign with the reads it stands on, its progress and what it left out."""

    row: CampaignRow
    snapshot: Sequence[Any]
    population_digest: str | None
    progress: Progress
    excluded: Sequence[RuleRow]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One membership to decide: what was shown at the launch, and what is so now."""

    key: int
    id: str
    campaign: Person
    due_at: datetime
    holder: Person | None
    reviewer: Person | None
    via: str
    shown: dict[str, Any]
    gone_at: datetime | None
    state: ItemState
    decision: Decision | None
    reason: str | None
    until: datetime | None
    replacement: str | None
    decided_at: datetime | None
    is_late: bool
    signed_off_at: datetime | None
    remediation: RemediationState
    remediation_at: datetime | None
    remediation_why: str | None
    follow_up: FollowUpRow | None
    version: int


def list_templates(reading: Reading, window: Window) -> Page[TemplateRow]:
    """Return the templates, oldest first."""
    reading.actor.require(Permission.CAMPAIGN_READ)
    rows = reading.session.execute(
        _templates().where(Template.id > window.after_id()).limit(window.limit + 1)
    )
    return page([_template_row(*row) for row in rows], window, lambda row: [row.key])


def template_row(reading: Reading, template_id: str) -> TemplateRow:
    """Return one template.

    Raises:
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.CAMPAIGN_READ)
    found = reading.session.execute(_templates().where(Template.public_id == template_id)).first()
    if found is None:
        raise NotFoundError(phrase("There is no such template."))
    return _template_row(*found)


def _templates() -> Any:
    return (
        sa.select(Template, Identity)
        .outerjoin(Identity, Identity.id == Template.fallback_id)
        .order_by(Template.id)
    )


def _template_row(template: Template, fallback: Identity | None) -> TemplateRow:
    return TemplateRow(
        key=template.id,
        id=template.public_id,
        name=template.name,
        sources=template.scope.get("sources", []),
        entitlements=template.scope.get("entitlements", []),
        fallback=Person(fallback.public_id, fallback.display_name) if fallback else None,
        due_days=template.due_days,
        grace_hours=template.grace_hours,
        is_reason_required=template.reason_required,
        created_at=template.created_at,
        created_by=template.created_by,
        version=template.version,
    )


def list_campaigns(reading: Reading, window: Window) -> Page[CampaignRow]:
    """Return the campaigns the actor may see, newest first."""
    statement = _campaigns(reading).order_by(Campaign.id.desc()).limit(window.limit + 1)
    after = window.after_id()
    if after:
        statement = statement.where(Campaign.id < after)
    rows = reading.session.execute(statement)
    return page([_campaign_row(*row) for row in rows], window, lambda row: [row.key])


def campaign_detail(reading: Reading, campaign_id: str) -> CampaignDetail:
    """Return one campaign; whoever is only a reviewer in it sees their own progress alone.

    Raises:
        NotFoundError: There is none, or it is not the actor's to see.
    """
    found = reading.session.execute(
        _campaigns(reading).where(Campaign.public_id == campaign_id)
    ).first()
    if found is None:
        raise NotFoundError(phrase("There is no such campaign."))
    campaign = found[0]
    excluded = reading.session.execute(
        sa.select(Excluded.rule, Excluded.reason, sa.func.count())
        .where(Excluded.campaign_id == campaign.id)
        .group_by(Excluded.rule, Excluded.reason)
        .order_by(Excluded.rule)
    )
    return CampaignDetail(
        row=_campaign_row(*found),
        snapshot=campaign.snapshot,
        population_digest=campaign.population_digest,
        progress=progress_of(reading, campaign.id),
        excluded=[RuleRow(*row) for row in excluded],
    )


def campaign_row(reading: Reading, campaign_id: str) -> CampaignRow:
    """Return one campaign as lists show it.

    Raises:
        NotFoundError: There is none, or it is not the actor's to see.
    """
    found = reading.session.execute(
        _campaigns(reading).where(Campaign.public_id == campaign_id)
    ).first()
    if found is None:
        raise NotFoundError(phrase("There is no such campaign."))
    return _campaign_row(*found)


def launch_under_way(reading: Reading, row: CampaignRow) -> UnderWay | None:
    """Return how far the launch of a campaign is; None if none is under way."""
    found = reading.session.get(LaunchProgress, row.key)
    return UnderWay(found.looked_at, found.total) if found is not None else None


def _campaigns(reading: Reading) -> Any:
    """Select what the actor may see: all by role, else where they have something to decide."""
    statement = sa.select(Campaign, Template).join(Template, Template.id == Campaign.template_id)
    if reading.actor.may(Permission.CAMPAIGN_READ):
        return statement
    me = reading.actor.require_identity()
    mine = sa.select(Item.campaign_id).where(Item.reviewer_id == me)
    return statement.where(Campaign.id.in_(mine))


def _campaign_row(campaign: Campaign, template: Template) -> CampaignRow:
    return CampaignRow(
        key=campaign.id,
        id=campaign.public_id,
        name=campaign.name,
        state=campaign.state,
        template=Person(template.public_id, template.name),
        population=campaign.population_count,
        launched_at=campaign.launched_at,
        launched_by=campaign.launched_by,
        due_at=campaign.due_at,
        closed_at=campaign.closed_at,
        closed_by=campaign.closed_by,
        why=campaign.why,
        version=campaign.version,
    )


def list_items(
    reading: Reading,
    window: Window,
    *,
    campaign: str | None = None,
    state: ItemState | None = None,
    is_everybodys: bool = False,
) -> Page[ItemRow]:
    """Return the items put to the actor, in their stable order.

    Args:
        reading: The store.
        window: Which part.
        campaign: Public id of one campaign; None is all of them.
        state: Only items in this state.
        is_everybodys: All reviewers' items; this needs a role.
    """
    statement = _items().where(Item.id > window.after_id()).limit(window.limit + 1)
    if is_everybodys:
        reading.actor.require(Permission.CAMPAIGN_READ)
    else:
        statement = statement.where(Item.reviewer_id == reading.actor.require_identity())
    if campaign is not None:
        statement = statement.where(Campaign.public_id == campaign)
    if state is not None:
        statement = statement.where(Item.state == state)
    rows = reading.session.execute(statement)
    return page([_item_row(row, reading.now) for row in rows], window, lambda row: [row.key])


def open_items(reading: Reading, campaign_id: str, reviewer: str) -> list[ItemRow]:
    """Return what one reviewer has not decided in a campaign, by public ids; needs a role.

    Raises:
        NotPermittedError: The actor may not.
    """
    reading.actor.require(Permission.CAMPAIGN_READ)
    rows = reading.session.execute(
        _items().where(
            Campaign.public_id == campaign_id,
            _reviewer.public_id == reviewer,
            Item.state == ItemState.OPEN,
        )
    )
    return [_item_row(row, reading.now) for row in rows]


def items_by_id(reading: Reading, ids: Sequence[str]) -> list[ItemRow]:
    """Return items by their public ids, to show what a command has just changed."""
    rows = reading.session.execute(_items().where(Item.public_id.in_(ids)))
    return [_item_row(row, reading.now) for row in rows]


_holder, _reviewer = aliased(Identity), aliased(Identity)


def _items() -> Any:
    return (
        sa.select(
            *(column for column in Item.__table__.columns if column.name != "frozen"),
            Item.frozen.label("shown"),
            Campaign.public_id.label("campaign"),
            Campaign.name.label("campaign_name"),
            Campaign.due_at.label("due_at"),
            _holder.public_id.label("holder"),
            _holder.display_name.label("holder_name"),
            _reviewer.public_id.label("reviewer"),
            _reviewer.display_name.label("reviewer_name"),
            Membership.valid_to.label("gone_at"),
            *COLUMNS,
        )
        .join(Campaign, Campaign.id == Item.campaign_id)
        .join(Membership, Membership.id == Item.membership_id)
        .outerjoin(_holder, _holder.id == Item.identity_id)
        .outerjoin(_reviewer, _reviewer.id == Item.reviewer_id)
        .outerjoin(FollowUp, IS_NEWEST)
        .outerjoin(Owner, Owner.id == FollowUp.owner_id)
        .order_by(Item.id)
    )


def _item_row(row: Any, now: datetime) -> ItemRow:
    return ItemRow(
        key=row.id,
        id=row.public_id,
        campaign=Person(row.campaign, row.campaign_name),
        due_at=row.due_at,
        holder=Person(row.holder, row.holder_name) if row.holder else None,
        reviewer=Person(row.reviewer, row.reviewer_name) if row.reviewer else None,
        via=row.via,
        shown=row.shown,
        gone_at=row.gone_at,
        state=row.state,
        decision=row.decision,
        reason=row.reason,
        until=row.until,
        replacement=row.replacement,
        decided_at=row.decided_at,
        is_late=row.decided_at is not None and row.decided_at > row.due_at,
        signed_off_at=row.signed_off_at,
        remediation=row.remediation,
        remediation_at=row.remediation_at,
        remediation_why=row.remediation_why,
        follow_up=follow_up_of(row, now),
        version=row.version,
    )
