"""A small bundle with something in every member, made with real keys and a real PDF."""

import base64
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from evidence.bundle import (
    BundleParts,
    BundleSigners,
    PolicyFile,
    Table,
    write_bundle,
)
from evidence.cades import sign_detached
from evidence.certificates import (
    KeyedCertificate,
    SigningCredential,
    create_authority,
    issue_signer,
    load_credential,
)
from evidence.checkpoint import Checkpoint, sign_checkpoint, write_tlog_proof
from evidence.keys import MemorySigner, verifier_key
from evidence.merkle import encode_multiproof
from evidence.pdf.render import render_to
from evidence.pdf.seal import seal_file
from evidence.record import Record, SealedRecord, seal_record
from evidence.tiles import TileKey, consistency, inclusion, integrate, multiproof, root
from unit.evidence.pdf.sample import BUNDLE_ID, CREATED_AT, report

ORIGIN = "attestry.example.com/ledger"
SIGNER = MemorySigner(ORIGIN, bytes(range(32)))
OTHER = MemorySigner(ORIGIN, bytes(32))
KEY = verifier_key(SIGNER)
ODD = ("=1+1", " @SUM(A1)", "\uff0b1", 'plain, with "quotes"\nand lines', "محمد", "🦄", "", "-1")


class MemoryTiles:
    def __init__(self) -> None:
        self.tiles: dict[TileKey, bytes] = {}
        self.reads = 0

    def get(self, keys: Sequence[TileKey]) -> Mapping[TileKey, bytes]:
        self.reads += 1
        return {key: self.tiles[key] for key in keys if key in self.tiles}

    def put(self, tiles: Mapping[TileKey, bytes]) -> None:
        self.tiles.update(tiles)


def authority() -> KeyedCertificate:
    ten_years = timedelta(days=3650)
    return create_authority(
        "Root", "Example", now=CREATED_AT, valid_for=ten_years, random=os.urandom
    )


def credential(root_certificate: KeyedCertificate) -> SigningCredential:
    year = timedelta(days=365)
    signer = issue_signer(
        root_certificate, "Seal", "Example", now=CREATED_AT, valid_for=year, random=os.urandom
    )
    return load_credential(signer, [root_certificate.certificate])


ROOT = authority()
CREDENTIAL = credential(ROOT)


def entry(number: int) -> SealedRecord:
    made = Record(
        id=f"entry-{number}",
        at="2026-02-01T10:00:00.000Z",
        kind="request.approved",
        actor="person-1",
        subject=f"request-{number}",
        data={"n": number},
    )
    salts = iter(hashlib.sha256(f"{number} {field}".encode()).digest()[:16] for field in ("a", "b"))
    return seal_record(
        made, personal={"reason": ODD[number % 8], "name": "Zoë"}, salt=lambda: next(salts)
    )


def population(count: int) -> Table:
    rows = (
        {"id": f"row-{n}", "name": ODD[n % len(ODD)], "path": ["a", str(n)], "n": n, "until": None}
        for n in range(count)
    )
    return Table(("id", "name", "path", "n", "until"), rows)


def parts(rows: int = 9, entries: int = 300, **changes: Any) -> BundleParts:
    tiles, sealed = MemoryTiles(), [entry(number) for number in range(entries)]
    leaves = [each.leaf_hash for each in sealed]
    old = integrate(tiles, 0, leaves[: entries // 2])
    old_note = sign_checkpoint(Checkpoint(ORIGIN, old, root(tiles, old)), SIGNER)
    size = integrate(tiles, old, leaves[old:])
    note = sign_checkpoint(Checkpoint(ORIGIN, size, root(tiles, size)), SIGNER)
    told = [number for number in range(entries) if number % 7 < 2]
    proof = [f"{line}\n" for line in _base64(consistency(tiles, old, size))]
    made = BundleParts(
        id=BUNDLE_ID,
        created_at=CREATED_AT.isoformat(),
        kind="campaign",
        period={"from": "2026-01-01", "to": "2026-03-31"},
        scope={"campaign": "campaign-1"},
        controls=["CC6.1"],
        supersedes=None,
        tables={
            "population": population(rows),
            "decisions": Table(("id", "decision"), [{"id": "d1", "decision": "keep"}]),
            "sources": Table(("id",), [{"id": "run-1"}]),
        },
        entries=[(number, sealed[number].body) for number in told],
        disclosures=[each for number in told for each in sealed[number].disclosures],
        policies=[PolicyFile(b"rules: []\n"), PolicyFile(b"{}", "application/json")],
        checkpoint=note,
        proof=lambda indexes: encode_multiproof(multiproof(tiles, size, indexes)),
        render=lambda _records, out: render_to(report(), out),
        trust={"ca.pem": ROOT.certificate},
        consistency=f"old {old}\n{''.join(proof)}\n".encode() + old_note,
        samples={"first": write_tlog_proof(0, inclusion(tiles, size, 0), note)},
    )
    return replace(made, **changes)


def signers() -> BundleSigners:
    return BundleSigners(
        SIGNER,
        lambda path: seal_file(path, CREDENTIAL),
        lambda content: sign_detached(content, CREDENTIAL, CREATED_AT),
    )


def bundle(made: BundleParts | None = None) -> bytes:
    out = io.BytesIO()
    write_bundle(out, made or parts(), signers())
    return out.getvalue()


def _base64(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(each).decode("ascii") for each in hashes]
