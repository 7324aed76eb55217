"""What is known around a population: peers, reviews before this one, clashes. Read once a launch.

Each part is one statement (clashes: two), however large the company is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.domain import IdentityKind
from app.directory.models import Account, Group, Identity, Membership
from app.kernel.uow import Reading
from app.reviews.advice import LEAST_PEERS, Peers
from app.reviews.conflicts import Clash, Clashes, clashes
from app.reviews.models import Campaign, Item

TITLE, MANAGER, DEPARTMENT = "title", "manager", "department"
Alike = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """How one membership was decided the last time.

    Attributes:
        campaign: Public id of that campaign.
        name: Its name.
        decision: What was decided.
        at: When.
        by: Name of who decided.
    """

    campaign: str
    name: str
    decision: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Team:
    """Where somebody was when they were last reviewed."""

    department: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Background:
    """What is known around a population.

    Attributes:
        sizes: How many active people are alike, by what makes them so.
        holders: How many of them are in a group, by group and what makes them alike.
        reviewed: How each membership was last decided, by account and group.
        teams: Where each identity was at their last review.
        clashed: Which memberships break a rule in force.
    """

    sizes: Counter[Alike]
    holders: Counter[tuple[int, Alike]]
    reviewed: Mapping[tuple[int, int], Before]
    teams: Mapping[int, Team]
    clashed: Clashes

    def peers(self, holder: Identity | None, group_id: int) -> Peers | None:
        """Return who is like a holder, by the narrowest likeness that has enough people."""
        if holder is None:
            return None
        for alike in _likenesses(holder.department, holder.title, holder.manager_id):
            own = 1 if _is_counted(holder) else 0
            size = self.sizes[alike] - own
            if size >= LEAST_PEERS:
                return Peers(alike[0], size, max(self.holders[group_id, alike] - own, 0))
        return None

    def clashes(self, holder: Identity | None, group_id: int) -> Sequence[Clash]:
        """Return what a holder's being in a group does not go together with."""
        return self.clashed.get((holder.id, group_id), ()) if holder is not None else ()

    def team_before(self, holder: Identity | None, since: datetime) -> str | None:
        """Return the department a holder has left since they were last reviewed with this."""
        team = self.teams.get(holder.id) if holder is not None else None
        if holder is None or team is None or team.department is None or since > team.at:
            return None
        return team.department if team.department != holder.department else None


def read_background(reading: Reading, source_ids: Sequence[int]) -> Background:
    """Read what is known around the population of some sources."""
    sizes, holders = _alike(reading, source_ids)
    reviewed, teams = _reviewed(reading, source_ids)
    return Background(sizes, holders, reviewed, teams, clashes(reading))


def _likenesses(department: str | None, title: str | None, manager: int | None) -> list[Alike]:
    """Return what can make people alike, narrowest first; facts that are missing make nobody so."""
    found: list[Alike] = []
    if department and title:
        found.append((TITLE, department, title))
    if manager is not None:
        found.append((MANAGER, manager))
    if department:
        found.append((DEPARTMENT, department))
    return found


def _is_counted(holder: Identity) -> bool:
    return holder.is_active and holder.kind is IdentityKind.PERSON


def _alike(
    reading: Reading, source_ids: Sequence[int]
) -> tuple[Counter[Alike], Counter[tuple[int, Alike]]]:
    """Count people and holders by what makes them alike, in one statement."""
    facts = (Identity.department, Identity.title, Identity.manager_id)
    is_counted = sa.and_(Identity.is_active, Identity.kind == IdentityKind.PERSON)
    people = (
        sa.select(
            sa.cast(sa.null(), sa.BigInteger).label("group_id"),
            *facts,
            sa.func.count().label("people"),
        )
        .where(is_counted)
        .group_by(*facts)
    )
    having = (
        sa.select(
            Membership.group_id,
            *facts,
            sa.func.count(sa.distinct(Identity.id)).label("people"),
        )
        .join(Account, Account.id == Membership.account_id)
        .join(Identity, Identity.id == Account.identity_id)
        .join(Group, Group.id == Membership.group_id)
        .where(is_counted, Membership.valid_to.is_(None), Group.source_id.in_(source_ids))
        .group_by(Membership.group_id, *facts)
    )
    sizes: Counter[Alike] = Counter()
    holders: Counter[tuple[int, Alike]] = Counter()
    for row in reading.session.execute(sa.union_all(people, having)):
        for alike in _likenesses(row.department, row.title, row.manager_id):
            if row.group_id is None:
                sizes[alike] += row.people
            else:
                holders[row.group_id, alike] += row.people
    return sizes, holders


def _reviewed(
    reading: Reading, source_ids: Sequence[int]
) -> tuple[dict[tuple[int, int], Before], dict[int, Team]]:
    """Read how each membership was last signed off, and where its holder was then."""
    latest = (
        sa.select(sa.func.max(Item.id))
        .join(Group, Group.id == Item.group_id)
        .where(Item.signed_off_at.is_not(None), Group.source_id.in_(source_ids))
        .group_by(Item.account_id, Item.group_id)
    )
    rows = reading.session.execute(
        sa.select(
            Item.account_id,
            Item.group_id,
            Item.identity_id,
            Item.decision,
            Item.decided_at,
            Item.frozen["department"].as_string().label("department"),
            Campaign.public_id,
            Campaign.name,
            Campaign.launched_at,
            Identity.display_name,
        )
        .join(Campaign, Campaign.id == Item.campaign_id)
        .join(Identity, Identity.id == Item.decided_by_id)
        .where(Item.id.in_(latest))
        .order_by(Item.id)
    )
    reviewed: dict[tuple[int, int], Before] = {}
    teams: dict[int, Team] = {}
    for row in rows:
        reviewed[row.account_id, row.group_id] = Before(
            row.public_id, row.name, row.decision.value, row.decided_at, row.display_name
        )
        if row.identity_id is not None:
            teams[row.identity_id] = Team(row.department, row.launched_at)
    return reviewed, teams
