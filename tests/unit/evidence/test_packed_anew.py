"""Bundles somebody unpacked, altered and packed anew: refused, and the altered row is named."""

import io
import random
import tracemalloc
import zipfile

import pytest

from evidence.container import read_container
from evidence.verify import Report, Status, verify_bytes
from unit.evidence.sample_bundle import KEY, bundle

GOOD = bundle()
PATH = "data/population.jsonl"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def files() -> dict[str, bytes]:
    with memoryview(GOOD) as view:
        return {
            each.name: bytes(view[each.start : each.start + each.size])
            for each in read_container(view).values()
        }


def zipped(held: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    return out.getvalue()


def check(content: bytes) -> Report:
    return verify_bytes(memoryview(content), [KEY])


def failures(report: Report) -> dict[str, str]:
    return {each.name: each.detail for each in report.checks if each.status is Status.FAILED}


@pytest.mark.parametrize("method", METHODS)
def test_a_row_altered_in_a_bundle_packed_anew_is_named(method: int) -> None:
    held = files()
    altered = held[PATH].replace(b"row-0", b"row-X", 1)
    report = check(zipped(held | {PATH: altered}, method))
    assert report.exit_code == 1
    assert failures(report)["rows"] == f"{PATH}: row 1 was altered"
    assert set(failures(report)) >= {"container", "file digests", "rows"}


def test_a_bundle_packed_anew_with_nothing_altered_fails_for_its_container_alone() -> None:
    report = check(zipped(files()))
    assert report.exit_code == 1
    assert set(failures(report)) == {"container"}


def test_what_stands_before_or_behind_a_bundle_fails_for_its_container() -> None:
    assert set(failures(check(GOOD + b"more"))) == {"container"}


def test_a_file_put_in_is_named() -> None:
    told = failures(check(zipped(files() | {"evil.exe": b"MZ"})))
    assert "evil.exe is not in the manifest" in told["members"]


@pytest.mark.parametrize("size", [17 << 20, 300 << 20])
def test_what_unfolds_to_too_much_is_not_unfolded(size: int) -> None:
    bomb = zipped({"mimetype": b"\0" * size})
    tracemalloc.start()
    report = check(bomb)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert failures(report).keys() == {"container"}
    assert peak < 16 << 20


def test_a_size_that_lies_is_refused() -> None:
    true = zipped({"mimetype": b"\0" * 100_000})
    lie = true.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lie != true
    assert failures(check(lie)).keys() == {"container"}


@pytest.mark.parametrize("seed", range(4))
def test_no_altered_byte_of_a_bundle_packed_anew_raises(seed: int) -> None:
    pick, content = random.Random(seed), zipped(files())
    for _ in range(50):
        altered = bytearray(content)
        altered[pick.randrange(4, len(altered))] ^= 1 << pick.randrange(8)
        assert check(bytes(altered)).exit_code == 1
