"""The ASiC manifest has one form; whatever else is refused."""

import hashlib
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.asic import AsicFile, asic_manifest, parse_asic_manifest
from evidence.errors import EvidenceError, VerificationError

FILES = [
    AsicFile("report.pdf", "application/pdf", hashlib.sha256(b"a").hexdigest()),
    AsicFile("data/population.jsonl", "application/jsonl", hashlib.sha256(b"b").hexdigest()),
]
NAMES = st.from_regex(r"[A-Za-z0-9._/-]{1,40}", fullmatch=True)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(st.lists(st.tuples(NAMES, st.just("text/csv"), DIGESTS), unique_by=lambda file: file[0]))
def test_what_is_written_is_read_back(files: list[tuple[str, str, str]]) -> None:
    assert list(parse_asic_manifest(asic_manifest(files))) == files


def test_any_xml_reader_finds_the_files_in_it() -> None:
    root = ET.fromstring(asic_manifest(FILES))  # noqa: S314 - our own bytes
    asic = "{http://uri.etsi.org/02918/v1.2.1#}"
    assert root.tag == f"{asic}ASiCManifest"
    found = root.find(f"{asic}SigReference")
    assert found is not None
    assert found.get("URI") == "META-INF/signature001.p7s"
    assert [each.get("URI") for each in root.findall(f"{asic}DataObjectReference")] == [
        "report.pdf",
        "data/population.jsonl",
    ]


def test_no_changed_byte_gives_the_same_list() -> None:
    xml = asic_manifest(FILES)
    for at in range(len(xml)):
        changed = bytearray(xml)
        changed[at] ^= 1
        try:
            found = parse_asic_manifest(bytes(changed))
        except VerificationError:
            continue
        assert list(found) != FILES


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml + b"\n",
        lambda xml: xml.replace(b"\n", b"\r\n"),
        lambda xml: xml.replace(b"<?xml", b'<!DOCTYPE a [<!ENTITY b "c">]><?xml'),
        lambda xml: xml.replace(b"report.pdf", b"data/population.jsonl"),
        lambda xml: xml.replace(b"report.pdf", "réport.pdf".encode()),
        lambda xml: xml[:0],
        lambda xml: xml * 20_000,
    ],
)
def test_any_other_form_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(VerificationError):
        parse_asic_manifest(change(asic_manifest(FILES)))


@pytest.mark.parametrize(
    "file",
    [
        ('a"b', "text/csv", "0" * 64),
        ("a b", "text/csv", "0" * 64),
        ("", "text/csv", "0" * 64),
        ("a", "Text/CSV<", "0" * 64),
        ("a", "text/csv", "0" * 63),
        ("a", "text/csv", "G" * 64),
    ],
)
def test_a_value_that_cannot_stand_there_is_refused(file: tuple[str, str, str]) -> None:
    with pytest.raises(EvidenceError, match="files"):
        asic_manifest([file])


def test_a_path_that_comes_twice_is_refused() -> None:
    with pytest.raises(EvidenceError, match="twice"):
        asic_manifest([FILES[0], FILES[0]])
