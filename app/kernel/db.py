"""Flask-SQLAlchemy, the declarative base, column types and constraint names.

The only file that imports Flask-SQLAlchemy. It opens SQLite and PostgreSQL so that the same code
means the same on both: foreign keys are enforced, times are aware UTC, and a transaction that
writes takes SQLite's write lock when it begins instead of failing when it first writes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_MILLISECONDS = 30_000
FILLS = "fills"  # an option of a connection whose transaction brings very many rows
# A connection that was used so recently is not asked first whether it still stands: that asking was
# one of five ways to the store and back of a small command. If it broke just then, one call fails,
# and with it every connection of the pool is made anew.
ASK_AFTER_SECONDS = 5.0


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC, to the microsecond, in a form that sorts on every store."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(27))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    @override
    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A stored time must be aware")
        value = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return f"{value.isoformat(timespec='microseconds')[:-6]}Z"  # instead of +00:00
        return value

    @override
    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)  # its Z makes it UTC; strptime is ten times slower
        moment: datetime = value
        return moment.astimezone(UTC)


# SQLite counts rows up only for a column that is exactly INTEGER PRIMARY KEY.
BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")


TYPES: dict[Any, Any] = {
    datetime: UtcDateTime(),
    dict[str, Any]: sa.JSON(),
    list[Any]: sa.JSON(),
    bytes: sa.LargeBinary(),
    str: sa.Text(),
}


class Base(DeclarativeBase):
    """The base of every table of the house."""

    registry = registry(metadata=sa.MetaData(naming_convention=NAMING), type_annotation_map=TYPES)


class Governed:
    """A table whose rows may not change without an entry in the ledger in the same transaction."""

    __governed__ = True


class Keyed:
    """An integer key for inside."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True, sort_order=-10)


class Named(Keyed):
    """An integer key for inside, and a public identifier for URLs, exports and the ledger."""

    public_id: Mapped[str] = mapped_column(sa.String(36), unique=True, sort_order=-9)


class Versioned:
    """Counts its changes; what two people can change at once is changed only at a known version."""

    version: Mapped[int] = mapped_column(default=1, sort_order=90)

    @sa.orm.declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


db = SQLAlchemy(model_class=Base, disable_autonaming=True)

if TYPE_CHECKING:
    from flask import Flask

    class Model(Base):
        """What every table class derives from."""

        __abstract__ = True

else:
    Model = db.Model


def engine_options(url: str) -> dict[str, Any]:
    """Say how to open a database address.

    Args:
        url: An SQLAlchemy address, `sqlite:///…` or `postgresql+psycopg://…`.
    """
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_MILLISECONDS / 1000, "check_same_thread": False}}
    return {
        "pool_size": 10,
        "max_overflow": 20,
        "connect_args": {"connect_timeout": 10, "options": "-c timezone=UTC"},
    }


def prepare(engine: sa.Engine) -> None:
    """Make SQLite behave: WAL, foreign keys, durable commits, and transactions that we begin.

    Of PostgreSQL, a connection that lay idle for a while is asked whether it still stands.
    """
    if engine.dialect.name != "sqlite":
        _ask_the_idle(engine)
        return

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late and too weak
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            "synchronous=FULL",  # a commit that was answered survives a power cut
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get(FILLS, False):  # within a transaction SQLite does not listen to it
            connection.info[FILLS] = True
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        reads_only = options.get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    @sa.event.listens_for(engine, "checkin")
    def _on_checkin(connection: Any, record: Any) -> None:
        if record.info.pop(FILLS, False) and connection is not None:
            connection.execute("PRAGMA foreign_keys=ON")


def _ask_the_idle(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "checkin")
    def _on_checkin(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, record: Any, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < ASK_AFTER_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error  # the pool is made anew, and asked again


class WritingSession(Session):
    """A session of a unit of work, which watches what changes through it (`uow.py`)."""


class Database:
    """An open database: hands out sessions for writing and for reading."""

    def __init__(self, engine: sa.Engine) -> None:
        """Wrap an engine that `prepare` has seen."""
        self.engine = engine
        self._reading = engine.execution_options(reads_only=True)
        self._filling = engine.execution_options(**{FILLS: True})

    def session(self, *, fills: bool = False) -> WritingSession:
        """Return a session whose transaction may write; only the unit of work asks for it.

        Args:
            fills: Whether SQLite is to leave it to us to look for what rows name (`references.py`).
        """
        engine = self._filling if fills else self.engine
        return WritingSession(engine, expire_on_commit=False)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading one consistent moment; what it changes is never kept."""
        with Session(self._reading, expire_on_commit=False, autoflush=False) as session:
            if self.engine.dialect.name != "sqlite":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session
            session.expunge_all()  # rows stay readable after the block
            session.rollback()


def open_database(app: "Flask", url: str) -> Database:
    """Tie a Flask application to a database and open it.

    Args:
        app: The application being made.
        url: Where the database is.
    """
    app.config["SQLALCHEMY_ENGINES"] = None
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    prepare(engine)
    return Database(engine)
