"""The doors of PROVE: who may ask for what, and what they are answered."""

import base64
import hashlib
import io
import zipfile
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.kernel.ledger import LedgerEntry
from evidence.checkpoint import open_checkpoint
from evidence.keys import parse_vkey
from evidence.merkle import verify_consistency, verify_inclusion
from support.cast import Cast
from support.house import TestHouse

READS = (
    "/evidence/bundles",
    "/evidence/bundles/x",
    "/evidence/bundles/x/download",
    "/ledger/checkpoint",
    "/ledger/key",
    "/ledger/entries",
    "/ledger/proofs/inclusion?entry=00000000-0000-0000-0000-000000000000",
    "/ledger/proofs/consistency?old=1",
)


@pytest.mark.parametrize("path", READS)
def test_no_read_is_open_to_strangers_or_to_people_without_a_role(cast: Cast, path: str) -> None:
    house = cast.house
    assert house.caller(None)("GET", path).status_code == 401
    assert cast.call("alice")("GET", path).status_code == 403


def test_only_who_may_build_asks_for_a_bundle(cast: Cast) -> None:
    body = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-03T00:00:00Z"}
    assert cast.house.caller(None)("POST", "/evidence/bundles", body).status_code == 401
    assert cast.call("alice")("POST", "/evidence/bundles", body).status_code == 403


def test_an_auditor_asks_waits_and_takes_the_bundle_away(house: TestHouse, cast: Cast) -> None:
    dana = cast.call("dana")
    house.clock.advance(timedelta(hours=1))
    body = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-03T00:00:00Z"}
    asked = dana.post("/evidence/bundles", body, status=202)
    early = dana("GET", f"/evidence/bundles/{asked['id']}/download")
    assert (asked["state"], early.status_code) == ("queued", 409)
    house.drain()
    shown = dana.get(f"/evidence/bundles/{asked['id']}")
    assert shown["state"] == "ready", shown["why"]
    assert dana.get("/evidence/bundles")["items"] == [shown]
    with (
        dana("GET", f"/evidence/bundles/{asked['id']}/download") as taken,
        zipfile.ZipFile(io.BytesIO(taken.data)) as held,
    ):
        assert hashlib.sha256(held.read("manifest.json")).hexdigest() == shown["sha256"]
    with house.read() as reading:
        kinds = reading.session.scalars(
            sa.select(LedgerEntry.kind).where(LedgerEntry.subject == asked["id"])
        ).all()
    assert sorted(kinds) == ["bundle.built", "bundle.downloaded", "bundle.requested"]


def test_wrong_wishes_are_answered_field_by_field(cast: Cast) -> None:
    dana = cast.call("dana")
    for body in ({}, {"from": "yesterday"}, {"campaign": "x"}, {"colour": "red"}):
        answer = dana("POST", "/evidence/bundles", body)
        assert answer.status_code == 422, body
        assert answer.get_json()["errors"], body


def test_every_entry_can_be_proved_with_what_the_api_gives(house: TestHouse, cast: Cast) -> None:
    house.tick()
    dana = cast.call("dana")
    key = parse_vkey(dana.get("/ledger/key")["vkey"])
    head = open_checkpoint(dana.get("/ledger/checkpoint")["note"].encode(), [key])
    entries = dana.get("/ledger/entries?limit=3")
    assert [each["index"] for each in entries["items"]] == [0, 1, 2]
    rest = dana.get(f"/ledger/entries?limit=500&cursor={entries['next_cursor']}")
    assert rest["items"][0]["index"] == 3
    for each in entries["items"]:
        leaf = hashlib.sha256(b"\0" + each["body"].encode()).digest()
        proof = dana.get(f"/ledger/proofs/inclusion?entry={each['id']}")
        path = [base64.b64decode(one) for one in proof["hashes"]]
        verify_inclusion(head.root, head.size, each["index"], leaf, path)
    grown = dana.get("/ledger/proofs/consistency?old=2")
    old_root, new_root = (base64.b64decode(grown[name]) for name in ("old_root", "new_root"))
    path = [base64.b64decode(one) for one in grown["hashes"]]
    assert new_root == head.root
    verify_consistency(2, old_root, head.size, new_root, path)


def test_proofs_beyond_the_log_are_refused(house: TestHouse, cast: Cast) -> None:
    house.tick()
    dana = cast.call("dana")
    unknown = "00000000-0000-0000-0000-000000000000"
    assert dana("GET", f"/ledger/proofs/inclusion?entry={unknown}").status_code == 404
    for path in ("consistency?old=999999", "consistency?old=1&new=999999", "consistency?old=0"):
        assert dana("GET", f"/ledger/proofs/{path}").status_code == 422, path
