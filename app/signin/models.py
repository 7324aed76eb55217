"""API tokens, by digest only, and who holds which role."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.actor import Role
from app.kernel.columns import state_column
from app.kernel.db import Governed, Model, Named


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
    """A role of a person, perhaps until a day."""

    __tablename__ = "signin_role"
    identity_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    role: Mapped[Role] = state_column(Role)
    granted_by: Mapped[str]
    granted_at: Mapped[datetime]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
