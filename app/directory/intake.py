"""Take in what a connector reads, batch by batch; keep a parked read, and open it again."""

import zlib
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, assert_never

import msgspec

from app.directory.gathered import Accounts, Listed
from app.directory.population import Read
from app.directory.progress import Progress
from connectors.errors import ConnectorError
from connectors.port import Connector
from connectors.records import (
    Account,
    AccountBatch,
    Group,
    GroupBatch,
    MemberBatch,
    ReadReport,
)


class Kept(msgspec.Struct):
    """A read in the form it is kept in."""

    accounts: Sequence[Account]
    groups: Sequence[Group]
    lists: Sequence[Listed]
    report: ReadReport | None
    broken_by: str | None


def collect(connector: Connector, progress: Progress) -> Read:
    """Read a source to its end, or as far as it goes.

    Args:
        connector: The source.
        progress: Is told what has been counted so far.

    Raises:
        ConnectorError: Nothing at all could be read.
    """
    accounts = Accounts()
    groups: list[Group] = []
    lists: dict[str, Listed] = {}  # of one group, what is told last counts
    report: ReadReport | None = None
    broken_by: str | None = None
    counts = {"accounts": 0}
    members = 0
    try:
        for batch in connector.snapshot():
            match batch:
                case MemberBatch():
                    for each in batch.lists:
                        listed = Listed.of(each)
                        lists[each.group_id] = listed
                        members += listed.accounts + listed.groups
                    counts["memberships"] = members
                case AccountBatch():
                    accounts.extend(batch.accounts)
                    counts["accounts"] = len(accounts)
                case GroupBatch():
                    groups.extend(batch.groups)
                    counts["groups"] = len(groups)
                case ReadReport():
                    report = batch
                case _:
                    assert_never(batch)
            progress.counted(counts)
    except ConnectorError as error:
        if not accounts:
            raise
        broken_by = str(error)
    progress.ended(counts, report)
    return Read(accounts, groups, list(lists.values()), report, broken_by)


def pack(read: Read) -> bytes:
    """Keep a read as bytes."""
    kept = Kept(list(read.accounts), read.groups, read.lists, read.report, read.broken_by)
    return zlib.compress(msgspec.json.encode(kept, enc_hook=plain), level=3)


def unpack(body: bytes) -> Read:
    """Open a read that was kept."""
    kept = msgspec.json.decode(zlib.decompress(body), type=Kept)
    return Read(Accounts(kept.accounts), kept.groups, kept.lists, kept.report, kept.broken_by)


def plain(value: Any) -> Any:
    """Return as a plain document what msgspec does not write by itself."""
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise TypeError(f"A read does not hold a {type(value).__name__}")
