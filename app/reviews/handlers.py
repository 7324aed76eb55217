"""What becomes of a revoked item when its end was read back, or could not be brought about."""

import sqlalchemy as sa

from app.directory.models import SyncRun
from app.grants.models import End
from app.kernel.delivery import Delivery
from app.kernel.uow import Transactions
from app.provisioning.models import Task
from app.reviews import service
from app.reviews.domain import RemediationState
from app.reviews.models import Item

OPEN = (RemediationState.PENDING, RemediationState.FAILED)


def on_directory_synced(tx: Transactions, delivery: Delivery) -> None:
    """Confirm what was left to a person and is gone by now, as a stored read shows."""
    with tx.write() as uow:
        run = uow.session.scalar(sa.select(SyncRun).where(SyncRun.public_id == delivery.subject))
        if run is not None and run.is_stored and run.counts.get("memberships_ended"):
            service.note_gone_by_hand(uow, run)


def on_end_confirmed(tx: Transactions, delivery: Delivery) -> None:
    """Confirm the items that waited for an end."""
    with tx.write() as uow:
        for item in uow.session.scalars(
            sa.select(Item)
            .join(End, End.id == Item.end_id)
            .where(End.public_id == delivery.subject, Item.remediation.in_(OPEN))
            .with_for_update(of=Item)
        ).all():
            service.confirm_item(uow, item, end=delivery.subject)


def on_end_failed(tx: Transactions, delivery: Delivery) -> None:
    """Mark the items whose end could not be brought about, with what the source said."""
    with tx.write() as uow:
        why = uow.session.scalar(
            sa.select(Task.error)
            .join(End, End.id == Task.end_id)
            .where(End.public_id == delivery.subject)
        )
        for item in uow.session.scalars(
            sa.select(Item)
            .join(End, End.id == Item.end_id)
            .where(End.public_id == delivery.subject, Item.remediation == RemediationState.PENDING)
            .with_for_update(of=Item)
        ).all():
            code = delivery.data["code"]
            service.fail_item(uow, item, code=code, why=why or code, end=delivery.subject)
