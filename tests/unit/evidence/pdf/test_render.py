"""What is on the pages, read back from them with other people's tools."""

import os
import re
import shutil
import subprocess
import sys
import unicodedata
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from evidence.errors import EvidenceError
from evidence.pdf.document import Column, Fact, Finding, KeyFigure, Register, Report, Section
from evidence.pdf.render import render
from unit.evidence.pdf.sample import BUNDLE_ID, COLUMNS, ODD_NAMES, full, register, report

EMBEDDING_MARKS = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u200e\u200f"))
REPOSITORY = Path(__file__).parents[4]


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(tmp_path: Path, pdf: bytes, *command: str) -> str:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    arguments = [str(path) if each == "FILE" else each for each in command]
    done = subprocess.run(
        [tool(arguments[0]), *arguments[1:]], capture_output=True, check=True, timeout=60
    )
    return done.stdout.decode()


def text(tmp_path: Path, pdf: bytes, *options: str) -> str:
    found = run(tmp_path, pdf, "pdftotext", "-layout", *options, "FILE", "-")
    return found.translate(EMBEDDING_MARKS)


def squeezed(shown: str) -> str:
    """Without blanks: how wide a gap is read as one is the reader's guess."""
    return "".join(unicodedata.normalize("NFC", shown).split())


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render(full())


def test_the_same_report_gives_the_same_bytes_whatever_the_hash_seed_or_epoch() -> None:
    digests = set()
    for seed, epoch in (("0", ""), ("1", ""), ("424242", "1000000000")):
        environment = os.environ | {
            "PYTHONHASHSEED": seed,
            "SOURCE_DATE_EPOCH": epoch,
            "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests'}",
        }
        done = subprocess.run(
            [sys.executable, "-m", "unit.evidence.pdf.sample"],
            env=environment,
            cwd=REPOSITORY,
            capture_output=True,
            check=True,
            timeout=60,
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop()) == 64


def test_a_second_rendering_in_one_process_gives_the_same_bytes(pdf: bytes) -> None:
    render(report(Section("Other", registers=(register(("漢字",)),))))
    assert render(full()) == pdf


def test_the_file_is_sound(tmp_path: Path, pdf: bytes) -> None:
    said = run(tmp_path, pdf, "qpdf", "--check", "FILE")
    assert "No syntax or stream encoding errors found" in said


def test_every_font_is_embedded_in_part_and_maps_to_unicode(tmp_path: Path, pdf: bytes) -> None:
    rows = run(tmp_path, pdf, "pdffonts", "FILE").splitlines()[2:]
    assert len(rows) >= 4
    for row in rows:
        assert re.search(r"TrueType +WinAnsi +yes yes yes ", row), row


def test_the_dates_and_names_of_the_document_are_the_bundles_own(
    tmp_path: Path, pdf: bytes
) -> None:
    said = run(tmp_path, pdf, "pdfinfo", "-isodates", "FILE")
    assert re.search(r"^Title: +Access review: First quarter 2026$", said, re.MULTILINE)
    assert re.search(r"^CreationDate: +2026-03-01T09:30:15", said, re.MULTILINE)
    assert re.search(r"^ModDate: +2026-03-01T09:30:15", said, re.MULTILINE)
    packet = run(tmp_path, pdf, "pdfinfo", "-meta", "FILE")
    assert "<xmp:CreateDate>2026-03-01T09:30:15Z</xmp:CreateDate>" in packet
    assert b"/Lang (en)" in pdf


def test_the_first_page_tells_what_went_wrong_before_the_figures_and_names_the_bundle(
    tmp_path: Path, pdf: bytes
) -> None:
    page = text(tmp_path, pdf, "-l", "1")
    places = [
        page.index(each)
        for each in (
            "Access review",
            "What went wrong",
            "Removals that failed",
            "12,034",
            BUNDLE_ID,
            "81,223 entries",
            "How to check this bundle",
        )
    ]
    assert places == sorted(places)


