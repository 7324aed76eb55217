"""How long people usually take to answer: what somebody who waits wants to know."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from statistics import median

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.uow import Reading
from app.requests.models import Approval, Step

LOOK_BACK = timedelta(days=180)
NEWEST = 500
FEWEST = 3


def usual_times(reading: Reading, people: Collection[str]) -> Mapping[str, timedelta]:
    """Return the median time from question to answer, in one statement.

    Only what somebody answered themselves within half a year counts, and nothing is said of whoever
    answered fewer than three times: that would be a guess.

    Args:
        reading: The store.
        people: Public ids of identities.

    Returns:
        By public id; nobody of whom too little is known.
    """
    if not people:
        return {}
    rows = reading.session.execute(
        sa.select(Identity.public_id, Step.opened_at, Approval.decided_at)
        .join(Approval, Approval.approver_id == Identity.id)
        .join(Step, Step.id == Approval.step_id)
        .where(
            Identity.public_id.in_(people),
            Approval.decided_by_id == Approval.approver_id,
            Approval.decided_at > reading.now - LOOK_BACK,
        )
        .order_by(Approval.id.desc())
        .limit(NEWEST)
    )
    took: dict[str, list[timedelta]] = defaultdict(list)
    for who, opened_at, decided_at in rows:
        if opened_at is not None and decided_at is not None:
            took[who].append(decided_at - opened_at)
    return {
        who: timedelta(seconds=median(each.total_seconds() for each in times))
        for who, times in took.items()
        if len(times) >= FEWEST
    }
