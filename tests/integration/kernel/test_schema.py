"""The migrations make exactly the schema the models describe, and can be taken back."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.kernel import schema
from app.kernel.db import prepare
from support.house import TestHouse


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(database_url)
    prepare(engine)
    yield engine
    engine.dispose()


def test_the_migrated_schema_is_the_one_the_models_describe(engine: sa.Engine) -> None:
    assert schema.present(engine) == schema.newest()
    assert schema.drift(engine) == []


def test_every_migration_can_be_taken_back_and_made_again(engine: sa.Engine) -> None:
    schema.downgrade(engine, "base")
    left = {name for name in sa.inspect(engine).get_table_names() if name != "alembic_version"}
    assert left == set()
    schema.upgrade(engine)
    assert schema.drift(engine) == []


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_position", "ledger_checkpoint"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {}"])
def test_the_ledger_refuses_to_be_changed(house: TestHouse, table: str, statement: str) -> None:
    house.tick()
    column = {"ledger_entry": "kind = 'x'", "ledger_position": "idx = 9"}.get(table, "note = 'x'")
    with (
        house.tx.database.session() as session,
        pytest.raises(sa.exc.DBAPIError, match="append-only"),
    ):
        session.execute(sa.text(statement.format(table, column)))
