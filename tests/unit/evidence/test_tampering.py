"""Every altered byte, row, file and name is refused, and named; nothing unexpected is raised."""

import io
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from evidence.canonical import canonical, parse_canonical
from evidence.container import read_container, write_container
from evidence.errors import VerificationError
from evidence.verify import Report, verify_bytes
from unit.evidence.sample_bundle import KEY, bundle, parts

GOOD = bundle()
Files = dict[str, bytes]


@cache
def members() -> tuple[tuple[str, bytes], ...]:
    view = memoryview(GOOD)
    found = read_container(view).values()
    return tuple((m.name, bytes(view[m.start : m.start + m.size])) for m in found)


def pack(files: Files) -> bytes:
    out = io.BytesIO()
    write_container(out, files.items())
    return out.getvalue()


def check(content: bytes) -> Report | None:
    try:
        return verify_bytes(memoryview(content), [KEY])
    except VerificationError:
        return None


def failures(files: Files) -> str:
    report = check(pack(files))
    assert report is not None
    assert report.exit_code == 1
    return "\n".join(f"{c.name}: {c.detail}" for c in report.checks if c.status == "failed")


def test_packing_anew_gives_the_same_bytes() -> None:
    assert pack(dict(members())) == GOOD


@pytest.mark.parametrize("name", [name for name, content in members() if content])
def test_a_flipped_byte_in_a_member_is_refused_and_named(name: str) -> None:
    content = dict(members())[name]
    pick = random.Random(name)
    for at in {0, len(content) // 2, len(content) - 1, *pick.choices(range(len(content)), k=5)}:
        altered = bytearray(content)
        altered[at] ^= 1 << pick.randrange(8)
        told = failures(dict(members()) | {name: bytes(altered)})
        assert name in told


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_bit_anywhere_in_the_file_is_refused(seed: int) -> None:
    pick = random.Random(seed)
    for _ in range(100):
        altered = bytearray(GOOD)
        altered[pick.randrange(len(altered))] ^= 1 << pick.randrange(8)
        report = check(bytes(altered))
        assert report is None or report.exit_code == 1


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_every_flipped_bit_of_the_zips_own_bytes_is_refused(step: int) -> None:
    inside = bytearray(len(GOOD))
    for member in read_container(memoryview(GOOD)).values():
        inside[member.start : member.start + member.size] = b"\1" * member.size
    for at in [at for at, held in enumerate(inside) if not held][::step]:
        altered = bytearray(GOOD)
        altered[at] ^= 1 << (at % 8)
        report = check(bytes(altered))
        assert report is None or report.exit_code == 1, at


@pytest.mark.parametrize("name", [name for name, _content in members()])
def test_a_member_taken_out_is_named(name: str) -> None:
    files = dict(members())
    del files[name]
    assert name in failures(files)


@pytest.mark.parametrize("name", ["data/extra.jsonl", "evil.exe", "log/samples/x.tlog-proof"])
def test_a_member_put_in_is_named(name: str) -> None:
    assert name in failures(dict(members()) | {name: b"x"})


def test_two_members_swapped_are_named() -> None:
    files = dict(members())
    one, other = "data/population.csv", "data/decisions.csv"
    told = failures(files | {one: files[other], other: files[one]})
    assert f"{one} was altered" in told
    assert f"{other} was altered" in told


def test_members_in_another_order_are_refused() -> None:
    names = list(dict(members()))
    names[3], names[4] = names[4], names[3]
    assert "not in the order" in failures({name: dict(members())[name] for name in names})


def test_a_renamed_member_is_named() -> None:
    renamed = {name.replace("drift.csv", "Drift.csv"): content for name, content in members()}
    assert "data/Drift.csv is not in the manifest" in failures(renamed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows[:2] + rows[3:], "row 3 was taken out"),
        (lambda rows: [*rows[:2], b'{"id":"new"}', *rows[2:]], "row 3 was put in"),
        (lambda rows: [rows[1], rows[0], *rows[2:]], "row 1 was moved"),
        (lambda rows: [rows[0].replace(b"row-0", b"row-X"), *rows[1:]], "row 1 was altered"),
        (lambda rows: [*rows, rows[-1]], "10 rows, but the manifest says 9"),
    ],
)
@pytest.mark.parametrize("path", ["data/population.jsonl"])
def test_a_changed_row_is_named(
    path: str, change: Callable[[list[bytes]], list[bytes]], words: str
) -> None:
    rows = dict(members())[path].split(b"\n")[:-1]
    told = failures(dict(members()) | {path: b"".join(r + b"\n" for r in change(rows))})
    assert f"{path}: {words}" in told


