"""Find drift: what a read showed that nobody decided, and quick ways to what a run changed."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = ("appeared", "vanished")
STATES = ("open", "adopted", "reverting", "reverted", "failed", "gone")
OPEN, ENDED_BY_A_RUN = "valid_to IS NULL", "run_to IS NOT NULL"


def _state(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "provisioning_finding",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        sa.Column("public_id", sa.String(length=36), nullable=False),
        sa.Column("kind", _state("findingkind", *KINDS), nullable=False),
        sa.Column("membership_id", BigId, nullable=False),
        sa.Column("account_id", BigId, nullable=False),
        sa.Column("group_id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("state", _state("findingstate", *STATES), nullable=False),
        sa.Column("found_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["directory_account.id"], name="fk_provisioning_finding_account_id"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name="fk_provisioning_finding_group_id"
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["directory_membership.id"],
            name="fk_provisioning_finding_membership_id",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["directory_sync_run.id"], name="fk_provisioning_finding_run_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provisioning_finding"),
        sa.UniqueConstraint(
            "kind", "membership_id", name="uq_provisioning_finding_kind_membership_id"
        ),
        sa.UniqueConstraint("public_id", name="uq_provisioning_finding_public_id"),
    )
    with op.batch_alter_table("provisioning_finding") as batch:
        batch.create_index("ix_provisioning_finding_account_group", ["account_id", "group_id"])
        batch.create_index("ix_provisioning_finding_group_id", ["group_id"])
        batch.create_index("ix_provisioning_finding_run_id", ["run_id"])
        batch.create_index("ix_provisioning_finding_state", ["state"])
    with op.batch_alter_table("directory_membership") as batch:
        batch.create_index(
            "ix_directory_membership_run_from",
            ["run_from"],
            sqlite_where=sa.text(OPEN),
            postgresql_where=sa.text(OPEN),
        )
        batch.create_index(
            "ix_directory_membership_run_to",
            ["run_to"],
            sqlite_where=sa.text(ENDED_BY_A_RUN),
            postgresql_where=sa.text(ENDED_BY_A_RUN),
        )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("directory_membership") as batch:
        batch.drop_index("ix_directory_membership_run_to")
        batch.drop_index("ix_directory_membership_run_from")
    op.drop_table("provisioning_finding")
