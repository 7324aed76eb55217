"""Commands of a review: templates, launch, decide, reassign, sign off, close."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import events
from app.directory.domain import SyncState
from app.directory.models import Group, Identity, Source, SyncRun
from app.grants import service as grants
from app.grants.domain import EndCause
from app.kernel.actor import Permission
from app.kernel.errors import (
    ConflictError,
    FieldErrors,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.event import moment
from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import planning
from app.provisioning import service as provisioning
from app.provisioning.domain import PlanCause
from app.provisioning.planning import Target
from app.reviews import population
from app.reviews.domain import (
    CampaignState,
    Decision,
    DecisionMove,
    ItemState,
    RemediationState,
)
from app.reviews.models import (
    Campaign,
    Excluded,
    Item,
    ItemDecision,
    SignOff,
    Tally,
    Template,
)
from app.reviews.population import Found
from connectors.records import Verb

COMPLETE = (SyncState.COMPLETE, SyncState.ACCEPTED)
UNSETTLED = (RemediationState.PENDING,)
EXCEPTIONS = (RemediationState.FAILED, RemediationState.NOT_REMOVABLE)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a template says.

    Attributes:
        name: Its name.
        sources: Names of sources in scope; none is all.
        entitlements: Public ids of groups in scope; none is all of those sources.
        fallback: Public id of who decides where neither manager nor owner can, or None.
        due_days: Days until the campaign is due.
        is_reason_required: Whether a revoke needs a reason.
    """

    name: str
    sources: Sequence[str] = ()
    entitlements: Sequence[str] = ()
    fallback: str | None = None
    due_days: int = 14
    is_reason_required: bool = True


def save_template(uow: UnitOfWork, shape: Shape) -> Template:
    """Make a template, or change the one of that name.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: A source, entitlement or person is not known; every field is told.
        NothingToChangeError: It says exactly that already.
    """
    uow.actor.require(Permission.CAMPAIGN_WRITE)
    fallback_id = _check_shape(uow, shape)
    scope = {"sources": list(shape.sources), "entitlements": list(shape.entitlements)}
    template = uow.session.scalar(sa.select(Template).where(Template.name == shape.name))
    if template is None:
        template = Template(
            public_id=uow.ids.new(),
            name=shape.name,
            created_at=uow.now,
            created_by=uow.actor.public_id,
        )
        uow.session.add(template)
    elif (
        template.scope == scope
        and template.fallback_id == fallback_id
        and template.due_days == shape.due_days
        and template.reason_required == shape.is_reason_required
    ):
        raise NothingToChangeError("The template says exactly that already.")
    template.scope = scope
    template.fallback_id = fallback_id
    template.due_days = shape.due_days
    template.reason_required = shape.is_reason_required
    template.grace_hours = 0
    uow.record(events.TemplateSaved(subject=template.public_id, name=shape.name))
    return template


def _check_shape(reading: Reading, shape: Shape) -> int | None:
    wrong = FieldErrors()
    known = set(reading.session.scalars(sa.select(Source.name).where(Source.removed_at.is_(None))))
    for name in shape.sources:
        if name not in known:
            wrong.add("sources", f"There is no source {name!r}.")
    groups = set(
        reading.session.scalars(
            sa.select(Group.public_id).where(Group.public_id.in_(shape.entitlements))
        )
    )
    for each in shape.entitlements:
        if each not in groups:
            wrong.add("entitlements", f"There is no entitlement {each}.")
    fallback = None
    if shape.fallback is not None:
        fallback = reading.session.scalar(
            sa.select(Identity.id).where(Identity.public_id == shape.fallback, Identity.is_active)
        )
        if fallback is None:
            wrong.add("fallback", "There is no such active identity.")
    wrong.raise_if_any()
    return fallback


