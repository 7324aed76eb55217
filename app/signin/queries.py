"""Reads of sign-in: who a name means, which tokens there are, who holds which role."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission, Role
from app.kernel.uow import Reading
from app.signin.models import ApiToken, RoleGrant
from app.web.paging import Page, Window, page


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token, without what would let anybody use it."""

    key: int
    id: str
    name: str
    role: Role | None
    identity: str | None
    identity_name: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role somebody holds or held."""

    key: int
    id: str
    identity: str
    identity_name: str
    role: Role
    granted_by: str
    granted_at: datetime
    until: datetime | None
    ended_at: datetime | None


def list_tokens(reading: Reading, window: Window) -> Page[TokenRow]:
    """List tokens, oldest first, those revoked or expired included."""
    reading.actor.require(Permission.TOKEN_WRITE)
    found = reading.session.execute(
        _tokens().where(ApiToken.id > window.after_id()).limit(window.limit + 1)
    )
    return page([TokenRow(*row) for row in found], window, lambda row: [row.key])


def token_row(reading: Reading, token_id: str) -> TokenRow | None:
    """Return one token by its public id."""
    reading.actor.require(Permission.TOKEN_WRITE)
    row = reading.session.execute(_tokens().where(ApiToken.public_id == token_id)).one_or_none()
    return None if row is None else TokenRow(*row)


def list_roles(reading: Reading, window: Window) -> Page[RoleRow]:
    """List roles of people, oldest first, those that ended included."""
    reading.actor.require(Permission.ROLE_WRITE)
    found = reading.session.execute(
        _roles().where(RoleGrant.id > window.after_id()).limit(window.limit + 1)
    )
    return page([RoleRow(*row) for row in found], window, lambda row: [row.key])


def role_row(reading: Reading, role_id: str) -> RoleRow | None:
    """Return one role of a person by its public id."""
    reading.actor.require(Permission.ROLE_WRITE)
    row = reading.session.execute(_roles().where(RoleGrant.public_id == role_id)).one_or_none()
    return None if row is None else RoleRow(*row)


def _tokens() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            ApiToken.id,
            ApiToken.public_id,
            ApiToken.name,
            ApiToken.role,
            Identity.public_id.label("identity"),
            Identity.display_name,
            ApiToken.created_at,
            ApiToken.created_by,
            ApiToken.expires_at,
            ApiToken.revoked_at,
        )
        .outerjoin(Identity, Identity.id == ApiToken.identity_id)
        .order_by(ApiToken.id)
    )


def _roles() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            RoleGrant.id,
            RoleGrant.public_id,
            Identity.public_id.label("identity"),
            Identity.display_name,
            RoleGrant.role,
            RoleGrant.granted_by,
            RoleGrant.granted_at,
            RoleGrant.until,
            RoleGrant.ended_at,
        )
        .join(Identity, Identity.id == RoleGrant.identity_id)
        .order_by(RoleGrant.id)
    )