def test_a_report_without_findings_says_so(tmp_path: Path) -> None:
    page = text(tmp_path, render(report()), "-l", "1")
    assert "What went wrong" in page
    assert "Nothing: every removal was confirmed." in page


def test_every_page_names_the_bundle_and_says_which_of_how_many_it_is(
    tmp_path: Path, pdf: bytes
) -> None:
    *pages, rest = text(tmp_path, pdf).split("\f")
    assert rest == ""
    assert len(pages) > 4
    for number, page in enumerate(pages, start=1):
        assert f"page {number} of {len(pages)}" in page
        assert f"Bundle {BUNDLE_ID}" in page


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_found_again_in_the_text(tmp_path: Path, pdf: bytes, name: str) -> None:
    assert squeezed(name) in squeezed(text(tmp_path, pdf))


@pytest.mark.parametrize("name", ["ڀاڱو ڃ", "پژمان گ", "אַבְרָהָם", "(محمد) [x]", "السَّلام ١٢٣"])
def test_no_letter_of_a_right_to_left_name_is_lost(tmp_path: Path, name: str) -> None:
    """The order is the reader's to restore; the letters must all be there."""
    made = render(report(Section("S", registers=(register((f"q{name}q",)),))))
    shown = squeezed(text(tmp_path, made))
    for each in unicodedata.normalize("NFD", name).split():
        for letter in filter(str.isalnum, each):
            assert letter in unicodedata.normalize("NFD", shown), hex(ord(letter))


def test_no_glyph_is_an_empty_box(tmp_path: Path) -> None:
    nothing = "กขค अमित \ue000 \U000e0041 𠮷"
    shown = text(tmp_path, render(report(Section("S", (nothing,)))))
    for each in nothing.replace(" ", ""):
        assert f"\u2039U+{ord(each):04X}\u203a" in shown


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u2066", "\x00", "\n", "\u00ad", "\u200d"])
def test_what_cannot_be_seen_is_written_out(tmp_path: Path, hidden: str) -> None:
    name = f"evil{hidden}gnp.exe"
    shown = text(tmp_path, render(report(Section("S", registers=(register((name,)),)))))
    assert f"evil\u2039U+{ord(hidden):04X}\u203agnp.exe" in shown


def test_a_lone_surrogate_and_an_odd_organisation_do_no_harm(tmp_path: Path) -> None:
    odd = replace(report(Section("a \ud800 <b> & \x01")), organization="A & \ud800 <B>")
    made = render(odd)
    assert "U+D800" in text(tmp_path, made)
    packet = run(tmp_path, made, "pdfinfo", "-meta", "FILE")
    assert "A &amp; \u2039U+D800\u203a &lt;B&gt;" in packet


def test_a_name_too_long_for_its_column_ends_in_an_ellipsis(tmp_path: Path) -> None:
    long = "Bartholomew " * 20
    shown = text(tmp_path, render(report(Section("S", registers=(register((long,)),)))))
    assert re.search(r"1 Bartholomew.*…\s+Payments", shown)
    assert "full values in data/population.csv" in shown


def test_an_empty_register_says_that_there_are_no_records(tmp_path: Path, pdf: bytes) -> None:
    shown = text(tmp_path, pdf)
    assert "No records: nobody has access" in shown


def test_an_empty_cell_leaves_its_place_empty(tmp_path: Path) -> None:
    rows = [("", "group", ""), ("name", "", "2026-01-01")]
    made = Register("R", COLUMNS, rows, 2, "data/r.csv", "none")
    shown = text(tmp_path, render(report(Section("S", registers=(made,)))))
    first = re.search(r"^ *1 +group$", shown, re.MULTILINE)
    second = re.search(r"^ *2 name +2026-01-01$", shown, re.MULTILINE)
    assert first is not None
    assert second is not None


