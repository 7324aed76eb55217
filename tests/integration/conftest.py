"""Every test here runs on SQLite and on PostgreSQL, over the migrated schema."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.enable_socket)])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path
) -> Iterator[str]:
    """A fresh migrated database on each store."""
    if request.param == "sqlite":
        path = tmp_path / "attestry.sqlite3"
        shutil.copy(migrated_file, path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    url: str = server.migrated_database()
    yield url
    server.drop(url)
