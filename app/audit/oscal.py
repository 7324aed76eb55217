"""The bundle's checklist for machines: OSCAL assessment results (NIST OSCAL 1.2).

One observation a line of the checklist, one finding a control whose lines were answered. A control
is told as not satisfied if one of its lines is an exception. It is told as satisfied if none is,
one that tells of it was answered, and none is left to another kind of bundle. Else there is no
finding, and the result names it: for want of records nothing is satisfied. Identifiers are derived
from the bundle's, so the same bundle gives the same document.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.audit.controls import CONTROLS
from app.audit.evaluating import Evaluation, Told
from app.audit.evaluating.checklist import Line, State
from app.audit.evaluating.occurrences import nothing_in, say_nothing
from app.kernel.event import moment
from evidence.canonical import canonical

VERSION: Final = "1.2.3"
NAMESPACE: Final = uuid.UUID("6d1f2f4e-5a41-5d0c-9d4a-0f4f3f1f8f0e")
PROPERTIES: Final = "https://attestry.example/ns/oscal"
ABOUT: Final = "Evidence collected by the tool named here. An assessor decides what it proves."


def assessment_results(
    bundle_id: str,
    found: Evaluation,
    controls: Sequence[str],
    lines: Sequence[Line],
    counts: Mapping[str, int],
) -> bytes:
    """Write the document.

    Args:
        bundle_id: The bundle.
        found: What its manifest and data files say.
        controls: Which controls it answers.
        lines: The checklist, answered.
        counts: Data file to number of records.

    Returns:
        Canonical JSON.
    """
    made = _Document(bundle_id, found)
    return canonical(
        {
            "assessment-results": {
                "uuid": made.id("document"),
                "metadata": made.metadata(),
                "import-ap": {
                    "href": f"#{made.id('rule')}",
                    "remarks": "No assessment plan was handed over; the rule of the bundle stands "
                    "in its place.",
                },
                "results": [made.result(controls, lines, counts)],
                "back-matter": made.back_matter(counts),
            }
        }
    )


class _Document:
    def __init__(self, bundle_id: str, found: Evaluation) -> None:
        self._bundle, self._found = bundle_id, found
        self._told: Told = found.told
        self._at = moment(self._told.created_at)

    def id(self, name: str) -> str:
        """Derive an identifier."""
        return str(uuid.uuid5(NAMESPACE, f"{self._bundle}/{name}"))

    def metadata(self) -> dict[str, Any]:
        return {
            "title": f"Evidence bundle {self._bundle}",
            "last-modified": self._at,
            "version": self._bundle,
            "oscal-version": VERSION,
            "props": [
                _property("bundle-kind", self._told.kind),
                _property("tool", self._told.scope["tool"]),
            ],
            "remarks": ABOUT,
        }

    def result(
        self, controls: Sequence[str], lines: Sequence[Line], counts: Mapping[str, int]
    ) -> dict[str, Any]:
        scope, state_of = self._told.scope, {line.id: line.state for line in lines}
        chosen: dict[str, Any] = {"include-controls": [{"control-id": each} for each in controls]}
        made = {
            "uuid": self.id("result"),
            "title": f"What an auditor checks on a {self._told.kind} bundle",
            "description": scope["entries"],
            "start": moment(self._told.start),
            "end": moment(self._told.end),
            "reviewed-controls": {"control-selections": [chosen]},
            "observations": [self._observation(line) for line in lines],
        }
        found = {each: self._finding(each, state_of) for each in controls}
        findings = [each for each in found.values() if each is not None]
        if findings:
            made["findings"] = findings
        silent = ", ".join(name for name, finding in found.items() if finding is None)
        remarks = [f"{sum(counts.values())} records."]
        if nothing := nothing_in(self._found):
            made["props"] = [_property("nothing-to-look-at", nothing.value)]
            said = say_nothing(nothing, self._found)
            remarks.append(f"There was nothing to look at. {said}")
        if silent:
            remarks.append(
                f"Without a finding, because the records here do not tell: {silent}. The "
                "observations say why, line by line."
            )
        return {**made, "remarks": " ".join(remarks)}

    def back_matter(self, counts: Mapping[str, int]) -> dict[str, Any]:
        rule = {
            "uuid": self.id("rule"),
            "title": "The rule by which records belong to the bundle",
            "description": self._told.scope["entries"],
        }
        files = [
            {
                "uuid": self.id(f"data/{name}"),
                "title": f"data/{name}.jsonl",
                "description": f"{count} records; the digest stands in manifest.json.",
                "rlinks": [{"href": f"../data/{name}.jsonl", "media-type": "application/jsonl"}],
            }
            for name, count in sorted(counts.items())
        ]
        return {"resources": [rule, *files]}

    def _observation(self, line: Line) -> dict[str, Any]:
        return {
            "uuid": self.id(f"line/{line.id}"),
            "title": f"{line.id}: {line.asks}",
            "description": line.answer,
            "props": [
                _property("checklist-line", line.id),
                _property("state", line.state.value.replace(" ", "-")),
            ],
            "methods": ["EXAMINE"],
            "collected": self._at,
        }

    def _finding(self, name: str, state_of: Mapping[str, State]) -> dict[str, Any] | None:
        control = CONTROLS[name]
        states = [state_of[line] for line in control.lines]
        telling = [state_of[line] for line in control.telling]
        if State.EXCEPTION in states:
            state = "not-satisfied"
        elif State.ANSWERED in telling and State.NOT_CONCERNED not in telling:
            state = "satisfied"
        else:
            return None
        told = "; ".join(f"{line} {state_of[line].value}" for line in control.lines)
        return {
            "uuid": self.id(f"control/{name}"),
            "title": f"{control.framework} {control.ref}: {control.title}",
            "description": f"{control.asks} {told}.",
            "target": {
                "type": "objective-id",
                "target-id": name,
                "status": {"state": state, "remarks": ABOUT},
            },
            "related-observations": [
                {"observation-uuid": self.id(f"line/{line}")} for line in control.lines
            ],
        }


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": PROPERTIES, "value": value}
