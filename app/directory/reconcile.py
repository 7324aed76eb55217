"""What a read changes: pure comparison of what a source shows with what is stored.

Everything is compared by digest first: of each account, of each group, and of each group's direct
members. Only where a digest differs is anything looked at more closely; so a read that shows
nothing new costs reading the digests and writes nothing.

The digest of members is taken over the source's own identifiers, sorted, so that an auditor can
compute it from the source without us.
"""

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from app.directory.domain import Provenance
from connectors.records import Account, Group, Member, MemberKind

# Changes with every sign-in: kept up to date, but no event of its own in the ledger.
QUIET = frozenset({"last_sign_in_at"})


class Known(msgspec.Struct, frozen=True, gc=False):
    """A stored account or group, as far as comparison needs it."""

    id: int
    public_id: str
    digest: bytes
    is_ended: bool
    is_newer: bool = False  # it was read back after the read in question began
    member_digest: bytes | None = None
    listed_digest: bytes | None = None  # of a group: of its members as the source lists them
    unknown: Sequence[str] = ()  # of a group: members that were neither account nor group
    is_unread: bool = False  # of a group: its members were not read to the end so far


@dataclass(frozen=True, slots=True)
class Compared:
    """External ids by what became of them; a changed one may also be back after an end."""

    appeared: tuple[str, ...]
    changed: tuple[str, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Members:
    """What is known of the direct members of one group that was read.

    Attributes:
        digest: Over the list, settled.
        accounts: How many are accounts that are known.
        groups: How many are groups that are known.
        unknown: Those that are not known (yet), each as its line in the list.
        is_each_once: Whether the source listed nobody twice.
    """

    digest: bytes
    accounts: int
    groups: int
    unknown: frozenset[str] = frozenset()
    is_each_once: bool = True


def account_columns(account: Account) -> dict[str, Any]:
    """Return what the store keeps of an account."""
    return {
        "login": account.login,
        "display_name": account.display_name,
        "mail": account.mail,
        "employee_number": account.employee_number,
        "manager_external_id": account.manager_id,
        "department": account.department,
        "title": account.title,
        "kind": account.kind.value,
        "status": account.status,
        "is_enabled": account.is_enabled,
        "address": account.address,
        "expires_at": account.expires_at,
        "last_sign_in_at": account.last_sign_in_at,
        "attributes": dict(account.attributes),
    }


def group_columns(group: Group) -> dict[str, Any]:
    """Return what the store keeps of a group."""
    return {
        "name": group.name,
        "kind": group.kind,
        "description": group.description,
        "owner_external_id": group.owner_id,
        "is_writable": group.is_writable,
        "is_administrative": group.is_administrative,
        "master_external_id": group.master_id,
        "rule": group.rule,
        "address": group.address,
        "attributes": dict(group.attributes),
    }


def compare(known: Mapping[str, Known], shown: Mapping[str, bytes]) -> Compared:
    """Compare what is stored with what a source shows.

    Args:
        known: External id to what is stored, ended ones included.
        shown: External id to digest.
    """
    appeared, changed = [], []
    was = known.get
    for each, digest in shown.items():
        found = was(each)
        if found is None:
            appeared.append(each)
        elif (found.digest != digest or found.is_ended) and not found.is_newer:
            changed.append(each)
    missing = known.keys() - shown.keys()
    ended = (
        [each for each in known if each in missing and not known[each].is_ended] if missing else ()
    )
    return Compared(tuple(appeared), tuple(changed), tuple(ended))


def member_of(line: str) -> Member:
    """Return the member that a line of a list means: its kind or `primary`, and its id."""
    word, external_id = line.split(" ", 1)
    kind = MemberKind.GROUP if word == MemberKind.GROUP.value else MemberKind.ACCOUNT
    return Member(external_id, kind, is_primary=word == "primary")


def would_be_known(lines: Iterable[str], accounts: Container[str], groups: Container[str]) -> bool:
    """Whether one of the members that nobody knew is known by now."""
    found = map(member_of, lines)
    return any(
        each.external_id in (groups if each.kind is MemberKind.GROUP else accounts)
        for each in found
    )


def read_digest(parts: Iterable[Mapping[str, bytes]]) -> str:
    """Return one digest of a whole read, in hexadecimal: of each part the names, then digests."""
    whole = hashlib.sha256()
    for part in parts:
        names = sorted(part)
        whole.update(orjson.dumps(names))
        whole.update(b"\n")
        whole.update(b"".join([part[each] for each in names]))
    return whole.hexdigest()


def provenance_of(group: Group, otherwise: Provenance) -> Provenance:
    """Say why a membership of this group exists: it follows its master or rule, or as told."""
    if group.master_id is not None:
        return Provenance.MIRRORED
    if group.rule is not None:
        return Provenance.RULE
    return otherwise


def parts_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the columns that differ."""
    return tuple(sorted(name for name, value in after.items() if before[name] != value))
