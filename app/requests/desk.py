"""What waits for somebody, and what they wait for: short lists for the home page, and its counts.

Each is one statement; of plans and verdicts nothing is computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.models import Group, Identity, Source
from app.kernel.uow import Reading
from app.requests.domain import RequestState, StepState
from app.requests.models import AccessRequest, Approval, Delegation, Step

UNDER_WAY = (RequestState.SUBMITTED, RequestState.APPROVED)


@dataclass(frozen=True, slots=True)
class Question:
    """An approval that waits for somebody.

    Attributes:
        id: Public id of the approval.
        beneficiary: For whom access is asked.
        entitlement: What is asked for.
        source: Where.
        action: `add`, `remove` or `extend`.
        due_at: When it moves on by itself, or None.
        is_late: Whether that has passed.
        delegator: For whom they stand in, or None.
    """

    id: str
    beneficiary: str
    entitlement: str
    source: str
    action: str
    due_at: datetime | None
    is_late: bool
    delegator: str | None


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request of somebody, or for them, that has not ended.

    Attributes:
        id: Public id of the request.
        beneficiary: For whom.
        entitlement: What.
        source: Where.
        action: `add`, `remove` or `extend`.
        state: Where it stands.
        submitted_at: Since when.
    """

    id: str
    beneficiary: str
    entitlement: str
    source: str
    action: str
    state: RequestState
    submitted_at: datetime


def questions(reading: Reading, limit: int) -> tuple[Sequence[Question], int]:
    """Return the approvals that wait for the actor, what is due first, and how many there are."""
    if reading.actor.identity_id is None:
        return [], 0
    beneficiary, approver = aliased(Identity), aliased(Identity)
    found = reading.session.execute(
        sa.select(
            Approval.public_id,
            beneficiary.display_name,
            Group.name,
            Source.name.label("source"),
            AccessRequest.action,
            Step.due_at,
            Approval.approver_id,
            approver.display_name.label("delegator"),
            sa.func.count().over().label("total"),
        )
        .join(Step, Step.id == Approval.step_id)
        .join(AccessRequest, AccessRequest.id == Step.request_id)
        .join(beneficiary, beneficiary.id == AccessRequest.beneficiary_id)
        .join(approver, approver.id == Approval.approver_id)
        .join(Group, Group.id == AccessRequest.group_id)
        .join(Source, Source.id == Group.source_id)
        .where(*_waiting(reading, reading.actor.identity_id))
        .order_by(Step.due_at.is_(None), Step.due_at, Approval.id)
        .limit(limit)
    ).all()
    shown = [
        Question(
            id=row.public_id,
            beneficiary=row.display_name,
            entitlement=row.name,
            source=row.source,
            action=row.action.value,
            due_at=row.due_at,
            is_late=row.due_at is not None and reading.now > row.due_at,
            delegator=None if row.approver_id == reading.actor.identity_id else row.delegator,
        )
        for row in found
    ]
    return shown, found[0].total if found else 0


def count_questions(reading: Reading) -> int:
    """Count the approvals that wait for the actor."""
    if reading.actor.identity_id is None:
        return 0
    found = reading.session.scalar(
        sa.select(sa.func.count())
        .select_from(Approval)
        .join(Step, Step.id == Approval.step_id)
        .join(AccessRequest, AccessRequest.id == Step.request_id)
        .where(*_waiting(reading, reading.actor.identity_id))
    )
    return found or 0


def under_way(reading: Reading, limit: int) -> tuple[Sequence[UnderWay], int]:
    """Return the actor's requests that have not ended, the newest first, and how many."""
    if reading.actor.identity_id is None:
        return [], 0
    me = reading.actor.identity_id
    found = reading.session.execute(
        sa.select(
            AccessRequest.public_id,
            Identity.display_name,
            Group.name,
            Source.name.label("source"),
            AccessRequest.action,
            AccessRequest.state,
            AccessRequest.submitted_at,
            sa.func.count().over().label("total"),
        )
        .join(Identity, Identity.id == AccessRequest.beneficiary_id)
        .join(Group, Group.id == AccessRequest.group_id)
        .join(Source, Source.id == Group.source_id)
        .where(
            sa.or_(AccessRequest.requester_id == me, AccessRequest.beneficiary_id == me),
            AccessRequest.state.in_(UNDER_WAY),
        )
        .order_by(AccessRequest.id.desc())
        .limit(limit)
    ).all()
    shown = [
        UnderWay(
            id=row.public_id,
            beneficiary=row.display_name,
            entitlement=row.name,
            source=row.source,
            action=row.action.value,
            state=row.state,
            submitted_at=row.submitted_at,
        )
        for row in found
    ]
    return shown, found[0].total if found else 0


def _waiting(reading: Reading, me: int) -> tuple[sa.ColumnElement[bool], ...]:
    """What makes an approval wait for somebody: put to them, or to one they stand in for."""
    delegators = (
        sa.select(Delegation.delegator_id)
        .join(Identity, Identity.id == Delegation.delegator_id)
        .where(
            Delegation.delegate_id == me,
            Delegation.valid_from <= reading.now,
            Delegation.valid_to > reading.now,
            Delegation.ended_at.is_(None),
            Identity.is_active,
        )
    )
    return (
        sa.or_(Approval.approver_id == me, Approval.approver_id.in_(delegators)),
        Approval.outcome.is_(None),
        Step.state == StepState.OPEN,
    )
