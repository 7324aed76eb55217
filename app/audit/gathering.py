"""The rows of a bundle's data files: one statement for each kind of row, streamed.

Rows carry public ids, so that they can be tied to the ledger, and names as they are at the time of
building, so that people can read them. Columns are told in `docs/reference/bundle.md`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.audit import columns
from app.audit.scope import CampaignScope, PeriodScope, SampleScope, Scope
from app.directory.domain import Provenance
from app.directory.models import (
    Account,
    Exclusion,
    Group,
    Identity,
    Membership,
    Nesting,
    Source,
    SyncRun,
)
from app.grants.domain import EndState
from app.grants.models import End, Grant
from app.kernel.event import moment
from app.lifecycle.domain import LifecycleState, LifecycleType
from app.lifecycle.models import LifecycleEvent
from app.provisioning.models import Plan, Task
from app.requests.models import AccessRequest, Approval, Step
from app.reviews.domain import Decision
from app.reviews.models import Campaign, Excluded, Item, ItemDecision, Sample, SignOff
from app.rulebook.models import Policy, Ruling

AT_ONCE = 1_000
Row = dict[str, Any]
Statement = sa.Select[*tuple[Any, ...]]
Rows = Iterator[Row]

By = aliased(Identity)
Reviewer = aliased(Identity)
Parent = aliased(Group)
Asker = aliased(Identity)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file to be.

    Attributes:
        columns: Its columns.
        statements: What to read, one after the other.
    """

    columns: Sequence[str]
    statements: Sequence[Statement]

    def rows(self, session: Session) -> Rows:
        """Read its rows."""
        for statement in self.statements:
            found = session.execute(statement.execution_options(yield_per=AT_ONCE))
            for mapping in found.mappings():
                yield {name: _plain(name, value) for name, value in mapping.items()}


def data_files(scope: Scope) -> Mapping[str, DataFile]:
    """Return the data files of a scope, by name."""
    population: list[Statement] = []
    excluded: list[Statement] = []
    drift: list[Statement] = []
    if isinstance(scope, CampaignScope):
        population = [_frozen_population(scope)]
        excluded = [_left_out(scope), _excluded(scope)]
    elif isinstance(scope, SampleScope) or not scope.leavers_only:
        population, drift = _open_population(scope), _drift(scope)
        excluded = [_left_out(scope)]
    made = {
        "population": DataFile(columns.POPULATION, population),
        "excluded": DataFile(columns.EXCLUDED, excluded),
        "decisions": DataFile(columns.DECISIONS, _decisions(scope)),
        "requests": DataFile(columns.REQUESTS, _requests(scope)),
        "leavers": DataFile(columns.LEAVERS, _leavers(scope)),
        "drift": DataFile(columns.DRIFT, drift),
        "sources": DataFile(columns.SOURCES, [_sources(scope)]),
    }
    return {
        name: file if scope.speaks_of(name) else DataFile(file.columns, [])
        for name, file in made.items()
    }


def _pairs(scope: Scope, table: Any) -> sa.ColumnElement[bool]:
    """Of a sample, only what is about the access that was drawn."""
    if isinstance(scope, SampleScope):
        return scope.memberships(table.account_id, table.group_id)
    return sa.true()


def _whole(scope: Scope) -> sa.ColumnElement[bool]:
    """What is about no one access belongs to every bundle but a sample's."""
    return sa.false() if isinstance(scope, SampleScope) else sa.true()


def _what(what: str) -> sa.Label[str]:
    return sa.literal(what).label("what")


HELD = (
    Source.name.label("source"),
    Account.public_id.label("account"),
    Account.login.label("account_login"),
    Account.display_name.label("account_name"),
    Identity.public_id.label("identity"),
    Identity.display_name.label("identity_name"),
    Group.public_id.label("group"),
    Group.name.label("group_name"),
)
WHAT_KIND = (
    Account.kind.label("account_kind"),
    Account.status.label("account_status"),
    Account.last_sign_in_at.label("last_sign_in_at"),
    Group.is_administrative.label("is_privileged"),
)
WHY = (
    sa.case((Membership.is_primary, "primary group"), else_="direct").label("path"),
    Membership.provenance.label("provenance"),
    Membership.provenance_ref.label("provenance_ref"),
    Membership.valid_from.label("valid_from"),
    Membership.valid_to.label("valid_to"),
)

