"""Pure: from what Active Directory puts on the wire to records.

Attribute meanings: Microsoft Open Specifications MS-ADA1 to MS-ADA3; `userAccountControl` flags
MS-ADTS 2.2.16; `groupType` MS-ADTS 2.2.12; well-known RIDs MS-DTYP 2.4.2.4.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from connectors.ldap.entries import Entry
from connectors.records import Account, AccountKind, Group, Problem

ACCOUNT_ATTRIBUTES = (
    "objectClass",
    "objectGUID",
    "objectSid",
    "sAMAccountName",
    "displayName",
    "cn",
    "mail",
    "employeeID",
    "employeeNumber",
    "manager",
    "department",
    "title",
    "userAccountControl",
    "accountExpires",
    "lastLogonTimestamp",
    "primaryGroupID",
    "servicePrincipalName",
    "whenCreated",
    "pwdLastSet",
)
GROUP_ATTRIBUTES = (
    "objectGUID",
    "objectSid",
    "cn",
    "description",
    "groupType",
    "managedBy",
    "primaryGroupToken",
)
DISABLED = 0x2
SECURITY = 0x80000000
NEVER = (0, 0x7FFFFFFFFFFFFFFF)
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
FIRST_RID = 1000  # below are the accounts a domain comes with
ADMINISTRATIVE_RIDS = frozenset({512, 518, 519})  # Domain, Schema, Enterprise Admins
BUILTIN_ADMINISTRATORS = "S-1-5-32-544"
NEEDED_OF_ACCOUNT = ("objectGUID", "sAMAccountName", "userAccountControl", "primaryGroupID")
NEEDED_OF_OTHERS = {
    AccountKind.CONTACT: ("objectGUID",),
    AccountKind.FOREIGN: ("objectGUID", "objectSid"),
}
# lastLogonTimestamp is written only when it is 9 to 14 days old (MS-ADA1, 2.351).
LATE = "lastLogonTimestamp, up to 14 days late"
OF_CLASS = {  # the first that fits: managed service accounts are computers, too
    b"msds-managedserviceaccount": AccountKind.SERVICE,
    b"msds-groupmanagedserviceaccount": AccountKind.SERVICE,
    b"computer": AccountKind.COMPUTER,
    b"foreignsecurityprincipal": AccountKind.FOREIGN,
    b"contact": AccountKind.CONTACT,
}
# MS-DTYP 2.4.2.4; they stand for whoever signed in in some way, not for anybody by name.
WELL_KNOWN = {
    "S-1-1-0": "Everyone",
    "S-1-5-4": "Interactive",
    "S-1-5-7": "Anonymous",
    "S-1-5-9": "Enterprise Domain Controllers",
    "S-1-5-11": "Authenticated Users",
    "S-1-5-17": "Internet Information Services",
    "S-1-5-18": "Local System",
}
NEEDED_OF_GROUP = ("objectGUID",)
_GUID = re.compile(rb"<GUID=([0-9a-fA-F-]{32,36})>")
_WRITTEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_IDS = re.compile(r"^(<[A-Z]+=[^>]*>;)+")
_RANGE = re.compile(r"^member;range=(\d+)-(\d+|\*)$")


def guid(raw: bytes) -> str:
    """Return an `objectGUID` as it is written: the first three parts are little-endian.

    Raises:
        ValueError: It has not 16 bytes.
    """
    if len(raw) != 16:  # noqa: PLR2004 - MS-DTYP 2.3.4
        raise ValueError("a GUID has 16 bytes")
    text = (raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]).hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def sid(raw: bytes) -> str:
    """Return an `objectSid` as it is written (MS-DTYP 2.4.2.2)."""
    parts = [
        int.from_bytes(raw[place : place + 4], "little") for place in range(8, 8 + 4 * raw[1], 4)
    ]
    return "-".join(["S", str(raw[0]), str(int.from_bytes(raw[2:8], "big")), *map(str, parts)])


def place(entry: Entry) -> str:
    """Return an entry's name alone: in extended form its ids stand before it."""
    return _IDS.sub("", entry.dn) if entry.dn.startswith("<") else entry.dn


