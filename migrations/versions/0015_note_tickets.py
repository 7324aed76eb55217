"""Note tickets: where a finding of drift is looked into while it stays open."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "provisioning_finding"
COLUMNS = ("ticket", "ticket_reason", "ticketed_at", "ticketed_by")


def upgrade() -> None:
    """Go forward."""
    op.add_column(TABLE, sa.Column("ticket", sa.Text(), nullable=True))
    op.add_column(TABLE, sa.Column("ticket_reason", sa.Text(), nullable=True))
    op.add_column(TABLE, sa.Column("ticketed_at", UtcDateTime(), nullable=True))
    op.add_column(TABLE, sa.Column("ticketed_by", sa.String(length=36), nullable=True))


def downgrade() -> None:
    """Go back."""
    for each in reversed(COLUMNS):
        op.drop_column(TABLE, each)
