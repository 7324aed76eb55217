"""Reads of grants for the stages above and for pages that say why somebody has something."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from app.grants.domain import GrantCause
from app.grants.models import Grant
from app.kernel.uow import Reading


def requests_behind(reading: Reading, grants: Iterable[str]) -> Mapping[str, str]:
    """Return, by public id of a grant, that of the request it came from; one statement.

    Grants that came from something else are left out. No authorisation.
    """
    rows = reading.session.execute(
        sa.select(Grant.public_id, Grant.cause_ref).where(
            Grant.public_id.in_(sorted(set(grants))), Grant.cause == GrantCause.REQUEST
        )
    )
    return {row[0]: row[1] for row in rows}
