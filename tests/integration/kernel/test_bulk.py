"""Many rows at once, on both stores: what is written is what is read, and nothing is lost."""

from itertools import repeat
from typing import cast
from uuid import UUID

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa

from app.directory.domain import CorrelationRule, IdentityKind, Provenance
from app.directory.models import Identity, Membership
from app.events import IdentitiesCorrelated, SourceAdded
from app.kernel import bulk, packed
from app.kernel.errors import UnrecordedChangeError
from app.kernel.ledger import MANY, LedgerEntry
from app.kernel.uow import UnitOfWork
from evidence.record import parse_record
from integration.kernel.rows import AT, REFUSED, groups_and_one, join
from support.house import TestHouse

TABLE = cast("sa.Table", Identity.__table__)
ODD = ("tab\tand \\ and\nline", "čšž Ἀθῆναι 東京 🙂", 'it\'s "so"', "\\N", "")


def put(uow: UnitOfWork, *, manager: int | None = None) -> list[int]:
    """Insert identities with odd names; each is managed by the one after it."""
    keys = bulk.next_keys(uow.session, TABLE, len(ODD))
    uow.touch(Identity)
    bulk.insert(
        uow.session,
        TABLE,
        {
            "id": keys,
            "public_id": uow.ids.many(len(ODD)),
            "kind": repeat(IdentityKind.PERSON),
            "display_name": ODD,
            "mail": repeat(None),
            "employee_number": [f"bulk-{each}" for each in keys],
            "manager_id": [*keys[1:], manager],
            "is_active": [place % 2 == 0 for place in range(len(ODD))],
            "correlation_rule": repeat(CorrelationRule.OWN.value),
            "first_seen_at": repeat(AT),
        },
        refers_to_itself=True,
    )
    return keys


def rows(uow: UnitOfWork, keys: list[int]) -> list[Identity]:
    found = uow.session.scalars(sa.select(Identity).where(Identity.id.in_(keys)))
    return sorted(found, key=lambda each: each.id)


def test_what_is_inserted_comes_back_with_every_odd_sign(house: TestHouse) -> None:
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        keys = put(uow)
        found = rows(uow, keys)
        assert [each.display_name for each in found] == list(ODD)
        assert [each.manager_id for each in found] == [*keys[1:], None]
        assert {(each.kind, each.first_seen_at, each.mail) for each in found} == {
            (IdentityKind.PERSON, AT, None)
        }
        assert [each.is_active for each in found] == [True, False, True, False, True]


def test_keys_are_never_given_twice(house: TestHouse) -> None:
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        first = put(uow)
        assert not set(first) & set(bulk.next_keys(uow.session, TABLE, 3))


def test_each_row_gets_the_values_meant_for_it(house: TestHouse) -> None:
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        keys = put(uow)
        backwards = list(reversed(ODD))
        bulk.update(uow.session, TABLE, keys, {"display_name": backwards, "mail": [None, *ODD[1:]]})
        found = rows(uow, keys)
        assert [each.display_name for each in found] == backwards
        assert [each.mail for each in found] == [None, *ODD[1:]]


def test_a_row_that_names_one_that_is_not_there_is_refused(house: TestHouse) -> None:
    with pytest.raises(REFUSED), house.write() as uow:
        put(uow, manager=999_999_999)
        uow.record(IdentitiesCorrelated(subject="run", appeared=5, changed=0, linked=0, rules=1))


def test_numbers_come_as_columns(house: TestHouse) -> None:
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        keys = put(uow)
        wanted = sa.select(Identity.id, Identity.is_active).where(Identity.id.in_(keys))
        found = bulk.numbers(uow.session, wanted.order_by(Identity.id), 2)
        assert found.tolist() == [keys, [1, 0, 1, 0, 1]]
        empty = bulk.numbers(uow.session, wanted.where(sa.false()), 2)
        assert empty.shape == (2, 0)


def test_arrays_and_single_values_are_written_as_rows_are(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "AT_ONCE", 2)
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        keys, one = groups_and_one(uow, 3)
        join(uow, keys, one, Provenance.RULE)
        chosen = bulk.among(uow.session, Membership.group_id, keys)
        found = uow.session.scalars(sa.select(Membership).where(chosen).order_by(Membership.id))
        assert [
            (each.group_id, each.account_id, each.is_primary, each.valid_from, each.provenance)
            for each in found
        ] == [
            (key, one, is_primary, AT, Provenance.RULE)
            for key, is_primary in zip(keys, (True, False, True), strict=True)
        ]
        assert {each.run_from for each in uow.session.scalars(sa.select(Membership))} == {None}


def test_a_word_that_a_check_does_not_know_is_refused_before_many_rows_and_after(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "AT_ONCE", 2)
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        keys, one = groups_and_one(uow, 6)
        join(uow, keys[:5], one, Provenance.RULE)
        for some in (keys[5:], keys):
            with pytest.raises(REFUSED), uow.session.begin_nested():
                join(uow, some, one, "hearsay")
        rest = {"group_id": keys[5], "account_id": one, "is_primary": False, "valid_from": AT}
        mapped = Membership(**rest, run_from=None, provenance="hearsay")
        with pytest.raises(REFUSED), uow.session.begin_nested():
            uow.session.add(mapped)
            uow.session.flush()


@pytest.mark.parametrize("is_text", [True, False])
def test_what_a_check_sees_otherwise_in_each_row_it_is_asked_of_each(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch, *, is_text: bool
) -> None:
    monkeypatch.setattr(packed, "AT_ONCE", 1)
    number = sa.Column("n", sa.Integer)
    limit = sa.CheckConstraint("n < 3" if is_text else number < 3)
    few = sa.Table("few", sa.MetaData(), number, limit, prefixes=["TEMPORARY"])
    with pytest.raises(REFUSED), house.write() as uow:
        few.create(uow.session.connection())
        bulk.insert(uow.session, few, {"n": np.array([1, 2, 3])})


def test_ids_that_are_made_together_rise(house: TestHouse) -> None:
    made = house.tx.ids.many(100)
    assert made == sorted(set(made))
    assert {UUID(each).version for each in made} == {7}


def test_many_entries_of_the_ledger_are_written_a_column_at_a_time(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_by_one(_copy: object, row: object) -> None:
        pytest.fail(f"the driver was left to write {row}")

    monkeypatch.setattr(psycopg.Copy, "write_row", one_by_one)
    with house.write() as uow:
        subjects = uow.ids.many(MANY)
        uow.record_all(SourceAdded(subject=each, source_kind="memory") for each in subjects)
    with house.read() as reading:
        entries = sa.select(LedgerEntry).where(LedgerEntry.subject.in_(subjects))
        rows = reading.session.scalars(entries.order_by(LedgerEntry.id)).all()
    assert [parse_record(each.body).subject for each in rows] == subjects
