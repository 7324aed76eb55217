"""Reads for those who run a campaign: its pace, who is behind, what is worth a second look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.ledger import LedgerEntry
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.reviews import queries
from app.reviews.burndown import Burndown, burndown, days_behind
from app.reviews.domain import CampaignState, Decision
from app.reviews.models import Item, ItemDecision, Tally
from app.reviews.progress import ReviewerRow
from app.web.paging import Page, Window

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
class Listed:
    """A campaign in a list, with how far it is."""

    row: queries.CampaignRow
    items: int
    decided: int


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody who decides, as those see it who run the campaign.

    Attributes:
        row: What is counted of them.
        high_left: How many undecided items are of high risk.
        last_decided_at: When they decided something last, or None.
        days_behind: By how many days they are behind an even pace.
        is_reminded: They were reminded within a day.
    """

    row: ReviewerRow
    high_left: int
    last_decided_at: datetime | None
    days_behind: int
    is_reminded: bool

    @property
    def is_done(self) -> bool:
        """Say whether they signed off."""
        return self.row.signed_off_at is not None

    @property
    def decided(self) -> int:
        """How many items they decided."""
        return self.row.items - self.row.undecided


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign as those see it who run it.

    Attributes:
        detail: The campaign, its progress and what it left out.
        pace: What was left, day by day.
        second_looks: Keeps that somebody may want to look at again.
        reviewers: Who decides; who is behind comes first.
        now: The present.
    """

    detail: queries.CampaignDetail
    pace: Burndown
    second_looks: Sequence[SecondLook]
    reviewers: Sequence[Reviewer]
    now: datetime

    @property
    def behind(self) -> list[Reviewer]:
        """Reviewers who are not done."""
        return [each for each in self.reviewers if not each.is_done]

    @property
    def finished(self) -> int:
        """How many reviewers signed off."""
        return len(self.reviewers) - len(self.behind)

    @property
    def unstarted(self) -> int:
        """How many reviewers decided nothing yet."""
        return sum(not each.decided for each in self.behind)

    @property
    def to_remind(self) -> int:
        """How many can be reminded now."""
        return sum(not each.is_reminded for each in self.behind)


def campaigns(reading: Reading, window: Window) -> Page[Listed]:
    """Return the campaigns with how far each is, in two statements.

    Raises:
        NotPermittedError: The actor may not.
    """
    reading.actor.require(Permission.CAMPAIGN_READ)
    found = queries.list_campaigns(reading, window)
    decided = Tally.kept + Tally.revoked + Tally.abstained
    rows = reading.session.execute(
        sa.select(Tally.campaign_id, sa.func.sum(Tally.total), sa.func.sum(decided))
        .where(Tally.campaign_id.in_([each.key for each in found.items]))
        .group_by(Tally.campaign_id)
    )
    counts = {key: (int(items), int(done)) for key, items, done in rows}
    return Page(
        [Listed(each, *counts.get(each.key, (0, 0))) for each in found.items], found.next_cursor
    )


def running(reading: Reading, campaign_id: str) -> Running:
    """Return a campaign for those who run it, in eight statements.

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
        reviewers=_reviewers(reading, detail),
        now=reading.now,
    )


def one_of(found: Running, reviewer: str) -> Reviewer:
    """Return one reviewer of a campaign, by public id.

    Raises:
        NotFoundError: They have nothing to decide in it.
    """
    for each in found.reviewers:
        if each.row.id == reviewer:
            return each
    raise NotFoundError(phrase("There is no such reviewer in this campaign."))


def assigned(reading: Reading, campaign_id: str, reviewer: str) -> list[queries.ItemRow]:
    """Return what a reviewer has left, which can be put to somebody else.

    Raises:
        NotPermittedError: The actor may not.
    """
    reading.actor.require(Permission.ITEM_REASSIGN)
    return queries.open_items(reading, campaign_id, reviewer)


def _reviewers(reading: Reading, detail: queries.CampaignDetail) -> list[Reviewer]:
    row = detail.row
    told = reminded(reading, row.id)
    is_high = sa.and_(Item.decision.is_(None), Item.frozen["risk"].as_string().in_(HIGH))
    rows: Any = reading.session.execute(
        sa.select(
            Identity.public_id,
            sa.func.sum(sa.case((is_high, 1), else_=0)),
            sa.func.max(Item.decided_at),
        )
        .join(Identity, Identity.id == Item.reviewer_id)
        .where(Item.campaign_id == row.key)
        .group_by(Identity.public_id)
    )
    known = {who: (int(high), at) for who, high, at in rows}
    now = reading.now if row.closed_at is None else row.closed_at
    found = [
        Reviewer(
            each,
            *known.get(each.id, (0, None)),
            days_behind=days_behind(
                launched_at=row.launched_at,
                due_at=row.due_at,
                now=now,
                items=each.items,
                decided=each.items - each.undecided,
            )
            if each.items and each.signed_off_at is None
            else 0,
            is_reminded=each.id in told,
        )
        for each in detail.progress.reviewers
    ]
    return sorted(found, key=lambda each: (each.is_done, -each.days_behind, -each.row.undecided))


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
        for item, who, group, by, against, quick, batch in rows
    ]
