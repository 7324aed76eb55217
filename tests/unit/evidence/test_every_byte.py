"""Every byte of the small members and many of the large ones, against both verifiers."""

import random
import tracemalloc
import zipfile
from collections.abc import Iterable

import pytest

from evidence.bundle import Table
from evidence.container import read_container
from unit.evidence.sample_bundle import bundle, parts
from unit.evidence.test_packed_anew import zipped
from unit.evidence.test_standalone import agreed, verdicts, verdicts_alone
from unit.evidence.test_tampering import pack

SMALL = 600
SPARSE = 3


def contents() -> dict[str, bytes]:
    """A bundle as small as one can be, so that every byte of it can have its turn."""
    tables = {"population": Table(("id", "name"), [{"id": "a", "name": "b"}])}
    made = bundle(parts(entries=8, tables=tables))
    view = memoryview(made)
    return {m.name: bytes(view[m.start : m.start + m.size]) for m in read_container(view).values()}


FILES = contents()


def places(name: str, content: bytes, dense: int) -> Iterable[int]:
    """All of a small member; of a large one, its edges and a seeded choice."""
    if len(content) <= dense:
        return range(len(content))
    pick = random.Random(name)
    return sorted({0, len(content) - 1, *pick.sample(range(len(content)), dense)})


def refuse(name: str, dense: int) -> None:
    pick, content = random.Random(f"bit {name}"), FILES[name]
    for at in places(name, content, dense):
        altered = bytearray(content)
        altered[at] ^= 1 << pick.randrange(8)
        found = agreed(pack(FILES | {name: bytes(altered)}))
        assert "failed" in found.values(), (name, at)


@pytest.mark.parametrize("name", [name for name, content in FILES.items() if content])
def test_a_choice_of_bytes_of_each_member_is_refused_by_both(name: str) -> None:
    refuse(name, SPARSE)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, content in FILES.items() if content])
def test_every_byte_of_each_small_member_is_refused_by_both(name: str) -> None:
    refuse(name, SMALL)


def test_every_pair_of_members_swapped_is_refused_by_both() -> None:
    names = [name for name in FILES if name != "mimetype"]
    pick = random.Random(2)
    for _ in range(12):
        one, other = pick.sample(names, 2)
        if FILES[one] != FILES[other]:
            found = agreed(pack(FILES | {one: FILES[other], other: FILES[one]}))
            assert "failed" in found.values(), (one, other)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_unfolds_to_a_thousand_times_its_size_costs_neither_of_them_memory(
    method: int,
) -> None:
    bomb = zipped(FILES | {"data/population.jsonl": bytes(64 << 20)}, method)
    tracemalloc.start()
    try:
        assert verdicts(bomb)["container"] == "failed"
        assert verdicts_alone(bomb)["container"] == "failed"
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 32 << 20


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "data\\population.jsonl", "a" * 60_000]
)
def test_a_name_that_leads_elsewhere_is_refused_by_both_and_nothing_is_unpacked(name: str) -> None:
    found = agreed(pack(FILES | {name: b"x"}))
    assert found["members"] == "failed"


def test_a_name_that_comes_twice_is_refused_by_both() -> None:
    packed = pack(FILES | {"data/drift.csx": FILES["data/drift.csv"]})
    assert agreed(packed.replace(b"data/drift.csx", b"data/drift.csv"))["container"] == "failed"


@pytest.mark.parametrize(
    "hostile",
    [
        b"9" * 5_000_000,
        b'{"a":' * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b"\xff\xfe{\x00}\x00",
        "{}".encode("utf-16"),
        b'"\\ud800"',
        b'{"a":1,"a":2}',
        b"NaN",
        b"-0",
        b"1e400",
        b"\xef\xbb\xbf{}",
        b"\0" * 1000,
    ],
    ids=lambda hostile: repr(hostile[:12]),
)
@pytest.mark.parametrize("name", ["manifest.json", "data/ledger.jsonl", "log/proof"])
def test_hostile_text_is_refused_by_both_and_raises_nothing(name: str, hostile: bytes) -> None:
    assert "failed" in agreed(pack(FILES | {name: hostile + b"\n"})).values()


@pytest.mark.parametrize(
    "hostile",
    [
        b"%PDF-1.7\n" + b"1 0 obj<<" * 100_000,
        b"%PDF-1.7\n/ByteRange [ 0 1 2 999999999999 ]\nstartxref\n0\n%%EOF\n",
        b"%PDF-1.7\n/ByteRange [" + b"9" * 1_000_000,
        b"%PDF-1.7",
        b"",
    ],
    ids=lambda hostile: repr(hostile[:20]),
)
def test_a_broken_pdf_is_refused_and_raises_nothing(hostile: bytes) -> None:
    found = verdicts(pack(FILES | {"report.pdf": hostile}))
    assert (found["report"], found["report signature"]) == ("failed", "failed")
    assert verdicts_alone(pack(FILES | {"report.pdf": hostile}))["file digests"] == "failed"
