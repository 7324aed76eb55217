"""What becomes of a request when what it decided was read back, or could not be done."""

import sqlalchemy as sa

from app import events
from app.grants.models import End, Grant
from app.kernel.delivery import Delivery
from app.kernel.uow import Transactions
from app.requests.domain import RequestState
from app.requests.models import AccessRequest


def on_confirmed(tx: Transactions, delivery: Delivery) -> None:
    """Complete the request behind a confirmed grant or end."""
    with tx.write() as uow:
        request = uow.session.scalar(
            sa.select(AccessRequest)
            .where(AccessRequest.public_id == delivery.data["cause_ref"])
            .with_for_update()
        )
        if request is None or request.state not in (RequestState.APPROVED, RequestState.FAILED):
            return
        request.state = RequestState.DONE
        request.ended_at = uow.now
        request.why = None
        grant = uow.session.get(Grant, request.grant_id) if request.grant_id else None
        end = uow.session.get(End, request.end_id) if request.end_id else None
        uow.record(
            events.RequestCompleted(
                subject=request.public_id,
                grant=grant.public_id if grant else None,
                end=end.public_id if end else None,
            )
        )


def on_failed(tx: Transactions, delivery: Delivery) -> None:
    """Fail the request behind a grant or end that could not be brought about."""
    with tx.write() as uow:
        request = uow.session.scalar(
            sa.select(AccessRequest)
            .where(AccessRequest.public_id == delivery.data["cause_ref"])
            .with_for_update()
        )
        if request is None or request.state is not RequestState.APPROVED:
            return
        code = delivery.data["code"]
        request.state = RequestState.FAILED
        request.ended_at = uow.now
        request.why = f"It could not be carried out ({code}); an operator has to look at it."
        uow.record(events.RequestFailed(subject=request.public_id, code=code))
