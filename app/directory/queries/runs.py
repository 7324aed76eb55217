"""What a read changed, or would change, by name: in parts, so that thousands stay readable.

Of a stored read, the ledger says which entries were written with it; of a parked one, what it read
is compared with the store anew. The first read is not listed: everything in it was new.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from app.directory.difference import Difference, Records
from app.directory.domain import SyncState
from app.directory.models import Account, Group, Identity, ParkedRead, Source, SyncRun
from app.directory.syncing import compare, opened, run_row
from app.kernel.actor import Permission
from app.kernel.ledger import LedgerEntry
from app.kernel.uow import Reading
from app.web.paging import Page, Window, page

KINDS = (
    "account.appeared",
    "account.changed",
    "account.ended",
    "group.appeared",
    "group.changed",
    "group.ended",
    "nesting.appeared",
    "nesting.ended",
    "membership.appeared",
    "membership.ended",
)
SYNCED = "directory.synced"
# How far before a read's last entry its first may stand: other transactions write in between, and
# a read's own entries are its changes and what they mean for identities.
NEAR = 4
LEAST = 2000


@dataclass(frozen=True, slots=True)
class Thing:
    """An account or a group of a difference; without an id it is not stored yet."""

    name: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a difference.

    Attributes:
        key: Its place in the list.
        kind: What happened, as the ledger calls it.
        subject: The account or group.
        group: The group it joined or left, or None.
        fields: Which attributes changed.
    """

    key: int
    kind: str
    subject: Thing
    group: Thing | None
    fields: Sequence[str]


def list_changes(reading: Reading, run_id: str, window: Window) -> Page[Change]:
    """List what a stored read changed, or what a parked one would; of others, nothing.

    Raises:
        NotFoundError: There is no such read.
    """
    reading.actor.require(Permission.SOURCE_READ)
    run = run_row(reading, run_id)
    if run.state is SyncState.PARKED:
        return _would_change(reading, run, window)
    if run.is_stored and not run.is_baseline:
        return _changed(reading, run, window)
    return Page([], None)


def _changed(reading: Reading, run: SyncRun, window: Window) -> Page[Change]:
    last = reading.session.scalar(
        sa.select(sa.func.max(LedgerEntry.id)).where(
            LedgerEntry.subject == run.public_id, LedgerEntry.kind == SYNCED
        )
    )
    if last is None:
        return Page([], None)
    many = sum(count for name, count in run.counts.items() if "_" in name)
    rows = reading.session.execute(
        sa.select(LedgerEntry.id, LedgerEntry.kind, LedgerEntry.subject, LedgerEntry.body)
        .where(
            LedgerEntry.id > max(window.after_id(), last - NEAR * many - LEAST),
            LedgerEntry.id < last,
            LedgerEntry.kind.in_(KINDS),
            LedgerEntry.at == run.stored_at,
        )
        .order_by(LedgerEntry.id)
        .limit(window.limit + 1)
    ).all()
    told = [
        (key, kind, subject, data)
        for key, kind, subject, body in rows
        if (data := orjson.loads(body)["data"]).get("run") == run.public_id
    ]
    things = _things(reading, [(kind, subject, data) for _, kind, subject, data in told])
    changes = [
        Change(
            key,
            kind,
            things.get(subject, Thing(subject, None)),
            things.get(data["group"]) if "group" in data else None,
            data.get("fields", ()),
        )
        for key, kind, subject, data in told
    ]
    return page(changes, window, lambda each: [each.key])


