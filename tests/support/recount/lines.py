"""What each answer of the checklist has to say."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from support.recount.exceptions import Where, count, exceptions, is_closing, minutes_of, where
from support.recount.files import Files, Row, at, n
from support.recount.removals import followed_up


def lines(files: Files) -> Mapping[str, Sequence[str]]:
    """Return, by line of the checklist, the texts with numbers that its answer has to hold."""
    found = {**_identified(files), **_populated(files), **_in_custody(files)}
    found |= _cared(files)
    found |= _reviewed(files) if files.is_review else _provisioned(files)
    if files.is_redacted:  # these say that what would answer them is left out
        hidden = ("B1", "B2", "B7", "B11", "D3", "D6", "E1", "E2")
        found = {line: texts for line, texts in found.items() if line not in hidden}
    return found


def _said(rows: Where, *, before: str = "", after: str = "") -> Sequence[str]:
    return [f"{before}{n(count(rows))}{after} ({where(rows)})"] if rows else []


def _identified(files: Files) -> Mapping[str, Sequence[str]]:
    scope, previous = files.scope, files.scope.get("previous")
    policies = ", ".join(f"{each['name']} {each['digest'][:12]}" for each in scope["policies"])
    gap = []
    if files.is_review and previous:
        gap = [f"{(at(files.begin) - at(previous['launched_at'])).days} days", previous["campaign"]]
    return {
        "A1": [policies, scope["tool"], scope["owner"]],
        "C3": _stood(files),
        "A2": [f"{at(files.begin):%Y-%m-%dT%H:%M:%SZ}", f"{at(files.end):%Y-%m-%dT%H:%M:%SZ}"],
        "A3": gap,
    }


def _stood(files: Files) -> Sequence[str]:
    """Stand-ins: how many answers, how many outside of what was handed over, other deciders."""
    moves = files.rows("decisions", "decision")
    other = sum(row["by"] != row["reviewer"] for row in moves)
    answers = [row for row in files.rows("requests", "approval") if row["at"]]
    stood = sum(row["by"] not in {None, row["approver"]} for row in answers)
    outside = exceptions(files)["Answers by a stand-in outside of every delegation"]
    if not stood and not other:
        return []
    told = f", with reason: {n(len(files.rows('requests', 'delegation')))})."
    first = f"stand-in: {n(stood)}" + (f", {n(count(outside))} of them" if outside else "")
    return [
        first,
        *([where(outside)] if outside else [told] if stood else []),
        f"passed on: {n(other)};",
    ]


def _populated(files: Files) -> Mapping[str, Sequence[str]]:
    bad, held = exceptions(files), files.held()
    nobodys = files.numbered(
        "population", lambda row: row["what"] != "nesting" and row["identity"] is None
    )
    open_ = bad["Leavers' accounts that are not closed"]
    rules = Counter(row["rule"] for row in files.rows("excluded"))
    broken = bad["Reads of a source that broke off"]
    b9 = [f"known: {n(len(nobodys))}."]
    if files.rows("leavers", "event"):
        b9 += [f"not closed: {n(count(open_))}."]
    orphans: Where = [("population", nobodys)] if nobodys else []
    return {
        "B1": [f"{n(len(files.rows('sources')))} reads"] if files.rows("sources") else [],
        "B2": _said(bad["Reads that got less than the source reported"], before="reported: ")
        or [
            f"{n(stored)} stored = {n(inside)} in scope + {n(outside)} left out + {n(beyond)} "
            for _name, stored, inside, outside, beyond in accounted(files)
            if files.is_review
        ],
        "B3": [f"{rule}: {n(number)}" for rule, number in sorted(rules.items())],
        "B4": [n(count(broken))] if broken else [],
        "B5": _read_before(files),
        "B6": [files.scope["population_sha256"]] if files.scope.get("population_sha256") else [],
        "B7": [n(_leading(files))] if held or files.rows("population") else [],
        "B8": _typed(files, held) if held else [],
        "B9": [*b9, where([*orphans, *open_])] if held or files.rows("leavers") else [],
        "B10": _rolled(files),
        "B11": _said(
            [
                (
                    "population",
                    files.numbered(
                        "population",
                        lambda row: (
                            row["what"] == "item" and not (row["frozen"] or {}).get("description")
                        ),
                    ),
                )
            ]
            if files.is_review
            else []
        ),
    }


def _read_before(files: Files) -> Sequence[str]:
    begun = [each["begun_at"] for each in files.scope.get("snapshot", ()) if "begun_at" in each]
    if not begun:
        return []
    return [f"{(at(files.begin) - at(min(begun))).total_seconds() / 3600:.1f} hours"]


def _typed(files: Files, held: Sequence[Row]) -> Sequence[str]:
    kinds = Counter(row["account_kind"] or "unknown" for row in held)
    return [
        *(f"{kind} {n(number)}" for kind, number in sorted(kinds.items())),
        f"groups: {n(sum(bool(row['is_privileged']) for row in held))}",
        *([] if files.is_review else _signed_in(files)),
    ]


def _leading(files: Files) -> int:
    if files.is_review:
        return sum(bool((row["frozen"] or {}).get("leads_to")) for row in files.items())
    return len(files.rows("population", "nesting"))


def _signed_in(files: Files) -> Sequence[str]:
    rows = files.rows("population", "membership")
    unknown = sum(row["last_sign_in_at"] is None for row in rows)
    idle = sum(
        at(files.end) - at(row["last_sign_in_at"]) > timedelta(days=90)
        for row in rows
        if row["last_sign_in_at"]
    )
    return [f"90 days: {n(idle)}", f"tell: {n(unknown)}"]


def _rolled(files: Files) -> Sequence[str]:
    before = files.scope.get("previous")
    if files.is_review or before is None:
        return []
    closing = len(files.rows("population", "membership"))
    ended = len(files.rows("population", "ended"))
    return [
        (
            f"Bundle {before['bundle']} closed with {n(before['closing'])}; this one opens with "
            f"{n(files.opening())} + {n(len(files.appeared()))} - {n(ended)} = {n(closing)}."
        )
    ]


def _reviewed(files: Files) -> Mapping[str, Sequence[str]]:
    bad, items, revoked = exceptions(files), files.items(), files.items("revoke")
    moves = files.rows("decisions", "decision")
    relations = Counter(row["relationship"] or "unknown" for row in items)
    reviewers = {row["reviewer"] for row in items} | {row["by"] for row in moves}
    reasons = Counter(row["reason"] for row in moves if row["reason"])
    told = [row for row in items if row["frozen"] and row["decision"]]
    advised = [row for row in told if row["frozen"].get("advice")]
    gone = sum(row["remediation"] == "confirmed" for row in revoked)
    due = files.scope["due_at"][:16].replace("T", " ")
    left: Where = [
        *bad["Removals that failed"],
        *bad["Removals that no connector can make"],
        *bad["Removals not confirmed yet"],
    ]
    text, most = max(reasons.items(), key=lambda each: (each[1], each[0]), default=("no reason", 0))
    explained = sum(
        row["remediation"] != "confirmed" and bool(row["remediation_why"]) for row in revoked
    )
    return {
        "C1": [
            f"{n(len(reviewers))} reviewers",
            *(f"{k} {n(v)}" for k, v in sorted(relations.items())),
        ],
        "C2": _said(bad["Decisions on one's own access"]),
        "C5": _said(bad["Decisions by somebody who had left"]),
        "D1": _unanswered(files, bad["Items without a decision"]),
        "D2": _said(bad["Decisions after the campaign was due"]) or [f"before {due} UTC"],
        "D3": _said(bad["Revokes without a reason"])
        or [
            (
                f"{n(reasons.total())} reasons, {n(len(reasons))} different; the most frequent, of "
                f"{len(text)} letters, makes {100 * most // (reasons.total() or 1)} %."
            )
        ],
        "D6": _advice(advised),
        "D7": [f"{n(len(files.rows('decisions', 'sign-off')))} of {n(len(reviewers))} reviewers"],
        "E1": [f"{n(len(revoked))} revokes, {n(len(files.rows('requests', 'task')))} operations"],
        "E2": [f"{n(gone)} of {n(len(revoked))} removals"],
        "E4": [
            *_said(left, after=" not removed"),
            (
                f"{n(count(bad['Removals that failed']))} failed, "
                f"{n(count(bad['Removals that no connector can make']))} no connector can make, "
                f"{n(count(bad['Removals not confirmed yet']))} not confirmed"
            ),
            "" if files.is_redacted else f"told for {n(explained)} (",
            *followed_up(files),
        ]
        if left
        else [],
        "E3": _hours(revoked),
        "E5": _said(bad["Access that came back after it was removed"]),
        "E6": _said(bad["Kept, and gone since without a decision here"]),
    }


def hours_of(revoked: Sequence[Row]) -> list[int]:
    """Hours from decision to verified removal, of those that are gone."""
    return [
        int((at(row["remediation_at"]) - at(row["decided_at"])).total_seconds() // 3600)
        for row in revoked
        if row["remediation"] == "confirmed"
    ]


def _hours(revoked: Sequence[Row]) -> Sequence[str]:
    took = hours_of(revoked)
    if not took:
        return []
    mean = sum(took) // len(took)
    return [
        (
            f"{n(len(took))} removals: at least {n(min(took))}, on average {n(mean)}, at most "
            f"{n(max(took))} hours."
        )
    ]


def _cared(files: Files) -> Mapping[str, Sequence[str]]:
    """What tells a careful decision from another, in whatever bundle there is one."""
    moves = files.rows("decisions", "decision")
    if not moves:
        return {}
    dwelt = [row["dwell_ms"] for row in moves if row["dwell_ms"] is not None]
    looked = ""
    if dwelt:
        looked = (
            f"least {n(min(dwelt))}, mean {n(sum(dwelt) // len(dwelt))}, most {n(max(dwelt))}; "
            f"not known for {n(len(moves) - len(dwelt))}."
        )
    bulk = f"several: {n(sum(row['batch_size'] > 1 for row in moves))} of {n(len(moves))}."
    changed = f"{n(sum(row['turn'] > 1 for row in moves))} changes"
    return {
        "D4": [changed, f"{n(len(moves))} moves"],
        "D5": [bulk, f"before: {n(sum(map(is_quick, moves)))}.", looked],
    }


def _unanswered(files: Files, rows: Where) -> Sequence[str]:
    total = len(files.items())
    if not rows:
        return [f"All {n(total)} items"]
    return [f"{n(total - count(rows))} of {n(total)} have one; {n(count(rows))} were", where(rows)]


def _advice(advised: Sequence[Row]) -> Sequence[str]:
    if not advised:
        return []
    told = [(row["frozen"]["advice"]["suggestion"], row["decision"]) for row in advised]
    return [
        f"{n(sum(one == other for one, other in told))} of {n(len(told))} decided",
        f"revoke: {n(told.count(('revoke', 'keep')))}.",
    ]


def _provisioned(files: Files) -> Mapping[str, Sequence[str]]:
    bad, appeared = exceptions(files), files.appeared()
    answers = [row for row in files.rows("requests", "approval") if row["at"]]
    tasks, requests = files.rows("requests", "task"), files.rows("requests", "request")
    leavers = [row for row in files.rows("leavers", "event") if row["type"] == "leaver"]
    hr = hashlib.sha256("".join(f"{row['hr_event_id']}\n" for row in leavers).encode()).hexdigest()
    back = sum(row["type"] == "rehire" for row in files.rows("leavers", "event"))
    untraced = bad["Memberships that nobody here decided"]
    ordered = [
        f"{n(len(requests))} requests, {n(len(answers))} answers, {n(len(tasks))} operations"
    ]
    return {
        "F1": _said(bad["Changes before their approval"]) or (ordered if requests or tasks else []),
        "F2": _said(bad["Approvals by requester or beneficiary"]),
        "F3": _said(bad["Approvals of another plan than was asked for"]),
        "F4": [f"{n(len(appeared))} memberships that appeared", *_said(untraced)]
        if appeared
        else [],
        "F5": _said(bad["Access for a time that did not end on time"]) or _limited(files),
        "G1": _closings(files),
        "C2": _said(bad["Approvals by requester or beneficiary"]),
        "G2": [f"{n(len(leavers))} leavers", *([] if files.is_redacted else ["SHA-256", hr])],
        "G3": [f"{n(back)} came back"] if back else [],
    }


def _limited(files: Files) -> Sequence[str]:
    number = sum(row["until"] is not None for row in files.rows("requests", "grant"))
    return [f"{n(number)} grants"] if number else []


def _closings(files: Files) -> Sequence[str]:
    due = [row for row in files.rows("leavers") if is_closing(row) and row["due_from"] < files.end]
    if not due:
        return []
    took = [minutes_of(files, row) for row in due if row["verified_at"]]
    limit, bad = files.scope["leaver_limit_minutes"], exceptions(files)
    late = [
        *bad["Leavers' accounts closed after the limit"],
        *bad["Leavers' accounts that are not closed"],
    ]
    spread = ""
    if took:
        mean = sum(took) // len(took)
        spread = f"after least {n(min(took))}, mean {n(mean)}, most {n(max(took))} minutes;"
    promised = "" if limit is None else f"the limit is {n(limit)}."
    return [f"{n(len(due))} accounts of leavers", spread, promised, where(late)]


def _in_custody(files: Files) -> Mapping[str, Sequence[str]]:
    published, replaced = files.scope["published"], files.scope["supersedes"]
    return {
        "H3": [
            *(f"up to entry {n(each['size'])}." for each in published["witnesses"]),
            *([n(published["sent"]["days"])] if published["sent"]["days"] else []),
        ],
        "H7": [replaced["bundle"], replaced["why"]] if replaced else [],
    }


def accounted(files: Files) -> list[tuple[Any, ...]]:
    inside = Counter(row["source"] for row in files.items())
    outside = Counter(row["source"] for row in files.rows("excluded") if row["account"])
    return [
        (name, stored, inside[name], outside[name], stored - inside[name] - outside[name])
        for name, run in files.last_reads().items()
        for stored in [run["counts"]["memberships"]]
    ]


def is_quick(row: Row) -> bool:
    is_short = row["dwell_ms"] is not None and row["dwell_ms"] < 2_000 * row["batch_size"]
    return is_short and row["sample"] is None
