"""Bundles: whole, verified by the verifier alone, refused once anything in them is changed."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import bundles, making, sealing, signing
from app.audit.domain import BundleState, KeyPurpose
from app.kernel.errors import InvalidInputError, NotFoundError
from app.kernel.ledger import LedgerEntry
from evidence.keys import VerifierKey
from evidence.verify import main as verify_main
from evidence.verify import verify_bundle
from support.cast import Cast
from support.house import MORNING, TestHouse


def key_of(house: TestHouse) -> VerifierKey:
    with house.read() as reading:
        return signing.present_key(reading)


def built(house: TestHouse, wish: bundles.Wish) -> bundles.BundleRow:
    with house.write() as uow:
        asked = bundles.request(uow, wish)
    house.drain()
    with house.read() as reading:
        return bundles.find_bundle(reading, asked.id)


def whole_period(house: TestHouse) -> bundles.Wish:
    return bundles.Wish(start=MORNING - timedelta(days=1), end=house.clock.now())


def path_of(house: TestHouse, row: bundles.BundleRow) -> Path:
    return bundles.bundle_path(house.home, row.id)


def lines(path: Path, member: str) -> list[dict[str, Any]]:
    with zipfile.ZipFile(path) as held:
        return [json.loads(line) for line in held.read(member).splitlines()]


@pytest.fixture
def period(house: TestHouse, cast: Cast) -> bundles.BundleRow:
    """A bundle of everything up to now."""
    house.clock.advance(timedelta(hours=1))
    assert cast.house is house
    return built(house, whole_period(house))


def test_a_period_bundle_verifies_with_the_key_of_the_instance(
    house: TestHouse, period: bundles.BundleRow
) -> None:
    assert period.state is BundleState.READY, period.why
    report = verify_bundle(path_of(house, period), [key_of(house)])
    assert report.exit_code == 0
    assert {each["status"] for each in period.checks} == {"passed"}


def test_without_the_key_the_signer_is_unknown(house: TestHouse, period: bundles.BundleRow) -> None:
    assert verify_main(["verify", str(path_of(house, period))]) == 3


def test_it_tells_who_had_what_and_every_entry_of_the_period(
    house: TestHouse, period: bundles.BundleRow
) -> None:
    path = path_of(house, period)
    held = lines(path, "data/population.jsonl")
    assert ("eve", "Payroll") in {(row.get("account_login"), row["group_name"]) for row in held}
    assert "nesting" in {row["what"] for row in held}
    with house.read() as reading:
        at = house.clock.now()
        expected = reading.session.query(LedgerEntry).filter(LedgerEntry.at < at).count()
    assert len(lines(path, "data/ledger.jsonl")) == expected
    assert {row["state"] for row in lines(path, "data/sources.jsonl")} == {"complete"}
    with zipfile.ZipFile(path) as container:
        assert any(name.startswith("policy/") for name in container.namelist())


def test_one_changed_byte_in_any_file_is_refused(
    house: TestHouse, period: bundles.BundleRow, tmp_path: Path
) -> None:
    original = path_of(house, period).read_bytes()
    with zipfile.ZipFile(path_of(house, period)) as container:
        members = [each for each in container.infolist() if each.file_size]
    broken = tmp_path / "broken.zip"
    for member in members:
        start = member.header_offset + 30 + len(member.filename)
        at = start + member.file_size // 2
        broken.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :])
        assert verify_bundle(broken, [key_of(house)]).exit_code == 1, member.filename


def test_the_next_bundle_proves_that_the_log_only_grew(
    house: TestHouse, period: bundles.BundleRow
) -> None:
    with house.write() as uow:
        signing.rotate(uow, house.house.seal, KeyPurpose.LOG)
    house.clock.advance(timedelta(hours=1))
    later = built(house, whole_period(house))
    assert later.state is BundleState.READY, later.why
    with zipfile.ZipFile(path_of(house, later)) as container:
        first = container.read("log/consistency").partition(b"\n")[0]
    assert first == f"old {period.tree_size}".encode()


def test_building_again_what_is_ready_changes_nothing(
    house: TestHouse, period: bundles.BundleRow
) -> None:
    before = path_of(house, period).read_bytes()
    making.run_build(house.tx, house.house.seal, house.home, {"bundle": period.id})
    assert path_of(house, period).read_bytes() == before


@pytest.mark.usefixtures("cast")
def test_a_bundle_of_leavers_only_still_tells_every_entry(house: TestHouse) -> None:
    house.clock.advance(timedelta(hours=1))
    wish = bundles.Wish(start=MORNING, end=house.clock.now(), leavers=True)
    path = path_of(house, built(house, wish))
    assert lines(path, "data/population.jsonl") == []
    assert lines(path, "data/ledger.jsonl") != []


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (bundles.Wish(), "campaign"),
        (bundles.Wish(start=MORNING), "to"),
        (bundles.Wish(end=MORNING), "from"),
        (bundles.Wish(start=MORNING + timedelta(days=9), end=MORNING + timedelta(days=10)), "from"),
        (bundles.Wish(campaign="x", start=MORNING, end=MORNING), "campaign"),
        (bundles.Wish(start=MORNING - timedelta(1), end=MORNING, controls=["X"]), "controls.0"),
    ],
)
def test_an_unclear_wish_is_refused_by_field(
    house: TestHouse, wish: bundles.Wish, field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused, house.write() as uow:
        bundles.request(uow, wish)
    assert field in {each.field for each in refused.value.fields}


def test_a_bundle_of_an_unknown_campaign_is_refused(house: TestHouse) -> None:
    with pytest.raises(NotFoundError), house.write() as uow:
        bundles.request(uow, bundles.Wish(campaign="x"))


def test_a_larger_bundle_takes_no_more_statements(house: TestHouse, cast: Cast) -> None:
    small = statements_of_a_build(house)
    cast.put("corp", "payroll", "alice", "bob", "carol", "dana", "mallory")
    assert cast.sync("corp") == "complete"
    for _ in range(40):
        with house.write() as uow:
            signing.rotate(uow, house.house.seal, KeyPurpose.LOG)
    assert statements_of_a_build(house) <= small + 3  # the consistency with the first one


def statements_of_a_build(house: TestHouse) -> int:
    house.clock.advance(timedelta(hours=1))
    sealing.seal_pending(house.tx, house.house.seal, house.home)
    with house.write() as uow:
        asked = bundles.request(uow, whole_period(house), is_built_here=True)
    with counting(house) as ran:
        making.run_build(house.tx, house.house.seal, house.home, {"bundle": asked.id})
    return len(ran)


@contextmanager
def counting(house: TestHouse) -> Iterator[list[str]]:
    """Collect the statements that reach the database."""
    ran: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        ran.append(statement)

    engine = house.tx.database.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    yield ran
    sa.event.remove(engine, "before_cursor_execute", note)
