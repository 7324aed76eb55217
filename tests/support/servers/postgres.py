"""A private PostgreSQL cluster for the tests, on a Unix socket in a folder of its own.

PostgreSQL refuses to run as root, so its programs run as the user `postgres` that Debian's package
makes. Without root or the package, what needs it is skipped with that reason.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.kernel import schema

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
USER = "postgres"
TEMPLATE = "migrated"
TIMEOUT = 60
SETTINGS = ("listen_addresses=", "max_connections=200", "shared_buffers=64MB")
FORGETFUL = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
# A database is hundreds of files: in memory they are made and removed in a fifth of the time.
MEMORY, ROOM_NEEDED = Path("/dev/shm"), 4 * 1024**3  # noqa: S108 - a folder of its own is made in it


def missing() -> str | None:
    """Say why it cannot run here, or None."""
    if not BINARIES:
        return "PostgreSQL is not installed (make packages installs it, as root)"
    if os.geteuid() != 0:
        return "PostgreSQL for tests is started as root, which drops to the user postgres"
    return None


class PostgresServer:
    """A running cluster."""

    def __init__(self, folder: Path, settings: Sequence[str] = FORGETFUL) -> None:
        """Know where it lives, and how it is to run."""
        self._folder = folder
        self._settings = (*SETTINGS, *settings, f"unix_socket_directories={folder}")
        self._names = count(1)
        self._has_template = False

    def _run(self, program: str, *arguments: str) -> None:
        command = ["runuser", "-u", USER, "--", str(BINARIES[-1] / program), *arguments]
        done = subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr or done.stdout}")

    def start(self) -> None:
        """Make the cluster and start it."""
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        options = " ".join(f"-c {each}" for each in self._settings)
        self._run(
            "pg_ctl", "-D", data, "-w", "-l", str(self._folder / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        """Stop it at once; nobody needs its data any more."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql+psycopg://{USER}@/{database}?host={self._folder}"

    def database(self, template: str = "template1") -> str:
        """Make a fresh database and return its address."""
        name = f"test_{next(self._names)}"
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(
                f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"
            )
        engine.dispose()
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        name = sa.make_url(url).database
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()

    def migrated_database(self) -> str:
        """Make a fresh database with the migrated schema, from a template made once."""
        if not self._has_template:
            maintenance = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
            with maintenance.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {TEMPLATE}")
            maintenance.dispose()
            engine = sa.create_engine(self.url(TEMPLATE))
            schema.upgrade(engine)
            engine.dispose()
            self._has_template = True
        return self.database(TEMPLATE)


def _memory() -> Path | None:
    """Return where files are kept in memory, if there is room; else None, for the usual place."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM_NEEDED:
        return None
    return MEMORY


@contextmanager
def running(
    *, is_durable: bool = False, is_in_memory: bool = False, more: Sequence[str] = ()
) -> Iterator[PostgresServer]:
    """Run a cluster for as long as the block lasts.

    Args:
        is_durable: It flushes each commit to disk, as one in earnest does.
        is_in_memory: Its files are kept in memory, if there is room; what is measured is on disk.
        more: Settings beside those of the tests, which count before them.
    """
    held_in = _memory() if is_in_memory else None
    folder = Path(tempfile.mkdtemp(prefix="attestry-pg-", dir=held_in))
    owner = pwd.getpwnam(USER)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    server = PostgresServer(folder, (*(() if is_durable else FORGETFUL), *more))
    try:
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL cluster for this test process."""
    why = missing()
    if why is not None:
        pytest.skip(why)
    with running(is_in_memory=True) as server:
        yield server
