"""Who was told what, when, and whether it arrived."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.columns import state_column
from app.kernel.db import Governed, Model, Named
from app.notices.domain import NoticeState


class Notice(Governed, Named, Model):
    """One message to one person."""

    __tablename__ = "notices_notice"
    recipient_id: Mapped[int] = mapped_column(sa.ForeignKey("directory_identity.id"), index=True)
    kind: Mapped[str]
    about: Mapped[str] = mapped_column(sa.String(36), index=True)
    subject: Mapped[str]
    body: Mapped[str]
    channel: Mapped[str]
    state: Mapped[NoticeState] = state_column(NoticeState)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]
    read_at: Mapped[datetime | None]