@dataclass(frozen=True, slots=True)
class Launch:
    """What launching a template would mean.

    Attributes:
        template: What is launched.
        runs: The complete reads it stands on.
        found: The population, items and excluded.
    """

    template: Template
    runs: Sequence[dict[str, Any]]
    found: Sequence[Found]

    @property
    def items(self) -> list[Found]:
        """What is to be decided."""
        return [each for each in self.found if each.rule is None]

    @property
    def excluded(self) -> list[Found]:
        """What is left out."""
        return [each for each in self.found if each.rule is not None]

    @property
    def reviewers(self) -> Counter[int]:
        """How many items each reviewer gets."""
        return Counter(each.reviewer_id for each in self.items if each.reviewer_id is not None)


def preview(reading: Reading, *, template_id: str) -> Launch:
    """Return what launching a template would mean, changing nothing.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such template.
        ConflictError: A source in scope has no complete read yet.
    """
    reading.actor.require(Permission.CAMPAIGN_WRITE)
    template = reading.session.scalar(
        sa.select(Template).where(
            sa.or_(Template.public_id == template_id, Template.name == template_id)
        )
    )
    if template is None:
        raise NotFoundError("There is no such template.")
    sources = _sources(reading, template)
    runs = [_latest_run(reading, source) for source in sources]
    groups = reading.session.scalars(
        sa.select(Group.id).where(Group.public_id.in_(template.scope.get("entitlements", [])))
    ).all()
    found = list(
        population.gather(reading, [each.id for each in sources], groups, template.fallback_id)
    )
    return Launch(template, runs, found)


def _sources(reading: Reading, template: Template) -> Sequence[Source]:
    names = template.scope.get("sources") or None
    statement = sa.select(Source).where(Source.removed_at.is_(None), Source.is_enabled)
    if names:
        statement = statement.where(Source.name.in_(names))
    return reading.session.scalars(statement.order_by(Source.id)).all()


def _latest_run(reading: Reading, source: Source) -> dict[str, Any]:
    run = reading.session.scalar(
        sa.select(SyncRun)
        .where(SyncRun.source_id == source.id, SyncRun.state.in_(COMPLETE))
        .order_by(SyncRun.id.desc())
        .limit(1)
    )
    if run is None:
        raise ConflictError(f"{source.name} has not been read completely yet: sync it first.")
    return {
        "source": source.name,
        "run": run.public_id,
        "begun_at": moment(run.begun_at),
        "digest": run.digest,
    }


def launch(uow: UnitOfWork, *, template_id: str, name: str | None = None) -> Campaign:
    """Freeze the population of a template and put it to its reviewers.

    An empty scope makes a campaign that is closed at once, with its evidence.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such template.
        ConflictError: A source has no complete read, or a campaign of this template is open.
    """
    planned = preview(uow, template_id=template_id)
    template = planned.template
    running = uow.session.scalar(
        sa.select(Campaign.public_id).where(
            Campaign.template_id == template.id, Campaign.state == CampaignState.OPEN
        )
    )
    if running is not None:
        raise ConflictError(f"Campaign {running} of this template is open; close it first.")
    campaign = Campaign(
        public_id=uow.ids.new(),
        template_id=template.id,
        name=name or f"{template.name}, {uow.now:%d %b %Y}",
        state=CampaignState.OPEN,
        snapshot=list(planned.runs),
        population_count=len(planned.found),
        population_digest=population.digest(planned.found),
        launched_at=uow.now,
        launched_by=uow.actor.public_id,
        due_at=uow.now + timedelta(days=template.due_days),
    )
    uow.session.add(campaign)
    uow.session.flush()
    _store(uow, campaign, planned)
    uow.record(
        events.CampaignLaunched(
            subject=campaign.public_id,
            population=campaign.population_count,
            excluded=len(planned.excluded),
            population_digest=campaign.population_digest or "",
            reviewers=len(planned.reviewers),
            due_at=campaign.due_at,
        )
    )
    if not planned.items:
        _close(uow, campaign)
    return campaign