Ending = aliased(End)
DECIDED_END = (
    sa.select(sa.func.min(Ending.public_id))
    .where(
        Ending.account_id == Membership.account_id,
        Ending.group_id == Membership.group_id,
        Ending.state.in_([EndState.AUTHORISED, EndState.CONFIRMED]),
        Ending.decided_at <= Membership.valid_to,
        Ending.decided_at >= Membership.valid_from,
    )
    .correlate(Membership)
    .scalar_subquery()
)
CAUSE = (
    sa.case((Membership.valid_to.is_not(None), DECIDED_END)).label("end"),
    Group.master_external_id.is_not(None).label("is_mirrored"),
)
Again = aliased(Membership)
RETURNED = (
    sa.select(sa.func.min(Again.valid_from))
    .where(
        Again.account_id == Item.account_id,
        Again.group_id == Item.group_id,
        Again.valid_from > Item.remediation_at,
    )
    .correlate(Item)
    .scalar_subquery()
)


def _open_population(scope: PeriodScope | SampleScope) -> list[Statement]:
    """Who had what when the period ended, what had ended in it, and which group stood in which."""

    def held(what: str) -> Statement:
        return (
            sa.select(_what(what), *HELD, *WHAT_KIND, *WHY, *CAUSE)
            .select_from(Membership)
            .join(Account, Account.id == Membership.account_id)
            .join(Group, Group.id == Membership.group_id)
            .join(Source, Source.id == Group.source_id)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(scope.memberships(Membership.account_id, Membership.group_id))
            .order_by(Membership.id)
        )

    memberships = held("membership").where(_stood_at(Membership, scope.end))
    ended = held("ended").where(Membership.valid_to >= scope.start, Membership.valid_to < scope.end)
    if isinstance(scope, SampleScope):
        return [memberships, ended]
    nestings = (
        sa.select(
            _what("nesting"),
            Source.name.label("source"),
            Group.public_id.label("member_group"),
            Group.name.label("member_group_name"),
            Parent.public_id.label("group"),
            Parent.name.label("group_name"),
            Nesting.valid_from.label("valid_from"),
            Nesting.valid_to.label("valid_to"),
        )
        .select_from(Nesting)
        .join(Group, Group.id == Nesting.child_id)
        .join(Parent, Parent.id == Nesting.parent_id)
        .join(Source, Source.id == Parent.source_id)
        .where(_stood_at(Nesting, scope.end))
        .order_by(Nesting.id)
    )
    return [memberships, ended, nestings]


def _stood_at(interval: Any, at: datetime) -> sa.ColumnElement[bool]:
    is_open = sa.or_(interval.valid_to.is_(None), interval.valid_to >= at)
    return sa.and_(interval.valid_from < at, is_open)


def _frozen_population(scope: CampaignScope) -> Statement:
    """Every item, as it was shown, with what became of it."""
    return (
        sa.select(
            _what("item"),
            Item.public_id.label("item"),
            *HELD,
            *WHAT_KIND,
            *WHY,
            Group.master_external_id.is_not(None).label("is_mirrored"),
            Reviewer.public_id.label("reviewer"),
            Reviewer.display_name.label("reviewer_name"),
            Item.via.label("relationship"),
            Item.state.label("state"),
            Item.decision.label("decision"),
            Item.reason.label("reason"),
            Item.decided_at.label("decided_at"),
            Item.signed_off_at.label("signed_off_at"),
            Item.remediation.label("remediation"),
            Item.remediation_at.label("remediation_at"),
            Item.remediation_why.label("remediation_why"),
            sa.case((Item.decision == Decision.REVOKE, RETURNED)).label("returned_at"),
            sa.func.coalesce(
                End.public_id, sa.case((Membership.valid_to.is_not(None), DECIDED_END))
            ).label("end"),
            Item.frozen.label("frozen"),
        )
        .select_from(Item)
        .join(Membership, Membership.id == Item.membership_id)
        .join(Account, Account.id == Item.account_id)
        .join(Group, Group.id == Item.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Item.identity_id)
        .outerjoin(Reviewer, Reviewer.id == Item.reviewer_id)
        .outerjoin(End, End.id == Item.end_id)
        .where(Item.campaign_id == scope.key)
        .order_by(Item.id)
    )


