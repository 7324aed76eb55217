"""Which of a reviewer's items may be kept together, and which of them are checked first.

An item is eligible if the advice frozen with it says low-risk, it is still undecided and there, and
its reviewer was never *not sure* of it. The sample follows from the seed alone, so that anyone can
draw it again: the items with the lowest SHA-256 of seed and id.
"""

import hashlib
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from app.directory.models import Membership
from app.kernel.uow import Reading
from app.reviews.advice import read
from app.reviews.domain import Answer, ItemState
from app.reviews.models import Item, Sample

SAMPLE_SIZE = 5


def eligible(reading: Reading, campaign_id: int, reviewer_id: int) -> set[str]:
    """Return the public ids of the items that may be kept together now, in two statements."""
    rows = reading.session.execute(
        sa.select(Item.public_id, Item.frozen["advice"].as_json().label("advice"))
        .join(Membership, Membership.id == Item.membership_id)
        .where(
            Item.campaign_id == campaign_id,
            Item.reviewer_id == reviewer_id,
            Item.state == ItemState.OPEN,
            Membership.valid_to.is_(None),
        )
    )
    found = {row.public_id for row in rows if read(row.advice).is_low_risk}
    return found - unsure(reading, campaign_id, reviewer_id)


def unsure(reading: Reading, campaign_id: int, reviewer_id: int) -> set[str]:
    """Return the items a reviewer was not sure of when asked to check them."""
    answered = reading.session.scalars(
        sa.select(Sample.answers).where(
            Sample.campaign_id == campaign_id,
            Sample.reviewer_id == reviewer_id,
            Sample.answered_at.is_not(None),
        )
    )
    return {item for answers in answered for item, said in answers.items() if said == Answer.UNSURE}


def draw(seed: str, items: Iterable[str], size: int = SAMPLE_SIZE) -> Sequence[str]:
    """Return the sample that a seed means."""
    return sorted(items, key=lambda item: hashlib.sha256(f"{seed}{item}".encode()).digest())[:size]
