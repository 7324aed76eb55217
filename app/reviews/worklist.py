"""A reviewer's list in a campaign: problems first, in a fixed number of statements.

What a row says was frozen at the launch; only the decision, and whether the source still shows the
membership, are of now. The list is short of words: templates make them.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.catalog.domain import Risk
from app.directory.models import Membership
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.reviews import low_risk
from app.reviews.advice import UNUSED_AFTER_DAYS, Advice, Suggestion, read
from app.reviews.domain import CampaignState, Decision, ItemState, RemediationState
from app.reviews.models import Campaign, Item, SignOff, Tally, Template

RISKS = {risk.value: place for place, risk in enumerate(reversed(Risk))}


class By(StrEnum):
    """How a list is grouped."""

    PERSON = "person"
    ACCESS = "access"


class Show(StrEnum):
    """Which items of a list are shown."""

    ATTENTION = "attention"
    ALL = "all"
    HIGH = "high"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Row:
    """One item of a list.

    Attributes:
        id: Its public id.
        version: What a decision has to name.
        state: Where it stands.
        decision: What was decided, or None.
        reason: Why, or None.
        shown: What was frozen.
        advice: What was advised.
        percent: Share of peers that have it; None: not known.
        is_gone: The source no longer shows it.
        is_unsure: The reviewer was not sure when asked to check it.
        is_low_risk: It may be kept together with others now.
        remediation: What became of a revoke that was signed off.
    """

    id: str
    version: int
    state: ItemState
    decision: Decision | None
    reason: str | None
    shown: dict[str, Any]
    advice: Advice
    percent: int | None
    is_gone: bool
    is_unsure: bool
    is_low_risk: bool
    remediation: RemediationState

    @property
    def is_lost(self) -> bool:
        """Whether the source no longer shows it, and not because it was revoked here."""
        return self.is_gone and self.remediation is not RemediationState.CONFIRMED

    @property
    def is_flagged(self) -> bool:
        """Whether it needs attention."""
        return self.advice.suggestion is not Suggestion.KEEP or self.is_unsure

    @property
    def is_high(self) -> bool:
        """Whether its risk is high."""
        return self.shown["risk"] in (Risk.HIGH, Risk.PRIVILEGED)

    @property
    def is_unused(self) -> bool:
        """Whether nobody signed in for long."""
        idle = self.shown.get("idle_days")
        return idle is not None and idle > UNUSED_AFTER_DAYS

    def fits(self, show: Show) -> bool:
        """Say whether it is shown."""
        match show:
            case Show.ATTENTION:
                return self.is_flagged and self.decision is None
            case Show.HIGH:
                return self.is_high
            case Show.UNDECIDED:
                return self.decision is None
            case Show.ALL:
                return True

    def order(self) -> tuple[int, int, str]:
        """Return its place in its group: problems first, then risk, then name."""
        rank = 0 if self.is_unsure else self.advice.rank
        return rank, RISKS[self.shown["risk"]], self.shown["group_name"].casefold()


@dataclass(frozen=True, slots=True)
class Section:
    """The items of one person, or of one access.

    Attributes:
        key: Public id of the identity, account or group.
        name: How it is called.
        about: Title, or what it gives; or empty.
        team_before: The department they have left, or None.
        expires_at: When the account ends by itself, or None.
        rows: Its items, problems first.
        decided: How many of them are decided.
    """

    key: str
    name: str
    about: str
    team_before: str | None
    expires_at: datetime | None
    rows: Sequence[Row]
    decided: int

    def shows(self, ids: Container[str]) -> bool:
        """Say whether one of its items is among some."""
        return any(row.id in ids for row in self.rows)


@dataclass(frozen=True, slots=True)
class Worklist:
    """A reviewer's list.

    Attributes:
        id: Public id of the campaign.
        name: Its name.
        state: Whether it is open.
        due_at: When it is due.
        is_late: Whether that has passed.
        is_reason_required: Whether a revoke needs a reason.
        launched_at: When it was frozen.
        signed_off_at: When the reviewer said that they are done, if nothing has come since.
        by: How it is grouped.
        show: What is shown.
        sections: Its parts.
        total: How many items.
        kept: How many are kept.
        revoked: How many are revoked.
        abstained: How many the reviewer does not know.
        attention: How many undecided ones need attention.
        high: How many are of high risk.
        low_risk: How many may be kept together now.
        digest: Changes whenever one of the items does.
    """

    id: str
    name: str
    state: CampaignState
    due_at: datetime
    is_late: bool
    is_reason_required: bool
    launched_at: datetime
    signed_off_at: datetime | None
    by: By
    show: Show
    sections: Sequence[Section]
    total: int
    kept: int
    revoked: int
    abstained: int
    attention: int
    high: int
    low_risk: int
    digest: str

    @property
    def undecided(self) -> int:
        """How many are left."""
        return self.total - self.kept - self.revoked - self.abstained

    @property
    def is_open(self) -> bool:
        """Whether decisions can be made."""
        return self.state is CampaignState.OPEN and self.signed_off_at is None


@dataclass(frozen=True, slots=True)
class MyCampaign:
    """A campaign that has items of the reader.

    Attributes:
        id: Its public id.
        name: Its name.
        state: Whether it is open.
        due_at: When it is due.
        is_late: Whether that has passed.
        total: How many items the reader has in it.
        undecided: How many are left.
        signed_off_at: When the reader said that they are done, or None.
        closed_at: When it was closed, or None.
    """

    id: str
    name: str
    state: CampaignState
    due_at: datetime
    is_late: bool
    total: int
    undecided: int
    signed_off_at: datetime | None
    closed_at: datetime | None

    @property
    def is_waiting(self) -> bool:
        """Whether the reader has something to do in it."""
        return self.state is CampaignState.OPEN and (
            self.signed_off_at is None or self.undecided > 0
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a reviewer's items stand now, to bring an open page up to date.

    Attributes:
        digest: Changes whenever one of them does.
        items: Id, version, decision and reason of each.
    """

    digest: str
    items: Sequence[tuple[str, int, Decision | None, str | None]] = field(repr=False)


