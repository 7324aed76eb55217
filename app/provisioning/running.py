"""Run one task: claim (transaction) - act and read back (no transaction) - record (transaction).

A process may die anywhere. Before the claim is committed nothing happened; after it, the engine
runs the job again, the claim finds its own attempt running, and the connector ensures the state
once more, which changes nothing if it was done. `CRASH_POINTS` names the five places where tests
kill the process.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import sqlalchemy as sa

from app import events
from app.directory import service as directory
from app.directory.domain import Provenance
from app.directory.models import Account, Group, Source
from app.grants import service as grants
from app.grants.domain import GrantCause
from app.grants.models import Grant
from app.kernel.sealed import SealKey
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.provisioning import guards, service
from app.provisioning.domain import TaskState
from app.provisioning.models import Attempt, Task
from connectors.errors import (
    ConnectorError,
    TargetMissingError,
    UnavailableError,
)
from connectors.port import Connector
from connectors.records import Change, Observation, Outcome, Verb

CRASH_POINTS = ("before_claim", "after_claim", "after_apply", "after_read_back", "before_commit")
ATTEMPTS = 12
LONGEST_WAIT = timedelta(hours=1)
BUSY = "Another operation on the same membership is under way."
BUSY_WAIT = timedelta(seconds=5)
ENDING = frozenset(
    {Verb.REMOVE_MEMBER, Verb.DISABLE_ACCOUNT, Verb.SUSPEND_ACCOUNT, Verb.DEACTIVATE_ACCOUNT}
)
Connect = Callable[[str, Mapping[str, str], Mapping[str, str]], Connector]


class CrashPoints(Protocol):
    """Where a test may end the process; in the product nothing happens there."""

    def reach(self, name: str) -> None:
        """Pass one of `CRASH_POINTS`."""
        ...


class NoCrashPoints:
    """The product's own: passes."""

    def reach(self, name: str) -> None:
        """Go on."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that is ours to run now, with all it needs outside a transaction."""

    task_id: int
    attempt: int
    change: Change
    kind: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Done:
    """What acting came to.

    Attributes:
        outcome: What the source answered, if it was reached.
        observation: What was read back.
        error: Why it could not be done.
        unseen: The source shows no such target; in its words.
    """

    outcome: Outcome | None
    observation: Observation | None
    error: ConnectorError | None
    unseen: str | None = None


def run(
    tx: Transactions,
    connect: Connect,
    seal: SealKey,
    payload: Mapping[str, str],
    crash: CrashPoints = NoCrashPoints(),  # noqa: B008 - it holds nothing
) -> None:
    """Run one attempt of one task; the runner of `provision` jobs.

    Args:
        tx: The store.
        connect: Makes connectors.
        seal: Opens the source's secrets.
        payload: `task` (public id) and `attempt`.
        crash: Where tests end the process.
    """
    crash.reach("before_claim")
    claimed = claim(tx, seal, payload["task"], int(payload["attempt"]))
    if claimed is None:
        return
    crash.reach("after_claim")
    done = act(connect, claimed, crash)
    crash.reach("after_read_back")
    with tx.write() as uow:
        task = uow.session.get_one(Task, claimed.task_id, with_for_update=True)
        if task.state is not TaskState.RUNNING or task.attempt != claimed.attempt:
            return
        record(uow, task, done)
        crash.reach("before_commit")


def claim(tx: Transactions, seal: SealKey, task_id: str, attempt: int) -> Claimed | None:
    """Take a task by compare-and-set; None if this attempt is not to be run (any more).

    The same attempt may be claimed again: that is how a restart goes on.
    """
    with tx.write() as uow:
        task = uow.session.scalar(
            sa.select(Task).where(Task.public_id == task_id).with_for_update()
        )
        runnable = (TaskState.QUEUED, TaskState.RUNNING)
        if task is None or task.attempt != attempt or task.state not in runnable:
            return None
        if not _may_run(uow, task):
            service.settle(uow, task.plan_id)
            return None
        if task.state is TaskState.QUEUED:
            task.state = TaskState.RUNNING
            task.claimed_at = uow.now
            uow.session.add(Attempt(task_id=task.id, number=attempt, began_at=uow.now))
            uow.record(events.TaskClaimed(subject=task.public_id, attempt=attempt))
        return _claimed(uow, task, seal)


