"""API tokens, sessions and sign-in links, by digest only; who holds which role; who likes what."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.actor import Role
from app.kernel.columns import state_column
from app.kernel.db import Governed, Keyed, Model, Named
from app.web.visit import SignedInBy


class ApiToken(Governed, Named, Model):
    """A token: stands for a role, or for a person."""

    __tablename__ = "signin_token"
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    role: Mapped[Role | None] = state_column(Role, nullable=True)
    identity_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_identity.id"), index=True
    )
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RoleGrant(Governed, Named, Model):
    """A role of a person, perhaps until a day; by an administrator, or by a provider's claim.

    An auditor's may have limits (`kernel.limits`); without any it reaches everything.
    """

    __tablename__ = "signin_role"
    identity_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    role: Mapped[Role] = state_column(Role)
    granted_by: Mapped[str]
    granted_at: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    issuer: Mapped[str | None]
    limits: Mapped[dict[str, Any] | None]


class SigninSession(Named, Model):
    """Somebody signed in, with one browser; ends by time, by sign-out, or when it is ended.

    It is not governed: its last click is no evidence. That it began and ended is, and is recorded.
    """

    __tablename__ = "signin_session"
    digest: Mapped[bytes] = mapped_column(unique=True)
    identity_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_identity.id"), index=True
    )
    role: Mapped[Role | None] = state_column(Role, nullable=True)
    mail: Mapped[str | None]
    how: Mapped[SignedInBy] = state_column(SignedInBy)
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    agent: Mapped[str]
    began_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    fresh_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class SigninLink(Governed, Named, Model):
    """A link that signs somebody in once: a person, or the first administrator."""

    __tablename__ = "signin_link"
    digest: Mapped[bytes] = mapped_column(unique=True)
    identity_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_identity.id"), index=True
    )
    role: Mapped[Role | None] = state_column(Role, nullable=True)
    mail: Mapped[str | None]
    is_reusable: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ProviderTie(Governed, Keyed, Model):
    """Whose account at a provider is whose identity; tied by a verified address or by hand."""

    __tablename__ = "signin_tie"
    __table_args__ = (
        sa.UniqueConstraint("issuer", "subject"),
        sa.UniqueConstraint("issuer", "identity_id"),
    )
    issuer: Mapped[str]
    subject: Mapped[str]
    identity_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    tied_at: Mapped[datetime]


class Preference(Governed, Keyed, Model):
    """How somebody likes the pages."""

    __tablename__ = "signin_preference"
    identity_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), unique=True)
    zone: Mapped[str]
    language: Mapped[str]
    are_keys_on: Mapped[bool]