def my_campaigns(reading: Reading) -> list[MyCampaign]:
    """Return the campaigns that have items of the actor, what is due first, in one statement."""
    me = reading.actor.require_identity()
    rows = reading.session.execute(
        sa.select(Campaign, Tally, SignOff.signed_at)
        .join(Tally, sa.and_(Tally.campaign_id == Campaign.id, Tally.reviewer_id == me))
        .outerjoin(SignOff, sa.and_(SignOff.campaign_id == Campaign.id, SignOff.reviewer_id == me))
        .order_by(Campaign.closed_at.is_not(None), Campaign.due_at, Campaign.id)
    )
    return [
        MyCampaign(
            id=campaign.public_id,
            name=campaign.name,
            state=campaign.state,
            due_at=campaign.due_at,
            is_late=reading.now > campaign.due_at,
            total=tally.total,
            undecided=tally.total - tally.kept - tally.revoked - tally.abstained,
            signed_off_at=signed_at,
            closed_at=campaign.closed_at,
        )
        for campaign, tally, signed_at in rows
    ]


def waiting(reading: Reading) -> int:
    """Count the actor's undecided items in open campaigns, for the rail."""
    if reading.actor.identity_id is None:
        return 0
    left = Tally.total - Tally.kept - Tally.revoked - Tally.abstained
    found = reading.session.scalar(
        sa.select(sa.func.sum(left))
        .join(Campaign, Campaign.id == Tally.campaign_id)
        .where(Tally.reviewer_id == reading.actor.identity_id, Campaign.state == CampaignState.OPEN)
    )
    return int(found or 0)


def worklist(
    reading: Reading, campaign_id: str, *, by: By = By.PERSON, show: Show = Show.ATTENTION
) -> Worklist:
    """Return the actor's list in a campaign, in four statements.

    Raises:
        NotFoundError: There is no such campaign with items of theirs.
    """
    me = reading.actor.require_identity()
    campaign, template = find_campaign(reading, campaign_id)
    unsure = low_risk.unsure(reading, campaign.id, me)
    found = reading.session.execute(
        select_items().where(Item.campaign_id == campaign.id, Item.reviewer_id == me)
    )
    rows = [to_row(each, unsure) for each in found]
    if not rows:
        raise NotFoundError(phrase("There is no such campaign with items of yours."))
    signed_at = reading.session.scalar(
        sa.select(SignOff.signed_at).where(
            SignOff.campaign_id == campaign.id, SignOff.reviewer_id == me
        )
    )
    decided = Counter(each.decision for each in rows)
    waits = any(each.state in (ItemState.OPEN, ItemState.DECIDED) for each in rows)
    return Worklist(
        id=campaign.public_id,
        name=campaign.name,
        state=campaign.state,
        due_at=campaign.due_at,
        is_late=reading.now > campaign.due_at,
        is_reason_required=template.reason_required,
        launched_at=campaign.launched_at,
        signed_off_at=None if waits else signed_at,
        by=by,
        show=show,
        sections=_sections(rows, by),
        total=len(rows),
        kept=decided[Decision.KEEP],
        revoked=decided[Decision.REVOKE],
        abstained=decided[Decision.ABSTAIN],
        attention=sum(each.fits(Show.ATTENTION) for each in rows),
        high=sum(each.is_high for each in rows),
        low_risk=sum(each.is_low_risk for each in rows),
        digest=_digest((each.id, each.version) for each in rows),
    )