def _may_run(uow: UnitOfWork, task: Task) -> bool:
    """Say whether a task may run now; if not, note what becomes of it instead."""
    if not grants.is_wanted(uow, grant_id=task.grant_id, end_id=task.end_id):
        service.cancel(uow, task, code="not_wanted")
        return False
    source = uow.session.get_one(Source, task.source_id)
    if not source.is_enabled:
        service.fail(uow, task, code="source_disabled", detail=f"{source.name} is disabled.")
        return False
    refusal = guards.refusal_of(uow, task)
    if refusal is not None:
        service.fail(uow, task, code=refusal[0], detail=refusal[1])
        return False
    if _is_busy(uow, task):
        _queue_again(uow, task, code="busy", detail=BUSY, wait=BUSY_WAIT)
        return False
    return True


def _is_busy(uow: UnitOfWork, task: Task) -> bool:
    """Say whether another operation on the same membership runs now.

    An addition and a removal side by side could end in either order, and both be read back as done.
    """
    if task.group_id is None:
        return False
    uow.session.execute(
        sa.select(Account.id).where(Account.id == task.account_id).with_for_update(key_share=True)
    )
    other = uow.session.scalar(
        sa.select(Task.id)
        .where(
            Task.account_id == task.account_id,
            Task.group_id == task.group_id,
            Task.state == TaskState.RUNNING,
            Task.id != task.id,
        )
        .limit(1)
    )
    return other is not None


def _claimed(reading: Reading, task: Task, seal: SealKey) -> Claimed:
    source = reading.session.get_one(Source, task.source_id)
    account = reading.session.get_one(Account, task.account_id)
    group = reading.session.get_one(Group, task.group_id) if task.group_id else None
    return Claimed(
        task_id=task.id,
        attempt=task.attempt,
        change=Change(
            verb=Verb(task.verb),
            account_id=account.external_id,
            group_id=group.external_id if group else None,
        ),
        kind=source.kind,
        settings=dict(source.settings),
        secrets=seal.open_mapping(f"source:{source.public_id}", source.sealed_secrets),
    )


def act(connect: Connect, claimed: Claimed, crash: CrashPoints) -> Done:
    """Ensure the change and read it back, outside any transaction."""
    outcome: Outcome | None = None
    try:
        connector = connect(claimed.kind, claimed.settings, claimed.secrets)
        try:
            outcome = connector.ensure(claimed.change)
            crash.reach("after_apply")
            observation = connector.observe(claimed.change)
        finally:
            connector.close()
    except TargetMissingError as error:
        return _missing(claimed, outcome, error)
    except ConnectorError as error:
        return Done(outcome, None, error)
    return Done(outcome, observation, None)


def _missing(claimed: Claimed, outcome: Outcome | None, error: TargetMissingError) -> Done:
    """What is gone cannot be a member or sign in; but what is not shown need not be gone.

    A source answers the same for what it does not have and for what this account may not see. So an
    ending change is not called done here: the next complete read says whether it is.
    """
    if claimed.change.verb not in ENDING:
        return Done(outcome, None, error)
    return Done(outcome, None, None, unseen=str(error))


def record(uow: UnitOfWork, task: Task, done: Done) -> None:
    """Write down what acting came to, and what follows from it."""
    if done.outcome is not None:
        _note_applied(uow, task, done.outcome)
    if done.error is not None:
        _note_error(uow, task, done.error)
    elif done.unseen is not None:
        _note_unseen(uow, task, done.unseen)
    elif done.observation is None or done.observation.in_effect is None:
        _note_unverifiable(uow, task, done.observation)
    elif done.observation.in_effect:
        _note_verified(uow, task, done.observation)
    else:
        _note_refuted(uow, task, done.observation)
    service.settle(uow, task.plan_id)


def _note_applied(uow: UnitOfWork, task: Task, outcome: Outcome) -> None:
    task.operation = outcome.operation
    task.answer = outcome.answer
    task.effect = outcome.effect.value
    task.applied_at = uow.now
    uow.record(
        events.TaskApplied(
            subject=task.public_id,
            attempt=task.attempt,
            effect=outcome.effect,
            operation=outcome.operation,
            answer=outcome.answer,
        )
    )


def _note_verified(uow: UnitOfWork, task: Task, observation: Observation) -> None:
    task.state = TaskState.VERIFIED
    task.verified_at = uow.now
    task.error_code = task.error = None
    task.read_back = {
        "in_effect": True,
        "shown": observation.shown,
        "query": observation.query,
    }
    _end_attempt(uow, task, "verified", observation.shown)
    uow.record(
        events.TaskVerified(subject=task.public_id, attempt=task.attempt, shown=observation.shown)
    )
    _observe(uow, task)