def _store(uow: UnitOfWork, campaign: Campaign, planned: Launch) -> None:
    """Insert items, exclusions and counters, each in one statement."""
    items = [
        {
            "public_id": uow.ids.new(),
            "campaign_id": campaign.id,
            "membership_id": each.membership_id,
            "account_id": each.account_id,
            "group_id": each.group_id,
            "identity_id": each.identity_id,
            "reviewer_id": each.reviewer_id,
            "via": each.via,
            "state": ItemState.OPEN,
            "remediation": RemediationState.NONE,
            "frozen": each.shown,
            "version": 1,
        }
        for each in sorted(planned.items, key=lambda found: found.reviewer_id or 0)
    ]
    if items:
        uow.session.execute(sa.insert(Item), items)
    if planned.excluded:
        uow.session.execute(
            sa.insert(Excluded),
            [
                {
                    "campaign_id": campaign.id,
                    "membership_id": each.membership_id,
                    "what": each.shown,
                    "rule": each.rule,
                    "reason": population.REASONS[each.rule or ""],
                }
                for each in planned.excluded
            ],
        )
    if planned.reviewers:
        uow.session.execute(
            sa.insert(Tally),
            [
                {
                    "campaign_id": campaign.id,
                    "reviewer_id": reviewer,
                    "total": count,
                    "kept": 0,
                    "revoked": 0,
                    "abstained": 0,
                }
                for reviewer, count in planned.reviewers.items()
            ],
        )


@dataclass(frozen=True, slots=True)
class Said:
    """What a reviewer says of one item.

    Attributes:
        id: Public id of the item.
        decision: Keep, revoke, abstain, or undo.
        version: The version that was looked at.
        reason: Why.
        until: For a keep: until when.
        replacement: For a revoke: what is to be asked for in its place.
        dwell_ms: How long it was looked at, if the door knows.
    """

    id: str
    decision: DecisionMove
    version: int
    reason: str | None = None
    until: datetime | None = None
    replacement: str | None = None
    dwell_ms: int | None = None


def decide(uow: UnitOfWork, said: Sequence[Said]) -> list[Item]:
    """Decide many items at once: all of them or none.

    Raises:
        NotFoundError: One of them is not this reviewer's.
        NotPermittedError: One of them is about the reviewer's own access.
        ConflictError: One was changed since, signed off, or its campaign is closed.
        InvalidInputError: One lacks its reason, or stands twice; every field is told.
        NothingToChangeError: None of them would change.
    """
    me = uow.actor.require_identity()
    items = _items(uow, said, me)
    _check(uow, said, items)
    changed = [each for each in said if _differs(items[each.id], each)]
    if not changed:
        raise NothingToChangeError("These items are decided so already.")
    campaigns = _campaign_names(uow, {item.campaign_id for item in items.values()})
    reviewer = uow.session.get_one(Identity, me).public_id
    for each in changed:
        item = items[each.id]
        _apply(uow, item, each, me)
        uow.record(
            events.ItemDecided(
                subject=item.public_id,
                campaign=campaigns[item.campaign_id],
                reviewer=reviewer,
                move=each.decision,
                batch_size=len(changed),
                until=each.until,
                reason=each.reason,
            )
        )
    uow.session.execute(
        sa.insert(ItemDecision),
        [
            {
                "item_id": items[each.id].id,
                "move": each.decision,
                "reason": each.reason,
                "until": each.until,
                "decided_at": uow.now,
                "decided_by_id": me,
                "batch_size": len(changed),
                "dwell_ms": each.dwell_ms,
            }
            for each in changed
        ],
    )
    uow.session.flush()
    for campaign_id in {item.campaign_id for item in items.values()}:
        recount(uow, campaign_id, me)
    return list(items.values())


