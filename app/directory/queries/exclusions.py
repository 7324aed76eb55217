"""Reads of groups that a person has left out by name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Exclusion, Group, Source
from app.kernel.actor import Permission
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class ExclusionRow:
    """A group that is left out, and why.

    Attributes:
        key: Of the exclusion.
        id: Its public id.
        source: Name of the source.
        group: Public id of the group, or None if it was never stored.
        external_id: Its own identifier in the source.
        name: What it was called.
        reason: Why it is left out.
        created_at: Since when.
        created_by: Public id of who said so.
        ended_at: When it was lifted, or None.
        unread_since: Since when its members are not known, or None if they are.
    """

    key: int
    id: str
    source: str
    group: str | None
    external_id: str
    name: str
    reason: str
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    unread_since: datetime | None


def list_exclusions(reading: Reading, source_name: str, window: Window) -> Page[ExclusionRow]:
    """List the groups of a source that are left out now, oldest first."""
    reading.actor.require(Permission.SOURCE_READ)
    rows = reading.session.execute(
        _exclusions()
        .where(Source.name == source_name, Source.removed_at.is_(None))
        .where(Exclusion.ended_at.is_(None), Exclusion.id > window.after_id())
        .order_by(Exclusion.id)
        .limit(window.limit + 1)
    )
    return page([ExclusionRow(*tuple(row)) for row in rows], window, lambda row: [row.key])


def exclusion_row(reading: Reading, key: int) -> ExclusionRow:
    """Return one exclusion by its internal key (no authorisation)."""
    row = reading.session.execute(_exclusions().where(Exclusion.id == key)).one()
    return ExclusionRow(*tuple(row))


def left_out_groups(reading: Reading) -> frozenset[int]:
    """Return the keys of all groups that are left out now (no authorisation)."""
    return frozenset(
        reading.session.scalars(
            sa.select(Group.id)
            .join(
                Exclusion,
                sa.and_(
                    Exclusion.source_id == Group.source_id,
                    Exclusion.external_id == Group.external_id,
                ),
            )
            .where(Exclusion.ended_at.is_(None))
        )
    )


def _exclusions() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Exclusion.id,
            Exclusion.public_id,
            Source.name,
            Group.public_id,
            Exclusion.external_id,
            Exclusion.name,
            Exclusion.reason,
            Exclusion.created_at,
            Exclusion.created_by,
            Exclusion.ended_at,
            Group.unread_since,
        )
        .join(Source, Source.id == Exclusion.source_id)
        .outerjoin(
            Group,
            sa.and_(
                Group.source_id == Exclusion.source_id,
                Group.external_id == Exclusion.external_id,
            ),
        )
    )
