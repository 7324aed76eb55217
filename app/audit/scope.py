"""What a bundle is about, and by which closed rule a record belongs to it.

The rules stand in the manifest in words and here in SQL, once each, so that every data file of a
bundle is cut by the same rule.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.audit.controls import files_of
from app.directory.models import SyncRun
from app.grants.models import End, Grant
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.event import moment
from app.kernel.ledger import LedgerEntry
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.lifecycle.models import LifecycleEvent
from app.provisioning.models import Plan, Task
from app.requests.models import AccessRequest
from app.reviews.domain import LAUNCHED
from app.reviews.models import Campaign, Item

CAMPAIGN_RULE = (
    "Every ledger entry whose subject is the campaign, one of its items, an end that one of its "
    "items decided or waits for, a plan it caused or a task of one, or a read of a source "
    "in its snapshot."
)
PERIOD_RULE = "Every ledger entry with from <= at < to that the log holds at its checkpoint."

SAMPLE_RULE = (
    "Every ledger entry whose subject is the sample, or a request, grant, end, review item, "
    "lifecycle event or task about an access or a leaver that was drawn."
)

Ids = sa.Select[str]


@dataclass(frozen=True, slots=True)
class CampaignScope:
    """One campaign, whenever its consequences came.

    Attributes:
        key: Its row.
        id: Its public id.
        name: Its name.
        start: When it was launched.
        end: When it was closed, or the moment of building.
        runs: Public ids of the reads in its snapshot.
    """

    key: int
    id: str
    name: str
    start: datetime
    end: datetime
    runs: tuple[str, ...]

    def told(self) -> dict[str, Any]:
        """Return what the manifest says."""
        return {"campaign": self.id, "entries": CAMPAIGN_RULE, "runs": list(self.runs)}

    def items(self) -> Ids:
        """Select the public ids of its items."""
        return sa.select(Item.public_id).where(Item.campaign_id == self.key)

    def entries(self) -> sa.ColumnElement[bool]:
        """Say which ledger entries are told of."""
        plans = sa.select(Plan.public_id).where(self.plans())
        tasks = sa.select(Task.public_id).join(Plan, Plan.id == Task.plan_id).where(self.plans())
        awaited = sa.select(Item.end_id).where(Item.campaign_id == self.key)
        decided = sa.or_(End.cause_ref.in_(self.items()), End.id.in_(awaited))
        ends = sa.select(End.public_id).where(decided)
        return sa.or_(
            LedgerEntry.subject.in_([self.id, *self.runs]),
            LedgerEntry.subject.in_(sa.union_all(self.items(), ends, plans, tasks)),
        )

    def decided(self, _at: Any) -> sa.ColumnElement[bool]:
        """Say which decisions belong: all of the campaign's."""
        return Campaign.id == self.key

    def requests(self) -> sa.ColumnElement[bool]:
        """Say which requests belong: a campaign makes none."""
        return sa.false()

    def plans(self) -> sa.ColumnElement[bool]:
        """Say which plans belong: those that the campaign or one of its items caused."""
        return sa.or_(Plan.cause_ref == self.id, Plan.cause_ref.in_(self.items()))

    def leavers(self) -> sa.ColumnElement[bool]:
        """Say which lifecycle events belong: none."""
        return sa.false()

    def grants(self) -> sa.ColumnElement[bool]:
        """Say which grants belong: none."""
        return sa.false()

    def sync_runs(self) -> sa.ColumnElement[bool]:
        """Say which reads of sources belong."""
        return SyncRun.public_id.in_(self.runs)

    def stood(self, begun: Any, ended: Any) -> sa.ColumnElement[bool]:
        """Say whether something was in force when the population was frozen."""
        return sa.and_(begun <= self.start, sa.or_(ended.is_(None), ended > self.start))

    def speaks_of(self, _name: str) -> bool:
        """Say whether a data file has rows: all of a campaign have."""
        return True


