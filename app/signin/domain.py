"""Pure rules of sign-in: how a token looks, how it is kept, when it, a role or a session holds."""

import hashlib
import re
from datetime import datetime, timedelta

from app.kernel.actor import Role

PREFIX = "attestry_"
AUDITOR_DAYS = 90
MAX_DAYS = 3650
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
LINK_HOLDS = timedelta(days=1)
REUSABLE_HOLDS = timedelta(days=3650)
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


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


def session_end(last_seen_at: datetime, ends_at: datetime) -> datetime:
    """Return when a session ends by itself: half an hour after the last click, or at its end."""
    return min(last_seen_at + IDLE, ends_at)


def agent_summary(agent: str) -> str:
    """Name browser and system of a `User-Agent`, and nothing else of it; empty if not known."""
    browser = next((said for part, said in BROWSERS if re.search(rf"{part}\w*/", agent)), "")
    system = next((said for part, said in SYSTEMS if part in agent), "")
    return f"{browser}, {system}" if browser and system else browser or system
