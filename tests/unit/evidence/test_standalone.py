"""The verifier of one file: the same names, numbers and verdicts as the whole one, and small."""

import ast
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidence import manifest
from evidence.canonical import canonical, parse_canonical
from evidence.errors import VerificationError
from evidence.keys import MemorySigner, parse_vkey, verifier_key
from evidence.merkle import encode_multiproof, leaf_hash, multiproof_root, tree_root
from evidence.record import read_base64
from evidence.standalone import attestry_verify
from evidence.steps import STEPS
from evidence.tiles import integrate, multiproof
from evidence.verify import verify_bytes
from unit.evidence.sample_bundle import KEY, OTHER, MemoryTiles, bundle, entry, parts
from unit.evidence.test_tampering import GOOD, Files, members, pack

alone: Any = attestry_verify  # it has no annotations, for the sake of its size
FILE = Path(attestry_verify.__file__)
VECTORS = Path(__file__).parents[2] / "vectors" / "bundles"
FRAUDS: list[dict[str, object]] = [
    {"entries": [(0, b"{}")]},
    {"proof": lambda _indexes: b"nonsense"},
    {"proof": lambda _indexes: b"attestry-multiproof/1\n300\n0-1,7-8,\n"},
    {"trust": {"ca.pem": b"nonsense"}},
    {"created_at": "2026-01-01"},
    {"created_at": "nonsense"},
    {"scope": {"n": 2**53}},
]


def verdicts(content: bytes, vkey: str = KEY.vkey) -> dict[str, str]:
    """What the whole verifier says."""
    try:
        report = verify_bytes(memoryview(content), [parse_vkey(vkey)] if vkey else [])
    except VerificationError:
        return {}
    return {each.name: each.status.value for each in report.checks}


def verdicts_alone(content: bytes, vkey: str = KEY.vkey) -> dict[str, str]:
    """What the one of one file says."""
    report, _own = alone.check(memoryview(content), [alone.vkey(vkey)] if vkey else [])
    return {name: status for _number, name, status, _detail in report}


def agreed(content: bytes, vkey: str = KEY.vkey) -> dict[str, str]:
    """Both verdicts, where both made the check; they must be the same."""
    whole, single = verdicts(content, vkey), verdicts_alone(content, vkey)
    both = {name for name in whole if "not_checked" not in (whole[name], single[name])}
    assert {name: whole[name] for name in both} == {name: single[name] for name in both}
    return {name: single[name] for name in both}


def test_it_is_one_file_of_the_standard_library_and_at_most_200_lines() -> None:
    text = FILE.read_text()
    assert len(text.splitlines()) <= 200
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


def test_its_checks_have_the_numbers_and_names_of_the_whole_verifier() -> None:
    assert list(alone.NEEDS) == [name for name, _needs, _step in STEPS]


def test_both_hold_the_same_list_of_what_may_and_must_be_in_a_bundle() -> None:
    assert manifest.ALLOWED.pattern == alone.ALLOWED
    assert manifest.REQUIRED == alone.REQUIRED
    assert set(alone.KEYS.split()) == manifest.KEYS


def test_what_is_not_checked_is_said_with_the_command_that_does() -> None:
    report, _own = alone.check(memoryview(GOOD), [alone.vkey(KEY.vkey)])
    left = {name: detail for _number, name, status, detail in report if status == "not_checked"}
    assert {"report signature", "container signature"} <= left.keys()
    assert "every file has its digest" in left.pop("rows")
    assert all("python -m evidence verify" in detail for detail in left.values())
    assert set(agreed(GOOD).values()) == {"passed"}
    assert len(agreed(GOOD)) == len(STEPS) - len(left) - 1


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.zip")), ids=lambda path: path.stem)
def test_both_agree_on_the_frozen_bundles(path: Path) -> None:
    vkey = json.loads((VECTORS / "expected.json").read_text())["vkey"]
    assert ("failed" in agreed(path.read_bytes(), vkey).values()) == (path.stem != "good")


@pytest.mark.parametrize("name", [name for name, content in members() if content])
def test_both_refuse_a_flipped_byte_of_a_member(name: str) -> None:
    content = dict(members())[name]
    pick = random.Random(name)
    for at in {0, len(content) - 1, pick.randrange(len(content))}:
        altered = bytearray(content)
        altered[at] ^= 1 << pick.randrange(8)
        packed = pack(dict(members()) | {name: bytes(altered)})
        assert "failed" in agreed(packed).values(), (name, at)


@pytest.mark.parametrize(
    "change",
    [
        lambda files: {name: files[name] for name in list(files)[:-1]},
        lambda files: {name: files[name] for name in files if name != "data/drift.csv"},
        lambda files: {name: files[name] for name in sorted(files, reverse=True)},
        lambda files: files | {"data/extra.jsonl": b""},
        lambda files: {name.replace("drift", "Drift"): files[name] for name in files},
        lambda files: files | {"report.pdf": files["report.pdf"] + b"\n% more\n"},
        lambda files: files | {"data/drift.csv": files["data/decisions.csv"]},
        lambda files: files | {"log/proof": files["log/proof"].replace(b"0-1,", b"1-2,")},
        lambda files: files | {"manifest.note": files["manifest.note"] * 2},
        lambda files: files | {"log/checkpoint": files["manifest.note"]},
        lambda files: files | {"manifest.json": b"[" * 100_000},
        lambda files: files | {"manifest.json": b'{"a":1e999}'},
        lambda files: files | {"manifest.json": b"\xff\xfe"},
        lambda files: files | {"trust/signer.vkey": b"x\n"},
    ],
)
def test_both_refuse_a_bundle_put_together_otherwise(change: Callable[[Files], Files]) -> None:
    found = agreed(pack(change(dict(members()))))
    assert "failed" in found.values()


