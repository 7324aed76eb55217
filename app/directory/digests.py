"""Digests by which an unchanged row is known without reading it: BLAKE2b, 128 bits."""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from connectors.records import Account, Group, Member

SIZE = 16


def account_digest(account: Account) -> bytes:
    """Return the digest of all a source tells of an account, but its last sign-in.

    The last sign-in changes all the time and is stored with whatever else changes.
    """
    return _digest(
        [
            account.login,
            account.display_name,
            account.is_enabled,
            account.status,
            account.kind.value,
            account.mail,
            account.employee_number,
            account.manager_id,
            account.department,
            account.title,
            account.address,
            account.expires_at,
            sorted(account.attributes.items()),
        ]
    )


def group_digest(group: Group) -> bytes:
    """Return the digest of all a source tells of a group itself."""
    return _digest(
        [
            group.name,
            group.kind,
            group.description,
            group.owner_id,
            group.is_writable,
            group.is_administrative,
            group.master_id,
            group.rule,
            group.address,
            sorted(group.attributes.items()),
        ]
    )


def member_digest(members: Iterable[Member]) -> bytes:
    """Return the digest of a member list, whatever its order."""
    lines = sorted(f"{each.kind.value} {each.external_id} {each.is_primary}" for each in members)
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=SIZE).digest()


def _digest(values: list[Any]) -> bytes:
    return hashlib.blake2b(orjson.dumps(values), digest_size=SIZE).digest()
