"""A new seal key: nothing is lost whenever it stops, nobody has to be stopped for it."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.audit import resealing, sealing, signing
from app.audit.models import SigningKey
from app.cli.main import Local, attestry
from app.directory import service as directory
from app.directory.models import Source
from app.kernel.actor import SYSTEM
from app.kernel.errors import NotPermittedError
from app.kernel.ledger import LedgerEntry
from app.kernel.sealed import SealError, SealKey
from support.cast import Cast
from support.house import TestHouse

SECRET = "a password of a directory"


@pytest.fixture
def source(house: TestHouse, cast: Cast) -> str:
    """A source with a secret; returns its public id."""
    assert cast.tokens
    with house.write() as uow:
        return directory.add_source(
            uow,
            house.house.seal,
            name="ad",
            kind="active_directory",
            settings={
                "uri": "ldaps://127.0.0.1",
                "base_dn": "DC=x",
                "bind_dn": "CN=y",
                "ca_file": "/x",
            },
            secrets={"password": SECRET},
        ).public_id


def key_file(house: TestHouse) -> Path:
    return house.house.settings.seal_key_file


def fresh(house: TestHouse) -> SealKey:
    """The keys as a process that starts now reads them."""
    return SealKey.from_file(key_file(house), create=False)


def opens(house: TestHouse, source: str, seal: SealKey) -> bool:
    """Say whether the source's secret and every signing key open."""
    with house.read() as reading:
        row = reading.session.scalars(sa.select(Source).where(Source.public_id == source)).one()
        signing.log_signer(reading, seal)
        signing.document_key(reading, seal)
        return seal.open_mapping(f"source:{source}", row.sealed_secrets) == {"password": SECRET}


def sealed_under(house: TestHouse, key_id: str) -> int:
    with house.read() as reading:
        values = [
            *reading.session.scalars(sa.select(SigningKey.sealed)),
            *reading.session.scalars(
                sa.select(Source.sealed_secrets).where(Source.sealed_secrets.is_not(None))
            ),
        ]
    return sum(each is not None and each[1:9].hex() == key_id for each in values)


def test_everything_is_sealed_anew_and_the_old_key_opens_nothing(
    house: TestHouse, source: str
) -> None:
    old_text = key_file(house).read_text()
    old = fresh(house).newest_id
    run = CliRunner().invoke(
        attestry, ["key", "rotate", "--purpose", "seal", "--json"], obj=Local(opened=house.house)
    )
    assert run.exit_code == 0, run.output
    told = json.loads(run.output)
    now = fresh(house)
    assert (now.newest_id, now.older_ids) == (told["key_id"], [])
    assert sealed_under(house, old) == 0
    assert sealed_under(house, now.newest_id) == 3
    assert opens(house, source, now)
    assert key_file(house).stat().st_mode & 0o777 == 0o600
    with pytest.raises(SealError, match="another key"):
        opens(house, source, SealKey([bytes.fromhex(old_text.strip())]))
    assert sealing.seal_pending(house.tx, now, house.home)


def test_it_is_told_to_the_ledger(house: TestHouse, source: str) -> None:
    assert source
    resealing.rotate(house.tx, house.house.seal, SYSTEM)
    with house.read() as reading:
        bodies = reading.session.scalars(
            sa.select(LedgerEntry.body)
            .where(LedgerEntry.kind.in_(("key.made", "key.retired")))
            .order_by(LedgerEntry.id.desc())
            .limit(2)
        ).all()
    assert {json.loads(each)["data"]["purpose"] for each in bodies} == {"seal"}


@pytest.mark.parametrize("place", ["before sealing anew", "before forgetting"])
def test_one_that_stopped_on_its_way_lost_nothing_and_goes_on(
    house: TestHouse, source: str, place: str
) -> None:
    stopped = fresh(house)
    stopped.add_newest()
    if place == "before forgetting":
        assert resealing.seal_anew(house.tx, stopped, SYSTEM) == 3
    between = fresh(house)
    assert len(between.older_ids) == 1
    assert opens(house, source, between)
    resealing.rotate(house.tx, between, SYSTEM)
    after = fresh(house)
    assert (after.newest_id, after.older_ids) == (between.newest_id, [])
    assert opens(house, source, after)


def test_a_first_answer_that_was_sealed_is_given_again_afterwards(
    house: TestHouse, cast: Cast
) -> None:
    frank = cast.call("frank")
    first = frank.post("/tokens", {"role": "auditor"}, 201, idempotency_key="once")
    resealing.rotate(house.tx, fresh(house), SYSTEM)
    again = frank.post("/tokens", {"role": "auditor"}, 201, idempotency_key="once")
    assert again == first


def test_a_process_that_runs_meanwhile_opens_and_seals_on(house: TestHouse, source: str) -> None:
    elsewhere = fresh(house)
    resealing.rotate(house.tx, fresh(house), SYSTEM)
    assert opens(house, source, elsewhere)
    late = fresh(house)
    another = SealKey.from_file(key_file(house), create=False)
    resealing.rotate(house.tx, late, SYSTEM)
    assert fresh(house).is_newest(another.seal("x", b"y"))


def test_a_value_that_does_not_open_stops_it_before_anything_changes(
    house: TestHouse, source: str
) -> None:
    old = fresh(house).newest_id
    with house.tx.database.engine.begin() as connection:
        connection.execute(
            sa.update(Source).where(Source.public_id == source).values(sealed_secrets=b"\1" * 60)
        )
    with pytest.raises(SealError):
        resealing.rotate(house.tx, fresh(house), SYSTEM)
    assert sealed_under(house, old) == 2
    assert old in fresh(house).older_ids


def test_only_an_administrator_rotates_it(house: TestHouse, cast: Cast) -> None:
    text = key_file(house).read_text()
    for name in ("olga", "dana", "alice"):
        with pytest.raises(NotPermittedError):
            resealing.rotate(house.tx, fresh(house), cast.actor(name))
    assert key_file(house).read_text() == text
