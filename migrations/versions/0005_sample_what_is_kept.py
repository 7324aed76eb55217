"""Sample what is kept at once: which items were checked first, and what was said of them."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "reviews_sample",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("reviewer_id", BigId, nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("eligible", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.JSON(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("answered_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("kept", sa.Integer(), nullable=True),
        sa.Column("dwell_ms", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reviews_campaign.id"], name="fk_reviews_sample_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["directory_identity.id"], name="fk_reviews_sample_reviewer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reviews_sample"),
        sa.UniqueConstraint("public_id", name="uq_reviews_sample_public_id"),
    )
    with op.batch_alter_table("reviews_sample") as batch:
        batch.create_index("ix_reviews_sample_reviewer", ["reviewer_id", "campaign_id"])
    with op.batch_alter_table("reviews_decision") as batch:
        batch.add_column(sa.Column("is_viewed", sa.Boolean(), nullable=True))
        batch.add_column(sa.Column("sample_id", BigId, nullable=True))
        batch.create_foreign_key(
            "fk_reviews_decision_sample_id", "reviews_sample", ["sample_id"], ["id"]
        )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("reviews_decision") as batch:
        batch.drop_constraint("fk_reviews_decision_sample_id", type_="foreignkey")
        batch.drop_column("sample_id")
        batch.drop_column("is_viewed")
    op.drop_table("reviews_sample")
