"""Keep past values: what accounts, groups and identities said before they were changed."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SUBJECTS = ("account", "group", "identity")


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "directory_past_value",
        sa.Column("id", BigId, autoincrement=True, nullable=False),
        *(sa.Column(f"{name}_id", BigId, nullable=True) for name in SUBJECTS),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("was", sa.JSON(), nullable=True),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.Column("until_at", UtcDateTime(), nullable=False),
        sa.Column("known_at", UtcDateTime(), nullable=False),
        sa.Column("run_id", BigId, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [f"{name}_id"],
                [f"directory_{name}.id"],
                name=op.f(f"fk_directory_past_value_{name}_id"),
            )
            for name in SUBJECTS
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["directory_sync_run.id"], name=op.f("fk_directory_past_value_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_past_value")),
    )
    for name in SUBJECTS:
        only = sa.text(f"{name}_id IS NOT NULL")
        op.create_index(
            f"ix_directory_past_value_{name}",
            "directory_past_value",
            [f"{name}_id", "until_at"],
            sqlite_where=only,
            postgresql_where=only,
        )


def downgrade() -> None:
    """Go back."""
    op.drop_table("directory_past_value")
