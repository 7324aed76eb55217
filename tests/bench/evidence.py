"""What evidence costs, against `csv.writer` of the same rows: `python -m bench.evidence`.

A hundred thousand rows of eight columns, as a directory has them: some columns repeat, one is
different in every row, some names are not plain. CPU time, the best of some rounds in one process;
peers that are slow are timed on fewer rows and told so.
"""

import csv
import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.figures import Figure
from evidence.bundle import Records, Table, write_bundle
from evidence.pdf.document import Column, Register, Report, Section
from evidence.pdf.lettering import FONTS
from evidence.pdf.render import render_to
from unit.evidence.pdf.sample import report
from unit.evidence.sample_bundle import parts, signers

ROWS, MANY, FEW = 100_000, 1_000_000, 5_000
ROUNDS = 3
COLUMNS = ("account", "person", "group", "source", "provenance", "since", "decision", "item")
WIDTHS = (4, 4, 4, 2, 3, 4, 2, 4)
NAMES = (
    "Björn Tanaka",
    "Małgorzata Kowalski",
    "Ann Miller",
    "Olga O'Brien",
    "Nguyễn Văn",
    "Bob Gül",
)
PDF_GATE, BUNDLE_GATE, MEMORY_GATE = 8.0, 18.0, 64.0


def rows(count: int) -> Iterator[tuple[str, ...]]:
    for at in range(count):
        yield (
            f"user.{at % 20_000:05d}@corp.example.com",
            f"{NAMES[at % len(NAMES)]} {at % 20_000}",
            f"Group {at % 300} - approvers of payments",
            ("corp", "cloud")[at % 2],
            ("imported-at-start", "request")[at % 7 == 0],
            f"2026-0{at % 9 + 1}-01 09:30:{at % 60:02d}",
            ("keep", "revoke", "keep")[at % 3],
            f"01957a3e-7c1e-7abc-9def-{at:012x}",
        )


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """CPU seconds of the quickest round."""
    spent = []
    for _ in range(rounds):
        gc.collect()
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def register(count: int, given: Iterator[tuple[str, ...]]) -> Report:
    columns = tuple(Column(name, width) for name, width in zip(COLUMNS, WIDTHS, strict=True))
    made = Register("Population", columns, given, count, "data/population.csv", "none")
    return report(Section("Population", registers=(made,)))


def write_csv(folder: Path, held: list[tuple[str, ...]]) -> None:
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(held)


def write_pdf(folder: Path, held: list[tuple[str, ...]]) -> None:
    with (folder / "rows.pdf").open("w+b") as file:
        render_to(register(len(held), iter(held)), file)


def write_whole(folder: Path, count: int, given: Callable[[], Iterator[tuple[str, ...]]]) -> None:
    """A whole signed bundle: data files in both forms, the report, proofs, container."""

    def draw(records: Records, out: BytesIO) -> None:
        found = ([row[name] for name in COLUMNS] for row in records.rows("population"))
        render_to(register(count, found), out)  # type: ignore[arg-type]

    table = Table(COLUMNS, (dict(zip(COLUMNS, row, strict=True)) for row in given()))
    made = replace(parts(), tables={"population": table}, render=draw)  # type: ignore[arg-type]
    write_bundle(folder / "bundle.zip", made, signers())


def platypus(held: list[tuple[str, ...]]) -> None:
    """reportlab's own tables, in pieces of 500 rows; plain strings, no fitting."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import LongTable, SimpleDocTemplate

    story: list[Any] = [
        LongTable([*held[at : at + 500]], rowHeights=11.4, colWidths=[92] * 8)
        for at in range(0, len(held), 500)
    ]
    SimpleDocTemplate(BytesIO(), pagesize=landscape(A4)).build(story)


def draw_strings(held: list[tuple[str, ...]]) -> None:
    """reportlab's canvas, a call a cell; no fitting."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    registerFont(TTFont("Bench", str(FONTS / "DejaVuSans.ttf")))
    canvas = Canvas(BytesIO(), pagesize=(842, 595))
    canvas.setFont("Bench", 6.8)
    y = 530.0
    for row in held:
        if y < 54:
            canvas.showPage()
            canvas.setFont("Bench", 6.8)
            y = 530.0
        for index, cell in enumerate(row):
            canvas.drawString(48 + index * 92, y, cell)
        y -= 11.4
    canvas.save()


def fpdf2(held: list[tuple[str, ...]]) -> None:
    """fpdf2, a call a cell; no fitting."""
    from fpdf import FPDF

    pdf = FPDF(orientation="L")
    pdf.add_font("Bench", fname=str(FONTS / "DejaVuSans.ttf"))
    pdf.set_font("Bench", size=6.8)
    pdf.add_page()
    for row in held:
        for cell in row:
            pdf.cell(32, 4, cell)
        pdf.ln()
    pdf.output()


def peak(count: int, folder: Path) -> float:
    """Megabytes that a process of its own takes at most to make a whole bundle."""
    command = [sys.executable, str(Path(__file__).resolve()), "--peak", str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, check=True, timeout=580, text=True)
    return float(done.stdout)


def measure_evidence(folder: Path) -> Iterator[Figure]:
    folder.mkdir(parents=True, exist_ok=True)
    small, large = peak(ROWS, folder), peak(MANY, folder)  # first: a child's peak begins at ours
    yield Figure(
        "memory growth of a bundle, 100,000 to 1,000,000 rows (MB)",
        large - small,
        MEMORY_GATE,
        f"{small:.0f} to {large:.0f} MB at most",
    )
    held = list(rows(ROWS))
    base = best(lambda: write_csv(folder, held))
    mine = best(lambda: write_pdf(folder, held))
    size = (folder / "rows.pdf").stat().st_size / 1e6
    few = held[:FEW]
    least = best(lambda: write_csv(folder, few))
    others = [
        f"{name} {best(lambda work=work: work(few), 1) / least:.0f}"  # type: ignore[misc]
        for name, work in (
            ("Platypus", platypus),
            ("fpdf2", fpdf2),
            ("drawString", draw_strings),
        )
    ]
    yield Figure(
        "register PDF of 100,000 rows x 8 against csv",
        mine / base,
        PDF_GATE,
        f"aim 5; {mine:.2f} s, {size:.1f} MB; at {FEW:,} rows: {', '.join(others)}",
    )
    whole = best(lambda: write_whole(folder, ROWS, lambda: iter(held)), 2)
    yield Figure(
        "whole signed bundle against csv", whole / base, BUNDLE_GATE, f"aim 10; {whole:.2f} s"
    )


def main() -> int:
    if sys.argv[1:2] == ["--peak"]:
        count, folder = int(sys.argv[2]), Path(sys.argv[3])
        write_whole(folder, count, lambda: rows(count))
        sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))
        return 0
    missed = False
    with tempfile.TemporaryDirectory() as made:
        for figure in measure_evidence(Path(made)):
            sys.stdout.write(f"{figure.line()}\n")
            sys.stdout.flush()
            missed = missed or not figure.holds
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
