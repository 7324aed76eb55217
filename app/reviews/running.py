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
from app.reviews.domain import CampaignState
from app.reviews.models import Item, Tally
from app.reviews.progress import ReviewerRow
from app.reviews.second_look import HIGH, SecondLook, count_second_looks, second_looks
from app.web.paging import Page, Window

REMINDED_FOR = timedelta(days=1)
REMINDED = "review.reminded"
FIRST_LOOKS = 8


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
        second_looks: The first keeps that somebody may want to look at again.
        second_look_count: How many of them there are.
        reviewers: Who decides; who is behind comes first.
        now: The present.
    """

    detail: queries.CampaignDetail
    pace: Burndown
    second_looks: Sequence[SecondLook]
    second_look_count: int
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
    """Return a campaign for those who run it, in nine statements.

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
        second_looks=second_looks(reading, row.key, Window(FIRST_LOOKS)).items,
        second_look_count=count_second_looks(reading, row.key),
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
