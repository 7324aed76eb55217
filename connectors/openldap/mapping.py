"""Pure: from what an LDAP directory of the usual schemas puts on the wire to records.

Schemas: RFC 2798 (inetOrgPerson), RFC 4519 (groupOfNames, groupOfUniqueNames), RFC 2307
(posixAccount, posixGroup), RFC 4530 (entryUUID), draft-behera-ldap-password-policy
(pwdAccountLockedTime).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from connectors.ldap.entries import Entry
from connectors.records import Account, AccountKind, Group, Problem

ACCOUNT_ATTRIBUTES = (
    "objectClass",
    "entryUUID",
    "uid",
    "cn",
    "displayName",
    "mail",
    "employeeNumber",
    "manager",
    "departmentNumber",
    "title",
    "gidNumber",
    "pwdAccountLockedTime",
    "pwdEndTime",
    "pwdChangedTime",
    "pwdLastSuccess",
    "authTimestamp",
    "createTimestamp",
)
GROUP_ATTRIBUTES = ("objectClass", "entryUUID", "cn", "description", "owner", "gidNumber")
# What members are kept in, by the class of the group.
MEMBERS: Mapping[str, str] = MappingProxyType(
    {
        "groupOfNames": "member",
        "groupOfUniqueNames": "uniqueMember",
        "posixGroup": "memberUid",
    }
)
PEOPLE = frozenset({b"person", b"organizationalperson", b"inetorgperson", b"posixaccount"})
LOCKED_FOR_GOOD = "000001010000Z"
_FORMS = ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d%H")


def moment(text: str | None) -> datetime | None:
    """Return a generalized time (RFC 4517, 3.3.13) in UTC, or None if there is none."""
    if text is None or not text.endswith("Z"):
        return None
    for form in _FORMS:
        try:
            return datetime.strptime(text[:-1].split(".")[0], form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def identifier(entry: Entry) -> str | Problem:
    """Return an entry's id, or why it has none that can be used."""
    try:
        return str(UUID(entry.text("entryUUID") or ""))
    except ValueError:
        detail = "entryUUID cannot be read: give the account the right to read it."
        return Problem("bad_record", detail, entry.dn)


def account(entry: Entry, now: datetime) -> Account | Problem:
    """Return an account, its manager still unknown, or what keeps it from being one.

    One that was locked by wrong passwords is enabled still, as its holder could use it again; one
    that the policy locked for good is not.

    Args:
        entry: With `ACCOUNT_ATTRIBUTES`.
        now: For accounts that have expired.
    """
    found = identifier(entry)
    if isinstance(found, Problem):
        return found
    locked = entry.text("pwdAccountLockedTime")
    ends = moment(entry.text("pwdEndTime"))
    is_expired = ends is not None and ends <= now
    status = "enabled" if locked is None else "locked"
    if locked == LOCKED_FOR_GOOD:
        status = "disabled"
    elif is_expired:
        status = "expired"
    login = entry.text("uid") or entry.text("cn") or entry.dn
    came_from, last = _last_sign_in(entry)
    further = {
        "createTimestamp": entry.text("createTimestamp"),
        "pwdChangedTime": entry.text("pwdChangedTime"),
        "pwdAccountLockedTime": locked,
        "lastSignInFrom": came_from,
    }
    return Account(
        external_id=found,
        login=login,
        display_name=entry.text("displayName") or entry.text("cn") or login,
        is_enabled=status in ("enabled", "locked"),
        status=status,
        kind=kind(entry),
        mail=entry.text("mail"),
        employee_number=entry.text("employeeNumber"),
        department=entry.text("departmentNumber"),
        title=entry.text("title"),
        address=entry.dn,
        expires_at=ends,
        last_sign_in_at=last,
        attributes={name: value for name, value in further.items() if value},
    )


def _last_sign_in(entry: Entry) -> tuple[str | None, datetime | None]:
    """Return the newest sign-in that an overlay notes, and which; most servers note none."""
    noted = [
        (when, name)
        for name in ("pwdLastSuccess", "authTimestamp")
        if (when := moment(entry.text(name))) is not None
    ]
    if not noted:
        return None, None
    when, name = max(noted)
    return name, when


def kind(entry: Entry) -> AccountKind:
    """Return what an account is for: one that is no person's class (RFC 4519) is a service."""
    classes = {each.lower() for each in entry.values.get("objectclass", ())}
    return AccountKind.SERVICE if classes.isdisjoint(PEOPLE) else AccountKind.PERSON


def group_kind(entry: Entry) -> str:
    """Return the class that says how a group keeps its members."""
    classes = {each.lower() for each in entry.values.get("objectclass", ())}
    return next(name for name in MEMBERS if name.lower().encode() in classes)


def group(entry: Entry, owner_id: str | None) -> Group | Problem:
    """Return a group, or what keeps it from being one.

    Args:
        entry: With `GROUP_ATTRIBUTES`.
        owner_id: Its owner's id, if that is known.
    """
    found = identifier(entry)
    if isinstance(found, Problem):
        return found
    return Group(
        external_id=found,
        name=entry.text("cn") or entry.dn,
        kind=group_kind(entry),
        description=entry.text("description") or "",
        owner_id=owner_id,
        address=entry.dn,
    )
