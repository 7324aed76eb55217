"""Groups whose members could not be read: since when, and whether a person has excluded them.

One such group spoils nothing else of a run. Its memberships stay as they were, and as long as it is
not read to its end, the runs of its source are incomplete and say so. A whole read of its members
ends that; so does a delta without fault, of what a delta before it had missed, since an incomplete
delta leaves the cursor where it was.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Exclusion, Group, Source, SyncRun
from app.kernel.uow import Reading, UnitOfWork

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Unread:
    """A group whose members are not known for certain.

    Attributes:
        key: Of the group.
        external_id: Its own identifier in the source.
        name: What it is called.
        since: When its members were missed first.
        is_by_delta: Whether it was a delta that missed them.
        is_from_start: Whether they were never read, from the first read on.
    """

    key: int
    external_id: str
    name: str
    since: datetime
    is_by_delta: bool
    is_from_start: bool


def known(reading: Reading, source: Source) -> list[Unread]:
    """Return the groups of a source whose members were not read so far; one statement."""
    chosen: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            Group.id,
            Group.external_id,
            Group.name,
            Group.unread_since,
            sa.func.coalesce(SyncRun.is_delta, sa.false()),
            sa.func.coalesce(SyncRun.id == source.baseline_run_id, sa.false()),
        )
        .outerjoin(SyncRun, SyncRun.id == Group.unread_run_id)
        .where(
            Group.source_id == source.id,
            Group.unread_since.is_not(None),
            Group.ended_at.is_(None),
        )
        .order_by(Group.id)
    )
    return [Unread(*tuple(row)) for row in reading.session.execute(chosen)]


def excluded(reading: Reading, source: Source) -> frozenset[str]:
    """Return the external ids of the groups of a source that a person has excluded."""
    return frozenset(
        reading.session.scalars(
            sa.select(Exclusion.external_id).where(
                Exclusion.source_id == source.id, Exclusion.ended_at.is_(None)
            )
        )
    )


def mark(
    uow: UnitOfWork,
    source: Source,
    run: SyncRun,
    before: Sequence[Unread],
    *,
    missed: Collection[str],
    read: Collection[str],
) -> None:
    """Note which groups this run has missed, and which it has read at last.

    Args:
        uow: The unit of work.
        source: Whose run it is.
        run: The run.
        before: The groups that were unread before it.
        missed: Groups whose members it could not read, by external id.
        read: Groups whose members it has read.
    """
    is_clean_delta = run.is_delta and not missed
    done = [
        each.key
        for each in before
        if each.external_id not in missed
        and (each.external_id in read or (is_clean_delta and each.is_by_delta))
    ]
    was = {each.external_id: each for each in before}
    new = [name for name in missed if name not in was]
    # What a whole read missed too, no delta can make good.
    worse = [
        each.key
        for name, each in was.items()
        if name in missed and each.is_by_delta and not run.is_delta
    ]
    if done:
        _set(uow, Group.id.in_(done), unread_since=None, unread_run_id=None)
    if new:
        mine = sa.and_(Group.source_id == source.id, Group.external_id.in_(new))
        _set(uow, mine, unread_since=uow.now, unread_run_id=run.id)
    if worse:
        _set(uow, Group.id.in_(worse), unread_run_id=run.id)


def still(reading: Reading, source: Source) -> list[Unread]:
    """Return the groups that make the runs of a source incomplete: unread, and not excluded."""
    found = known(reading, source)
    return _without(found, excluded(reading, source)) if found else []


def tell(missing: Sequence[Unread]) -> str:
    """Say in one sentence which groups are unread, and since when."""
    named = "; ".join(f"{each.name}, since {each.since:%Y-%m-%d %H:%M} UTC" for each in missing[:5])
    more = len(missing) - MOST_NAMED
    rest = f"; and {more} more" if more > 0 else ""
    return f"The members of {len(missing)} groups are not known: {named}{rest}."


def tell_names(names: Mapping[str, str]) -> str:
    """Say which groups have to be read, or excluded by name, before a first read can be stored."""
    shown = ", ".join(sorted(names.values())[:MOST_NAMED])
    return (
        f"The members of {len(names)} groups could not be read ({shown}). A first read has to be "
        "complete: make them readable, or exclude each by name, with a reason."
    )


def _without(found: Iterable[Unread], names: Collection[str]) -> list[Unread]:
    return [each for each in found if each.external_id not in names]


def _set(uow: UnitOfWork, which: sa.ColumnElement[bool], **values: object) -> None:
    uow.session.execute(
        sa.update(Group).where(which).values(**values).execution_options(synchronize_session=False)
    )
