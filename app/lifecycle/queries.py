"""Reads of lifecycle events, and the receipt of a leaver: what was done when, per system."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Account, Group, Identity, Source
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.event import moment
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.lifecycle.models import LifecycleEvent
from app.provisioning.models import Plan, Task
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class EventRow:
    """One lifecycle event."""

    id: str
    event_id: str
    type: str
    employee_number: str
    identity: str | None
    effective_at: datetime
    received_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    state: str
    why: str | None
    plan: str | None


def _row(event: LifecycleEvent, identity: str | None, plan: str | None) -> EventRow:
    return EventRow(
        id=event.public_id,
        event_id=event.event_id,
        type=event.type.value,
        employee_number=event.employee_number,
        identity=identity,
        effective_at=event.effective_at,
        received_at=event.received_at,
        started_at=event.started_at,
        completed_at=event.completed_at,
        state=event.state.value,
        why=event.why,
        plan=plan,
    )


_EVENTS = (
    sa.select(LifecycleEvent, Identity.public_id, Plan.public_id)
    .outerjoin(Identity, Identity.id == LifecycleEvent.identity_id)
    .outerjoin(Plan, Plan.id == LifecycleEvent.plan_id)
)


def find_event(reading: Reading, event_id: str) -> EventRow:
    """Return one event by HR's own id.

    Raises:
        NotPermittedError: The actor may not read HR events.
        NotFoundError: There is none.
    """
    reading.actor.require(Permission.HR_READ)
    found = reading.session.execute(
        _EVENTS.where(LifecycleEvent.event_id == event_id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(phrase("There is no such event."))
    return _row(*found)


def list_events(reading: Reading, window: Window) -> Page[EventRow]:
    """Return the events, newest first."""
    reading.actor.require(Permission.HR_READ)
    statement = _EVENTS.order_by(LifecycleEvent.id.desc())
    after = window.after_id()
    if after:
        statement = statement.where(LifecycleEvent.id < after)
    found = reading.session.execute(statement.limit(window.limit + 1)).all()
    shown = page(found, window, key=lambda each: [each[0].id])
    return Page([_row(*each) for each in shown.items], shown.next_cursor)


def receipt(reading: Reading, event_id: str) -> dict[str, Any]:
    """Return the receipt of an event: times, per system and operation, as read back.

    It is a document of plain values, ready to be put into canonical JSON and signed.

    Raises:
        NotPermittedError: The actor may not read HR events.
        NotFoundError: There is none.
    """
    event = find_event(reading, event_id)
    tasks = _tasks(reading, event.plan) if event.plan else []
    return {
        "format": "attestry-leaver-receipt/1",
        "event_id": event.event_id,
        "id": event.id,
        "type": event.type,
        "state": event.state,
        "effective_at": moment(event.effective_at),
        "received_at": moment(event.received_at),
        "started_at": _text(event.started_at),
        "completed_at": _text(event.completed_at),
        "as_of": moment(reading.now),
        "systems": _systems(event, tasks),
        "operations": tasks,
    }


def _tasks(reading: Reading, plan_id: str) -> list[dict[str, Any]]:
    rows = reading.session.execute(
        sa.select(Task, Source.name, Account.external_id, Group.external_id)
        .join(Plan, Plan.id == Task.plan_id)
        .join(Source, Source.id == Task.source_id)
        .join(Account, Account.id == Task.account_id)
        .outerjoin(Group, Group.id == Task.group_id)
        .where(Plan.public_id == plan_id)
        .order_by(Task.ordinal)
    )
    return [
        {
            "system": source,
            "verb": task.verb,
            "account": account,
            "group": group,
            "state": task.state.value,
            "applied_at": _text(task.applied_at),
            "verified_at": _text(task.verified_at),
            "shown": (task.read_back or {}).get("shown"),
            "error": task.error,
        }
        for task, source, account, group in rows
    ]


def _systems(event: EventRow, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per system: when the last account was seen closed, and how long that took."""
    begun = max(event.received_at, event.effective_at)
    found = []
    for system in dict.fromkeys(task["system"] for task in tasks):
        mine = [task for task in tasks if task["system"] == system]
        closing = [task for task in mine if task["group"] is None and task["verb"] != CLEARING]
        closed = [task["verified_at"] for task in closing]
        closed_at = max(closed) if closed and all(closed) else None
        minutes = None
        if closed_at is not None:
            minutes = int((datetime.fromisoformat(closed_at) - begun).total_seconds() // 60)
        found.append(
            {
                "system": system,
                "closed_at": closed_at,
                "minutes": minutes,
                "operations": len(mine),
                "verified": sum(task["state"] == "verified" for task in mine),
                "open": sum(task["state"] not in ENDED for task in mine),
                "need_a_person": sum(task["state"] in ("failed", "held") for task in mine),
            }
        )
    return found


CLEARING = "clear_sessions"
ENDED = ("verified", "applied", "failed", "cancelled")


def _text(at: datetime | None) -> str | None:
    return moment(at) if at is not None else None
