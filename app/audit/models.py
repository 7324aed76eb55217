"""Signing keys, sealed, with their history; bundles and their checks."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.audit.domain import BundleKind, BundleState, KeyPurpose
from app.kernel.columns import state_column
from app.kernel.db import Governed, Model, Named


class SigningKey(Governed, Named, Model):
    """One key: its public half in clear, its private half sealed."""

    __tablename__ = "audit_signing_key"
    purpose: Mapped[KeyPurpose] = state_column(KeyPurpose)
    name: Mapped[str]
    public: Mapped[str]
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]


class Bundle(Governed, Named, Model):
    """An evidence bundle: asked for, built, checked."""

    __tablename__ = "audit_bundle"
    kind: Mapped[BundleKind] = state_column(BundleKind)
    scope: Mapped[dict[str, Any]]
    controls: Mapped[list[Any]] = mapped_column(default=list)
    state: Mapped[BundleState] = state_column(BundleState)
    requested_by: Mapped[str]
    requested_at: Mapped[datetime]
    built_at: Mapped[datetime | None]
    sha256: Mapped[str | None] = mapped_column(sa.String(64))
    bytes_count: Mapped[int | None] = mapped_column(sa.BigInteger)
    checks: Mapped[list[Any]] = mapped_column(default=list)
    tree_size: Mapped[int | None] = mapped_column(sa.BigInteger)
    supersedes: Mapped[str | None] = mapped_column(sa.String(36))
    why: Mapped[str | None]
