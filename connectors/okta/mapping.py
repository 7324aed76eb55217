"""Pure: from Okta's JSON to records.

Only the few fields that are needed are looked at, each record by itself: a strange one is set aside
with its reason and never costs the page it came with. Statuses: Okta, *User status values*.
"""

import base64
import binascii
import re
from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
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
SERVICES = frozenset({"service", "robot", "bot"})
GUID_BYTES = 16
Needed = Annotated[str, msgspec.Meta(min_length=1)]
OPTIONAL = (
    "firstName",
    "lastName",
    "displayName",
    "email",
    "employeeNumber",
    "managerId",
    "department",
    "title",
    "userType",
)
USER_STAMPS, GROUP_STAMPS = ("lastUpdated",), ("lastUpdated", "lastMembershipUpdated")
WRITTEN_GUID = re.compile(r"\{?[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}\}?")


class Profile(msgspec.Struct, gc=False, rename="camel"):
    """What is looked at of a user's profile; every other attribute is passed over."""

    login: Needed
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    email: str | None = None
    employee_number: str | None = None
    manager_id: str | None = None
    department: str | None = None
    title: str | None = None
    user_type: str | None = None


class User(msgspec.Struct, gc=False, rename="camel"):
    """What is looked at of a user, every value of the type that Okta documents."""

    id: Needed
    status: Needed
    profile: Profile
    last_login: str | None = None
    last_updated: str | None = None


def account(found: Any) -> Account | Problem:
    """Return an account, or why the record cannot be used. Its manager is resolved afterwards.

    Args:
        found: Its JSON, whose values may be of any type.
    """
    try:
        profile = found["profile"]
        user = User(
            id=_needed(found, "id"),
            status=_needed(found, "status"),
            profile=Profile(
                _needed(profile, "login"), *(_text(profile.get(name)) for name in OPTIONAL)
            ),
            last_login=_text(found.get("lastLogin")),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return _set_aside(QUARANTINED, "user", found, error)
    return account_of(user)


def account_of(user: User) -> Account:
    """Return the account of a user; its manager is resolved afterwards."""
    profile = user.profile
    first, last = profile.first_name, profile.last_name
    full = f"{first} {last}" if first and last else first or last
    return Account(
        external_id=user.id,
        login=profile.login,
        display_name=profile.display_name or full or profile.login,
        is_enabled=user.status not in CANNOT_SIGN_IN,
        status=user.status,
        kind=_kind(profile.user_type),
        mail=profile.email or None,
        employee_number=profile.employee_number or None,
        manager_id=profile.manager_id or None,
        department=profile.department or None,
        title=profile.title or None,
        address=f"/api/v1/users/{user.id}",
        last_sign_in_at=_moment(user.last_login) if user.last_login else None,
    )


def names_of(accounts: Iterable[Account], among: Container[str] | None = None) -> dict[str, str]:
    """Return everything that accounts go by in a `managerId`, each with whose it is.

    Args:
        accounts: Who there is.
        among: The names that are asked for, or None for all.
    """
    kept = list(accounts)
    known: dict[str, str] = {}
    for name in ("login", "mail", "employee_number", "external_id"):
        for each in kept:
            value = getattr(each, name)
            if value and (among is None or value in among):
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


def _kind(user_type: str | None) -> AccountKind:
    """A service says so itself: `userType` is the attribute organisations mark it with."""
    is_service = user_type is not None and user_type.strip().lower() in SERVICES
    return AccountKind.SERVICE if is_service else AccountKind.PERSON


def _needed(found: Mapping[str, Any], name: str) -> str:
    """Return a text nothing can be said without."""
    value = found[name]
    if not isinstance(value, str) or not value:
        raise ValueError(name)
    return value


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None


def _moment(value: str) -> datetime | None:
    """Return a moment, or None where none can be read: that costs nobody the record."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