def test_a_changed_csv_row_is_named_by_its_twin() -> None:
    files = dict(members())
    altered = files["data/population.csv"].replace(b"row-3", b"row-4")
    told = failures(files | {"data/population.csv": altered})
    assert "data/population.csv: row 4 differs from its twin" in told


def test_a_manifest_made_anew_without_the_key_is_refused() -> None:
    files = dict(members())
    manifest = parse_canonical(files["manifest.json"])
    manifest["controls"] = ["CC9.9"]
    told = failures(files | {"manifest.json": canonical(manifest)})
    assert "manifest signature" in told


@pytest.mark.parametrize(
    "forge",
    [
        lambda manifest: manifest["files"].append(manifest["files"][0]),
        lambda manifest: manifest["files"].pop(),
        lambda manifest: manifest["files"][0].update(path="../../etc/passwd"),
        lambda manifest: manifest["files"][0].update(path="a\0b"),
        lambda manifest: manifest["files"][0].update(bytes=-1),
        lambda manifest: manifest["files"][0].update(records=2**53),
        lambda manifest: manifest["files"][0].update(path=[]),
        lambda manifest: manifest.update(counts={"population": True}),
        lambda manifest: manifest.update(created_at="2026-01-01"),
        lambda manifest: manifest.update(created_at=7),
        lambda manifest: manifest.update(ledger=[]),
        lambda manifest: manifest["ledger"].update(size="1"),
        lambda manifest: manifest.update(extra=1),
        lambda manifest: manifest.update(files={}),
        lambda manifest: manifest.update(files=[None]),
    ],
)
def test_a_hostile_manifest_is_refused_and_raises_nothing(forge: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    files = dict(members())
    manifest = parse_canonical(files["manifest.json"])
    forge(manifest)
    failures(files | {"manifest.json": canonical(manifest)})


@pytest.mark.parametrize("edge", [b"PK", b"\0" * 30, b"<html>"])
def test_bytes_before_or_behind_the_container_are_refused(edge: bytes) -> None:
    for content in (GOOD + edge, edge + GOOD, GOOD[: -len(edge)], GOOD[len(edge) :]):
        report = check(content)
        assert report is None or report.exit_code == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"entries": [(0, b"{}")]}, "row 1: not a ledger entry"),
        ({"proof": lambda _indexes: b"nonsense"}, "log/proof"),
        ({"consistency": b"old 5\n\nnonsense"}, "not a signed note"),
        ({"consistency": b"nonsense"}, "first line is not"),
        ({"samples": {"x": b"nonsense"}}, "tlog-proof"),
        ({"trust": {"ca.pem": b"nonsense"}}, "report.pdf"),
    ],
)
def test_a_signer_that_lies_is_found_out(changed: dict[str, object], words: str) -> None:
    content = bundle(replace(parts(), **changed))  # type: ignore[arg-type]
    report = check(content)
    assert report is not None
    assert report.exit_code == 1
    assert any(words in each.detail for each in report.checks if each.status == "failed")


def test_disclosures_of_another_value_are_found_out() -> None:
    made = parts()
    first, *rest = list(made.disclosures or ())
    report = check(bundle(replace(made, disclosures=[replace(first, value="other"), *rest])))
    assert report is not None
    assert [each.name for each in report.checks if each.status == "failed"] == ["disclosures"]


def test_a_member_longer_than_the_file_is_refused() -> None:
    altered = bytearray(GOOD)
    at = altered.index(b"PK\1\2")
    altered[at + 20 : at + 28] = b"\xff" * 8
    assert zlib.crc32(altered) != zlib.crc32(GOOD)
    report = check(bytes(altered))
    assert report is not None
    assert report.checks[0].status == "failed"
