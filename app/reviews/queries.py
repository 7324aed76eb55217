"""Reads of templates, campaigns and worklists; each a constant number of statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.reviews.domain import CampaignState, Decision, ItemState, RemediationState
from app.reviews.models import Campaign, Excluded, Item, SignOff, Tally, Template
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template."""

    id: str
    name: str
    sources: Sequence[str]
    entitlements: Sequence[str]
    fallback: str | None
    due_days: int
    reason_required: bool
    version: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a campaign stands; revoked and confirmed are told apart."""

    items: int
    open: int
    decided: int
    signed_off: int
    kept: int
    revoked: int
    abstained: int
    pending: int
    confirmed: int
    failed: int
    not_removable: int
    excluded: int


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in a list."""

    id: str
    name: str
    template: str
    state: str
    population: int
    population_digest: str | None
    snapshot: Sequence[dict[str, Any]]
    launched_at: datetime
    due_at: datetime
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class ReviewerRow:
    """How far one reviewer is."""

    id: str
    name: str
    total: int
    kept: int
    revoked: int
    abstained: int
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CampaignDetail:
    """A campaign with its progress and its reviewers."""

    row: CampaignRow
    progress: Progress
    reviewers: Sequence[ReviewerRow]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item of a worklist, as it was frozen, with what was decided."""

    id: str
    campaign: str
    via: str
    state: str
    decision: str | None
    reason: str | None
    until: datetime | None
    replacement: str | None
    decided_at: datetime | None
    remediation: str
    remediation_why: str | None
    shown: dict[str, Any]
    version: int


def list_templates(reading: Reading, window: Window) -> Page[TemplateRow]:
    """Return the templates, oldest first."""
    reading.actor.require(Permission.CAMPAIGN_READ)
    found = reading.session.execute(
        sa.select(Template, Identity.public_id)
        .outerjoin(Identity, Identity.id == Template.fallback_id)
        .where(Template.id > window.after_id())
        .order_by(Template.id)
        .limit(window.limit + 1)
    ).all()
    shown = page(found, window, key=lambda each: [each[0].id])
    return Page([_template(*each) for each in shown.items], shown.next_cursor)


def template_row(reading: Reading, template_id: str) -> TemplateRow:
    """Return one template that the actor's own command made."""
    return _template(
        *reading.session.execute(
            sa.select(Template, Identity.public_id)
            .outerjoin(Identity, Identity.id == Template.fallback_id)
            .where(Template.public_id == template_id)
        ).one()
    )


def _template(row: Template, fallback: str | None) -> TemplateRow:
    return TemplateRow(
        id=row.public_id,
        name=row.name,
        sources=row.scope.get("sources", []),
        entitlements=row.scope.get("entitlements", []),
        fallback=fallback,
        due_days=row.due_days,
        reason_required=row.reason_required,
        version=row.version,
    )


_CAMPAIGNS = sa.select(Campaign, Template.name).join(Template, Template.id == Campaign.template_id)


def _mine(reading: Reading) -> sa.ColumnElement[bool]:
    """Those who run reviews see all campaigns; a reviewer those with items of theirs."""
    if reading.actor.may(Permission.CAMPAIGN_READ):
        return sa.true()
    me = reading.actor.require_identity()
    return Campaign.id.in_(sa.select(Tally.campaign_id).where(Tally.reviewer_id == me))


def list_campaigns(
    reading: Reading, window: Window, *, state: CampaignState | None = None
) -> Page[CampaignRow]:
    """Return campaigns the actor may see, newest first."""
    statement = _CAMPAIGNS.where(_mine(reading)).order_by(Campaign.id.desc())
    if state is not None:
        statement = statement.where(Campaign.state == state)
    after = window.after_id()
    if after:
        statement = statement.where(Campaign.id < after)
    found = reading.session.execute(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each[0].id])
    return Page([_campaign(*each) for each in shown.items], shown.next_cursor)


def _campaign(row: Campaign, template: str) -> CampaignRow:
    return CampaignRow(
        id=row.public_id,
        name=row.name,
        template=template,
        state=row.state.value,
        population=row.population_count,
        population_digest=row.population_digest,
        snapshot=row.snapshot,
        launched_at=row.launched_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        version=row.version,
    )


