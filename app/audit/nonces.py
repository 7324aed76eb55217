"""Words of an auditor, given before a campaign closes: what holds them was made after that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from app import events
from app.audit import reach
from app.audit.models import Nonce
from app.audit.sampling import PLAIN, WORD
from app.kernel.actor import Permission
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork
from app.reviews.domain import CampaignState
from app.reviews.models import Campaign

LEAST_NONCE: Final = 16


@dataclass(frozen=True, slots=True)
class GivenNonce:
    """A word of an auditor's own, and the campaign it was given to."""

    campaign: str
    campaign_name: str
    nonce: str
    given_at: datetime


def give_nonce(uow: UnitOfWork, *, campaign_id: str, nonce: str) -> Nonce:
    """Take an auditor's own word into the ledger before a campaign closes.

    Whoever knows the word knows that what was signed with it was not made before it was given.

    Args:
        uow: The unit of work.
        campaign_id: Public id of the campaign.
        nonce: The word.

    Raises:
        NotPermittedError: The actor may not.
        InvalidInputError: It is too short to be guessed by nobody, or not plain.
        NotFoundError: There is no such campaign.
        ConflictError: The campaign is closed.
        NothingToChangeError: It was given already.
    """
    uow.actor.require(Permission.BUNDLE_BUILD)
    if not WORD.fullmatch(nonce):
        raise InvalidInputError({"nonce": PLAIN})
    if len(nonce) < LEAST_NONCE:
        raise InvalidInputError(
            {"nonce": phrase("Give %(least)s characters or more.", least=LEAST_NONCE)}
        )
    campaign = uow.session.scalar(
        sa.select(Campaign).where(Campaign.public_id == campaign_id, reach.campaigns(uow))
    )
    if campaign is None:
        raise NotFoundError(phrase("There is no such campaign."))
    if campaign.state is not CampaignState.OPEN:
        raise ConflictError(phrase("A word is taken only while a campaign is open."))
    given = sa.select(Nonce.id).where(Nonce.campaign_id == campaign.id, Nonce.nonce == nonce)
    if uow.session.scalar(given) is not None:
        raise NothingToChangeError(phrase("This word was given already."))
    made = Nonce(
        campaign_id=campaign.id, nonce=nonce, given_by=uow.actor.public_id, given_at=uow.now
    )
    uow.session.add(made)
    uow.record(events.NonceGiven(subject=campaign.public_id, nonce=nonce))
    return made


def given_nonces(reading: Reading) -> Sequence[GivenNonce]:
    """Return the words that were given, newest first, the first hundred.

    Raises:
        NotPermittedError: The actor may not read bundles.
    """
    reading.actor.require(Permission.BUNDLE_READ)
    rows = reading.session.execute(
        sa.select(Campaign.public_id, Campaign.name, Nonce.nonce, Nonce.given_at)
        .join(Campaign, Campaign.id == Nonce.campaign_id)
        .where(reach.campaigns(reading))
        .order_by(Nonce.id.desc())
        .limit(100)
    )
    return [GivenNonce(*row) for row in rows]
