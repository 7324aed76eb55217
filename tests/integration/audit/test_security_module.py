"""Documents signed by a key in a security module, and settings that do not fit what is recorded."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.audit import bundles, making, resealing, signing
from app.audit.domain import BundleState, KeyPurpose
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import NothingToChangeError
from app.kernel.ledger import LedgerEntry
from app.kernel.settings import Settings, SettingsError
from evidence.token import Token
from evidence.verify import verify_bundle
from integration.audit.test_bundles import key_of, path_of, whole_period
from support.house import TestHouse
from support.security_module import LIBRARY, MISSING, security_module

ADMIN = Actor(ActorKind.TOKEN, "ada", roles=frozenset({Role.ADMIN}))
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=MISSING)


@pytest.fixture(scope="module")
def token() -> Token:
    return security_module()


def built(house: TestHouse, token: Token | None) -> bundles.BundleRow:
    house.later(minutes=5)
    with house.write() as uow:
        asked = bundles.request(uow, whole_period(house), is_built_here=True)
    payload = {"bundle": asked.id}
    making.run_build(house.tx, house.house.seal, house.home, payload, None, token)
    with house.read() as reading:
        return bundles.find_bundle(reading, asked.id)


def change_over(house: TestHouse, token: Token | None) -> None:
    held = signing.hold(token)
    with house.write(ADMIN) as uow:
        signing.rotate(uow, house.house.seal, KeyPurpose.DOCUMENT, held)


def test_after_changing_over_the_token_signs_and_the_old_key_stays_in_the_history(
    house: TestHouse, token: Token
) -> None:
    change_over(house, token)
    row = built(house, token)
    assert row.state is BundleState.READY, row.why
    with house.read() as reading:
        history = [each for each in signing.history(reading) if each.purpose == "document"]
        kinds = reading.session.scalars(sa.select(LedgerEntry.kind)).all()
    report = verify_bundle(path_of(house, row), [key_of(house)])
    told = {each.name: each.detail for each in report.checks}
    assert report.exit_code == 0
    assert "CN=Seal,O=Example" in told["report signature"]
    assert [each.retired_at is None for each in history] == [True, False]
    assert kinds.count("key.retired") == 1


@pytest.mark.parametrize("changed_over", [True, False])
def test_a_key_that_is_not_where_the_setting_says_signs_nothing(
    house: TestHouse, token: Token, changed_over: bool
) -> None:
    if changed_over:
        change_over(house, token)
    row = built(house, None if changed_over else token)
    assert row.state is BundleState.FAILED
    assert "attestry key rotate --purpose document" in str(row.why)


def test_changing_over_twice_changes_nothing(house: TestHouse, token: Token) -> None:
    change_over(house, token)
    with pytest.raises(NothingToChangeError):
        change_over(house, token)
    change_over(house, None)  # and back to a key of our own


def test_a_new_seal_key_leaves_a_key_alone_that_never_was_here(
    house: TestHouse, token: Token
) -> None:
    change_over(house, token)
    assert resealing.rotate(house.tx, house.house.seal, ADMIN) >= 1
    assert built(house, token).state is BundleState.READY


def test_half_a_token_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    monkeypatch.setenv("ATTESTRY_SIGNER", "pkcs11")
    with pytest.raises(SettingsError, match="ATTESTRY_PKCS11_LIBRARY"):
        Settings.from_env()
    monkeypatch.setenv("ATTESTRY_SIGNER", "file")
    monkeypatch.setenv("ATTESTRY_PKCS11_PIN", "1234")
    with pytest.raises(SettingsError, match="set it to pkcs11"):
        Settings.from_env()
