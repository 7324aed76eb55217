"""Bundles: what is written verifies, the same data give the same bytes, other tools can read it."""

import io
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from evidence.bundle import PolicyFile, Table, write_bundle
from evidence.errors import EvidenceError
from evidence.keys import verifier_key
from evidence.tables import cell
from evidence.verify import main, verify_bundle, verify_bytes
from unit.evidence.sample_bundle import (
    KEY,
    OTHER,
    ROOT,
    authority,
    bundle,
    parts,
    signers,
)

GOOD = bundle()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.zip"
    path.write_bytes(GOOD)
    return path


def test_a_bundle_verifies_with_the_signers_key() -> None:
    report = verify_bytes(memoryview(GOOD), [KEY], [ROOT.certificate])
    assert [check for check in report.checks if check.status != "passed"] == []
    assert report.exit_code == 0


def test_without_a_key_it_is_intact_and_its_signer_unknown(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(file)]) == 3
    assert KEY.fingerprint in capsys.readouterr().out


def test_with_another_key_it_is_refused_by_name(file: Path) -> None:
    other = verifier_key(OTHER)
    assert main(["verify", str(file), "--key", other.vkey]) == 1
    failed = [c.name for c in verify_bundle(file, [other]).checks if c.status == "failed"]
    assert failed[0] == "signer"


def test_a_key_history_in_a_file_counts(file: Path, tmp_path: Path) -> None:
    history = tmp_path / "keys"
    history.write_text(f"{verifier_key(OTHER).vkey}\n{KEY.vkey}\n")
    assert main(["verify", str(file), "--key", str(history), "--json"]) == 0


def test_an_anchor_of_ones_own_must_have_certified_the_seals(file: Path, tmp_path: Path) -> None:
    anchor = tmp_path / "ca.pem"
    anchor.write_bytes(ROOT.certificate)
    assert main(["verify", str(file), "--key", KEY.vkey, "--trust", str(anchor)]) == 0
    anchor.write_bytes(authority().certificate)
    assert main(["verify", str(file), "--key", KEY.vkey, "--trust", str(anchor)]) == 1


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"hello"])
def test_what_is_no_bundle_is_wrong_use(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert main(["verify", str(path)]) == 2
    assert main(["verify", str(tmp_path / "absent")]) == 2
    assert main(["verify", str(path), "--key", "nonsense"]) == 2
    assert main(["check", str(path)]) == 2


def test_the_module_runs_by_itself_and_loads_no_app_and_no_pdf_library(file: Path) -> None:
    code = (
        "import sys; from evidence.verify import main; code = main(sys.argv[1:]);"
        "print([m for m in ('app', 'flask', 'sqlalchemy', 'pyhanko', 'reportlab') "
        "if m in sys.modules], code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", str(file), "--key", KEY.vkey],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.endswith("[] 0\n")


def test_the_same_data_give_the_same_bytes() -> None:
    first, second = (zipfile.ZipFile(io.BytesIO(each)) for each in (GOOD, bundle()))
    signed = ("report.pdf", "manifest.json", "manifest.note", "META-INF/")
    for name in first.namelist():
        if not name.startswith(signed):
            assert first.read(name) == second.read(name), name


def test_a_redacted_bundle_has_the_same_root() -> None:
    report = verify_bytes(memoryview(bundle(replace(parts(), disclosures=None))), [KEY])
    assert report.exit_code == 0
    assert any(check.detail.startswith("redacted") for check in report.checks)


def test_a_bundle_of_nothing_says_zero_and_verifies() -> None:
    empty = replace(parts(), tables={}, entries=[], disclosures=[], consistency=None, samples={})
    content = bundle(empty)
    report = verify_bytes(memoryview(content), [KEY])
    assert [check for check in report.checks if check.status != "passed"] == []
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.read("data/population.csv") == b"id\r\n"
    assert archive.read("data/population.jsonl") == b""


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_unzip_finds_no_fault(file: Path) -> None:
    done = subprocess.run(["unzip", "-t", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "value", ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1", "\u00a0=1", "\uff1d1", "\u3000＠x"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(value: str) -> None:
    assert cell(value) == f"'{value}"


@pytest.mark.parametrize("value", ["", "plain", "a=1", "’quoted", "محمد", "12"])
def test_any_other_cell_is_left_alone(value: str) -> None:
    assert cell(value) == value


def test_what_has_no_place_in_a_bundle_is_refused_by_name() -> None:
    made = parts()
    for changed, words in (
        (replace(made, tables={"ledger": Table(("id",), [])}), "ledger"),
        (replace(made, tables={"drift": Table(("id",), [{"id": "1", "x": 2}])}), "'x'"),
        (replace(made, trust={}), "ca.pem"),
        (replace(made, policies=[PolicyFile(b"", "text/html")]), "text/html"),
        (replace(made, entries=[(3, b"a"), (2, b"b")]), "entry 2"),
    ):
        with pytest.raises(EvidenceError, match=words):
            write_bundle(io.BytesIO(), changed, signers())
