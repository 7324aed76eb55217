"""Schedule reads: when each source is read by itself, and how much a read may end."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

RULES = {
    "delta_minutes": "15",
    "full_hours": "24",
    "most_accounts_percent": "20",
    "most_memberships_percent": "20",
    "most_of_group_percent": "50",
    "large_group": "100",
}


def upgrade() -> None:
    """Go forward."""
    for name, value in RULES.items():
        op.add_column(
            "directory_source",
            sa.Column(name, sa.Integer(), nullable=False, server_default=value),
        )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("directory_source") as table:
        for name in RULES:
            table.drop_column(name)
