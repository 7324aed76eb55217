"""What the first page has to say."""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence

from app.audit.controls import CONTROLS
from evidence.pdf.document import Report
from support.recount.exceptions import count, exceptions, where
from support.recount.files import FILES, Files, Row, at, n
from support.recount.lines import lines


def cover(files: Files, report: Report) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Give place, text and what has to stand in it, of everything on the first page."""
    yield "title", f"{report.title} {report.organization} {report.no_findings}", []
    yield "title", " ".join(report.verification), []
    yield "subtitle", report.subtitle, [_stretch(files)]
    yield "bundle", report.bundle_id, [files.manifest["id"]]
    yield "made", f"{report.created_at:%Y-%m-%dT%H:%M:%S.%fZ}", [files.manifest["created_at"]]
    expected = _facts(files)
    for fact in (*report.facts, *report.signature):
        yield f"fact {fact.label}", fact.value, expected.get(fact.label, [])
    numbers = _figures(files)
    for figure in report.figures:
        shown = f"{figure.value} | {figure.note}"
        yield f"figure {figure.label}", shown, numbers.get(figure.label, [])
    spoken = exceptions(files)
    told = {finding.title: finding for finding in report.findings}
    for title, rows in spoken.items():
        finding = told.pop(title, None)
        shown = f"{finding.count} {finding.detail}" if finding else "none"
        yield title, shown, [f"{count(rows)} See {where(rows)}."] if rows else ["none"]
    for title, finding in told.items():  # lines of the checklist that are about no single rows
        expects = lines(files).get(title[: title.index(":")], [])
        yield title, finding.title[3:] + finding.detail, expects
        yield title, str(finding.count), ["1"]
    yield "verdict", _verdict_of(report), _verdict(files, len(report.findings))


def _stretch(files: Files) -> str:
    if files.is_review:
        return str(files.scope["name"])
    stretch = f"{at(files.begin):%Y-%m-%d %H:%M} to {at(files.end):%Y-%m-%d %H:%M} UTC"
    if "control" in files.scope:
        control = CONTROLS[files.scope["control"]]
        return f"{control.framework} {control.ref}, {stretch}"
    return stretch


def _facts(files: Files) -> Mapping[str, Sequence[str]]:
    scope, counts = files.scope, {name: len(files.rows(name)) for name in FILES}
    period = f"{at(files.begin):%Y-%m-%dT%H:%M:%SZ} up to {at(files.end):%Y-%m-%dT%H:%M:%SZ}"
    policies = "; ".join(f"{each['name']} {each['digest'][:16]}" for each in scope["policies"])
    population = f"{n(counts['population'])} records, {n(counts['excluded'])} left out"
    if files.is_without("population"):
        population = ""
    words = [f"{each['nonce']}, given {each['at']} by {each['by']}" for each in scope["nonces"]]
    drawn = scope.get("drawn")
    by_head = b64decode(files.head[2]).hex()
    return {
        "Kind": [scope["tool"]],
        "Period": [period],
        "Population": [population],
        "Policy": [policies],
        "Controls": [", ".join(files.manifest["controls"])],
        "Ledger": [f"{files.head[0]}, {n(int(files.head[1]))} entries"],
        "Root": [by_head],
        "Signer's key": [files.key],
        "Log key": [files.key],
        "Auditor's word": words,
        **(_drawn(drawn) if drawn else {}),
    }


def _drawn(told: Row) -> Mapping[str, Sequence[str]]:
    return {
        "Drawn": [
            f"{n(len(told['keys']))} of {n(told['count'])} {told['population']}",
            f"{told['at'][:19].replace('T', ' ')} UTC by {told['by']}",
        ],
        "Seed": [told["seed"]],
        "Drawn from, SHA-256": [told["sha256"]],
    }


def _figures(files: Files) -> Mapping[str, Sequence[str]]:
    tasks = files.tasks()
    verified = sum(row["state"] == "verified" for row in tasks)
    if not files.is_review:
        return {
            "Memberships at the end": [n(len(files.rows("population", "membership")))],
            "Requests": [n(len(files.rows("requests", "request")))],
            "HR events": [n(len(files.rows("leavers", "event")))],
            "Operations read back": [n(verified), f"of {n(len(tasks))}"],
        }
    total, kept, revoked = len(files.items()), len(files.items("keep")), files.items("revoke")
    confirmed = sum(row["remediation"] == "confirmed" for row in revoked)
    return {
        "Items": [n(total), f"{n(len(files.rows('excluded')))} left out"],
        "Kept": [n(kept), f"{100 * kept / total:.0f} % of items"],
        "Revoked": [n(len(revoked)), f"{100 * len(revoked) / total:.0f} % of items"],
        "Confirmed gone": [n(confirmed), f"of {n(len(revoked))} revoked"],
    }


def _verdict_of(report: Report) -> str:
    return f"{report.verdict.text}. {report.verdict.detail}" if report.verdict else ""


def _verdict(files: Files, kinds: int) -> Sequence[str]:
    states = files.states
    return [
        *([f"Exceptions of {kinds} kinds"] if kinds > 1 else []),
        (
            f"answered {states['answered']}, exceptions {states['exception']}, with nothing to "
            f"judge {states['nothing-to-judge']}, not answerable from our records "
            f"{states['cannot-be-answered']}, not concerning this kind of bundle "
            f"{states['not-concerned']}."
        ),
    ]
