"""Pure rules of sign-in: how a token looks, how it is kept, and when it or a role holds."""

import hashlib
from datetime import datetime, timedelta

from app.kernel.actor import Role

PREFIX = "attestry_"
AUDITOR_DAYS = 90
MAX_DAYS = 3650


def clear_token(secret: str) -> str:
    """Write a token so that people, and scanners of leaked secrets, know it for one."""
    return PREFIX + secret


def token_digest(token: str) -> bytes:
    """Return what is kept of a token.

    A token holds 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.
    """
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def holds(now: datetime, *, until: datetime | None, ended_at: datetime | None) -> bool:
    """Say whether something that may end, and may have been ended, holds at a moment."""
    return (ended_at is None or now < ended_at) and (until is None or now < until)


def ends_by_itself(role: Role | None, now: datetime, until: datetime | None) -> datetime | None:
    """Return when a role ends: an auditor's always does, after 90 days unless said otherwise."""
    if until is None and role is Role.AUDITOR:
        return now + timedelta(days=AUDITOR_DAYS)
    return until
