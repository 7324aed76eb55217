"""Every test here runs on SQLite and on PostgreSQL, over the migrated schema."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.enable_socket)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> str:
    """A fresh migrated database on each store."""
    if request.param == "sqlite":
        path = tmp_path / "attestry.sqlite3"
        shutil.copy(migrated_file, path)
        return f"sqlite:///{path}"
    server = request.getfixturevalue("postgres_server")
    url: str = server.migrated_database()
    return url
