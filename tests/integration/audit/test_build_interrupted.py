"""A build that is killed, or finds no room: no half bundle is ever seen, and the next one holds."""

import os
import resource
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import bundles, making, sealing
from app.audit.domain import BundleState, KeyPurpose
from app.audit.models import SigningKey
from app.kernel.sealed import SealKey
from evidence.bundle import write_bundle
from integration.audit.test_bundles import built, path_of, whole_period
from support.house import TestHouse
from unit.evidence.sample_bundle import parts, signers


def in_a_process_of_its_own(work: Any) -> int:
    """Run something in a copy of this process, and tell how it ended."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def die(*_given: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def asked(house: TestHouse) -> str:
    with house.write() as uow:
        return bundles.request(uow, whole_period(house), is_built_here=True).id


def build(house: TestHouse, public_id: str) -> None:
    payload = {"bundle": public_id}
    making.run_build(house.tx, house.house.seal, house.home, payload)


def state_of(house: TestHouse, public_id: str) -> bundles.BundleRow:
    with house.read() as reading:
        return bundles.find_bundle(reading, public_id)


@pytest.mark.parametrize("point", ["build", "verify_bundle"])
def test_a_build_killed_with_sigkill_leaves_nothing_to_see_and_is_done_again(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    house.later(minutes=5)
    public_id = asked(house)

    def doomed() -> None:
        house.tx.database.engine.dispose(close=False)
        monkeypatch.setattr(making, point, die)
        build(house, public_id)

    ended = in_a_process_of_its_own(doomed)
    assert os.WTERMSIG(ended) == signal.SIGKILL
    assert list((house.home / "bundles").glob("*.zip")) == []
    assert state_of(house, public_id).state is BundleState.QUEUED
    build(house, public_id)
    assert state_of(house, public_id).state is BundleState.READY
    assert [each.name for each in (house.home / "bundles").iterdir()] == [f"{public_id}.zip"]


def test_a_build_that_finds_no_room_says_so_cleans_up_and_can_be_asked_again(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.later(minutes=5)
    monkeypatch.setattr(tempfile, "tempdir", str(house.home / "no such folder"))
    failed = built(house, whole_period(house))
    monkeypatch.undo()
    assert failed.state is BundleState.FAILED
    assert "could not be written" in str(failed.why)
    assert list((house.home / "bundles").glob("*.zip")) == []
    with house.write() as uow:
        again = bundles.ask_again(uow, failed.id)
    house.drain()
    ready = state_of(house, again.id)
    assert ready.state is BundleState.READY
    assert path_of(house, ready).is_file()


def test_a_disk_that_fills_while_writing_leaves_an_error_and_no_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told = tmp_path.parent / f"{tmp_path.name}-told"

    def cramped() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            write_bundle(tmp_path / "out.zip", parts(rows=2_000), signers())
        except OSError as error:
            told.write_text(str(error))

    in_a_process_of_its_own(cramped)
    assert "File too large" in told.read_text()
    assert [each.name for each in tmp_path.iterdir()] in ([], ["out.zip"])


def test_a_seal_key_that_opens_no_signing_key_makes_no_bundle_and_says_which(
    house: TestHouse,
) -> None:
    house.later(minutes=5)
    public_id = asked(house)
    making.run_build(house.tx, SealKey([bytes(32)]), house.home, {"bundle": public_id})
    failed = state_of(house, public_id)
    assert failed.state is BundleState.FAILED
    assert "give the seal key file it was sealed with" in str(failed.why)
    assert list((house.home / "bundles").iterdir()) == []


@pytest.mark.parametrize("purpose", list(KeyPurpose))
def test_a_signing_key_that_cannot_be_read_makes_no_bundle_and_says_so(
    house: TestHouse, purpose: KeyPurpose
) -> None:
    house.later(minutes=5)
    public_id = asked(house)
    sealing.seal_pending(house.tx, house.house.seal, house.home)
    with house.tx.database.engine.begin() as connection:
        spoilt = sa.update(SigningKey).where(SigningKey.purpose == purpose)
        sealed = sa.func.substr(SigningKey.sealed, 1, 40)
        connection.execute(spoilt.values(sealed=sealed))
    build(house, public_id)
    failed = state_of(house, public_id)
    assert failed.state is BundleState.FAILED
    assert "was altered or belongs elsewhere" in str(failed.why)
    assert list((house.home / "bundles").iterdir()) == []
