"""The way of every command to the store: entries in their order however many, and connections."""

import pytest
import sqlalchemy as sa

from app.events import SourceAdded, TokenCreated
from app.kernel import db
from app.kernel.ledger import LedgerDisclosure, LedgerEntry, LedgerPending
from evidence.record import Disclosure as Opened
from evidence.record import check_disclosure, parse_record
from support.house import TestHouse
from support.servers.postgres import PostgresServer


@pytest.mark.parametrize("count", [1, 3, 8, 9, 40])
@pytest.mark.parametrize("is_opened", [True, False])
def test_entries_stand_in_their_order_pending_and_opened(
    house: TestHouse, count: int, is_opened: bool
) -> None:
    with house.write() as uow:
        made = [
            uow.record(
                TokenCreated(
                    subject=uow.ids.new(), role=None, identity=None, expires_at=None, name=f"n{at}"
                )
                if is_opened
                else SourceAdded(subject=uow.ids.new(), source_kind="memory")
            )
            for at in range(count)
        ]
    with house.read() as reading:
        rows = reading.session.execute(
            sa.select(LedgerEntry, LedgerDisclosure)
            .join(LedgerPending, LedgerPending.entry_id == LedgerEntry.id)
            .outerjoin(LedgerDisclosure, LedgerDisclosure.entry_id == LedgerEntry.id)
            .where(LedgerEntry.public_id.in_(made))
            .order_by(LedgerEntry.id)
        ).all()
    assert [entry.public_id for entry, _ in rows] == made
    for at, (entry, told) in enumerate(rows):
        record = parse_record(entry.body)
        assert (entry.at, entry.kind, entry.subject) == (
            house.clock.now(),
            record.kind,
            record.subject,
        )
        assert (told is not None) is is_opened
        if told is not None:
            assert told.value == f"n{at}"
            check_disclosure(record, Opened(record.id, told.field, told.salt, told.value))


@pytest.mark.enable_socket
def test_a_connection_that_broke_while_it_lay_idle_costs_nobody_a_call(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "ASK_AFTER_SECONDS", 0)
    url = postgres_server.migrated_database()
    engine, other = sa.create_engine(url), sa.create_engine(url)
    db.prepare(engine)
    ask = sa.text("SELECT pg_backend_pid()")
    with engine.connect() as connection:
        broken = connection.scalar(ask)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": broken})
    with engine.connect() as connection:
        assert connection.scalar(ask) != broken
    engine.dispose()
    other.dispose()
