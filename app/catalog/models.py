"""What people said about groups, where it differs from what the source says or the defaults."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.domain import Risk
from app.kernel.columns import state_column
from app.kernel.db import Governed, Keyed, Model, Named, Versioned


class Entitlement(Governed, Keyed, Versioned, Model):
    """A right that can be granted and reviewed: what a group means."""

    __tablename__ = "catalog_entitlement"
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"), unique=True)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"))
    risk: Mapped[Risk] = state_column(Risk)
    is_requestable: Mapped[bool] = mapped_column(default=True)
    description: Mapped[str | None]
    tags: Mapped[list[Any]] = mapped_column(default=list)


class Protection(Governed, Named, Model):
    """Something that automation may never take away."""

    __tablename__ = "catalog_protection"
    identity_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_identity.id"), index=True
    )
    account_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_account.id"), index=True
    )
    group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    reason: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]
