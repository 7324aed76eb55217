"""Many rows at once, on both stores: what is written is what is read, and nothing is lost."""

from datetime import UTC, datetime
from itertools import repeat
from typing import cast

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.directory.domain import CorrelationRule, IdentityKind, Provenance
from app.directory.models import Account, Group, Identity, Membership, Source
from app.events import IdentitiesCorrelated, SourceAdded
from app.kernel import bulk
from app.kernel.errors import UnrecordedChangeError
from app.kernel.ledger import MANY, LedgerEntry
from app.kernel.uow import UnitOfWork
from evidence.record import parse_record
from support.house import TestHouse

AT = datetime(2026, 3, 2, 8, 0, 0, 123456, UTC)
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
    refused = (IntegrityError, psycopg.errors.IntegrityError)
    with pytest.raises(refused), house.write() as uow:
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


def test_arrays_and_single_values_are_written_as_rows_are(house: TestHouse) -> None:
    count = 3
    with pytest.raises(UnrecordedChangeError), house.write() as uow:
        source = Source(
            public_id=uow.ids.new(), name="s", kind="memory", settings={}, created_at=AT
        )
        uow.session.add(source)
        uow.session.flush()
        held = {"source_id": source.id, "is_writable": True, "is_administrative": False}
        told = {"kind": "k", "description": "", "address": "", "digest": b"", "first_seen_at": AT}
        groups = [
            Group(public_id=each, external_id=each, name=each, **held, **told)
            for each in uow.ids.many(count)
        ]
        person = {"login": "l", "display_name": "d", "status": "s", "is_enabled": True}
        person |= {key: told[key] for key in ("kind", "address", "digest", "first_seen_at")}
        one = Account(public_id=uow.ids.new(), source_id=source.id, external_id="a", **person)
        uow.session.add_all([*groups, one])
        uow.session.flush()
        keys = [each.id for each in groups]
        bulk.insert(
            uow.session,
            cast("sa.Table", Membership.__table__),
            {
                "group_id": np.array(keys),
                "account_id": np.full(count, one.id),
                "is_primary": np.array([True, False, True]),
                "valid_from": repeat(AT),
                "run_from": repeat(None),
                "provenance": repeat(Provenance.RULE),
            },
        )
        chosen = bulk.among(uow.session, Membership.group_id, keys)
        found = uow.session.scalars(sa.select(Membership).where(chosen).order_by(Membership.id))
        assert [
            (each.group_id, each.account_id, each.is_primary, each.valid_from, each.provenance)
            for each in found
        ] == [
            (key, one.id, is_primary, AT, Provenance.RULE)
            for key, is_primary in zip(keys, (True, False, True), strict=True)
        ]
        assert {each.run_from for each in uow.session.scalars(sa.select(Membership))} == {None}


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
