"""Signing keys with their history, witnesses, heads sent out; bundles, auditors' samples."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.audit.domain import (
    BundleKind,
    BundleState,
    DispatchState,
    Frequency,
    KeyPurpose,
    Population,
)
from app.kernel.columns import state_column
from app.kernel.db import Governed, Keyed, Model, Named


class SigningKey(Governed, Named, Model):
    """One key: its public half in clear, its private half sealed."""

    __tablename__ = "audit_signing_key"
    purpose: Mapped[KeyPurpose] = state_column(KeyPurpose)
    name: Mapped[str]
    public: Mapped[str]
    sealed: Mapped[bytes]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    revocation_list: Mapped[str | None]


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
    why_anew: Mapped[str | None]
    closing: Mapped[int | None] = mapped_column(sa.BigInteger)
    is_lasting: Mapped[bool] = mapped_column(default=False)
    removed_at: Mapped[datetime | None]
    why: Mapped[str | None]


class Witness(Governed, Named, Model):
    """Somebody outside who is asked to cosign each head."""

    __tablename__ = "audit_witness"
    name: Mapped[str]
    vkey: Mapped[str]
    url: Mapped[str]
    added_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Cosignature(Keyed, Model):
    """A witness's line below a head. It makes no entry: each entry makes a new head."""

    __tablename__ = "audit_cosignature"
    __table_args__ = (sa.UniqueConstraint("witness_id", "size"),)
    witness_id: Mapped[int] = mapped_column(sa.ForeignKey("audit_witness.id"))
    size: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    line: Mapped[str]
    at: Mapped[datetime]


class Dispatch(Governed, Named, Model):
    """One day's head on its way to one address outside."""

    __tablename__ = "audit_dispatch"
    __table_args__ = (sa.UniqueConstraint("day", "target"),)
    day: Mapped[str] = mapped_column(sa.String(10))
    target: Mapped[str]
    size: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[DispatchState] = state_column(DispatchState)
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    why: Mapped[str | None]

    @property
    def channel(self) -> str:
        """How it goes out: by mail or to a webhook."""
        return "webhook" if "://" in self.target else "mail"


class Nonce(Governed, Keyed, Model):
    """A word of an auditor's own: what is signed after it cannot have been made before."""

    __tablename__ = "audit_nonce"
    __table_args__ = (sa.UniqueConstraint("campaign_id", "nonce"),)
    campaign_id: Mapped[int] = mapped_column(sa.ForeignKey("reviews_campaign.id"), index=True)
    nonce: Mapped[str]
    given_by: Mapped[str]
    given_at: Mapped[datetime]


class Draw(Governed, Named, Model):
    """A sample: from which population, by which seed, and what was drawn."""

    __tablename__ = "audit_sample"
    population: Mapped[Population] = state_column(Population)
    scope: Mapped[dict[str, Any]]
    frequency: Mapped[Frequency | None] = state_column(Frequency, nullable=True)
    size: Mapped[int]
    seed: Mapped[str]
    population_count: Mapped[int]
    population_digest: Mapped[str] = mapped_column(sa.String(64))
    lines: Mapped[list[Any]]
    drawn_by: Mapped[str]
    drawn_at: Mapped[datetime]