def _items(uow: UnitOfWork, said: Sequence[Said], me: int) -> dict[str, Item]:
    ids = [each.id for each in said]
    if len(set(ids)) != len(ids):
        raise InvalidInputError({"items": "An item stands twice in the list."})
    rows = uow.session.scalars(
        sa.select(Item).where(Item.public_id.in_(ids), Item.reviewer_id == me).with_for_update()
    )
    found = {row.public_id: row for row in rows}
    if len(found) != len(ids):
        missing = next(each for each in ids if each not in found)
        raise NotFoundError(f"There is no item {missing} of yours.")
    return found


def _check(uow: UnitOfWork, said: Sequence[Said], items: dict[str, Item]) -> None:
    me = uow.actor.require_identity()
    open_campaigns = _open_campaigns(uow, {item.campaign_id for item in items.values()})
    wrong = FieldErrors()
    for place, each in enumerate(said):
        item = items[each.id]
        if item.identity_id == me:
            raise NotPermittedError("Nobody reviews their own access.")
        if item.campaign_id not in open_campaigns:
            raise ConflictError("This campaign is closed.")
        if item.state not in (ItemState.OPEN, ItemState.DECIDED):
            raise ConflictError("You have signed off: your decisions stand.")
        if item.version != each.version:
            current = {"id": item.public_id, "version": item.version, "decision": item.decision}
            raise ConflictError("An item was changed since you looked.", current)
        is_revoke = each.decision is DecisionMove.REVOKE
        if is_revoke and open_campaigns[item.campaign_id] and not (each.reason or "").strip():
            wrong.add(f"items.{place}.reason", "Say why it is revoked.")
        if each.until is not None and (
            each.decision is not DecisionMove.KEEP or each.until <= uow.now
        ):
            wrong.add(f"items.{place}.until", "Only a keep has an end, and it lies ahead.")
    wrong.raise_if_any()


def _open_campaigns(reading: Reading, ids: set[int]) -> dict[int, bool]:
    """Return the open ones among campaigns, with whether a revoke needs a reason."""
    rows = reading.session.execute(
        sa.select(Campaign.id, Template.reason_required)
        .join(Template, Template.id == Campaign.template_id)
        .where(Campaign.id.in_(ids), Campaign.state == CampaignState.OPEN)
    )
    return {row.id: row.reason_required for row in rows}


def _campaign_names(reading: Reading, ids: set[int]) -> dict[int, str]:
    rows = reading.session.execute(
        sa.select(Campaign.id, Campaign.public_id).where(Campaign.id.in_(ids))
    )
    return {row.id: row.public_id for row in rows}


def _differs(item: Item, said: Said) -> bool:
    wanted = None if said.decision is DecisionMove.UNDO else Decision(said.decision.value)
    return (item.decision, item.reason, item.until) != (wanted, said.reason, said.until)


def _apply(uow: UnitOfWork, item: Item, said: Said, me: int) -> None:
    if said.decision is DecisionMove.UNDO:
        item.state, item.decision = ItemState.OPEN, None
        item.reason = item.replacement = None
        item.until = item.decided_at = None
        item.decided_by_id = None
        return
    item.state, item.decision = ItemState.DECIDED, Decision(said.decision.value)
    item.reason, item.until = said.reason, said.until
    item.replacement = said.replacement
    item.decided_at, item.decided_by_id = uow.now, me


def recount(uow: UnitOfWork, campaign_id: int, reviewer_id: int) -> None:
    """Derive a reviewer's counters again from the items."""
    rows = uow.session.execute(
        sa.select(Item.decision, sa.func.count().label("items"))
        .where(Item.campaign_id == campaign_id, Item.reviewer_id == reviewer_id)
        .group_by(Item.decision)
    )
    counts = {row.decision: row.items for row in rows}
    uow.session.execute(
        sa.delete(Tally).where(Tally.campaign_id == campaign_id, Tally.reviewer_id == reviewer_id)
    )
    if counts:
        uow.session.execute(
            sa.insert(Tally).values(
                campaign_id=campaign_id,
                reviewer_id=reviewer_id,
                total=sum(counts.values()),
                kept=counts.get(Decision.KEEP, 0),
                revoked=counts.get(Decision.REVOKE, 0),
                abstained=counts.get(Decision.ABSTAIN, 0),
            )
        )


