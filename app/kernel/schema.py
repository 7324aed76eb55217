"""Create, upgrade and check the schema, with Alembic, on a connection we open ourselves."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import migrations
from app.kernel.db import Base

HEAD = "head"


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: sa.Engine, revision: str = HEAD) -> None:
    """Bring the schema to a revision; all of it or nothing where the store allows it."""
    with engine.begin() as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to a revision; `base` is before the first."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), revision)


def present(engine: sa.Engine) -> str | None:
    """Return the revision the database is at, or None if it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """Return the newest revision this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def drift(engine: sa.Engine) -> list[object]:
    """Return what the models say and the migrated schema does not, or the other way round."""
    from migrations.filter import ours

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "compare_type": True}
        )
        return list(compare_metadata(context, Base.metadata))
