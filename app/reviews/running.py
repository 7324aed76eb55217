"""Reads for those who run a campaign: its pace, who is behind, what is worth a second look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.ledger import LedgerEntry
from app.kernel.uow import Reading
from app.reviews import queries
from app.reviews.burndown import Burndown, burndown
from app.reviews.domain import CampaignState, Decision
from app.reviews.models import Item, ItemDecision

QUICK_MS = 2000
LARGE_BATCH = 20
REMINDED_FOR = timedelta(days=1)
REMINDED = "review.reminded"
HIGH = ("high", "privileged")


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A keep that somebody may want to look at again.

    Attributes:
        item: Public id of the item.
        holder: Whose access, or None for nobody's account.
        group: In what.
        reviewer: Who kept it.
        is_against_advice: Revoking was suggested.
        is_quick: It was looked at for less than two seconds.
        batch_size: How many were decided in the same stroke.
    """

    item: str
    holder: str | None
    group: str
    reviewer: str | None
    is_against_advice: bool
    is_quick: bool
    batch_size: int


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign as those see it who run it."""

    detail: queries.CampaignDetail
    pace: Burndown
    second_looks: Sequence[SecondLook]
    reminded: frozenset[str]
    now: datetime

    @property
    def behind(self) -> list[Any]:
        """Reviewers who are not done."""
        return [each for each in self.detail.progress.reviewers if each.signed_off_at is None]

    @property
    def finished(self) -> int:
        """How many reviewers signed off."""
        return len(self.detail.progress.reviewers) - len(self.behind)


def running(reading: Reading, campaign_id: str) -> Running:
    """Return a campaign for those who run it, in seven statements.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is no such campaign.
    """
    reading.actor.require(Permission.CAMPAIGN_READ)
    detail = queries.campaign_detail(reading, campaign_id)
    row = detail.row
    is_open = row.state is CampaignState.OPEN
    return Running(
        detail=detail,
        pace=burndown(
            launched_at=row.launched_at,
            due_at=row.due_at,
            now=reading.now if is_open else row.closed_at or reading.now,
            items=detail.progress.items,
            decided=_decided(reading, row.key),
        ),
        second_looks=_second_looks(reading, row.key),
        reminded=reminded(reading, campaign_id),
        now=reading.now,
    )


def reminded(reading: Reading, campaign_id: str) -> frozenset[str]:
    """Return whom the record shows as reminded within a day."""
    bodies = reading.session.scalars(
        sa.select(LedgerEntry.body).where(
            LedgerEntry.kind == REMINDED,
            LedgerEntry.subject == campaign_id,
            LedgerEntry.at > reading.now - REMINDED_FOR,
        )
    )
    return frozenset(orjson.loads(each)["data"]["reviewer"] for each in bodies)


def _decided(reading: Reading, campaign_id: int) -> dict[date, int]:
    parts = [sa.extract(part, Item.decided_at) for part in ("year", "month", "day")]
    rows: Any = reading.session.execute(
        sa.select(sa.func.count(), *parts)
        .where(Item.campaign_id == campaign_id, Item.decided_at.is_not(None))
        .group_by(*parts)
    )
    return {
        datetime(int(year), int(month), int(day), tzinfo=UTC).date(): count
        for count, year, month, day in rows
    }


def _second_looks(reading: Reading, campaign_id: int) -> list[SecondLook]:
    """Return keeps that were against advice, in a blink, or many at once and risky; worst first."""
    holder, reviewer = sa.orm.aliased(Identity), sa.orm.aliased(Identity)
    newest = (
        sa.select(sa.func.max(ItemDecision.id))
        .where(ItemDecision.item_id == Item.id)
        .correlate(Item)
        .scalar_subquery()
    )
    is_against = Item.frozen["advice"]["suggestion"].as_string() == "revoke"
    is_quick = sa.and_(ItemDecision.batch_size == 1, ItemDecision.dwell_ms < QUICK_MS)
    is_risky = Item.frozen["risk"].as_string().in_(HIGH)
    is_large = sa.and_(ItemDecision.batch_size >= LARGE_BATCH, ItemDecision.sample_id.is_(None))
    rows = reading.session.execute(
        sa.select(
            Item.public_id,
            holder.display_name,
            Item.frozen["group_name"].as_string(),
            reviewer.display_name,
            is_against.label("is_against"),
            sa.func.coalesce(is_quick, sa.false()),
            ItemDecision.batch_size,
        )
        .join(ItemDecision, ItemDecision.id == newest)
        .outerjoin(holder, holder.id == Item.identity_id)
        .outerjoin(reviewer, reviewer.id == ItemDecision.decided_by_id)
        .where(
            Item.campaign_id == campaign_id,
            Item.decision == Decision.KEEP,
            sa.or_(is_against, is_quick, sa.and_(is_large, is_risky)),
        )
        .order_by(sa.desc(sa.func.coalesce(is_against, sa.false())), Item.id)
        .limit(100)
    )
    return [
        SecondLook(item, who, group, by, bool(against), bool(quick), batch)
        for item, who, group, by, against, quick, batch in rows.tuples()
    ]
