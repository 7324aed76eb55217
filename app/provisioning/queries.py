"""Reads of plans, tasks and drift: what runs, what failed, what waits for a person."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.models import Account, Group, Identity, Source, SyncRun
from app.directory.queries.matching import holds
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.provisioning.domain import FindingKind, FindingState, TaskState
from app.provisioning.models import Attempt, Finding, Plan, Task
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task in a list."""

    id: str
    state: TaskState
    verb: str
    source: str
    account: str
    group: str | None
    attempt: int
    due_at: datetime | None
    created_at: datetime
    applied_at: datetime | None
    verified_at: datetime | None
    error_code: str | None
    error: str | None
    plan: str
    cause: str
    cause_ref: str
    version: int


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try of a task."""

    number: int
    began_at: datetime
    ended_at: datetime | None
    result: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class TaskDetail:
    """A task with its operation, the source's answer, the read-back and every try."""

    row: TaskRow
    operation: str | None
    answer: str | None
    effect: str | None
    read_back: dict[str, Any] | None
    attempts: list[AttemptRow]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan."""

    id: str
    state: str
    cause: str
    cause_ref: str
    digest: str
    held_reason: str | None
    operations: list[dict[str, Any]]
    created_at: datetime
    ended_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A difference between a source and what was decided.

    Attributes:
        key: Internal key, for paging.
        id: Public id.
        kind: Appeared or vanished.
        state: Where it stands.
        source: Name of the source.
        account: Name of the account.
        account_id: Public id of the account.
        holder: Public id of the identity, or None if the account is nobody's.
        holder_name: Their name, or None.
        group: Name of the group.
        entitlement: Public id of the group.
        run: Public id of the read that showed it.
        found_at: When that was.
        decided_at: When a person decided it, or None.
        decided_by: Public id of who did, or None.
        reason: Why, or None.
        ended_at: When it was over, or None.
        version: For deciding it.
        ticket: Where it is looked into, or None.
        ticket_reason: Why it could not be decided then, or None.
        ticketed_at: When that was noted, or None.
        ticketed_by: Public id of who did, or None.
        is_writable: Whether it can be undone from here.
        done_at: When it was done, by the source's own log; None: it does not tell.
        actor: Who did it, as that log names them, or None.
        actor_account: Public id of the account that is, or None if it is none known here.
        actor_holder: Public id of whose account that is, or None.
        actor_holder_name: Their name, or None.
        log_event: The log's own id of it, or None.
    """

    key: int
    id: str
    kind: FindingKind
    state: FindingState
    source: str
    account: str
    account_id: str
    holder: str | None
    holder_name: str | None
    group: str
    entitlement: str
    run: str
    found_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    ended_at: datetime | None
    version: int
    ticket: str | None
    ticket_reason: str | None
    ticketed_at: datetime | None
    ticketed_by: str | None
    is_writable: bool
    done_at: datetime | None
    actor: str | None
    actor_account: str | None
    actor_holder: str | None
    actor_holder_name: str | None
    log_event: str | None


Doer, Person = aliased(Account), aliased(Identity)
_FINDINGS = (
    sa.select(
        Finding.id,
        Finding.public_id,
        Finding.kind,
        Finding.state,
        Source.name,
        Account.display_name,
        Account.public_id,
        Identity.public_id,
        Identity.display_name,
        Group.name,
        Group.public_id,
        SyncRun.public_id,
        Finding.found_at,
        Finding.decided_at,
        Finding.decided_by,
        Finding.reason,
        Finding.ended_at,
        Finding.version,
        Finding.ticket,
        Finding.ticket_reason,
        Finding.ticketed_at,
        Finding.ticketed_by,
        Group.is_writable,
        Finding.done_at,
        sa.func.coalesce(Finding.actor_name, Finding.actor_ref),
        Doer.public_id,
        Person.public_id,
        Person.display_name,
        Finding.log_event,
    )
    .join(Account, Account.id == Finding.account_id)
    .join(Group, Group.id == Finding.group_id)
    .join(Source, Source.id == Group.source_id)
    .join(SyncRun, SyncRun.id == Finding.run_id)
    .outerjoin(Identity, Identity.id == Account.identity_id)
    .outerjoin(
        Doer,
        sa.and_(Doer.source_id == Group.source_id, Doer.external_id == Finding.actor_ref),
    )
    .outerjoin(Person, Person.id == Doer.identity_id)
)


