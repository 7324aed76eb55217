"""First answers, kept under the key their callers gave, in the transaction of the change."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.kernel.db import Keyed, Model


class StoredAnswer(Keyed, Model):
    """What one caller was answered the first time under one key."""

    __tablename__ = "kernel_stored_answer"
    __table_args__ = (sa.UniqueConstraint("caller", "key"),)
    caller: Mapped[str]
    key: Mapped[str]
    digest: Mapped[str]
    status: Mapped[int]
    body: Mapped[str]
    at: Mapped[datetime]
