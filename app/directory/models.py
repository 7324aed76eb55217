"""What the sources show: identities, accounts, groups, and memberships as intervals.

Rows end, they are not deleted. A membership belongs to an account, not to an identity; an open
interval has no `valid_to`, and there is at most one of them for an account in a group.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.directory.domain import AccountType, CaseState, IdentityKind, Provenance, SyncState
from app.kernel.columns import state_column
from app.kernel.db import BigId, Governed, Keyed, Model, Named, Versioned


def _open_only(column: str) -> dict[str, Any]:
    """The partial-index predicate, literal on both stores."""
    predicate = sa.text(f"{column} IS NULL")
    return {"sqlite_where": predicate, "postgresql_where": predicate}


def _closed_only(column: str) -> dict[str, Any]:
    predicate = sa.text(f"{column} IS NOT NULL")
    return {"sqlite_where": predicate, "postgresql_where": predicate}


# An account that went from one identity to another; literal, so that the index is used.
MOVED = sa.text("field = 'identity_id'")


class Source(Governed, Named, Versioned, Model):
    """A connected system of record."""

    __tablename__ = "directory_source"
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    settings: Mapped[dict[str, Any]]
    sealed_secrets: Mapped[bytes | None]
    is_enabled: Mapped[bool] = mapped_column(default=True)
    own_account_external_id: Mapped[str | None]
    baseline_run_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    scope_digest: Mapped[str | None]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    delta_minutes: Mapped[int] = mapped_column(default=15)
    full_hours: Mapped[int] = mapped_column(default=24)
    most_accounts_percent: Mapped[int] = mapped_column(default=20)
    most_memberships_percent: Mapped[int] = mapped_column(default=20)
    most_of_group_percent: Mapped[int] = mapped_column(default=50)
    large_group: Mapped[int] = mapped_column(default=100)
    log_days: Mapped[int] = mapped_column(default=30)


class SyncRun(Named, Model):
    """One read of a source: how it ended is told by the `directory.*` events, not by its row.

    It is not governed, so that a run can be begun before there is anything to tell of it.
    """

    __tablename__ = "directory_sync_run"
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_source.id"), index=True)
    state: Mapped[SyncState] = state_column(SyncState)
    is_baseline: Mapped[bool] = mapped_column(default=False)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    endpoint: Mapped[str] = mapped_column(default="")
    account: Mapped[str] = mapped_column(default="")
    queries: Mapped[list[Any]] = mapped_column(default=list)
    problems: Mapped[list[Any]] = mapped_column(default=list)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    digest: Mapped[str | None]
    why: Mapped[str | None]
    cursor: Mapped[str | None]
    started_by: Mapped[str]
    is_delta: Mapped[bool] = mapped_column(default=False)
    is_stored: Mapped[bool] = mapped_column(default=False)
    stored_at: Mapped[datetime | None]
    started_from: Mapped[str | None]


class SourceLog(Model):
    """How far the log of a source was read, whatever became of the runs; no row: not at all.

    It is not governed: `directory.log_told` tells of each page with something in it.
    """

    __tablename__ = "directory_source_log"
    source_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("directory_source.id"), primary_key=True, autoincrement=False
    )
    cursor: Mapped[str]
    since: Mapped[datetime]


class LogDeed(Keyed, Model):
    """Who did what to a membership, as a source's log told it: kept a while, for findings to match.

    It is not governed: what was made of it is told by `drift.attributed`.
    """

    __tablename__ = "directory_log_deed"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "event_id"),
        sa.Index(
            "ix_directory_log_deed_pair", "source_id", "group_external_id", "account_external_id"
        ),
        sa.Index("ix_directory_log_deed_source_id_at", "source_id", "at"),
    )
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_source.id"))
    event_id: Mapped[str]
    at: Mapped[datetime]
    account_external_id: Mapped[str]
    group_external_id: Mapped[str]
    is_joining: Mapped[bool]
    is_ours: Mapped[bool]
    actor_ref: Mapped[str | None]
    actor_name: Mapped[str | None]


class Identity(Governed, Named, Model):
    """One person or non-human actor, across sources."""

    __tablename__ = "directory_identity"
    __table_args__ = (
        sa.Index(
            "uq_directory_identity_employee_number",
            "employee_number",
            unique=True,
            **_closed_only("employee_number"),
        ),
    )
    kind: Mapped[IdentityKind] = state_column(IdentityKind)
    display_name: Mapped[str] = mapped_column(index=True)
    mail: Mapped[str | None] = mapped_column(index=True)
    employee_number: Mapped[str | None]
    manager_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_identity.id"), index=True
    )
    department: Mapped[str | None]
    title: Mapped[str | None]
    is_active: Mapped[bool]
    correlation_rule: Mapped[str]
    first_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Account(Governed, Named, Model):
    """One login object in one source; belongs to at most one identity."""

    __tablename__ = "directory_account"
    __table_args__ = (sa.UniqueConstraint("source_id", "external_id"),)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_source.id"))
    external_id: Mapped[str]
    identity_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_identity.id"), index=True
    )
    correlation_rule: Mapped[str | None]
    correlation_confidence: Mapped[int | None]
    login: Mapped[str] = mapped_column(index=True)
    display_name: Mapped[str]
    mail: Mapped[str | None]
    employee_number: Mapped[str | None]
    manager_external_id: Mapped[str | None]
    department: Mapped[str | None]
    title: Mapped[str | None]
    kind: Mapped[str]
    status: Mapped[str]
    is_enabled: Mapped[bool]
    address: Mapped[str]
    expires_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    digest: Mapped[bytes]
    observed_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Group(Governed, Named, Model):
    """A container in a source that gives access."""

    __tablename__ = "directory_group"
    __table_args__ = (sa.UniqueConstraint("source_id", "external_id"),)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_source.id"))
    external_id: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    description: Mapped[str]
    owner_external_id: Mapped[str | None]
    is_writable: Mapped[bool]
    is_administrative: Mapped[bool]
    master_external_id: Mapped[str | None] = mapped_column(index=True)
    rule: Mapped[str | None]
    address: Mapped[str]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    digest: Mapped[bytes]
    member_digest: Mapped[bytes | None]
    listed_digest: Mapped[bytes | None]
    unknown_members: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    unread_since: Mapped[datetime | None]
    unread_run_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    first_seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Membership(Governed, Keyed, Model):
    """An account directly in a group, over time."""

    __tablename__ = "directory_membership"
    __table_args__ = (
        sa.Index(
            "uq_directory_membership_open",
            "group_id",
            "account_id",
            unique=True,
            **_open_only("valid_to"),
        ),
        sa.Index(
            "ix_directory_membership_account_open",
            "account_id",
            "group_id",
            **_open_only("valid_to"),
        ),
        sa.Index(
            "ix_directory_membership_group_closed",
            "group_id",
            "valid_to",
            "valid_from",
            **_closed_only("valid_to"),
        ),
        sa.Index(
            "ix_directory_membership_account_closed",
            "account_id",
            "valid_to",
            "valid_from",
            **_closed_only("valid_to"),
        ),
        sa.Index("ix_directory_membership_run_to", "run_to", **_closed_only("run_to")),
        sa.Index("ix_directory_membership_run_from", "run_from", **_open_only("valid_to")),
    )
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    is_primary: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    run_from: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_sync_run.id"))
    run_to: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_sync_run.id"))
    provenance: Mapped[Provenance] = state_column(Provenance)
    provenance_ref: Mapped[str | None] = mapped_column(sa.String(36))


class Nesting(Governed, Keyed, Model):
    """A group directly in a group, over time."""

    __tablename__ = "directory_nesting"
    __table_args__ = (
        sa.Index(
            "uq_directory_nesting_open",
            "parent_id",
            "child_id",
            unique=True,
            **_open_only("valid_to"),
        ),
    )
    parent_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    child_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    run_from: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_sync_run.id"))
    run_to: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_sync_run.id"))


class PastValue(Governed, Keyed, Model):
    """What an account, group or identity said before it was changed: written once, never changed.

    Exactly one of the three is named. A return after an end has the field `ended_at`, and in
    `gone_at` when it had ended.
    """

    __tablename__ = "directory_past_value"
    __table_args__ = (
        *(
            sa.Index(
                f"ix_directory_past_value_{name}",
                f"{name}_id",
                "until_at",
                **_closed_only(f"{name}_id"),
            )
            for name in ("account", "group", "identity")
        ),
        sa.Index(
            "ix_directory_past_value_moved",
            "account_id",
            sqlite_where=MOVED,
            postgresql_where=MOVED,
        ),
    )
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_account.id"))
    group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_group.id"))
    identity_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"))
    field: Mapped[str]
    was: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    gone_at: Mapped[datetime | None]
    until_at: Mapped[datetime]
    known_at: Mapped[datetime]
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_sync_run.id"))


class Closure(Model):
    """Derived: which groups contain which others now, through any number of steps."""

    __tablename__ = "directory_closure"
    ancestor_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("directory_group.id"), primary_key=True, autoincrement=False
    )
    descendant_id: Mapped[int] = mapped_column(
        BigId,
        sa.ForeignKey("directory_group.id"),
        primary_key=True,
        autoincrement=False,
        index=True,
    )
    depth: Mapped[int]


class Reach(Model):
    """Derived: whose members are, by nesting or by a mirror, members of what administers a source.

    A group that administers leads to itself in one step: whoever is in it is a member of it.
    """

    __tablename__ = "directory_reach"
    group_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("directory_group.id"), primary_key=True, autoincrement=False
    )
    administrative_id: Mapped[int] = mapped_column(
        BigId,
        sa.ForeignKey("directory_group.id"),
        primary_key=True,
        autoincrement=False,
        index=True,
    )
    steps: Mapped[int]


class Exclusion(Governed, Named, Model):
    """A group whose members a person does not expect to be read: it taints no run any more."""

    __tablename__ = "directory_exclusion"
    __table_args__ = (
        sa.Index(
            "uq_directory_exclusion_open",
            "source_id",
            "external_id",
            unique=True,
            **_open_only("ended_at"),
        ),
    )
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_source.id"))
    external_id: Mapped[str]
    name: Mapped[str]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class ParkedRead(Governed, Model):
    """What a parked run has read, kept until a person accepts or refuses exactly that."""

    __tablename__ = "directory_parked_read"
    run_id: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("directory_sync_run.id"), primary_key=True, autoincrement=False
    )
    scope_digest: Mapped[str]
    body: Mapped[bytes]


class CorrelationRules(Governed, Named, Model):
    """By which rules accounts are tied, of all sources or of one; each change is a new row."""

    __tablename__ = "directory_correlation_rules"
    source_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_source.id"))
    version: Mapped[int]
    rules: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class HandTie(Governed, Named, Model):
    """What a person said: this account is that identity, or it is not."""

    __tablename__ = "directory_hand_tie"
    __table_args__ = (
        sa.Index(
            "uq_directory_hand_tie_open",
            "account_id",
            "identity_id",
            unique=True,
            **_open_only("ended_at"),
        ),
    )
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    identity_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"))
    is_same: Mapped[bool]
    reason: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]


class Case(Governed, Named, Versioned, Model):
    """An account that fits somebody, but not surely: a person decides."""

    __tablename__ = "directory_case"
    __table_args__ = (
        sa.Index(
            "uq_directory_case_open",
            "account_id",
            unique=True,
            **_open_only("settled_at"),
        ),
    )
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    code: Mapped[str]
    detail: Mapped[str]
    candidates: Mapped[list[Any]]
    state: Mapped[CaseState] = state_column(CaseState)
    opened_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None]
    reason: Mapped[str | None]


class AccountTyping(Governed, Keyed, Versioned, Model):
    """What an account is for and who answers for it, as a person said; no read changes it."""

    __tablename__ = "directory_account_typing"
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"), unique=True)
    type: Mapped[AccountType | None] = state_column(AccountType)
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    said_at: Mapped[datetime]
    said_by: Mapped[str]
