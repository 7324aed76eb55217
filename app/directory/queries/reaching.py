"""By which way each group leads to what administers a source, for all groups at once."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from app.directory import graph
from app.directory.following import mirrored, nestings
from app.directory.models import Group
from app.kernel.uow import Reading


def ways_to_administration(reading: Reading) -> Mapping[int, Sequence[str]]:
    """Return of each group that leads to one that administers now its shortest way, by names.

    By nesting and by mirrors, to the nearest of those that administer; these themselves lead
    nowhere further and are not named. A few statements, however many groups there are.

    Args:
        reading: The store (no authorisation here).
    """
    session = reading.session
    ends = session.scalars(
        sa.select(Group.id).where(Group.is_administrative, Group.ended_at.is_(None))
    ).all()
    if not ends:
        return {}
    ways = graph.ways_to([*nestings(session), *mirrored(session)], ends)
    rows = session.execute(sa.select(Group.id, Group.name))
    names = {row.id: row.name for row in rows}
    return {group: [names[each] for each in way] for group, way in ways.items() if len(way) > 1}
