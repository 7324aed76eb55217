"""What a group means, and who owns it.

Where nobody said anything, the source speaks: the owner is the person behind the group's
`managedBy`, and a group that administers, or leads to one that does, is privileged.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.catalog.domain import Risk, default_is_requestable, default_risk
from app.catalog.models import Entitlement, Protection
from app.directory.models import Account, Group, Identity, Reach, Source
from app.directory.queries.matching import holds
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError, NotPermittedError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class EntitlementRow:
    """What can be asked for, and what it means.

    Attributes:
        id: Public id of the group.
        group_id: Internal key of the group.
        name: The group's name in its source.
        source: Name of the source.
        source_id: Internal key of the source.
        description: What was written down here, else what the source says.
        description_via: `catalogue` if written here, `source` if it says so, None without one.
        source_description: What the source says, whatever was written here.
        tags: Words people gave it, in order.
        owner_id: Internal key of the owning identity, or None.
        owner: Its public id.
        owner_name: Its name.
        owner_via: `catalogue` if set here, `source` if the source names them, None without owner.
        source_owner: Public id of the identity the source names, whoever was set here.
        source_owner_name: Its name.
        source_owner_login: Of the account the source names, known to be somebody's or not.
        risk: How much harm it can do.
        is_requestable: May be asked for.
        is_protected: Automation may not touch it.
        is_writable: This service may change its members in this source.
        is_administrative: It administers the source.
        privileged_steps: In how few memberships whoever is in it is a member of a group that
            administers its source; 1 if it does itself, None if none does.
        is_mirror: Its members follow a group of another source.
        version: Changes so far; 0 where nobody described it.
        ended_at: When the source stopped showing it, or None.
    """

    id: str
    group_id: int
    name: str
    source: str
    source_id: int
    description: str
    description_via: str | None
    source_description: str
    tags: Sequence[str]
    owner_id: int | None
    owner: str | None
    owner_name: str | None
    owner_via: str | None
    source_owner: str | None
    source_owner_name: str | None
    source_owner_login: str | None
    risk: Risk
    is_requestable: bool
    is_protected: bool
    is_writable: bool
    is_administrative: bool
    privileged_steps: int | None
    is_mirror: bool
    version: int
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A part of the catalogue.

    Attributes:
        page: What is shown of it.
        unexplained: How many groups there are that nobody can explain, shown or not.
    """

    page: Page[EntitlementRow]
    unexplained: int


