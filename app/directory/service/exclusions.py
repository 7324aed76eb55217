"""Commands on groups that are left out by name: their members are not expected to be read."""

import sqlalchemy as sa

from app import events
from app.directory import unread
from app.directory.models import Exclusion, Group, Source, SyncRun
from app.directory.population import GROUP_CODES
from app.directory.service.sources import live_source
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading, UnitOfWork


def exclude_group(uow: UnitOfWork, *, source_name: str, group: str, reason: str) -> Exclusion:
    """Leave a group out: that its members cannot be read makes no run incomplete any more.

    Its memberships stay as they were known; reviews and bundles tell of it by name, with the
    reason.

    Args:
        uow: The unit of work.
        source_name: The source.
        group: The group, by its identifier in the source, its public id, or its name there.
        reason: Why, for those who will ask.

    Raises:
        NotFoundError: There is no such source or group, or several groups have the name.
        NothingToChangeError: It is left out already.
    """
    uow.actor.require(Permission.SYNC_JUDGE)
    source = live_source(uow, source_name)
    external_id, name, public_id = _meant(uow, source, group)
    if external_id in unread.excluded(uow, source):
        raise NothingToChangeError(phrase("The group %(name)s is left out already.", name=name))
    found = Exclusion(
        public_id=uow.ids.new(),
        source_id=source.id,
        external_id=external_id,
        name=name,
        reason=reason,
        created_at=uow.now,
        created_by=uow.actor.public_id,
        ended_at=None,
        ended_by=None,
    )
    uow.session.add(found)
    uow.record(
        events.GroupExcluded(
            subject=found.public_id, source=source.public_id, group=public_id, reason=reason
        )
    )
    uow.session.flush()
    return found


def lift_exclusion(uow: UnitOfWork, *, exclusion_id: str) -> Exclusion:
    """Expect the members of a group to be read again.

    Raises:
        NotFoundError: There is no such exclusion.
        NothingToChangeError: It was lifted before.
    """
    uow.actor.require(Permission.SYNC_JUDGE)
    found = uow.session.scalar(
        sa.select(Exclusion).where(Exclusion.public_id == exclusion_id).with_for_update()
    )
    if found is None:
        raise NotFoundError(
            phrase("There is no exclusion %(exclusion_id)s.", exclusion_id=exclusion_id)
        )
    if found.ended_at is not None:
        raise NothingToChangeError(phrase("This exclusion was lifted already."))
    found.ended_at = uow.now
    found.ended_by = uow.actor.public_id
    source = uow.session.get_one(Source, found.source_id)
    uow.record(events.ExclusionLifted(subject=found.public_id, source=source.public_id))
    uow.session.flush()
    return found


def _meant(reading: Reading, source: Source, group: str) -> tuple[str, str, str | None]:
    """Return identifier, name and public id of the group that is meant."""
    rows = reading.session.execute(
        sa.select(Group.external_id, Group.name, Group.public_id).where(
            Group.source_id == source.id,
            Group.ended_at.is_(None),
            sa.or_(Group.external_id == group, Group.public_id == group, Group.name == group),
        )
    ).all()
    exact = [row for row in rows if group in (row.external_id, row.public_id)] or rows
    if len(exact) > 1:
        several = ", ".join(row.public_id for row in exact)
        raise NotFoundError(
            phrase(
                "%(group)s names several groups; say which id: %(several)s.",
                group=group,
                several=several,
            )
        )
    if exact:
        return exact[0].external_id, exact[0].name, exact[0].public_id
    missed = reading.session.scalar(
        sa.select(SyncRun.problems)
        .where(SyncRun.source_id == source.id)
        .order_by(SyncRun.id.desc())
        .limit(1)
    )
    if any(each["code"] in GROUP_CODES and each["about"] == group for each in missed or ()):
        return group, group, None
    raise NotFoundError(
        phrase("There is no group %(group)s in %(source)s.", group=group, source=source.name)
    )
