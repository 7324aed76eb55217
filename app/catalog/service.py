"""Commands of the catalogue: write down what a group means; protect, and lift the protection."""

import dataclasses
from collections.abc import Sequence
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.catalog import queries
from app.catalog.domain import Kind, Risk
from app.catalog.models import Entitlement, Protection
from app.directory.models import Account, Group, Identity
from app.events import EntitlementDescribed, ProtectionEnded, ProtectionSet
from app.kernel.actor import Permission
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
)
from app.kernel.phrases import phrase
from app.kernel.uow import UnitOfWork


def describe(
    uow: UnitOfWork,
    *,
    entitlement: str,
    version: int,
    risk: Risk,
    is_requestable: bool,
    owner: str | None = None,
    description: str | None = None,
    tags: Sequence[str] | None = None,
) -> queries.EntitlementRow:
    """Write down what an entitlement means; what is left out is left to the source.

    Args:
        uow: The unit of work.
        entitlement: Public id of the group.
        version: The version that was looked at; 0 where nobody described it before.
        risk: How much harm it can do.
        is_requestable: May be asked for.
        owner: Public id of the owning identity, or None for the one the source names.
        description: What it gives, or None for the source's words.
        tags: Words to find it by, or None to leave them as they are.

    Raises:
        ConflictError: Somebody described it since.
        NothingToChangeError: It says so already.
    """
    uow.actor.require(Permission.CATALOG_WRITE)
    present = queries.entitlement(uow, entitlement)
    if present.version != version:
        raise ConflictError(
            phrase("Somebody described this since you looked."),
            current={"version": present.version},
        )
    owner_id = None if owner is None else _active_identity(uow, owner)
    wanted: dict[str, Any] = {
        "owner_id": owner_id,
        "risk": risk,
        "is_requestable": is_requestable,
        "description": description,
        "tags": list(
            present.tags if tags is None else dict.fromkeys(each.strip() for each in tags)
        ),
    }
    if "" in wanted["tags"]:
        raise InvalidInputError({"tags": "A tag is a word, not blanks."})
    row = uow.session.scalar(sa.select(Entitlement).where(Entitlement.group_id == present.group_id))
    if row is None:
        uow.session.add(Entitlement(group_id=present.group_id, **wanted))
    elif all(getattr(row, name) == value for name, value in wanted.items()):
        raise NothingToChangeError(phrase("The catalogue says exactly this already."))
    else:
        for name, value in wanted.items():
            setattr(row, name, value)
    try:
        uow.session.flush()
    except IntegrityError as error:  # two described it for the first time at the same moment
        raise ConflictError(phrase("Somebody described this since you looked.")) from error
    uow.record(
        EntitlementDescribed(
            subject=entitlement,
            risk=risk.value,
            owner=owner,
            is_requestable=is_requestable,
            description=description or "",
            tags="; ".join(wanted["tags"]),
        )
    )
    return queries.entitlement(uow, entitlement)


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


def _active_identity(uow: UnitOfWork, owner: str) -> int:
    found = uow.session.execute(
        sa.select(Identity.id, Identity.is_active).where(
            Identity.public_id == owner, Identity.ended_at.is_(None)
        )
    ).one_or_none()
    if found is None:
        raise InvalidInputError({"owner": phrase("There is no identity with this id.")})
    if not found.is_active:
        raise InvalidInputError(
            {"owner": phrase("This person is not active: name one who can answer.")}
        )
    owner_id: int = found.id
    return owner_id


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
