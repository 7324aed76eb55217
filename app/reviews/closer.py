"""One or some of a reviewer's items, looked at closely: panel, sample, hand-over, the end of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.ledger import LedgerEntry
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.provisioning import guards
from app.reviews import low_risk
from app.reviews.domain import CampaignState, Decision, ItemState
from app.reviews.models import Campaign, Item, Sample
from app.reviews.worklist import (
    Row,
    Show,
    Worklist,
    find_campaign,
    moment_of,
    select_items,
    to_row,
    worklist,
)

YES = ("request.approved", "drift.adopted")
MOST_PEOPLE = 8


@dataclass(frozen=True, slots=True)
class Panel:
    """All there is to know of one item.

    Attributes:
        row: The item.
        campaign: Public id of its campaign.
        campaign_name: Its name.
        is_open: Whether it can be decided.
        read_at: When the source was read, or None.
        last_sign_in_at: Or None: not known.
        since: Since when the source shows it.
        approved_by: Names of who said yes, as the ledger has it.
        last_review: How it was decided the last time, or None.
        last_review_at: When.
        protected: Why automation may not take it away, or None.
        decided_at: When it was decided, or None.
    """

    row: Row
    campaign: str
    campaign_name: str
    is_open: bool
    read_at: datetime | None
    last_sign_in_at: datetime | None
    since: datetime | None
    approved_by: Sequence[str]
    last_review: dict[str, Any] | None
    last_review_at: datetime | None
    protected: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ending:
    """What signing off will do.

    Attributes:
        list: The reviewer's list.
        revoked: What will be taken away, in the list's order.
    """

    list: Worklist
    revoked: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Check:
    """A sample that waits for its answers.

    Attributes:
        list: The reviewer's list.
        sample: Public id of the sample.
        is_answered: Whether it was answered before.
        drawn: The items to be checked, as they were drawn.
        items: Everything that may be kept together now, those of the sample too.
    """

    list: Worklist
    sample: str
    is_answered: bool
    drawn: Sequence[Row]
    items: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who could decide instead."""

    id: str
    name: str
    about: str


def panel(reading: Reading, campaign_id: str, item_id: str) -> Panel:
    """Return all there is to know of one of the actor's items.

    Raises:
        NotFoundError: There is none, or it is not theirs.
    """
    me = reading.actor.require_identity()
    campaign, _ = find_campaign(reading, campaign_id)
    found = reading.session.execute(
        select_items().where(
            Item.campaign_id == campaign.id, Item.reviewer_id == me, Item.public_id == item_id
        )
    ).first()
    if found is None:
        raise NotFoundError(phrase("There is no such item of yours."))
    row = to_row(found, low_risk.unsure(reading, campaign.id, me))
    shown = row.shown
    protected = {
        **guards.protected_groups(reading, [found.group_id]),
        **guards.protected_accounts(reading, [found.account_id]),
    }
    last = shown.get("last_review")
    return Panel(
        row=row,
        campaign=campaign.public_id,
        campaign_name=campaign.name,
        is_open=campaign.state is CampaignState.OPEN
        and row.state in (ItemState.OPEN, ItemState.DECIDED),
        read_at=moment_of(shown.get("read_at")),
        last_sign_in_at=moment_of(shown.get("last_sign_in_at")),
        since=moment_of(shown.get("since")),
        approved_by=_approved_by(reading, shown.get("provenance_ref")),
        last_review=last,
        last_review_at=moment_of(last["at"]) if last else None,
        protected=next(iter(protected.values()), None),
        decided_at=found.decided_at,
    )


def chosen(reading: Reading, campaign_id: str, ids: Iterable[str]) -> list[Row]:
    """Return some of the actor's items, in the order of the list.

    Raises:
        NotFoundError: One of them is not theirs, or does not exist.
    """
    me = reading.actor.require_identity()
    campaign, _ = find_campaign(reading, campaign_id)
    wanted = set(ids)
    found = reading.session.execute(
        select_items().where(
            Item.campaign_id == campaign.id,
            Item.reviewer_id == me,
            Item.public_id.in_(wanted),
        )
    )
    unsure = low_risk.unsure(reading, campaign.id, me)
    rows = sorted((to_row(each, unsure) for each in found), key=Row.order)
    if len(rows) != len(wanted):
        raise NotFoundError(phrase("There is no such item of yours."))
    return rows


