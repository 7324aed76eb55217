"""What a bundle answers of the auditor's checklist, read from the bundle itself.

The file's own OSCAL document is what is shown, so that a page and a file never say two things.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.audit.controls import Control

WHERE: Final = "oscal/assessment-results.json"
EXCEPTION: Final = "exception"
ANSWERED: Final = "answered"
CANNOT: Final = "cannot-be-answered"


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the checklist, as a bundle answers it.

    Attributes:
        id: Such as `B2`.
        asks: What it asks.
        state: `answered`, `exception`, `nothing-to-judge`, `not-concerned` or
            `cannot-be-answered`.
        says: The answer, or why there is none.
    """

    id: str
    asks: str
    state: str
    says: str


class Answers:
    """All lines of one bundle.

    Args:
        lines: By their names, in order.
        nothing: Why it holds nothing to look at (`occurrences.Nothing`); empty if it does.
    """

    def __init__(self, lines: Sequence[Answer], nothing: str = "") -> None:
        self._lines: Mapping[str, Answer] = {each.id: each for each in lines}
        self.nothing = nothing

    @property
    def exceptions(self) -> Sequence[Answer]:
        """Return the lines that are exceptions."""
        return [each for each in self._lines.values() if each.state == EXCEPTION]

    @property
    def open(self) -> Sequence[Answer]:
        """Return the lines that our records cannot answer."""
        return [each for each in self._lines.values() if each.state == CANNOT]

    def exceptions_of(self, control: Control) -> Sequence[Answer]:
        """Return those exceptions that speak to a control."""
        return [each for each in self.exceptions if each.id in control.lines]

    def is_answered(self, control: Control) -> bool:
        """Say whether any line that tells of a control has an answer."""
        states = {self._lines[each].state for each in control.telling if each in self._lines}
        return bool(states & {ANSWERED, EXCEPTION})


def read_answers(content: bytes) -> Answers:
    """Read the lines from a bundle's OSCAL document.

    Args:
        content: The document.

    Raises:
        ValueError: It is not one of ours.
    """
    try:
        result = orjson.loads(content)["assessment-results"]["results"][0]
        props = {each["name"]: each["value"] for each in result.get("props", ())}
        lines = [_answer(each) for each in result["observations"]]
        return Answers(lines, props.get("nothing-to-look-at", ""))
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError("This OSCAL document tells no lines of the checklist.") from error


def _answer(told: Mapping[str, Any]) -> Answer:
    props = {each["name"]: each["value"] for each in told["props"]}
    name = props["checklist-line"]
    return Answer(
        name, told["title"].removeprefix(f"{name}: "), props["state"], told["description"]
    )