def standing(reading: Reading, campaign_id: str) -> Standing:
    """Return where the actor's items stand now, in one statement."""
    me = reading.actor.require_identity()
    rows = reading.session.execute(
        sa.select(Item.public_id, Item.version, Item.decision, Item.reason)
        .join(Campaign, Campaign.id == Item.campaign_id)
        .where(Campaign.public_id == campaign_id, Item.reviewer_id == me)
    ).all()
    if not rows:
        raise NotFoundError(phrase("There is no such campaign with items of yours."))
    digest = _digest((row.public_id, row.version) for row in rows)
    return Standing(
        digest, [(row.public_id, row.version, row.decision, row.reason) for row in rows]
    )


def find_campaign(reading: Reading, campaign_id: str) -> tuple[Campaign, Template]:
    found = reading.session.execute(
        sa.select(Campaign, Template)
        .join(Template, Template.id == Campaign.template_id)
        .where(Campaign.public_id == campaign_id)
    ).first()
    if found is None:
        raise NotFoundError(phrase("There is no such campaign with items of yours."))
    return found[0], found[1]


def select_items() -> Any:
    return sa.select(
        Item.public_id,
        Item.version,
        Item.state,
        Item.decision,
        Item.reason,
        Item.decided_at,
        Item.frozen,
        Item.account_id,
        Item.group_id,
        Item.remediation,
        Membership.valid_to,
    ).join(Membership, Membership.id == Item.membership_id)


def to_row(found: Any, unsure: set[str]) -> Row:
    shown = found.frozen
    advice = read(shown.get("advice"))
    peers = shown.get("peers")
    is_open = found.state is ItemState.OPEN and found.valid_to is None
    return Row(
        id=found.public_id,
        version=found.version,
        state=found.state,
        decision=found.decision,
        reason=found.reason,
        shown=shown,
        advice=advice,
        percent=100 * peers["holders"] // peers["size"] if peers else None,
        is_gone=found.valid_to is not None,
        is_unsure=found.public_id in unsure,
        is_low_risk=is_open and advice.is_low_risk and found.public_id not in unsure,
        remediation=found.remediation,
    )


def _sections(rows: Sequence[Row], by: By) -> list[Section]:
    """Group rows; who has the gravest problem comes first, then by name."""
    parts: dict[str, list[Row]] = {}
    key_of: Callable[[Row], str] = _person_key if by is By.PERSON else _access_key
    for row in rows:
        parts.setdefault(key_of(row), []).append(row)
    sections = [_section(key, sorted(each, key=Row.order), by) for key, each in parts.items()]
    return sorted(sections, key=lambda each: (each.rows[0].order()[0], each.name.casefold()))


def _person_key(row: Row) -> str:
    return str(row.shown["identity"] or row.shown["account"])


def _access_key(row: Row) -> str:
    return str(row.shown["group"])


def _section(key: str, rows: Sequence[Row], by: By) -> Section:
    shown = rows[0].shown
    decided = sum(each.decision is not None for each in rows)
    if by is By.ACCESS:
        about = " · ".join(part for part in (shown["source"], shown["description"]) if part)
        return Section(key, shown["group_name"], about, None, None, rows, decided)
    name = shown["identity_name"] or shown["account_name"] or shown["account_login"]
    about = ", ".join(part for part in (shown["title"], shown["department"]) if part)
    ends = (each.shown.get("account_expires_at") for each in rows)
    moved = (each.shown.get("team_before") for each in rows)
    return Section(
        key,
        name,
        about,
        next((each for each in moved if each), None),
        moment_of(next((each for each in ends if each), None)),
        rows,
        decided,
    )


def _digest(versions: Iterable[tuple[str, int]]) -> str:
    total = hashlib.sha256()
    for item, version in sorted(versions):
        total.update(f"{item}:{version};".encode())
    return total.hexdigest()[:32]


def moment_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def left_in(reading: Reading, campaign_id: str) -> int:
    """Count the actor's items in a campaign; none, after all were handed over."""
    found = reading.session.scalar(
        sa.select(sa.func.count())
        .select_from(Item)
        .join(Campaign, Campaign.id == Item.campaign_id)
        .where(
            Campaign.public_id == campaign_id,
            Item.reviewer_id == reading.actor.require_identity(),
        )
    )
    return found or 0
