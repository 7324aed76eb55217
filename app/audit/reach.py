"""What an auditor reaches whose role is limited: asked by every read and command of this stage.

A limited role reaches the bundles, samples, ledger entries and accesses of the campaigns that it
names, and of its stretch of time; there only evidence for its controls, if it names any. What is
beyond that is answered as what is not there.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.audit.controls import files_of
from app.audit.domain import BundleKind, Population
from app.audit.models import Bundle, Draw
from app.audit.scope import campaign_scopes
from app.directory.models import Account, Group, Membership
from app.kernel.actor import Permission
from app.kernel.errors import NotPermittedError
from app.kernel.event import moment
from app.kernel.ledger import LedgerEntry
from app.kernel.limits import Limits
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.requests.models import AccessRequest
from app.reviews.models import Campaign, Item

FILES = {
    Population.MEMBERSHIPS: "population",
    Population.REQUESTS: "requests",
    Population.LEAVERS: "leavers",
}
Condition = sa.ColumnElement[bool]


def limits_of(reading: Reading) -> Limits | None:
    """Return to what the actor is limited in this stage; None: to nothing."""
    return reading.actor.limits_on(Permission.BUNDLE_READ)


def campaigns(reading: Reading) -> Condition:
    """Say which campaigns are reached."""
    limits = limits_of(reading)
    return sa.true() if limits is None else Campaign.public_id.in_(limits.campaigns)


def bundles(reading: Reading) -> Condition:
    """Say which bundles are reached."""
    limits = limits_of(reading)
    if limits is None:
        return sa.true()
    kept, drawn = Bundle.scope, sa.select(Draw.public_id).where(_draws(limits))
    of_campaign = kept["campaign"].as_string().in_(limits.campaigns)
    return sa.or_(
        sa.and_(Bundle.kind == BundleKind.CAMPAIGN, of_campaign),
        sa.and_(Bundle.kind == BundleKind.SAMPLE, kept["sample"].as_string().in_(drawn)),
        sa.and_(_kinds(limits), _within(limits, kept)),
    )


def draws(reading: Reading) -> Condition:
    """Say which samples are reached."""
    limits = limits_of(reading)
    return sa.true() if limits is None else _draws(limits)


def entries(reading: Reading) -> Condition:
    """Say which ledger entries are reached; nothing in one is personal, so controls do not cut."""
    limits = limits_of(reading)
    if limits is None:
        return sa.true()
    reached = [each.entries() for each in campaign_scopes(reading, limits.campaigns)]
    if limits.start is not None:
        reached.append(sa.and_(LedgerEntry.at >= limits.start, LedgerEntry.at < limits.end))
    return sa.or_(sa.false(), *reached)


def reaches_access(reading: Reading, account_id: str, group_id: str) -> bool:
    """Say whether one access is reached: an item of a campaign, or held or asked for in the time.

    Args:
        reading: The reading.
        account_id: Public id of the account.
        group_id: Public id of the group.
    """
    limits = limits_of(reading)
    if limits is None:
        return True

    def about(table: Any) -> Condition:
        return sa.and_(
            table.account_id
            == sa.select(Account.id).where(Account.public_id == account_id).scalar_subquery(),
            table.group_id
            == sa.select(Group.id).where(Group.public_id == group_id).scalar_subquery(),
        )

    of_campaign = sa.select(Campaign.id).where(Campaign.public_id.in_(limits.campaigns))
    ways = [sa.exists().where(about(Item), Item.campaign_id.in_(of_campaign))]
    if limits.start is not None and limits.end is not None:
        held = (Membership.valid_from < limits.end) & (
            Membership.valid_to.is_(None) | (Membership.valid_to >= limits.start)
        )
        asked = (AccessRequest.submitted_at >= limits.start) & (
            AccessRequest.submitted_at < limits.end
        )
        if _speaks(limits, "population"):
            ways.append(sa.exists().where(about(Membership), held))
        if _speaks(limits, "requests"):
            ways.append(sa.exists().where(about(AccessRequest), asked))
    return bool(reading.session.scalar(sa.select(sa.or_(*ways))))


def reaches_campaign(reading: Reading, public_id: str) -> bool:
    """Say whether a campaign is reached."""
    limits = limits_of(reading)
    return limits is None or public_id in limits.campaigns


def require_period(
    reading: Reading,
    start: datetime,
    end: datetime,
    *,
    control: str | None = None,
    population: Population | None = None,
) -> None:
    """Refuse a stretch of time that is not reached.

    Args:
        reading: The reading.
        start: Its begin.
        end: Its end.
        control: Of a bundle: the one control that it is about; None: it is about all of it.
        population: Of a sample: what it is drawn from.

    Raises:
        NotPermittedError: It is not reached; the message says what is.
    """
    limits = limits_of(reading)
    if limits is None:
        return
    is_narrow = (
        not limits.controls
        or control in limits.controls
        or (population is not None and _speaks(limits, FILES[population]))
    )
    if not (limits.holds(start, end) and is_narrow):
        raise NotPermittedError(
            phrase("Your role of auditor is limited: %(limits)s.", limits=said(limits))
        )


def require_whole(reading: Reading) -> None:
    """Refuse what tells of everything.

    Raises:
        NotPermittedError: The actor's role is limited.
    """
    limits = limits_of(reading)
    if limits is not None:
        raise NotPermittedError(
            phrase("Your role of auditor is limited: %(limits)s.", limits=said(limits))
        )


def said(limits: Limits) -> str:
    """Say limits in words, for a refusal."""
    parts = []
    if limits.campaigns:
        parts.append(f"campaigns {', '.join(limits.campaigns)}")
    if limits.start is not None and limits.end is not None:
        parts.append(f"{limits.start:%Y-%m-%d %H:%M} to {limits.end:%Y-%m-%d %H:%M} UTC")
    if limits.controls:
        parts.append(f"one of the controls {', '.join(limits.controls)} at a time")
    return "; ".join(parts)


def _draws(limits: Limits) -> Condition:
    of_campaign = Draw.scope["campaign"].as_string().in_(limits.campaigns)
    spoken = [each for each, file in FILES.items() if _speaks(limits, file)]
    return sa.or_(
        sa.and_(Draw.population == Population.ITEMS, of_campaign),
        sa.and_(Draw.population.in_(spoken), _within(limits, Draw.scope)),
    )


def _kinds(limits: Limits) -> Condition:
    if not limits.controls:
        return Bundle.kind.in_([BundleKind.PERIOD, BundleKind.CONTROL])
    named = Bundle.scope["control"].as_string().in_(limits.controls)
    return sa.and_(Bundle.kind == BundleKind.CONTROL, named)


def _within(limits: Limits, scope: Any) -> Condition:
    """Moments are kept in a form that sorts."""
    if limits.start is None or limits.end is None:
        return sa.false()
    return sa.and_(
        scope["from"].as_string() >= moment(limits.start),
        scope["to"].as_string() <= moment(limits.end),
    )


def _speaks(limits: Limits, file: str) -> bool:
    return not limits.controls or file in files_of(limits.controls)
