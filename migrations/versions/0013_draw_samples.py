"""Draw samples: auditors' samples and words; what a bundle replaces, and its file's end.

A bundle may be about one control from now on, so its kind may be `control`.
"""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KINDS = ("campaign", "period", "sample")
POPULATIONS = ("memberships", "requests", "items", "leavers")
FREQUENCIES = ("yearly", "quarterly", "monthly", "weekly", "daily", "often")


def _check(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{each}'" for each in values)
    return f"{column} IN ({listed})"


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "audit_nonce",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("campaign_id", BigId, nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["reviews_campaign.id"], name=op.f("fk_audit_nonce_campaign_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_nonce")),
        sa.UniqueConstraint("campaign_id", "nonce", name=op.f("uq_audit_nonce_campaign_id_nonce")),
    )
    with op.batch_alter_table("audit_nonce") as batch:
        batch.create_index(op.f("ix_audit_nonce_campaign_id"), ["campaign_id"])
    op.create_table(
        "audit_sample",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("population", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("frequency", sa.String(length=32), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("population_count", sa.Integer(), nullable=False),
        sa.Column("population_digest", sa.String(length=64), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("drawn_by", sa.Text(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            _check("population", POPULATIONS), name=op.f("ck_audit_sample_population")
        ),
        sa.CheckConstraint(
            _check("frequency", FREQUENCIES), name=op.f("ck_audit_sample_frequency")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_sample")),
        sa.UniqueConstraint("public_id", name=op.f("uq_audit_sample_public_id")),
    )
    with op.batch_alter_table("audit_bundle") as batch:
        batch.add_column(sa.Column("why_anew", sa.Text(), nullable=True))
        batch.add_column(sa.Column("closing", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("removed_at", UtcDateTime(timezone=True), nullable=True))
        batch.drop_constraint(op.f("ck_audit_bundle_bundlekind"), type_="check")
        batch.create_check_constraint(
            op.f("ck_audit_bundle_bundlekind"), _check("kind", (*KINDS, "control"))
        )


def downgrade() -> None:
    """Go back; bundles of one control become those of a period, which they are a part of."""
    op.execute("UPDATE audit_bundle SET kind = 'period' WHERE kind = 'control'")
    with op.batch_alter_table("audit_bundle") as batch:
        batch.drop_constraint(op.f("ck_audit_bundle_bundlekind"), type_="check")
        batch.create_check_constraint(op.f("ck_audit_bundle_bundlekind"), _check("kind", KINDS))
        batch.drop_column("removed_at")
        batch.drop_column("closing")
        batch.drop_column("why_anew")
    op.drop_table("audit_sample")
    op.drop_table("audit_nonce")
