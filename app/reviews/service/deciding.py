"""A reviewer's decisions: many at once, all or none, each at the version that was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app import events
from app.directory.models import Identity
from app.kernel.errors import (
    ConflictError,
    FieldErrors,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.reviews.domain import Decision, DecisionMove, ItemState
from app.reviews.models import Item, ItemDecision, Sample
from app.reviews.service import standing


@dataclass(frozen=True, slots=True)
class Said:
    """What a reviewer says of one item.

    Attributes:
        id: Public id of the item.
        decision: Keep, revoke, abstain, or undo.
        version: The version that was looked at.
        reason: Why.
        until: For a keep: until when.
        replacement: For a revoke: what is to be asked for in its place.
        dwell_ms: How long it was looked at, if the door knows.
        is_viewed: Whether its details were open, if the door knows.
    """

    id: str
    decision: DecisionMove
    version: int
    reason: str | None = None
    until: datetime | None = None
    replacement: str | None = None
    dwell_ms: int | None = None
    is_viewed: bool | None = None


def decide(uow: UnitOfWork, said: Sequence[Said], *, sample: Sample | None = None) -> list[Item]:
    """Decide many items at once: all of them or none.

    Args:
        uow: The unit of work.
        said: What is said of each.
        sample: What was checked before, if they are kept as low-risk.

    Raises:
        NotFoundError: One of them is not this reviewer's.
        NotPermittedError: One of them is about the reviewer's own access.
        ConflictError: One was changed since, signed off, or its campaign is closed.
        InvalidInputError: One lacks its reason, or stands twice; every field is told.
        NothingToChangeError: None of them would change.
    """
    me = uow.actor.require_identity()
    items = _items(uow, said, me)
    _check(uow, said, items)
    changed = [each for each in said if _differs(items[each.id], each)]
    if not changed:
        raise NothingToChangeError(phrase("These items are decided so already."))
    campaigns = standing.campaign_names(uow, {item.campaign_id for item in items.values()})
    reviewer = uow.session.get_one(Identity, me).public_id
    for each in changed:
        item = items[each.id]
        _apply(uow, item, each, me)
        uow.record(
            events.ItemDecided(
                subject=item.public_id,
                campaign=campaigns[item.campaign_id],
                reviewer=reviewer,
                move=each.decision,
                batch_size=len(changed),
                until=each.until,
                dwell_ms=each.dwell_ms,
                is_viewed=each.is_viewed,
                sample=sample.public_id if sample else None,
                reason=each.reason,
            )
        )
    uow.session.execute(
        sa.insert(ItemDecision),
        [
            {
                "item_id": items[each.id].id,
                "move": each.decision,
                "reason": each.reason,
                "until": each.until,
                "decided_at": uow.now,
                "decided_by_id": me,
                "batch_size": len(changed),
                "dwell_ms": each.dwell_ms,
                "is_viewed": each.is_viewed,
                "sample_id": sample.id if sample else None,
            }
            for each in changed
        ],
    )
    uow.session.flush()
    for campaign_id in {item.campaign_id for item in items.values()}:
        standing.recount(uow, campaign_id, me)
    return list(items.values())


def _items(uow: UnitOfWork, said: Sequence[Said], me: int) -> dict[str, Item]:
    ids = [each.id for each in said]
    if len(set(ids)) != len(ids):
        raise InvalidInputError({"items": phrase("An item stands twice in the list.")})
    rows = uow.session.scalars(
        sa.select(Item).where(Item.public_id.in_(ids), Item.reviewer_id == me).with_for_update()
    )
    found = {row.public_id: row for row in rows}
    if len(found) != len(ids):
        missing = next(each for each in ids if each not in found)
        raise NotFoundError(phrase("There is no item %(missing)s of yours.", missing=missing))
    return found


def _check(uow: UnitOfWork, said: Sequence[Said], items: dict[str, Item]) -> None:
    me = uow.actor.require_identity()
    open_campaigns = standing.open_campaigns(uow, {item.campaign_id for item in items.values()})
    wrong = FieldErrors()
    for place, each in enumerate(said):
        item = items[each.id]
        if item.identity_id == me:
            raise NotPermittedError(phrase("Nobody reviews their own access."))
        if item.campaign_id not in open_campaigns:
            raise ConflictError(phrase("This campaign is closed."))
        if item.state not in (ItemState.OPEN, ItemState.DECIDED):
            raise ConflictError(phrase("You have signed off: your decisions stand."))
        if item.version != each.version:
            current = {
                "id": item.public_id,
                "version": item.version,
                "decision": item.decision,
                "reason": item.reason,
            }
            raise ConflictError(phrase("An item was changed since you looked."), current)
        is_revoke = each.decision is DecisionMove.REVOKE
        if is_revoke and open_campaigns[item.campaign_id] and not (each.reason or "").strip():
            wrong.add(f"items.{place}.reason", phrase("Say why it is revoked."))
        if each.until is not None and (
            each.decision is not DecisionMove.KEEP or each.until <= uow.now
        ):
            wrong.add(f"items.{place}.until", phrase("Only a keep has an end, and it lies ahead."))
    wrong.raise_if_any()


def _differs(item: Item, said: Said) -> bool:
    wanted = None if said.decision is DecisionMove.UNDO else Decision(said.decision.value)
    before = (item.decision, item.reason, item.until, item.replacement)
    return before != (wanted, said.reason, said.until, said.replacement)


def _apply(uow: UnitOfWork, item: Item, said: Said, me: int) -> None:
    if said.decision is DecisionMove.UNDO:
        item.state, item.decision = ItemState.OPEN, None
        item.reason = item.replacement = None
        item.until = item.decided_at = None
        item.decided_by_id = None
        return
    item.state, item.decision = ItemState.DECIDED, Decision(said.decision.value)
    item.reason, item.until = said.reason, said.until
    item.replacement = said.replacement
    item.decided_at, item.decided_by_id = uow.now, me
