"""What was revoked and is not removed, told with who has it now."""

from typing import Any, Final

from app.audit.evaluating import Evaluation
from evidence.pdf.document import Align, Column, Section, Table

KINDS: Final = ("revoke.failed", "revoke.not_removable", "revoke.pending")
MINUTES: Final = 16  # letters of a time up to its minutes


def not_removed(found: Evaluation) -> tuple[Section, ...]:
    """Return the section of it; nothing, if all that was revoked is gone."""
    if not found.left:
        return ()
    rows = tuple(
        (
            f"{each.number:,}",
            each.row["account_login"] or each.row["account"] or "",
            each.row["group_name"] or each.row["group"] or "",
            each.row["remediation"],
            each.row.get("follow_up_owner_name") or each.row.get("follow_up_owner") or "",
            each.row.get("follow_up_ticket") or "",
            _minute(each.row.get("follow_up_due_at")),
            each.status,
        )
        for each in found.left
    )
    columns = (
        Column("Row", 1.2, Align.RIGHT),
        Column("Account", 3.2),
        Column("Group", 3.4),
        Column("Outcome", 2.4),
        Column("Owner", 2.8),
        Column("Ticket", 3),
        Column("Due (UTC)", 3.4),
        Column("Status", 2.6),
    )
    note = (
        "Owner: who answers for it now. Status: when this was built. Row: of data/population.csv."
    )
    count = found.notes.count(*KINDS)
    if count > len(rows):
        note += f" The first {len(rows):,} of {count:,}."
    table = Table("", columns, rows, note)
    return (Section("Revoked, and not removed", tables=(table,), key="not_removed"),)


def _minute(at: Any) -> str:
    return str(at or "")[:MINUTES].replace("T", " ")