def list_findings(
    reading: Reading,
    window: Window,
    *,
    states: Collection[FindingState] = (),
    q: str | None = None,
    is_ticketed: bool | None = None,
) -> Page[FindingRow]:
    """Return findings of drift, newest first.

    Args:
        reading: Who looks.
        window: Which part.
        states: Only in these states; default in any.
        q: Part of the name of the account, its login, its person, the group, the ticket or of
            who did it.
        is_ticketed: Only with a ticket, or only without one.
    """
    reading.actor.require(Permission.DRIFT_READ)
    statement = _FINDINGS.order_by(Finding.id.desc())
    if states:
        statement = statement.where(Finding.state.in_(states))
    if q:
        names = (
            Account.display_name,
            Account.login,
            Identity.display_name,
            Group.name,
            Finding.ticket,
            Finding.actor_name,
        )
        statement = statement.where(sa.or_(*(holds(reading, each, q) for each in names)))
    if is_ticketed is not None:
        noted = Finding.ticket.is_not(None)
        statement = statement.where(noted if is_ticketed else ~noted)
    after = window.after_id()
    if after:
        statement = statement.where(Finding.id < after)
    found = reading.session.execute(statement.limit(window.limit + 1))
    return page([FindingRow(*tuple(row)) for row in found], window, lambda row: [row.key])


def finding_row(reading: Reading, finding_id: str) -> FindingRow:
    """Return one finding.

    Raises:
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.DRIFT_READ)
    found = reading.session.execute(_FINDINGS.where(Finding.public_id == finding_id)).first()
    if found is None:
        raise NotFoundError(phrase("There is no such finding."))
    return FindingRow(*tuple(found))


_TASKS = (
    sa.select(Task, Source.name, Account.display_name, Group.name, Plan)
    .join(Plan, Plan.id == Task.plan_id)
    .join(Source, Source.id == Task.source_id)
    .join(Account, Account.id == Task.account_id)
    .outerjoin(Group, Group.id == Task.group_id)
)


def _row(found: Any) -> TaskRow:
    task, source, account, group, plan = found
    return TaskRow(
        id=task.public_id,
        state=task.state,
        verb=task.verb,
        source=source,
        account=account,
        group=group,
        attempt=task.attempt,
        due_at=task.due_at,
        created_at=task.created_at,
        applied_at=task.applied_at,
        verified_at=task.verified_at,
        error_code=task.error_code,
        error=task.error,
        plan=plan.public_id,
        cause=plan.cause.value,
        cause_ref=plan.cause_ref,
        version=task.version,
    )


def list_tasks(
    reading: Reading, window: Window, *, states: Collection[TaskState] = ()
) -> Page[TaskRow]:
    """Return tasks, newest first, perhaps in some states only."""
    reading.actor.require(Permission.TASK_READ)
    statement = _TASKS.order_by(Task.id.desc())
    if states:
        statement = statement.where(Task.state.in_(states))
    after = window.after_id()
    if after:
        statement = statement.where(Task.id < after)
    found = reading.session.execute(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each[0].id])
    return Page([_row(each) for each in shown.items], shown.next_cursor)


def task_detail(reading: Reading, task_id: str) -> TaskDetail:
    """Return one task with every try.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.TASK_READ)
    found = reading.session.execute(_TASKS.where(Task.public_id == task_id)).one_or_none()
    if found is None:
        raise NotFoundError(phrase("There is no such task."))
    task: Task = found[0]
    tries = reading.session.scalars(
        sa.select(Attempt).where(Attempt.task_id == task.id).order_by(Attempt.number)
    )
    return TaskDetail(
        row=_row(found),
        operation=task.operation,
        answer=task.answer,
        effect=task.effect,
        read_back=task.read_back,
        attempts=[
            AttemptRow(each.number, each.began_at, each.ended_at, each.result, each.detail)
            for each in tries
        ],
    )


def tasks_of(reading: Reading, plan_id: str) -> list[TaskRow]:
    """Return every task of a plan, in the order in which they run."""
    reading.actor.require(Permission.TASK_READ)
    found = reading.session.execute(_TASKS.where(Plan.public_id == plan_id).order_by(Task.ordinal))
    return [_row(each) for each in found]


def list_plans(reading: Reading, window: Window, *, held: bool = False) -> Page[PlanRow]:
    """Return plans, newest first; with `held` those that wait for a person."""
    reading.actor.require(Permission.TASK_READ)
    statement = sa.select(Plan).order_by(Plan.id.desc())
    if held:
        statement = statement.where(Plan.state == "held")
    after = window.after_id()
    if after:
        statement = statement.where(Plan.id < after)
    found = reading.session.scalars(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each.id])
    return Page([_plan(each) for each in shown.items], shown.next_cursor)


def plan_detail(reading: Reading, plan_id: str) -> PlanRow:
    """Return one plan.

    Raises:
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.TASK_READ)
    found = reading.session.scalar(sa.select(Plan).where(Plan.public_id == plan_id))
    if found is None:
        raise NotFoundError(phrase("There is no such plan."))
    return _plan(found)


def _plan(plan: Plan) -> PlanRow:
    return PlanRow(
        id=plan.public_id,
        state=plan.state.value,
        cause=plan.cause.value,
        cause_ref=plan.cause_ref,
        digest=plan.digest,
        held_reason=plan.held_reason,
        operations=plan.operations,
        created_at=plan.created_at,
        ended_at=plan.ended_at,
        version=plan.version,
    )
