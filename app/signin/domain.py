"""Pure rules of sign-in: how a token looks, how it is kept, when it, a role or a session holds."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.kernel.actor import Role
from app.kernel.limits import Limits

PREFIX = "attestry_"
AUDITOR_DAYS = 90
LONGEST_SUBJECT = 255  # OpenID Connect Core 2
MAX_DAYS = 3650
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)
LINK_HOLDS = timedelta(days=1)
REUSABLE_HOLDS = timedelta(days=3650)
CLAIMED_HOLDS = timedelta(days=30)
CLAIMED_AGAIN = timedelta(days=1)
SKEW = timedelta(minutes=2)
FLOW_HOLDS = timedelta(minutes=15)
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


def auditors_limits(held: Iterable[Mapping[str, Any] | None]) -> Limits | None:
    """Return to what somebody is limited as an auditor, by each grant of the role they hold.

    There is one at a time; were there several, one without limits would reach everything, and
    else the newest, given last, counts.
    """
    found = [Limits.of(each) for each in held]
    return None if not found or None in found else found[-1]


def session_end(last_seen_at: datetime, ends_at: datetime) -> datetime:
    """Return when a session ends by itself: half an hour after the last click, or at its end."""
    return min(last_seen_at + IDLE, ends_at)


def agent_summary(agent: str) -> str:
    """Name browser and system of a `User-Agent`, and nothing else of it; empty if not known."""
    browser = next((said for part, said in BROWSERS if re.search(rf"{part}\w*/", agent)), "")
    system = next((said for part, said in SYSTEMS if part in agent), "")
    return f"{browser}, {system}" if browser and system else browser or system


class Trouble(StrEnum):
    """Why somebody who came from the provider is not let in."""

    DOWN = "down"
    NONSENSE = "nonsense"
    NOT_OURS = "not_ours"
    DENIED = "denied"
    PROVIDER_REFUSED = "provider_refused"
    NOT_GENUINE = "not_genuine"
    CLOCK = "clock"
    STALE = "stale"
    MAIL_NOT_VERIFIED = "mail_not_verified"
    UNKNOWN_PERSON = "unknown_person"
    SEVERAL_PEOPLE = "several_people"
    TIED_TO_ANOTHER = "tied_to_another"
    NOT_ACTIVE = "not_active"


class RefusedError(Exception):
    """Whoever came from the provider is not let in.

    Attributes:
        trouble: Why, for the page.
        detail: Why, for the log; holds no secret.
        subject: Which account there they came with, if an administrator could tie it to them.
    """

    def __init__(self, trouble: Trouble, detail: str = "", *, subject: str = "") -> None:
        """Keep why."""
        super().__init__(f"{trouble}: {detail}")
        self.trouble = trouble
        self.detail = detail
        self.subject = subject


def claimed_roles(
    claims: Mapping[str, Any], name: str | None, role_map: Mapping[str, Role]
) -> frozenset[Role]:
    """Return the roles that somebody's claims give.

    Args:
        claims: What the provider says of them.
        name: The claim; with dots, if there is none of this very name, a path into it
            (`realm_access.roles`).
        role_map: Value to role.
    """
    if name is None:
        return frozenset()
    found = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(
        role_map[each] for each in values if isinstance(each, str) and each in role_map
    )
