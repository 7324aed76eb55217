"""What there was to look at: nothing found among no records is no clean result.

A line of the checklist whose records are none says so instead of reading as an answer, and a bundle
that holds nothing of what it is about says so on its first page, with the reason its data give.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from app.audit.evaluating import Evaluation
from app.audit.evaluating.told import SPOKEN

READS: Final = frozenset({"sources", "excluded", "drift"})  # no record of these can be missing


class Nothing(StrEnum):
    """Why a bundle holds nothing to look at."""

    NO_READ = "no-source-was-read"
    NONE_COMPLETE = "no-read-was-complete"
    LEFT_OUT = "all-left-out"
    NOT_IN_SCOPE = "nothing-in-scope"


def _held(found: Evaluation) -> int:
    return sum(found.in_scope.values())


def _items(found: Evaluation) -> int:
    return found.of("population", "item")


def _decisions(found: Evaluation) -> int:
    return found.of("decisions", "decision")


def _answers(found: Evaluation) -> int:
    return found.numbers["answers"]


def _either(found: Evaluation) -> int:
    return _decisions(found) + _answers(found)


def _revokes(found: Evaluation) -> int:
    return _decided(found, "revoke.")


def _decided(found: Evaluation, prefix: str) -> int:
    return sum(count for name, count in found.outcomes.items() if name.startswith(prefix))


Counted = tuple[str, Callable[[Evaluation], int]]
ITEMS: Final[Counted] = ("items were put to anybody", _items)
DECISIONS: Final[Counted] = ("decisions were made", _decisions)
ANSWERS: Final[Counted] = ("requests were answered", _answers)
REVOKES: Final[Counted] = ("items were revoked", _revokes)
RESTS_ON: Final[Mapping[str, Counted]] = {  # line, what it judges, how much of it there is
    "B3": (
        "records were in scope or left out",
        lambda found: _held(found) + found.of("excluded", "rows"),
    ),
    "B4": ("sources were read", lambda found: found.of("sources", "run")),
    "B6": ITEMS,
    "B7": (
        "memberships were held",
        lambda found: _held(found) + found.of("population", "nesting"),
    ),
    "B8": ("memberships were held", _held),
    "B9": (
        "memberships were held, and no leavers told of",
        lambda found: _held(found) + found.of("leavers", "rows"),
    ),
    "B11": ITEMS,
    "C1": ITEMS,
    "C2": ("decisions were made, and no requests answered", _either),
    "C3": ("decisions were made, and no requests answered", _either),
    "C5": DECISIONS,
    "D1": ITEMS,
    "D2": DECISIONS,
    "D3": DECISIONS,
    "D4": DECISIONS,
    "D5": DECISIONS,
    "D6": ("items with advice were decided", lambda found: found.numbers["advised"]),
    "D7": ITEMS,
    "E1": REVOKES,
    "E2": REVOKES,
    "E3": ("removals were confirmed", lambda found: found.days.count),
    "E4": REVOKES,
    "E5": REVOKES,
    "E6": ("items were kept", lambda found: _decided(found, "keep.")),
    "F1": (
        "requests were under way, and no operations",
        lambda found: found.of("requests", "request") + found.numbers["requests.tasks"],
    ),
    "F2": ANSWERS,
    "F3": ANSWERS,
    "F4": ("memberships appeared", lambda found: sum(found.appeared.values())),
    "F5": ("grants for a time were in force", lambda found: found.numbers["limited"]),
    "G1": ("leavers' accounts were due to be closed", lambda found: found.numbers["closings"]),
    "G3": ("people came back", lambda found: found.numbers["hr.rehire"]),
}


def nothing_for(name: str, found: Evaluation) -> str:
    """Say that there was nothing to judge a line by; empty if there was.

    Args:
        name: The line.
        found: What the data files say.
    """
    what, count = RESTS_ON.get(name, ("", None))
    if count is None or count(found):
        return ""
    return f"No {what}: there is nothing to judge this by."


def nothing_in(found: Evaluation) -> Nothing | None:
    """Say why a bundle holds nothing of what it is about; None if it holds something."""
    about = _about(found)
    if about <= READS or any(_count(name, found) for name in about):
        return None
    if "population" not in about or found.told.kind == "sample":
        return Nothing.NOT_IN_SCOPE
    reads = found.sources.values()
    if not reads:
        return Nothing.NO_READ
    if all(each.last is None for each in reads):
        return Nothing.NONE_COMPLETE
    if found.told.kind == "campaign" and found.of("excluded", "rows"):
        return Nothing.LEFT_OUT
    return Nothing.NOT_IN_SCOPE


def _about(found: Evaluation) -> frozenset[str]:
    """The data files whose records a bundle is about."""
    if found.told.kind == "campaign":
        return frozenset({"population"})
    spoken = SPOKEN - found.told.silent
    return (spoken - {"excluded"}) if spoken - READS else READS


def _count(name: str, found: Evaluation) -> int:
    return _held(found) if name == "population" else found.of(name, "rows")


def say_nothing(why: Nothing, found: Evaluation) -> str:
    """Say in a sentence why there was nothing to look at.

    Args:
        why: The reason.
        found: What the data files say.
    """
    match why:
        case Nothing.NO_READ:
            return "No read of a source belongs to it, so nobody's access is known."
        case Nothing.NONE_COMPLETE:
            runs = found.of("sources", "run")
            return f"Of {runs:,} reads none was complete, and an incomplete one feeds nothing."
        case Nothing.LEFT_OUT:
            count = found.of("excluded", "rows")
            return f"All of it was left out by rule: {count:,} records, in data/excluded."
        case Nothing.NOT_IN_SCOPE:
            return _not_in_scope(found)


def _not_in_scope(found: Evaluation) -> str:
    scope, kind = found.told.scope, found.told.kind
    if kind == "campaign":
        return "The reads of its snapshot hold nothing that its template puts to anybody."
    if kind == "sample":
        return "No record of what was drawn belongs to it."
    if scope.get("about") == "leavers":
        return "HR told of nobody, and nothing was under way for a leaver."
    if "files" in scope:
        return (
            f"No record of the files that speak to it ({', '.join(scope['files'])}) belongs to it."
        )
    return "The reads show no membership, and nothing was asked for, decided, or told by HR."
