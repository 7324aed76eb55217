"""The report of a bundle: exceptions first, then the figures, then the records.

It says nothing that the data files do not say; row n of a register is record n of its file.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.audit.controls import CONTROLS
from app.audit.scope import CampaignScope, PeriodScope, Scope, period
from evidence.checkpoint import Checkpoint
from evidence.keys import VerifierKey
from evidence.pdf.document import (
    Column,
    Fact,
    Finding,
    KeyFigure,
    Register,
    Report,
    Section,
    Tone,
)

Rows = Callable[[str], Iterator[Mapping[str, Any]]]

VERIFICATION = (
    (
        "Run the verifier, which is published apart from any bundle: python -m evidence verify "
        "BUNDLE.zip --key VKEY. It needs no network, no database and no server."
    ),
    (
        "Ask the signer for VKEY by another way than you got this report, and compare its "
        "fingerprint with the one above."
    ),
    "README-VERIFY.txt in the bundle says how to check it with common tools alone.",
)
TITLES = {
    "population": "Who has what",
    "excluded": "Left out, with the rule and the reason",
    "decisions": "Decisions and changes of mind",
    "requests": "Requests, approvals, plans and tasks",
    "leavers": "Leavers, and what was done in each system",
    "drift": "Changes nobody decided here",
    "sources": "Reads of the sources",
}
COLUMNS: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "population": (
        ("Account", "account_login", 3),
        ("Person", "identity_name", 4),
        ("Group", "group_name", 4),
        ("Why", "provenance", 3),
        ("Decision", "decision", 2),
        ("Outcome", "remediation", 2),
    ),
    "excluded": (("Account", "account_login", 3), ("Group", "group_name", 4), ("Why", "reason", 8)),
    "decisions": (
        ("When", "at", 4),
        ("By", "by_name", 4),
        ("What", "what", 2),
        ("Decision", "move", 2),
        ("Reason", "reason", 7),
    ),
    "requests": (
        ("When", "at", 4),
        ("What", "what", 2),
        ("State", "state", 2),
        ("Account", "account_login", 3),
        ("Group", "group_name", 4),
        ("Operation", "verb", 3),
        ("By", "by_name", 3),
    ),
    "leavers": (
        ("When", "at", 4),
        ("What", "what", 2),
        ("State", "state", 2),
        ("Person", "identity_name", 4),
        ("System", "source", 2),
        ("Operation", "verb", 3),
        ("Verified", "verified_at", 4),
    ),
    "drift": (
        ("When", "at", 4),
        ("What", "what", 2),
        ("Account", "account_login", 3),
        ("Group", "group_name", 4),
    ),
    "sources": (
        ("Begun", "begun_at", 4),
        ("Source", "source", 2),
        ("State", "state", 2),
        ("Endpoint", "endpoint", 6),
        ("Digest", "digest", 4),
    ),
}


@dataclass(slots=True)
class Findings:
    """What the rows showed as they passed on their way into the data files.

    Attributes:
        tallies: Data file to its counts of `what` and `what.state`.
        decided: Campaign items by decision, and by what became of a revoke.
    """

    tallies: dict[str, Counter[str]] = field(default_factory=dict)
    decided: Counter[str] = field(default_factory=Counter)

    def of(self, name: str, what: str) -> int:
        """Return a count."""
        return self.tallies.get(name, Counter())[what]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        bundle_id: The bundle.
        created_at: Its time.
        scope: What it covers.
        controls: Which controls it answers.
        head: The log at that moment.
        key: Who signs.
        stamped_by: The time-stamping authority, or `none` and why.
    """

    bundle_id: str
    created_at: datetime
    scope: Scope
    controls: Sequence[str]
    head: Checkpoint
    key: VerifierKey
    stamped_by: str = "none"


def report(subject: Subject, counts: Mapping[str, int], seen: Findings, rows: Rows) -> Report:
    """Make the report of a bundle.

    Args:
        subject: What it is about.
        counts: Data file to number of records.
        seen: What the rows showed.
        rows: Data file to its rows, read once more.
    """
    if isinstance(subject.scope, CampaignScope):
        title, subtitle = "Access review", subject.scope.name
        findings, figures = _review_findings(seen), _review_figures(seen)
    else:
        title, subtitle = "Access changes", _stretch(subject.scope)
        findings, figures = _period_findings(seen), _period_figures(seen)
    return Report(
        title=title,
        subtitle=subtitle,
        bundle_id=subject.bundle_id,
        created_at=subject.created_at,
        organization=subject.head.origin.partition("/")[0],
        facts=_facts(subject, counts),
        findings=tuple(each for each in findings if each.count),
        no_findings="No exceptions: everything that was decided was carried out and read back.",
        figures=figures,
        verification=(*VERIFICATION, f"Time-stamping authority: {subject.stamped_by}."),
        sections=tuple(_section(name, counts, rows) for name in TITLES),
    )


