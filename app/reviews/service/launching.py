"""From a template to a campaign: the population frozen and put to its reviewers.

A small population is frozen at once, by the command itself. A large one takes its time: the command
leaves a campaign that is being launched, and a job looks at the population outside any transaction
that writes, tells how far it is, and freezes it in one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app import events
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError
from app.kernel.jobs import Job, Queue
from app.kernel.phrases import phrase
from app.kernel.uow import Transactions, UnitOfWork
from app.reviews import population
from app.reviews.domain import CampaignState, ItemState, RemediationState
from app.reviews.models import Campaign, Excluded, Item, LaunchProgress, Tally, Template
from app.reviews.service import closing, standing
from app.reviews.service.previewing import (
    AT_ONCE,
    Launch,
    find_template,
    look,
    scope_of,
    size_of,
)

LAUNCH = "launch_campaign"
EVERY = timedelta(seconds=1)
UNDER_WAY = (CampaignState.LAUNCHING, CampaignState.OPEN)


def launch(
    uow: UnitOfWork,
    *,
    template_id: str,
    name: str | None = None,
    at_once: int = AT_ONCE,
    is_enqueued: bool = True,
) -> Campaign:
    """Freeze the population of a template and put it to its reviewers, now or by a job.

    An empty scope makes a campaign that is closed at once, with its evidence.

    Args:
        uow: The unit of work.
        template_id: Public id or name of the template.
        name: What to call it; None: the template's name and the day.
        at_once: A population of more memberships than that is left to a job.
        is_enqueued: False: the caller does what the job would, with `run_launch`.

    Returns:
        The campaign; one that is left to a job is `launching`.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such template.
        ConflictError: A source has no complete read, or a campaign of this template is under way.
    """
    uow.actor.require(Permission.CAMPAIGN_WRITE)
    template = find_template(uow, template_id)
    scope = scope_of(uow, template)
    uow.session.execute(sa.select(Template.id).where(Template.id == template.id).with_for_update())
    _refuse_second(uow, template)
    campaign = Campaign(
        public_id=uow.ids.new(),
        template_id=template.id,
        name=name or f"{template.name}, {uow.now:%d %b %Y}",
        state=CampaignState.LAUNCHING,
        snapshot=list(scope.runs),
        population_count=0,
        launched_at=uow.now,
        launched_by=uow.actor.public_id,
        due_at=uow.now + timedelta(days=template.due_days),
    )
    uow.session.add(campaign)
    uow.session.flush()
    memberships = size_of(uow, scope)
    if memberships <= at_once:
        _freeze(uow, campaign, look(uow, scope))
        return campaign
    uow.session.add(LaunchProgress(campaign_id=campaign.id, looked_at=0, total=memberships))
    uow.record(
        events.CampaignRequested(
            subject=campaign.public_id, template=template.public_id, memberships=memberships
        )
    )
    if is_enqueued:
        uow.enqueue(Job(Queue.BUILD, LAUNCH, campaign.public_id, payload_of(campaign)))
    return campaign


def _refuse_second(uow: UnitOfWork, template: Template) -> None:
    running = uow.session.execute(
        sa.select(Campaign.public_id, Campaign.state).where(
            Campaign.template_id == template.id, Campaign.state.in_(UNDER_WAY)
        )
    ).first()
    if running is None:
        return
    if running.state is CampaignState.LAUNCHING:
        raise ConflictError(
            phrase(
                "Campaign %(running)s of this template is being launched.",
                running=running.public_id,
            )
        )
    raise ConflictError(
        phrase(
            "Campaign %(running)s of this template is open; close it first.",
            running=running.public_id,
        )
    )


def payload_of(campaign: Campaign) -> Mapping[str, str]:
    """Return what a job has to be told to launch a campaign."""
    return {"campaign": campaign.public_id}


def run_launch(tx: Transactions, payload: Mapping[str, str]) -> None:
    """Launch a campaign that was asked for; the runner of `launch_campaign` jobs. Safe to repeat.

    Args:
        tx: Opens transactions.
        payload: `campaign`, a public id.
    """
    public_id = payload["campaign"]
    try:
        with tx.read() as reading:
            campaign = standing.campaign_row(reading, public_id)
            if campaign.state is not CampaignState.LAUNCHING:
                return
            template = reading.session.get_one(Template, campaign.template_id)
            told = Progress(tx, campaign.id, reading.now)
            planned = look(reading, scope_of(reading, template), told.looked_at)
    except ConflictError as error:
        _fail(tx, public_id, error.detail)
        return
    with tx.write() as uow:
        campaign = standing.find_campaign(uow, public_id)
        if campaign.state is CampaignState.LAUNCHING:
            campaign.launched_at = uow.now
            campaign.due_at = uow.now + timedelta(days=planned.template.due_days)
            _freeze(uow, campaign, planned)


@dataclass(slots=True)
class Progress:
    """Tells how many memberships were looked at, at most once a second, apart from all else."""

    tx: Transactions
    campaign_id: int
    told_at: datetime

    def looked_at(self, memberships: int) -> None:
        """Tell it, if the last word is a second old."""
        now = self.tx.clock.now()
        if now - self.told_at < EVERY:
            return
        self.told_at = now
        with self.tx.write() as uow:
            uow.session.execute(
                sa.update(LaunchProgress)
                .where(LaunchProgress.campaign_id == self.campaign_id)
                .values(looked_at=memberships)
            )


def _fail(tx: Transactions, public_id: str, why: str) -> None:
    """Record that a campaign could not be launched; what stood in the way is told."""
    with tx.write() as uow:
        campaign = standing.find_campaign(uow, public_id)
        if campaign.state is not CampaignState.LAUNCHING:
            return
        campaign.state = CampaignState.FAILED
        campaign.why = why
        _forget_progress(uow, campaign)
        uow.record(events.CampaignLaunchFailed(subject=public_id, why=why))


def _forget_progress(uow: UnitOfWork, campaign: Campaign) -> None:
    uow.session.execute(sa.delete(LaunchProgress).where(LaunchProgress.campaign_id == campaign.id))


def _freeze(uow: UnitOfWork, campaign: Campaign, planned: Launch) -> None:
    """Freeze what was looked at into a campaign, and put it to its reviewers."""
    campaign.state = CampaignState.OPEN
    campaign.snapshot = list(planned.runs)
    campaign.population_count = len(planned.found)
    campaign.population_digest = population.digest(planned.found)
    _forget_progress(uow, campaign)
    _store(uow, campaign, planned)
    uow.record(
        events.CampaignLaunched(
            subject=campaign.public_id,
            population=campaign.population_count,
            excluded=len(planned.excluded),
            population_digest=campaign.population_digest,
            reviewers=len(planned.reviewers),
            due_at=campaign.due_at,
        )
    )
    if not planned.items:
        closing.finish(uow, campaign)


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
