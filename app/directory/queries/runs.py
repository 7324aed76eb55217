"""What a read changed, or would change, by name: in parts, so that thousands stay readable.

Of a stored read, the ledger says which entries were written with it; of a parked one, what it read
is compared with the store anew. The first read is not listed: everything in it was new.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
import sqlalchemy as sa

from app.directory.difference import Difference, Records
from app.directory.domain import SyncState
from app.directory.models import Account, Group, Identity, ParkedRead, Source, SyncRun
from app.directory.queries.matching import holds
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
AT_ONCE = 1000

Line = tuple[int, str, str, str | None]  # place, kind, subject and group by external ids


@dataclass(frozen=True, slots=True)
class Thing:
    """An account or a group of a difference; without a key it is not stored yet."""

    name: str
    href: str | None
    key: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A membership that a difference is about.

    Attributes:
        account: Key of the account.
        group: Key of the group.
        is_joining: Whether the account joined it, or left.
    """

    account: int
    group: int
    is_joining: bool


@dataclass(frozen=True, slots=True)
class Doing:
    """Who made a change in the source, as its log tells.

    Attributes:
        at: When, by the source's own clock.
        by: Who, as the log names them; None: it names nobody, or the name was erased.
        account: Public id of the account that is, or None if it is none known here.
        holder: Public id of whose account that is, or None.
    """

    at: datetime
    by: str | None
    account: str | None
    holder: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a difference.

    Attributes:
        key: Its place in the list.
        kind: What happened, as the ledger calls it.
        subject: The account or group.
        group: The group it joined or left, or None.
        fields: Which attributes changed.
        done: Who did it in the source; None: its log does not tell, or was not asked yet.
    """

    key: int
    kind: str
    subject: Thing
    group: Thing | None
    fields: Sequence[str]
    done: Doing | None = None

    @property
    def made(self) -> Made | None:
        """The membership that it is about; None for all else, and for what is not stored yet."""
        if not self.kind.startswith("membership.") or self.group is None:
            return None
        if self.subject.key is None or self.group.key is None:
            return None
        return Made(self.subject.key, self.group.key, self.kind.endswith(".appeared"))


def list_changes(
    reading: Reading, run_id: str, window: Window, *, q: str | None = None
) -> Page[Change]:
    """List what a stored read changed, or what a parked one would; of others, nothing.

    Args:
        reading: Who looks.
        run_id: Public id of the read.
        window: Which part.
        q: Part of what the account or either group is called, in any case.

    Raises:
        NotFoundError: There is no such read.
    """
    reading.actor.require(Permission.SOURCE_READ)
    run = run_row(reading, run_id)
    if run.state is SyncState.PARKED:
        found = _compared(reading, run)
        lines = _chosen(reading, run.source_id, found, q)
        return _would_change(reading, run.source_id, found, lines, window)
    if run.is_stored and not run.is_baseline:
        return _changed(reading, run, window, q)
    return Page([], None)


def changes_of(
    reading: Reading, run_id: str, q: str | None
) -> Callable[[Reading, Window], Page[Change]]:
    """Return how to list the same part by part; a parked read is compared once, not for each part.

    Raises:
        NotFoundError: There is no such read.
    """
    reading.actor.require(Permission.SOURCE_READ)
    run = run_row(reading, run_id)
    if run.state is not SyncState.PARKED:
        return lambda look, window: list_changes(look, run_id, window, q=q)
    source_id, found = run.source_id, _compared(reading, run)
    lines = list(_chosen(reading, source_id, found, q))

    def part(look: Reading, window: Window) -> Page[Change]:
        begin = bisect_right(lines, window.after_id(), key=lambda line: line[0])
        few = lines[begin : begin + window.limit + 1]
        return _would_change(look, source_id, found, few, window)

    return part


def _changed(reading: Reading, run: SyncRun, window: Window, q: str | None) -> Page[Change]:
    last = reading.session.scalar(
        sa.select(sa.func.max(LedgerEntry.id)).where(
            LedgerEntry.subject == run.public_id, LedgerEntry.kind == SYNCED
        )
    )
    if last is None:
        return Page([], None)
    many = sum(count for name, count in run.counts.items() if "_" in name)
    entries = (
        sa.select(LedgerEntry.id, LedgerEntry.kind, LedgerEntry.subject, LedgerEntry.body)
        .where(
            LedgerEntry.id > max(window.after_id(), last - NEAR * many - LEAST),
            LedgerEntry.id < last,
            LedgerEntry.kind.in_(KINDS),
            LedgerEntry.at == run.stored_at,
        )
        .order_by(LedgerEntry.id)
    )
    told = _told(reading, run, entries, window.limit + 1, q)
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


def _told(
    reading: Reading, run: SyncRun, entries: sa.Select[*tuple[Any, ...]], most: int, q: str | None
) -> list[tuple[int, str, str, Any]]:
    """Return the first entries that are a read's own, and about what is called so."""
    if q is None:
        meant, entries = None, entries.limit(most)
    else:
        meant = set().union(*_called(reading, run.source_id, q, Account.public_id, Group.public_id))
        entries = entries.execution_options(yield_per=AT_ONCE)
    told: list[tuple[int, str, str, Any]] = []
    with reading.session.execute(entries) as rows:
        for key, kind, subject, body in rows:
            data = orjson.loads(body)["data"]
            is_meant = meant is None or not meant.isdisjoint((subject, data.get("group", subject)))
            if is_meant and data.get("run") == run.public_id:
                told.append((key, kind, subject, data))
                if len(told) == most:
                    break
    return told