def reassign(uow: UnitOfWork, *, item_ids: Sequence[str], reviewer: str, reason: str) -> list[Item]:
    """Put open items to another reviewer: all of them or none.

    Raises:
        NotPermittedError: The actor may not, or the new reviewer holds one of them.
        NotFoundError: There is no such item or person.
        ConflictError: One is signed off, or its campaign is closed.
    """
    uow.actor.require(Permission.ITEM_REASSIGN)
    person = uow.session.scalar(sa.select(Identity).where(Identity.public_id == reviewer))
    if person is None or not person.is_active:
        raise NotFoundError("There is no such active identity.")
    rows = uow.session.scalars(
        sa.select(Item).where(Item.public_id.in_(item_ids)).with_for_update()
    ).all()
    if len(rows) != len(set(item_ids)):
        raise NotFoundError("One of these items does not exist.")
    open_campaigns = _open_campaigns(uow, {row.campaign_id for row in rows})
    campaigns = _campaign_names(uow, {row.campaign_id for row in rows})
    names = _identity_names(uow, {row.reviewer_id for row in rows if row.reviewer_id})
    touched = set()
    for row in rows:
        if row.identity_id == person.id:
            raise NotPermittedError("Nobody reviews their own access.")
        if row.campaign_id not in open_campaigns or row.state is not ItemState.OPEN:
            raise ConflictError("Only open items of an open campaign go to somebody else.")
        if row.reviewer_id == person.id:
            raise NothingToChangeError("The item is this reviewer's already.")
        before = names.get(row.reviewer_id) if row.reviewer_id else None
        touched |= {(row.campaign_id, each) for each in (row.reviewer_id, person.id) if each}
        row.reviewer_id, row.via = person.id, "reassigned"
        uow.record(
            events.ItemReassigned(
                subject=row.public_id,
                campaign=campaigns[row.campaign_id],
                reviewer_before=before,
                reviewer=person.public_id,
                reason=reason,
            )
        )
    uow.session.flush()
    for campaign_id, each in touched:
        recount(uow, campaign_id, each)
    return list(rows)


def _identity_names(reading: Reading, ids: set[int]) -> dict[int, str]:
    rows = reading.session.execute(
        sa.select(Identity.id, Identity.public_id).where(Identity.id.in_(ids))
    )
    return {row.id: row.public_id for row in rows}


def sign_off(uow: UnitOfWork, *, campaign_id: str) -> SignOff:
    """Say that one is done: every decision stands, and what is revoked is carried out.

    Raises:
        NotFoundError: There is no such campaign, or nothing of this reviewer in it.
        ConflictError: Items are undecided, or it is closed.
        NothingToChangeError: Signed off before.
    """
    me = uow.actor.require_identity()
    campaign = _campaign(uow, campaign_id)
    items = uow.session.scalars(
        sa.select(Item)
        .where(Item.campaign_id == campaign.id, Item.reviewer_id == me)
        .order_by(Item.id)
        .with_for_update()
    ).all()
    if not items:
        raise NotFoundError("There is no such campaign with items of yours.")
    waiting = [each for each in items if each.state is ItemState.OPEN]
    ready = [each for each in items if each.state is ItemState.DECIDED]
    if campaign.state is not CampaignState.OPEN:
        raise ConflictError("This campaign is closed.")
    if waiting:
        raise ConflictError(f"{len(waiting)} of your items are undecided.")
    if not ready:
        raise NothingToChangeError("You have signed off before.")
    for each in ready:
        each.state, each.signed_off_at = ItemState.SIGNED_OFF, uow.now
    _remediate(uow, campaign, [each for each in ready if each.decision is Decision.REVOKE])
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


