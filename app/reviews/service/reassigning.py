"""Put items to another reviewer, with the reason on record."""

from collections.abc import Sequence

import sqlalchemy as sa

from app import events
from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import (
    ConflictError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.reviews.domain import ItemState
from app.reviews.models import Item
from app.reviews.service import standing


def reassign(uow: UnitOfWork, *, item_ids: Sequence[str], reviewer: str, reason: str) -> list[Item]:
    """Put open items to another reviewer: all of them or none.

    Raises:
        NotPermittedError: The actor may not, or the new reviewer holds one of them.
        NotFoundError: There is no such item or person.
        ConflictError: One is signed off, or its campaign is closed.
    """
    uow.actor.require(Permission.ITEM_REASSIGN)
    rows = _locked(uow, item_ids, sa.true())
    return _put(uow, rows, reviewer, reason)


def hand_over(
    uow: UnitOfWork, *, item_ids: Sequence[str], reviewer: str, reason: str
) -> list[Item]:
    """Put open items of one's own to somebody who knows better: all of them or none.

    Raises:
        NotPermittedError: The other one holds one of them.
        NotFoundError: One is not the actor's, or there is no such person.
        ConflictError: One is decided or signed off, or its campaign is closed.
    """
    me = uow.actor.require_identity()
    rows = _locked(uow, item_ids, Item.reviewer_id == me)
    return _put(uow, rows, reviewer, reason)


def _locked(
    uow: UnitOfWork, item_ids: Sequence[str], which: sa.ColumnElement[bool]
) -> Sequence[Item]:
    rows = uow.session.scalars(
        sa.select(Item).where(Item.public_id.in_(item_ids), which).with_for_update()
    ).all()
    if len(rows) != len(set(item_ids)):
        raise NotFoundError(phrase("One of these items does not exist, or is not yours."))
    return rows


def _put(uow: UnitOfWork, rows: Sequence[Item], reviewer: str, reason: str) -> list[Item]:
    person = uow.session.scalar(sa.select(Identity).where(Identity.public_id == reviewer))
    if person is None or not person.is_active:
        raise NotFoundError(phrase("There is no such active identity."))
    open_campaigns = standing.open_campaigns(uow, {row.campaign_id for row in rows})
    campaigns = standing.campaign_names(uow, {row.campaign_id for row in rows})
    names = standing.identity_names(uow, {row.reviewer_id for row in rows if row.reviewer_id})
    touched = set()
    for row in rows:
        if row.identity_id == person.id:
            raise NotPermittedError(phrase("Nobody reviews their own access."))
        if row.campaign_id not in open_campaigns or row.state is not ItemState.OPEN:
            raise ConflictError(phrase("Only open items of an open campaign go to somebody else."))
        if row.reviewer_id == person.id:
            raise NothingToChangeError(phrase("The item is this reviewer's already."))
        before = names.get(row.reviewer_id) if row.reviewer_id else None
        touched |= {(row.campaign_id, each) for each in (row.reviewer_id, person.id) if each}
        row.reviewer_id, row.via = person.id, "reassigned"
        uow.record(
            events.ItemReassigned(
                subject=row.public_id,
                campaign=campaigns[row.campaign_id],
                reviewer_before=before,
                reviewer=person.public_id,
                reason=reason,
            )
        )
    uow.session.flush()
    for campaign_id, each in touched:
        standing.recount(uow, campaign_id, each)
    return list(rows)
