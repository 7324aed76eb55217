"""A request, its ordered steps, and each approver's question. One aggregate, one lock."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.columns import state_column
from app.kernel.db import Governed, Model, Named, Versioned
from app.requests.domain import Action, ApprovalOutcome, RequestState, StepState


class AccessRequest(Governed, Named, Versioned, Model):
    """A wish to add, remove or extend access for a beneficiary."""

    __tablename__ = "requests_request"
    requester_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    beneficiary_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    action: Mapped[Action] = state_column(Action)
    reason: Mapped[str]
    duration_days: Mapped[int | None]
    ticket: Mapped[str | None]
    state: Mapped[RequestState] = state_column(RequestState, index=True)
    ruling_id: Mapped[int] = mapped_column(sa.ForeignKey("rulebook_ruling.id"))
    plan: Mapped[list[Any]]
    plan_digest: Mapped[str] = mapped_column(sa.String(64))
    submitted_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    why: Mapped[str | None]
    grant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("grants_grant.id"), index=True)
    end_id: Mapped[int | None] = mapped_column(sa.ForeignKey("grants_end.id"), index=True)


class Step(Governed, Named, Model):
    """One ordered step of the flow."""

    __tablename__ = "requests_step"
    __table_args__ = (sa.UniqueConstraint("request_id", "ordinal"),)
    request_id: Mapped[int] = mapped_column(sa.ForeignKey("requests_request.id"))
    ordinal: Mapped[int]
    role: Mapped[str]
    quorum: Mapped[int] = mapped_column(default=1)
    how: Mapped[str]
    state: Mapped[StepState] = state_column(StepState)
    opened_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]


class Approval(Governed, Named, Versioned, Model):
    """The question put to one approver, and the answer."""

    __tablename__ = "requests_approval"
    __table_args__ = (
        sa.UniqueConstraint("step_id", "approver_id"),
        sa.Index(
            "ix_requests_approval_open",
            "approver_id",
            sqlite_where=sa.text("outcome IS NULL"),
            postgresql_where=sa.text("outcome IS NULL"),
        ),
    )
    step_id: Mapped[int] = mapped_column(sa.ForeignKey("requests_step.id"))
    approver_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"))
    how: Mapped[str]
    outcome: Mapped[ApprovalOutcome | None] = state_column(ApprovalOutcome, nullable=True)
    comment: Mapped[str | None]
    plan_digest: Mapped[str | None] = mapped_column(sa.String(64))
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("directory_identity.id"))


class Delegation(Governed, Named, Model):
    """Who stands in for whom, from when to when."""

    __tablename__ = "requests_delegation"
    delegator_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    delegate_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    reason: Mapped[str]
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime]
    ended_at: Mapped[datetime | None]
