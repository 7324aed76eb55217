"""Launch in the background: a campaign may be being launched, or have failed to be."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CHECK = "ck_reviews_campaign_campaignstate"
AFTER = ("launching", "open", "closed", "failed")
BEFORE = ("open", "closed")


def upgrade() -> None:
    """Go forward."""
    _allow(AFTER)
    op.add_column("reviews_campaign", sa.Column("why", sa.Text(), nullable=True))
    op.create_table(
        "reviews_launch",
        sa.Column("campaign_id", BigId, autoincrement=False, nullable=False),
        sa.Column("looked_at", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reviews_campaign.id"], name=op.f("fk_reviews_launch_campaign_id")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_reviews_launch")),
    )


def downgrade() -> None:
    """Go back; a campaign that was never launched cannot stay."""
    op.drop_table("reviews_launch")
    op.execute("DELETE FROM reviews_campaign WHERE state IN ('launching', 'failed')")
    with op.batch_alter_table("reviews_campaign") as table:
        table.drop_column("why")
    _allow(BEFORE)


def _allow(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{each}'" for each in states)
    with op.batch_alter_table("reviews_campaign") as table:
        table.drop_constraint(op.f(CHECK), type_="check")
        table.create_check_constraint(op.f(CHECK), f"state IN ({listed})")
