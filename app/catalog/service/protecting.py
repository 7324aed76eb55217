"""Protect from automation, and lift the protection."""

import dataclasses
from typing import Any, assert_never

import sqlalchemy as sa

from app.catalog import queries
from app.catalog.domain import Kind
from app.catalog.models import Protection
from app.directory.models import Account, Group, Identity
from app.events import ProtectionEnded, ProtectionSet
from app.kernel.actor import Permission
from app.kernel.errors import NotFoundError, NothingToChangeError
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork


def protect(uow: UnitOfWork, *, what: Kind, ref: str, reason: str) -> queries.ProtectionRow:
    """Protect an identity, an account or a group from automation.

    Args:
        uow: The unit of work.
        what: Which of the three.
        ref: Its public id.
        reason: Why, for those who will ask.

    Raises:
        NothingToChangeError: It is protected already.
    """
    uow.actor.require(Permission.PROTECTION_WRITE)
    target = _target(uow, what, ref)
    columns = {"identity_id": None, "account_id": None, "group_id": None, f"{what}_id": target}
    is_there = sa.exists().where(
        getattr(Protection, f"{what}_id") == target, Protection.ended_at.is_(None)
    )
    if uow.session.scalar(sa.select(is_there)):
        raise NothingToChangeError(phrase("This %(what)s is protected already.", what=what))
    protection = Protection(
        public_id=uow.ids.new(),
        reason=reason,
        created_at=uow.now,
        created_by=uow.actor.public_id,
        ended_at=None,
        **columns,
    )
    uow.session.add(protection)
    uow.session.flush()
    uow.record(ProtectionSet(subject=protection.public_id, what=what.value, ref=ref, reason=reason))
    return queries.protection_row(uow, protection.public_id)


def unprotect(uow: UnitOfWork, *, protection_id: str) -> queries.ProtectionRow:
    """Lift a protection.

    Raises:
        NothingToChangeError: It was lifted before.
    """
    uow.actor.require(Permission.PROTECTION_WRITE)
    found = queries.protection_row(uow, protection_id)
    if found.ended_at is not None:
        raise NothingToChangeError(phrase("This protection was lifted already."))
    uow.session.execute(
        sa.update(Protection).where(Protection.id == found.key).values(ended_at=uow.now)
    )
    uow.record(ProtectionEnded(subject=protection_id))
    return dataclasses.replace(found, ended_at=uow.now)


def _target(uow: UnitOfWork, what: Kind, ref: str) -> int:
    match what:
        case Kind.IDENTITY:
            table: Any = Identity
        case Kind.ACCOUNT:
            table = Account
        case Kind.GROUP:
            table = Group
        case _:
            assert_never(what)
    found: int | None = uow.session.scalar(
        sa.select(table.id).where(table.public_id == ref, table.ended_at.is_(None))
    )
    if found is None:
        raise NotFoundError(phrase("There is no %(what)s %(ref)s.", what=what, ref=ref))
    return found
