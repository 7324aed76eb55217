"""Limit auditors: an auditor's role may reach some campaigns, a stretch of time, controls in it."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = "signin_role"


def upgrade() -> None:
    """Go forward."""
    op.add_column(TABLE, sa.Column("limits", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column(TABLE, "limits")
