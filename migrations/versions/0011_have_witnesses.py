"""Have witnesses: who cosigns the ledger's heads, their lines, and heads sent out daily."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "audit_witness",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_witness")),
        sa.UniqueConstraint("public_id", name=op.f("uq_audit_witness_public_id")),
    )
    op.create_table(
        "audit_cosignature",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("witness_id", BigId, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["witness_id"], ["audit_witness.id"], name=op.f("fk_audit_cosignature_witness_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_cosignature")),
        sa.UniqueConstraint(
            "witness_id", "size", name=op.f("uq_audit_cosignature_witness_id_size")
        ),
    )
    op.create_index(op.f("ix_audit_cosignature_size"), "audit_cosignature", ["size"])
    op.create_table(
        "audit_dispatch",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sent",
                "failed",
                name="dispatchstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_dispatch")),
        sa.UniqueConstraint("public_id", name=op.f("uq_audit_dispatch_public_id")),
        sa.UniqueConstraint("day", "target", name=op.f("uq_audit_dispatch_day_target")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("audit_dispatch")
    op.drop_table("audit_cosignature")
    op.drop_table("audit_witness")
