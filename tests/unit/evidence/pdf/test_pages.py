"""What the pages are beyond their text: tags, links, colours, charts; and memory stays flat."""

import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from evidence.errors import EvidenceError
from evidence.pdf.document import (
    Align,
    Bar,
    Chart,
    Column,
    Fact,
    Finding,
    Register,
    Report,
    Section,
    Table,
    Tone,
    Verdict,
)
from evidence.pdf.render import render, render_to
from evidence.pdf.writer import Writer, text_string
from unit.evidence.pdf.sample import report
from unit.evidence.pdf.test_render import run, text

WIDE = tuple(Column(f"C{number}", 1) for number in range(8))


def rich() -> Report:
    """A report with every kind of part."""
    rows = tuple((f"Control {number}", "Answered by the decisions " * 9) for number in range(40))
    told = Section(
        "Summary",
        charts=(
            Chart("Decisions", (Bar("Kept", 90), Bar("Revoked", 8), Bar("None", 0)), is_whole=True),
            Chart("Minutes", (Bar("Least", 4), Bar("Most", 61, "limit 60"))),
            Chart("Empty", (Bar("Nothing", 0),), is_whole=True),
        ),
        tables=(
            Table("Controls", (Column("Id", 1), Column("Answer", 3)), rows, "Every control."),
            Table("Numbers", (Column("n", 1, Align.RIGHT),), (("12",),)),
        ),
        key="summary",
    )
    return replace(
        report(told, findings=(Finding("Late removals", 2, "See below.", "summary"),)),
        verdict=Verdict("Two exceptions", "What it rests on.", Tone.BAD),
        signature=(Fact("Signer", "Example Bank"),),
    )


@pytest.fixture(scope="module")
def rich_pdf() -> bytes:
    return render(rich())


def test_printing_adds_no_number_but_those_of_pages_and_rows(tmp_path: Path) -> None:
    """Whatever else has a number in it was put into the report, and is recounted there."""
    cells = (("Ann", "Payroll"), ("Bob", "Payroll"))
    columns = (Column("Identity", 1), Column("Group", 1))
    told = Section(
        "Population",
        ("As it was.",),
        facts=(Fact("Frozen", "at launch"),),
        tables=(Table("Told", columns, cells, "By word."),),
        registers=(Register("Who", columns, cells, 2, "data/population.csv", "none"),),
    )
    made = replace(
        report(told),
        subtitle="Spring",
        bundle_id="b",
        facts=(Fact("Kind", "campaign"),),
        figures=(),
        verdict=Verdict("Nothing", "It rests on words."),
    )
    shown = text(tmp_path, render(made))
    for added in (
        r"page \d of \d",
        f"{made.created_at:%Y-%m-%d %H:%M}(:%S)? UTC".replace("%S", f"{made.created_at:%S}"),
        r"(?m)^ *(Population|Told|Who) +\d$",  # the contents
        r"(?m)^ *[12]\. ",  # how to check it
        r"rows 1 to 2 of 2",
        r"(?m)^ *[12](?= +(Ann|Bob) )",
    ):
        shown = re.sub(added, "", shown)
    assert re.findall(r".*\d.*", shown) == []


def test_everything_of_a_rich_report_can_be_read(tmp_path: Path, rich_pdf: bytes) -> None:
    shown = text(tmp_path, rich_pdf)
    for each in ("Two exceptions", "Kept 90 (92 %)", "61 limit 60", "Control 39", "Acknowledged"):
        assert each in re.sub(r" +", " ", shown), each


def test_the_cover_says_where_things_are_though_it_is_drawn_last(
    tmp_path: Path, rich_pdf: bytes
) -> None:
    pages = text(tmp_path, rich_pdf).split("\f")
    found = re.search(r"Controls +(\d+)", pages[1])
    assert found is not None
    assert "Control 0" in pages[int(found[1]) - 1]


