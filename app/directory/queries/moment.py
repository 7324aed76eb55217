"""What there was at a moment."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Account, Group, Identity


def was_there(first: datetime, ended: datetime | None, as_of: datetime | None) -> bool:
    """Whether something was there at a moment; without one, its end is shown, not hidden."""
    return as_of is None or (first <= as_of and (ended is None or ended > as_of))


def there(model: type[Identity | Account | Group], as_of: datetime | None) -> Any:
    if as_of is None:
        return model.ended_at.is_(None)
    return sa.and_(
        model.first_seen_at <= as_of, sa.or_(model.ended_at.is_(None), model.ended_at > as_of)
    )
