"""The report of a bundle: what went wrong first, then what was counted, then the records.

It is drawn from the data files and the manifest, and says nothing that they do not say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.audit.controls import CONTROLS
from app.audit.evaluating import Evaluation
from app.audit.evaluating.checklist import GROUPS, Line, State
from app.audit.evaluating.occurrences import nothing_in, say_nothing
from app.audit.reports import parts
from app.audit.reports.registers import COLUMNS, TITLES, Rows, register
from evidence.checkpoint import Checkpoint
from evidence.keys import VerifierKey
from evidence.pdf.document import Column, Fact, Finding, Report, Section, Table, Tone, Verdict

__all__ = ["COLUMNS", "TITLES", "Subject", "report"]

VERIFICATION: Final = (
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
NAMES: Final = {
    "campaign": "Access review",
    "period": "Access changes",
    "control": "Evidence for a control",
    "sample": "Sample of access",
}
SPOKEN_OF: Final = ("B2", "B5", "B9", "B10", "B11", "D3", "D7")  # lines about no single rows
NONE: Final = "nothing of the kind in this scope."
NOTHING_WRONG: Final = "No exceptions: everything that was decided was carried out and read back."


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        bundle_id: The bundle.
        controls: Which controls it answers.
        head: The log at that moment.
        key: Who signs.
        certificate: Whose certificate seals the report.
    """

    bundle_id: str
    controls: Sequence[str]
    head: Checkpoint
    key: VerifierKey
    certificate: str


def report(
    subject: Subject,
    found: Evaluation,
    lines: Sequence[Line],
    counts: Mapping[str, int],
    rows: Rows,
) -> Report:
    """Make the report of a bundle.

    Args:
        subject: What it is about.
        found: What its data files say.
        lines: The auditor's checklist, answered.
        counts: Data file to number of records.
        rows: Data file to its rows, read once more.
    """
    told = found.told
    findings = (*parts.findings(found), *_of_lines(lines))
    nothing = nothing_in(found)
    why = "" if nothing is None else say_nothing(nothing, found)
    return Report(
        title=NAMES[told.kind],
        subtitle=_subtitle(subject, found),
        bundle_id=subject.bundle_id,
        created_at=told.created_at,
        organization=subject.head.origin.partition("/")[0],
        facts=_facts(subject, found, counts),
        findings=findings,
        no_findings=NOTHING_WRONG if nothing is None else f"Nothing was looked at. {why}",
        figures=parts.figures(found),
        verification=VERIFICATION,
        sections=(
            *parts.summary(found),
            _controls(subject, counts),
            *_checklist(lines),
            *parts.completeness(found),
            *(_records(name, found, counts, rows) for name in _in_order(counts)),
            parts.policies(found),
        ),
        verdict=_verdict(findings, lines, why),
        signature=(
            Fact("By", subject.certificate),
            Fact("Log key", subject.key.fingerprint),
            Fact("Level", f"PAdES baseline {told.scope['signature_level']}"),
            Fact("Time-stamp", told.scope["time_stamp"]),
        ),
    )


def _in_order(counts: Mapping[str, int]) -> list[str]:
    """The registers, those without a record last: together on one page, not a page each."""
    return sorted(TITLES, key=lambda name: not counts[name])


def _of_lines(lines: Sequence[Line]) -> list[Finding]:
    """Exceptions that are about the whole, not about rows."""
    return [
        Finding(f"{line.id}: not so: {line.asks}", 1, line.answer, "checklist")
        for line in lines
        if line.id in SPOKEN_OF and line.state is State.EXCEPTION
    ]


def _subtitle(subject: Subject, found: Evaluation) -> str:
    told = found.told
    stretch = f"{told.start:%Y-%m-%d %H:%M} to {told.end:%Y-%m-%d %H:%M} UTC"
    if told.kind == "campaign":
        return str(told.scope["name"])
    if told.kind == "control":
        control = CONTROLS[subject.controls[0]]
        return f"{control.framework} {control.ref}, {stretch}"
    if told.scope.get("about") == "leavers":
        return f"Leavers, {stretch}"
    return stretch


def _facts(subject: Subject, found: Evaluation, counts: Mapping[str, int]) -> tuple[Fact, ...]:
    told, scope = found.told, found.told.scope
    policies = "; ".join(f"{each['name']} {each['digest'][:16]}" for each in scope["policies"])
    made = [
        Fact("Kind", f"{told.kind}, by {scope['tool']}"),
        Fact("Period", f"{told.start:%Y-%m-%dT%H:%M:%SZ} up to {told.end:%Y-%m-%dT%H:%M:%SZ}"),
        Fact("Systems", ", ".join(scope["systems"]) or "none was read"),
        Fact("Population", _population(found, counts)),
        Fact("Policy", policies or "none"),
        Fact("Controls", ", ".join(subject.controls)),
        Fact("Ledger", f"{subject.head.origin}, {subject.head.size:,} entries"),
        Fact("Root", subject.head.root.hex()),
        Fact("Signer's key", subject.key.fingerprint),
        Fact("Signature", f"PAdES baseline {scope['signature_level']}"),
        Fact("Time-stamp", scope["time_stamp"]),
    ]
    if scope.get("drawn"):
        made += _drawn(scope["drawn"])
    if scope["supersedes"]:
        replaced = scope["supersedes"]
        made.append(Fact("Replaces", f"{replaced['bundle']}: {replaced['why']}"))
    made += [
        Fact("Auditor's word", f"{each['nonce']}, given {each['at']} by {each['by']}")
        for each in scope["nonces"]
    ]
    return tuple(made)


