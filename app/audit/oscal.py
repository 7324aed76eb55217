"""The bundle's checklist for machines: OSCAL assessment results (NIST OSCAL 1.2).

One observation a line of the checklist, one finding a control whose lines were answered. A control
is told as not satisfied if one of its lines is an exception; as satisfied if none is and at least
one was answered; else there is no finding. Identifiers are derived from the bundle's, so the same
bundle gives the same document.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.audit.controls import CONTROLS
from app.audit.evaluating import Told
from app.audit.evaluating.checklist import Line, State
from app.kernel.event import moment
from evidence.canonical import canonical

VERSION: Final = "1.2.3"
NAMESPACE: Final = uuid.UUID("6d1f2f4e-5a41-5d0c-9d4a-0f4f3f1f8f0e")
PROPERTIES: Final = "https://attestry.example/ns/oscal"
ABOUT: Final = "Evidence collected by the tool named here. An assessor decides what it proves."


def assessment_results(
    bundle_id: str,
    told: Told,
    controls: Sequence[str],
    lines: Sequence[Line],
    counts: Mapping[str, int],
) -> bytes:
    """Write the document.

    Args:
        bundle_id: The bundle.
        told: What its manifest says.
        controls: Which controls it answers.
        lines: The checklist, answered.
        counts: Data file to number of records.

    Returns:
        Canonical JSON.
    """
    made = _Document(bundle_id, told)
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
    def __init__(self, bundle_id: str, told: Told) -> None:
        self._bundle, self._told = bundle_id, told
        self._at = moment(told.created_at)

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
            "remarks": f"{sum(counts.values())} records.",
        }
        findings = [self._finding(each, state_of) for each in controls]
        if any(findings):
            made["findings"] = [each for each in findings if each is not None]
        return made

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
        if State.EXCEPTION in states:
            state = "not-satisfied"
        elif State.ANSWERED in states:
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
