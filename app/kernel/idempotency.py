"""First answers, kept under the key their callers gave, in the transaction of the change.

Those to forms are kept under a key of the form, and forgotten when no session that could send it
again is left: one of them may hold a token that is shown once.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.kernel.db import Keyed, Model

SEALED = "sealed:"  # before a secret answer, in base64; never the beginning of a JSON text

FORM = "form:"
_FORMS_ONLY = f"key LIKE '{FORM}%'"


class StoredAnswer(Keyed, Model):
    """What one caller was answered the first time under one key."""

    __tablename__ = "kernel_stored_answer"
    __table_args__ = (
        sa.UniqueConstraint("caller", "key"),
        sa.Index(
            "ix_kernel_stored_answer_forms",
            "at",
            sqlite_where=sa.text(_FORMS_ONLY),
            postgresql_where=sa.text(_FORMS_ONLY),
        ),
    )
    caller: Mapped[str]
    key: Mapped[str]
    digest: Mapped[str]
    status: Mapped[int]
    body: Mapped[str]
    at: Mapped[datetime]

    @property
    def sealed_for(self) -> str:
        """What a secret answer is sealed for."""
        return f"answer:{self.caller}:{self.key}"


def is_forgotten(before: datetime) -> sa.ColumnElement[bool]:
    """Return which answers to forms were given before a moment."""
    return sa.and_(sa.text(_FORMS_ONLY), StoredAnswer.at <= before)
