"""Hear source logs: who changed memberships, as far as a source tells, and what was found of it."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0018"
down_revision = "0019"
branch_labels = None
depends_on = None

FINDING = "provisioning_finding"
TOLD = ("log_event", "done_at", "actor_ref", "actor_name")


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "directory_source",
        sa.Column("log_days", sa.Integer(), nullable=False, server_default="30"),
    )
    op.create_table(
        "directory_source_log",
        sa.Column("source_id", BigId, autoincrement=False, nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["directory_source.id"],
            name=op.f("fk_directory_source_log_source_id"),
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_directory_source_log")),
    )
    op.create_table(
        "directory_log_deed",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("account_external_id", sa.Text(), nullable=False),
        sa.Column("group_external_id", sa.Text(), nullable=False),
        sa.Column("is_joining", sa.Boolean(), nullable=False),
        sa.Column("is_ours", sa.Boolean(), nullable=False),
        sa.Column("actor_ref", sa.Text(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["directory_source.id"],
            name=op.f("fk_directory_log_deed_source_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_log_deed")),
        sa.UniqueConstraint(
            "source_id", "event_id", name=op.f("uq_directory_log_deed_source_id_event_id")
        ),
    )
    op.create_index("ix_directory_log_deed_source_id_at", "directory_log_deed", ["source_id", "at"])
    op.create_index(
        "ix_directory_log_deed_pair",
        "directory_log_deed",
        ["source_id", "group_external_id", "account_external_id"],
    )
    for name in TOLD:
        kind = UtcDateTime() if name == "done_at" else sa.Text()
        op.add_column(FINDING, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    """Go back."""
    for name in reversed(TOLD):
        op.drop_column(FINDING, name)
    op.drop_table("directory_log_deed")
    op.drop_table("directory_source_log")
    op.drop_column("directory_source", "log_days")
