"""What HR told us, and what came of it."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.columns import state_column
from app.kernel.db import Governed, Model, Named, Versioned
from app.lifecycle.domain import LifecycleState, LifecycleType


class LifecycleEvent(Governed, Named, Versioned, Model):
    """One event, known by HR's own id for it."""

    __tablename__ = "lifecycle_event"
    __table_args__ = (sa.Index("ix_lifecycle_event_state_effective", "state", "effective_at"),)
    event_id: Mapped[str] = mapped_column(unique=True)
    type: Mapped[LifecycleType] = state_column(LifecycleType)
    employee_number: Mapped[str] = mapped_column(index=True)
    identity_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("directory_identity.id"), index=True
    )
    effective_at: Mapped[datetime]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body_digest: Mapped[str] = mapped_column(sa.String(64))
    first_answer: Mapped[dict[str, Any]]
    state: Mapped[LifecycleState] = state_column(LifecycleState)
    received_at: Mapped[datetime]
    received_by: Mapped[str]
    plan_id: Mapped[int | None] = mapped_column(sa.ForeignKey("provisioning_plan.id"), index=True)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    why: Mapped[str | None]
