"""What a bundle's data files say: counted as the rows pass, from nothing but them.

Whoever has the bundle can count again and must get the same: the report, its checklist and the
OSCAL document take every number from here, and nothing here reads a table, a clock or a setting.
Memory does not grow with the rows: there are counts, extremes, and the numbers of the first few
rows of each exception.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from app.audit.evaluating.standing import StandIns
from app.audit.evaluating.tallies import Extremes, Note, Notes
from app.audit.evaluating.told import Row, Told, at
from app.provisioning.reconcile import CLOSING

__all__ = ["CLOSERS", "Evaluation", "Extremes", "Note", "Told", "at"]


CLOSERS: Final = frozenset(each.value for each in CLOSING)
IDLE: Final = timedelta(days=90)
QUICK_MS: Final = 2_000
HIDDEN: Final = frozenset({"undescribed", "no_reason", "not_read_back", "counts_differ"})
LATE_END: Final = timedelta(days=1)
MOST_REASONS: Final = 2_000
MOST_PEOPLE: Final = 5_000
MOST_LEFT: Final = 200


@dataclass(slots=True)
class Reviewer:
    """What one reviewer was asked and said."""

    name: str
    items: int = 0
    kept: int = 0
    revoked: int = 0
    other: int = 0
    signed_off: str = ""
    quick: int = 0
    largest: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """What was revoked and is not removed: its row, and whether somebody has it."""

    number: int
    status: str
    row: Row


@dataclass(slots=True)
class Reads:
    """The reads of one source."""

    name: str
    kind: str
    runs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    last: Row | None = None


class Evaluation:
    """Counts over the rows of one bundle.

    Args:
        told: What its manifest says.
    """

    def __init__(self, told: Told) -> None:
        self.told = told
        self.counts: dict[str, Counter[str]] = {}
        self.numbers: Counter[str] = Counter()
        self.notes = Notes()
        self.reviewers: dict[str, Reviewer] = {}
        self.sources: dict[str, Reads] = {}
        self.in_scope: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.rules: Counter[tuple[str, str]] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.appeared: Counter[str] = Counter()
        self.gone: Counter[str] = Counter()
        self.provenance: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.relations: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.left: list[Left] = []
        self.hr_list = sha256()
        self.stand_ins = StandIns()
        self.days = Extremes()
        self.minutes = Extremes()
        self.dwell = Extremes()
        self._takers: Mapping[str, Callable[[Row], None]] = {
            "population": self._population,
            "excluded": self._excluded,
            "decisions": self._decision,
            "requests": self._request,
            "leavers": self._leaver,
            "drift": self._drift,
            "sources": self._source,
        }

    def take(self, name: str, row: Row) -> None:
        """See one row.

        Args:
            name: The data file.
            row: The row, as it stands there.
        """
        tally = self.counts.get(name)
        if tally is None:
            tally = self.counts[name] = Counter()
        tally["rows"] += 1
        what = row["what"]
        tally[what] += 1
        tally[f"{what}.{row.get('state')}"] += 1
        self._takers[name](row)

    def of(self, name: str, what: str) -> int:
        """Return a count of rows: all of a kind, or `kind.state`."""
        return self.counts.get(name, Counter())[what]

    def note(self, name: str, what: str) -> None:
        """Note the row that was just seen as an exception of a kind.

        What a redacted bundle leaves out is not taken for missing.
        """
        if self.told.is_redacted and what in HIDDEN:
            return
        self.notes.add(what, name, self.counts[name]["rows"])

    # --- who has what ----------------------------------------------------------------------

    def _population(self, row: Row) -> None:
        what = row["what"]
        if what == "nesting":
            return
        self.in_scope[row["source"]] += 1
        self.kinds[row.get("account_kind") or "unknown"] += 1
        if row["identity"] is None:
            self.numbers["orphans"] += 1
            self.note("population", "orphans")
        if row.get("is_privileged"):
            self.numbers["privileged"] += 1
        if what == "item":
            self._item(row)
        else:
            self._membership(row)

    def _membership(self, row: Row) -> None:
        is_ended = row["what"] == "ended"
        self.provenance[row["provenance"]] += not is_ended
        if at(row["valid_from"]) < self.told.start:
            self.numbers["opening"] += 1
        else:
            self.appeared[row["provenance"]] += 1
            if row["provenance"] == "observed":
                self.note("population", "untraced")
        if is_ended:
            cause = "decided" if row.get("end") else "mirrored" if row["is_mirrored"] else "nobody"
            self.gone[cause] += 1
            return
        self.numbers["closing"] += 1
        seen = row.get("last_sign_in_at")
        if seen is None:
            self.numbers["sign_in_unknown"] += 1
        elif self.told.end - at(seen) > IDLE:
            self.numbers["idle"] += 1
            self.note("population", "idle")

    def _item(self, row: Row) -> None:
        decision, frozen = row["decision"], row["frozen"] or {}
        gone = row["remediation"]
        self.outcomes[f"{decision}.{gone}"] += 1
        self.relations[row["relationship"] or "unknown"] += 1
        self._of_reviewer(row, decision)
        if decision is None:
            self.note("population", "unanswered")
        if not frozen.get("description"):
            self.note("population", "undescribed")
        if frozen.get("leads_to"):
            self.numbers["leads_further"] += 1
        self._advice(frozen.get("advice"), decision)
        if decision == "revoke":
            self._revoked(row, gone)
        elif decision == "keep" and _is_gone(row, self.told.created_at):
            self.note("population", "kept_but_gone")

    def _revoked(self, row: Row, gone: str) -> None:
        if gone == "confirmed" and row["remediation_at"] and row["decided_at"]:
            took = at(row["remediation_at"]) - at(row["decided_at"])
            self.days.add(int(took.total_seconds() // 3600))
        elif gone != "confirmed":
            kind = "pending" if gone == "none" else gone  # none: not signed off yet
            self.note("population", f"revoke.{kind}")
            self.numbers["removals_explained"] += bool(row.get("remediation_why"))
            self._followed_up(row)
        if row.get("returned_at"):
            self.note("population", "returned")

    def _followed_up(self, row: Row) -> None:
        """Who has what was not removed now; a redacted bundle leaves tickets out."""
        due = row.get("follow_up_due_at")
        has_ticket = self.told.is_redacted or row.get("follow_up_ticket")
        is_named = bool(row.get("follow_up_owner") and due and has_ticket)
        is_late = bool(due) and at(str(due)) <= self.told.created_at
        if not is_named:
            self.note("population", "nobody_follows_up")
        if is_late:
            self.note("population", "follow_up_overdue")
        self.numbers["followed_up"] += is_named
        if len(self.left) < MOST_LEFT:
            status = "nobody has it" if not is_named else "overdue" if is_late else "open"
            self.left.append(Left(self.counts["population"]["rows"], status, row))

    def _advice(self, advice: Mapping[str, Any] | None, decision: str | None) -> None:
        if advice is None or decision is None:
            return
        suggested = advice.get("suggestion")
        self.numbers["advised"] += 1
        self.numbers["advice_followed"] += suggested == decision
        if suggested == "revoke" and decision == "keep":
            self.note("population", "kept_against_advice")

    def _of_reviewer(self, row: Row, decision: str | None) -> None:
        reviewer = self._reviewer(row["reviewer"], row["reviewer_name"])
        if reviewer is None:
            return
        reviewer.items += 1
        if decision == "keep":
            reviewer.kept += 1
        elif decision == "revoke":
            reviewer.revoked += 1
        else:
            reviewer.other += 1
        reviewer.signed_off = reviewer.signed_off or row["signed_off_at"] or ""

    def _reviewer(self, key: str | None, name: str | None) -> Reviewer | None:
        if key is None or (key not in self.reviewers and len(self.reviewers) >= MOST_PEOPLE):
            return None
        return self.reviewers.setdefault(key, Reviewer(name or key))

    def _excluded(self, row: Row) -> None:
        self.rules[row["rule"], row["reason"] or ""] += 1
        if row.get("account") is not None:
            self.left_out[row["source"]] += 1

    # --- what was decided ------------------------------------------------------------------

    def _decision(self, row: Row) -> None:
        if row["what"] == "sign-off":
            self.numbers["sign_offs"] += 1
        if row["what"] != "decision":
            return
        if row["turn"] > 1:
            self.numbers["changes_of_mind"] += 1
        if row["by"] == row["identity"]:
            self.note("decisions", "self_review")
        if row["by"] != row["reviewer"]:
            self.note("decisions", "not_the_reviewer")
        if row["had_left"]:
            self.note("decisions", "had_left")
        due = self.told.scope.get("due_at")
        if due and at(row["at"]) > at(due):
            self.note("decisions", "late")
        if row["move"] == "revoke" and not row["reason"]:
            self.note("decisions", "no_reason")
        self._care(row)

    def _care(self, row: Row) -> None:
        """What tells a careful decision from a rubber stamp."""
        reviewer = self._reviewer(row["by"], row["by_name"])
        if row["batch_size"] > 1:
            self.numbers["in_bulk"] += 1
        if reviewer is not None:
            reviewer.largest = max(reviewer.largest, row["batch_size"])
        if row["dwell_ms"] is None:
            self.numbers["dwell_unknown"] += 1
        else:
            self.dwell.add(row["dwell_ms"])
            is_quick = row["dwell_ms"] < QUICK_MS * row["batch_size"] and row["sample"] is None
            self.numbers["quick"] += is_quick
            if is_quick and reviewer is not None:
                reviewer.quick += 1
            if is_quick:
                self.note("decisions", "quick")
        reason = row["reason"]
        if reason and (reason in self.reasons or len(self.reasons) < MOST_REASONS):
            self.reasons[reason] += 1

    # --- what was asked for and done -------------------------------------------------------

    def _request(self, row: Row) -> None:
        what = row["what"]
        if what == "delegation":
            self.stand_ins.take(row)
        elif what == "approval":
            self._approval(row)
        elif what == "task":
            self._task("requests", row)
        elif what == "grant":
            self._grant(row)

    def _approval(self, row: Row) -> None:
        if row["at"] is None:
            return
        self.numbers["answers"] += 1
        if row["by"] not in {None, row["approver"]}:
            self.numbers["stand_ins"] += 1
            if not self.stand_ins.may(row):
                self.note("requests", "stood_outside")
        if row["state"] != "approve":
            return
        if row["by"] in {row["requester"], row["identity"]}:
            self.note("requests", "self_approval")
        if at(row["at"]) < at(row["after"]):
            self.note("requests", "out_of_order")
        if row["plan_digest"] != row["asked_digest"]:
            self.note("requests", "other_plan")

    def _task(self, name: str, row: Row) -> None:
        state = row["state"]
        self.numbers[f"{name}.tasks"] += 1
        if state == "verified":
            self.numbers[f"{name}.verified"] += 1
            if not row["read_back"]:
                self.note(name, "not_read_back")
        elif state in {"failed", "refuted"}:
            self.note(name, "failed")
        moments = [row[key] for key in ("after", "applied_at", "verified_at") if row.get(key)]
        if moments != sorted(moments):
            self.note(name, "out_of_order")

    def _grant(self, row: Row) -> None:
        until = row["until"]
        if until is None:
            return
        self.numbers["limited"] += 1
        due = at(until) + LATE_END
        if due < self.told.end and (row["ended_at"] is None or at(row["ended_at"]) > due):
            self.note("requests", "ended_late")

    # --- leavers, drift, sources -----------------------------------------------------------

    def _leaver(self, row: Row) -> None:
        if row["what"] == "event":
            self.numbers[f"hr.{row['type']}"] += 1
            if row["type"] == "leaver":
                self.hr_list.update(f"{row['hr_event_id']}\n".encode())
            if row["type"] == "leaver" and row["state"] == "failed":
                self.note("leavers", "leaver_failed")
            return
        self._task("leavers", row)
        if row["verb"] not in CLOSERS or row["type"] != "leaver":
            return
        begun = at(row["due_from"])
        if begun >= self.told.end:
            return
        self.numbers["closings"] += 1
        limit = self.told.limit_minutes
        done = row["verified_at"]
        took = (at(done) if done else self.told.end) - begun
        minutes = int(took.total_seconds() // 60)
        if done:
            self.minutes.add(minutes)
        else:
            self.note("leavers", "not_closed")
        if limit is not None and minutes > limit:
            self.note("leavers", "over_limit")

    def _drift(self, row: Row) -> None:
        self.note("drift", f"drift.{row['what']}")
        self.numbers["drift"] += 1
        self.numbers["drift.told"] += row.get("done_at") is not None

    def _source(self, row: Row) -> None:
        if row["what"] != "run":
            return
        name = row["source"] or row["source_id"]
        reads = self.sources.setdefault(name, Reads(name, row["kind"]))
        reads.runs += 1
        reads.states[row["state"]] += 1
        if row["state"] in {"complete", "accepted"}:
            reads.last = row
            if not is_whole(row):
                self.note("sources", "counts_differ")
        elif row["state"] in {"incomplete", "failed"}:
            self.note("sources", "broken_read")


def _is_gone(row: Row, now: datetime) -> bool:
    """Say whether an item's membership ended, and nobody here decided that."""
    if row["valid_to"] is None or row.get("end") or row["is_mirrored"]:
        return False
    return at(row["valid_to"]) < now


def is_whole(run: Row) -> bool:
    """Say whether a read got as much as its source said there was."""
    return all(
        each.get("reported") is None or each["reported"] == each["returned"]
        for each in run["queries"] or ()
    )


def evaluate(told: Told, rows: Callable[[str], Iterable[Row]], names: Iterable[str]) -> Evaluation:
    """Count over whole data files.

    Args:
        told: What the manifest says.
        rows: Gives the rows of a file.
        names: Which files.
    """
    found = Evaluation(told)
    for name in names:
        for row in rows(name):
            found.take(name, row)
    return found
