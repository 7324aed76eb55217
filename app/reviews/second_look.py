"""Keeps that somebody may want to look at again: against advice, in a blink, or many at once."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.directory.models import Group, Identity
from app.kernel.actor import Permission
from app.kernel.errors import InvalidInputError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.reviews.domain import Decision
from app.reviews.models import Item, ItemDecision
from app.web.paging import Page, Window, page

QUICK_MS = 2000
LARGE_BATCH = 20
HIGH = ("high", "privileged")

_is_against = sa.func.coalesce(
    Item.frozen["advice"]["suggestion"].as_string() == "revoke", sa.false()
)
_is_quick = sa.and_(ItemDecision.batch_size == 1, ItemDecision.dwell_ms < QUICK_MS)
_is_risky = Item.frozen["risk"].as_string().in_(HIGH)
_is_large = sa.and_(ItemDecision.batch_size >= LARGE_BATCH, ItemDecision.sample_id.is_(None))
_rank = sa.case((_is_against, 0), else_=1)


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A keep that somebody may want to look at again.

    Attributes:
        item: Public id of the item.
        holder: Whose access, or None for nobody's account.
        holder_id: Their public id, or None.
        group: In what.
        group_id: Its public id.
        reviewer: Who kept it.
        is_against_advice: Revoking was suggested.
        is_quick: It was looked at for less than two seconds.
        batch_size: How many were decided in the same stroke.
    """

    item: str
    holder: str | None
    holder_id: str | None
    group: str
    group_id: str
    reviewer: str | None
    is_against_advice: bool
    is_quick: bool
    batch_size: int


def second_looks(reading: Reading, campaign_id: int, window: Window) -> Page[SecondLook]:
    """Return them, those against advice first, in one statement.

    Args:
        reading: Who looks.
        campaign_id: Key of the campaign.
        window: Which part.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: The cursor is not one of this list.
    """
    reading.actor.require(Permission.CAMPAIGN_READ)
    holder, reviewer = sa.orm.aliased(Identity), sa.orm.aliased(Identity)
    statement = (
        _such(campaign_id)
        .add_columns(
            Item.id,
            _rank.label("rank"),
            Item.public_id,
            holder.display_name.label("holder"),
            holder.public_id.label("holder_id"),
            Item.frozen["group_name"].as_string().label("group"),
            Group.public_id.label("group_id"),
            reviewer.display_name.label("reviewer"),
            _is_against.label("is_against"),
            sa.func.coalesce(_is_quick, sa.false()).label("is_quick"),
            ItemDecision.batch_size,
        )
        .join(Group, Group.id == Item.group_id)
        .outerjoin(holder, holder.id == Item.identity_id)
        .outerjoin(reviewer, reviewer.id == ItemDecision.decided_by_id)
        .order_by(_rank, Item.id)
        .limit(window.limit + 1)
    )
    match window.after():
        case None:
            pass
        case [int(rank), int(last)]:
            later = sa.and_(_rank == rank, Item.id > last)
            statement = statement.where(sa.or_(_rank > rank, later))
        case _:
            raise InvalidInputError({"cursor": phrase("This cursor belongs to another list.")})
    rows: Any = reading.session.execute(statement).all()
    shown = page(rows, window, key=lambda each: [each.rank, each.id])
    return Page([_shown(each) for each in shown.items], shown.next_cursor)


def count_second_looks(reading: Reading, campaign_id: int) -> int:
    """Return how many there are (no authorisation)."""
    counted = _such(campaign_id).add_columns(sa.func.count())
    return int(reading.session.execute(counted).scalar_one())


def _such(campaign_id: int) -> sa.Select[*tuple[Any, ...]]:
    """Choose the kept items of a campaign whose newest decision asks for another look."""
    newest = (
        sa.select(sa.func.max(ItemDecision.id))
        .where(ItemDecision.item_id == Item.id)
        .correlate(Item)
        .scalar_subquery()
    )
    return (
        sa.select()
        .select_from(Item)
        .join(ItemDecision, ItemDecision.id == newest)
        .where(
            Item.campaign_id == campaign_id,
            Item.decision == Decision.KEEP,
            sa.or_(_is_against, _is_quick, sa.and_(_is_large, _is_risky)),
        )
    )


def _shown(row: Any) -> SecondLook:
    return SecondLook(
        item=row.public_id,
        holder=row.holder,
        holder_id=row.holder_id,
        group=row.group,
        group_id=row.group_id,
        reviewer=row.reviewer,
        is_against_advice=bool(row.is_against),
        is_quick=bool(row.is_quick),
        batch_size=row.batch_size,
    )
