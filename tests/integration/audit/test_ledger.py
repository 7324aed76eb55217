"""The ledger: numbered without gaps, sealed by one, and every alteration found."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from typing_extensions import override

from app import events
from app.audit import checking, sealing, signing
from app.audit import ledger as reads
from app.audit.domain import KeyPurpose
from app.audit.tiles import StoredTiles
from app.kernel.actor import SYSTEM, Actor, ActorKind, Role
from app.kernel.errors import ConflictError, NotPermittedError
from app.kernel.ledger import (
    LedgerCheckpoint,
    LedgerEntry,
    LedgerPending,
    LedgerPosition,
    LedgerTile,
)
from app.kernel.uow import Transactions, UnitOfWork
from evidence.checkpoint import open_checkpoint
from evidence.merkle import leaf_hash, tree_root
from evidence.tiles import root
from evidence.wholelog import check_log
from support.house import TestHouse


def tell(house: TestHouse, count: int) -> None:
    """Write entries, one transaction each."""
    for people in range(count):
        with house.write() as uow:
            uow.record(events.DemonstrationMade(subject="demonstration", people=people))


def seal(house: TestHouse) -> object:
    return sealing.seal_pending(house.tx, house.house.seal, house.home)


def check(house: TestHouse) -> checking.LedgerReport:
    with house.read() as reading:
        return checking.verify(reading)


def unguarded(house: TestHouse) -> None:
    """Take the append-only guards away, as somebody with the database's own password can."""
    with house.tx.database.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            names = connection.scalars(
                sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name in names:
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
        else:
            for table in ("ledger_entry", "ledger_position", "ledger_checkpoint"):
                connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))


def test_sealing_numbers_every_entry_without_gaps_and_signs_their_root(house: TestHouse) -> None:
    tell(house, 300)
    head = seal(house)
    with house.read() as reading:
        rows = reading.session.execute(
            sa.select(LedgerPosition.idx, LedgerEntry.body)
            .join(LedgerEntry, LedgerEntry.id == LedgerPosition.entry_id)
            .order_by(LedgerPosition.idx)
        ).all()
        note = reading.session.scalar(sa.select(LedgerCheckpoint.note))
        keys = signing.verifier_keys(reading)
        from_tiles = root(StoredTiles(reading.session), len(rows))
    naive = tree_root([leaf_hash(row.body) for row in rows])
    assert [row.idx for row in rows] == list(range(len(rows)))
    assert len(rows) > 300
    assert open_checkpoint(str(note).encode(), keys) == head
    assert from_tiles == naive == open_checkpoint(str(note).encode(), keys).root


def test_sealing_with_nothing_new_signs_nothing(house: TestHouse) -> None:
    first = seal(house)
    assert seal(house) == first
    with house.read() as reading:
        count = reading.session.scalar(sa.select(sa.func.count()).select_from(LedgerCheckpoint))
    assert count == 1


class Busy(Transactions):
    """Transactions of a store where somebody else writes as soon as one of ours is through."""

    patience = 5

    @override
    @contextmanager
    def write(self, actor: Actor = SYSTEM, *, fills: bool = False) -> Iterator[UnitOfWork]:
        """Open a unit of work; after it, another one has written."""
        self.patience -= 1
        assert self.patience, "It goes on as long as others write."
        with super().write(actor, fills=fills) as uow:
            yield uow
        with super().write() as uow:
            uow.record(events.DemonstrationMade(subject="demonstration", people=1))


def test_writers_that_never_rest_keep_no_sealer_from_its_end(house: TestHouse) -> None:
    tell(house, 1)
    of_house = house.tx
    busy = Busy(of_house.database, of_house.clock, of_house.ids, of_house.jobs)
    head = sealing.seal_pending(busy, house.house.seal, house.home)
    with house.read() as reading:
        left = reading.session.scalar(sa.select(sa.func.count()).select_from(LedgerPending))
    assert head is not None
    assert left == 1


def test_several_sealers_and_writers_at_once_leave_one_sequence(house: TestHouse) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(8):
                tell(house, 2)
                seal(house)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    seal(house)
    report = check(house)
    assert report.problems == ()
    assert report.pending == 0
    assert report.size >= 48


def test_a_sealed_ledger_holds(house: TestHouse) -> None:
    tell(house, 3)
    seal(house)
    tell(house, 260)
    seal(house)
    tell(house, 2)
    report = check(house)
    assert report.holds
    assert (report.pending, report.checkpoints) == (2, 2)


