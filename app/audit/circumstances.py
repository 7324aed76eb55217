"""Under which circumstances a bundle was made: what its manifest tells beside its rule.

Whatever the report says and no data file holds stands here, and with the manifest under the
signature: systems, policies in force, what was promised, what came before, who asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa

from app.audit.domain import BundleKind, BundleState, DispatchState
from app.audit.models import Bundle, Cosignature, Dispatch, Nonce, Witness
from app.audit.scope import CampaignScope, PeriodScope, Scope
from app.directory.models import Source, SyncRun
from app.kernel.event import moment
from app.kernel.uow import Reading
from app.reviews.models import Campaign, Template
from app.rulebook.models import Policy
from app.rulebook.service import policy_in_force

NOBODY = "none: no authority is set up, so the time is the signer's own word"
TOOL = f"Attestry {version('attestry')}"


@dataclass(frozen=True, slots=True)
class Custody:
    """Who asked for a bundle, and what it replaces.

    Attributes:
        requested_by: Public id of who asked.
        supersedes: The bundle it replaces, or None.
        why: Why it was built anew.
        time_stamp: Name of the time-stamping authority, or `none`.
        level: Of the report's signature, as PAdES names it.
        is_redacted: Whether nobody is to be named.
    """

    requested_by: str
    supersedes: str | None
    why: str | None
    time_stamp: str = "none"
    level: str = "B-B"
    is_redacted: bool = False


def circumstances(reading: Reading, scope: Scope, custody: Custody) -> dict[str, Any]:
    """Return what the manifest tells of a bundle's scope.

    Args:
        reading: The same look at the store that the data files are made from.
        scope: What it is about.
        custody: Who asked for it.
    """
    told = {
        **scope.told(),
        "tool": TOOL,
        "clock": "server clock, UTC",
        "owner": custody.requested_by,
        "time_stamp": NOBODY if custody.time_stamp == "none" else custody.time_stamp,
        "signature_level": custody.level,
        "systems": _systems(reading, scope),
        "policies": _policies(reading, scope),
        "leaver_limit_minutes": policy_in_force(reading).leaver.limit_minutes,
        "nonces": [],
        "published": _published(reading),
        "supersedes": None,
        "redacted": custody.is_redacted,
    }
    if custody.supersedes is not None:
        told["supersedes"] = {
            "bundle": custody.supersedes,
            "why": _why(custody),
        }
    if isinstance(scope, CampaignScope):
        told |= _campaign(reading, scope)
        if custody.is_redacted:
            told |= {"name": scope.id, "template": None}
    elif isinstance(scope, PeriodScope):
        told["previous"] = _previous_period(reading, scope)
    return told


def _published(reading: Reading) -> dict[str, Any]:
    """Where heads of the log went that we cannot take back: to witnesses, and sent outside.

    Addresses are personal, so they are only counted.
    """
    witnesses = reading.session.execute(
        sa.select(Witness.name, sa.func.max(Cosignature.size))
        .join(Cosignature, Cosignature.witness_id == Witness.id)
        .group_by(Witness.id, Witness.name)
        .order_by(Witness.id)
    )
    days, addresses, last, size = reading.session.execute(
        sa.select(
            sa.func.count(Dispatch.day.distinct()),
            sa.func.count(Dispatch.target.distinct()),
            sa.func.max(Dispatch.day),
            sa.func.max(Dispatch.size),
        ).where(Dispatch.state == DispatchState.SENT)
    ).one()
    return {
        "witnesses": [{"name": name, "size": held} for name, held in witnesses],
        "sent": {"days": days, "addresses": addresses, "last": last, "size": size},
    }


def _why(custody: Custody) -> str:
    if custody.is_redacted:
        return "The reason is left out."
    return custody.why or "Asked for again; no reason was given."


def _systems(reading: Reading, scope: Scope) -> list[str]:
    found = (
        sa.select(Source.name)
        .where(Source.id.in_(sa.select(SyncRun.source_id).where(scope.sync_runs())))
        .order_by(Source.name)
    )
    return list(reading.session.scalars(found))


def _policies(reading: Reading, scope: Scope) -> list[dict[str, Any]]:
    found = (
        sa.select(Policy)
        .where(
            Policy.in_force_from < scope.end,
            sa.or_(Policy.in_force_to.is_(None), Policy.in_force_to >= scope.start),
        )
        .order_by(Policy.in_force_from, Policy.id)
    )
    return [
        {
            "name": each.name,
            "digest": each.digest,
            "from": moment(each.in_force_from),
            "to": _moment(each.in_force_to),
        }
        for each in reading.session.scalars(found)
    ]


def _campaign(reading: Reading, scope: CampaignScope) -> Mapping[str, Any]:
    campaign = reading.session.get_one(Campaign, scope.key)
    template = reading.session.get_one(Template, campaign.template_id)
    before = reading.session.execute(
        sa.select(Campaign.public_id, Campaign.launched_at)
        .where(
            Campaign.template_id == campaign.template_id,
            Campaign.launched_at < campaign.launched_at,
        )
        .order_by(Campaign.launched_at.desc())
        .limit(1)
    ).one_or_none()
    nonces = reading.session.scalars(
        sa.select(Nonce).where(Nonce.campaign_id == campaign.id).order_by(Nonce.id)
    )
    return {
        "name": campaign.name,
        "template": template.name,
        "template_scope": template.scope,
        "state": campaign.state.value,
        "launched_at": moment(campaign.launched_at),
        "launched_by": campaign.launched_by,
        "due_at": moment(campaign.due_at),
        "closed_at": _moment(campaign.closed_at),
        "closed_by": campaign.closed_by,
        "population": campaign.population_count,
        "population_sha256": campaign.population_digest,
        "snapshot": campaign.snapshot,
        "previous": None
        if before is None
        else {"campaign": before.public_id, "launched_at": moment(before.launched_at)},
        "nonces": [
            {"nonce": each.nonce, "by": each.given_by, "at": moment(each.given_at)}
            for each in nonces
        ],
    }


def _previous_period(reading: Reading, scope: PeriodScope) -> dict[str, Any] | None:
    """The bundle of a period that ended where this one begins, and with how many it closed."""
    if scope.leavers_only or scope.control is not None:
        return None
    found = reading.session.execute(
        sa.select(Bundle.public_id, Bundle.closing, Bundle.scope)
        .where(
            Bundle.kind == BundleKind.PERIOD,
            Bundle.state == BundleState.READY,
            Bundle.closing.is_not(None),
        )
        .order_by(Bundle.id.desc())
    )
    begin = moment(scope.start)
    for row in found:
        if row.scope["to"] == begin:
            return {"bundle": row.public_id, "to": begin, "closing": row.closing}
    return None


def _moment(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