def _stretch(scope: PeriodScope) -> str:
    return f"{scope.start:%Y-%m-%d %H:%M} to {scope.end:%Y-%m-%d %H:%M} UTC"


def _facts(subject: Subject, counts: Mapping[str, int]) -> tuple[Fact, ...]:
    cut = period(subject.scope)
    return (
        Fact("Period", f"{cut['from']} to {cut['to']}"),
        Fact("Rule", subject.scope.told()["entries"]),
        Fact("Controls", "; ".join(f"{name} {CONTROLS[name].title}" for name in subject.controls)),
        Fact("Population", f"{counts['population']} records, {counts['excluded']} left out"),
        Fact("Ledger", f"{subject.head.origin}, {subject.head.size} entries"),
        Fact("Root", subject.head.root.hex()),
        Fact("Signer", subject.key.fingerprint),
    )


def _review_findings(seen: Findings) -> list[Finding]:
    where = "See outcome and remediation_why in data/population.csv."
    return [
        Finding("Removals that failed", seen.decided["revoke.failed"], where),
        Finding("Removals that no connector can make", seen.decided["revoke.not_removable"], where),
        Finding("Removals not confirmed yet", seen.decided["revoke.pending"], where),
        Finding("Items without a decision", seen.decided["None.none"], where),
    ]


def _review_figures(seen: Findings) -> tuple[KeyFigure, ...]:
    revoked = sum(n for name, n in seen.decided.items() if name.startswith("revoke."))
    kept = sum(n for name, n in seen.decided.items() if name.startswith("keep."))
    confirmed = seen.decided["revoke.confirmed"]
    tone = Tone.GOOD if confirmed == revoked else Tone.BAD
    return (
        KeyFigure("Items", str(seen.of("population", "item"))),
        KeyFigure("Kept", str(kept)),
        KeyFigure("Revoked", str(revoked)),
        KeyFigure("Confirmed gone", str(confirmed), f"of {revoked} revoked", tone),
    )


def _period_findings(seen: Findings) -> list[Finding]:
    return [
        Finding(
            "Leavers not done",
            seen.of("leavers", "event.running") + seen.of("leavers", "event.failed"),
            "See data/leavers.csv.",
        ),
        Finding(
            "Operations that failed",
            seen.of("requests", "task.failed") + seen.of("leavers", "task.failed"),
            "See why in data/requests.csv and data/leavers.csv.",
        ),
        Finding(
            "Changes nobody decided here",
            seen.of("drift", "appeared") + seen.of("drift", "ended"),
            "See data/drift.csv.",
        ),
        Finding(
            "Reads of a source that broke off",
            seen.of("sources", "run.incomplete") + seen.of("sources", "run.failed"),
            "They ended nothing. See problems in data/sources.jsonl.",
        ),
    ]


def _period_figures(seen: Findings) -> tuple[KeyFigure, ...]:
    verified = seen.of("requests", "task.verified") + seen.of("leavers", "task.verified")
    return (
        KeyFigure("Memberships at the end", str(seen.of("population", "membership"))),
        KeyFigure("Requests", str(seen.of("requests", "request"))),
        KeyFigure("HR events", str(seen.of("leavers", "event"))),
        KeyFigure("Operations read back", str(verified)),
    )


def _section(name: str, counts: Mapping[str, int], rows: Rows) -> Section:
    suffix = "jsonl" if name == "sources" else "csv"
    register = Register(
        title=TITLES[name],
        columns=tuple(Column(title, width) for title, _key, width in COLUMNS[name]),
        rows=([_shown(row.get(key)) for _t, key, _w in COLUMNS[name]] for row in rows(name)),
        total=counts[name],
        source=f"data/{name}.{suffix}",
        empty="nothing of the kind in this scope.",
    )
    return Section(title=TITLES[name], registers=(register,))


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