@dataclass(frozen=True, slots=True)
class PeriodScope:
    """A stretch of time: its begin belongs to it, its end does not.

    Attributes:
        start: Its begin.
        end: Its end.
        leavers_only: Only what was done about leavers; the ledger is told of in full all the same.
        control: Only the data files that speak to this control; the ledger in full all the same.
    """

    start: datetime
    end: datetime
    leavers_only: bool = False
    control: str | None = None

    def told(self) -> dict[str, Any]:
        """Return what the manifest says."""
        if self.control is not None:
            files = sorted(files_of([self.control]))
            return {
                "about": "control",
                "control": self.control,
                "files": files,
                "entries": PERIOD_RULE,
            }
        what = "leavers" if self.leavers_only else "all"
        return {"about": what, "entries": PERIOD_RULE}

    def speaks_of(self, name: str) -> bool:
        """Say whether a data file has rows; reads of sources stand in each bundle."""
        return self.control is None or name == "sources" or name in files_of([self.control])

    def memberships(self, _account: Any, _group: Any) -> sa.ColumnElement[bool]:
        """Say which access belongs: all."""
        return sa.true()

    def grants(self) -> sa.ColumnElement[bool]:
        """Say which grants belong: those that held at some moment of it."""
        if self.leavers_only:
            return sa.false()
        return self._under_way(Grant.authorised_at, Grant.ended_at)

    def entries(self) -> sa.ColumnElement[bool]:
        """Say which ledger entries are told of."""
        return self.holds(LedgerEntry.at)

    def holds(self, at: Any) -> sa.ColumnElement[bool]:
        """Say whether a moment lies in it."""
        return sa.and_(at >= self.start, at < self.end)

    def decided(self, at: Any) -> sa.ColumnElement[bool]:
        """Say which review decisions belong: those made in it."""
        return sa.false() if self.leavers_only else self.holds(at)

    def requests(self) -> sa.ColumnElement[bool]:
        """Say which requests belong: those that were under way in it."""
        if self.leavers_only:
            return sa.false()
        return self._under_way(AccessRequest.submitted_at, AccessRequest.ended_at)

    def plans(self) -> sa.ColumnElement[bool]:
        """Say which plans belong: those that were under way in it."""
        if self.leavers_only:
            return sa.false()
        return self._under_way(Plan.created_at, Plan.ended_at)

    def leavers(self) -> sa.ColumnElement[bool]:
        """Say which lifecycle events belong: those received by its end and not done before it."""
        return self._under_way(LifecycleEvent.received_at, LifecycleEvent.completed_at)

    def sync_runs(self) -> sa.ColumnElement[bool]:
        """Say which reads of sources belong: those that were begun in it."""
        return self.holds(SyncRun.begun_at)

    def stood(self, begun: Any, ended: Any) -> sa.ColumnElement[bool]:
        """Say whether something was in force at any time in it."""
        return self._under_way(begun, ended)

    def _under_way(self, begun: Any, ended: Any) -> sa.ColumnElement[bool]:
        return sa.and_(begun < self.end, sa.or_(ended.is_(None), ended >= self.start))


