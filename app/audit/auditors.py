"""Letting an auditor in with limits: only some campaigns, a stretch of time, or controls in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from app.audit.controls import CONTROLS
from app.kernel.actor import Permission, Role
from app.kernel.errors import FieldErrors
from app.kernel.limits import Limits
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork
from app.reviews.models import Campaign
from app.signin import service
from app.signin.models import RoleGrant

MOST_CAMPAIGNS: Final = 50


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in as an auditor, until when, and to what.

    Attributes:
        who: Mail address, employee number or id.
        until: Until when; None is 90 days.
        campaigns: Public ids of campaigns.
        start: Begin of a stretch of time, or None.
        end: Its end, which does not belong to it.
        controls: Of the stretch of time, only evidence for these; none: all of it.
    """

    who: str
    until: datetime | None = None
    campaigns: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    controls: Sequence[str] = ()


def admit(uow: UnitOfWork, admission: Admission) -> RoleGrant:
    """Give somebody the role auditor, with limits.

    Raises:
        NotPermittedError: The actor may not give roles.
        NotFreshError: The actor signed in too long ago.
        InvalidInputError: The limits cannot be meant, or name what is not there.
        NothingToChangeError: They hold it so already.
    """
    uow.actor.require(Permission.ROLE_WRITE)
    _refuse_unclear(uow, admission)
    limits = Limits(
        tuple(sorted(set(admission.campaigns))),
        admission.start,
        admission.end,
        tuple(sorted(set(admission.controls))),
    )
    return service.grant_role(
        uow, who=admission.who, role=Role.AUDITOR, until=admission.until, limits=limits
    )


def _refuse_unclear(uow: UnitOfWork, admission: Admission) -> None:
    wrong, start, end = FieldErrors(), admission.start, admission.end
    if not admission.campaigns and start is None and end is None:
        wrong.add("campaigns", phrase("Name campaigns, or a period by from and to."))
    if (start is None) != (end is None):
        missing = "from" if start is None else "to"
        wrong.add(missing, phrase("Say when the period begins and when it ends."))
    if start is not None and end is not None and start >= end:
        wrong.add("from", phrase("The period must begin before it ends."))
    if admission.controls and (start is None or end is None):
        wrong.add("controls", phrase("Controls narrow a period: say which one."))
    if len(admission.campaigns) > MOST_CAMPAIGNS:
        wrong.add("campaigns", phrase("Name at most %(most)s.", most=MOST_CAMPAIGNS))
    else:
        _refuse_unknown(uow, admission, wrong)
    wrong.raise_if_any()


def _refuse_unknown(uow: UnitOfWork, admission: Admission, wrong: FieldErrors) -> None:
    known = set(
        uow.session.scalars(
            sa.select(Campaign.public_id).where(Campaign.public_id.in_(admission.campaigns))
        )
    )
    for at, campaign in enumerate(admission.campaigns):
        if campaign not in known:
            wrong.add(f"campaigns.{at}", phrase("There is no such campaign."))
    for at, control in enumerate(admission.controls):
        if control not in CONTROLS:
            said = phrase("Unknown; one of %(names)s.", names=", ".join(CONTROLS))
            wrong.add(f"controls.{at}", said)
