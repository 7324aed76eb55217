"""What a sample is drawn from: each population whole, in a fixed order, a key for each of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.audit.domain import Frequency, Population
from app.directory.models import Account, Group, Membership
from app.kernel.event import moment
from app.kernel.uow import Reading
from app.lifecycle.domain import LifecycleType
from app.lifecycle.models import LifecycleEvent
from app.requests.models import AccessRequest
from app.reviews.models import Campaign, Item

AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class SampleWish:
    """What is to be drawn.

    Attributes:
        population: From what.
        seed: The auditor's own; nobody here can have chosen it.
        campaign: Of items: whose.
        start: Of anything else: from when.
        end: Up to when; later than now is now.
        frequency: How often the control is performed; says how many.
        size: How many; goes before the frequency.
    """

    population: Population
    seed: str
    campaign: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    frequency: Frequency | None = None
    size: int | None = None


def keys_of_population(
    reading: Reading, wish: SampleWish, scope: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the whole population, in a fixed order: a key for each, and what it stands for."""
    start, end = (datetime.fromisoformat(scope[name]) for name in ("from", "to"))
    found = reading.session.execute(
        _population(wish, start, end).execution_options(yield_per=AT_ONCE)
    )
    for row in found:
        if wish.population is Population.MEMBERSHIPS:
            account, group, since = row
            key = f"{account}/{group}/{moment(since)}"
            yield key, {"account": account, "group": group}
        elif wish.population is Population.LEAVERS:
            yield row[0], {"event": row[0]}
        else:
            key, account, group = row
            yield key, {"account": account, "group": group}


def _population(wish: SampleWish, start: datetime, end: datetime) -> sa.Select[*tuple[Any, ...]]:
    if wish.population is Population.MEMBERSHIPS:
        return (
            sa.select(Account.public_id, Group.public_id, Membership.valid_from)
            .select_from(Membership)
            .join(Account, Account.id == Membership.account_id)
            .join(Group, Group.id == Membership.group_id)
            .where(Membership.valid_from >= start, Membership.valid_from < end)
            .order_by(Membership.id)
        )
    if wish.population is Population.REQUESTS:
        return (
            sa.select(AccessRequest.public_id, Account.public_id, Group.public_id)
            .select_from(AccessRequest)
            .join(Account, Account.id == AccessRequest.account_id)
            .join(Group, Group.id == AccessRequest.group_id)
            .where(AccessRequest.submitted_at >= start, AccessRequest.submitted_at < end)
            .order_by(AccessRequest.id)
        )
    if wish.population is Population.ITEMS:
        return (
            sa.select(Item.public_id, Account.public_id, Group.public_id)
            .select_from(Item)
            .join(Campaign, Campaign.id == Item.campaign_id)
            .join(Account, Account.id == Item.account_id)
            .join(Group, Group.id == Item.group_id)
            .where(Campaign.public_id == wish.campaign)
            .order_by(Item.id)
        )
    return (
        sa.select(LifecycleEvent.public_id)
        .where(
            LifecycleEvent.type == LifecycleType.LEAVER,
            LifecycleEvent.received_at >= start,
            LifecycleEvent.received_at < end,
        )
        .order_by(LifecycleEvent.id)
    )
