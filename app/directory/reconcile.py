"""What a read changes: pure comparison of what a source shows with what is stored.

Everything is compared by digest first: of each account, of each group, and of each group's direct
members. Only where a digest differs is anything looked at more closely; so a read that shows
nothing new costs reading the digests and writes nothing.

The digest of members is taken over the source's own identifiers, sorted, so that an auditor can
compute it from the source without us.
"""

import hashlib
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.directory.domain import Provenance
from connectors.records import Account, Group, Member, MemberKind, MemberList, Problem

DIGEST_BYTES = 16
# Changes with every sign-in: kept up to date, but no event of its own in the ledger.
QUIET = frozenset({"last_sign_in_at"})


@dataclass(frozen=True, slots=True)
class Known:
    """A stored account or group, as far as comparison needs it."""

    id: int
    public_id: str
    digest: bytes
    is_ended: bool
    is_newer: bool = False  # it was read back after the read in question began
    member_digest: bytes | None = None
    unknown: Sequence[str] = ()  # of a group: members that were neither account nor group


@dataclass(frozen=True, slots=True)
class Compared:
    """External ids by what became of them; a changed one may also be back after an end."""

    appeared: tuple[str, ...]
    changed: tuple[str, ...]
    ended: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Members:
    """The direct members of one group that are themselves known, split by kind.

    Attributes:
        accounts: Those that are accounts, with whether it is their primary group.
        groups: Those that are groups.
        digest: Over both.
        unknown: Those that are not known (yet), each as its line in a digest would be.
    """

    accounts: Mapping[str, bool]
    groups: frozenset[str]
    digest: bytes
    unknown: frozenset[str] = frozenset()


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


def digest_of(columns: Mapping[str, Any]) -> bytes:
    """Return 128 bits over the columns, whatever their order."""
    return _hash(orjson.dumps(columns, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z))


def compare(known: Mapping[str, Known], shown: Mapping[str, bytes]) -> Compared:
    """Compare what is stored with what a source shows.

    Args:
        known: External id to what is stored, ended ones included.
        shown: External id to digest.
    """
    changed = tuple(
        each
        for each, digest in shown.items()
        if (found := known.get(each)) is not None
        and not found.is_newer
        and (found.is_ended or found.digest != digest)
    )
    return Compared(
        appeared=tuple(each for each in shown if each not in known),
        changed=changed,
        ended=tuple(each for each, was in known.items() if not was.is_ended and each not in shown),
    )


def members_of(
    lists: Iterable[MemberList], accounts: Container[str], groups: Collection[str]
) -> tuple[dict[str, Members], tuple[Problem, ...]]:
    """Sort the members of every group that was read; those nobody knows are told, not dropped.

    Args:
        lists: As read; several lists of one group are one.
        accounts: External ids that are known.
        groups: External ids that are known.
    """
    together: dict[str, list[Member]] = {each: [] for each in groups}
    problems = []
    for found in lists:
        if found.group_id in together:
            together[found.group_id].extend(found.members)
        else:
            text = "Members of a group were listed that is not among the groups."
            problems.append(Problem("unknown_group", text, found.group_id))
    sorted_out = {}
    for group_id, members in together.items():
        sorted_out[group_id] = _members(members, accounts, groups)
        unknown = len(sorted_out[group_id].unknown)
        if unknown:
            text = f"{unknown} members are neither accounts nor groups that were read."
            problems.append(Problem("unknown_member", text, group_id))
    return sorted_out, tuple(problems)


def _members(
    members: Sequence[Member], accounts: Container[str], groups: Container[str]
) -> Members:
    people: dict[str, bool] = {}
    nested: set[str] = set()
    unknown: set[str] = set()
    for each in members:
        if each.kind is MemberKind.ACCOUNT and each.external_id in accounts:
            people[each.external_id] = people.get(each.external_id, False) or each.is_primary
        elif each.kind is MemberKind.GROUP and each.external_id in groups:
            nested.add(each.external_id)
        else:
            unknown.add(line_of(each))
    digest = member_digest(people, nested)
    return Members(people, frozenset(nested), digest, frozenset(unknown))


def line_of(member: Member) -> str:
    """Return the line a member is in a digest of members: what it is, and its id."""
    return f"{'primary' if member.is_primary else member.kind.value} {member.external_id}"


def member_of(line: str) -> Member:
    """Return the member that such a line means."""
    word, external_id = line.split(" ", 1)
    kind = MemberKind.GROUP if word == MemberKind.GROUP.value else MemberKind.ACCOUNT
    return Member(external_id, kind, is_primary=word == "primary")


def member_digest(accounts: Mapping[str, bool], groups: Iterable[str]) -> bytes:
    """Return 128 bits over the sorted members: `account`, `primary` or `group`, and the id."""
    lines = [f"{'primary' if primary else 'account'} {each}" for each, primary in accounts.items()]
    lines += [f"group {each}" for each in groups]
    return _hash("\n".join(sorted(lines)).encode())


def read_digest(parts: Iterable[Mapping[str, bytes]]) -> str:
    """Return one digest of a whole read, in hexadecimal."""
    whole = hashlib.sha256()
    for part in parts:
        for external_id, digest in sorted(part.items()):
            whole.update(orjson.dumps(external_id) + digest)
        whole.update(b"\n")
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


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()
