"""Know lists as told: a group's members as its source lists them, so that they need no sorting."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; each list is taken in anew by the next read that looks at it."""
    op.add_column("directory_group", sa.Column("listed_digest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("directory_group", "listed_digest")
