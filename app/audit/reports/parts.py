"""What was counted, told: exceptions, key figures, completeness, roll-forward, reviewers."""

from typing import Any, Final

from app.audit.evaluating import Evaluation, Extremes
from app.audit.reports.removals import not_removed
from evidence.pdf.document import (
    Align,
    Bar,
    Chart,
    Column,
    Finding,
    KeyFigure,
    Section,
    Table,
    Tone,
)

RIGHT: Final = Align.RIGHT
MOST_REVIEWERS: Final = 200
CAUSES: Final = {
    "decided": "ended by a decision here",
    "mirrored": "ended at the master of a mirrored group",
    "nobody": "ended, and nobody here decided it",
}
FINDINGS: Final = (  # kind of row, title, section; the gravest first
    ("revoke.failed", "Removals that failed", "requests"),
    ("revoke.not_removable", "Removals that no connector can make", "requests"),
    ("follow_up_overdue", "Removals that somebody has and is late with", "not_removed"),
    ("returned", "Access that came back after it was removed", "population"),
    ("not_closed", "Leavers' accounts that are not closed", "leavers"),
    ("over_limit", "Leavers' accounts closed after the limit", "leavers"),
    ("leaver_failed", "Leavers whose plan failed", "leavers"),
    ("self_review", "Decisions on one's own access", "decisions"),
    ("self_approval", "Approvals by requester or beneficiary", "requests"),
    ("stood_outside", "Answers by a stand-in outside of every delegation", "requests"),
    ("had_left", "Decisions by somebody who had left", "decisions"),
    ("out_of_order", "Changes before their approval", "requests"),
    ("other_plan", "Approvals of another plan than was asked for", "requests"),
    ("not_read_back", "Changes called verified without a reading", "requests"),
    ("failed", "Operations that failed", "requests"),
    ("untraced", "Memberships that nobody here decided", "drift"),
    ("drift.ended", "Memberships that ended without a decision here", "drift"),
    ("kept_but_gone", "Kept, and gone since without a decision here", "population"),
    ("ended_late", "Access for a time that did not end on time", "requests"),
    ("counts_differ", "Reads that got less than the source reported", "completeness"),
    ("broken_read", "Reads of a source that broke off", "sources"),
    ("unanswered", "Items without a decision", "population"),
    ("revoke.pending", "Removals not confirmed yet", "requests"),
    ("late", "Decisions after the campaign was due", "decisions"),
    ("no_reason", "Revokes without a reason", "decisions"),
)


def findings(found: Evaluation) -> list[Finding]:
    """Return what went wrong, the gravest first."""
    return [
        Finding(
            title,
            found.notes.count(kind),
            f"See {found.notes.where(kind)}.",
            "leavers" if found.notes.files(kind) == ["leavers"] else section,
        )
        for kind, title, section in FINDINGS
        if found.notes.count(kind)
    ]


def figures(found: Evaluation) -> tuple[KeyFigure, ...]:
    """Return the key figures of the first page."""
    if found.told.kind == "campaign":
        return _review_figures(found)
    numbers = found.numbers
    verified = numbers["requests.verified"] + numbers["leavers.verified"]
    tasks = numbers["requests.tasks"] + numbers["leavers.tasks"]
    shown = {
        "population": KeyFigure("Memberships at the end", f"{numbers['closing']:,}"),
        "requests": KeyFigure("Requests", f"{found.of('requests', 'request'):,}"),
        "leavers": KeyFigure("HR events", f"{found.of('leavers', 'event'):,}"),
    }
    spoken = [figure for name, figure in shown.items() if name not in found.told.silent]
    if {"requests", "leavers"} - found.told.silent:
        spoken.append(KeyFigure("Operations read back", f"{verified:,}", f"of {tasks:,}"))
    return tuple(spoken)


def _review_figures(found: Evaluation) -> tuple[KeyFigure, ...]:
    revoked, kept = _decided(found, "revoke"), _decided(found, "keep")
    confirmed = found.outcomes["revoke.confirmed"]
    items = found.of("population", "item")
    return (
        KeyFigure("Items", f"{items:,}", f"{found.of('excluded', 'rows'):,} left out"),
        KeyFigure("Kept", f"{kept:,}", _share(kept, items)),
        KeyFigure("Revoked", f"{revoked:,}", _share(revoked, items)),
        KeyFigure(
            "Confirmed gone",
            f"{confirmed:,}",
            f"of {revoked:,} revoked",
            Tone.BAD if confirmed < revoked else Tone.GOOD if revoked else Tone.PLAIN,
        ),
    )


