"""Bundles stamped by an authority, and what becomes of them when it does not answer."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.audit import bundles, making
from app.audit.domain import BundleState
from app.audit.models import SigningKey
from app.audit.stamping import GO_ON, REFUSE, Authority
from app.kernel.settings import Settings, SettingsError
from evidence.standalone import attestry_verify
from evidence.verify import verify_bundle
from integration.audit.test_bundles import key_of, path_of, whole_period
from support.house import TestHouse
from support.time_authority import TimeAuthority

URL = "https://tsa.example/tsr"


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> TimeAuthority:
    return TimeAuthority(tmp_path_factory.mktemp("tsa"), is_rsa=True)


@pytest.fixture
def clockwork(held: TimeAuthority) -> TimeAuthority:
    held.is_down = False
    return held


def built(
    house: TestHouse,
    clockwork: TimeAuthority,
    when_down: str = REFUSE,
    *,
    lta: bool = False,
    lists: Path | None = None,
) -> bundles.BundleRow:
    house.later(minutes=5)
    with house.write() as uow:
        wish = replace(whole_period(house), lta=lta)
        asked = bundles.request(uow, wish, is_built_here=True)

    def send(url: str, query: bytes) -> bytes:
        assert url == URL
        pool: Any = house.tx.database.engine.pool
        assert pool.checkedout() == 0, "an authority is asked inside a transaction"
        return clockwork.answer_at(query, house.clock.now())

    authority = Authority(URL, clockwork.anchor, when_down, send, lists)
    payload = {"bundle": asked.id}
    making.run_build(house.tx, house.house.seal, house.home, payload, authority)
    with house.read() as reading:
        return bundles.find_bundle(reading, asked.id)


def told(house: TestHouse, row: bundles.BundleRow) -> Mapping[str, str]:
    report = verify_bundle(path_of(house, row), [key_of(house)])
    assert report.exit_code == 0
    return {each.name: each.detail for each in report.checks}


def test_both_signatures_of_a_bundle_are_stamped(
    house: TestHouse, clockwork: TimeAuthority
) -> None:
    found = told(house, built(house, clockwork))
    assert "time-stamped by CN=Time Authority" in found["report signature"]
    assert "time-stamped by CN=Time Authority" in found["container signature"]


def test_when_the_authority_is_away_no_bundle_is_made_and_it_says_why(
    house: TestHouse, clockwork: TimeAuthority
) -> None:
    clockwork.is_down = True
    row = built(house, clockwork)
    assert row.state is BundleState.FAILED
    assert "did not answer" in str(row.why)
    assert "ATTESTRY_TSA_WHEN_DOWN" in str(row.why)


def test_or_it_is_made_without_and_says_so(house: TestHouse, clockwork: TimeAuthority) -> None:
    clockwork.is_down = True
    found = told(house, built(house, clockwork, GO_ON))
    assert "the time is the signer's own word" in found["report signature"]


# --- made to last -------------------------------------------------------------------------------


@pytest.fixture
def lists(clockwork: TimeAuthority, tmp_path: Path) -> Path:
    path = tmp_path / "lists.pem"
    path.write_bytes(clockwork.lists)
    return path


def test_a_bundle_asked_to_last_says_so_in_manifest_and_report_and_holds_offline(
    house: TestHouse, clockwork: TimeAuthority, lists: Path
) -> None:
    row = built(house, clockwork, lta=True, lists=lists)
    assert row.state is BundleState.READY, row.why
    assert row.lta
    found = told(house, row)
    assert "made to last (B-LTA)" in found["report signature"]
    with zipfile.ZipFile(path_of(house, row)) as held:
        scope = json.loads(held.read("manifest.json"))["scope"]
        names = held.namelist()
    assert scope["signature_level"] == "B-LTA"
    assert {"trust/revocations-1.crl", "trust/revocations-2.crl"} <= set(names)
    content = memoryview(path_of(house, row).read_bytes())
    alone, _own = attestry_verify.check(content, [attestry_verify.vkey(key_of(house).vkey)])  # type: ignore[no-untyped-call]
    assert "failed" not in {status for _number, _name, status, _detail in alone}


def test_what_is_missing_to_last_is_said_with_the_way_out(
    house: TestHouse, clockwork: TimeAuthority, lists: Path
) -> None:
    lists.write_bytes(b"none here")
    missing, empty = (built(house, clockwork, lta=True, lists=each) for each in (None, lists))
    lists.unlink()
    gone = built(house, clockwork, lta=True, lists=lists)
    with house.tx.database.engine.begin() as connection:
        connection.execute(sa.update(SigningKey).values(revocation_list=None))
    old = built(house, clockwork, lta=True, lists=lists)
    assert "ATTESTRY_REVOCATION_LISTS" in str(missing.why)
    assert "no revocation list of CN=Time Root" in str(empty.why)
    assert "cannot be read" in str(gone.why)
    assert "key rotate --purpose document" in str(old.why)
    assert {each.state for each in (missing, empty, gone, old)} == {BundleState.FAILED}


def test_to_last_without_any_authority_is_refused(house: TestHouse) -> None:
    house.later(minutes=5)
    with house.write() as uow:
        wish = replace(whole_period(house), lta=True)
        asked = bundles.request(uow, wish, is_built_here=True)
    making.run_build(house.tx, house.house.seal, house.home, {"bundle": asked.id})
    with house.read() as reading:
        row = bundles.find_bundle(reading, asked.id)
    assert row.state is BundleState.FAILED
    assert "ATTESTRY_TSA_URL" in str(row.why)


def test_to_last_while_the_authority_is_away_is_made_without_if_so_set_and_says_so(
    house: TestHouse, clockwork: TimeAuthority, lists: Path
) -> None:
    clockwork.is_down = True
    row = built(house, clockwork, GO_ON, lta=True, lists=lists)
    assert row.state is BundleState.READY, row.why
    with zipfile.ZipFile(path_of(house, row)) as held:
        scope = json.loads(held.read("manifest.json"))["scope"]
    assert scope["signature_level"] == "B-B"
    assert "did not answer" in scope["time_stamp"]


def test_an_authority_without_its_certificates_is_half_a_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clockwork: TimeAuthority
) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    monkeypatch.setenv("ATTESTRY_TSA_URL", URL)
    with pytest.raises(SettingsError, match="together"):
        Settings.from_env()
    monkeypatch.setenv("ATTESTRY_TSA_CA", "none")
    with pytest.raises(SettingsError, match="PEM"):
        Settings.from_env()
    monkeypatch.setenv("ATTESTRY_TSA_CA", clockwork.anchor.decode())
    assert Settings.from_env().tsa_when_down == REFUSE


@pytest.mark.parametrize("to", ["nobody", "http://example.com/x", "a@b@c"])
def test_nobody_outside_is_sent_heads_by_a_slip_of_the_keyboard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, to: str
) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    monkeypatch.setenv("ATTESTRY_CHECKPOINT_TO", to)
    with pytest.raises(SettingsError):
        Settings.from_env()


def test_who_is_sent_heads_is_read_with_commas_or_blanks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    monkeypatch.setenv("ATTESTRY_CHECKPOINT_TO", "a@example.com, https://hook.example/x")
    monkeypatch.setenv("ATTESTRY_CHECKPOINT_SECRET", "whsec_AAAA")
    with pytest.raises(SettingsError, match="24 bytes"):
        Settings.from_env()
    monkeypatch.delenv("ATTESTRY_CHECKPOINT_SECRET")
    assert Settings.from_env().checkpoint_to == ("a@example.com", "https://hook.example/x")
