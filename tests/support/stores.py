"""Stores with the migrated schema, and houses over them, empty or with the cast in them.

Tests of commands and queries run on both stores (`tests/integration/conftest.py`); tests of pages
on SQLite, since what they hold is the pages. To bring in the cast takes longer than most tests: it
is done once for each store of a test process, and copied.
"""

import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import sqlalchemy as sa

from app.kernel import schema
from app.kernel.db import prepare
from support.cast import Cast, bring_in
from support.house import TestHouse, open_house
from support.servers.postgres import PostgresServer


@dataclass(frozen=True, slots=True)
class Kept:
    """A house with the cast in it, to be copied.

    Attributes:
        template: What its database is copied from.
        files: The files of its home, the database aside.
        admin_token: Of its first administrator.
        tokens: API token by name of the cast.
    """

    template: str
    files: Path
    admin_token: str
    tokens: Mapping[str, str]


class Databases(Protocol):
    """Makes databases of one kind of store."""

    def empty(self, home: Path) -> str:
        """Make one with the migrated schema; return its address."""
        ...

    def keep(self, url: str, home: Path) -> str:
        """Keep one that nobody uses any more as a template; return what `copy` takes."""
        ...

    def copy(self, template: str, home: Path) -> str:
        """Make one from a template; return its address."""
        ...

    def drop(self, url: str) -> None:
        """Remove one."""
        ...


class SqliteFiles:
    """Databases that are files."""

    def __init__(self, migrated: Path) -> None:
        """Know what an empty one is copied from."""
        self._migrated = migrated

    def empty(self, home: Path) -> str:
        """Copy the migrated file."""
        return self.copy(str(self._migrated), home)

    def keep(self, url: str, home: Path) -> str:
        """Put all of it into its one file, out of its home."""
        path = Path(sa.make_url(url).database or "")
        _settle(path)
        kept = home.with_name(f"{home.name}.sqlite3")
        path.replace(kept)
        return str(kept)

    def copy(self, template: str, home: Path) -> str:
        """Copy the file."""
        path = home / "attestry.sqlite3"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Leave it to the test's folder."""


class PostgresDatabases:
    """Databases of a cluster."""

    def __init__(self, server: PostgresServer) -> None:
        """Know the cluster."""
        self._server = server

    def empty(self, _home: Path) -> str:
        """Copy the migrated one."""
        return self._server.migrated_database()

    def keep(self, url: str, _home: Path) -> str:
        """Keep it as it is."""
        return str(sa.make_url(url).database)

    def copy(self, template: str, _home: Path) -> str:
        """Copy it."""
        return self._server.database(template)

    def drop(self, url: str) -> None:
        """Remove it."""
        self._server.drop(url)


class Store:
    """One kind of store for a test process: fresh databases, with the cast or without."""

    def __init__(self, databases: Databases, folder: Path) -> None:
        """Keep what is made once in a folder.

        Args:
            databases: Makes them.
            folder: Of this store alone.
        """
        self._databases = databases
        self._folder = folder
        # The cast's sources name the files that they are in. Each test finds its own there.
        self._home = folder / "home"
        self._kept: Kept | None = None

    def empty(self, home: Path) -> str:
        """Return the address of a fresh database with the migrated schema."""
        return self._databases.empty(home)

    def drop(self, url: str) -> None:
        """Remove a database."""
        self._databases.drop(url)

    def filled(self, home: Path) -> str:
        """Put the files of the cast's house into a home; return the address of its database."""
        kept = self.kept
        shutil.copytree(kept.files, home, dirs_exist_ok=True)
        self._lead_to(home)
        return self._databases.copy(kept.template, home)

    @property
    def kept(self) -> Kept:
        """What is copied, made at the first use."""
        if self._kept is None:
            self._kept = self._fill()
        return self._kept

    def _fill(self) -> Kept:
        files = self._folder / "filled"
        files.mkdir()
        self._lead_to(files)
        url = self._databases.empty(files)
        with contextmanager(open_house)(self._home, url) as house:
            tokens = bring_in(house).tokens
        return Kept(self._databases.keep(url, files), files, house.admin_token, tokens)

    def _lead_to(self, home: Path) -> None:
        self._home.unlink(missing_ok=True)
        self._home.symlink_to(home, target_is_directory=True)


def _settle(path: Path) -> None:
    """Leave all of a SQLite database in its one file."""
    with closing(sqlite3.connect(path)) as plain:  # a checkpoint cannot run inside a transaction
        plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the migrated schema, to be copied."""
    path = tmp_path_factory.mktemp("schema") / "template.sqlite3"
    engine = sa.create_engine(f"sqlite:///{path}")
    prepare(engine)
    schema.upgrade(engine)
    engine.dispose()
    _settle(path)
    return path


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Store:
    """SQLite for this test process."""
    return Store(SqliteFiles(migrated_file), tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_store(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer
) -> Store:
    """PostgreSQL for this test process."""
    return Store(PostgresDatabases(postgres_server), tmp_path_factory.mktemp("postgresql"))


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """The store of this test."""
    return sqlite_store


@pytest.fixture
def database_url(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database; in a test of the cast, that of their house."""
    url = store.filled(tmp_path) if "cast" in request.fixturenames else store.empty(tmp_path)
    yield url
    store.drop(url)


@pytest.fixture
def house(tmp_path: Path, database_url: str) -> Iterator[TestHouse]:
    """A house with the starter policy and keys, and nobody in it but the cast, if asked for."""
    yield from open_house(tmp_path, database_url)


@pytest.fixture
def cast(house: TestHouse, store: Store) -> Cast:
    """The cast, in two simulated sources that have been read once."""
    house.admin_token = store.kept.admin_token
    return Cast(house, dict(store.kept.tokens))
