"""What every line of the checklist is answered with: the counts, the manifest, and a judgement."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from app.audit.evaluating import Evaluation


class State(StrEnum):
    """What became of a line."""

    ANSWERED = "answered"
    EXCEPTION = "exception"
    NOTHING = "nothing to judge"
    NOT_CONCERNED = "not concerned"
    CANNOT = "cannot be answered"


Answer = tuple[State, str]


class Answers:
    """Answers lines from what the data files and the manifest say, and from nothing else.

    Args:
        found: What the data files say.
        has_earlier: Whether the bundle holds a proof against an earlier checkpoint.
    """

    def __init__(self, found: Evaluation, *, has_earlier: bool) -> None:
        self._found, self._told = found, found.told
        self._scope: Mapping[str, Any] = found.told.scope
        self._has_earlier = has_earlier

    def _n(self, name: str, what: str) -> int:
        return self._found.of(name, what)

    def _judged(self, kinds: Sequence[str], good: str, bad: str) -> Answer:
        """An exception if any such row was noted, told with its rows."""
        notes = self._found.notes
        count = notes.count(*kinds)
        if not count:
            return State.ANSWERED, good
        return State.EXCEPTION, f"{bad}: {count:,} ({notes.where(*kinds)})."
