"""What there was at a moment: `as_of` is about the source, `known_at` about us.

`as_of` alone asks what was true then, as is known by now: also what a read showed only later.
With `known_at` it asks what was known at that moment to be true then, which is what anybody could
have decided by. `known_at` without `as_of` says nothing; then things are shown as they are now.
"""

from typing import Any

import sqlalchemy as sa

from app.directory import past
from app.directory.models import Membership, Nesting, SyncRun


def there(model: past.Model, as_of: Any, known_at: Any = None) -> Any:
    """Choose what there is, or was at a moment."""
    if as_of is None:
        return model.ended_at.is_(None)
    return past.there(model, as_of, known_at)


def held(
    model: type[Membership] | type[Nesting],
    as_of: Any,
    known_at: Any = None,
) -> Any:
    """Choose the intervals that are open, or that held at a moment."""
    if as_of is None:
        return model.valid_to.is_(None)
    not_ended = sa.or_(model.valid_to.is_(None), model.valid_to > as_of)
    begun = model.valid_from <= as_of
    if known_at is not None:
        begun = sa.and_(begun, _known(model.run_from, model.valid_from) <= known_at)
        not_ended = sa.or_(not_ended, _known(model.run_to, model.valid_to) > known_at)
    return sa.and_(begun, not_ended)


def _known(run_id: Any, at: Any) -> Any:
    """Return when a begin or an end got known: when its read was stored, else when it was seen."""
    stored = (
        sa.select(SyncRun.stored_at)
        .where(SyncRun.id == run_id)
        .correlate(Membership, Nesting)
        .scalar_subquery()
    )
    return sa.func.coalesce(stored, at)
