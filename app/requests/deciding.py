"""Steps and answers: who is asked, who may answer, and when a step has its yes."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app import events
from app.directory.models import Identity
from app.kernel.errors import ConflictError, NotFoundError, NotPermittedError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.requests.domain import ApprovalOutcome, RequestState, StepState
from app.requests.models import AccessRequest, Approval, Delegation, Step
from app.rulebook import service as rulebook
from app.rulebook.models import Ruling
from policies.schedule import step_due_at
from policies.verdict import Verdict

Delegator = aliased(Identity)


def open_steps(uow: UnitOfWork, request: AccessRequest, verdict: Verdict) -> None:
    """Store the steps of a verdict and put the first one's question."""
    for found in verdict.steps:
        step = Step(
            public_id=uow.ids.new(),
            request_id=request.id,
            ordinal=found.order,
            role=found.role.value,
            quorum=found.quorum,
            how=found.how,
            state=StepState.WAITING,
        )
        uow.session.add(step)
        uow.session.flush()
        keys = _keys(uow, found.approvers)
        for approver in found.approvers:
            uow.session.add(
                Approval(
                    public_id=uow.ids.new(),
                    step_id=step.id,
                    approver_id=keys[approver],
                    how=found.how,
                )
            )
    uow.session.flush()
    open_next(uow, request)


def open_next(uow: UnitOfWork, request: AccessRequest) -> bool:
    """Open the first waiting step; False if none is left."""
    step = uow.session.scalar(
        sa.select(Step)
        .where(Step.request_id == request.id, Step.state == StepState.WAITING)
        .order_by(Step.ordinal)
        .limit(1)
    )
    if step is None:
        return False
    step.state = StepState.OPEN
    step.opened_at = uow.now
    step.due_at = step_due_at(rulebook.policy_in_force(uow), uow.now)
    asked = uow.session.scalars(
        sa.select(Identity.public_id)
        .join(Approval, Approval.approver_id == Identity.id)
        .where(Approval.step_id == step.id)
        .order_by(Identity.id)
    ).all()
    uow.record(
        events.StepOpened(
            subject=request.public_id,
            step=step.public_id,
            ordinal=step.ordinal,
            role=step.role,
            approvers=tuple(asked),
        )
    )
    return True


def find_question(uow: UnitOfWork, approval_id: str) -> tuple[Approval, AccessRequest]:
    """Return a question and its request, locked.

    Raises:
        NotFoundError: There is no such question.
    """
    row = uow.session.execute(
        sa.select(Approval, AccessRequest)
        .join(Step, Step.id == Approval.step_id)
        .join(AccessRequest, AccessRequest.id == Step.request_id)
        .where(Approval.public_id == approval_id)
        .with_for_update(of=AccessRequest)
    ).one_or_none()
    if row is None:
        raise NotFoundError(phrase("There is no such approval."))
    return row[0], row[1]


def may_answer(reading: Reading, approval: Approval) -> bool:
    """Say whether the actor is the approver, or stands in for them now."""
    me = reading.actor.identity_id
    if me is None:
        return False
    return me == approval.approver_id or me in stand_ins(reading, approval.approver_id)


def stand_ins(reading: Reading, approver_id: int) -> Sequence[int]:
    """Return who stands in for an approver now.

    A stand-in's own stand-in gains nothing, and nobody stands in for somebody who has left.
    """
    return reading.session.scalars(
        sa.select(Delegation.delegate_id)
        .join(Identity, Identity.id == Delegation.delegate_id)
        .join(Delegator, Delegator.id == Delegation.delegator_id)
        .where(
            Delegation.delegator_id == approver_id,
            Delegation.valid_from <= reading.now,
            Delegation.valid_to > reading.now,
            Delegation.ended_at.is_(None),
            Identity.is_active,
            Delegator.is_active,
        )
    ).all()


def refuse_unless_addressed(uow: UnitOfWork, approval: Approval, request: AccessRequest) -> None:
    """Refuse whoever is not asked, and whoever would answer for themselves.

    Raises:
        NotFoundError: The question is not put to the actor.
        NotPermittedError: The actor asked for it, or would benefit.
    """
    if not may_answer(uow, approval):
        raise NotFoundError(phrase("There is no such approval of yours."))
    if uow.actor.identity_id in (request.requester_id, request.beneficiary_id):
        raise NotPermittedError(phrase("Nobody approves for themselves."))
    me = uow.session.get_one(Identity, uow.actor.require_identity())
    if not me.is_active:
        raise NotPermittedError(phrase("An identity that is not active decides nothing."))


