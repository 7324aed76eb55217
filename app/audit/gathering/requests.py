"""What was asked for or told by HR, and what was done about it in each system."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.audit.gathering.shared import HELD, By, Reviewer, Statement, pairs, what_
from app.audit.scope import Scope
from app.directory.models import (
    Account,
    Group,
    Identity,
    Source,
)
from app.grants.models import End, Grant
from app.lifecycle.models import LifecycleEvent
from app.provisioning.models import Plan, Task
from app.requests.models import AccessRequest, Approval, Delegation, Step
from app.rulebook.models import Policy, Ruling

Asker = aliased(Identity)


def request_rows(scope: Scope) -> list[Statement]:
    """Requests with their verdicts, approvals, plans, and tasks with what was read back."""
    requests = (
        sa.select(
            what_("request"),
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
            what_("approval"),
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
            what_("plan"),
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
            what_("grant"),
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
    tasks = task_rows(Task.public_id.label("id")).where(scope.plans(), pairs(scope, Task))
    return [requests, delegation_rows(scope), approvals, plans, grants, tasks]


def delegation_rows(scope: Scope) -> Statement:
    """Every delegation between an approver and the other who answered; before the answers."""
    answered = (
        sa.select(Approval.id)
        .join(Step, Step.id == Approval.step_id)
        .join(AccessRequest, AccessRequest.id == Step.request_id)
        .where(
            scope.requests(),
            Approval.approver_id == Delegation.delegator_id,
            Approval.decided_by_id == Delegation.delegate_id,
        )
        .correlate(Delegation)
        .exists()
    )
    return (
        sa.select(
            what_("delegation"),
            Delegation.public_id.label("id"),
            Reviewer.public_id.label("approver"),
            Reviewer.display_name.label("approver_name"),
            By.public_id.label("by"),
            By.display_name.label("by_name"),
            Delegation.reason.label("reason"),
            Delegation.valid_from.label("valid_from"),
            Delegation.valid_to.label("valid_to"),
            Delegation.ended_at.label("ended_at"),
        )
        .select_from(Delegation)
        .join(Reviewer, Reviewer.id == Delegation.delegator_id)
        .join(By, By.id == Delegation.delegate_id)
        .where(answered)
        .order_by(Delegation.id)
    )


def task_rows(*more: Any) -> Statement:
    return (
        sa.select(
            what_("task"),
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


def leaver_rows(scope: Scope) -> list[Statement]:
    """What HR told, then what was done about it in each system."""
    told = (
        sa.select(
            what_("event"),
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
        task_rows(
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
