"""What charts, tables and registers have to say."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.audit.controls import CONTROLS
from evidence.pdf.document import Section
from support.recount.exceptions import is_closing, minutes_of
from support.recount.files import Files, Row, n
from support.recount.lines import accounted, hours_of, is_quick, lines
from support.recount.removals import not_removed


def section(files: Files, shown: Section) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Give place, text and what has to stand in it, of everything in a section."""
    charts, tables, prose = _charts(files), _tables(files), _prose(files)
    key = shown.key
    yield key, shown.title, []
    for paragraph in shown.paragraphs:
        yield f"{key} text", paragraph, prose.get(key, [])
    for figure in shown.figures:
        yield f"{key} figure {figure.label}", f"{figure.value} {figure.note}", []
    for fact in shown.facts:
        yield f"{key} fact {fact.label}", fact.value, []
    for chart in shown.charts:
        bars = [f"{bar.label}: {bar.value} {bar.note}".rstrip() for bar in chart.bars]
        yield f"{key} {chart.title}", " | ".join(bars), charts.get(chart.title, [])
    for table in shown.tables:
        name = f"{key} {table.title}".rstrip()
        yield f"{name} note", table.note, prose.get(f"{name} note", [])
        if key == "checklist":
            yield from _answers(files, table.rows)
        else:
            rows = [" | ".join(row) for row in table.rows]
            yield name, " || ".join(rows), [" || ".join(tables.get(name, []))]
    for register in shown.registers:
        yield f"{key} register", *_register(files, key, register.total, register.rows)


def _answers(
    files: Files, rows: Sequence[Sequence[str]]
) -> Iterator[tuple[str, str, Sequence[str]]]:
    expected = lines(files)
    for line, asks, state, answer in rows:
        yield f"line {line}", f"{asks} {state}", ["B10"] if "B10" in asks else []
        yield f"line {line}", answer, expected.get(line, [])


def _register(files: Files, name: str, total: int, shown: Any) -> tuple[str, Sequence[str]]:
    """Row n of a register is record n, each cell one of its values, times without fractions."""
    rows = files.rows(name)
    wrong = []
    for number, (row, cells) in enumerate(zip(rows, shown, strict=True), 1):
        values = {str(value) for value in row.values() if value is not None} | {""}
        values |= {value[:19].replace("T", " ") for value in values if re.match(r"\d{4}-", value)}
        wrong += [f"{number}: {cell}" for cell in cells if cell not in values]
    return f"{total} {wrong}", [f"{len(rows)} []"]


def _charts(files: Files) -> Mapping[str, Sequence[str]]:
    items, revoked = files.items(), files.items("revoke")
    decided = Counter(row["decision"] or "none" for row in items)
    became = Counter(row["remediation"] for row in revoked)
    hours = hours_of(revoked)
    minutes = [
        minutes_of(files, row)
        for row in files.rows("leavers", "task")
        if is_closing(row) and row["verified_at"] and row["due_from"] < files.end
    ]
    limit = files.scope["leaver_limit_minutes"]
    ended = files.rows("population", "ended")
    return {
        "What was decided": [
            (
                f"Kept: {decided['keep']} | Revoked: {decided['revoke']} | Abstained: "
                f"{decided['abstain']} | No decision: {decided['none']}"
            )
        ],
        "What became of what was revoked": [
            (
                f"Read back as gone: {became['confirmed']} | Not confirmed yet: "
                f"{became['pending'] + became['none']} | Failed: {became['failed']} | "
                f"Not removable: {became['not_removable']}"
            )
        ],
        "Roll-forward of memberships": [
            (
                f"At the begin: {files.opening()} | Appeared: {len(files.appeared())} | "
                f"Ended: {len(ended)} | At the end: {len(files.rows('population', 'membership'))}"
            )
        ],
        "Hours from decision to verified removal": [_spread(hours)],
        "Minutes until a leaver's account was verified closed": [
            _spread(minutes) + ("" if limit is None else f" limit {n(limit)}")
        ],
    }


def _spread(seen: Sequence[int]) -> str:
    if not seen:
        return "not shown"
    return f"Least: {min(seen)} | Mean: {sum(seen) // len(seen)} | Most: {max(seen)}"


