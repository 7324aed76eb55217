"""Each line of the auditor's checklist, by rows that answer it and by rows that it fails on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from app.audit.controls import CONTROLS
from app.audit.evaluating import Evaluation, Told
from app.audit.evaluating.checklist import ASKS, NEEDS, Line, State, checklist
from app.audit.redacting import redacted

START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
EARLY, DURING = "2026-02-20T09:00:00.000000Z", "2026-03-05T09:00:00.000000Z"
LATER, AFTER = "2026-03-06T09:00:00.000000Z", "2026-04-05T09:00:00.000000Z"
Rows = Sequence[tuple[str, Mapping[str, Any]]]

WHO: Final = {
    "source": "corp",
    "account": "a1",
    "account_login": "eve",
    "account_kind": "person",
    "identity": "eve",
    "identity_name": "Eve",
    "group": "g1",
    "group_name": "Payroll",
    "is_mirrored": False,
    "is_privileged": False,
}


def membership(**more: Any) -> tuple[str, dict[str, Any]]:
    row = {"what": "membership", **WHO, "provenance": "request", "valid_from": DURING}
    return "population", {**row, "valid_to": None, "last_sign_in_at": DURING, "end": None, **more}


def item(**more: Any) -> tuple[str, dict[str, Any]]:
    row = {"what": "item", **WHO, "relationship": "manager", "reviewer": "bob"}
    row |= {"reviewer_name": "Bob", "decision": "keep", "remediation": "none", "valid_to": None}
    row |= {"remediation_at": None, "decided_at": DURING, "signed_off_at": DURING, "end": None}
    frozen = {"description": "Pays", "advice": {"suggestion": "keep"}}
    return "population", {**row, "returned_at": None, "frozen": frozen, **more}


def revoked(**more: Any) -> tuple[str, dict[str, Any]]:
    gone = {"decision": "revoke", "remediation": "confirmed", "remediation_at": LATER}
    return item(**{**gone, **more})


def decision(**more: Any) -> tuple[str, dict[str, Any]]:
    row = {"what": "decision", **WHO, "move": "keep", "turn": 1, "reason": "needed", "at": DURING}
    row |= {"by": "bob", "by_name": "Bob", "reviewer": "bob", "had_left": False}
    return "decisions", {**row, "batch_size": 1, "dwell_ms": 9_000, "sample": None, **more}


def signed_off(**more: Any) -> tuple[str, dict[str, Any]]:
    return "decisions", {"what": "sign-off", "at": DURING, "by": "bob", "by_name": "Bob", **more}


def approval(**more: Any) -> tuple[str, dict[str, Any]]:
    row = {"what": "approval", "state": "approve", "approver": "bob", "by": "bob", "at": LATER}
    row |= {"after": DURING, "requester": "alice", "identity": "alice"}
    return "requests", {**row, "plan_digest": "d", "asked_digest": "d", **more}


def task(**more: Any) -> tuple[str, dict[str, Any]]:
    row = {"what": "task", "verb": "add_member", "state": "verified", "read_back": {"held": True}}
    return "requests", {**row, "after": DURING, "applied_at": LATER, "verified_at": LATER, **more}


def grant(**more: Any) -> tuple[str, dict[str, Any]]:
    return "requests", {"what": "grant", **WHO, "until": DURING, "ended_at": DURING, **more}


def told_by_hr(**more: Any) -> tuple[str, dict[str, Any]]:
    row = {"what": "event", "type": "leaver", "state": "completed", "hr_event_id": "e1"}
    return "leavers", {**row, **more}


def closing(**more: Any) -> tuple[str, dict[str, Any]]:
    row = dict(task()[1]) | {"verb": "disable_account", "type": "leaver", "due_from": DURING}
    return "leavers", {**row, "applied_at": DURING, "verified_at": DURING, **more}


def read(**more: Any) -> tuple[str, dict[str, Any]]:
    row: dict[str, Any] = {
        "what": "run",
        "source": "corp",
        "source_id": "s1",
        "kind": "memory",
        "state": "complete",
    }
    row |= {"counts": {"memberships": 1}, "begun_at": EARLY, "ended_at": EARLY}
    row |= {"endpoint": "ldaps://dc", "account": "reader"}
    return "sources", {**row, "queries": [{"reported": 3, "returned": 3}], **more}


def left_out() -> tuple[str, dict[str, Any]]:
    return "excluded", {"what": "membership", **WHO, "rule": "mirrored", "reason": "At its master."}


SCOPE: Final = {
    "systems": ["corp"],
    "policies": [{"name": "standard", "digest": "0" * 64, "from": EARLY, "to": None}],
    "tool": "Attestry",
    "clock": "server clock, UTC",
    "owner": "dana",
    "time_stamp": "tsa.example",
    "signature_level": "B-T",
    "leaver_limit_minutes": 60,
    "published": {
        "witnesses": [{"name": "w.example", "size": 9}],
        "sent": {"days": 0, "addresses": 0, "last": None, "size": None},
    },
    "supersedes": None,
    "previous": None,
}
OF_CAMPAIGN: Final = {
    **SCOPE,
    "name": "Spring",
    "snapshot": [{"run": "r1", "begun_at": "2026-02-28T20:00:00.000000Z"}],
    "template_scope": {},
    "due_at": LATER,
    "closed_by": "carol",
    "population_sha256": "f" * 64,
    "previous": {"campaign": "c0", "launched_at": "2025-12-01T00:00:00.000000Z"},
}
OF_PERIOD: Final = {**SCOPE, "about": "all", "previous": {"bundle": "b0", "closing": 0}}
ALL: Final = {"population", "decisions", "requests", "leavers", "excluded", "drift", "sources"}
KINDS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "campaign": ("campaign", OF_CAMPAIGN),
    "period": ("period", OF_PERIOD),
    "leavers": ("period", {**SCOPE, "about": "leavers"}),
    "control": ("control", {**SCOPE, "about": "control", "files": ["leavers"]}),
    "sample": ("sample", {**SCOPE, "drawn": {}}),
}


def evaluated(kind: str, scope: Mapping[str, Any], rows: Rows) -> Evaluation:
    found = Evaluation(Told(kind, scope, START, END, END))
    for name, row in rows:
        shown = redacted(name, iter([row])) if scope.get("redacted") else [row]
        for each in shown:
            found.take(name, each)
    return found


def answered(
    name: str, kind: str, scope: Mapping[str, Any], rows: Rows, *, has_earlier: bool = True
) -> Line:
    lines = checklist(evaluated(kind, scope, rows), has_earlier=has_earlier)
    return next(line for line in lines if line.id == name)


@dataclass(frozen=True)
class Case:
    """Rows that answer a line, and what is changed so that they do not."""

    good: Rows
    bad: Rows
    becomes: State
    says: str
    kind: str = "campaign"
    scope: Mapping[str, Any] = field(default_factory=dict)
    without: Mapping[str, Any] = field(default_factory=dict)


BAD, NONE, OPEN = State.EXCEPTION, State.NOTHING, State.CANNOT
KEPT, GONE = [item(), decision(), signed_off(), read()], [revoked(), decision(move="revoke")]
CASES: Final[Mapping[str, Case]] = {
    "A1": Case([], [], OPEN, "policies in force none", without={"policies": []}),
    "A2": Case([], [], BAD, "No clock is named", without={"clock": ""}),
    "A3": Case([], [], OPEN, "no gap to measure", without={"previous": None}),
    "B1": Case([read()], [], OPEN, "No source was read"),
    "B2": Case(KEPT, [*KEPT, item()], BAD, "1 stored = 2 in scope + 0 left out + -1 outside"),
    "B3": Case([left_out()], [], NONE, "No records were in scope or left out"),
    "B4": Case(KEPT, [read(state="incomplete")], BAD, "data/sources, row 1"),
    "B5": Case(
        [],
        [],
        BAD,
        "began 25.0 hours before launch",
        without={"snapshot": [{"begun_at": "2026-02-27T23:00:00.000000Z"}]},
    ),
    "B6": Case(KEPT, KEPT, OPEN, "before digests", without={"population_sha256": None}),
    "B7": Case(KEPT, [read()], NONE, "No memberships were held"),
    "B8": Case(KEPT, [read()], NONE, "No memberships were held"),
    "B9": Case(KEPT, [*KEPT, item(identity=None)], BAD, "data/population, row 2"),
    "B10": Case(
        [membership()], [membership(valid_from=EARLY)], BAD, "opens with 1 + 0", kind="period"
    ),
    "B11": Case(KEPT, [item(frozen={})], BAD, "Without description: 1"),
    "C1": Case(KEPT, [read()], NONE, "No items were put to anybody"),
    "C2": Case(KEPT, [decision(by="eve", reviewer="eve")], BAD, "Decided on their own access: 1"),
    "C3": Case(
        [approval()], [approval(by="mallory")], BAD, "1 of them outside of every", kind="period"
    ),
    "C5": Case(KEPT, [decision(had_left=True)], BAD, "Had left by then: 1"),
    "D1": Case(KEPT, [item(), item(decision=None)], BAD, "1 of 2 have one; 1 were not answered"),
    "D2": Case(KEPT, [decision(), decision(at=AFTER)], BAD, "data/decisions, row 2"),
    "D3": Case(KEPT, [decision(move="revoke", reason=None)], BAD, "Revoked without a reason: 1"),
    "D4": Case(KEPT, [item()], NONE, "No decisions were made"),
    "D5": Case(KEPT, [item()], NONE, "No decisions were made"),
    "D6": Case(KEPT, [item(frozen={})], NONE, "No items with advice were decided"),
    "D7": Case(KEPT, [item(), decision()], BAD, "0 of 1 reviewers signed off"),
    "E1": Case(GONE, KEPT, NONE, "No items were revoked"),
    "E2": Case(GONE, [revoked(), revoked(remediation="failed")], BAD, "1 of 2 removals"),
    "E3": Case(GONE, [revoked(remediation="pending")], NONE, "No removals were confirmed"),
    "E4": Case(GONE, [revoked(), revoked(remediation="none")], BAD, "1 not confirmed when"),
    "E5": Case(GONE, [revoked(returned_at=AFTER)], BAD, "Came back: 1"),
    "E6": Case(KEPT, [item(valid_to=LATER)], BAD, "gone since without a decision here: 1"),
    "F1": Case(
        [approval(), task()], [task(applied_at=EARLY)], BAD, "Out of order: 1", kind="period"
    ),
    "F2": Case([approval()], [approval(by="alice")], BAD, "by requester or benef", kind="period"),
    "F3": Case([approval()], [approval(plan_digest="x")], BAD, "Approved another", kind="period"),
    "F4": Case(
        [membership()],
        [membership(), membership(provenance="observed")],
        BAD,
        "Of 2 memberships that appeared, nobody decided here: 1 (data/population, row 2)",
        kind="period",
    ),
    "F5": Case([grant()], [grant(ended_at=None)], BAD, "Not ended a day after", kind="period"),
    "G1": Case(
        [told_by_hr(), closing()],
        [told_by_hr(), closing(verified_at=LATER)],
        BAD,
        "most 1,440 minutes; the limit is 60. Late or open: data/leavers, row 2.",
        kind="period",
    ),
    "G3": Case(
        [told_by_hr(type="rehire")], [told_by_hr()], NONE, "No people came back", kind="period"
    ),
    "H3": Case(
        [],
        [],
        OPEN,
        "No witness cosigned",
        without={"published": {"witnesses": [], "sent": {"days": 0}}},
    ),
    "H4": Case([], [], OPEN, "authority: none", without={"time_stamp": "none: no authority"}),
}
NEVER: Final = {"C4", "E7", "F6", "G2"}  # no record here answers these, and each says why
OF_THE_FILE: Final = {"H1", "H2", "H5", "H6", "H7", "H8", "H9"}  # broken ones fail its checks


def test_every_line_has_a_case_of_its_own() -> None:
    assert CASES.keys() | NEVER | OF_THE_FILE == ASKS.keys()
    assert len(CASES) + len(NEVER) + len(OF_THE_FILE) == len(ASKS)


@pytest.mark.parametrize("name", CASES)
def test_a_line_is_answered_by_good_rows_and_fails_on_the_bad_ones(name: str) -> None:
    case = CASES[name]
    scope = {**KINDS[case.kind][1], **case.scope}
    assert answered(name, case.kind, scope, case.good).state is State.ANSWERED
    line = answered(name, case.kind, {**scope, **case.without}, case.bad)
    assert line.state is case.becomes
    assert case.says in line.answer


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_record_here_can_answer_says_so_and_why(kind: str) -> None:
    told, scope = KINDS[kind]
    for name in NEVER:
        line = answered(name, told, scope, everything())
        assert line.state in {State.CANNOT, State.NOT_CONCERNED}
        assert len(line.answer.split()) > 6


def everything() -> Rows:
    """One row and more of each kind that is good, and one that is bad."""
    good = [each for case in CASES.values() for each in (*case.good, *case.bad)]
    return [*good, *(("drift", {"what": "appeared", "at": DURING, **WHO}),)]


REVIEWS: Final = "A3 B5 B6 B11 C1 C5 D1 D2 D3 D6 D7 E1 E2 E3 E4 E5 E6 E7"
PROVISIONING: Final = "B10 F1 F2 F3 F4 F5 F6 G1 G2 G3"
LEFT_TO_OTHERS: Final = {
    "campaign": PROVISIONING,
    "period": REVIEWS,
    "leavers": f"{REVIEWS} B3 B7 B8 B10 F1 F2 F3 F4 F5",
    "control": f"{REVIEWS} B3 B7 B8 B10 F1 F2 F3 F4 F5",
    "sample": REVIEWS,
}


@pytest.mark.parametrize("is_redacted", [False, True], ids=["full", "redacted"])
@pytest.mark.parametrize("is_empty", [False, True], ids=["rows", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_line_is_answered_in_every_kind_of_bundle(
    kind: str, *, is_empty: bool, is_redacted: bool
) -> None:
    told, scope = KINDS[kind]
    rows = [] if is_empty else everything()
    found = evaluated(told, {**scope, "redacted": is_redacted}, rows)
    lines = {line.id: line for line in checklist(found, has_earlier=False)}
    assert lines.keys() == ASKS.keys()
    assert [each.id for each in lines.values() if not each.answer] == []
    left = {name for name, line in lines.items() if line.state is State.NOT_CONCERNED}
    none_decided = {"D4", "D5"} if is_empty and kind != "campaign" else set()
    assert left == set(LEFT_TO_OTHERS[kind].split()) | none_decided
    if is_redacted:
        hidden = {name for name, line in lines.items() if "redacted" in line.answer}
        assert hidden >= {"B1", "B2"}
        assert all(lines[name].state is not State.ANSWERED for name in hidden - {"F2", "G2"})
    if is_empty:
        telling = {name for name in lines if name[0] not in "AH"}
        clean = {name for name in telling if lines[name].state is State.ANSWERED}
        assert clean <= {"B5", "B10"}  # of the manifest alone


def test_rows_of_two_files_are_never_told_as_one_files() -> None:
    rows = [task(), task(state="failed"), told_by_hr(), closing(state="failed")]
    found = evaluated("period", OF_PERIOD, rows)
    assert found.notes.where("failed") == "data/requests, row 2; data/leavers, row 2"
    assert found.notes.count("failed") == 2


def unspoken() -> Iterator[tuple[str, str]]:
    for name, control in CONTROLS.items():
        for line in control.lines:
            if line in NEEDS and NEEDS[line] not in control.files:
                yield name, line


def test_a_control_holds_the_files_that_its_lines_rest_on() -> None:
    assert list(unspoken()) == []


CHARGED: Final = {"follow_up_owner": "bob", "follow_up_ticket": "INC-7"}


def test_who_has_what_was_not_removed_is_counted_and_who_lacks_is_named() -> None:
    left = [
        revoked(remediation="failed", **CHARGED, follow_up_due_at=LATER),
        revoked(remediation="not_removable", **CHARGED, follow_up_due_at="2027-01-01T00:00:00Z"),
        revoked(remediation="failed"),
    ]
    told, scope = KINDS["campaign"]
    said = answered("E4", told, scope, left).answer
    assert "Owner, ticket and due date are named for 2 (columns follow_up_*), 1 of them" in said
    assert "overdue when this was built (data/population, row 1); for 1 nobody said" in said
    assert said.endswith("(data/population, row 3).")
    hidden = [(name, next(redacted(name, iter([row])))) for name, row in left]
    said = answered("E4", told, {**scope, "redacted": True}, hidden).answer
    assert "Owner and due date are named for 2" in said
    in_time = answered("E4", told, scope, left[1:2]).answer
    assert in_time.endswith("none of them overdue when this was built.")
