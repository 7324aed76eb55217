"""Forget the first answers to forms once their sessions are over: find them by their time."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = "ix_kernel_stored_answer_forms"
ONLY = "key LIKE 'form:%'"


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        NAME,
        "kernel_stored_answer",
        ["at"],
        sqlite_where=sa.text(ONLY),
        postgresql_where=sa.text(ONLY),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index(NAME, "kernel_stored_answer")
