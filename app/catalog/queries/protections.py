"""What automation must not touch, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.catalog.domain import Kind
from app.catalog.models import Protection
from app.directory.models import Account, Group, Identity, Source
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError
from app.kernel.phrases import phrase
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page

OWN_ACCOUNT = "It is the account this service itself signs in with."


@dataclass(frozen=True, slots=True)
class ProtectionRow:
    """Something protected, and why."""

    key: int
    id: str
    what: Kind
    ref: str
    name: str
    reason: str
    created_at: datetime
    created_by: str
    ended_at: datetime | None


def is_protected(
    reading: Reading,
    *,
    identity_id: int | None = None,
    account_id: int | None = None,
    group_id: int | None = None,
) -> str | None:
    """Return why automation may not touch any of these, or None; one statement.

    An account is also protected through its identity, and always when it is the one this service
    signs in with.
    """
    wanted = []
    if identity_id is not None:
        wanted.append(Protection.identity_id == identity_id)
    if group_id is not None:
        wanted.append(Protection.group_id == group_id)
    if account_id is not None:
        person = sa.select(Account.identity_id).where(Account.id == account_id).scalar_subquery()
        wanted += [Protection.account_id == account_id, Protection.identity_id == person]
    if not wanted:
        return None
    said = sa.select(Protection.reason).where(Protection.ended_at.is_(None), sa.or_(*wanted))
    if account_id is not None:
        own = (
            sa.select(sa.literal(OWN_ACCOUNT))
            .select_from(Account)
            .join(Source, Source.id == Account.source_id)
            .where(Account.id == account_id, Account.external_id == Source.own_account_external_id)
        )
        return reading.session.scalars(sa.union_all(own, said)).first()
    return reading.session.scalars(said.order_by(Protection.id)).first()


def list_protections(reading: Reading, window: Window) -> Page[ProtectionRow]:
    """List what is protected now, oldest first."""
    reading.actor.require(Permission.DIRECTORY_READ)
    rows = reading.session.execute(
        _protections()
        .where(Protection.ended_at.is_(None), Protection.id > window.after_id())
        .order_by(Protection.id)
        .limit(window.limit + 1)
    )
    return page([_protection(row) for row in rows], window, lambda row: [row.key])


def protection_row(reading: Reading, protection_id: str) -> ProtectionRow:
    """Return one protection, ended or not, by its public id."""
    reading.actor.require(Permission.DIRECTORY_READ)
    row = reading.session.execute(
        _protections().where(Protection.public_id == protection_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(
            phrase("There is no protection %(protection_id)s.", protection_id=protection_id)
        )
    return _protection(row)


def _protections() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Protection.id,
            Protection.public_id,
            Protection.reason,
            Protection.created_at,
            Protection.created_by,
            Protection.ended_at,
            Identity.public_id.label("identity"),
            Identity.display_name,
            Account.public_id.label("account"),
            Account.login,
            Group.public_id.label("group"),
            Group.name,
        )
        .outerjoin(Identity, Identity.id == Protection.identity_id)
        .outerjoin(Account, Account.id == Protection.account_id)
        .outerjoin(Group, Group.id == Protection.group_id)
    )


def _protection(row: Any) -> ProtectionRow:
    what, ref, name = next(
        found
        for found in (
            (Kind.IDENTITY, row.identity, row.display_name),
            (Kind.ACCOUNT, row.account, row.login),
            (Kind.GROUP, row.group, row.name),
        )
        if found[1] is not None
    )
    return ProtectionRow(
        key=row.id,
        id=row.public_id,
        what=what,
        ref=ref,
        name=name,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
        ended_at=row.ended_at,
    )
