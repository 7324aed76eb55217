"""Create, upgrade and check the schema, with Alembic, on a connection we open ourselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import migrations
from app.kernel.db import Base

HEAD = "head"


class DanglingRowsError(Exception):
    """Our own fault: a migration would leave rows that refer to nothing. Nothing was changed."""


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(engine: sa.Engine, revision: str = HEAD) -> None:
    """Bring the schema to a revision; all of it or nothing where the store allows it."""
    with _migrating(engine) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to a revision; `base` is before the first."""
    with _migrating(engine) as connection:
        command.downgrade(_config(connection), revision)


@contextmanager
def _migrating(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open one transaction for migrations.

    SQLite changes a table by making it anew, which its references would forbid: they are let go of
    meanwhile, as its documentation says (lang_altertable, 7), and all held against the data again
    before anything is kept.
    """
    with engine.connect() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        driver: Any = connection.connection.dbapi_connection
        if is_sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                broken = is_sqlite and driver.execute("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise DanglingRowsError(f"Migrations left rows that refer to nothing: {broken}")
        finally:
            if is_sqlite:
                driver.execute("PRAGMA foreign_keys=ON")


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
