"""When things are due: plain arithmetic on aware times; a day is 24 hours, whatever the clocks do.

So a time-out is the same for everybody and can be computed again from the evidence. Answers are in
UTC. Who calls says what time it is; nothing here knows.
"""

from datetime import UTC, datetime, timedelta

from policies import codec
from policies.clauses import PolicySet


def step_due_at(policy: PolicySet, opened_at: datetime) -> datetime:
    """Return when a step that was opened must be answered.

    Args:
        policy: The policy, for its time-out.
        opened_at: When the step opened, aware.

    Raises:
        InvalidFactsError: The time is naive.
    """
    return _after(opened_at, timedelta(hours=policy.approval.step_timeout_hours))


def request_expires_at(policy: PolicySet, submitted_at: datetime) -> datetime:
    """Return when a request that is still open comes to nothing.

    Args:
        policy: The policy, for its limit.
        submitted_at: When it was submitted, aware.

    Raises:
        InvalidFactsError: The time is naive.
    """
    return _after(submitted_at, timedelta(days=policy.approval.expires_after_days))


def access_ends_at(approved_at: datetime, duration_days: int | None) -> datetime | None:
    """Return when granted access ends: counted from the last approval, not from the request.

    Args:
        approved_at: When the last approval was given, aware.
        duration_days: As `verdict.Verdict.duration_days` says; None for no end.

    Raises:
        InvalidFactsError: The time is naive.
    """
    return None if duration_days is None else _after(approved_at, timedelta(days=duration_days))


def review_due_at(policy: PolicySet, launched_at: datetime) -> datetime:
    """Return when a campaign must be answered.

    Args:
        policy: The policy, for its review settings.
        launched_at: When it was launched, aware.

    Raises:
        InvalidFactsError: The time is naive.
    """
    return _after(launched_at, timedelta(days=policy.review.due_days))


def revoke_runs_at(policy: PolicySet, decided_at: datetime) -> datetime:
    """Return when a revoke is carried out; until then it can be undone.

    Args:
        policy: The policy, for its grace hours (0: at once).
        decided_at: When it was decided, aware.

    Raises:
        InvalidFactsError: The time is naive.
    """
    return _after(decided_at, timedelta(hours=policy.review.grace_hours))


def is_due(due_at: datetime, now: datetime) -> bool:
    """Return whether a due time has come; the very moment counts as due.

    Args:
        due_at: When it is due, aware.
        now: The time, aware.

    Raises:
        InvalidFactsError: One of the times is naive.
    """
    codec.require_aware(due_at, "due_at")
    codec.require_aware(now, "now")
    return now >= due_at


def _after(start: datetime, length: timedelta) -> datetime:
    codec.require_aware(start, "start")
    # In UTC: adding to a local time would count wall-clock days, of 23 or 25 hours twice a year.
    return start.astimezone(UTC) + length
