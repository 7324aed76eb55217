"""What provisioning does when it is told of a decision, or that a source was read."""

from datetime import timedelta

import sqlalchemy as sa

from app import events
from app.directory.models import Account, Membership, Source, SyncRun
from app.grants import service as grants
from app.grants.domain import EndCause, EndState, GrantCause, GrantState
from app.grants.models import End, Grant
from app.kernel.delivery import Delivery
from app.kernel.uow import Transactions, UnitOfWork
from app.provisioning import drift, planning, service
from app.provisioning.domain import PlanCause, TaskState
from app.provisioning.models import Task
from app.provisioning.planning import Target
from connectors.records import Verb

OVERDUE = timedelta(minutes=10)
LOST = timedelta(hours=1)
CAUSES = {
    EndCause.REQUEST: PlanCause.REQUEST,
    EndCause.REVIEW: PlanCause.REVIEW,
    EndCause.LEAVER: PlanCause.LEAVER,
    EndCause.EXPIRY: PlanCause.EXPIRY,
    EndCause.DRIFT: PlanCause.REVERT,
}


def on_grant_authorised(tx: Transactions, delivery: Delivery) -> None:
    """Plan a decided right, unless its decision brought a plan along."""
    with tx.write() as uow:
        grant = uow.session.scalar(
            sa.select(Grant).where(Grant.public_id == delivery.subject).with_for_update()
        )
        if grant is None or grant.state is not GrantState.AUTHORISED:
            return
        if _has_task(uow, Task.grant_id == grant.id):
            return
        operations = planning.membership_operations(
            uow,
            Verb.ADD_MEMBER,
            [Target(grant.account_id, grant.group_id)],
            grants=[grant.id],
        )
        service.make_plan(
            uow,
            cause=PlanCause.REVERT if grant.cause is GrantCause.DRIFT else PlanCause.REQUEST,
            cause_ref=grant.cause_ref,
            operations=operations,
            decided_by=delivery.actor,
        )


def on_end_authorised(tx: Transactions, delivery: Delivery) -> None:
    """Plan a decided end, unless its decision brought a plan along."""
    with tx.write() as uow:
        end = uow.session.scalar(
            sa.select(End).where(End.public_id == delivery.subject).with_for_update()
        )
        if end is None or end.state is not EndState.AUTHORISED:
            return
        if _has_task(uow, Task.end_id == end.id):
            return
        operations = planning.membership_operations(
            uow,
            Verb.REMOVE_MEMBER,
            [Target(end.account_id, end.group_id)],
            ends=[end.id],
        )
        service.make_plan(
            uow,
            cause=CAUSES[end.cause],
            cause_ref=end.cause_ref,
            operations=operations,
            decided_by=delivery.actor,
        )


def on_directory_synced(tx: Transactions, delivery: Delivery) -> None:
    """Look, after a complete read, for what an import was to show and for what nobody decided."""
    with tx.write() as uow:
        run = uow.session.scalars(
            sa.select(SyncRun).where(SyncRun.public_id == delivery.subject)
        ).one_or_none()
        if run is None:
            return
        waiting = uow.session.scalars(
            sa.select(Task)
            .where(Task.source_id == run.source_id, Task.state == TaskState.WAITS_FOR_IMPORT)
            .with_for_update()
        ).all()
        for task in waiting:
            _confirm_import(uow, task, run)
        drift.look(uow, run)


def _confirm_import(uow: UnitOfWork, task: Task, run: SyncRun) -> None:
    """Note that a complete read shows what a task was to bring about.

    A read that had begun before the source was asked says nothing about what it answered since.
    """
    if task.claimed_at is not None and run.begun_at < task.claimed_at:
        return
    if not _shows(uow, task):
        return
    source = uow.session.get_one(Source, run.source_id)
    shown = f"A complete read of {source.name} shows it (run {run.public_id})."
    task.state = TaskState.VERIFIED
    task.verified_at = uow.now
    task.read_back = {"in_effect": True, "shown": shown, "query": f"sync run {run.public_id}"}
    uow.record(events.TaskVerified(subject=task.public_id, attempt=task.attempt, shown=shown))
    if task.end_id is not None:
        grants.confirm_end(uow, end_id=task.end_id)
    service.settle(uow, task.plan_id)


def _shows(uow: UnitOfWork, task: Task) -> bool:
    """Say whether what the last read stored is what a task was to bring about."""
    if task.group_id is None:
        account = uow.session.get_one(Account, task.account_id)
        return account.ended_at is not None or not account.is_enabled
    found = uow.session.scalar(
        sa.select(Membership.id).where(
            Membership.account_id == task.account_id,
            Membership.group_id == task.group_id,
            Membership.valid_to.is_(None),
        )
    )
    return (found is not None) == (task.verb == Verb.ADD_MEMBER.value)


def heal(tx: Transactions) -> int:
    """Enqueue again what has been due or under way for long: lost jobs, restored databases.

    Whoever is still at work on an attempt before finds it passed over, and records nothing.

    Returns:
        How many tasks were given another attempt.
    """
    with tx.write() as uow:
        stuck = uow.session.scalars(
            sa.select(Task)
            .where(
                sa.or_(
                    sa.and_(Task.state == TaskState.QUEUED, Task.due_at < uow.now - OVERDUE),
                    sa.and_(Task.state == TaskState.RUNNING, Task.claimed_at < uow.now - LOST),
                )
            )
            .order_by(Task.due_at)
            .limit(500)
            .with_for_update(skip_locked=True)
        ).all()
        for task in stuck:
            task.state = TaskState.QUEUED
            task.attempt += 1
            task.due_at = uow.now
            uow.record(
                events.TaskRetried(
                    subject=task.public_id,
                    attempt=task.attempt,
                    code="overdue",
                    due_at=task.due_at,
                    detail="Nobody had taken it, or nobody came back with it.",
                )
            )
            service.enqueue(uow, task)
        return len(stuck)


def _has_task(uow: UnitOfWork, condition: sa.ColumnElement[bool]) -> bool:
    return uow.session.scalar(sa.select(Task.id).where(condition).limit(1)) is not None