def _things(
    reading: Reading, told: Iterable[tuple[str, str, Mapping[str, Any]]]
) -> dict[str, Thing]:
    """Return what public ids are called now; two statements."""
    accounts: set[str] = set()
    groups: set[str] = set()
    for kind, subject, data in told:
        (groups if kind.startswith(("group.", "nesting.")) else accounts).add(subject)
        if "group" in data:
            groups.add(data["group"])
    found = {
        row[0]: _person(*tuple(row)[1:])
        for row in reading.session.execute(
            sa.select(Account.public_id, Account.login, Identity.display_name, Identity.public_id)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(Account.public_id.in_(sorted(accounts)))
        )
    }
    for public_id, name in reading.session.execute(
        sa.select(Group.public_id, Group.name).where(Group.public_id.in_(sorted(groups)))
    ):
        found[public_id] = Thing(name, f"/groups/{public_id}")
    return found


def _person(login: str, name: str | None, identity: str | None) -> Thing:
    if name is None or identity is None:
        return Thing(login, None)
    return Thing(f"{name} ({login})", f"/identities/{identity}")


def _would_change(reading: Reading, run: SyncRun, window: Window) -> Page[Change]:
    """Compare what a parked read holds with the store; as many statements as a read takes."""
    parked = reading.session.get_one(ParkedRead, run.id)
    source = reading.session.get_one(Source, run.source_id)
    taken = opened(run, parked)
    found = compare(reading, source, run, taken, taken.judged())
    first = window.after_id()
    part = []
    for place, (kind, subject, group) in enumerate(_lines(found), start=1):
        if place > first:
            part.append((place, kind, subject, group))
        if len(part) > window.limit:
            break
    names = _Names(reading, run.source_id, found, part)
    changes = [
        Change(
            place,
            kind,
            names.group(subject)
            if kind.startswith(("group.", "nesting."))
            else names.account(subject),
            None if group is None else names.group(group),
            (),
        )
        for place, kind, subject, group in part
    ]
    return page(changes, window, lambda each: [each.key])


def _lines(found: Difference) -> Iterator[tuple[str, str, str | None]]:
    """Tell a difference in one order, endings first: they are why a read waits for a person."""
    for what, records in (("account", found.accounts), ("group", found.groups)):
        yield from ((f"{what}.ended", name, None) for name in sorted(records.compared.ended))
    for group, account in sorted(found.left):
        yield "membership.ended", account, group
    for parent, child in sorted(found.unnested):
        yield "nesting.ended", child, parent
    for what, records in (("account", found.accounts), ("group", found.groups)):
        yield from ((f"{what}.appeared", name, None) for name in sorted(records.compared.appeared))
        yield from ((f"{what}.changed", name, None) for name in sorted(records.compared.changed))
    for group, account in sorted(found.joined):
        yield "membership.appeared", account, group
    for parent, child in sorted(found.nested):
        yield "nesting.appeared", child, parent


class _Names:
    """What the records of a part of a difference are called: as stored, else as read."""

    def __init__(
        self,
        reading: Reading,
        source_id: int,
        found: Difference,
        part: Sequence[tuple[int, str, str, str | None]],
    ) -> None:
        wanted = {name for _, _, subject, group in part for name in (subject, group) if name}
        accounts = reading.session.execute(
            sa.select(Account.external_id, Account.login, Identity.display_name, Identity.public_id)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(Account.source_id == source_id, Account.external_id.in_(sorted(wanted)))
        )
        groups = reading.session.execute(
            sa.select(Group.external_id, Group.name, Group.public_id).where(
                Group.source_id == source_id, Group.external_id.in_(sorted(wanted))
            )
        )
        self._found = found
        self._accounts = {row[0]: _person(*tuple(row)[1:]) for row in accounts}
        self._groups = {row[0]: Thing(row[1], f"/groups/{row[2]}") for row in groups}

    def account(self, name: str) -> Thing:
        return self._accounts.get(name) or _as_read(self._found.accounts, name, "login")

    def group(self, name: str) -> Thing:
        return self._groups.get(name) or _as_read(self._found.groups, name, "name")


def _as_read(records: Records, name: str, column: str) -> Thing:
    found = records.columns(name) if name in records.told else {}
    return Thing(str(found.get(column) or name), None)
