"""Pure: from Okta's JSON to records.

Only the few fields that are needed are looked at, each record by itself: a strange one is set aside
with its reason and never costs the page it came with. Statuses: Okta, *User status values*.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from connectors.records import (
    QUARANTINED,
    QUARANTINED_GROUP,
    Account,
    AccountKind,
    Group,
    Problem,
)

CANNOT_SIGN_IN = frozenset({"STAGED", "SUSPENDED", "DEPROVISIONED"})
WRITABLE = "OKTA_GROUP"
MIRROR = "APP_GROUP"
BUILT_IN = "BUILT_IN"
GUID_BYTES = 16
USER_STAMPS, GROUP_STAMPS = ("lastUpdated",), ("lastUpdated", "lastMembershipUpdated")
WRITTEN_GUID = re.compile(r"\{?[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}\}?")


def account(found: Any) -> Account | Problem:
    """Return an account, or why the record cannot be used. Its manager is resolved afterwards."""
    try:
        profile = found["profile"]
        key, status = _needed(found, "id"), _needed(found, "status")
        login = _needed(profile, "login")
        names = [str(profile[key]) for key in ("firstName", "lastName") if profile.get(key)]
        return Account(
            external_id=key,
            login=login,
            display_name=_text(profile.get("displayName")) or " ".join(names) or login,
            is_enabled=status not in CANNOT_SIGN_IN,
            status=status,
            kind=_kind(profile),
            mail=_text(profile.get("email")),
            employee_number=_text(profile.get("employeeNumber")),
            manager_id=_text(profile.get("managerId")),
            department=_text(profile.get("department")),
            title=_text(profile.get("title")),
            address=f"/api/v1/users/{key}",
            last_sign_in_at=_moment(found.get("lastLogin")),
        )
    except (KeyError, TypeError, ValueError) as error:
        return _set_aside(QUARANTINED, "user", found, error)


def names_of(accounts: Iterable[Account]) -> dict[str, str]:
    """Return everything that accounts go by in a `managerId`, each with whose it is."""
    kept = list(accounts)
    known: dict[str, str] = {}
    for name in ("login", "mail", "employee_number", "external_id"):
        for each in kept:
            value = getattr(each, name)
            if value:
                known[value] = each.external_id
    return known


def resolve_managers(accounts: Iterable[Account], known: Mapping[str, str]) -> list[Account]:
    """Return the accounts with their managers by id.

    `managerId` holds whatever an organisation puts there: an employee number, a login or an id.

    Args:
        accounts: As told.
        known: Whom each of these names belongs to (`names_of`).
    """
    return [
        replace(each, manager_id=known.get(each.manager_id)) if each.manager_id else each
        for each in accounts
    ]


def group(found: Any, rules: Mapping[str, str]) -> Group | Problem:
    """Return a group, or why the record cannot be used.

    Args:
        found: Its JSON.
        rules: Group id to the name of the rule that fills it.
    """
    try:
        profile = found["profile"]
        key, kind = _needed(found, "id"), _needed(found, "type")
        return Group(
            external_id=key,
            name=_needed(profile, "name"),
            kind=kind,
            description=_text(profile.get("description")) or "",
            is_writable=kind == WRITABLE,
            master_id=master_id(profile.get("externalId")) if kind == MIRROR else None,
            rule="every user of the organisation" if kind == BUILT_IN else rules.get(key),
            address=f"/api/v1/groups/{key}",
        )
    except (KeyError, TypeError, ValueError) as error:
        return _set_aside(QUARANTINED_GROUP, "group", found, error)


def master_id(external: Any) -> str | None:
    """Return the objectGUID of a group mastered in Active Directory, as that connector writes it.

    Okta shows the 16 bytes as the directory stores them, in base64; agents that write the usual
    digits instead are understood too.
    """
    if not isinstance(external, str):
        return None
    if WRITTEN_GUID.fullmatch(external):
        return str(UUID(external))
    try:
        raw = base64.b64decode(external, validate=True)
    except (binascii.Error, ValueError):
        return external
    return str(UUID(bytes_le=raw)) if len(raw) == GUID_BYTES else external


def rules(found: Iterable[Any]) -> dict[str, str]:
    """Return group id to the name of the active rule that fills it."""
    filled: dict[str, str] = {}
    for rule in found:
        if not isinstance(rule, dict) or rule.get("status") != "ACTIVE":
            continue
        assigned = (rule.get("actions") or {}).get("assignUserToGroups") or {}
        for key in assigned.get("groupIds") or ():
            filled[str(key)] = str(rule.get("name") or rule.get("id"))
    return filled


def stamps(found: Iterable[Any], *names: str) -> dict[str, tuple[str, ...]]:
    """Return, by id, the times that tell when records changed; what has none has empty ones."""
    return {
        str(each["id"]): tuple(str(each.get(name) or "") for name in names)
        for each in found
        if isinstance(each, dict) and each.get("id")
    }


def recent(found: Iterable[Any], since: str, *names: str) -> dict[str, tuple[str, ...]]:
    """Return the times of those records that changed after a moment."""
    return {key: times for key, times in stamps(found, *names).items() if max(times) > since}


def _set_aside(code: str, what: str, found: Any, error: Exception) -> Problem:
    """Tell of a record that cannot be used: what it lacks, and whose it is if it says so."""
    key = found.get("id") if isinstance(found, dict) else None
    about = key if isinstance(key, str) else ""
    lacks = str(error).strip("'") if isinstance(error, KeyError | ValueError) else "what it should"
    return Problem(code, f"A {what} cannot be used: its record does not show {lacks}.", about)


def _kind(profile: Mapping[str, Any]) -> AccountKind:
    """A service says so itself: `userType` is the attribute organisations mark it with."""
    is_service = str(profile.get("userType") or "").strip().lower() in {"service", "robot", "bot"}
    return AccountKind.SERVICE if is_service else AccountKind.PERSON


def _needed(found: Mapping[str, Any], name: str) -> str:
    """Return a text nothing can be said without."""
    value = found[name]
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _moment(value: Any) -> datetime | None:
    """Return a moment, or None where none can be read: that costs nobody the record."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
