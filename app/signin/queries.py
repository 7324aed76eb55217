"""Reads of sign-in: which tokens there are, who holds which role, where one is signed in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import Permission, Role
from app.kernel.uow import Reading
from app.signin.domain import IDLE
from app.signin.models import ApiToken, ProviderTie, RoleGrant, SigninSession
from app.web.paging import Page, Window, page
from app.web.visit import SignedInBy


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
    issuer: str | None
    limits: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """Somebody's session that lasts."""

    id: str
    agent: str
    how: SignedInBy
    issuer: str | None
    began_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    fresh_at: datetime


def own_sessions(reading: Reading) -> list[SessionRow]:
    """List one's own sessions that last, the one used last first; of nobody, none."""
    if reading.actor.identity_id is None:
        return []
    found = reading.session.execute(
        sa.select(
            SigninSession.public_id,
            SigninSession.agent,
            SigninSession.how,
            SigninSession.issuer,
            SigninSession.began_at,
            SigninSession.last_seen_at,
            SigninSession.ends_at,
            SigninSession.fresh_at,
        )
        .where(
            SigninSession.identity_id == reading.actor.identity_id,
            SigninSession.ended_at.is_(None),
            SigninSession.ends_at > reading.now,
            SigninSession.last_seen_at > reading.now - IDLE,
        )
        .order_by(SigninSession.last_seen_at.desc(), SigninSession.id.desc())
    )
    return [SessionRow(*row) for row in found]


def present_roles(reading: Reading, window: Window) -> Page[RoleRow]:
    """List who holds which role now, the newest first."""
    return _newest_roles(reading, window, _holds(RoleGrant.until, RoleGrant.ended_at, reading.now))


def past_roles(reading: Reading, window: Window) -> Page[RoleRow]:
    """List who held which role and no longer does, the newest first."""
    holds_ = _holds(RoleGrant.until, RoleGrant.ended_at, reading.now)
    return _newest_roles(reading, window, sa.not_(holds_))


def usable_tokens(reading: Reading, window: Window) -> Page[TokenRow]:
    """List the tokens that work now, the newest first."""
    return _newest_tokens(
        reading, window, _holds(ApiToken.expires_at, ApiToken.revoked_at, reading.now)
    )


def past_tokens(reading: Reading, window: Window) -> Page[TokenRow]:
    """List the tokens that were revoked or have expired, the newest first."""
    holds_ = _holds(ApiToken.expires_at, ApiToken.revoked_at, reading.now)
    return _newest_tokens(reading, window, sa.not_(holds_))


def _newest_roles(
    reading: Reading, window: Window, wanted: sa.ColumnElement[bool]
) -> Page[RoleRow]:
    reading.actor.require(Permission.ROLE_WRITE)
    query = _roles().where(wanted).order_by(None).order_by(RoleGrant.id.desc())
    if window.cursor is not None:
        query = query.where(RoleGrant.id < window.after_id())
    found = reading.session.execute(query.limit(window.limit + 1))
    return page([RoleRow(*row) for row in found], window, lambda row: [row.key])


def _newest_tokens(
    reading: Reading, window: Window, wanted: sa.ColumnElement[bool]
) -> Page[TokenRow]:
    reading.actor.require(Permission.TOKEN_WRITE)
    query = _tokens().where(wanted).order_by(None).order_by(ApiToken.id.desc())
    if window.cursor is not None:
        query = query.where(ApiToken.id < window.after_id())
    found = reading.session.execute(query.limit(window.limit + 1))
    return page([TokenRow(*row) for row in found], window, lambda row: [row.key])


def _holds(
    until: sa.ColumnElement[Any] | Any, ended_at: sa.ColumnElement[Any] | Any, now: datetime
) -> sa.ColumnElement[bool]:
    """The store's words for `domain.holds`."""
    return sa.and_(
        sa.or_(ended_at.is_(None), ended_at > now),
        sa.or_(until.is_(None), until > now),
    )


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


@dataclass(frozen=True, slots=True)
class TieRow:
    """Somebody's account at a provider."""

    key: int
    identity: str
    identity_name: str
    issuer: str
    subject: str
    tied_at: datetime


def list_ties(reading: Reading, window: Window) -> Page[TieRow]:
    """List whose account at a provider is whose, oldest first."""
    reading.actor.require(Permission.ROLE_WRITE)
    found = reading.session.execute(
        sa.select(
            ProviderTie.id,
            Identity.public_id,
            Identity.display_name,
            ProviderTie.issuer,
            ProviderTie.subject,
            ProviderTie.tied_at,
        )
        .join(Identity, Identity.id == ProviderTie.identity_id)
        .where(ProviderTie.id > window.after_id())
        .order_by(ProviderTie.id)
        .limit(window.limit + 1)
    )
    return page([TieRow(*row) for row in found], window, lambda row: [row.key])


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
            RoleGrant.issuer,
            RoleGrant.limits,
        )
        .join(Identity, Identity.id == RoleGrant.identity_id)
        .order_by(RoleGrant.id)
    )
