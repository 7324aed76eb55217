"""Tell overdue follow-ups once: when it was noted that one of a removal is late."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TABLE = "reviews_follow_up"


def upgrade() -> None:
    """Go forward."""
    op.add_column(TABLE, sa.Column("overdue_at", UtcDateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column(TABLE, "overdue_at")
