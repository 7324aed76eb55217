"""Commands of provisioning: make a plan, release a held one, retry what needs a person."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time

import sqlalchemy as sa

from app import events
from app.directory.models import Source
from app.grants import service as grants
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, NotFoundError, NotPermittedError
from app.kernel.jobs import Job, Queue
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import guards, planning, reconcile
from app.provisioning.domain import PlanCause, PlanState, TaskState, is_over
from app.provisioning.models import Plan, Task
from app.provisioning.planning import Operation, Way
from app.rulebook import service as rulebook
from connectors.records import Verb

PROVISION = "provision"
AT_THE_MIRROR = (TaskState.WAITS_FOR_IMPORT,)
UNCOUNTED = (TaskState.CANCELLED, TaskState.FAILED, TaskState.HELD, *AT_THE_MIRROR)


def consider(reading: Reading, operations: Sequence[Operation]) -> reconcile.Judgement:
    """Say what of a plan would be refused or held now, changing nothing.

    Args:
        reading: The store.
        operations: The plan.
    """
    return reconcile.judge(
        operations,
        guards.guarded(reading, operations),
        rulebook.policy_in_force(reading),
        removals_today(reading),
    )


def removals_today(reading: Reading) -> dict[str, int]:
    """Count the removals made or queued since midnight (UTC), by source name."""
    midnight = datetime.combine(reading.now.date(), time(), UTC)
    rows = reading.session.execute(
        sa.select(Source.name, sa.func.count().label("made"))
        .select_from(Task)
        .join(Source, Source.id == Task.source_id)
        .where(
            Task.verb == Verb.REMOVE_MEMBER.value,
            Task.created_at >= midnight,
            Task.state.not_in(UNCOUNTED),
        )
        .group_by(Source.name)
    )
    return {row.name: row.made for row in rows}


def make_plan(
    uow: UnitOfWork,
    *,
    cause: PlanCause,
    cause_ref: str,
    operations: Sequence[Operation],
    decided_by: str | None = None,
) -> Plan:
    """Fix the operations of a decision as tasks, and enqueue those that may run now.

    What is protected becomes a failed task with its reason; removals beyond the limit are held for
    a person. Closing accounts is never held, and comes first: the rest of a plan that closes
    accounts waits until each of them was tried.

    Args:
        uow: The unit of work of the decision itself.
        cause: What decided it.
        cause_ref: Public id of what decided it.
        operations: In the order in which they run.
        decided_by: Public id of who decided; they cannot release it. Left out: the actor.
    """
    _count_alone(uow, operations)
    judged = consider(uow, operations)
    held = judged.held_reason
    plan = Plan(
        public_id=uow.ids.new(),
        cause=cause,
        cause_ref=cause_ref,
        digest=planning.digest(operations),
        operations=[each.shown() for each in operations],
        state=PlanState.HELD if held else PlanState.OPEN,
        held_reason=held,
        created_at=uow.now,
        created_by=decided_by or uow.actor.public_id,
    )
    uow.session.add(plan)
    uow.session.flush()
    uow.record(
        events.PlanMade(
            subject=plan.public_id,
            cause=cause,
            cause_ref=cause_ref,
            digest=plan.digest,
            operations=len(operations),
        )
    )
    if held:
        uow.record(events.PlanHeld(subject=plan.public_id, code=reconcile.LIMIT, reason=held))
    for index, operation in enumerate(operations):
        _add_task(uow, plan, index, operation, judged)
    settle(uow, plan.id)
    return plan


def _count_alone(uow: UnitOfWork, operations: Sequence[Operation]) -> None:
    """Let only one plan at a time count the removals of a source, or two would pass as one."""
    sources = {each.source_id for each in operations if each.is_removal}
    if sources:
        uow.session.execute(
            sa.select(Source.id)
            .where(Source.id.in_(sources))
            .order_by(Source.id)
            .with_for_update(key_share=True)
        )


def _add_task(
    uow: UnitOfWork, plan: Plan, ordinal: int, operation: Operation, judged: reconcile.Judgement
) -> None:
    refusal = judged.refusal_of(ordinal)
    task = Task(
        public_id=uow.ids.new(),
        plan_id=plan.id,
        ordinal=ordinal,
        source_id=operation.source_id,
        verb=operation.verb.value,
        account_id=operation.account_id,
        group_id=operation.group_id,
        grant_id=operation.grant_id,
        end_id=operation.end_id,
        state=_first_state(operation, is_held=judged.held_reason is not None),
        attempt=1,
        due_at=uow.now,
        created_at=uow.now,
    )
    uow.session.add(task)
    uow.session.flush()
    if refusal is not None:
        fail(uow, task, code=refusal.code, detail=refusal.reason)
    elif task.state is TaskState.QUEUED:
        enqueue(uow, task)
    elif task.state is TaskState.WAITS_FOR_IMPORT:
        uow.record(events.TaskWaitsForImport(subject=task.public_id, attempt=1))


def _first_state(operation: Operation, *, is_held: bool) -> TaskState:
    if operation.way is Way.IMPORT:
        return TaskState.WAITS_FOR_IMPORT
    if operation.verb in reconcile.CLOSING:
        return TaskState.QUEUED
    return TaskState.HELD if is_held and operation.is_removal else TaskState.WAITING


def enqueue(uow: UnitOfWork, task: Task) -> None:
    """Ask the worker to run the present attempt of a task when it is due."""
    uow.enqueue(
        Job(
            queue=Queue.PROVISION,
            name=PROVISION,
            key=f"{task.public_id}:{task.attempt}",
            payload={"task": task.public_id, "attempt": str(task.attempt)},
            due_at=task.due_at,
        )
    )


def fail(uow: UnitOfWork, task: Task, *, code: str, detail: str) -> None:
    """Leave a task to a person; what it was to bring about has failed so far."""
    task.state = TaskState.FAILED
    task.error_code = code
    task.error = detail
    uow.record(
        events.TaskFailed(subject=task.public_id, attempt=task.attempt, code=code, detail=detail)
    )
    if task.end_id is not None:
        grants.fail_end(uow, end_id=task.end_id, code=code)
    elif task.grant_id is not None:
        grants.fail(uow, grant_id=task.grant_id, code=code)


def cancel(uow: UnitOfWork, task: Task, *, code: str) -> None:
    """Let go of a task whose decision does not hold any more."""
    task.state = TaskState.CANCELLED
    task.error_code = code
    uow.record(events.TaskCancelled(subject=task.public_id, attempt=task.attempt, code=code))


def settle(uow: UnitOfWork, plan_id: int) -> None:
    """Let a plan go on after one of its tasks has: what waited is queued, what is over is closed.

    The plan's row is locked, so that of two tasks that end at the same moment one sees the other.
    """
    uow.session.flush()
    plan = uow.session.get_one(Plan, plan_id, with_for_update=True, populate_existing=True)
    tasks = uow.session.scalars(
        sa.select(Task).where(Task.plan_id == plan.id).order_by(Task.ordinal)
    ).all()
    if all(_was_tried(task) for task in tasks):
        for task in tasks:
            if task.state is TaskState.WAITING:
                _queue(uow, task)
    if plan.state is PlanState.OPEN and _is_over([task.state for task in tasks]):
        _close(uow, plan, tasks)


def _is_over(states: Sequence[TaskState]) -> bool:
    """Say whether a plan has ended, or cannot go on without a person.

    What a mirror is to show is not waited for once something has failed: it may never come.
    """
    is_stuck = TaskState.FAILED in states
    return all(is_over(each) or (is_stuck and each in AT_THE_MIRROR) for each in states)


def _was_tried(task: Task) -> bool:
    """Say whether nothing has to wait for a task: it closes no account, or was tried once."""
    is_untried = task.attempt == 1 and task.state in (TaskState.QUEUED, TaskState.RUNNING)
    return Verb(task.verb) not in reconcile.CLOSING or not is_untried


def _queue(uow: UnitOfWork, task: Task) -> None:
    task.state = TaskState.QUEUED
    task.due_at = uow.now
    enqueue(uow, task)


def _close(uow: UnitOfWork, plan: Plan, tasks: Sequence[Task]) -> None:
    counts = Counter(task.state for task in tasks)
    if counts[TaskState.FAILED]:
        plan.state = PlanState.FAILED
    elif tasks and counts[TaskState.CANCELLED] == len(tasks):
        plan.state = PlanState.CANCELLED
    else:
        plan.state = PlanState.DONE
    plan.ended_at = uow.now
    uow.record(
        events.PlanCompleted(
            subject=plan.public_id,
            verified=counts[TaskState.VERIFIED],
            unverifiable=counts[TaskState.APPLIED],
            failed=counts[TaskState.FAILED],
        )
    )


def release(uow: UnitOfWork, *, plan_id: str) -> Plan:
    """Let the held removals of a plan run.

    Raises:
        NotPermittedError: The actor may not, or made the plan: a second person has to look.
        NotFoundError: There is no such plan.
        ConflictError: It is not held (any more).
    """
    uow.actor.require(Permission.PLAN_RELEASE)
    plan = uow.session.scalar(sa.select(Plan).where(Plan.public_id == plan_id).with_for_update())
    if plan is None:
        raise NotFoundError(phrase("There is no such plan."))
    if plan.state is not PlanState.HELD:
        raise ConflictError(phrase("This plan is %(state)s, not held.", state=plan.state))
    if plan.created_by == uow.actor.public_id:
        raise NotPermittedError(
            phrase("Who made a plan does not release it: a second person looks.")
        )
    plan.state = PlanState.OPEN
    plan.released_by = uow.actor.public_id
    plan.released_at = uow.now
    uow.record(events.PlanReleased(subject=plan.public_id))
    for task in uow.session.scalars(
        sa.select(Task)
        .where(Task.plan_id == plan.id, Task.state == TaskState.HELD)
        .order_by(Task.ordinal)
    ):
        task.state = TaskState.WAITING
    settle(uow, plan.id)
    return plan


def retry(uow: UnitOfWork, *, task_id: str) -> Task:
    """Try a failed task again, as a person who has seen to its cause.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such task.
        ConflictError: It has not failed, or something else was decided about the same since.
        PolicyRefusedError: What it takes away is still protected.
    """
    uow.actor.require(Permission.TASK_RETRY)
    task = uow.session.scalar(sa.select(Task).where(Task.public_id == task_id).with_for_update())
    if task is None:
        raise NotFoundError(phrase("There is no such task."))
    if task.state is not TaskState.FAILED:
        raise ConflictError(
            phrase("This task is %(state)s; only a failed one is retried.", state=task.state)
        )
    guards.refuse_if_guarded(uow, task)
    task.state = TaskState.QUEUED
    task.attempt += 1
    task.due_at = uow.now
    task.error_code = None
    task.error = None
    plan = uow.session.get_one(Plan, task.plan_id, with_for_update=True)
    if plan.state is PlanState.FAILED:
        plan.state = PlanState.OPEN
        plan.ended_at = None
    grants.reopen(uow, grant_id=task.grant_id, end_id=task.end_id)
    uow.record(
        events.TaskRetried(
            subject=task.public_id,
            attempt=task.attempt,
            code="by_a_person",
            due_at=task.due_at,
            detail="A person asked for another try.",
        )
    )
    enqueue(uow, task)
    return task