def _observe(uow: UnitOfWork, task: Task) -> None:
    """Tell the directory what was just read, and the register that it is so."""
    verb = Verb(task.verb)
    if task.group_id is None:
        if verb is not Verb.CLEAR_SESSIONS:
            directory.observe_account(
                uow,
                account_id=task.account_id,
                is_enabled=verb is Verb.ENABLE_ACCOUNT,
                status=verb.value,
            )
        return
    is_present = verb is Verb.ADD_MEMBER
    directory.observe_membership(
        uow,
        account_id=task.account_id,
        group_id=task.group_id,
        is_present=is_present,
        provenance=_provenance(uow, task),
        ref=_grant_ref(uow, task),
        at=uow.now,
    )
    if task.end_id is not None:
        grants.confirm_end(uow, end_id=task.end_id)
    elif task.grant_id is not None:
        grants.confirm(uow, grant_id=task.grant_id)


def _provenance(reading: Reading, task: Task) -> Provenance:
    """Say what a membership that we made comes from; one put back after drift has no request."""
    grant = reading.session.get(Grant, task.grant_id) if task.grant_id else None
    is_drift = grant is not None and grant.cause is GrantCause.DRIFT
    return Provenance.DRIFT_ADOPTED if is_drift else Provenance.REQUEST


def _grant_ref(reading: Reading, task: Task) -> str | None:
    if task.grant_id is None:
        return None
    return reading.session.get_one(Grant, task.grant_id).public_id


def _note_unverifiable(uow: UnitOfWork, task: Task, observation: Observation | None) -> None:
    shown = observation.shown if observation else "The source offers no way to read this back."
    task.state = TaskState.APPLIED
    task.read_back = {
        "in_effect": None,
        "shown": shown,
        "query": observation.query if observation else "",
    }
    _end_attempt(uow, task, "unverifiable", shown)
    uow.record(events.TaskUnverifiable(subject=task.public_id, attempt=task.attempt, shown=shown))


def _note_unseen(uow: UnitOfWork, task: Task, told: str) -> None:
    """Leave it to the next complete read to say that the target is gone."""
    shown = f"The source shows no such account or group; a complete read will tell. ({told})"
    task.state = TaskState.WAITS_FOR_IMPORT
    task.error_code = task.error = None
    task.read_back = {"in_effect": None, "shown": shown, "query": "by identifier"}
    _end_attempt(uow, task, "unseen", shown)
    uow.record(events.TaskWaitsForImport(subject=task.public_id, attempt=task.attempt))


def _note_refuted(uow: UnitOfWork, task: Task, observation: Observation) -> None:
    task.read_back = {
        "in_effect": False,
        "shown": observation.shown,
        "query": observation.query,
    }
    uow.record(
        events.TaskRefuted(subject=task.public_id, attempt=task.attempt, shown=observation.shown)
    )
    _again_or_fail(uow, task, code="refuted", detail=observation.shown, wait=None)


def _note_error(uow: UnitOfWork, task: Task, error: ConnectorError) -> None:
    if isinstance(error, UnavailableError):
        wait = timedelta(seconds=error.retry_after) if error.retry_after else None
        _again_or_fail(uow, task, code=error.code, detail=str(error), wait=wait)
        return
    _end_attempt(uow, task, error.code, str(error))
    service.fail(uow, task, code=error.code, detail=str(error))


def _again_or_fail(
    uow: UnitOfWork, task: Task, *, code: str, detail: str, wait: timedelta | None
) -> None:
    """End the attempt and queue the next one with a delay, or leave the task to a person."""
    _end_attempt(uow, task, code, detail)
    if task.attempt >= ATTEMPTS:
        service.fail(uow, task, code=code, detail=detail)
        return
    backoff = min(timedelta(seconds=2**task.attempt), LONGEST_WAIT)
    _queue_again(uow, task, code=code, detail=detail, wait=max(backoff, wait or timedelta(0)))


def _queue_again(uow: UnitOfWork, task: Task, *, code: str, detail: str, wait: timedelta) -> None:
    task.state = TaskState.QUEUED
    task.attempt += 1
    task.due_at = uow.now + wait
    task.error_code, task.error = code, detail
    uow.record(
        events.TaskRetried(
            subject=task.public_id,
            attempt=task.attempt,
            code=code,
            due_at=task.due_at,
            detail=detail,
        )
    )
    service.enqueue(uow, task)


def _end_attempt(uow: UnitOfWork, task: Task, result: str, detail: str) -> None:
    uow.session.execute(
        sa.update(Attempt)
        .where(Attempt.task_id == task.id, Attempt.number == task.attempt)
        .values(ended_at=uow.now, result=result, detail=detail)
    )
