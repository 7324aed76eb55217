"""Make signatures last: the list of a key's authority, and which bundles were asked to last."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("audit_signing_key", sa.Column("revocation_list", sa.Text(), nullable=True))
    op.add_column(
        "audit_bundle",
        sa.Column("is_lasting", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_column("audit_bundle", "is_lasting")
    op.drop_column("audit_signing_key", "revocation_list")