def _drawn(told: Mapping[str, Any]) -> Sequence[Fact]:
    """Say how a sample was drawn, so that whoever holds the population can draw it again."""
    often = f", performed {told['frequency']}" if told["frequency"] else ""
    size = f"{len(told['keys']):,} of {told['count']:,} {told['population']}{often}"
    return (
        Fact("Drawn", f"{size}, {told['at'][:19].replace('T', ' ')} UTC by {told['by']}"),
        Fact("Seed", told["seed"]),
        Fact("Drawn from, SHA-256", told["sha256"]),
    )


def _population(found: Evaluation, counts: Mapping[str, int]) -> str:
    if "population" in found.told.silent:
        return "not in the scope of this bundle"
    return f"{counts['population']:,} records, {counts['excluded']:,} left out"


def _verdict(findings: Sequence[Finding], lines: Sequence[Line], nothing: str) -> Verdict:
    states = [line.state for line in lines]
    detail = (
        f"Lines of the checklist: answered {states.count(State.ANSWERED)}, exceptions "
        f"{states.count(State.EXCEPTION)}, with nothing to judge {states.count(State.NOTHING)}, "
        f"not answerable from our records {states.count(State.CANNOT)}, not concerning this kind "
        f"of bundle {states.count(State.NOT_CONCERNED)}. This is evidence, not an opinion: the "
        "assessor decides."
    )
    if nothing:
        detail = f"{nothing} That is no clean result: no record was judged. {detail}"
    kinds = "one kind" if len(findings) == 1 else f"{len(findings)} kinds"
    if findings:
        also = ", and there was nothing to look at" if nothing else ""
        return Verdict(f"Exceptions of {kinds} were found{also}", detail, Tone.BAD)
    if nothing:
        return Verdict("There was nothing to look at", detail, Tone.PLAIN)
    return Verdict("No exceptions were found", detail, Tone.GOOD)


def _controls(subject: Subject, counts: Mapping[str, int]) -> Section:
    rows = []
    for name in subject.controls:
        control = CONTROLS[name]
        files = ", ".join(f"{file} {counts[file]:,}" for file in control.files)
        rows.append(
            (
                f"{control.framework.partition(' (')[0]} {control.ref}",
                control.asks,
                files,
                ", ".join(control.lines),
            )
        )
    columns = (
        Column("Control", 3.4),
        Column("Asks for", 6),
        Column("Records that speak to it", 4),
        Column("Checklist", 2.6),
    )
    return Section(
        "Controls",
        (
            (
                "Which records of this bundle speak to which control. What a control asks for is "
                "said in our words; the framework's own text rules."
            ),
        ),
        tables=(Table("", columns, tuple(rows)),),
        key="controls",
    )


def _checklist(lines: Sequence[Line]) -> tuple[Section, ...]:
    columns = (
        Column("Line", 1),
        Column("Asks", 4.6),
        Column("State", 2.2),
        Column("Answer", 8.4),
    )
    tables = []
    for letter, title in GROUPS.items():
        chosen = [line for line in lines if line.id.startswith(letter)]
        rows = tuple((line.id, line.asks, line.state.value, line.answer) for line in chosen)
        tables.append(Table(f"{letter}. {title}", columns, rows))
    return (
        Section(
            "What an auditor checks",
            (
                (
                    "Each line is answered from this bundle alone, or says that it is not, and "
                    "why. Row numbers are those of the registers and of the data files."
                ),
            ),
            tables=tuple(tables),
            key="checklist",
        ),
    )


def _records(name: str, found: Evaluation, counts: Mapping[str, int], rows: Rows) -> Section:
    return Section(
        TITLES[name],
        (_who_did_it(found),) if name == "drift" and counts[name] else (),
        registers=(register(name, found.told.kind, counts[name], rows, NONE),),
        key=name,
    )


def _who_did_it(found: Evaluation) -> str:
    """Say how much of the drift has a name to it, and where that is from."""
    told, count = found.numbers["drift.told"], found.numbers["drift"]
    return (
        f"Of {count:,} changes, the logs of the sources tell of {told:,} when they were done, and "
        "by whom. Of the rest nothing is said here, because no source said it."
    )
