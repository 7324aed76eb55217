"""Follow nestings: keep which groups lead to administration, find what was nested once."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db import BigId

revision = "0021"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "directory_reach"
ENDS = ("child_id", "parent_id")
# What the closure knows already, and one step from a master to its mirror; the next read that
# changes a nesting brings in whatever is tied by more than one mirror.
FILL = """
WITH leads(group_id, end_id, steps) AS (
    SELECT id, id, 1 FROM directory_group WHERE is_administrative AND ended_at IS NULL
    UNION ALL
    SELECT c.descendant_id, c.ancestor_id, c.depth + 1
    FROM directory_closure c
    JOIN directory_group g ON g.id = c.ancestor_id
    WHERE g.is_administrative AND g.ended_at IS NULL
), masters(mirror_id, master_id) AS (
    SELECT g.id, min(m.id)
    FROM directory_group g
    JOIN directory_group m
        ON m.external_id = g.master_external_id AND m.source_id <> g.source_id
        AND m.ended_at IS NULL
    WHERE g.ended_at IS NULL
    GROUP BY g.id
), crossed(group_id, end_id, steps) AS (
    SELECT m.master_id, l.end_id, l.steps + 1
    FROM masters m JOIN leads l ON l.group_id = m.mirror_id
), found(group_id, end_id, steps) AS (
    SELECT group_id, end_id, steps FROM leads
    UNION ALL SELECT group_id, end_id, steps FROM crossed
    UNION ALL
    SELECT c.descendant_id, x.end_id, x.steps + c.depth
    FROM crossed x JOIN directory_closure c ON c.ancestor_id = x.group_id
)
INSERT INTO directory_reach (group_id, administrative_id, steps)
SELECT group_id, end_id, min(steps) FROM found GROUP BY group_id, end_id
"""


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        TABLE,
        sa.Column("group_id", BigId, autoincrement=False, nullable=False),
        sa.Column("administrative_id", BigId, autoincrement=False, nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["directory_group.id"], name=op.f("fk_directory_reach_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["administrative_id"],
            ["directory_group.id"],
            name=op.f("fk_directory_reach_administrative_id"),
        ),
        sa.PrimaryKeyConstraint("group_id", "administrative_id", name=op.f("pk_directory_reach")),
    )
    op.create_index(op.f("ix_directory_reach_administrative_id"), TABLE, ["administrative_id"])
    op.create_index(op.f("ix_directory_group_external_id"), "directory_group", ["external_id"])
    for each in ENDS:  # of closed nestings, too: what a group was in at a moment
        op.create_index(op.f(f"ix_directory_nesting_{each}"), "directory_nesting", [each])
    op.drop_index("ix_directory_nesting_child_open", "directory_nesting")
    moved = sa.text("field = 'identity_id'")
    op.create_index(
        "ix_directory_past_value_moved",
        "directory_past_value",
        ["account_id"],
        sqlite_where=moved,
        postgresql_where=moved,
    )
    op.execute(FILL)


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_directory_past_value_moved", "directory_past_value")
    only = sa.text("valid_to IS NULL")
    op.create_index(
        "ix_directory_nesting_child_open",
        "directory_nesting",
        ["child_id"],
        sqlite_where=only,
        postgresql_where=only,
    )
    for each in reversed(ENDS):
        op.drop_index(op.f(f"ix_directory_nesting_{each}"), "directory_nesting")
    op.drop_index(op.f("ix_directory_group_external_id"), "directory_group")
    op.drop_table(TABLE)
