"""The schema and the vocabulary hold together: names, states, governance, one word per event."""

import dataclasses
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from app import events, tables
from app.directory.models import Identity, Membership, Nesting
from app.kernel.db import Base, Governed, UtcDateTime
from app.kernel.event import PERSONAL, Event

APP = Path(inspect.getfile(tables)).parent
STAGES = {path.parent.name for path in APP.glob("*/models.py")}
POSTGRESQL_NAME_LIMIT = 63
NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
LATER = datetime(2026, 3, 2, tzinfo=UTC)
DERIVED = {"directory_closure", "directory_reach", "reviews_launch", "reviews_tally"}
# Rows that are themselves the record: their beginning and end is told, what goes on between is not.
OWN_RECORD = {"audit_cosignature", "directory_sync_run", "signin_session"}
# What a source's own log said: the ledger tells of each page, and of what was made of it.
HEARD = {"directory_log_deed", "directory_source_log"}
SAMPLES: dict[type, Any] = {
    int: 1,
    str: "text",
    bool: True,
    bytes: b"bytes",
}

TABLES = {table.name: table for table in sorted(tables.TABLES, key=lambda each: each.name)}
MAPPED = {
    mapper.local_table.name: mapper.class_
    for mapper in sorted(Base.registry.mappers, key=lambda each: each.class_.__name__)
    if isinstance(mapper.local_table, sa.Table)
}
STATE_COLUMNS = [
    column
    for table in TABLES.values()
    for column in table.columns
    if isinstance(column.type, sa.Enum)
]
OF_EVENTS = [
    found
    for _, found in inspect.getmembers(events, inspect.isclass)
    if issubclass(found, Event) and found is not Event
]


def _named(column: sa.Column[Any]) -> str:
    return f"{column.table.name}.{column.name}"


def _states(column: sa.Column[Any]) -> type[StrEnum]:
    assert isinstance(column.type, sa.Enum)
    states = column.type.enum_class
    assert states is not None
    assert issubclass(states, StrEnum)
    return states


def _sample(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.Enum):
        return next(iter(_states(column)))
    if isinstance(column.type, UtcDateTime):
        return NOW
    if isinstance(column.type, sa.JSON):
        return {"key": ["value"]}
    return SAMPLES[column.type.python_type]


def _row(table: sa.Table, **given: Any) -> dict[str, Any]:
    """A row with something in every column that needs it."""
    needed = [each for each in table.columns if not each.nullable]
    return {each.name: _sample(each) for each in needed} | given


@pytest.fixture
def store() -> Iterator[sa.Connection]:
    """The whole schema in memory; SQLite leaves foreign keys alone unless asked."""
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _insert(store: sa.Connection, model: type[Base], **given: Any) -> None:
    table = TABLES[str(model.__tablename__)]
    store.execute(table.insert().values(_row(table, **given)))


def test_every_stage_with_tables_is_in_the_list_of_tables() -> None:
    listed = {module.__name__.split(".")[1] for module in tables.MODULES}

    assert listed == STAGES | {"kernel"}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_named_after_its_stage(name: str) -> None:
    stage, _, noun = name.partition("_")
    home = MAPPED[name].__module__.split(".")[1]

    assert noun
    assert home == stage or (home, stage) == ("kernel", "ledger")


@pytest.mark.parametrize("name", [name for name in TABLES if name.split("_")[0] in STAGES])
def test_a_table_of_a_stage_is_governed_unless_it_is_derived(name: str) -> None:
    assert issubclass(MAPPED[name], Governed) is (name not in DERIVED | OWN_RECORD | HEARD)


@pytest.mark.parametrize("name", MAPPED)
def test_no_table_ties_stages_together_by_relationships(name: str) -> None:
    assert not sa.inspect(MAPPED[name]).relationships.keys()


@pytest.mark.parametrize("name", TABLES)
def test_every_table_takes_a_row_and_gives_it_back(store: sa.Connection, name: str) -> None:
    table = TABLES[name]
    row = _row(table)

    store.execute(table.insert().values(row))

    kept = store.execute(sa.select(table)).mappings().one()
    assert {key: kept[key] for key in row} == row


@pytest.mark.parametrize("column", STATE_COLUMNS, ids=_named)
def test_every_state_is_kept_by_its_value_and_read_back_as_itself(
    store: sa.Connection, column: sa.Column[Any]
) -> None:
    table = TABLES[column.table.name]
    store.execute(table.insert().values(_row(table)))

    for state in _states(column):
        store.execute(table.update().values({column.name: state}))

        assert store.scalar(sa.select(column)) is state
        assert store.scalar(sa.select(sa.type_coerce(column, sa.Text()))) == state.value


@pytest.mark.parametrize("column", STATE_COLUMNS, ids=_named)
def test_the_store_itself_refuses_a_state_that_nobody_declared(
    store: sa.Connection, column: sa.Column[Any]
) -> None:
    table = TABLES[column.table.name]
    store.execute(table.insert().values(_row(table)))
    undeclared: dict[str, Any] = {column.name: sa.literal_column("'undeclared'")}

    with pytest.raises(sa.exc.IntegrityError, match="CHECK constraint failed"):
        store.execute(table.update().values(undeclared))