def _tables(files: Files) -> Mapping[str, Sequence[str]]:
    return {
        "summary Roll-forward": list(_roll_forward(files)),
        "reviewers Who decided what": list(_reviewers(files)),
        "not_removed": list(not_removed(files)),
        "controls": list(_controls(files)),
        "completeness Sources": list(_reads(files)),
        "completeness Queries of the last complete read": [
            f"{name} | {each['purpose']} | {each['text']} | {n(each['pages'])} | "
            f"{'not said' if each['reported'] is None else n(each['reported'])} | "
            f"{n(each['returned'])}"
            for name, run in files.last_reads().items()
            for each in run["queries"] or ()
        ],
        "completeness Memberships, all accounted for": [
            f"{name} | {' | '.join(map(n, numbers))}" for name, *numbers in accounted(files)
        ],
        "completeness Left out, by rule": [
            f"{rule} | {why} | {n(number)}"
            for (rule, why), number in sorted(
                Counter(
                    (row["rule"], row["reason"] or "") for row in files.rows("excluded")
                ).items()
            )
        ],
        "policies": [
            f"{each['name']} | {each['digest']} | {each['from'][:19]} | {(each['to'] or '')[:19]}"
            for each in files.scope["policies"]
        ],
    }


def _roll_forward(files: Files) -> Iterator[str]:
    yield f"Memberships when the period began |  | {n(files.opening())}"
    for name, number in sorted(Counter(row["provenance"] for row in files.appeared()).items()):
        yield f"+ appeared | provenance {name} | {n(number)}"
    ended = files.rows("population", "ended")
    for cause, words in (
        ("decided", "ended by a decision here"),
        ("mirrored", "ended at the master of a mirrored group"),
        ("nobody", "ended, and nobody here decided it"),
    ):
        number = sum(cause == _cause(row) for row in ended)
        if number:
            yield f"- ended | {words} | {n(number)}"
    yield f"= when it ended |  | {n(len(files.rows('population', 'membership')))}"


def _cause(row: Row) -> str:
    return "decided" if row["end"] else "mirrored" if row["is_mirrored"] else "nobody"


def _reviewers(files: Files) -> Iterator[str]:
    asked: dict[str, list[Row]] = {}
    moves = files.rows("decisions", "decision")
    names = {row["by"]: row["by_name"] or row["by"] for row in moves}
    for row in files.items():
        if row["reviewer"]:
            asked.setdefault(row["reviewer"], []).append(row)
            names[row["reviewer"]] = row["reviewer_name"] or row["reviewer"]
    for key in sorted(names, key=lambda each: (-len(asked.get(each, ())), names[each])):
        own, made = asked.get(key, []), [row for row in moves if row["by"] == key]
        decided = Counter(row["decision"] for row in own)
        kept, revoked = decided["keep"], decided["revoke"]
        signed = next((row["signed_off_at"] for row in own if row["signed_off_at"]), None)
        yield " | ".join(
            (
                names[key],
                n(len(own)),
                n(kept),
                n(revoked),
                n(len(own) - kept - revoked),
                signed[:16].replace("T", " ") if signed else "no",
                n(max((row["batch_size"] for row in made), default=0)),
                n(sum(map(is_quick, made))),
            )
        )


def _controls(files: Files) -> Iterator[str]:
    """What each control asks for and its lines are of our data; the counts are of the files."""
    for name in files.manifest["controls"]:
        told = CONTROLS[name]
        counts = ", ".join(f"{each} {n(len(files.rows(each)))}" for each in told.files)
        short = told.framework.partition(" (")[0]
        yield f"{short} {told.ref} | {told.asks} | {counts} | {', '.join(told.lines)}"


def _reads(files: Files) -> Iterator[str]:
    runs: dict[str, list[Row]] = {}
    for row in files.rows("sources"):
        runs.setdefault(row["source"], []).append(row)
    last = files.last_reads()
    for name, every in sorted(runs.items()):
        broken = sum(row["state"] not in {"complete", "accepted"} for row in every)
        run = last.get(name)
        read = f"{run['begun_at'][:19]} to {(run['ended_at'] or '')[:19]}" if run else "none"
        where_, who = (run["endpoint"] or "", run["account"] or "") if run else ("", "")
        numbers = f"{n(len(every))} | {n(broken)}"
        yield f"{name} | {every[0]['kind']} | {numbers} | {read} | {where_} | {who}"


def _prose(files: Files) -> Mapping[str, Sequence[str]]:
    drift = files.rows("drift")
    told = sum(row["done_at"] is not None for row in drift)
    before = files.scope.get("previous")
    closed = (
        [f"Bundle {before['bundle']} closed with {n(before['closing'])}."]
        if before and "closing" in before
        else []
    )
    return {
        "drift": [f"Of {n(len(drift))} changes, the logs of the sources tell of {n(told)} when"],
        "summary Roll-forward note": closed,
        "policies": ["SHA-256"],
    }