def test_rows_are_numbered_through_all_pages(tmp_path: Path, pdf: bytes) -> None:
    shown = text(tmp_path, pdf)
    for number in range(130):
        assert re.search(rf"^ *{number + 1} r{number}c0 .*r{number}c7$", shown, re.MULTILINE)


def test_a_long_paragraph_and_a_long_word_stay_inside_the_page(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(3000))
    unbroken = "x" * 400
    made = render(report(Section("S", (words, unbroken))))
    boxes = run(tmp_path, made, "pdftotext", "-bbox", "FILE", "-")
    rights = [float(each) for each in re.findall(r'xMax="([\d.]+)"', boxes)]
    bottoms = [float(each) for each in re.findall(r'yMax="([\d.]+)"', boxes)]
    assert max(rights) <= 595.28 - 40
    assert max(bottoms) <= 841.89 - 15
    assert "word2999" in boxes


@pytest.mark.parametrize("words", [1, 40])
def test_what_is_said_of_the_signature_stays_inside_its_frame(tmp_path: Path, words: int) -> None:
    said = tuple(Fact("Level", "word " * words) for _ in range(4))
    pdf = render(replace(report(), signature=said))
    plain = tmp_path / "plain.pdf"
    run(tmp_path, pdf, "qpdf", "--qdf", "--stream-data=uncompress", "FILE", str(plain))
    drawn = plain.read_text("latin-1")
    bottom, height = next(
        (float(y), float(high)) for y, high in re.findall(r" (\S+) \S+ (\S+) re S", drawn)
    )
    lines = re.findall(r" 56\.00 (\S+) Tm /F1\+0 6\.6 Tf \((?:Level|word)", drawn)
    assert len(lines) >= len(said)
    assert all(bottom + 3 < float(y) < bottom + height - 6 for y in lines)


def test_a_number_is_never_cut(tmp_path: Path) -> None:
    huge = KeyFigure("Rows", "123,456,789,012,345,678,901", "all")
    made = replace(
        report(findings=(Finding("Late", 123_456_789_012),)), figures=(huge, KeyFigure("None", ""))
    )
    shown = text(tmp_path, render(made))
    assert "123,456,789,012,345,678,901" in shown
    assert re.search(r"123,456,789,012 +Late", shown)


def test_many_findings_and_figures_run_over_the_page_and_lose_nothing(tmp_path: Path) -> None:
    findings = tuple(Finding(f"Kind {number}", number, "Detail " * 30) for number in range(60))
    shown = text(tmp_path, render(report(findings=findings)))
    assert all(f"Kind {number}\n" in shown for number in range(60))


@pytest.mark.parametrize("total", [0, 1, 3])
def test_a_register_whose_rows_do_not_agree_with_its_total_is_refused(total: int) -> None:
    rows = [("a", "b", "c"), ("d", "e", "f")]
    wrong = Register("R", COLUMNS, rows, total, "data/r.csv", "none")
    with pytest.raises(EvidenceError, match="rows than its total"):
        render(report(Section("S", registers=(wrong,))))


def test_a_row_of_another_length_is_refused() -> None:
    wrong = Register("R", COLUMNS, [("a", "b")], 1, "data/r.csv", "none")
    with pytest.raises(EvidenceError, match=r"row 1 .* 2 texts for 3 columns"):
        render(report(Section("S", registers=(wrong,))))


def test_a_register_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(EvidenceError, match="columns"):
        Register("R", (), [], 0, "f", "none")
    with pytest.raises(EvidenceError, match="columns"):
        Register("R", (Column("A", 0),), [], 0, "f", "none")
    with pytest.raises(EvidenceError, match="total"):
        Register("R", COLUMNS, [], -1, "f", "none")


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(EvidenceError, match="created_at"):
        Report("t", "s", "id", datetime(2026, 1, 1), "o", (), (), "", (), (), ())  # noqa: DTZ001