@pytest.mark.parametrize("column", STATE_COLUMNS, ids=_named)
def test_a_state_is_optional_only_where_nothing_has_been_decided(column: sa.Column[Any]) -> None:
    undecided = {
        "audit_sample.frequency",  # the auditor said how many instead
        "directory_account_typing.type",  # only an owner was named
        "requests_approval.outcome",  # the question is open
        "reviews_item.decision",  # nobody has looked yet
        "signin_token.role",  # the token stands for a person
        "signin_link.role",  # the link signs a person in
        "signin_session.role",  # the session is a person's
    }

    assert column.nullable is (_named(column) in undecided)


@pytest.mark.parametrize("model", [Membership, Nesting])
def test_an_interval_is_open_at_most_once(store: sa.Connection, model: type[Base]) -> None:
    _insert(store, model, id=1, valid_to=NOW)
    _insert(store, model, id=2, valid_to=LATER)
    _insert(store, model, id=3, valid_to=None)

    with pytest.raises(sa.exc.IntegrityError, match="UNIQUE constraint failed"):
        _insert(store, model, id=4, valid_to=None)


def test_two_identities_share_no_employee_number_but_both_may_have_none(
    store: sa.Connection,
) -> None:
    _insert(store, Identity, id=1, public_id="a", employee_number=None)
    _insert(store, Identity, id=2, public_id="b", employee_number=None)
    _insert(store, Identity, id=3, public_id="c", employee_number="E-1")

    with pytest.raises(sa.exc.IntegrityError, match="UNIQUE constraint failed"):
        _insert(store, Identity, id=4, public_id="d", employee_number="E-1")


@pytest.mark.parametrize("name", TABLES)
def test_every_constraint_has_a_name_that_postgresql_keeps_whole(name: str) -> None:
    table = TABLES[name]
    names = [str(each.name) for each in table.constraints]
    names += [str(each.name) for each in table.indexes]

    assert "None" not in names
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= POSTGRESQL_NAME_LIMIT


@pytest.mark.parametrize("name", TABLES)
def test_a_foreign_key_has_the_type_of_what_it_points_to_on_postgresql(name: str) -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

    for key in TABLES[name].foreign_keys:
        assert key.parent.type.compile(dialect) == key.column.type.compile(dialect)


def test_an_open_interval_is_a_partial_unique_index_on_postgresql_too() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    (index,) = (each for each in TABLES["directory_membership"].indexes if each.unique)

    made = str(CreateIndex(index).compile(dialect=dialect))

    assert made.startswith("CREATE UNIQUE INDEX uq_directory_membership_open")
    assert made.endswith("(group_id, account_id) WHERE valid_to IS NULL")


def test_times_on_postgresql_know_their_zone() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    made = [str(CreateTable(table).compile(dialect=dialect)) for table in tables.TABLES]

    assert any("TIMESTAMP WITH TIME ZONE" in each for each in made)
    assert not any("WITHOUT TIME ZONE" in each for each in made)


def test_every_event_is_in_the_vocabulary_under_its_own_kind() -> None:
    assert {each.kind: each for each in OF_EVENTS} == dict(events.EVENTS)
    assert len({each.kind for each in OF_EVENTS}) == len(OF_EVENTS)


def test_the_vocabulary_is_listed_in_the_order_it_is_written_in() -> None:
    written = sorted(OF_EVENTS, key=lambda each: inspect.getsourcelines(each)[1])

    assert list(events.EVENTS.values()) == written


@pytest.mark.parametrize("event", OF_EVENTS, ids=lambda each: each.kind)
def test_an_event_is_frozen_and_says_what_happened(event: type[Event]) -> None:
    noun, dot, verb = event.kind.partition(".")

    assert noun
    assert dot
    assert verb.replace("_", "").isalpha()
    assert "kind" in vars(event)
    assert "(" not in (event.__doc__ or "("), "dataclass wrote the docstring itself"
    with pytest.raises(dataclasses.FrozenInstanceError):
        _made(event).subject = "other"  # type: ignore[misc]


@pytest.mark.parametrize("event", OF_EVENTS, ids=lambda each: each.kind)
def test_what_is_personal_never_stands_in_clear(event: type[Event]) -> None:
    made = _made(event)
    personal = {each.name for each in dataclasses.fields(event) if each.metadata.get(PERSONAL)}

    assert set(made.personal()) == personal
    assert set(made.data()) == {each.name for each in dataclasses.fields(event)} - personal - {
        "subject"
    }


@pytest.mark.parametrize("event", OF_EVENTS, ids=lambda each: each.kind)
def test_what_people_type_or_are_called_is_personal(event: type[Event]) -> None:
    typed = {"reason", "comment", "name", "mail", "ticket", "description", "employee_number"}
    clear = {each.name for each in dataclasses.fields(event) if not each.metadata.get(PERSONAL)}

    assert not clear & typed


def _made(event: type[Event]) -> Event:
    return event(**{each.name: "value" for each in dataclasses.fields(event)})
