"""Commands of lifecycle: receive what HR tells, once; start what is due; cancel in time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app import events
from app.directory import past
from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from app.kernel.event import moment
from app.kernel.jobs import Job, Queue
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, Transactions, UnitOfWork
from app.lifecycle import planning
from app.lifecycle.domain import LifecycleState, LifecycleType
from app.lifecycle.models import LifecycleEvent
from app.provisioning import service as provisioning
from app.provisioning.domain import PlanCause
from evidence.canonical import canonical

START = "start_leaver"


@dataclass(frozen=True, slots=True)
class Told:
    """What HR told.

    Attributes:
        event_id: HR's own id for it.
        type: What happened.
        employee_number: To whom.
        effective_at: From when.
        attributes: Further facts, kept as they are.
    """

    event_id: str
    type: LifecycleType
    employee_number: str
    effective_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """Return the SHA-256 of the body, the same for the same facts however they were spelled."""
        body = {
            "type": self.type.value,
            "employee_number": self.employee_number,
            "effective_at": moment(self.effective_at),
            "attributes": dict(self.attributes),
        }
        return hashlib.sha256(canonical(body)).hexdigest()


def receive(uow: UnitOfWork, told: Told) -> LifecycleEvent:
    """Take in what HR tells; a leaver who is due starts at once.

    The same `event_id` and body again changes nothing and returns the first event, whose
    `first_answer` is the answer to give.

    Raises:
        NotPermittedError: The actor may not.
        ConflictError: The `event_id` is known with another body.
        InvalidInputError: Nobody has this employee number.
    """
    uow.actor.require(Permission.HR_WRITE)
    known = _known(uow, told)
    if known is not None:
        return known
    identity = _identity(uow, told)
    event = LifecycleEvent(
        public_id=uow.ids.new(),
        event_id=told.event_id,
        type=told.type,
        employee_number=told.employee_number,
        identity_id=identity.id if identity else None,
        effective_at=told.effective_at,
        attributes=dict(told.attributes),
        body_digest=told.digest(),
        first_answer={},
        state=LifecycleState.RECORDED,
        received_at=uow.now,
        received_by=uow.actor.public_id,
    )
    if told.type is LifecycleType.LEAVER:
        event.state = LifecycleState.WAITING
    try:
        with uow.session.begin_nested():
            uow.session.add(event)
    except IntegrityError:  # the same call at the same moment: the other one was first
        first = _known(uow, told)
        if first is None:
            raise
        return first
    uow.record(
        events.LifecycleReceived(
            subject=event.public_id,
            event_type=told.type,
            effective_at=told.effective_at,
            identity=identity.public_id if identity else None,
            body_digest=event.body_digest,
            event_id=told.event_id,
            employee_number=told.employee_number,
        )
    )
    if event.state is LifecycleState.WAITING and told.effective_at <= uow.now:
        start(uow, event)
    event.first_answer = answer(event)
    return event


def _known(reading: Reading, told: Told) -> LifecycleEvent | None:
    known = reading.session.scalar(
        sa.select(LifecycleEvent).where(LifecycleEvent.event_id == told.event_id)
    )
    if known is not None and known.body_digest != told.digest():
        raise ConflictError(phrase("This event_id was used for another event. Take a new one."))
    return known


def preview(reading: Reading, told: Told) -> planning.LeaverPlan:
    """Return what a leaver's plan would be now, storing nothing.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: Nobody has this employee number.
    """
    reading.actor.require(Permission.HR_WRITE)
    identity = _identity(reading, told)
    if identity is None or told.type is not LifecycleType.LEAVER:
        return planning.LeaverPlan(0, ())
    return planning.preview(reading, identity)


def start(uow: UnitOfWork, event: LifecycleEvent) -> None:
    """Make and enqueue a leaver's plan. The identity counts as left from here on."""
    identity = uow.session.get_one(Identity, event.identity_id)
    planned = planning.decide(uow, identity, cause_ref=event.public_id)
    past.keep(uow, Identity, [{"id": identity.id, "is_active": False}])
    identity.is_active = False
    event.state = LifecycleState.RUNNING
    event.started_at = uow.now
    plan = provisioning.make_plan(
        uow,
        cause=PlanCause.LEAVER,
        cause_ref=event.public_id,
        operations=planned.operations,
        decided_by=event.received_by,
    )
    event.plan_id = plan.id
    uow.record(
        events.LeaverStarted(
            subject=event.public_id,
            plan=plan.public_id,
            accounts=planned.accounts,
            operations=len(planned.operations),
        )
    )


def cancel(uow: UnitOfWork, *, event_id: str) -> LifecycleEvent:
    """Take an event back before it takes effect.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such event.
        ConflictError: It is under way or over.
    """
    uow.actor.require(Permission.HR_WRITE)
    event = uow.session.scalar(
        sa.select(LifecycleEvent).where(LifecycleEvent.event_id == event_id).with_for_update()
    )
    if event is None:
        raise NotFoundError(phrase("There is no such event."))
    if event.state is not LifecycleState.WAITING:
        raise ConflictError(
            phrase("This event is %(state)s and cannot be taken back.", state=event.state)
        )
    event.state = LifecycleState.CANCELLED
    uow.record(events.LifecycleCancelled(subject=event.public_id))
    return event


def tick(tx: Transactions) -> None:
    """Enqueue the leavers whose time has come; called once a minute."""
    with tx.write() as uow:
        due = uow.session.scalars(
            sa.select(LifecycleEvent.public_id)
            .where(
                LifecycleEvent.state == LifecycleState.WAITING,
                LifecycleEvent.effective_at <= uow.now,
            )
            .order_by(LifecycleEvent.effective_at)
            .limit(500)
        ).all()
        for public_id in due:
            uow.enqueue(
                Job(Queue.PROVISION, START, f"{public_id}:{moment(uow.now)}", {"event": public_id})
            )


def run_start(tx: Transactions, payload: Mapping[str, str]) -> None:
    """Start one leaver who is due; the runner of `start_leaver` jobs."""
    with tx.write() as uow:
        event = uow.session.scalar(
            sa.select(LifecycleEvent)
            .where(LifecycleEvent.public_id == payload["event"])
            .with_for_update()
        )
        if event is not None and event.state is LifecycleState.WAITING:
            start(uow, event)


def answer(event: LifecycleEvent) -> dict[str, Any]:
    """Return the first answer to an event, kept for every repetition."""
    return {
        "id": event.public_id,
        "event_id": event.event_id,
        "type": event.type.value,
        "employee_number": event.employee_number,
        "effective_at": moment(event.effective_at),
        "received_at": moment(event.received_at),
        "state": event.state.value,
        "note": NOTES.get(event.state, ""),
    }


NOTES = {
    LifecycleState.WAITING: "It waits until effective_at.",
    LifecycleState.RUNNING: "Under way; the receipt tells when each system was read back.",
    LifecycleState.RECORDED: "Recorded in the ledger. No action is configured for this type.",
}


def _identity(reading: Reading, told: Told) -> Identity | None:
    """Return whom HR tells of; somebody who joins may be in no directory yet."""
    found = reading.session.scalar(
        sa.select(Identity).where(Identity.employee_number == told.employee_number)
    )
    if found is None and told.type is not LifecycleType.JOINER:
        raise InvalidInputError(
            {
                "employee_number": phrase(
                    "No identity has this number. Nothing was recorded; send the event again "
                    "after the next sync, or correct the number."
                )
            }
        )
    return found
