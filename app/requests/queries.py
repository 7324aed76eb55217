"""Reads of requests, approvals and delegations; each a constant number of statements."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.models import Account, Group, Identity, Source
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.provisioning import planning
from app.provisioning.models import Plan, Task
from app.requests import deciding
from app.requests.domain import ApprovalOutcome, RequestState, StepState
from app.requests.models import AccessRequest, Approval, Delegation, Step
from app.requests.plans import present_plans
from app.requests.usual import usual_times
from app.rulebook import service as rulebook
from app.rulebook.models import Policy, Ruling
from app.web.paging import Page, Window, page
from connectors.records import Verb
from policies.schedule import request_expires_at


@dataclass(frozen=True, slots=True)
class Person:
    """An identity as others see it: opaque id and name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a request's timeline.

    Attributes:
        at: When; None has not happened yet.
        what: What, in words.
        who: Who did it or is waited for.
        detail: What else there is to tell.
        usual: How long the one who is waited for usually takes, or None.
    """

    at: datetime | None
    what: str
    who: str | None
    detail: str | None
    usual: timedelta | None = None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request in a list."""

    id: str
    state: RequestState
    action: str
    requester: Person
    beneficiary: Person
    entitlement: Person
    source: str
    reason: str
    duration_days: int | None
    ticket: str | None
    submitted_at: datetime
    ended_at: datetime | None
    why: str | None
    version: int