def entitlement(reading: Reading, group_public_id: str) -> EntitlementRow:
    """Return one entitlement, for stages that ask on their own behalf (no authorisation).

    Raises:
        NotFoundError: There is no such group.
    """
    row = reading.session.execute(
        _entitlements().where(Group.public_id == group_public_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(
            phrase("There is no entitlement %(group_public_id)s.", group_public_id=group_public_id)
        )
    return _entitlement(row)


def entitlement_of(reading: Reading, group_id: int) -> EntitlementRow:
    """Return the entitlement of a group by its internal key (no authorisation)."""
    row = reading.session.execute(_entitlements().where(Group.id == group_id)).one()
    return _entitlement(row)


def show_entitlement(reading: Reading, entitlement_id: str) -> EntitlementRow:
    """Return one entitlement to whoever looks at the catalogue.

    Raises:
        NotFoundError: It is not there, or not theirs to see.
    """
    sees_all = _sees_all(reading)
    found = entitlement(reading, entitlement_id)
    if not sees_all and not (found.is_requestable and found.ended_at is None):
        raise NotFoundError(
            phrase("There is no entitlement %(entitlement_id)s.", entitlement_id=entitlement_id)
        )
    return found


def list_entitlements(
    reading: Reading,
    window: Window,
    *,
    q: str | None = None,
    risk: Risk | None = None,
    tag: str | None = None,
    unexplained: bool = False,
) -> Page[EntitlementRow]:
    """List the catalogue: everything for those who may read the directory, else what may be asked.

    Args:
        reading: Who looks.
        window: Which part.
        q: Words of the name, in any case.
        risk: Only this risk.
        tag: Only what has this tag.
        unexplained: Only what nobody can explain: no description and no owner, here or there.
    """
    found = _entitlements().where(Group.ended_at.is_(None), Group.id > window.after_id())
    if not _sees_all(reading):
        found = found.where(_is_requestable())
    if q:
        found = found.where(holds(reading, Group.name, q))
    if risk is not None:
        found = found.where(_risk() == risk.value)
    if tag is not None:  # a JSON list of words, each between quotes
        found = found.where(
            sa.cast(Entitlement.tags, sa.Text).contains(json.dumps(tag), autoescape=True)
        )
    if unexplained:
        found = found.where(*_is_unexplained())
    rows = reading.session.execute(found.order_by(Group.id).limit(window.limit + 1))
    return page([_entitlement(row) for row in rows], window, lambda row: [row.group_id])


def show_catalogue(
    reading: Reading,
    window: Window,
    *,
    q: str | None = None,
    risk: Risk | None = None,
    tag: str | None = None,
    unexplained: bool = False,
) -> Catalogue:
    """List the catalogue for those who look after it, with how much nobody can explain.

    Args:
        reading: Who looks.
        window: Which part.
        q: Words of the name, in any case.
        risk: Only this risk.
        tag: Only what has this tag.
        unexplained: Only what nobody can explain.
    """
    reading.actor.require(Permission.DIRECTORY_READ)
    found = list_entitlements(reading, window, q=q, risk=risk, tag=tag, unexplained=unexplained)
    counted = (
        sa.select(sa.func.count(Group.id))
        .outerjoin(Entitlement, Entitlement.group_id == Group.id)
        .where(Group.ended_at.is_(None), *_is_unexplained())
    )
    return Catalogue(found, reading.session.scalar(counted) or 0)


def entitlements_where(reading: Reading, *conditions: Any) -> list[EntitlementRow]:
    """Return the entitlements of the groups there are now that fit (no authorisation)."""
    rows = reading.session.execute(_entitlements().where(Group.ended_at.is_(None), *conditions))
    return [_entitlement(row) for row in rows]


def _sees_all(reading: Reading) -> bool:
    if reading.actor.may(Permission.DIRECTORY_READ):
        return True
    if reading.actor.identity_id is None:
        raise NotPermittedError(phrase("The catalogue is for people, and for roles that read it."))
    return False


def _is_unexplained() -> tuple[Any, ...]:
    """Say that neither a person nor the source tells what a group is for, or whose it is."""
    manager, whose = aliased(Account), aliased(Identity)
    has_manager = sa.exists().where(
        manager.source_id == Group.source_id,
        manager.external_id == Group.owner_external_id,
        manager.ended_at.is_(None),
        whose.id == manager.identity_id,
        whose.ended_at.is_(None),
    )
    return (
        Group.description == "",
        sa.func.coalesce(Entitlement.description, "") == "",
        Entitlement.owner_id.is_(None),
        sa.not_(has_manager),
    )


def _risk() -> Any:
    """The risk as SQL, in step with `default_risk`."""
    administrative = sa.case(
        (_administers(), default_risk(is_administrative=True).value),
        else_=default_risk(is_administrative=False).value,
    )
    return sa.func.coalesce(sa.cast(Entitlement.risk, sa.String), administrative)


def _administers() -> Any:
    """Whether whoever is in it administers a source; what has ended leads nowhere any more."""
    leads = sa.exists().where(Reach.group_id == Group.id).correlate(Group)
    return sa.or_(Group.is_administrative, leads)


def _is_requestable() -> Any:
    """Whether it may be asked for as SQL, in step with `default_is_requestable`."""
    by_default = sa.and_(
        sa.or_(Group.is_writable, Group.master_external_id.is_not(None)), Group.rule.is_(None)
    )
    return sa.func.coalesce(Entitlement.is_requestable, by_default)


@cache  # made once: building it costs more than asking
def _entitlements() -> sa.Select[*tuple[Any, ...]]:
    manager = aliased(Account)
    said, told = aliased(Identity), aliased(Identity)
    steps = sa.select(sa.func.min(Reach.steps)).where(Reach.group_id == Group.id)
    protected = sa.exists().where(Protection.group_id == Group.id, Protection.ended_at.is_(None))
    return (
        sa.select(
            Group.public_id,
            Group.id.label("group_id"),
            Group.name,
            Group.source_id,
            Source.name.label("source"),
            Group.description.label("group_description"),
            Group.is_writable,
            Group.is_administrative,
            Group.master_external_id,
            Group.rule,
            Group.ended_at,
            Entitlement.risk,
            Entitlement.is_requestable,
            Entitlement.description,
            Entitlement.tags,
            Entitlement.version,
            said.id.label("said_id"),
            said.public_id.label("said"),
            said.display_name.label("said_name"),
            told.id.label("told_id"),
            told.public_id.label("told"),
            told.display_name.label("told_name"),
            manager.login.label("told_login"),
            protected.label("is_protected"),
            steps.correlate(Group).scalar_subquery().label("privileged_steps"),
        )
        .join(Source, Source.id == Group.source_id)
        .outerjoin(Entitlement, Entitlement.group_id == Group.id)
        .outerjoin(said, said.id == Entitlement.owner_id)
        .outerjoin(
            manager,
            sa.and_(
                manager.source_id == Group.source_id,
                manager.external_id == Group.owner_external_id,
                manager.ended_at.is_(None),
            ),
        )
        .outerjoin(told, sa.and_(told.id == manager.identity_id, told.ended_at.is_(None)))
    )


def _entitlement(row: Any) -> EntitlementRow:
    is_said = row.said_id is not None
    is_described = row.version is not None
    return EntitlementRow(
        id=row.public_id,
        group_id=row.group_id,
        name=row.name,
        source=row.source,
        source_id=row.source_id,
        description=row.description or row.group_description,
        description_via="catalogue"
        if row.description
        else "source"
        if row.group_description
        else None,
        source_description=row.group_description,
        tags=tuple(row.tags or ()),
        owner_id=row.said_id if is_said else row.told_id,
        owner=row.said if is_said else row.told,
        owner_name=row.said_name if is_said else row.told_name,
        owner_via="catalogue" if is_said else "source" if row.told_id is not None else None,
        source_owner=row.told,
        source_owner_name=row.told_name,
        source_owner_login=row.told_login,
        risk=Risk(row.risk)
        if is_described
        else default_risk(
            is_administrative=row.is_administrative or row.privileged_steps is not None
        ),
        is_requestable=row.is_requestable
        if is_described
        else default_is_requestable(
            is_writable=row.is_writable,
            is_mirror=row.master_external_id is not None,
            is_by_rule=row.rule is not None,
        ),
        is_protected=row.is_protected,
        is_writable=row.is_writable,
        is_administrative=row.is_administrative,
        privileged_steps=row.privileged_steps,
        is_mirror=row.master_external_id is not None,
        version=row.version or 0,
        ended_at=row.ended_at,
    )
