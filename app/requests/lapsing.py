"""A request that nobody decides comes to nothing when the policy's limit has passed.

So that no forgotten question is answered months later, when nobody remembers what it was about.
"""

import sqlalchemy as sa

from app import events
from app.kernel.uow import Transactions
from app.requests import deciding
from app.requests.domain import RequestState
from app.requests.models import AccessRequest
from app.rulebook import service as rulebook
from policies.schedule import is_due, request_expires_at


def tick(tx: Transactions) -> int:
    """End every request that has been open for longer than the policy in force allows.

    Returns:
        How many were ended.
    """
    with tx.read() as reading:
        open_ones = reading.session.execute(
            sa.select(AccessRequest.id, AccessRequest.submitted_at)
            .where(AccessRequest.state == RequestState.SUBMITTED)
            .order_by(AccessRequest.id)
        ).all()
        if not open_ones:
            return 0
        policy = rulebook.policy_in_force(reading)
        late = [
            row.id
            for row in open_ones
            if is_due(request_expires_at(policy, row.submitted_at), reading.now)
        ]
    return sum(_lapse(tx, each, policy.approval.expires_after_days) for each in late)


def _lapse(tx: Transactions, request_id: int, days: int) -> bool:
    """End one, unless somebody decided it in the meantime."""
    with tx.write() as uow:
        request = uow.session.scalar(
            sa.select(AccessRequest).where(AccessRequest.id == request_id).with_for_update()
        )
        if request is None or request.state is not RequestState.SUBMITTED:
            return False
        request.state = RequestState.CANCELLED
        request.ended_at = uow.now
        request.why = f"Nobody decided it within {days} days, the policy's limit."
        deciding.close_questions(uow, request)
        uow.record(events.RequestCancelled(subject=request.public_id))
        return True
