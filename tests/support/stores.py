"""Stores with the migrated schema, and houses over them.

Tests of commands and queries run on both stores (`tests/integration/conftest.py`); tests of pages
on SQLite, since what they hold is the pages.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.kernel import schema
from app.kernel.db import prepare
from support.cast import Cast, bring_in
from support.house import TestHouse, open_house


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the migrated schema, to be copied."""
    path = tmp_path_factory.mktemp("schema") / "template.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}")
    prepare(engine)
    schema.upgrade(engine)
    engine.dispose()
    with closing(sqlite3.connect(path)) as plain:  # a checkpoint cannot run inside a transaction
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def database_url(tmp_path: Path, migrated_file: Path) -> str:
    """A fresh migrated database."""
    path = tmp_path / "attestry.sqlite3"
    shutil.copy(migrated_file, path)
    return f"sqlite:///{path}"


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[TestHouse]:
    """A house with the starter policy and keys, and nobody in it."""
    yield from open_house(tmp_path, database_url)


@pytest.fixture
def cast(house: TestHouse) -> Cast:
    """The cast, in two simulated sources that have been read once."""
    return bring_in(house)