def _excluded(scope: CampaignScope) -> Statement:
    return (
        sa.select(
            _what("membership"),
            Excluded.rule.label("rule"),
            Excluded.reason.label("reason"),
            *HELD,
            Excluded.what.label("frozen"),
        )
        .select_from(Excluded)
        .outerjoin(Membership, Membership.id == Excluded.membership_id)
        .outerjoin(Account, Account.id == Membership.account_id)
        .outerjoin(Group, Group.id == Membership.group_id)
        .outerjoin(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(Excluded.campaign_id == scope.key)
        .order_by(Excluded.id)
    )


def _left_out(scope: Scope) -> Statement:
    """Groups that a person left out by name, whose members no read has to bring."""
    return (
        sa.select(
            _what("group"),
            sa.literal("left_out_by_name").label("rule"),
            Exclusion.reason.label("reason"),
            Source.name.label("source"),
            Group.public_id.label("group"),
            Exclusion.name.label("group_name"),
        )
        .select_from(Exclusion)
        .join(Source, Source.id == Exclusion.source_id)
        .outerjoin(
            Group,
            sa.and_(
                Group.source_id == Exclusion.source_id,
                Group.external_id == Exclusion.external_id,
            ),
        )
        .where(scope.stood(Exclusion.created_at, Exclusion.ended_at))
        .order_by(Exclusion.id)
    )


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


def _decisions(scope: Scope) -> list[Statement]:
    """Each decision and each change of mind, what was checked first, each word to be done."""
    decisions = (
        sa.select(
            _what("decision"),
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
        .where(scope.decided(ItemDecision.decided_at), _pairs(scope, Item))
        .order_by(ItemDecision.id)
    )
    samples = (
        sa.select(
            _what("sample"),
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
        .where(scope.decided(Sample.drawn_at), _whole(scope))
        .order_by(Sample.id)
    )
    words = (
        sa.select(
            _what("sign-off"),
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
        .where(scope.decided(SignOff.signed_at), _whole(scope))
        .order_by(SignOff.id)
    )
    return [decisions, samples, words]


def _requests(scope: Scope) -> list[Statement]:
    """Requests with their verdicts, approvals, plans, and tasks with what was read back."""
    requests = (
        sa.select(
            _what("request"),
            AccessRequest.public_id.label("id"),
            AccessRequest.action.label("action"),
            AccessRequest.state.label("state"),
            By.public_id.label("by"),
            By.display_name.label("by_name"),
            *HELD,
            AccessRequest.reason.label("reason"),
            AccessRequest.ticket.label("ticket"),
            AccessRequest.duration_days.label("duration_days"),
            AccessRequest.submitted_at.label("at"),
            AccessRequest.decided_at.label("decided_at"),
            AccessRequest.ended_at.label("ended_at"),
            AccessRequest.plan_digest.label("plan_digest"),
            Ruling.outcome.label("verdict"),
            Policy.digest.label("policy_digest"),
            Ruling.facts.label("facts_digest"),
            AccessRequest.why.label("why"),
        )
        .select_from(AccessRequest)
        .join(By, By.id == AccessRequest.requester_id)
        .join(Identity, Identity.id == AccessRequest.beneficiary_id)
        .join(Account, Account.id == AccessRequest.account_id)
        .join(Group, Group.id == AccessRequest.group_id)
        .join(Source, Source.id == Group.source_id)
        .join(Ruling, Ruling.id == AccessRequest.ruling_id)
        .join(Policy, Policy.id == Ruling.policy_id)
        .where(scope.requests())
        .order_by(AccessRequest.id)
    )
    approvals = (
        sa.select(
            _what("approval"),
            Approval.public_id.label("id"),
            AccessRequest.public_id.label("cause_ref"),
            Step.ordinal.label("step"),
            Step.role.label("role"),
            Approval.how.label("how"),
            Approval.outcome.label("state"),
            Reviewer.public_id.label("approver"),
            Reviewer.display_name.label("approver_name"),
            By.public_id.label("by"),
            By.display_name.label("by_name"),
            Approval.comment.label("reason"),
            Approval.plan_digest.label("plan_digest"),
            Approval.decided_at.label("at"),
            AccessRequest.submitted_at.label("after"),
            AccessRequest.plan_digest.label("asked_digest"),
            Asker.public_id.label("requester"),
            Identity.public_id.label("identity"),
            Identity.display_name.label("identity_name"),
        )
        .select_from(Approval)
        .join(Step, Step.id == Approval.step_id)
        .join(AccessRequest, AccessRequest.id == Step.request_id)
        .join(Reviewer, Reviewer.id == Approval.approver_id)
        .join(Asker, Asker.id == AccessRequest.requester_id)
        .join(Identity, Identity.id == AccessRequest.beneficiary_id)
        .outerjoin(By, By.id == Approval.decided_by_id)
        .where(scope.requests())
        .order_by(Approval.id)
    )
    plans = (
        sa.select(
            _what("plan"),
            Plan.public_id.label("id"),
            Plan.cause.label("cause"),
            Plan.cause_ref.label("cause_ref"),
            Plan.state.label("state"),
            Plan.digest.label("plan_digest"),
            Plan.operations.label("operations"),
            Plan.held_reason.label("why"),
            Plan.created_at.label("at"),
            Plan.ended_at.label("ended_at"),
        )
        .where(scope.plans())
        .order_by(Plan.id)
    )
    grants = (
        sa.select(
            _what("grant"),
            Grant.public_id.label("id"),
            Grant.cause.label("cause"),
            Grant.cause_ref.label("cause_ref"),
            Grant.state.label("state"),
            *HELD,
            Grant.authorised_at.label("at"),
            Grant.until.label("until"),
            Grant.confirmed_at.label("verified_at"),
            Grant.ended_at.label("ended_at"),
        )
        .select_from(Grant)
        .join(Account, Account.id == Grant.account_id)
        .join(Group, Group.id == Grant.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(scope.grants())
        .order_by(Grant.id)
    )
    tasks = _tasks(Task.public_id.label("id")).where(scope.plans(), _pairs(scope, Task))
    return [requests, approvals, plans, grants, tasks]


def _tasks(*more: Any) -> Statement:
    return (
        sa.select(
            _what("task"),
            *more,
            Plan.public_id.label("plan"),
            Plan.cause_ref.label("cause_ref"),
            Task.verb.label("verb"),
            Task.state.label("state"),
            *HELD,
            Task.attempt.label("attempts"),
            Task.operation.label("operation"),
            Task.answer.label("answer"),
            Task.effect.label("effect"),
            Task.read_back.label("read_back"),
            Task.error.label("why"),
            Task.created_at.label("at"),
            sa.func.coalesce(Grant.authorised_at, End.decided_at).label("after"),
            Task.applied_at.label("applied_at"),
            Task.verified_at.label("verified_at"),
        )
        .select_from(Task)
        .join(Plan, Plan.id == Task.plan_id)
        .join(Source, Source.id == Task.source_id)
        .join(Account, Account.id == Task.account_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .outerjoin(Group, Group.id == Task.group_id)
        .outerjoin(Grant, Grant.id == Task.grant_id)
        .outerjoin(End, End.id == Task.end_id)
        .order_by(Task.id)
    )


def _leavers(scope: Scope) -> list[Statement]:
    """What HR told, then what was done about it in each system."""
    told = (
        sa.select(
            _what("event"),
            LifecycleEvent.public_id.label("id"),
            LifecycleEvent.event_id.label("hr_event_id"),
            LifecycleEvent.type.label("type"),
            LifecycleEvent.state.label("state"),
            LifecycleEvent.employee_number.label("employee_number"),
            Identity.public_id.label("identity"),
            Identity.display_name.label("identity_name"),
            LifecycleEvent.effective_at.label("effective_at"),
            LifecycleEvent.received_at.label("at"),
            LifecycleEvent.started_at.label("started_at"),
            LifecycleEvent.completed_at.label("completed_at"),
            Plan.public_id.label("plan"),
            LifecycleEvent.why.label("why"),
        )
        .select_from(LifecycleEvent)
        .outerjoin(Identity, Identity.id == LifecycleEvent.identity_id)
        .outerjoin(Plan, Plan.id == LifecycleEvent.plan_id)
        .where(scope.leavers())
        .order_by(LifecycleEvent.id)
    )
    done = (
        _tasks(
            Task.public_id.label("id"),
            LifecycleEvent.type.label("type"),
            _later(LifecycleEvent.effective_at, LifecycleEvent.received_at).label("due_from"),
        )
        .join(LifecycleEvent, LifecycleEvent.plan_id == Plan.id)
        .where(scope.leavers())
    )
    return [told, done]


def _later(one: Any, other: Any) -> sa.ColumnElement[Any]:
    """The later of two moments, said in a way that both stores know."""
    return sa.case((one > other, one), else_=other)


def _drift(scope: PeriodScope | SampleScope) -> list[Statement]:
    """Memberships that came or went in the period without anybody here having decided it."""
    decided = (
        sa.select(End.id)
        .where(
            End.account_id == Membership.account_id,
            End.group_id == Membership.group_id,
            End.state.in_([EndState.AUTHORISED, EndState.CONFIRMED]),
            End.decided_at <= Membership.valid_to,
            End.decided_at >= Membership.valid_from,
        )
        .exists()
    )
    changed = {
        "appeared": (
            Membership.valid_from,
            Membership.provenance.in_([Provenance.OBSERVED, Provenance.DRIFT_ADOPTED]),
        ),
        "ended": (Membership.valid_to, sa.and_(Group.master_external_id.is_(None), ~decided)),
    }
    return [
        sa.select(_what(what), at.label("at"), *HELD, *WHY)
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .join(Group, Group.id == Membership.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(
            scope.holds(at),
            undecided,
            scope.memberships(Membership.account_id, Membership.group_id),
        )
        .order_by(Membership.id)
        for what, (at, undecided) in changed.items()
    ]


def _sources(scope: Scope) -> Statement:
    return (
        sa.select(
            _what("run"),
            SyncRun.public_id.label("run"),
            Source.public_id.label("source_id"),
            Source.name.label("source"),
            Source.kind.label("kind"),
            SyncRun.endpoint.label("endpoint"),
            SyncRun.account.label("account"),
            SyncRun.queries.label("queries"),
            SyncRun.state.label("state"),
            sa.case((SyncRun.is_delta, "delta"), else_="full").label("mode"),
            SyncRun.is_stored.label("is_stored"),
            SyncRun.stored_at.label("stored_at"),
            SyncRun.started_from.label("started_from"),
            SyncRun.cursor.label("cursor"),
            SyncRun.is_baseline.label("is_baseline"),
            SyncRun.begun_at.label("begun_at"),
            SyncRun.ended_at.label("ended_at"),
            SyncRun.counts.label("counts"),
            SyncRun.problems.label("problems"),
            SyncRun.digest.label("digest"),
            SyncRun.why.label("why"),
        )
        .select_from(SyncRun)
        .join(Source, Source.id == SyncRun.source_id)
        .where(scope.sync_runs())
        .order_by(SyncRun.id)
    )


def _plain(name: str, value: Any) -> Any:
    """Turn a column into what canonical JSON holds; facts are told by their digest."""
    if name == "facts_digest":
        return hashlib.sha256(value.encode()).hexdigest()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return moment(value)
    return value