def refuse_unless_open(uow: UnitOfWork, approval: Approval, request: AccessRequest) -> None:
    """Refuse an answer to a question that is not open (any more).

    Raises:
        ConflictError: It was answered, is not due yet, or the request is over.
    """
    if request.state is not RequestState.SUBMITTED:
        raise ConflictError(phrase("This request is %(state)s.", state=request.state))
    if approval.outcome is not None:
        raise ConflictError(phrase("This was answered: %(state)s.", state=approval.outcome))
    step = uow.session.get_one(Step, approval.step_id)
    if step.state is StepState.WAITING:
        raise ConflictError(phrase("An earlier step has to be answered first."))
    if step.state is not StepState.OPEN:
        raise ConflictError(
            phrase("This step is %(state)s by somebody else's answer.", state=step.state)
        )
    given = sa.select(Approval.id).where(
        Approval.step_id == step.id, Approval.decided_by_id == uow.actor.identity_id
    )
    if uow.session.scalar(given) is not None:
        raise ConflictError(phrase("You have answered this step; another person has to, as well."))


def approve(
    uow: UnitOfWork, approval: Approval, request: AccessRequest, *, comment: str | None
) -> bool:
    """Note a yes; True if it was the last one needed."""
    _answer(uow, approval, request, ApprovalOutcome.APPROVE, comment)
    step = uow.session.get_one(Step, approval.step_id)
    uow.session.flush()
    people = uow.session.scalars(
        sa.select(Approval.decided_by_id).where(
            Approval.step_id == step.id, Approval.outcome == ApprovalOutcome.APPROVE
        )
    ).all()
    if len(set(people)) < step.quorum:
        return False
    step.state = StepState.APPROVED
    step.decided_at = uow.now
    _supersede(uow, Approval.step_id == step.id)
    return not open_next(uow, request)


def refuse(
    uow: UnitOfWork, approval: Approval, request: AccessRequest, *, comment: str | None
) -> None:
    """Note a no: it ends the request."""
    _answer(uow, approval, request, ApprovalOutcome.REFUSE, comment)
    step = uow.session.get_one(Step, approval.step_id)
    step.state = StepState.REFUSED
    step.decided_at = uow.now
    request.state = RequestState.REFUSED
    request.decided_at = request.ended_at = uow.now
    request.why = comment
    close_questions(uow, request)
    uow.record(events.RequestRefused(subject=request.public_id, by=uow.actor.public_id))


def ask_again(uow: UnitOfWork, request: AccessRequest) -> None:
    """Put the steps that were approved on another plan to their approvers once more.

    What they signed is not what would run now. Their first answers stay in the ledger.
    """
    again = uow.session.scalars(
        sa.select(Step).where(Step.request_id == request.id, Step.state == StepState.APPROVED)
    ).all()
    for step in again:
        step.state = StepState.WAITING
        step.opened_at = step.due_at = step.decided_at = None
    uow.session.execute(
        sa.update(Approval)
        .where(Approval.step_id.in_([each.id for each in again]))
        .values(
            outcome=None,
            comment=None,
            plan_digest=None,
            decided_at=None,
            decided_by_id=None,
            version=Approval.version + 1,
        )
    )


def close_questions(uow: UnitOfWork, request: AccessRequest) -> None:
    """Take back every open question of a request."""
    uow.session.flush()
    steps = sa.select(Step.id).where(Step.request_id == request.id)
    _supersede(uow, Approval.step_id.in_(steps))
    uow.session.execute(
        sa.update(Step)
        .where(
            Step.request_id == request.id,
            Step.state.in_((StepState.WAITING, StepState.OPEN)),
        )
        .values(state=StepState.SKIPPED, decided_at=uow.now)
    )


def ruling_ref(reading: Reading, request: AccessRequest) -> str:
    """Return the public id of the ruling a request was last allowed by."""
    return reading.session.get_one(Ruling, request.ruling_id).public_id


def _answer(
    uow: UnitOfWork,
    approval: Approval,
    request: AccessRequest,
    outcome: ApprovalOutcome,
    comment: str | None,
) -> None:
    approval.outcome = outcome
    approval.comment = comment
    approval.plan_digest = request.plan_digest
    approval.decided_at = uow.now
    approval.decided_by_id = uow.actor.require_identity()
    step = uow.session.get_one(Step, approval.step_id)
    people = _names(uow, [approval.approver_id, approval.decided_by_id])
    uow.record(
        events.ApprovalGiven(
            subject=approval.public_id,
            request=request.public_id,
            step=step.public_id,
            approver=people[approval.approver_id],
            decided_by=people[approval.decided_by_id],
            outcome=outcome,
            plan_digest=request.plan_digest,
            comment=comment,
        )
    )


def _supersede(uow: UnitOfWork, condition: sa.ColumnElement[bool]) -> None:
    uow.session.execute(
        sa.update(Approval)
        .where(condition, Approval.outcome.is_(None))
        .values(
            outcome=ApprovalOutcome.SUPERSEDED,
            decided_at=uow.now,
            version=Approval.version + 1,
        )
    )


def _keys(reading: Reading, public_ids: Sequence[str]) -> dict[str, int]:
    rows = reading.session.execute(
        sa.select(Identity.public_id, Identity.id).where(Identity.public_id.in_(public_ids))
    )
    return {row.public_id: row.id for row in rows}


def _names(reading: Reading, ids: Sequence[int]) -> dict[int, str]:
    rows = reading.session.execute(
        sa.select(Identity.id, Identity.public_id).where(Identity.id.in_(ids))
    )
    return {row.id: row.public_id for row in rows}