@dataclass(frozen=True, slots=True)
class SampleScope:
    """What was drawn from a population, each with its whole life up to the moment of building.

    Attributes:
        id: Public id of the sample.
        start: Begin of what the population was drawn from.
        end: The moment of building.
        pairs: Keys of account and group of each access drawn.
        events: Keys of the lifecycle events drawn.
        drawn: How it was drawn, for the manifest.
    """

    id: str
    start: datetime
    end: datetime
    pairs: tuple[tuple[int, int], ...]
    events: tuple[int, ...]
    drawn: Mapping[str, Any]

    def told(self) -> dict[str, Any]:
        """Return what the manifest says."""
        return {"sample": self.id, "entries": SAMPLE_RULE, "drawn": dict(self.drawn)}

    def speaks_of(self, _name: str) -> bool:
        """Say whether a data file has rows: all of a sample's have."""
        return True

    def memberships(self, account: Any, group: Any) -> sa.ColumnElement[bool]:
        """Say which access belongs: what was drawn."""
        if not self.pairs:
            return sa.false()
        return sa.or_(*(sa.and_(account == one, group == other) for one, other in self.pairs))

    def entries(self) -> sa.ColumnElement[bool]:
        """Say which ledger entries are told of."""
        tasks = sa.select(Task.public_id).join(Plan, Plan.id == Task.plan_id)
        told = (
            [self.id],
            sa.select(AccessRequest.public_id).where(self.requests()),
            sa.select(Grant.public_id).where(self.grants()),
            sa.select(End.public_id).where(self.memberships(End.account_id, End.group_id)),
            sa.select(Item.public_id).where(self.memberships(Item.account_id, Item.group_id)),
            sa.select(LifecycleEvent.public_id).where(self.leavers()),
            tasks.where(self.plans(), self.memberships(Task.account_id, Task.group_id)),
            tasks.where(Plan.cause_ref.in_(self._events())),
        )
        return sa.or_(*(LedgerEntry.subject.in_(each) for each in told))

    def holds(self, at: Any) -> sa.ColumnElement[bool]:
        """Say whether a moment lies in it."""
        return sa.and_(at >= self.start, at < self.end)

    def stood(self, begun: Any, ended: Any) -> sa.ColumnElement[bool]:
        """Say whether something was in force at some moment of it."""
        return sa.and_(begun < self.end, sa.or_(ended.is_(None), ended >= self.start))

    def decided(self, at: Any) -> sa.ColumnElement[bool]:
        """Say which review decisions belong: whenever they were made."""
        return sa.and_(at < self.end)

    def requests(self) -> sa.ColumnElement[bool]:
        """Say which requests belong: those about the access drawn."""
        return self.memberships(AccessRequest.account_id, AccessRequest.group_id)

    def plans(self) -> sa.ColumnElement[bool]:
        """Say which plans belong: those with a task about the access drawn."""
        about = self.memberships(Task.account_id, Task.group_id)
        return sa.or_(
            Plan.id.in_(sa.select(Task.plan_id).where(about)),
            Plan.cause_ref.in_(self._events()),
        )

    def grants(self) -> sa.ColumnElement[bool]:
        """Say which grants belong: those of the access drawn."""
        return self.memberships(Grant.account_id, Grant.group_id)

    def leavers(self) -> sa.ColumnElement[bool]:
        """Say which lifecycle events belong: those drawn."""
        return LifecycleEvent.id.in_(self.events)

    def sync_runs(self) -> sa.ColumnElement[bool]:
        """Say which reads of sources belong: those begun in it."""
        return self.holds(SyncRun.begun_at)

    def _events(self) -> Ids:
        return sa.select(LifecycleEvent.public_id).where(self.leavers())


Scope = CampaignScope | PeriodScope | SampleScope


def campaign_scope(reading: Reading, public_id: str) -> CampaignScope:
    """Return the scope of a campaign.

    Raises:
        NotFoundError: There is no such campaign.
        ConflictError: It was not launched, or is not yet.
    """
    found = reading.session.scalar(sa.select(Campaign).where(Campaign.public_id == public_id))
    if found is None:
        raise NotFoundError(phrase("There is no campaign %(public_id)s.", public_id=public_id))
    if found.state not in LAUNCHED:
        raise ConflictError(
            phrase(
                "Campaign %(public_id)s is %(state)s: it put nothing to anybody.",
                public_id=public_id,
                state=found.state,
            )
        )
    return _of_campaign(reading, found)


def campaign_scopes(reading: Reading, public_ids: Collection[str]) -> list[CampaignScope]:
    """Return the scopes of campaigns, of those that were launched."""
    found = sa.select(Campaign).where(
        Campaign.public_id.in_(public_ids), Campaign.state.in_(LAUNCHED)
    )
    return [_of_campaign(reading, each) for each in reading.session.scalars(found)]


def _of_campaign(reading: Reading, campaign: Campaign) -> CampaignScope:
    return CampaignScope(
        key=campaign.id,
        id=campaign.public_id,
        name=campaign.name,
        start=campaign.launched_at,
        end=campaign.closed_at or reading.now,
        runs=_runs(campaign.snapshot),
    )


def period(scope: Scope) -> dict[str, str]:
    """Return the period as the manifest says it."""
    return {"from": moment(scope.start), "to": moment(scope.end)}


def _runs(snapshot: Sequence[Any]) -> tuple[str, ...]:
    """The runs that a population stands on: of a delta, also the whole one that it goes on from."""
    named = [each.get(key) for each in snapshot for key in ("full_run", "run")]
    return tuple(dict.fromkeys(str(each) for each in named if each))
