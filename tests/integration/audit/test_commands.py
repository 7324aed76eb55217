"""`attestry evidence`, `ledger` and `key`, as typed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from app.cli.main import Local, attestry
from app.kernel.errors import InvalidInputError
from app.kernel.ledger import LedgerTile
from evidence.keys import parse_vkey
from support.cast import Cast
from support.house import TestHouse


def typed(house: TestHouse, *arguments: str) -> Result:
    return CliRunner().invoke(attestry, arguments, obj=Local(opened=house.house))


def said(house: TestHouse, *arguments: str) -> str:
    result = typed(house, *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_bundle_built_by_command_verifies_by_command(
    house: TestHouse, cast: Cast, tmp_path: Path
) -> None:
    house.clock.advance(timedelta(days=1))
    assert cast.sync("corp") == "complete"
    out, ca = tmp_path / "evidence.zip", tmp_path / "ca.pem"
    days = ("--from", "2026-03-01", "--to", "2026-03-31")
    told = json.loads(said(house, "evidence", "build", *days, "--out", str(out), "--json"))
    vkey, fingerprint = said(house, "ledger", "key", "--ca", str(ca)).splitlines()
    assert told["state"] == "ready"
    assert parse_vkey(vkey).fingerprint == fingerprint
    given = ("evidence", "verify", str(out))
    assert typed(house, *given, "--key", vkey, "--trust", str(ca)).exit_code == 0
    assert typed(house, *given).exit_code == 3
    assert typed(house, "evidence", "verify", str(ca)).exit_code == 2
    out.write_bytes(out.read_bytes().replace(b"Payroll", b"Pairoll", 1))
    assert typed(house, *given, "--key", vkey).exit_code == 1


def test_a_bundle_about_nothing_is_refused(house: TestHouse, tmp_path: Path) -> None:
    result = typed(house, "evidence", "build", "--out", str(tmp_path / "x.zip"))
    assert isinstance(result.exception, InvalidInputError)
    assert not (tmp_path / "x.zip").exists()


def test_the_ledger_is_sealed_and_checked_by_command(house: TestHouse) -> None:
    head = said(house, "ledger", "checkpoint").splitlines()
    assert head[0].startswith("attestry.example/ledger/")
    assert f"{head[1]} entries and 1 signed heads hold" in said(house, "ledger", "verify")


def test_a_damaged_ledger_ends_with_one(house: TestHouse) -> None:
    said(house, "ledger", "checkpoint")
    with house.tx.database.engine.begin() as connection:
        connection.execute(sa.update(LedgerTile).values(hashes=bytes(32)))
    result = typed(house, "ledger", "verify")
    assert result.exit_code == 1
    assert "Entry 0" in result.output


@pytest.mark.parametrize("purpose", ["log", "document"])
def test_a_rotated_key_is_printed_and_the_old_one_stays(house: TestHouse, purpose: str) -> None:
    made = json.loads(said(house, "key", "rotate", "--purpose", purpose, "--json"))
    assert made["purpose"] == purpose
    assert made["retired_at"] is None
    said(house, "ledger", "verify")
