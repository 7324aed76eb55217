"""Which columns of which data file a report lists; row n of a register is record n of its file."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from evidence.pdf.document import Column, Register

Rows = Callable[[str], Iterator[Mapping[str, Any]]]
SECONDS: Final = 19  # letters of a time up to its seconds

TITLES: Final = {
    "population": "Who has what",
    "excluded": "Left out, with the rule and the reason",
    "decisions": "Decisions and changes of mind",
    "requests": "Requests, approvals, plans and removals",
    "leavers": "Leavers, and what was done in each system",
    "drift": "Changes nobody decided here",
    "sources": "Reads of the sources",
}
COLUMNS: Final[Mapping[str, tuple[tuple[str, str, float], ...]]] = {
    "population": (
        ("Source", "source", 2.2),
        ("Account", "account_login", 4.4),
        ("Person", "identity_name", 4),
        ("Group", "group_name", 4.6),
        ("Why", "provenance", 3.2),
        ("Reviewer", "reviewer_name", 3.6),
        ("Decision", "decision", 2),
        ("Outcome", "remediation", 2.4),
        ("Until", "valid_to", 3.8),
    ),
    "excluded": (
        ("Account", "account_login", 4),
        ("Group", "group_name", 4),
        ("Rule", "rule", 2.4),
        ("Reason", "reason", 8),
    ),
    "decisions": (
        ("When (UTC)", "at", 4),
        ("By", "by_name", 3.6),
        ("What", "what", 2),
        ("Account", "account_login", 4.4),
        ("Group", "group_name", 4.4),
        ("Decision", "move", 2),
        ("Reason", "reason", 6),
        ("At once", "batch_size", 1.7),
        ("Looked ms", "dwell_ms", 2),
    ),
    "requests": (
        ("When (UTC)", "at", 4),
        ("What", "what", 2),
        ("State", "state", 2.2),
        ("Account", "account_login", 4.2),
        ("Group", "group_name", 4.2),
        ("Operation", "verb", 3),
        ("By", "by_name", 3.4),
        ("Cause", "cause_ref", 3.4),
        ("Read back (UTC)", "verified_at", 4),
    ),
    "leavers": (
        ("When (UTC)", "at", 4),
        ("What", "what", 1.6),
        ("Type", "type", 1.8),
        ("State", "state", 2),
        ("Person", "identity_name", 3.6),
        ("System", "source", 2.2),
        ("Account", "account_login", 4),
        ("Operation", "verb", 3.2),
        ("Effective (UTC)", "due_from", 4),
        ("Verified (UTC)", "verified_at", 4),
    ),
    "drift": (
        ("Seen (UTC)", "at", 4),
        ("What", "what", 2),
        ("Source", "source", 2),
        ("Account", "account_login", 4),
        ("Group", "group_name", 4),
        ("Done by, if told", "done_by_name", 3.6),
        ("Done (UTC)", "done_at", 4),
    ),
    "sources": (
        ("Begun (UTC)", "begun_at", 4),
        ("Ended (UTC)", "ended_at", 4),
        ("Source", "source", 2.2),
        ("State", "state", 2),
        ("Server", "endpoint", 6),
        ("Bound as", "account", 4),
        ("Digest", "digest", 4),
    ),
}
STANDING: Final = (  # who has what, where nobody was asked about it
    ("What", "what", 2.2),
    ("Source", "source", 2),
    ("Account", "account_login", 4.4),
    ("Person", "identity_name", 3.8),
    ("Group", "group_name", 4.2),
    ("Inner group", "member_group_name", 3.6),
    ("Why", "provenance", 3),
    ("From (UTC)", "valid_from", 3.6),
    ("To (UTC)", "valid_to", 3.6),
)
TIMES: Final = frozenset(
    {"at", "valid_from", "valid_to", "verified_at", "due_from", "begun_at", "ended_at"}
)


def register(name: str, kind: str, total: int, rows: Rows, empty: str) -> Register:
    """Make the register of a data file.

    Args:
        name: The file.
        kind: Of the bundle.
        total: How many records it has.
        rows: Gives them.
        empty: What to say if there are none.
    """
    suffix = "jsonl" if name == "sources" else "csv"
    chosen = STANDING if name == "population" and kind != "campaign" else COLUMNS[name]
    keys = [(key, key in TIMES) for _title, key, _width in chosen]
    return Register(
        title="",
        columns=tuple(Column(title, width) for title, _key, width in chosen),
        rows=(
            [_shown(row.get(key), is_time=is_time) for key, is_time in keys] for row in rows(name)
        ),
        total=total,
        source=f"data/{name}.{suffix}",
        empty=empty,
    )


def _shown(value: Any, *, is_time: bool) -> str:
    if value is None:
        return ""
    if is_time:
        return str(value)[:SECONDS].replace("T", " ")
    return str(value)
