"""Follow up removals: who answers for a revoke that was not carried out, and until when."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0027"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = "reviews_follow_up"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        TABLE,
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("owner_id", BigId, nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("due_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("set_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["reviews_item.id"], name=op.f("fk_reviews_follow_up_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["directory_identity.id"], name=op.f("fk_reviews_follow_up_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews_follow_up")),
        sa.UniqueConstraint("item_id", "turn", name=op.f("uq_reviews_follow_up_item_id_turn")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table(TABLE)
