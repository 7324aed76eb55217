"""Redacted bundles: ids only. What is not known to be an id, a state, a count or a time goes.

The ledger's entries hold nothing personal as they are, so a redacted bundle has the same entries,
the same proof and the same root as the full one; it opens no commitment and names nobody.
"""

from collections.abc import Iterator, Mapping
from typing import Any

# A column that is not listed is left empty: one that comes later is redacted until it is known.
TOLD = frozenset(
    {"what", "item", "source", "account", "identity", "group", "member_group", "path", "end"}
    | {"provenance", "provenance_ref", "valid_from", "valid_to", "reviewer", "relationship"}
    | {"state", "decision", "decided_at", "signed_off_at", "remediation", "remediation_at"}
    | {"rule", "campaign", "move", "until", "at", "by", "batch_size", "dwell_ms", "is_viewed"}
    | {"sample", "seed", "eligible", "drawn", "drawn_at", "kept", "revoked", "abstained"}
    | {"id", "cause", "cause_ref", "plan", "action", "duration_days", "ended_at", "plan_digest"}
    | {"verdict", "policy_digest", "step", "role", "how", "approver", "verb", "attempts"}
    | {"applied_at", "verified_at", "type", "effective_at", "started_at", "completed_at", "run"}
    | {"source_id", "kind", "is_baseline", "begun_at", "counts", "digest"}
    | {"account_kind", "account_status", "last_sign_in_at", "is_privileged", "is_mirrored"}
    | {"finding", "done_at", "done_by"}
    | {"follow_up_owner", "follow_up_due_at"}
    | {"returned_at", "turn", "had_left", "after", "asked_digest", "requester", "due_from"}
)
# How a source is read names an account; there, this column is no id.
NOT_TOLD = {"sources": frozenset({"account"})}


def redacted(name: str, rows: Iterator[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return a data file's rows with everything left empty that could name somebody.

    Args:
        name: The data file.
        rows: Its rows.
    """
    told = TOLD - NOT_TOLD.get(name, frozenset())
    for row in rows:
        yield {key: value if key in told else None for key, value in row.items()}
