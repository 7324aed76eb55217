"""What was revoked and is not removed, and who has it now."""

from collections.abc import Iterator, Sequence

from support.recount.exceptions import where
from support.recount.files import Files, Row, n

MOST = 200  # rows that a report lists


def _left(files: Files) -> list[tuple[int, Row]]:
    rows = enumerate(files.rows("population"), 1)
    return [
        (number, row)
        for number, row in rows
        if row.get("decision") == "revoke" and row["remediation"] != "confirmed"
    ]


def _has_owner(files: Files, row: Row) -> bool:
    ticket = files.is_redacted or row["follow_up_ticket"]
    return bool(row["follow_up_owner"] and row["follow_up_due_at"] and ticket)


def _is_late(files: Files, row: Row) -> bool:
    return bool((row["follow_up_due_at"] or "9") <= files.manifest["created_at"])


def followed_up(files: Files) -> Sequence[str]:
    """What line E4 says of who has what was not removed."""
    left = _left(files)
    named = [number for number, row in left if _has_owner(files, row)]
    lacking = [number for number, row in left if not _has_owner(files, row)]
    late = [number for number, row in left if _is_late(files, row)]
    said = [f"are named for {n(len(named))} ("]
    if late:
        said.append(f"{n(len(late))} of them overdue when")
        said.append(f"({where([('population', late)])})")
    if lacking:
        said.append(f"for {n(len(lacking))} nobody said who has it")
        said.append(f"({where([('population', lacking)])})")
    return said


def not_removed(files: Files) -> Iterator[str]:
    """The rows of the report's list."""
    for number, row in _left(files)[:MOST]:
        late = "overdue" if _is_late(files, row) else "open"
        yield " | ".join(
            (
                n(number),
                row["account_login"] or row["account"],
                row["group_name"] or row["group"],
                row["remediation"],
                row["follow_up_owner_name"] or row["follow_up_owner"] or "",
                row["follow_up_ticket"] or "",
                (row["follow_up_due_at"] or "")[:16].replace("T", " "),
                late if _has_owner(files, row) else "nobody has it",
            )
        )
