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


FILLED = (
    (
        "INSERT INTO reviews_template (id, public_id, name, scope, grace_hours, due_days,"
        " reason_required, created_at, created_by, version)"
        " VALUES (1, 't', 'All', '{}', 0, 14, true, '2026-03-02T08:00:00.000000Z', 'x', 1)"
    ),
    (
        "INSERT INTO reviews_campaign (id, public_id, template_id, name, state, snapshot,"
        " population_count, launched_at, launched_by, due_at, version)"
        " VALUES (1, 'c', 1, 'One', 'open', '[]', 1, '2026-03-02T08:00:00.000000Z', 'x',"
        " '2026-03-16T08:00:00.000000Z', 1)"
    ),
    (
        "INSERT INTO reviews_excluded (id, campaign_id, what, rule, reason)"
        " VALUES (1, 1, '{}', 'built_in', 'So')"
    ),
)


def test_what_is_kept_survives_that_its_tables_are_made_anew(engine: sa.Engine) -> None:
    schema.downgrade(engine, "0007")
    with engine.begin() as connection:
        for statement in FILLED:
            connection.exec_driver_sql(statement)
    schema.upgrade(engine)
    with engine.begin() as connection:
        kept = sa.text(
            "SELECT c.name, e.rule FROM reviews_excluded e"
            " JOIN reviews_campaign c ON c.id = e.campaign_id"
        )
        assert connection.execute(kept).all() == [("One", "built_in")]
        with pytest.raises(sa.exc.IntegrityError):  # references hold again
            connection.exec_driver_sql("DELETE FROM reviews_campaign")


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