def campaign_detail(reading: Reading, campaign_id: str) -> CampaignDetail:
    """Return one campaign with its progress; a reviewer sees only their own line.

    Raises:
        NotFoundError: There is none, or it is not the actor's to see.
    """
    found = reading.session.execute(
        _CAMPAIGNS.where(Campaign.public_id == campaign_id, _mine(reading))
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such campaign.")
    return CampaignDetail(
        row=_campaign(*found),
        progress=_progress(reading, found[0].id),
        reviewers=_reviewers(reading, found[0].id),
    )


def _progress(reading: Reading, campaign_id: int) -> Progress:
    rows = reading.session.execute(
        sa.select(
            Item.state,
            Item.decision,
            Item.remediation,
            Item.signed_off_at.is_not(None).label("signed"),
            sa.func.count().label("items"),
        )
        .where(Item.campaign_id == campaign_id)
        .group_by(Item.state, Item.decision, Item.remediation, Item.signed_off_at.is_not(None))
    ).all()

    def total(**wanted: Any) -> int:
        return sum(
            row.items
            for row in rows
            if all(getattr(row, name) == value for name, value in wanted.items())
        )

    excluded = reading.session.scalar(
        sa.select(sa.func.count()).select_from(Excluded).where(Excluded.campaign_id == campaign_id)
    )
    return Progress(
        items=total(),
        open=total(state=ItemState.OPEN),
        decided=total(state=ItemState.DECIDED),
        signed_off=sum(row.items for row in rows if row.signed),
        kept=total(decision=Decision.KEEP),
        revoked=total(decision=Decision.REVOKE),
        abstained=total(decision=Decision.ABSTAIN),
        pending=total(remediation=RemediationState.PENDING),
        confirmed=total(remediation=RemediationState.CONFIRMED),
        failed=total(remediation=RemediationState.FAILED),
        not_removable=total(remediation=RemediationState.NOT_REMOVABLE),
        excluded=excluded or 0,
    )


def _reviewers(reading: Reading, campaign_id: int) -> list[ReviewerRow]:
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
    if not reading.actor.may(Permission.CAMPAIGN_READ):
        statement = statement.where(Tally.reviewer_id == reading.actor.require_identity())
    return [
        ReviewerRow(
            id=person.public_id,
            name=person.display_name,
            total=tally.total,
            kept=tally.kept,
            revoked=tally.revoked,
            abstained=tally.abstained,
            signed_at=signed_at,
        )
        for tally, person, signed_at in reading.session.execute(statement)
    ]


def my_items(
    reading: Reading, window: Window, *, campaign: str | None = None, is_open: bool = False
) -> Page[ItemRow]:
    """Return the actor's items, of one campaign or of all, in one statement.

    Those are plain columns: a worklist of 500 is read faster than its objects could be made.
    """
    statement = (
        sa.select(
            Item.id,
            Item.public_id,
            Campaign.public_id.label("campaign"),
            Item.via,
            Item.state,
            Item.decision,
            Item.reason,
            Item.until,
            Item.replacement,
            Item.decided_at,
            Item.remediation,
            Item.remediation_why,
            Item.frozen,
            Item.version,
        )
        .join(Campaign, Campaign.id == Item.campaign_id)
        .where(Item.reviewer_id == reading.actor.require_identity(), Item.id > window.after_id())
        .order_by(Item.id)
    )
    if campaign is not None:
        statement = statement.where(Campaign.public_id == campaign)
    if is_open:
        statement = statement.where(Item.state == ItemState.OPEN)
    found = reading.session.execute(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each.id])
    return Page([_item(each) for each in shown.items], shown.next_cursor)


def _item(row: Any) -> ItemRow:
    return ItemRow(
        id=row.public_id,
        campaign=row.campaign,
        via=row.via,
        state=row.state.value,
        decision=row.decision.value if row.decision else None,
        reason=row.reason,
        until=row.until,
        replacement=row.replacement,
        decided_at=row.decided_at,
        remediation=row.remediation.value,
        remediation_why=row.remediation_why,
        shown=row.frozen,
        version=row.version,
    )


def items_by_id(reading: Reading, ids: Sequence[str]) -> list[ItemRow]:
    """Return items that the actor's own command changed, in the order asked for."""
    rows = reading.session.execute(
        sa.select(Item, Campaign.public_id.label("campaign"))
        .join(Campaign, Campaign.id == Item.campaign_id)
        .where(Item.public_id.in_(ids))
    )
    found = {
        item.public_id: ItemRow(
            id=item.public_id,
            campaign=campaign,
            via=item.via,
            state=item.state.value,
            decision=item.decision.value if item.decision else None,
            reason=item.reason,
            until=item.until,
            replacement=item.replacement,
            decided_at=item.decided_at,
            remediation=item.remediation.value,
            remediation_why=item.remediation_why,
            shown=item.frozen,
            version=item.version,
        )
        for item, campaign in rows
    }
    return [found[each] for each in ids]


def worst_case(reading: Reading, launch: Any) -> dict[str, Any]:
    """Return what launching would mean, in numbers, before anything happens."""
    reviewers = launch.reviewers
    people = reading.session.execute(
        sa.select(Identity.id, Identity.public_id, Identity.display_name, Identity.mail).where(
            Identity.id.in_(list(reviewers))
        )
    ).all()
    rules: dict[str, int] = {}
    for each in launch.excluded:
        rules[each.rule] = rules.get(each.rule, 0) + 1
    return {
        "population": len(launch.found),
        "items": len(launch.items),
        "excluded": rules,
        "runs": list(launch.runs),
        "removed_if_all_are_revoked": len(launch.items),
        "removed_if_nobody_answers": 0,
        "will_be_told": len(people),
        "reviewers": [
            {"id": row.public_id, "name": row.display_name, "items": reviewers[row.id]}
            for row in people
        ],
        "without_an_address": [row.display_name for row in people if not row.mail],
    }
