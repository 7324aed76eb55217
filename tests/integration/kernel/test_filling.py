"""Very many rows at once: the table is left with every index it had, whatever happens."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.directory.models import Membership, Source
from app.kernel.errors import UnrecordedChangeError
from app.kernel.filling import MANY, filling
from support.house import TestHouse

MEMBERSHIPS = cast("sa.Table", Membership.__table__)
SOURCES = cast("sa.Table", Source.__table__)
AT = datetime(2026, 3, 2, tzinfo=UTC)


def indexes(session: Session) -> list[tuple[Any, ...]]:
    """Return name, columns and condition of each index."""
    found = sa.inspect(session.connection()).get_indexes(MEMBERSHIPS.name)
    return sorted(
        (
            each["name"],
            each["unique"],
            *each["column_names"],
            *map(str, each.get("dialect_options", {}).values()),
        )
        for each in found
    )


def room(session: Session) -> object:
    """Return how many pages SQLite keeps; PostgreSQL is never asked."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return session.scalar(sa.text("PRAGMA cache_size")) if is_sqlite else None


def test_an_empty_table_gets_its_indexes_back_after_its_rows(house: TestHouse) -> None:
    with house.write() as uow:
        before = indexes(uow.session)
        with filling(uow.session, MEMBERSHIPS, MANY):
            within = indexes(uow.session)
        assert indexes(uow.session) == before
    is_sqlite = house.house.tx.database.engine.dialect.name == "sqlite"
    assert (within == []) == is_sqlite


def test_an_index_that_is_looked_into_meanwhile_stays(house: TestHouse) -> None:
    with house.write() as uow:
        before = indexes(uow.session)
        with filling(uow.session, MEMBERSHIPS, MANY, keeping="run_to"):
            within = indexes(uow.session)
        assert indexes(uow.session) == before
    is_sqlite = house.house.tx.database.engine.dialect.name == "sqlite"
    left = ["ix_directory_membership_run_to"]
    assert [each[0] for each in within] == (left if is_sqlite else [each[0] for each in before])


def test_a_table_that_holds_more_keeps_its_indexes_and_gets_room(house: TestHouse) -> None:
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        uow.session.add(
            Source(
                id=MANY + 1,
                public_id=uow.ids.new(),
                name="s",
                kind="memory",
                settings={},
                created_at=AT,
            )
        )
        uow.session.flush()
        before = room(uow.session)
        with filling(uow.session, SOURCES, MANY):
            within = room(uow.session)
        assert room(uow.session) == before
        assert (within == before) == (before is None)


def test_what_fails_meanwhile_leaves_every_index(house: TestHouse) -> None:
    with house.read() as reading:
        before = indexes(reading.session)
    with pytest.raises(LookupError), house.write() as uow, filling(uow.session, MEMBERSHIPS, MANY):
        raise LookupError
    with house.read() as reading:
        assert indexes(reading.session) == before
