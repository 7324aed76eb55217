"""A bundle without a record of what it is about never reads as a clean one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from app.audit.controls import CONTROLS
from app.audit.evaluating import Evaluation
from app.audit.evaluating.checklist import checklist
from app.audit.evaluating.occurrences import Nothing, nothing_in
from app.audit.oscal import assessment_results
from app.audit.reports import TITLES, Subject, report
from evidence.checkpoint import Checkpoint
from evidence.keys import MemorySigner, verifier_key
from evidence.pdf.document import Report, Tone
from unit.app.audit.test_lines import (
    KINDS,
    Rows,
    closing,
    evaluated,
    item,
    left_out,
    membership,
    read,
    told_by_hr,
)

SIGNER: Final = MemorySigner("attestry.example/ledger", bytes(32))
FILES: Final = {"files": ["population", "leavers"]}
BROKEN: Final = read(state="failed", queries=[])
WHY: Final[Mapping[str, tuple[str, Mapping[str, Any], Rows, Nothing, str]]] = {
    "a campaign without a read": ("campaign", {}, [], Nothing.NO_READ, "No read of a source"),
    "a campaign of broken reads": (
        "campaign",
        {},
        [BROKEN, BROKEN],
        Nothing.NONE_COMPLETE,
        "Of 2 reads none was complete",
    ),
    "a campaign all left out": (
        "campaign",
        {},
        [read(), left_out()],
        Nothing.LEFT_OUT,
        "left out by rule: 1 records",
    ),
    "a campaign of nothing": (
        "campaign",
        {},
        [read(counts={"memberships": 0})],
        Nothing.NOT_IN_SCOPE,
        "nothing that its template puts to anybody",
    ),
    "a period without a read": ("period", {}, [], Nothing.NO_READ, "No read of a source"),
    "a period of nothing": ("period", {}, [read()], Nothing.NOT_IN_SCOPE, "show no membership"),
    "nobody who left": ("leavers", {}, [read()], Nothing.NOT_IN_SCOPE, "HR told of nobody"),
    "a control without a record": (
        "control",
        {},
        [read()],
        Nothing.NOT_IN_SCOPE,
        "No record of the files that speak to it (leavers)",
    ),
    "a control of unread sources": ("control", FILES, [], Nothing.NO_READ, "No read of a source"),
    "a sample of nothing": ("sample", {}, [read()], Nothing.NOT_IN_SCOPE, "of what was drawn"),
}


def made(kind: str, more: Mapping[str, Any], rows: Rows) -> tuple[Evaluation, Report, Any]:
    """The counts of some rows, the report of them, and the result of the OSCAL document."""
    told, scope = KINDS[kind]
    scope = {"name": "Spring", **scope, "entries": "All.", "nonces": [], **more}
    found = evaluated(told, scope, rows)
    lines = checklist(found, has_earlier=True)
    controls = ["PCI-DSS-8.2.5"] if kind == "control" else list(CONTROLS)
    counts = {name: found.of(name, "rows") for name in TITLES}
    key = verifier_key(SIGNER)
    subject = Subject("b1", controls, Checkpoint(SIGNER.name, 1, bytes(32)), key, "CN=Attestry")
    document = json.loads(assessment_results("b1", found, controls, lines, counts))
    assert SCHEMA.is_valid(document)
    shown = report(subject, found, lines, counts, lambda _name: iter(()))
    return found, shown, document["assessment-results"]["results"][0]


SCHEMA: Final = jsonschema_rs.validator_for(
    json.loads(
        (
            Path(__file__).parents[3] / "vectors/oscal/oscal_assessment-results_schema.json"
        ).read_text()
    )
)


@pytest.mark.parametrize("case", WHY)
def test_it_says_that_there_was_nothing_and_why_and_satisfies_no_control(case: str) -> None:
    kind, more, rows, why, says = WHY[case]
    found, shown, result = made(kind, more, rows)
    assert nothing_in(found) is why
    assert shown.verdict is not None
    assert says in shown.verdict.detail
    assert "That is no clean result" in shown.verdict.detail
    if shown.findings:  # a read that broke off is one, whatever else there was
        assert shown.verdict.tone is Tone.BAD
        assert shown.verdict.text.endswith("and there was nothing to look at")
    else:
        assert shown.verdict.text == "There was nothing to look at"
        assert shown.verdict.tone is Tone.PLAIN
        assert says in shown.no_findings
    assert {each.tone for each in shown.figures} == {Tone.PLAIN}
    told = {each["name"]: each["value"] for each in result["props"]}
    assert told == {"nothing-to-look-at": why.value}
    assert says in result["remarks"]


SOMETHING: Final[Mapping[str, Rows]] = {
    "campaign": [read(), item()],
    "period": [read(), membership(last_sign_in_at=None)],
    "leavers": [told_by_hr(), closing()],
    "control": [told_by_hr(), closing()],
    "sample": [membership(last_sign_in_at=None)],
}


@pytest.mark.parametrize("kind", SOMETHING)
def test_with_a_record_it_is_as_good_as_the_record(kind: str) -> None:
    found, shown, result = made(kind, {}, SOMETHING[kind])
    assert nothing_in(found) is None
    assert "props" not in result
    if not shown.findings:
        assert shown.verdict is not None
        assert shown.verdict.text == "No exceptions were found"
        assert shown.verdict.tone is Tone.GOOD


def test_a_control_without_a_record_is_not_satisfied_by_what_is_true_of_every_bundle() -> None:
    leavers, tests = "PCI-DSS-8.2.5", {"target-id": "PCI-DSS-8.2.5"}
    _found, _shown, empty = made("period", {}, [read(), membership()])
    told = {each["target"]["target-id"] for each in empty["findings"]}
    assert leavers not in told
    assert leavers in empty["remarks"]
    assert "ISO27001-A.8.15" in told
    assert "NIST-800-53-AU-9" in told  # asks for nothing but the seals
    _found, _shown, whole = made("period", {}, [read(), membership(), told_by_hr(), closing()])
    (finding,) = (each for each in whole["findings"] if each["target"].items() >= tests.items())
    assert finding["target"]["status"]["state"] == "satisfied"


def test_a_control_whose_lines_another_kind_of_bundle_answers_is_left_to_it() -> None:
    review = "PCI-DSS-7.2.4"  # its population is here, its reviews are not
    _found, _shown, result = made("period", {}, [read(), membership()])
    assert review not in {each["target"]["target-id"] for each in result["findings"]}
    assert review in result["remarks"]
