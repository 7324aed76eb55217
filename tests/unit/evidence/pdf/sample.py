"""A report with everything in it, and names as directories really have them."""

import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from evidence.pdf.document import (
    Align,
    Column,
    Fact,
    Finding,
    KeyFigure,
    Register,
    Report,
    Section,
    Tone,
)
from evidence.pdf.render import render

CREATED_AT = datetime(2026, 3, 1, 9, 30, 15, tzinfo=UTC)
BUNDLE_ID = "01957a3e-7c1e-7abc-9def-0123456789ab"

ODD_NAMES = (
    'O\'Brien, Seán "Jack" #1',
    "=cmd|' /C calc'!A0",
    "(paren) \\ back ) (",
    "محمد بن سلمان",
    "דוד בן־גוריון",
    "张伟 (Zhang Wei)",
    "山田 太郎 カタカナ",
    "김철수",
    "Jose\u0301 Nu\u0301n\u0303ez",
    "Ünïcödé Straße ŁĄŻ",
    "Zoë 🦄 Unicorn",
    "👩\u200d💻 Dev 👍🏽",
    "Привет Мир Ελληνικά",
    "Nguyễn Văn 𝔘𝔫𝔦",
)

COLUMNS = (
    Column("Identity", 20),
    Column("Group", 25),
    Column("Since", 10, Align.RIGHT),
)


def register(names: tuple[str, ...], title: str = "Memberships") -> Register:
    rows = [(name, "Payments – approvers", "2026-02-01") for name in names]
    return Register(title, COLUMNS, rows, len(rows), "data/population.csv", "nobody has access")


def report(*sections: Section, findings: tuple[Finding, ...] = ()) -> Report:
    return Report(
        title="Access review",
        subtitle="First quarter 2026",
        bundle_id=BUNDLE_ID,
        created_at=CREATED_AT,
        organization="Example Bank",
        facts=(
            Fact("Kind", "campaign"),
            Fact("Ledger", "attestry.example.com/ledger, 81,223 entries"),
            Fact("Root", "q1rV8mO2bq0p2cV0b7mJmQm0hYk3mP9o0L8o7d6c5bA="),
            Fact("Signer's key", "AB:CD:" * 16),
        ),
        findings=findings,
        no_findings="Nothing: every removal was confirmed.",
        figures=(
            KeyFigure("Memberships", "12,034", "in review"),
            KeyFigure("Not removed", "3", "open", Tone.BAD),
        ),
        verification=("Compare the fingerprint.", "Run python -m evidence verify."),
        sections=sections,
    )


def full() -> Report:
    wide = tuple(Column(f"Column {number}", 1) for number in range(8))

    def rows() -> Iterator[tuple[str, ...]]:
        for number in range(130):
            yield tuple(f"r{number}c{column}" for column in range(8))

    return report(
        Section(
            "Population",
            ("Frozen at launch.",),
            figures=(KeyFigure("Runs", "2", "both complete", Tone.GOOD),),
            facts=(Fact("Frozen at", "2026-01-05"),),
            registers=(
                register(ODD_NAMES),
                register((), "Left out"),
                Register("Wide", wide, rows(), 130, "data/wide.csv", "none"),
            ),
        ),
        Section("Decisions", ("None was changed.",)),
        findings=(Finding("Removals that failed", 3, "See data/requests.csv."),),
    )


if __name__ == "__main__":
    sys.stdout.write(hashlib.sha256(render(full())).hexdigest())