@pytest.mark.parametrize("edge", [b"PK", b"\0" * 30, b"PK\3\4" + b"\xff" * 60])
def test_both_refuse_bytes_before_or_behind(edge: bytes) -> None:
    for content in (GOOD + edge, GOOD[: -len(edge)], edge + GOOD):
        assert verdicts_alone(content)["container"] == "failed"
        assert verdicts(content).get("container", "failed") == "failed"


@pytest.mark.parametrize("fraud", FRAUDS, ids="-".join)
def test_both_find_out_a_signer_that_lies(fraud: dict[str, object]) -> None:
    found = agreed(bundle(replace(parts(), **fraud)))  # type: ignore[arg-type]
    assert "failed" in found.values() or fraud.keys() <= {"trust", "scope"}


@pytest.mark.parametrize(
    "forge",
    [
        lambda found: found["files"].pop(),
        lambda found: found["files"].append(found["files"][0]),
        lambda found: found["files"][0].update(path="../../etc/passwd"),
        lambda found: found["files"][0].update(path=[]),
        lambda found: found["files"][0].update(bytes=-1),
        lambda found: found["files"][0].update(records=True),
        lambda found: found.update(counts={"population": True}),
        lambda found: found.update(created_at=7),
        lambda found: found.update(ledger=[]),
        lambda found: found["ledger"].update(size="1"),
        lambda found: found.update(extra=1),
        lambda found: found.update(files=[None]),
        lambda found: found.update(format="attestry-bundle/2"),
    ],
)
def test_both_refuse_a_hostile_manifest(forge: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    files = dict(members())
    found = parse_canonical(files["manifest.json"])
    forge(found)
    assert agreed(pack(files | {"manifest.json": canonical(found)}))["manifest"] == "failed"


def test_both_tell_another_key_than_the_one_given() -> None:
    found = agreed(GOOD, verifier_key(OTHER).vkey)
    assert found["signer"] == "failed"


def test_its_ed25519_agrees_with_that_of_a_library() -> None:
    pick = random.Random(8032)
    for _ in range(8):
        signer = MemorySigner("a", pick.randbytes(32))
        message = pick.randbytes(pick.randrange(200))
        signature = bytearray(signer.sign(message))
        assert alone.signed(signer.public_key, message, bytes(signature))
        assert not alone.signed(signer.public_key, message + b"x", bytes(signature))
        signature[pick.randrange(64)] ^= 1 << pick.randrange(8)
        assert not alone.signed(signer.public_key, message, bytes(signature))


def test_a_signature_with_its_number_raised_by_the_order_is_refused() -> None:
    signer = MemorySigner("a", bytes(32))
    signature = signer.sign(b"m")
    raised = int.from_bytes(signature[32:], "little") + alone.L
    malleable = signature[:32] + raised.to_bytes(32, "little")
    assert not alone.signed(signer.public_key, b"m", malleable)


def test_its_tree_leads_to_the_same_roots() -> None:
    pick = random.Random(6962)
    for size in (1, 2, 3, 7, 8, 100, 257):
        leaves = [leaf_hash(entry(number).body) for number in range(size)]
        tiles = MemoryTiles()
        integrate(tiles, 0, leaves)
        told = sorted(pick.sample(range(size), pick.randrange(size + 1)))
        proof = multiproof(tiles, size, told)
        lines = encode_multiproof(proof).decode().split("\n")[3:-1]
        chosen = [leaves[number] for number in told]
        assert multiproof_root(proof, chosen) == tree_root(leaves)
        assert alone.fold(0, size, told, chosen, lines) == tree_root(leaves)


@pytest.mark.parametrize("text", ["", "a", "AA", "AA=A", "AB==", "AAAA"])
def test_its_base64_is_as_strict(text: str) -> None:
    def holds(read: Callable[[], object]) -> bool:
        try:
            read()
        except (VerificationError, ValueError):
            return False
        return True

    size = len(read_base64(text)) if holds(lambda: read_base64(text)) else 1
    assert holds(lambda: alone.b64(text, size)) == holds(lambda: read_base64(text))


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-I", str(FILE), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_as_a_command_it_has_the_exit_codes_of_the_other(tmp_path: Path) -> None:
    good, bad, other = (tmp_path / name for name in ("good.zip", "bad.zip", "other.txt"))
    good.write_bytes(GOOD)
    bad.write_bytes(GOOD[:500] + b"x" + GOOD[501:])
    other.write_text("nothing")
    assert [
        run(str(good), "--key", KEY.vkey).returncode,
        run(str(bad), "--key", KEY.vkey).returncode,
        run(str(other)).returncode,
        run(str(good)).returncode,
        run(str(good), "--key", str(other)).returncode,
    ] == [0, 1, 2, 3, 2]


def test_the_guide_tells_its_digest() -> None:
    guide = Path(__file__).parents[3] / "docs" / "guide" / "verify-a-bundle.md"
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() in guide.read_text()
