"""Documents signed by a key service, and what becomes of bundles when it does not answer."""

import base64
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from app.audit import bundles, keyholding, making, signing
from app.audit.domain import BundleState, KeyPurpose
from app.kernel.settings import Settings, SettingsError
from evidence.certificates import create_authority, issue_signer
from evidence.errors import EvidenceError
from evidence.held import KeyHolder
from evidence.keyservice import KeyService
from evidence.verify import verify_bundle
from integration.audit.test_bundles import key_of, path_of, whole_period
from integration.audit.test_security_module import ADMIN
from support.house import TestHouse

URL = "https://kms.example/v1/keys/seal:asymmetricSign"


@pytest.fixture
def service(house: TestHouse) -> KeyService:
    now, long = house.clock.now(), timedelta(days=3650)
    root = create_authority("Root", "Example", now=now, valid_for=long, random=os.urandom)
    signer = issue_signer(root, "Seal", "Example", now=now, valid_for=long / 2, random=os.urandom)
    key = load_pem_private_key(signer.key, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)

    def send(url: str, body: bytes) -> bytes:
        assert url == URL
        assert house.tx.database.engine.pool.checkedout() == 0, "asked inside a transaction"  # type: ignore[attr-defined]
        digest = base64.b64decode(json.loads(body)["digest"]["sha256"])
        signature = key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        return json.dumps({"signature": base64.b64encode(signature).decode()}).encode()

    return KeyService(URL, signer.certificate + root.certificate, send)


def built(house: TestHouse, holder: KeyHolder) -> bundles.BundleRow:
    house.later(minutes=5)
    with house.write() as uow:
        asked = bundles.request(uow, whole_period(house), is_built_here=True)
    payload = {"bundle": asked.id}
    making.run_build(house.tx, house.house.seal, house.home, payload, None, holder)
    with house.read() as reading:
        return bundles.find_bundle(reading, asked.id)


def change_over(house: TestHouse, holder: KeyHolder) -> None:
    held = signing.hold(holder)
    with house.write(ADMIN) as uow:
        signing.rotate(uow, house.house.seal, KeyPurpose.DOCUMENT, held)


def test_after_changing_over_the_service_signs_outside_of_any_transaction(
    house: TestHouse, service: KeyService
) -> None:
    change_over(house, service)
    row = built(house, service)
    assert row.state is BundleState.READY, row.why
    report = verify_bundle(path_of(house, row), [key_of(house)])
    assert report.exit_code == 0
    assert "CN=Seal,O=Example" in {c.name: c.detail for c in report.checks}["report signature"]


def test_a_service_that_is_away_makes_no_bundle_and_says_why(
    house: TestHouse, service: KeyService
) -> None:
    change_over(house, service)

    def away(_url: str, _body: bytes) -> bytes:
        raise EvidenceError("kms: the key service did not answer (ReadTimeout)")

    row = built(house, replace(service, send=away))
    assert row.state is BundleState.FAILED
    assert "did not answer" in str(row.why)
    assert not list((house.home / "bundles").glob("*.zip"))


def test_a_service_that_goes_away_between_its_two_signatures_leaves_no_half_bundle(
    house: TestHouse, service: KeyService
) -> None:
    change_over(house, service)
    left = iter(range(2))  # the probe and the report; not the container

    def fading(url: str, body: bytes) -> bytes:
        if next(left, None) is None:
            raise EvidenceError("kms: the key service answered 503")
        return service.send(url, body)

    row = built(house, replace(service, send=fading))
    assert row.state is BundleState.FAILED
    assert "answered 503" in str(row.why)
    assert not list((house.home / "bundles").glob("*.zip"))


def test_half_a_service_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ATTESTRY_HOME", str(tmp_path))
    monkeypatch.setenv("ATTESTRY_SIGNER", "kms")
    with pytest.raises(SettingsError, match="ATTESTRY_KMS_URL"):
        Settings.from_env()
    for name, value in (("URL", "http://kms.example"), ("ACCESS", "token"), ("CHAIN", "pem")):
        monkeypatch.setenv(f"ATTESTRY_KMS_{name}", value)
    with pytest.raises(SettingsError, match="https"):
        Settings.from_env()
    monkeypatch.setenv("ATTESTRY_KMS_URL", URL)
    holder = keyholding.key_holder(Settings.from_env())
    assert isinstance(holder, KeyService)
    assert holder.url == URL
    monkeypatch.setenv("ATTESTRY_SIGNER", "file")
    with pytest.raises(SettingsError, match="set it to kms"):
        Settings.from_env()