def summary(found: Evaluation) -> tuple[Section, ...]:
    """Return the summary: numbers as lengths, and who did what."""
    if found.told.kind == "campaign":
        return (
            Section("Summary", charts=_review_charts(found), key="summary"),
            Section("Reviewers", tables=(_reviewers(found),), key="reviewers"),
            *not_removed(found),
        )
    charts = _period_charts(found)
    tables = () if "population" in found.told.silent else _roll_forward(found)
    if not charts and not tables:
        return ()
    return (Section("Summary", charts=charts, tables=tables, key="summary"),)


def completeness(found: Evaluation) -> tuple[Section, ...]:
    """Return the statement of completeness: each source, what was asked, said, got and stored."""
    sources, queries = [], []
    for name, reads in sorted(found.sources.items()):
        last = reads.last
        broken = reads.runs - reads.states["complete"] - reads.states["accepted"]
        sources.append(
            (
                name,
                reads.kind,
                f"{reads.runs:,}",
                f"{broken:,}",
                _read_at(last),
                (last["endpoint"] if last else "") or "",
                (last["account"] if last else "") or "",
            )
        )
        if last:
            queries += [(name, *_query(each)) for each in last["queries"] or ()]
    return (
        Section(
            "Completeness",
            (
                (
                    "Per source: how often it was read, and the last complete read with each query "
                    "as it was sent, what the source said there was, and what was got. The digest "
                    "of each read stands in data/sources.jsonl."
                ),
            ),
            tables=(
                Table("Sources", _columns(SOURCES), tuple(sources)),
                Table("Queries of the last complete read", _columns(QUERIES), tuple(queries)),
                *_accounted(found),
                *_left_out(found),
            ),
            key="completeness",
        ),
    )


def policies(found: Evaluation) -> Section:
    """Return the policies in force, by digest."""
    rows = tuple(
        (each["name"], each["digest"], each["from"][:19], (each["to"] or "")[:19])
        for each in found.told.scope["policies"]
    )
    columns = (Column("Name", 2), Column("SHA-256", 7), Column("From", 3), Column("To", 3))
    return Section(
        "Policies in force",
        ("Their texts are in policy/, each named by its SHA-256; so are the facts of verdicts.",),
        tables=(Table("", columns, rows),),
        key="policies",
    )


SOURCES: Final = (
    ("Source", 2, Align.LEFT),
    ("Kind", 2.4, Align.LEFT),
    ("Reads", 1.2, RIGHT),
    ("Broken", 1.4, RIGHT),
    ("Last complete read (UTC)", 4, Align.LEFT),
    ("Server", 4, Align.LEFT),
    ("Bound as", 3, Align.LEFT),
)
QUERIES: Final = (
    ("Source", 2, Align.LEFT),
    ("For", 2, Align.LEFT),
    ("Query", 7, Align.LEFT),
    ("Pages", 1.3, RIGHT),
    ("Reported", 1.8, RIGHT),
    ("Got", 1.8, RIGHT),
)


def _columns(told: tuple[tuple[str, float, Align], ...]) -> tuple[Column, ...]:
    return tuple(Column(title, width, align) for title, width, align in told)


def _read_at(run: Any) -> str:
    return f"{run['begun_at'][:19]} to {(run['ended_at'] or '')[:19]}" if run else "none"


def _query(told: Any) -> tuple[str, str, str, str, str]:
    reported = told.get("reported")
    return (
        str(told.get("purpose", "")),
        str(told.get("text", "")),
        f"{told.get('pages', 0):,}",
        "not said" if reported is None else f"{reported:,}",
        f"{told.get('returned', 0):,}",
    )


def _accounted(found: Evaluation) -> tuple[Table, ...]:
    """Stored = in scope + left out + beyond the template's scope."""
    if found.told.kind != "campaign":
        return ()
    rows = []
    for name, reads in sorted(found.sources.items()):
        stored = reads.last["counts"].get("memberships", 0) if reads.last else 0
        inside, outside = found.in_scope[name], found.left_out[name]
        numbers = (stored, inside, outside, stored - inside - outside)
        rows.append((name, *(f"{each:,}" for each in numbers)))
    columns = (
        Column("Source", 3),
        Column("Stored", 2, RIGHT),
        Column("In scope", 2, RIGHT),
        Column("Left out by rule", 2, RIGHT),
        Column("Not in the template's scope", 3, RIGHT),
    )
    note = "The scope of the template stands in the manifest (scope.template_scope)."
    return (Table("Memberships, all accounted for", columns, tuple(rows), note),)