def test_the_pages_are_tagged_and_lead_to_each_other(tmp_path: Path, rich_pdf: bytes) -> None:
    structure = run(tmp_path, rich_pdf, "pdfinfo", "-struct", "FILE")
    for role in ("H1", "Sect", "Table", "TR", "TH", "TD", "Figure", "TOCI"):
        assert re.search(rf"^ +{role}\b", structure, re.MULTILINE), role
    assert "Kept: 90; Revoked: 8" in run(tmp_path, rich_pdf, "pdfinfo", "-struct-text", "FILE") or (
        b"Kept: 90; Revoked: 8" in rich_pdf
    )
    assert rich_pdf.count(b"/Subtype /Link") >= 4
    assert "Tagged:          yes" in run(tmp_path, rich_pdf, "pdfinfo", "FILE")
    said = run(tmp_path, rich_pdf, "qpdf", "--check", "FILE")
    assert "No syntax or stream encoding errors found" in said


def test_it_is_built_to_an_archival_standard(tmp_path: Path, rich_pdf: bytes) -> None:
    packet = run(tmp_path, rich_pdf, "pdfinfo", "-meta", "FILE")
    assert "<pdfaid:part>3</pdfaid:part>" in packet
    assert b"/S /GTS_PDFA1" in rich_pdf
    assert not re.search(rb"[^\n]endstream", rich_pdf)
    for link in re.findall(rb"/Subtype /Link[^>]+", rich_pdf):
        assert b"/F 4" in link


def test_every_page_of_a_register_says_which_rows_of_which_file_it_shows(tmp_path: Path) -> None:
    rows = [(f"r{number}",) for number in range(200)]
    made = Register("R", (Column("A", 1),), rows, 200, "data/r.csv", "none")
    *pages, _rest = text(tmp_path, render(report(Section("S", registers=(made,))))).split("\f")
    spans = [
        (int(found[1]), int(found[2]), page)
        for page in pages
        if (found := re.search(r"rows (\d+) to (\d+) of 200", page))
    ]
    assert len(spans) > 2
    assert [spans[0][0], spans[-1][1]] == [1, 200]
    for first, last, page in spans:
        assert f"r{first - 1}\n" in page
        assert f"r{last - 1}\n" in page
        assert "full values in data/r.csv" in page


def test_a_cell_is_cut_the_same_way_whatever_its_letters(tmp_path: Path) -> None:
    """The quick way for plain text and the careful one agree."""
    long = "Payments approvers of the northern region and others"
    columns = (Column("A", 1), Column("B", 1, Align.RIGHT), Column("C", 4))
    rows = [(long, long, ""), (long.replace("o", "ö"), long.replace("o", "ö"), "")]
    made = Register("R", columns, rows, 2, "data/r.csv", "none")
    shown = text(tmp_path, render(report(Section("S", registers=(made,)))))
    cut = re.findall(r"(Payments [^…]*)…", shown.replace("ö", "o"))
    assert len(cut) == 4
    assert len(set(cut)) == 1


def most_memory(count: int, folder: Path) -> int:
    def rows() -> Iterator[tuple[str, ...]]:
        for number in range(count):
            yield tuple(f"r{number}c{column}" for column in range(8))

    made = report(Section("S", registers=(Register("R", WIDE, rows(), count, "f", "none"),)))
    tracemalloc.start()
    with (folder / f"{count}.pdf").open("w+b") as file:
        render_to(made, file)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_ten_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    small = most_memory(3_000, tmp_path)
    assert most_memory(12_000, tmp_path) - small < 2_000_000


def test_an_object_is_written_once_and_none_is_forgotten() -> None:
    writer = Writer(BytesIO())
    number = writer.add(b"<< >>")
    with pytest.raises(EvidenceError, match="written before"):
        writer.put(number, b"<< >>")
    writer.reserve()
    with pytest.raises(EvidenceError, match="never written"):
        writer.finish(number, number, "00")


def test_a_text_string_is_plain_if_it_can_be() -> None:
    assert text_string("a (b)") == b"(a \\(b\\))"
    assert text_string("ä") == b"<FEFF00E4>"


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(EvidenceError, match="below zero"):
        Chart("c", (Bar("b", -1),))
    with pytest.raises(EvidenceError, match="columns"):
        Table("t", (), ())
    with pytest.raises(EvidenceError, match="rows"):
        Table("t", (Column("A", 1),), (("a", "b"),))