def _remediate(uow: UnitOfWork, campaign: Campaign, revoked: Sequence[Item]) -> None:
    """Decide the end of what was revoked, in one plan; what cannot be ended is said so."""
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


def confirm_item(uow: UnitOfWork, item: Item, *, end: str | None) -> None:
    """Note that what was revoked is gone."""
    item.remediation, item.remediation_at = RemediationState.CONFIRMED, uow.now
    item.remediation_why = None if end else "It was gone before it was revoked."
    campaign = uow.session.get_one(Campaign, item.campaign_id)
    uow.record(
        events.RemediationConfirmed(
            subject=item.public_id, campaign=campaign.public_id, end=end or ""
        )
    )


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


def close(uow: UnitOfWork, *, campaign_id: str) -> Campaign:
    """End a campaign. What nobody answered stays and is listed as unanswered.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such campaign.
        ConflictError: It is closed, or revokes are not read back yet, or reviewers still have time.
    """
    uow.actor.require(Permission.CAMPAIGN_WRITE)
    campaign = _campaign(uow, campaign_id)
    if campaign.state is CampaignState.CLOSED:
        raise ConflictError("This campaign is closed.")
    counts = _counts(uow, campaign)
    unanswered = counts[ItemState.OPEN] + counts[ItemState.DECIDED]
    if unanswered and uow.now < campaign.due_at:
        raise ConflictError(
            f"{unanswered} items are not signed off, and reviewers have time until "
            f"{campaign.due_at:%d %b %Y, %H:%M} UTC."
        )
    pending = uow.session.scalar(
        sa.select(sa.func.count()).where(
            Item.campaign_id == campaign.id, Item.remediation.in_(UNSETTLED)
        )
    )
    if pending:
        raise ConflictError(f"{pending} revokes are not read back yet.")
    _close(uow, campaign)
    return campaign


def _counts(reading: Reading, campaign: Campaign) -> Counter[ItemState]:
    rows = reading.session.execute(
        sa.select(Item.state, sa.func.count().label("items"))
        .where(Item.campaign_id == campaign.id)
        .group_by(Item.state)
    )
    return Counter({row.state: row.items for row in rows})


def _close(uow: UnitOfWork, campaign: Campaign) -> None:
    rows = uow.session.execute(
        sa.select(Item.state, Item.decision, Item.remediation, sa.func.count().label("items"))
        .where(Item.campaign_id == campaign.id)
        .group_by(Item.state, Item.decision, Item.remediation)
    ).all()

    def total(which: Any) -> int:
        return sum(row.items for row in rows if which(row))

    campaign.state = CampaignState.CLOSED
    campaign.closed_at = uow.now
    campaign.closed_by = uow.actor.public_id
    signed = [row for row in rows if row.state is ItemState.SIGNED_OFF]
    uow.session.execute(
        sa.update(Item)
        .where(Item.campaign_id == campaign.id)
        .values(state=ItemState.CLOSED, version=Item.version + 1)
        .execution_options(synchronize_session=False)
    )
    uow.record(
        events.CampaignClosed(
            subject=campaign.public_id,
            kept=sum(row.items for row in signed if row.decision is Decision.KEEP),
            revoked=sum(row.items for row in signed if row.decision is Decision.REVOKE),
            abstained=sum(row.items for row in signed if row.decision is Decision.ABSTAIN),
            unanswered=total(lambda row: row.state is not ItemState.SIGNED_OFF),
            confirmed=total(lambda row: row.remediation is RemediationState.CONFIRMED),
            exceptions=total(lambda row: row.remediation in EXCEPTIONS),
        )
    )


def _campaign(reading: Reading, campaign_id: str) -> Campaign:
    found = reading.session.scalar(
        sa.select(Campaign).where(Campaign.public_id == campaign_id).with_for_update()
    )
    if found is None:
        raise NotFoundError("There is no such campaign.")
    return found
