"""Commands of delegation: who stands in for whom, for how long, and why."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from app import events
from app.directory.models import Identity
from app.kernel.errors import (
    FieldErrors,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.requests.models import Delegation

LONGEST = timedelta(days=92)


def delegate(
    uow: UnitOfWork, *, delegate_id: str, valid_from: datetime, valid_to: datetime, reason: str
) -> Delegation:
    """Let somebody else answer in the actor's place for a time.

    Raises:
        InvalidInputError: The times, or the person, make no sense; every field is told.
        NotFoundError: There is no such identity.
        NothingToChangeError: The same delegation stands already.
    """
    me = uow.actor.require_identity()
    other = uow.session.scalar(sa.select(Identity).where(Identity.public_id == delegate_id))
    if other is None:
        raise NotFoundError(phrase("There is no such identity."))
    wrong = FieldErrors()
    if other.id == me:
        wrong.add("delegate", phrase("Name somebody else."))
    if not other.is_active:
        wrong.add("delegate", phrase("This identity is not active."))
    if valid_to <= valid_from or valid_to <= uow.now:
        wrong.add("valid_to", phrase("Give an end after the beginning and after now."))
    elif valid_to - valid_from > LONGEST:
        wrong.add(
            "valid_to", phrase("A delegation lasts at most %(days)s days.", days=LONGEST.days)
        )
    wrong.raise_if_any()
    _refuse_overlap(uow, me, other.id, valid_from, valid_to)
    row = Delegation(
        public_id=uow.ids.new(),
        delegator_id=me,
        delegate_id=other.id,
        reason=reason,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    uow.session.add(row)
    uow.record(
        events.DelegationMade(
            subject=row.public_id,
            delegator=uow.session.get_one(Identity, me).public_id,
            delegate=other.public_id,
            valid_from=valid_from,
            valid_to=valid_to,
            reason=reason,
        )
    )
    return row


def end(uow: UnitOfWork, *, delegation_id: str) -> Delegation:
    """End one of the actor's delegations now.

    Raises:
        NotFoundError: There is none of the actor's.
        NothingToChangeError: It is over already.
    """
    me = uow.actor.require_identity()
    row = uow.session.scalar(
        sa.select(Delegation).where(
            Delegation.public_id == delegation_id, Delegation.delegator_id == me
        )
    )
    if row is None:
        raise NotFoundError(phrase("There is no such delegation of yours."))
    if row.ended_at is not None or row.valid_to <= uow.now:
        raise NothingToChangeError(phrase("This delegation is over already."))
    row.ended_at = uow.now
    uow.record(events.DelegationEnded(subject=row.public_id))
    return row


def _refuse_overlap(
    uow: UnitOfWork, me: int, other: int, valid_from: datetime, valid_to: datetime
) -> None:
    standing = uow.session.scalars(
        sa.select(Delegation).where(
            Delegation.ended_at.is_(None),
            Delegation.valid_from < valid_to,
            Delegation.valid_to > valid_from,
            sa.or_(
                sa.and_(Delegation.delegator_id == me, Delegation.delegate_id == other),
                sa.and_(Delegation.delegator_id == other, Delegation.delegate_id == me),
            ),
        )
    ).all()
    if any(each.delegator_id == me for each in standing):
        raise NothingToChangeError(phrase("This person stands in for you in that time already."))
    if standing:
        raise InvalidInputError(
            {
                "delegate": phrase(
                    "You stand in for this person in that time: duties would go in a ring."
                )
            }
        )
