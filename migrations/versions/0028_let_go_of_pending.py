"""Let go of the foreign key of pending ledger entries: it guarded what nothing can remove."""

from alembic import op

from app.kernel.db import NAMING

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEY = "fk_ledger_pending_entry_id"


def upgrade() -> None:
    """Take it away; on SQLite the table, which is small, is made anew."""
    with op.batch_alter_table("ledger_pending", naming_convention=NAMING) as table:
        table.drop_constraint(KEY, type_="foreignkey")


def downgrade() -> None:
    """Put it back."""
    with op.batch_alter_table("ledger_pending", naming_convention=NAMING) as table:
        table.create_foreign_key(KEY, "ledger_entry", ["entry_id"], ["id"])
