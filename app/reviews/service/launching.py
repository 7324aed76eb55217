"""From a template to a campaign: what it would mean; then the population frozen and put."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import events
from app.directory.domain import SyncState
from app.directory.models import Group, Identity, Source, SyncRun
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.event import moment
from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import guards
from app.reviews import population
from app.reviews.domain import CampaignState, ItemState, RemediationState
from app.reviews.models import Campaign, Excluded, Item, Tally, Template
from app.reviews.population import Found
from app.reviews.service import closing

COMPLETE = (SyncState.COMPLETE, SyncState.ACCEPTED)
CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class Launch:
    """What launching a template would mean.

    Attributes:
        template: What is launched.
        runs: The complete reads it stands on.
        found: The population, items and excluded.
        people: The reviewers, by key.
        guarded: How many of the items automation would refuse to remove.
    """

    template: Template
    runs: Sequence[dict[str, Any]]
    found: Sequence[Found]
    people: Mapping[int, Identity]
    guarded: int

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
        ConflictError: No source is in scope, one that is named is disabled, or one has no
            complete read yet.
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
    if not sources:
        raise ConflictError("No source of this template is connected and enabled.")
    reads = [_latest_run(reading, source) for source in sources]
    runs = [
        {
            "source": source.name,
            "run": run.public_id,
            "begun_at": moment(run.begun_at),
            "digest": run.digest,
        }
        for source, run in zip(sources, reads, strict=True)
    ]
    wanted = population.Wanted(
        [each.id for each in sources],
        reading.session.scalars(sa.select(Group.id).where(_chosen(template))).all(),
        _active_fallback(reading, template),
        read_at={run.source_id: run.begun_at for run in reads},
        before=_launched_before(reading, template),
    )
    found = list(population.gather(reading, wanted))
    people = _people(reading, {each.reviewer_id for each in found if each.reviewer_id})
    return Launch(template, runs, found, people, _guarded(reading, found))


def _chosen(template: Template) -> sa.ColumnElement[bool]:
    return Group.public_id.in_(template.scope.get("entitlements", []))


def _sources(reading: Reading, template: Template) -> Sequence[Source]:
    """The sources that have to be read: those named, or those of the groups named, or all.

    Raises:
        ConflictError: One that was named is disabled: it is not passed over in silence.
    """
    is_chosen = bool(template.scope.get("sources") or template.scope.get("entitlements"))
    statement = sa.select(Source).where(Source.removed_at.is_(None))
    if not is_chosen:
        statement = statement.where(Source.is_enabled)
    if template.scope.get("sources"):
        statement = statement.where(Source.name.in_(template.scope["sources"]))
    if template.scope.get("entitlements"):
        theirs = sa.select(Group.source_id).where(_chosen(template))
        statement = statement.where(Source.id.in_(theirs))
    found = reading.session.scalars(statement.order_by(Source.id)).all()
    asleep = [each.name for each in found if not each.is_enabled]
    if asleep:
        raise ConflictError(
            f"{', '.join(asleep)} is disabled: enable it, or take it out of the template."
        )
    return found


def _active_fallback(reading: Reading, template: Template) -> int | None:
    return reading.session.scalar(
        sa.select(Identity.id).where(Identity.id == template.fallback_id, Identity.is_active)
    )


def _people(reading: Reading, ids: set[int]) -> dict[int, Identity]:
    return {
        each.id: each
        for chunk in _chunks(sorted(ids))
        for each in reading.session.scalars(sa.select(Identity).where(Identity.id.in_(chunk)))
    }


def _guarded(reading: Reading, found: Sequence[Found]) -> int:
    """Count the items whose account or group is protected."""
    items = [each for each in found if each.rule is None]
    accounts: set[int] = set()
    groups: set[int] = set()
    for chunk in _chunks(sorted({each.account_id for each in items})):
        accounts |= guards.protected_accounts(reading, chunk).keys()
    for chunk in _chunks(sorted({each.group_id for each in items})):
        groups |= guards.protected_groups(reading, chunk).keys()
    return sum(each.account_id in accounts or each.group_id in groups for each in items)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut a list of keys to what one statement takes as parameters."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def _launched_before(reading: Reading, template: Template) -> datetime | None:
    """Return when the last review of this kind began."""
    return reading.session.scalar(
        sa.select(sa.func.max(Campaign.launched_at)).where(Campaign.template_id == template.id)
    )


def _latest_run(reading: Reading, source: Source) -> SyncRun:
    run = reading.session.scalar(
        sa.select(SyncRun)
        .where(SyncRun.source_id == source.id, SyncRun.state.in_(COMPLETE))
        .order_by(SyncRun.id.desc())
        .limit(1)
    )
    if run is None:
        raise ConflictError(f"{source.name} has not been read completely yet: sync it first.")
    return run


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
    uow.session.execute(sa.select(Template.id).where(Template.id == template.id).with_for_update())
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
        closing.finish(uow, campaign)
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
