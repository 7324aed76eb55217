"""Policy texts in force over time, and every verdict with the facts it was made from."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Governed, Model, Named


class Policy(Governed, Named, Model):
    """One policy text, as written, from when to when."""

    __tablename__ = "rulebook_policy"
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    text: Mapped[str]
    in_force_from: Mapped[datetime]
    in_force_to: Mapped[datetime | None]
    created_by: Mapped[str]


class Ruling(Governed, Named, Model):
    """One recorded verdict; the same text and facts give it again."""

    __tablename__ = "rulebook_ruling"
    policy_id: Mapped[int] = mapped_column(sa.ForeignKey("rulebook_policy.id"), index=True)
    outcome: Mapped[str]
    facts: Mapped[str]
    verdict: Mapped[dict[str, Any]]
    judged_at: Mapped[datetime]
