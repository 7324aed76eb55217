"""Let a provider vouch: whose account there is whose identity, and which roles it gave."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "signin_tie",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("identity_id", BigId, nullable=False),
        sa.Column("tied_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["directory_identity.id"], name=op.f("fk_signin_tie_identity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_tie")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_signin_tie_issuer_subject")),
        sa.UniqueConstraint("issuer", "identity_id", name=op.f("uq_signin_tie_issuer_identity_id")),
    )
    op.create_index(op.f("ix_signin_tie_identity_id"), "signin_tie", ["identity_id"])
    op.add_column("signin_role", sa.Column("issuer", sa.Text(), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("signin_role") as table:
        table.drop_column("issuer")
    op.drop_table("signin_tie")
