"""What an external auditor checks on a bundle, line by line, answered from the bundle alone.

A line is answered, or an exception, or had nothing to judge, or does not concern this kind of
bundle, or cannot be answered from our records; then it says why. No line is left out, none is
answered by a promise, and none is clean for want of records.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.audit.evaluating import Evaluation
from app.audit.evaluating.answers import AllAnswers
from app.audit.evaluating.answers.base import Answer, State
from app.audit.evaluating.occurrences import nothing_for

__all__ = ["ASKS", "GROUPS", "Line", "State", "checklist"]

GROUPS: Final = {
    "A": "Identification",
    "B": "Population: completeness and accuracy",
    "C": "Reviewers",
    "D": "Decisions",
    "E": "Removals",
    "F": "Provisioning",
    "G": "Leavers",
    "H": "Integrity and custody",
}

ASKS: Final = {
    "A1": "Controls, frequency, period, owner, systems, tool and policy versions are named",
    "A2": "Times are UTC with their offset; the clock is stated; the period is unambiguous",
    "A3": "The review began within its cadence; the gap in days",
    "B1": "Each source: server, account, exact query, run, begin, end, result",
    "B2": "Reported by the source = stored = in scope + left out",
    "B3": "Everything left out is listed, with rule and reason",
    "B4": "No group is passed over silently; an incomplete read feeds nothing",
    "B5": "The snapshot was read shortly before launch",
    "B6": "The population's digest is in the signed manifest",
    "B7": "Nested access is expanded, with its path",
    "B8": "Service, privileged and inactive accounts are present and typed",
    "B9": "Joined with HR: leavers still active, accounts of nobody",
    "B10": "Roll-forward: previous closing + grants - removals +/- drift = this opening",
    "B11": "Reviewers saw what a group means",
    "C1": "Each item has a named reviewer, with the relation at that time",
    "C2": "Nobody reviewed or approved themselves",
    "C3": "Stand-ins: who for whom, with validity and reason",
    "C4": "Who decided was authenticated; how is recorded",
    "C5": "Nobody decided who had left by then",
    "D1": "Every item has an outcome; the unanswered stand apart",
    "D2": "Decisions lie within the window; late ones are marked",
    "D3": "Reasons are there where required, and not all the same",
    "D4": "Changes of mind are kept",
    "D5": "Bulk and dwell time are recorded; signs of rubber-stamping are disclosed",
    "D6": "The system's advice, and whether it was followed",
    "D7": "Final sign-off; management acknowledges",
    "E1": "Every revoke has a plan, who carried it out, when, and the raw result",
    "E2": "Read back: the membership was absent, by a query of its own",
    "E3": "Days from decision to verified removal",
    "E4": "What was not removed: why, and who has it now",
    "E5": "What came back after it was removed",
    "E6": "Nothing that was kept was removed",
    "E7": "Was revoked access used after it should have ended",
    "F1": "Request before approval before change",
    "F2": "The approver was authorised, and is neither requester nor beneficiary",
    "F3": "What was given is what was approved",
    "F4": "Every membership added traces to a decision; the others are exceptions",
    "F5": "Access for a time ended on time",
    "F6": "Emergency access was looked at afterwards",
    "G1": "Leavers: received, effective, closed and verified per system; minutes against the limit",
    "G2": "The list of leavers is HR's list",
    "G3": "Who came back got no old access back",
    "H1": "The PDF's signature covers the whole file; chain and validity",
    "H2": "The manifest's digests match every file, and there is no other",
    "H3": "The log only grew since the checkpoint before",
    "H4": "The time-stamp verifies",
    "H5": "Numbers in the PDF are those of the data files",
    "H6": "The same data gives the same bytes",
    "H7": "Downloads are logged; a later bundle names the one it replaces, and why",
    "H8": "An altered, missing or moved row or file is detected and named",
    "H9": "A reader on paper can match PDF and data",
}

REVIEW_ONLY: Final = frozenset(
    {"A3", "B5", "B6", "B11", "C1", "C5", "D1", "D2", "D3", "D4", "D5", "D6", "D7"}
    | {"E1", "E2", "E3", "E4", "E5", "E6", "E7"}
)

PERIOD_ONLY: Final = frozenset({"B10", "F1", "F2", "F3", "F4", "F5", "F6", "G1", "G2", "G3"})

HIDDEN: Final = frozenset({"B1", "B2", "B7", "B11", "D3", "D6", "E1", "E2"})
NEEDS: Final[Mapping[str, str]] = {  # the data file without which a line has nothing to rest on
    **dict.fromkeys(("B7", "B8", "B10", "F4"), "population"),
    "B3": "excluded",
    **dict.fromkeys(("F1", "F2", "F3", "F5"), "requests"),
    **dict.fromkeys(("G1", "G2", "G3"), "leavers"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its answer.

    Attributes:
        id: Such as `B2`.
        asks: What it asks.
        state: What became of it.
        answer: The answer, or why there is none.
    """

    id: str
    asks: str
    state: State
    answer: str


def checklist(found: Evaluation, *, has_earlier: bool) -> Sequence[Line]:
    """Answer every line.

    Args:
        found: What the data files say.
        has_earlier: Whether the bundle holds a proof against an earlier checkpoint.
    """
    answers = _Checklist(found, has_earlier=has_earlier)
    return [Line(name, asks, *answers.to(name)) for name, asks in ASKS.items()]


class _Checklist(AllAnswers):
    def to(self, name: str) -> Answer:
        """Answer one line."""
        kind = self._told.kind
        if name in REVIEW_ONLY and kind != "campaign" and not self._has_reviews(name):
            return State.NOT_CONCERNED, "A bundle of a campaign answers this."
        if name in PERIOD_ONLY and kind == "campaign":
            return State.NOT_CONCERNED, "A bundle of a period answers this."
        if NEEDS.get(name) in self._told.silent:
            return State.NOT_CONCERNED, "This bundle leaves that data file empty by its scope."
        if self._told.is_redacted and name in HIDDEN:
            return State.CANNOT, "This bundle is redacted: it leaves out what would answer this."
        method: Callable[[], Answer] = getattr(self, f"_{name.lower()}")
        state, text = method()
        if state is State.ANSWERED and (nothing := nothing_for(name, self._found)):
            return State.NOTHING, nothing
        return state, text

    def _has_reviews(self, name: str) -> bool:
        return name[0] in "CDE" and self._n("decisions", "decision") > 0 and name in {"D4", "D5"}
