"""How Alembic meets the database: `app/kernel/schema.py` hands over a connection."""

from alembic import context

from app.kernel.db import Base
from app.tables import TABLES
from migrations.filter import ours


def run() -> None:
    """Run the migrations over the connection that was handed in."""
    assert TABLES, "app.tables imports every table"  # noqa: S101 - the import is what counts
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        include_object=ours,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