def _called(
    reading: Reading, source_id: int, q: str, account: Any, group: Any
) -> tuple[set[str], set[str]]:
    """Return which accounts and which groups of a source are called so; two statements."""
    accounts = (
        sa.select(account)
        .outerjoin(Identity, Identity.id == Account.identity_id)
        .where(
            Account.source_id == source_id,
            sa.or_(holds(reading, Account.login, q), holds(reading, Identity.display_name, q)),
        )
    )
    groups = sa.select(group).where(Group.source_id == source_id, holds(reading, Group.name, q))
    return set(reading.session.scalars(accounts)), set(reading.session.scalars(groups))


def _is_of_group(kind: str) -> bool:
    return kind.startswith(("group.", "nesting."))


def _things(
    reading: Reading, told: Iterable[tuple[str, str, Mapping[str, Any]]]
) -> dict[str, Thing]:
    """Return what public ids are called now; two statements."""
    accounts: set[str] = set()
    groups: set[str] = set()
    for kind, subject, data in told:
        (groups if _is_of_group(kind) else accounts).add(subject)
        if "group" in data:
            groups.add(data["group"])
    found = {
        row[0]: _person(*tuple(row)[1:])
        for row in reading.session.execute(
            sa.select(Account.public_id, *_CALLED)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(Account.public_id.in_(sorted(accounts)))
        )
    }
    for key, public_id, name in reading.session.execute(
        sa.select(Group.id, Group.public_id, Group.name).where(Group.public_id.in_(sorted(groups)))
    ):
        found[public_id] = Thing(name, f"/groups/{public_id}", key)
    return found


_CALLED: tuple[Any, ...] = (Account.id, Account.login, Identity.display_name, Identity.public_id)


def _person(key: int, login: str, name: str | None, identity: str | None) -> Thing:
    if name is None or identity is None:
        return Thing(login, None, key)
    return Thing(f"{name} ({login})", f"/identities/{identity}", key)


def _compared(reading: Reading, run: SyncRun) -> Difference:
    """Compare what a parked read holds with the store; as many statements as a read takes."""
    parked = reading.session.get_one(ParkedRead, run.id)
    source = reading.session.get_one(Source, run.source_id)
    taken = opened(run, parked)
    return compare(reading, source, run, taken, taken.judged())


def _would_change(
    reading: Reading, source_id: int, found: Difference, lines: Iterable[Line], window: Window
) -> Page[Change]:
    first = window.after_id()
    part = list(islice((line for line in lines if line[0] > first), window.limit + 1))
    names = _Names(reading, source_id, found, part)
    changes = [
        Change(
            place,
            kind,
            names.group(subject) if _is_of_group(kind) else names.account(subject),
            None if group is None else names.group(group),
            (),
        )
        for place, kind, subject, group in part
    ]
    return page(changes, window, lambda each: [each.key])


def _chosen(reading: Reading, source_id: int, found: Difference, q: str | None) -> Iterator[Line]:
    """Tell the lines of a difference with their places; all, or those of what is called so."""
    lines = ((place, *line) for place, line in enumerate(_lines(found), start=1))
    if q is None:
        return lines
    meant = _Meant(reading, source_id, found, q)
    return (line for line in lines if meant.is_in(line))


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


class _Meant:
    """Which records of a difference are called so, as stored or as read."""

    def __init__(self, reading: Reading, source_id: int, found: Difference, q: str) -> None:
        accounts, groups = _called(reading, source_id, q, Account.external_id, Group.external_id)
        self._words = q.casefold()
        self._accounts = (found.accounts, "login", dict.fromkeys(accounts, True))
        self._groups = (found.groups, "name", dict.fromkeys(groups, True))

    def is_in(self, line: Line) -> bool:
        _, kind, subject, group = line
        of = self._groups if _is_of_group(kind) else self._accounts
        return self._is(subject, *of) or (group is not None and self._is(group, *self._groups))

    def _is(self, name: str, records: Records, column: str, known: dict[str, bool]) -> bool:
        if name not in known:  # each is looked at once, however many memberships it has
            shown = records.columns(name).get(column) if name in records.told else None
            known[name] = self._words in str(shown or "").casefold()
        return known[name]


class _Names:
    """What the records of a part of a difference are called: as stored, else as read."""

    def __init__(
        self,
        reading: Reading,
        source_id: int,
        found: Difference,
        part: Sequence[Line],
    ) -> None:
        wanted = {name for _, _, subject, group in part for name in (subject, group) if name}
        accounts = reading.session.execute(
            sa.select(Account.external_id, *_CALLED)
            .outerjoin(Identity, Identity.id == Account.identity_id)
            .where(Account.source_id == source_id, Account.external_id.in_(sorted(wanted)))
        )
        groups = reading.session.execute(
            sa.select(Group.external_id, Group.name, Group.public_id, Group.id).where(
                Group.source_id == source_id, Group.external_id.in_(sorted(wanted))
            )
        )
        self._found = found
        self._accounts = {row[0]: _person(*tuple(row)[1:]) for row in accounts}
        self._groups = {row[0]: Thing(row[1], f"/groups/{row[2]}", row[3]) for row in groups}

    def account(self, name: str) -> Thing:
        return self._accounts.get(name) or _as_read(self._found.accounts, name, "login")

    def group(self, name: str) -> Thing:
        return self._groups.get(name) or _as_read(self._found.groups, name, "name")


def _as_read(records: Records, name: str, column: str) -> Thing:
    found = records.columns(name) if name in records.told else {}
    return Thing(str(found.get(column) or name), None)
