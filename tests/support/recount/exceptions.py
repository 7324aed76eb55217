"""The rows of each kind of exception, by one plain rule each."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from support.recount.files import Files, Row, Rule, at, n

FIRST: Final = 12  # rows of an exception that are named by their numbers
LEFT_OUT: Final = (  # of redacted bundles: what is not there is not taken for missing
    "Changes called verified without a reading",
    "Reads that got less than the source reported",
    "Revokes without a reason",
)
CLOSERS: Final = {"disable_account", "suspend_account", "deactivate_account"}


def _revoke(*states: str) -> Rule:
    return lambda row: (
        row["what"] == "item" and row["decision"] == "revoke" and row["remediation"] in states
    )


def _of_decisions(rule: Rule) -> Rule:
    return lambda row: row["what"] == "decision" and rule(row)


def _of_answers(rule: Rule) -> Rule:
    return lambda row: row["what"] == "approval" and row["at"] and rule(row)


def _of_yes(rule: Rule) -> Rule:
    return _of_answers(lambda row: row["state"] == "approve" and rule(row))


def _of_tasks(rule: Rule) -> Rule:
    return lambda row: row["what"] == "task" and rule(row)


def is_closing(row: Row) -> bool:
    return bool(row["what"] == "task" and row["verb"] in CLOSERS and row["type"] == "leaver")


def minutes_of(files: Files, row: Row) -> int:
    return int((at(row["verified_at"] or files.end) - at(row["due_from"])).total_seconds() // 60)


def _is_late(files: Files, row: Row) -> bool:
    limit = files.scope["leaver_limit_minutes"]
    return is_closing(row) and limit is not None and minutes_of(files, row) > limit


def _is_outside(files: Files, row: Row) -> bool:
    if row["by"] in {None, row["approver"]}:
        return False
    return not any(
        (told["approver"], told["by"]) == (row["approver"], row["by"])
        and told["valid_from"] <= row["at"] < min(told["valid_to"], told["ended_at"] or "9")
        for told in files.rows("requests", "delegation")
    )


def _is_disordered(row: Row) -> bool:
    steps = [row[name] for name in ("after", "applied_at", "verified_at") if row.get(name)]
    return steps != sorted(steps)


def _is_overdue(files: Files, row: Row) -> bool:
    if row["what"] != "grant" or row["until"] is None:
        return False
    due = at(row["until"]) + timedelta(days=1)
    return due < at(files.end) and (row["ended_at"] is None or at(row["ended_at"]) > due)


def _got_less(row: Row) -> bool:
    told = [(each.get("reported"), each["returned"]) for each in row["queries"] or ()]
    is_good = row["state"] in {"complete", "accepted"}
    return is_good and any(said is not None and said != got for said, got in told)


LEFT: Final = _revoke("failed", "not_removable", "pending", "none")
Where = Sequence[tuple[str, list[int]]]
NO_READING: Final = _of_tasks(lambda row: row["state"] == "verified" and not row["read_back"])
GONE_WRONG: Final = _of_tasks(lambda row: row["state"] in {"failed", "refuted"})
DISORDERED: Final = _of_tasks(_is_disordered)


def exceptions(files: Files) -> Mapping[str, Where]:
    """Return the rows of each kind of exception, by the title of its finding."""
    due = files.scope.get("due_at") or "9"
    numbered, made = files.numbered, files.manifest["created_at"]
    early = _of_yes(lambda row: row["at"] < row["after"])
    found: dict[str, list[tuple[str, Rule]]] = {
        "Removals that failed": [("population", _revoke("failed"))],
        "Removals that no connector can make": [("population", _revoke("not_removable"))],
        "Removals that somebody has and is late with": [
            (
                "population",
                lambda row: LEFT(row) and (row.get("follow_up_due_at") or "9") <= made,
            )
        ],
        "Access that came back after it was removed": [
            ("population", lambda row: row.get("decision") == "revoke" and row["returned_at"])
        ],
        "Leavers' accounts that are not closed": [
            (
                "leavers",
                lambda row: (
                    is_closing(row) and not row["verified_at"] and row["due_from"] < files.end
                ),
            )
        ],
        "Leavers' accounts closed after the limit": [("leavers", lambda row: _is_late(files, row))],
        "Leavers whose plan failed": [
            (
                "leavers",
                lambda row: (
                    (row["what"], row.get("type"), row["state"]) == ("event", "leaver", "failed")
                ),
            )
        ],
        "Decisions on one's own access": [
            ("decisions", _of_decisions(lambda row: row["by"] == row["identity"]))
        ],
        "Approvals by requester or beneficiary": [
            ("requests", _of_yes(lambda row: row["by"] in {row["requester"], row["identity"]}))
        ],
        "Answers by a stand-in outside of every delegation": [
            ("requests", _of_answers(lambda row: _is_outside(files, row)))
        ],
        "Decisions by somebody who had left": [
            ("decisions", _of_decisions(lambda row: row["had_left"]))
        ],
        "Changes before their approval": [
            ("requests", lambda row: early(row) or DISORDERED(row)),
            ("leavers", DISORDERED),
        ],
        "Approvals of another plan than was asked for": [
            ("requests", _of_yes(lambda row: row["plan_digest"] != row["asked_digest"]))
        ],
        "Changes called verified without a reading": [
            ("requests", NO_READING),
            ("leavers", NO_READING),
        ],
        "Operations that failed": [("requests", GONE_WRONG), ("leavers", GONE_WRONG)],
        "Memberships that nobody here decided": [
            (
                "population",
                lambda row: (
                    row["what"] in {"membership", "ended"}
                    and row["provenance"] == "observed"
                    and row["valid_from"] >= files.begin
                ),
            )
        ],
        "Memberships that ended without a decision here": [
            ("drift", lambda row: row["what"] == "ended")
        ],
        "Kept, and gone since without a decision here": [
            (
                "population",
                lambda row: (
                    row.get("decision") == "keep"
                    and (row["valid_to"] or "9") < made
                    and not row["end"]
                    and not row["is_mirrored"]
                ),
            )
        ],
        "Access for a time that did not end on time": [
            ("requests", lambda row: _is_overdue(files, row))
        ],
        "Reads that got less than the source reported": [("sources", _got_less)],
        "Reads of a source that broke off": [
            ("sources", lambda row: row["state"] in {"incomplete", "failed"})
        ],
        "Items without a decision": [
            ("population", lambda row: row["what"] == "item" and row["decision"] is None)
        ],
        "Removals not confirmed yet": [("population", _revoke("pending", "none"))],
        "Decisions after the campaign was due": [
            ("decisions", _of_decisions(lambda row: row["at"] > due))
        ],
        "Revokes without a reason": [
            (
                "decisions",
                _of_decisions(lambda row: row["move"] == "revoke" and not row["reason"]),
            )
        ],
    }
    for title in LEFT_OUT if files.is_redacted else ():
        found[title] = []
    return {
        title: [(name, hit) for name, rule in rules if (hit := numbered(name, rule))]
        for title, rules in found.items()
    }


def where(rows: Where) -> str:
    """Say where rows stand, as a report does."""
    said = []
    for name, numbers in rows:
        many, more = "s" * (len(numbers) > 1), " and more" * (len(numbers) > FIRST)
        said.append(f"data/{name}, row{many} {', '.join(map(n, numbers[:FIRST]))}{more}")
    return "; ".join(said)


def count(rows: Where) -> int:
    return sum(len(numbers) for _name, numbers in rows)
