"""Plans, their tasks (one operation each), every try, and what was found that nobody decided."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.columns import state_column
from app.kernel.db import Governed, Keyed, Model, Named, Versioned
from app.provisioning.domain import FindingKind, FindingState, PlanCause, PlanState, TaskState


class Plan(Governed, Named, Versioned, Model):
    """The exact operations a decision will run."""

    __tablename__ = "provisioning_plan"
    cause: Mapped[PlanCause] = state_column(PlanCause)
    cause_ref: Mapped[str] = mapped_column(sa.String(36), index=True)
    digest: Mapped[str] = mapped_column(sa.String(64))
    operations: Mapped[list[Any]]
    state: Mapped[PlanState] = state_column(PlanState, index=True)
    held_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None]


class Task(Governed, Named, Versioned, Model):
    """One operation against one source: retried, idempotent, read back."""

    __tablename__ = "provisioning_task"
    __table_args__ = (
        sa.Index("ix_provisioning_task_state_due_at", "state", "due_at"),
        sa.Index("ix_provisioning_task_source_created", "source_id", "created_at"),
    )
    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("provisioning_plan.id"), index=True)
    ordinal: Mapped[int]
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_source.id"))
    verb: Mapped[str]
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    grant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("grants_grant.id"), index=True)
    end_id: Mapped[int | None] = mapped_column(sa.ForeignKey("grants_end.id"), index=True)
    state: Mapped[TaskState] = state_column(TaskState)
    attempt: Mapped[int] = mapped_column(default=1)
    due_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    operation: Mapped[str | None]
    answer: Mapped[str | None]
    effect: Mapped[str | None]
    read_back: Mapped[dict[str, Any] | None]
    error_code: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]


class Attempt(Governed, Keyed, Model):
    """One try of one task."""

    __tablename__ = "provisioning_attempt"
    __table_args__ = (sa.UniqueConstraint("task_id", "number"),)
    task_id: Mapped[int] = mapped_column(sa.ForeignKey("provisioning_task.id"))
    number: Mapped[int]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]
    detail: Mapped[str | None]


class Finding(Governed, Named, Versioned, Model):
    """A difference between a source and what was decided: it waits for a person."""

    __tablename__ = "provisioning_finding"
    __table_args__ = (
        sa.UniqueConstraint("kind", "membership_id"),
        sa.Index("ix_provisioning_finding_account_group", "account_id", "group_id"),
    )
    kind: Mapped[FindingKind] = state_column(FindingKind)
    membership_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_membership.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_sync_run.id"), index=True)
    state: Mapped[FindingState] = state_column(FindingState, index=True)
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(sa.String(36))
    reason: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    ticket: Mapped[str | None]
    ticket_reason: Mapped[str | None]
    ticketed_at: Mapped[datetime | None]
    ticketed_by: Mapped[str | None] = mapped_column(sa.String(36))
    log_event: Mapped[str | None]
    done_at: Mapped[datetime | None]
    actor_ref: Mapped[str | None]
    actor_name: Mapped[str | None]
