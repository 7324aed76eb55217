"""When a leaver's plan comes to its end."""

import sqlalchemy as sa

from app import events
from app.kernel.delivery import Delivery
from app.kernel.uow import Transactions
from app.lifecycle.domain import LifecycleState
from app.lifecycle.models import LifecycleEvent
from app.provisioning.models import Plan

OPEN = (LifecycleState.RUNNING, LifecycleState.FAILED)


def on_plan_completed(tx: Transactions, delivery: Delivery) -> None:
    """Complete or fail the leaver whose plan has ended."""
    with tx.write() as uow:
        event = uow.session.scalar(
            sa.select(LifecycleEvent)
            .join(Plan, Plan.id == LifecycleEvent.plan_id)
            .where(Plan.public_id == delivery.subject)
            .with_for_update(of=LifecycleEvent)
        )
        if event is None or event.state not in OPEN:
            return
        if delivery.data["failed"]:
            event.state = LifecycleState.FAILED
            event.why = f"{delivery.data['failed']} operations need a person."
            uow.record(events.LeaverFailed(subject=event.public_id, code="tasks_failed"))
            return
        event.state = LifecycleState.DONE
        event.completed_at = uow.now
        event.why = None
        begun = max(event.received_at, event.effective_at)
        uow.record(
            events.LeaverCompleted(
                subject=event.public_id,
                minutes=int((uow.now - begun).total_seconds() // 60),
                unverifiable=delivery.data["unverifiable"],
            )
        )