@pytest.mark.parametrize("also_leaf", [False, True])
def test_an_altered_entry_is_named(house: TestHouse, also_leaf: bool) -> None:
    tell(house, 5)
    seal(house)
    with house.read() as reading:
        target = reading.session.execute(
            sa.select(LedgerPosition.idx, LedgerEntry)
            .join(LedgerEntry, LedgerEntry.id == LedgerPosition.entry_id)
            .where(LedgerEntry.kind == "demonstration.made")
            .order_by(LedgerPosition.idx.desc())
            .limit(1)
        ).one()
    body = target.LedgerEntry.body.replace(b'"people":4', b'"people":5')
    assert body != target.LedgerEntry.body
    leaf = leaf_hash(body) if also_leaf else target.LedgerEntry.leaf
    unguarded(house)
    with house.tx.database.engine.begin() as connection:
        connection.execute(
            sa.update(LedgerEntry)
            .where(LedgerEntry.id == target.LedgerEntry.id)
            .values(body=body, leaf=leaf)
        )
    report = check(house)
    assert f"Entry {target.idx}" in report.problems[0]


def test_a_removed_entry_is_named(house: TestHouse) -> None:
    tell(house, 5)
    seal(house)
    unguarded(house)
    with house.tx.database.engine.begin() as connection:
        connection.execute(sa.delete(LedgerPosition).where(LedgerPosition.idx == 3))
    assert check(house).problems[0] == "Entry 3 is missing: the next one is 4."


def test_an_altered_tile_is_found(house: TestHouse) -> None:
    tell(house, 5)
    seal(house)
    with house.tx.database.engine.begin() as connection:
        held = connection.scalars(sa.select(LedgerTile.hashes)).one()
        connection.execute(sa.update(LedgerTile).values(hashes=bytes(32) + held[32:]))
    assert check(house).problems == ("Entry 0 is not the one that was taken into the tree.",)


def test_entries_and_their_numbers_cannot_be_changed_or_deleted(house: TestHouse) -> None:
    tell(house, 1)
    seal(house)
    for statement in (
        sa.update(LedgerEntry).values(kind="x"),
        sa.delete(LedgerEntry),
        sa.update(LedgerPosition).values(idx=LedgerPosition.idx + 100),
        sa.delete(LedgerPosition),
    ):
        with (
            pytest.raises(sa.exc.DBAPIError, match="append-only"),
            house.tx.database.engine.begin() as connection,
        ):
            connection.execute(statement)


def test_a_database_older_than_the_last_signed_head_is_not_sealed(house: TestHouse) -> None:
    tell(house, 2)
    seal(house)
    unguarded(house)
    with house.tx.database.engine.begin() as connection:  # as if restored from before the head
        connection.execute(sa.delete(LedgerCheckpoint))
        connection.execute(sa.delete(LedgerPosition))
        connection.execute(sa.delete(LedgerTile))
        connection.execute(sa.text("UPDATE ledger_head SET size = 0"))
        connection.execute(
            sa.insert(LedgerPending).from_select(["entry_id"], sa.select(LedgerEntry.id))
        )
    with pytest.raises(ConflictError, match="older database"):
        seal(house)


def test_another_history_of_the_same_length_is_not_sealed(house: TestHouse) -> None:
    tell(house, 2)
    seal(house)
    with house.tx.database.engine.begin() as connection:
        held = connection.scalars(sa.select(LedgerTile.hashes)).one()
        connection.execute(sa.update(LedgerTile).values(hashes=held[32:64] + held[:32] + held[64:]))
    tell(house, 1)
    with pytest.raises(ConflictError, match="altered"):
        seal(house)


def test_a_new_key_signs_and_the_old_heads_still_hold(house: TestHouse) -> None:
    seal(house)
    house.clock.advance(timedelta(days=1))
    with house.write() as uow:
        before = signing.present_key(uow)
        signing.rotate(uow, house.house.seal, KeyPurpose.LOG)
    seal(house)
    with house.read() as reading:
        after = signing.present_key(reading)
        known = signing.verifier_keys(reading)
        retired = [each.retired_at for each in signing.history(reading)]
    assert after != before
    assert known == (after, before)
    assert after.name == before.name
    assert house.clock.now() in retired
    assert check(house).holds


def test_an_operator_cannot_rotate_keys(house: TestHouse) -> None:
    olga = Actor(ActorKind.TOKEN, "olga", roles=frozenset({Role.OPERATOR}))
    with pytest.raises(NotPermittedError), house.write(olga) as uow:
        signing.rotate(uow, house.house.seal, KeyPurpose.LOG)


def test_the_exported_log_is_checked_without_the_database(
    house: TestHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tell(house, 20)
    seal(house)
    tell(house, 1)
    path = tmp_path_factory.mktemp("export") / "log.jsonl"
    with house.read() as reading, path.open("wb") as file:
        head = reads.export(reading, file)
        known = signing.verifier_keys(reading)
    check_log(path, open_checkpoint(head.note.encode(), known))