def colleagues(reading: Reading, words: str) -> list[Colleague]:
    """Return active people whose names hold some words, but not the actor."""
    return _people(reading, words, Identity.id != reading.actor.require_identity())


def _people(reading: Reading, words: str, which: sa.ColumnElement[bool]) -> list[Colleague]:
    if not words.strip():
        return []
    statement = sa.select(Identity).where(Identity.is_active, which)
    for word in words.split():
        statement = statement.where(Identity.display_name.icontains(word, autoescape=True))
    rows = reading.session.scalars(statement.order_by(Identity.display_name).limit(MOST_PEOPLE))
    return [
        Colleague(
            each.public_id,
            each.display_name,
            ", ".join(part for part in (each.title, each.department) if part),
        )
        for each in rows
    ]


def people_to_ask(reading: Reading, words: str, *, but: str) -> list[Colleague]:
    """Return active people by name for whoever may put items to others; without one of them.

    Raises:
        NotPermittedError: The actor may not.
    """
    reading.actor.require(Permission.ITEM_REASSIGN)
    return _people(reading, words, Identity.public_id != but)


def colleagues_for(reading: Reading, campaign_id: str, words: str) -> list[Colleague]:
    """Return the same for whoever has something to hand over in a campaign; others find nobody.

    Raises:
        NotFoundError: There is no such campaign with items of the actor.
    """
    is_mine = sa.exists().where(
        Item.campaign_id == Campaign.id, Item.reviewer_id == reading.actor.require_identity()
    )
    found = sa.select(Campaign.id).where(Campaign.public_id == campaign_id, is_mine)
    if reading.session.scalar(found) is None:
        raise NotFoundError(phrase("There is no such campaign with items of yours."))
    return colleagues(reading, words)


def ending(reading: Reading, campaign_id: str) -> Ending:
    """Return what signing off will do.

    Raises:
        NotFoundError: There is no such campaign with items of the actor.
    """
    found = worklist(reading, campaign_id, show=Show.ALL)
    revoked = [
        each
        for section in found.sections
        for each in section.rows
        if each.decision is Decision.REVOKE and each.state is ItemState.DECIDED
    ]
    return Ending(found, revoked)


def check(reading: Reading, campaign_id: str, sample_id: str) -> Check:
    """Return a sample of the actor with all that it speaks for.

    Raises:
        NotFoundError: There is none, or it is not theirs.
    """
    found = worklist(reading, campaign_id, show=Show.ALL)
    sample = reading.session.scalar(
        sa.select(Sample).where(
            Sample.public_id == sample_id,
            Sample.reviewer_id == reading.actor.require_identity(),
        )
    )
    rows = {row.id: row for section in found.sections for row in section.rows}
    if sample is None or not rows.keys() & set(sample.drawn):
        raise NotFoundError(phrase("There is no such sample of yours."))
    return Check(
        list=found,
        sample=sample.public_id,
        is_answered=sample.answered_at is not None,
        drawn=[rows[each] for each in sample.drawn if each in rows],
        items=[row for row in rows.values() if row.is_low_risk],
    )


def _approved_by(reading: Reading, reference: str | None) -> list[str]:
    """Return who said yes to what a membership came from; nobody, if the ledger has no such yes."""
    if reference is None:
        return []
    return list(
        reading.session.scalars(
            sa.select(Identity.display_name)
            .join(LedgerEntry, LedgerEntry.actor == Identity.public_id)
            .where(LedgerEntry.subject == reference, LedgerEntry.kind.in_(YES))
            .order_by(LedgerEntry.id)
        )
    )