def _left_out(found: Evaluation) -> tuple[Table, ...]:
    if not found.rules:
        return ()
    rows = tuple((rule, why, f"{count:,}") for (rule, why), count in sorted(found.rules.items()))
    columns = (Column("Rule", 3), Column("Reason", 9), Column("Records", 2, RIGHT))
    return (Table("Left out, by rule", columns, rows),)


def _review_charts(found: Evaluation) -> tuple[Chart, ...]:
    items = found.of("population", "item")
    kept, revoked = _decided(found, "keep"), _decided(found, "revoke")
    abstained = _decided(found, "abstain")
    gone = found.outcomes
    return (
        Chart(
            "What was decided",
            (
                Bar("Kept", kept),
                Bar("Revoked", revoked),
                Bar("Abstained", abstained),
                Bar("No decision", items - kept - revoked - abstained),
            ),
            is_whole=True,
        ),
        Chart(
            "What became of what was revoked",
            (
                Bar("Read back as gone", gone["revoke.confirmed"]),
                Bar("Not confirmed yet", gone["revoke.pending"] + gone["revoke.none"]),
                Bar("Failed", gone["revoke.failed"]),
                Bar("Not removable", gone["revoke.not_removable"]),
            ),
        ),
        *_spread("Hours from decision to verified removal", found.days),
    )


def _period_charts(found: Evaluation) -> tuple[Chart, ...]:
    numbers = found.numbers
    rolled = Chart(
        "Roll-forward of memberships",
        (
            Bar("At the begin", numbers["opening"]),
            Bar("Appeared", sum(found.appeared.values())),
            Bar("Ended", sum(found.gone.values())),
            Bar("At the end", numbers["closing"]),
        ),
    )
    charts = [] if "population" in found.told.silent else [rolled]
    limit = found.told.limit_minutes
    note = "" if limit is None else f"limit {limit:,}"
    charts += _spread("Minutes until a leaver's account was verified closed", found.minutes, note)
    return tuple(charts)


def _spread(title: str, seen: Extremes, note: str = "") -> tuple[Chart, ...]:
    if not seen.count:
        return ()
    bars = (Bar("Least", seen.least), Bar("Mean", seen.mean), Bar("Most", seen.most, note))
    return (Chart(title, bars),)


def _roll_forward(found: Evaluation) -> tuple[Table, ...]:
    numbers = found.numbers
    rows = [("Memberships when the period began", "", f"{numbers['opening']:,}")]
    rows += [
        ("+ appeared", f"provenance {name}", f"{count:,}")
        for name, count in sorted(found.appeared.items())
        if count
    ]
    rows += [
        ("- ended", CAUSES[name], f"{count:,}")
        for name, count in sorted(found.gone.items())
        if count
    ]
    rows.append(("= when it ended", "", f"{numbers['closing']:,}"))
    previous = found.told.scope.get("previous")
    note = (
        "No earlier bundle ends where this period begins."
        if previous is None
        else f"Bundle {previous['bundle']} closed with {previous['closing']:,}."
    )
    columns = (Column("", 5), Column("Cause", 7), Column("Memberships", 3, RIGHT))
    return (Table("Roll-forward", columns, tuple(rows), note),)


def _reviewers(found: Evaluation) -> Table:
    most = sorted(found.reviewers.values(), key=lambda each: (-each.items, each.name))
    rows = tuple(
        (
            each.name,
            f"{each.items:,}",
            f"{each.kept:,}",
            f"{each.revoked:,}",
            f"{each.other:,}",
            each.signed_off[:16].replace("T", " ") or "no",
            f"{each.largest:,}",
            f"{each.quick:,}",
        )
        for each in most[:MOST_REVIEWERS]
    )
    columns = (
        Column("Reviewer", 4),
        Column("Items", 1.4, RIGHT),
        Column("Kept", 1.4, RIGHT),
        Column("Revoked", 1.6, RIGHT),
        Column("Neither", 1.6, RIGHT),
        Column("Signed off (UTC)", 3),
        Column("Most at once", 2, RIGHT),
        Column("Quick", 1.4, RIGHT),
    )
    note = (
        "Quick: decided within two seconds an item, without a sample checked before. It is told so "
        "that it can be asked about; it proves nothing."
    )
    if len(most) > MOST_REVIEWERS:
        note += f" The {MOST_REVIEWERS} with the most items of {len(most):,}."
    return Table("Who decided what", columns, rows, note)


def _decided(found: Evaluation, decision: str) -> int:
    return sum(n for name, n in found.outcomes.items() if name.startswith(f"{decision}."))


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} % of items" if whole else ""
