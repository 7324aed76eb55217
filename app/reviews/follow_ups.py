"""What was revoked and is not removed, and who follows it up: the newest word counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.directory.models import Account, Group, Identity, Source
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.reviews.domain import (
    NOT_REMOVED,
    CampaignState,
    FollowUpState,
    RemediationState,
    follow_up_state,
    is_left,
)
from app.reviews.models import Campaign, FollowUp, Item
from app.web.paging import Page, Window, page

Owner = aliased(Identity)
_later = aliased(FollowUp)
_holder = aliased(Identity)

IS_NEWEST = sa.and_(
    FollowUp.item_id == Item.id,
    ~sa.exists().where(_later.item_id == FollowUp.item_id, _later.turn > FollowUp.turn),
)
"""Joins an item to what was said of it last, if anything was."""

COLUMNS = (
    Owner.public_id.label("follow_up_owner"),
    Owner.display_name.label("follow_up_owner_name"),
    FollowUp.ticket.label("follow_up_ticket"),
    FollowUp.due_at.label("follow_up_due_at"),
    FollowUp.set_at.label("follow_up_set_at"),
    FollowUp.set_by.label("follow_up_set_by"),
    FollowUp.turn.label("follow_up_turn"),
)
"""What `follow_up_of` needs of a row."""


@dataclass(frozen=True, slots=True)
class Owning:
    """Who answers for it: opaque id and name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """What was said about following up a revoke.

    Attributes:
        owner: Who answers for it.
        ticket: Where it is looked into.
        due_at: Until when it is to be carried out.
        state: Where that stands.
        set_at: When it was said.
        set_by: Public id of who said so.
        version: How often something was said by then.
    """

    owner: Owning
    ticket: str
    due_at: datetime
    state: FollowUpState
    set_at: datetime
    set_by: str
    version: int

    @property
    def last_moment(self) -> datetime:
        """The last moment that is in time; of a whole day, one that lies in that day."""
        return self.due_at - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class NotRemoved:
    """What was revoked and is not gone.

    Attributes:
        key: Of the item.
        id: Its public id.
        holder: Whose access, or None for nobody's account.
        holder_id: Their public id, or None.
        account: The account's login, or what else it is known by.
        group: In what, as it was shown.
        group_id: Its public id.
        source: Where.
        remediation: What became of the revoke.
        at: Since when that is so, or None.
        why: Why, as far as it is known.
        is_left: Somebody has to follow it up.
        follow_up: Who does, or None.
    """

    key: int
    id: str
    holder: str | None
    holder_id: str | None
    account: str
    group: str
    group_id: str
    source: str
    remediation: RemediationState
    at: datetime | None
    why: str | None
    is_left: bool
    follow_up: FollowUpRow | None


def follow_up_of(row: Any, now: datetime) -> FollowUpRow | None:
    """Return what was said last about an item, of a row with `COLUMNS`; None: nothing.

    Args:
        row: Also with the item's `remediation`.
        now: The present.
    """
    if row.follow_up_turn is None:
        return None
    return FollowUpRow(
        owner=Owning(row.follow_up_owner, row.follow_up_owner_name),
        ticket=row.follow_up_ticket,
        due_at=row.follow_up_due_at,
        state=follow_up_state(row.remediation, row.follow_up_due_at, now),
        set_at=row.follow_up_set_at,
        set_by=row.follow_up_set_by,
        version=row.follow_up_turn,
    )


def list_not_removed(reading: Reading, campaign: str, window: Window) -> Page[NotRemoved]:
    """Return what is left of a campaign's revokes, in one statement.

    Args:
        reading: Who looks.
        campaign: Its public id.
        window: Which part.

    Raises:
        NotPermittedError: The actor may not.
    """
    reading.actor.require(Permission.CAMPAIGN_READ)
    late = sa.and_(
        Item.remediation == RemediationState.PENDING, Campaign.state == CampaignState.CLOSED
    )
    statement = (
        _rows()
        .where(
            Campaign.public_id == campaign,
            sa.or_(Item.remediation.in_(NOT_REMOVED), late),
            Item.id > window.after_id(),
        )
        .limit(window.limit + 1)
    )
    rows = [_shown(row, reading.now) for row in reading.session.execute(statement)]
    return page(rows, window, lambda row: [row.key])


def not_removed(reading: Reading, campaign: str, item: str) -> NotRemoved:
    """Return one revoke of a campaign that is, or was, followed up.

    Raises:
        NotPermittedError: The actor may not.
        NotFoundError: There is none that is or was left.
    """
    reading.actor.require(Permission.CAMPAIGN_READ)
    row = reading.session.execute(
        _rows().where(Campaign.public_id == campaign, Item.public_id == item)
    ).first()
    found = None if row is None else _shown(row, reading.now)
    if found is None or not (found.is_left or found.follow_up):
        raise NotFoundError(phrase("There is nothing of that kind to follow up."))
    return found


def told_before(reading: Reading, item: NotRemoved) -> Sequence[FollowUpRow]:
    """Return all that was said about an item, the newest first (`not_removed` asked who looks)."""
    rows = reading.session.execute(
        sa.select(*COLUMNS, Item.remediation.label("remediation"))
        .select_from(FollowUp)
        .join(Item, Item.id == FollowUp.item_id)
        .join(Owner, Owner.id == FollowUp.owner_id)
        .where(Item.id == item.key)
        .order_by(FollowUp.turn.desc())
    )
    found = (follow_up_of(row, reading.now) for row in rows)
    return [each for each in found if each is not None]


def _rows() -> Any:
    return (
        sa.select(
            Item.id,
            Item.public_id,
            Item.remediation,
            Item.remediation_at,
            Item.remediation_why,
            Campaign.state.label("campaign_state"),
            _holder.display_name.label("holder"),
            _holder.public_id.label("holder_id"),
            sa.func.coalesce(Account.login, Account.display_name, Account.external_id).label(
                "account"
            ),
            Item.frozen["group_name"].as_string().label("group"),
            Group.public_id.label("group_id"),
            Source.name.label("source"),
            *COLUMNS,
        )
        .join(Campaign, Campaign.id == Item.campaign_id)
        .join(Account, Account.id == Item.account_id)
        .join(Group, Group.id == Item.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(_holder, _holder.id == Item.identity_id)
        .outerjoin(FollowUp, IS_NEWEST)
        .outerjoin(Owner, Owner.id == FollowUp.owner_id)
        .order_by(Item.id)
    )


def _shown(row: Any, now: datetime) -> NotRemoved:
    return NotRemoved(
        key=row.id,
        id=row.public_id,
        holder=row.holder,
        holder_id=row.holder_id,
        account=row.account,
        group=row.group,
        group_id=row.group_id,
        source=row.source,
        remediation=row.remediation,
        at=row.remediation_at,
        why=row.remediation_why,
        is_left=is_left(row.remediation, row.campaign_state),
        follow_up=follow_up_of(row, now),
    )
