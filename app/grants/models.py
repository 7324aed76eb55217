"""The desired state: baseline + grants - ends. A baseline membership needs no row here."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.grants.domain import EndCause, EndState, GrantCause, GrantState
from app.kernel.columns import state_column
from app.kernel.db import Governed, Model, Named, Versioned


class Grant(Governed, Named, Versioned, Model):
    """A right decided here: this account in this group, until."""

    __tablename__ = "grants_grant"
    __table_args__ = (
        sa.Index("ix_grants_grant_account_group", "account_id", "group_id"),
        sa.Index("ix_grants_grant_state_until", "state", "until"),
    )
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    state: Mapped[GrantState] = state_column(GrantState)
    cause: Mapped[GrantCause] = state_column(GrantCause)
    cause_ref: Mapped[str] = mapped_column(sa.String(36), index=True)
    authorised_at: Mapped[datetime]
    until: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class End(Governed, Named, Versioned, Model):
    """The decided end of a grant, or of a membership that stood before us."""

    __tablename__ = "grants_end"
    __table_args__ = (sa.Index("ix_grants_end_account_group", "account_id", "group_id"),)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_account.id"))
    group_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_group.id"), index=True)
    grant_id: Mapped[int | None] = mapped_column(sa.ForeignKey("grants_grant.id"), index=True)
    state: Mapped[EndState] = state_column(EndState)
    cause: Mapped[EndCause] = state_column(EndCause)
    cause_ref: Mapped[str] = mapped_column(sa.String(36), index=True)
    decided_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
