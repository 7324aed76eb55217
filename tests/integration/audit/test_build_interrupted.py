"""A build that is killed, or finds no room: no half bundle is ever seen, and the next one holds."""

import os
import resource
import signal
import tempfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.audit import bundles, making, sealing, signing
from app.audit.domain import BundleState, KeyPurpose
from app.audit.models import SigningKey
from app.cli.main import Local, attestry
from app.kernel.sealed import SealError, SealKey
from evidence.bundle import write_bundle
from evidence.checkpoint import Checkpoint, sign_checkpoint
from evidence.keys import MemorySigner
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


def test_a_seal_key_file_that_is_gone_makes_no_bundle_and_says_how_to_go_on(
    house: TestHouse, tmp_path: Path
) -> None:
    """A worker that began with another file, which is not there any more."""
    house.later(minutes=5)
    public_id = asked(house)
    gone = tmp_path / "another.key"
    seal = SealKey.from_file(gone, create=True)
    gone.unlink()
    making.run_build(house.tx, seal, house.home, {"bundle": public_id})
    failed = state_of(house, public_id)
    assert failed.state is BundleState.FAILED
    assert f"The seal key {gone} is missing. Put back the file" in str(failed.why)
    assert list((house.home / "bundles").iterdir()) == []


def test_without_its_seal_key_file_an_instance_does_not_open_and_makes_no_new_key(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, out = house.house.settings, house.home / "out.zip"
    kept = settings.seal_key_file.rename(house.home / "kept.key")
    for name, value in (
        ("HOME", str(house.home)),
        ("DATABASE_URL", settings.database_url),
        ("MODE", "demonstration"),
    ):
        monkeypatch.setenv(f"ATTESTRY_{name}", value)
    days = ("--from", "2026-03-01", "--to", "2026-03-02")
    command = ("evidence", "build", *days, "--out", str(out))
    refused = CliRunner().invoke(attestry, command)
    assert isinstance(refused.exception, SealError)
    assert "is missing. Put back the file" in str(refused.exception)
    assert not settings.seal_key_file.exists()
    assert not out.exists()
    kept.rename(settings.seal_key_file)
    assert built(house, whole_period(house)).state is BundleState.READY


def head_of(house: TestHouse, *, more: int, root: bytes | None, key: bytes | None) -> bytes:
    """A signed head: of more entries, or of another tree, or by another key than the ledger's."""
    sealing.seal_pending(house.tx, house.house.seal, house.home)
    with house.read() as reading:
        signer = signing.log_signer(reading, house.house.seal)
    if key is not None:
        signer = MemorySigner(signer.name, key)
    held = (house.home / sealing.LAST_CHECKPOINT).read_bytes().splitlines()
    head = Checkpoint(signer.name, int(held[1]) + more, root or b64decode(held[2]))
    return sign_checkpoint(head, signer)


@pytest.mark.parametrize(
    ("more", "root", "key", "why"),
    [
        (5, None, None, "this is an older database. Restore a backup made after that head."),
        (0, bytes(32), None, "it was altered. Run `attestry ledger verify`."),
        (0, None, bytes(32), "is this the database that belongs to this home?"),
    ],
    ids=["rolled back", "forked", "of another instance"],
)
def test_over_a_database_that_is_not_the_one_that_was_signed_no_bundle_is_built(
    house: TestHouse, more: int, root: bytes | None, key: bytes | None, why: str
) -> None:
    house.later(minutes=5)
    (house.home / sealing.LAST_CHECKPOINT).write_bytes(
        head_of(house, more=more, root=root, key=key)
    )
    failed = built(house, whole_period(house))
    assert failed.state is BundleState.FAILED
    assert why in str(failed.why)
    assert list((house.home / "bundles").iterdir()) == []
    out = house.home / "out.zip"
    days = ("--from", "2026-03-01", "--to", "2026-03-02")
    typed = ("evidence", "build", *days, "--out", str(out))
    refused = CliRunner().invoke(attestry, typed, obj=Local(opened=house.house))
    assert refused.exit_code == 1
    assert why in refused.output
    assert not out.exists()


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