@dataclass(frozen=True, slots=True)
class RequestDetail:
    """A request with its plan, verdict and timeline.

    Attributes:
        row: The request.
        plan: What runs.
        plan_digest: What approvers sign.
        policy_digest: The policy that judged it.
        verdict: What that said.
        timeline: What happened, and who is waited for.
        answer_due_at: When the open step should be answered, or None.
        expires_at: When it comes to nothing if nobody decides, or None.
    """

    row: RequestRow
    plan: list[dict[str, Any]]
    plan_digest: str
    policy_digest: str
    verdict: dict[str, Any]
    timeline: list[Happened]
    answer_due_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A question to be answered, with what is to be answered about."""

    id: str
    request: RequestRow
    step: int
    role: str
    how: str
    due_at: datetime | None
    plan: list[dict[str, Any]]
    plan_digest: str
    plan_before: list[dict[str, Any]] | None
    verdict: dict[str, Any]
    outcome: str | None
    version: int


_requester, _beneficiary = aliased(Identity), aliased(Identity)
_ROWS = (
    sa.select(AccessRequest, _requester, _beneficiary, Group, Source.name.label("source"))
    .join(_requester, _requester.id == AccessRequest.requester_id)
    .join(_beneficiary, _beneficiary.id == AccessRequest.beneficiary_id)
    .join(Group, Group.id == AccessRequest.group_id)
    .join(Source, Source.id == Group.source_id)
)


def _row(found: Any) -> RequestRow:
    request, requester, beneficiary, group, source = found
    return RequestRow(
        id=request.public_id,
        state=request.state,
        action=request.action.value,
        requester=Person(requester.public_id, requester.display_name),
        beneficiary=Person(beneficiary.public_id, beneficiary.display_name),
        entitlement=Person(group.public_id, group.name),
        source=source,
        reason=request.reason,
        duration_days=request.duration_days,
        ticket=request.ticket,
        submitted_at=request.submitted_at,
        ended_at=request.ended_at,
        why=request.why,
        version=request.version,
    )


def _visible(reading: Reading) -> sa.ColumnElement[bool]:
    """What the actor may see: their own, those put to them, or all by role."""
    if reading.actor.may(Permission.REQUEST_READ_ALL):
        return sa.true()
    me = reading.actor.require_identity()
    asked = (
        sa.select(Step.request_id)
        .join(Approval, Approval.step_id == Step.id)
        .where(Approval.approver_id.in_(_stands_for(reading)))
    )
    return sa.or_(
        AccessRequest.requester_id == me,
        AccessRequest.beneficiary_id == me,
        AccessRequest.id.in_(asked),
    )


def _stands_for(reading: Reading) -> list[int]:
    """The actor, and those the actor stands in for now."""
    me = reading.actor.require_identity()
    delegators = reading.session.scalars(
        sa.select(Delegation.delegator_id)
        .join(Identity, Identity.id == Delegation.delegator_id)
        .where(
            Delegation.delegate_id == me,
            Delegation.valid_from <= reading.now,
            Delegation.valid_to > reading.now,
            Delegation.ended_at.is_(None),
            Identity.is_active,
        )
    ).all()
    return [me, *delegators]


def list_requests(
    reading: Reading, window: Window, *, states: Collection[RequestState] = (), words: str = ""
) -> Page[RequestRow]:
    """Return the requests the actor may see, newest first.

    Args:
        reading: Who looks.
        window: Which part.
        states: Only those; none is all.
        words: A part of the name of the beneficiary or of the entitlement.
    """
    statement = _ROWS.where(_visible(reading)).order_by(AccessRequest.id.desc())
    if states:
        statement = statement.where(AccessRequest.state.in_(states))
    if words:
        statement = statement.where(
            sa.or_(
                Group.name.icontains(words, autoescape=True),
                _beneficiary.display_name.icontains(words, autoescape=True),
            )
        )
    after = window.after_id()
    if after:
        statement = statement.where(AccessRequest.id < after)
    found = reading.session.execute(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each[0].id])
    return Page([_row(each) for each in shown.items], shown.next_cursor)


def request_detail(reading: Reading, request_id: str) -> RequestDetail:
    """Return one request with its timeline.

    Raises:
        NotFoundError: There is none, or it is not the actor's to see.
    """
    found = reading.session.execute(
        _ROWS.where(AccessRequest.public_id == request_id, _visible(reading))
    ).one_or_none()
    if found is None:
        raise NotFoundError(phrase("There is no such request."))
    request: AccessRequest = found[0]
    ruling, digest = reading.session.execute(
        sa.select(Ruling, Policy.digest)
        .join(Policy, Policy.id == Ruling.policy_id)
        .where(Ruling.id == request.ruling_id)
    ).one()
    return RequestDetail(
        row=_row(found),
        plan=request.plan,
        plan_digest=request.plan_digest,
        policy_digest=digest,
        verdict=ruling.verdict,
        timeline=_timeline(reading, request, found[1].display_name),
        **_limits(reading, request),
    )


def _limits(reading: Reading, request: AccessRequest) -> dict[str, datetime | None]:
    """Return until when an open request waits, by the policy in force."""
    if request.state is not RequestState.SUBMITTED:
        return {"answer_due_at": None, "expires_at": None}
    due_at = reading.session.scalar(
        sa.select(Step.due_at).where(Step.request_id == request.id, Step.state == StepState.OPEN)
    )
    policy = rulebook.policy_in_force(reading)
    return {
        "answer_due_at": due_at,
        "expires_at": request_expires_at(policy, request.submitted_at),
    }


def _timeline(reading: Reading, request: AccessRequest, requester: str) -> list[Happened]:
    lines = [Happened(request.submitted_at, "submitted", requester, request.reason)]
    approver, decider = aliased(Identity), aliased(Identity)
    asked_for = reading.session.execute(
        sa.select(Step, Approval, approver, decider)
        .join(Approval, Approval.step_id == Step.id)
        .join(approver, approver.id == Approval.approver_id)
        .outerjoin(decider, decider.id == Approval.decided_by_id)
        .where(Step.request_id == request.id)
        .order_by(Step.ordinal, Approval.id)
    ).all()
    waited_for = [each[2].public_id for each in asked_for if each[1].decided_at is None]
    usual = usual_times(reading, waited_for)
    for step, approval, asked, answered in asked_for:
        if approval.decided_at is None:
            what = "waits for" if step.state is StepState.OPEN else "will wait for"
            took = usual.get(asked.public_id)
            lines.append(Happened(None, what, asked.display_name, step.how, took))
        elif answered is not None:
            stood_in = answered.id != asked.id
            who = answered.display_name + (f" for {asked.display_name}" if stood_in else "")
            what = "approved" if approval.outcome is ApprovalOutcome.APPROVE else "refused"
            lines.append(Happened(approval.decided_at, what, who, approval.comment))
    lines += _task_lines(reading, request)
    if request.ended_at is not None:
        lines.append(Happened(request.ended_at, request.state.value, None, request.why))
    return lines


def _task_lines(reading: Reading, request: AccessRequest) -> list[Happened]:
    lines: list[Happened] = []
    rows = reading.session.execute(
        sa.select(Task, Account.display_name, Source.name, Group.name)
        .join(Plan, Plan.id == Task.plan_id)
        .join(Account, Account.id == Task.account_id)
        .join(Source, Source.id == Task.source_id)
        .outerjoin(Group, Group.id == Task.group_id)
        .where(Plan.cause_ref == request.public_id)
        .order_by(Task.id)
    )
    for task, account, source, group in rows:
        what = planning.sentence(Verb(task.verb), f"{account} in {source}", group)
        if task.applied_at is not None:
            lines.append(Happened(task.applied_at, f"applied: {what}", None, task.answer))
        shown = (task.read_back or {}).get("shown")
        state = task.state.value.replace("_", " ")
        lines.append(Happened(task.verified_at, f"{state}: {what}", None, shown or task.error))
    return lines


def my_approvals(reading: Reading, window: Window) -> Page[ApprovalRow]:
    """Return the open questions put to the actor, or to those they stand in for, oldest first."""
    statement = (
        _ROWS.add_columns(Approval, Step, Ruling.verdict)
        .join(Step, Step.request_id == AccessRequest.id)
        .join(Approval, Approval.step_id == Step.id)
        .join(Ruling, Ruling.id == AccessRequest.ruling_id)
        .where(
            Approval.approver_id.in_(_stands_for(reading)),
            Approval.outcome.is_(None),
            Step.state == StepState.OPEN,
            Approval.id > window.after_id(),
        )
        .order_by(Approval.id)
    )
    found = reading.session.execute(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each[5].id])
    return Page(_approvals(reading, shown.items), shown.next_cursor)


def one_approval(reading: Reading, approval_id: str) -> ApprovalRow:
    """Return one question put to the actor, answered or not.

    Raises:
        NotFoundError: There is none, or it is not the actor's.
    """
    found = reading.session.execute(
        _ROWS.add_columns(Approval, Step, Ruling.verdict)
        .join(Step, Step.request_id == AccessRequest.id)
        .join(Approval, Approval.step_id == Step.id)
        .join(Ruling, Ruling.id == AccessRequest.ruling_id)
        .where(Approval.public_id == approval_id)
    ).one_or_none()
    if found is None or not deciding.may_answer(reading, found[5]):
        raise NotFoundError(phrase("There is no such approval of yours."))
    return _approvals(reading, [found])[0]


def _approvals(reading: Reading, found: Sequence[Any]) -> list[ApprovalRow]:
    """Show questions with their plans: those still open with the plan as it would run now."""
    waiting = [each[0] for each in found if each[0].state is RequestState.SUBMITTED]
    present = present_plans(reading, waiting)
    return [_approval(each, present.get(each[0].id)) for each in found]


def _approval(found: Any, operations: tuple[planning.Operation, ...] | None) -> ApprovalRow:
    request, approval, step, verdict = found[0], found[5], found[6], found[7]
    plan, digest, before = request.plan, request.plan_digest, None
    if operations is not None:
        plan, digest = [each.shown() for each in operations], planning.digest(operations)
        before = request.plan if digest != request.plan_digest else None
    return ApprovalRow(
        id=approval.public_id,
        request=_row(found[:5]),
        step=step.ordinal,
        role=step.role,
        how=approval.how,
        due_at=step.due_at,
        plan=plan,
        plan_digest=digest,
        plan_before=before,
        verdict=verdict,
        outcome=approval.outcome.value if approval.outcome else None,
        version=approval.version,
    )


@dataclass(frozen=True, slots=True)
class DelegationRow:
    """Who stands in for whom, from when to when."""

    id: str
    delegator: Person
    delegate: Person
    reason: str
    valid_from: datetime
    valid_to: datetime
    ended_at: datetime | None


_giver, _taker = aliased(Identity), aliased(Identity)
_DELEGATIONS = (
    sa.select(Delegation, _giver, _taker)
    .join(_giver, _giver.id == Delegation.delegator_id)
    .join(_taker, _taker.id == Delegation.delegate_id)
)


def my_delegations(reading: Reading, window: Window) -> Page[DelegationRow]:
    """Return the delegations the actor gave or got; those who read all requests see all."""
    statement = _DELEGATIONS.where(Delegation.id > window.after_id()).order_by(Delegation.id)
    if not reading.actor.may(Permission.REQUEST_READ_ALL):
        me = reading.actor.require_identity()
        statement = statement.where(
            sa.or_(Delegation.delegator_id == me, Delegation.delegate_id == me)
        )
    found = reading.session.execute(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each[0].id])
    return Page([_delegation(each) for each in shown.items], shown.next_cursor)


def delegation(reading: Reading, delegation_id: str) -> DelegationRow:
    """Return one delegation that the actor's own command just made or ended."""
    return _delegation(
        reading.session.execute(_DELEGATIONS.where(Delegation.public_id == delegation_id)).one()
    )


def _delegation(found: Any) -> DelegationRow:
    row, giver, taker = found
    return DelegationRow(
        id=row.public_id,
        delegator=Person(giver.public_id, giver.display_name),
        delegate=Person(taker.public_id, taker.display_name),
        reason=row.reason,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        ended_at=row.ended_at,
    )
