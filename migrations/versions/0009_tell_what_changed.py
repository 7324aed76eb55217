"""Tell what changed: runs that are deltas, members not known yet, groups left out by name."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    for name in ("is_delta", "is_stored"):
        op.add_column(
            "directory_sync_run",
            sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()),
        )
    op.add_column("directory_sync_run", sa.Column("stored_at", UtcDateTime(), nullable=True))
    op.add_column("directory_sync_run", sa.Column("started_from", sa.Text(), nullable=True))
    op.execute(
        "UPDATE directory_sync_run SET is_stored = true, stored_at = ended_at "
        "WHERE state IN ('complete', 'accepted')"
    )
    op.add_column("directory_group", sa.Column("unknown_members", sa.JSON(), nullable=True))
    op.add_column("directory_group", sa.Column("unread_since", UtcDateTime(), nullable=True))
    op.add_column("directory_group", sa.Column("unread_run_id", sa.BigInteger(), nullable=True))
    op.create_table(
        "directory_exclusion",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"], ["directory_source.id"], name=op.f("fk_directory_exclusion_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_exclusion")),
        sa.UniqueConstraint("public_id", name=op.f("uq_directory_exclusion_public_id")),
    )
    op.create_index(
        "uq_directory_exclusion_open",
        "directory_exclusion",
        ["source_id", "external_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("directory_exclusion")
    with op.batch_alter_table("directory_group") as table:
        for name in ("unknown_members", "unread_since", "unread_run_id"):
            table.drop_column(name)
    with op.batch_alter_table("directory_sync_run") as table:
        for name in ("is_delta", "is_stored", "stored_at", "started_from"):
            table.drop_column(name)