def linked(values: Sequence[bytes]) -> list[str]:
    """Return the ids of linked objects, from values in extended form (`<GUID=…>;<SID=…>;DN`).

    A value in any other form is left out: fewer ids than values means that links are missing.
    """
    found = (_GUID.match(value) for value in values)
    return [_written(match.group(1)) for match in found if match is not None]


def _written(raw: bytes) -> str:
    """Return a GUID as Python writes it; Samba and Windows write it so, but for its case."""
    text = raw.decode().lower()
    return text if _WRITTEN.match(text) else str(UUID(text))


def missing(entry: Entry, needed: Sequence[str]) -> Problem | None:
    """Say what an entry lacks to be told from others and judged, or None.

    An account whose `userAccountControl` may not be read would look enabled, and one left out
    would look gone: either makes a read worthless, so that it has to be said.
    """
    values = entry.values
    absent = [name for name in needed if not values.get(name.lower())]
    if not absent:
        return None
    detail = f"{', '.join(absent)} cannot be read: give the account the right to read it."
    return Problem("bad_record", detail, place(entry))


def moment(value: int | None) -> datetime | None:
    """Return a time counted in 100 ns since 1601; None for *never*."""
    if value is None or value in NEVER:
        return None
    try:
        return EPOCH + timedelta(microseconds=value // 10)
    except OverflowError:
        return None


def ticks(when: datetime) -> int:
    """Return a time as Active Directory counts it."""
    return (when - EPOCH) // timedelta(microseconds=1) * 10


def account(entry: Entry, now: datetime) -> Account | Problem:
    """Return an account, or what keeps it from being one.

    Args:
        entry: With `ACCOUNT_ATTRIBUTES`, links in extended form.
        now: For accounts that have expired.
    """
    found = kind(entry)
    lacking = missing(entry, NEEDED_OF_OTHERS.get(found, NEEDED_OF_ACCOUNT))
    if lacking is not None:
        return lacking
    if found in NEEDED_OF_OTHERS:
        return _stand_in(entry, found)
    flags = entry.number("userAccountControl")
    if flags is None:
        return Problem("bad_record", "userAccountControl is no number.", place(entry))
    expires_at = moment(entry.number("accountExpires"))
    is_expired = expires_at is not None and expires_at <= now
    is_disabled = bool(flags & DISABLED)
    status = "disabled" if is_disabled else "expired" if is_expired else "enabled"
    login = entry.text("sAMAccountName") or ""
    last_sign_in_at = moment(entry.number("lastLogonTimestamp"))
    return Account(
        external_id=guid(entry.values["objectguid"][0]),
        login=login,
        display_name=entry.text("displayName") or entry.text("cn") or login,
        is_enabled=not is_disabled and not is_expired,
        status=status,
        kind=found,
        mail=entry.text("mail"),
        employee_number=entry.text("employeeID") or entry.text("employeeNumber"),
        manager_id=next(iter(linked(entry.values.get("manager", ()))), None),
        department=entry.text("department"),
        title=entry.text("title"),
        address=place(entry),
        expires_at=expires_at,
        last_sign_in_at=last_sign_in_at,
        attributes=_further(entry, has_signed_in=last_sign_in_at is not None),
    )


def _further(entry: Entry, *, has_signed_in: bool) -> dict[str, str]:
    """Return when it was made and its password set, and where its last sign-in is known from."""
    password_set = moment(entry.number("pwdLastSet"))
    found = {
        "whenCreated": entry.text("whenCreated"),
        "pwdLastSet": password_set.isoformat(timespec="seconds") if password_set else None,
        "lastSignInFrom": LATE if has_signed_in else None,
    }
    return {name: value for name, value in found.items() if value}


def _stand_in(entry: Entry, found: AccountKind) -> Account:
    """Return a contact, or what stands for an account or group of another domain."""
    is_foreign = found is AccountKind.FOREIGN
    written = sid(entry.values["objectsid"][0]) if is_foreign else ""
    shown = WELL_KNOWN.get(written) or entry.text("displayName") or entry.text("cn")
    return Account(
        external_id=guid(entry.values["objectguid"][0]),
        login=written or entry.text("mail") or entry.text("cn") or "",
        display_name=shown or written or place(entry),
        is_enabled=is_foreign,
        status=found.value,
        kind=found,
        mail=entry.text("mail"),
        department=entry.text("department"),
        title=entry.text("title"),
        address=place(entry),
    )


def kind(entry: Entry) -> AccountKind:
    """Return what an account is for.

    A service is what came with the domain (Administrator, krbtgt), is managed as a service account,
    or carries a service principal name and no employee number.
    """
    of_class = _of_classes(tuple(entry.values.get("objectclass", ())))
    if of_class is not None:
        return of_class
    if rid(entry) < FIRST_RID:
        return AccountKind.SERVICE
    has_number = entry.text("employeeID") or entry.text("employeeNumber")
    if entry.values.get("serviceprincipalname") and not has_number:
        return AccountKind.SERVICE
    return AccountKind.PERSON


@lru_cache(maxsize=1024)
def _of_classes(names: tuple[bytes, ...]) -> AccountKind | None:
    """Return what classes make an account, or None for a user; few sets of classes occur."""
    classes = {each.lower() for each in names}
    return next((found for name, found in OF_CLASS.items() if name in classes), None)


def rid(entry: Entry) -> int:
    """Return the last part of an entry's SID."""
    found = entry.values.get("objectsid")
    if not found:
        return FIRST_RID
    raw = found[0]
    if raw[1] and len(raw) == 8 + 4 * raw[1]:
        return int.from_bytes(raw[-4:], "little")
    return int(sid(raw).rsplit("-", 1)[1])


def group(entry: Entry) -> Group | Problem:
    """Return a group, or what keeps it from being one.

    Args:
        entry: With `GROUP_ATTRIBUTES`, links in extended form.
    """
    lacking = missing(entry, NEEDED_OF_GROUP)
    if lacking is not None:
        return lacking
    raw = entry.values.get("objectsid")
    written = sid(raw[0]) if raw else ""
    is_builtin = written.startswith("S-1-5-32-")
    is_administrative = written == BUILTIN_ADMINISTRATORS or (
        not is_builtin and rid(entry) in ADMINISTRATIVE_RIDS
    )
    flags = (entry.number("groupType") or 0) & 0xFFFFFFFF
    return Group(
        external_id=guid(entry.values["objectguid"][0]),
        name=entry.text("cn") or "",
        kind="security" if flags & SECURITY else "distribution",
        description=entry.text("description") or "",
        owner_id=next(iter(linked(entry.values.get("managedby", ()))), None),
        is_administrative=is_administrative,
        address=place(entry),
    )


def member_range(values: Mapping[str, Sequence[bytes]]) -> tuple[Sequence[bytes], int | None]:
    """Return the member values of an answer, and from where the rest has to be asked for.

    Windows cuts at 1,500 unasked and answers as `member;range=0-1499`; the last part ends in `*`.

    Returns:
        The values, and the next index, or None if this was the last part.
    """
    for name, found in values.items():
        match = _RANGE.match(name)
        if match is not None:
            last = match.group(2)
            return found, None if last == "*" else int(last) + 1
    return values.get("member", ()), None


def primary_members(
    accounts: Iterable[tuple[str, int]], tokens: Mapping[int, str]
) -> dict[str, list[str]]:
    """Return group id to the accounts whose primary group it is.

    Args:
        accounts: Account id and `primaryGroupID`.
        tokens: `primaryGroupToken` to group id.
    """
    found: dict[str, list[str]] = {}
    for account_id, token in accounts:
        if token in tokens:
            found.setdefault(tokens[token], []).append(account_id)
    return found
