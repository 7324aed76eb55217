"""Where an instance's database stands against this program, before anything is asked of it.

Alembic would know as well, but to load it takes a tenth of the time of a command: each migration's
file says in a line which one it follows, and the database in one row which was the last.
"""

import re
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa

import migrations
from app.kernel.db import engine_options

VERSIONS = "alembic_version"
NUMBERS = re.compile(r'^(revision|down_revision) = "(\w+)"$', re.MULTILINE)


class InstanceError(Exception):
    """There is no instance that this program can work on; the message says what to do."""


class Standing(StrEnum):
    """How a database's schema stands to this program."""

    ABSENT = "absent"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"

    @property
    def way_out(self) -> str:
        """What is so and what to do, in a sentence or two; nothing when all is well."""
        return WAYS_OUT[self]


CURRENT = frozenset({Standing.CURRENT})
UPGRADABLE = frozenset(Standing) - {Standing.NEWER}
WAYS_OUT = {
    Standing.ABSENT: "No instance is there yet: run `attestry init`, which makes one.",
    Standing.OLDER: "The database is older than this program: run `attestry init`, which upgrades.",
    Standing.CURRENT: "",
    Standing.NEWER: "The database is newer than this program. Install the newer program again.",
}


def newest() -> str:
    """Return the newest revision this program knows: the one that no other one follows."""
    chain = _chain()
    (head,) = chain.keys() - set(chain.values())
    return head


def of(engine: sa.Engine) -> Standing:
    """Look where a database stands.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: It cannot be reached.
    """
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(VERSIONS):
            return Standing.ABSENT
        number: sa.ColumnClause[str] = sa.column("version_num")
        found = connection.scalar(sa.select(number).select_from(sa.table(VERSIONS)))
    if found is None:
        return Standing.ABSENT
    if found == newest():
        return Standing.CURRENT
    return Standing.OLDER if found in _chain() else Standing.NEWER


def _chain() -> dict[str, str | None]:
    """Return each revision with the one before it, as the files of the migrations say."""
    folder = Path(migrations.__file__).parent / "versions"
    texts = (each.read_text(encoding="utf-8") for each in folder.glob("[0-9]*_*.py"))
    return {
        found["revision"]: found.get("down_revision")
        for found in (dict(NUMBERS.findall(text)) for text in texts)
    }


def require(url: str, among: frozenset[Standing] = CURRENT) -> None:
    """Refuse a database that is not of this version; one that is not there is not made.

    Args:
        url: Its address.
        among: What is good enough.

    Raises:
        InstanceError: It is not, or cannot be reached.
    """
    found = _look(url)
    if found not in among:
        raise InstanceError(f"{found.way_out} Looked at: {sa.make_url(url).render_as_string()}")


def _look(url: str) -> Standing:
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").exists():
        return Standing.ABSENT
    engine = sa.create_engine(url, **engine_options(url))
    try:
        return of(engine)
    except sa.exc.SQLAlchemyError as error:
        why = str(getattr(error, "orig", error)).strip().replace("\n", " ")
        raise InstanceError(f"The database cannot be reached: {why}") from error
    finally:
        engine.dispose()
