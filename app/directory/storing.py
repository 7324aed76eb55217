"""Compare a complete population with the store and apply the difference, set by set.

Statements are constant in number whatever the size; a run that finds no difference writes nothing.
What changed in the store after the read began (a read-back of our own) is newer than the read, and
stays as it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import events
from app.directory import digests
from app.directory.domain import Provenance
from app.directory.models import Account, Closure, Group, Membership, Nesting, Source, SyncRun
from app.directory.population import Change
from app.directory.reading import Population
from app.kernel.uow import Reading, UnitOfWork
from connectors.records import Account as SeenAccount
from connectors.records import Group as SeenGroup
from connectors.records import MemberKind


@dataclass(slots=True)
class Difference:
    """What a population would change.

    Attributes:
        new_accounts: Shown for the first time, or again after they had ended.
        changed_accounts: Key and what is shown now.
        ended_accounts: Keys of those no longer shown.
        new_groups: As for accounts.
        changed_groups: As for accounts.
        ended_groups: As for accounts.
        reopened: Keys of rows that had ended and are shown again, by external id.
        counts: For the breaker: how much is there and would end.
    """

    new_accounts: list[SeenAccount] = field(default_factory=list)
    changed_accounts: list[tuple[int, SeenAccount]] = field(default_factory=list)
    ended_accounts: list[int] = field(default_factory=list)
    new_groups: list[SeenGroup] = field(default_factory=list)
    changed_groups: list[tuple[int, SeenGroup]] = field(default_factory=list)
    ended_groups: list[int] = field(default_factory=list)
    opened: list[tuple[int, int, bool]] = field(default_factory=list)
    closed: list[tuple[int, int, int]] = field(default_factory=list)
    opened_nestings: list[tuple[int, int]] = field(default_factory=list)
    closed_nestings: list[tuple[int, int, int]] = field(default_factory=list)
    digests: dict[int, bytes | None] = field(default_factory=dict)
    unknown_members: int = 0
    counts: dict[str, Change] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not any(
            (
                self.new_accounts,
                self.changed_accounts,
                self.ended_accounts,
                self.new_groups,
                self.changed_groups,
                self.ended_groups,
                self.opened,
                self.closed,
                self.opened_nestings,
                self.closed_nestings,
            )
        )

    def summary(self) -> dict[str, int]:
        """Return how much of each would change."""
        return {
            "accounts_new": len(self.new_accounts),
            "accounts_changed": len(self.changed_accounts),
            "accounts_ended": len(self.ended_accounts),
            "groups_new": len(self.new_groups),
            "groups_changed": len(self.changed_groups),
            "groups_ended": len(self.ended_groups),
            "memberships_new": len(self.opened),
            "memberships_ended": len(self.closed),
            "nestings_new": len(self.opened_nestings),
            "nestings_ended": len(self.closed_nestings),
            "unknown_members": self.unknown_members,
        }


@dataclass(slots=True)
class Stored:
    """What the store holds of a source, as far as a comparison needs it."""

    accounts: dict[str, Any]
    groups: dict[str, Any]


def load(reading: Reading, source: Source) -> Stored:
    """Load keys and digests of a source's accounts and groups, in two statements."""
    accounts = reading.session.execute(
        sa.select(Account.id, Account.external_id, Account.digest, Account.ended_at).where(
            Account.source_id == source.id
        )
    )
    groups = reading.session.execute(
        sa.select(
            Group.id, Group.external_id, Group.digest, Group.member_digest, Group.ended_at
        ).where(Group.source_id == source.id)
    )
    return Stored(
        accounts={row.external_id: row for row in accounts},
        groups={row.external_id: row for row in groups},
    )


def compare_objects(stored: Stored, population: Population) -> Difference:
    """Compare accounts and groups by their digests."""
    found = Difference()
    for external_id, account in population.accounts.items():
        row = stored.accounts.get(external_id)
        if row is None:
            found.new_accounts.append(account)
        elif row.ended_at is not None or row.digest != digests.account_digest(account):
            found.changed_accounts.append((row.id, account))
    for external_id, group in population.groups.items():
        row = stored.groups.get(external_id)
        if row is None:
            found.new_groups.append(group)
        elif row.ended_at is not None or row.digest != digests.group_digest(group):
            found.changed_groups.append((row.id, group))
    found.ended_accounts = [
        row.id
        for external_id, row in stored.accounts.items()
        if row.ended_at is None and external_id not in population.accounts
    ]
    found.ended_groups = [
        row.id
        for external_id, row in stored.groups.items()
        if row.ended_at is None and external_id not in population.groups
    ]
    return found


def compare_members(
    reading: Reading,
    source: Source,
    stored: Stored,
    population: Population,
    found: Difference,
    since: datetime,
) -> None:
    """Compare the members of those groups whose digest changed, and count what would end.

    Members that are about to be stored for the first time cannot be compared yet; the caller stores
    accounts and groups first and compares again (`is_first` in `apply`).

    Args:
        reading: The store.
        source: Whose.
        stored: Keys and digests.
        population: What was read.
        found: Filled in.
        since: When the read began; what changed later stays.
    """
    groups = {ext: row.id for ext, row in stored.groups.items()}
    accounts = {ext: row.id for ext, row in stored.accounts.items()}
    changed = _changed_lists(stored, population, found)
    ids = [groups[ext] for ext in changed if ext in groups] + found.ended_groups
    open_members, newer = _memberships(reading, ids, since)
    open_nestings = _nestings(reading, ids)
    for external_id in changed:
        group_id = groups.get(external_id)
        if group_id is None:
            continue
        wanted, children = _wanted(population, external_id, accounts, groups, found)
        have = open_members.get(group_id, {})
        for account_id, is_primary in wanted.items():
            if account_id not in have and (group_id, account_id) not in newer:
                found.opened.append((group_id, account_id, is_primary))
        for account_id, (key, valid_from) in have.items():
            if account_id not in wanted and valid_from < since:
                found.closed.append((key, group_id, account_id))
        standing = open_nestings.get(group_id, {})
        found.opened_nestings += [(group_id, each) for each in sorted(children - standing.keys())]
        found.closed_nestings += [
            (key, group_id, child) for child, key in standing.items() if child not in children
        ]
        is_newer = any(valid_from >= since for _, valid_from in have.values()) or any(
            pair[0] == group_id for pair in newer
        )
        digest = digests.member_digest(population.lists[external_id].members)
        found.digests[group_id] = None if is_newer else digest
    for group_id in found.ended_groups:
        have = open_members.get(group_id, {})
        found.closed += [(key, group_id, account_id) for account_id, (key, _) in have.items()]
        standing = open_nestings.get(group_id, {})
        found.closed_nestings += [(key, group_id, child) for child, key in standing.items()]
    _count(reading, source, stored, found)


def _changed_lists(stored: Stored, population: Population, found: Difference) -> list[str]:
    del found
    changed = []
    for external_id, members in population.lists.items():
        row = stored.groups.get(external_id)
        digest = digests.member_digest(members.members)
        if row is None or row.ended_at is not None or row.member_digest != digest:
            changed.append(external_id)
    return changed


def _memberships(
    reading: Reading, group_ids: Sequence[int], since: datetime
) -> tuple[dict[int, dict[int, tuple[int, datetime]]], set[tuple[int, int]]]:
    found: dict[int, dict[int, tuple[int, datetime]]] = {}
    newer: set[tuple[int, int]] = set()
    for part in _parts(group_ids):
        rows = reading.session.execute(
            sa.select(
                Membership.id,
                Membership.group_id,
                Membership.account_id,
                Membership.valid_from,
                Membership.valid_to,
            ).where(
                Membership.group_id.in_(part),
                sa.or_(Membership.valid_to.is_(None), Membership.valid_to >= since),
            )
        )
        for row in rows:
            if row.valid_to is None:
                found.setdefault(row.group_id, {})[row.account_id] = (row.id, row.valid_from)
            else:
                newer.add((row.group_id, row.account_id))
    return found, newer


def _nestings(reading: Reading, group_ids: Sequence[int]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for part in _parts(group_ids):
        rows = reading.session.execute(
            sa.select(Nesting.id, Nesting.parent_id, Nesting.child_id).where(
                Nesting.parent_id.in_(part), Nesting.valid_to.is_(None)
            )
        )
        for row in rows:
            found.setdefault(row.parent_id, {})[row.child_id] = row.id
    return found


def _wanted(
    population: Population,
    external_id: str,
    accounts: dict[str, int],
    groups: dict[str, int],
    found: Difference,
) -> tuple[dict[int, bool], set[int]]:
    wanted: dict[int, bool] = {}
    children: set[int] = set()
    for member in population.lists[external_id].members:
        known = accounts if member.kind is MemberKind.ACCOUNT else groups
        key = known.get(member.external_id)
        if key is None:
            found.unknown_members += 1
        elif member.kind is MemberKind.ACCOUNT:
            wanted[key] = member.is_primary
        else:
            children.add(key)
    return wanted, children


def _count(reading: Reading, source: Source, stored: Stored, found: Difference) -> None:
    there = reading.session.scalar(
        sa.select(sa.func.count())
        .select_from(Membership)
        .join(Group, Group.id == Membership.group_id)
        .where(Group.source_id == source.id, Membership.valid_to.is_(None))
    )
    found.counts = {
        "accounts": Change(
            sum(row.ended_at is None for row in stored.accounts.values()),
            len(found.ended_accounts),
        ),
        "groups": Change(
            sum(row.ended_at is None for row in stored.groups.values()), len(found.ended_groups)
        ),
        "memberships": Change(there or 0, len(found.closed)),
    }


def store_objects(uow: UnitOfWork, source: Source, found: Difference) -> None:
    """Store new, changed and ended accounts and groups, in six statements at most."""
    if found.new_accounts:
        uow.session.execute(
            sa.insert(Account), [_account_row(uow, source, each) for each in found.new_accounts]
        )
    if found.changed_accounts:
        uow.session.execute(
            sa.update(Account),
            [{"id": key, "ended_at": None, **_account(e)} for key, e in found.changed_accounts],
        )
    if found.new_groups:
        uow.session.execute(
            sa.insert(Group), [_group_row(uow, source, each) for each in found.new_groups]
        )
    if found.changed_groups:
        uow.session.execute(
            sa.update(Group),
            [{"id": key, "ended_at": None, **_group(e)} for key, e in found.changed_groups],
        )
    if found.ended_accounts:
        uow.session.execute(
            sa.update(Account),
            [
                {"id": key, "ended_at": uow.now, "is_enabled": False, "status": "gone"}
                for key in found.ended_accounts
            ],
        )
    if found.ended_groups:
        uow.session.execute(
            sa.update(Group),
            [{"id": key, "ended_at": uow.now, "member_digest": None} for key in found.ended_groups],
        )


def store_members(uow: UnitOfWork, run: SyncRun, found: Difference) -> None:
    """Open and close memberships and nestings, and keep the digests they came from."""
    if found.opened:
        mirrors = _mirrors(uow, {group_id for group_id, _, _ in found.opened})
        usual = Provenance.IMPORTED_AT_START if run.is_baseline else Provenance.OBSERVED
        uow.session.execute(
            sa.insert(Membership),
            [
                {
                    "group_id": group_id,
                    "account_id": account_id,
                    "is_primary": is_primary,
                    "valid_from": uow.now,
                    "run_from": run.id,
                    "provenance": Provenance.MIRRORED if group_id in mirrors else usual,
                }
                for group_id, account_id, is_primary in sorted(found.opened)
            ],
        )
    if found.closed:
        uow.session.execute(
            sa.update(Membership),
            [{"id": key, "valid_to": uow.now, "run_to": run.id} for key, _, _ in found.closed],
        )
    if found.opened_nestings:
        uow.session.execute(
            sa.insert(Nesting),
            [
                {
                    "parent_id": parent,
                    "child_id": child,
                    "valid_from": uow.now,
                    "run_from": run.id,
                }
                for parent, child in found.opened_nestings
            ],
        )
    if found.closed_nestings:
        uow.session.execute(
            sa.update(Nesting),
            [
                {"id": key, "valid_to": uow.now, "run_to": run.id}
                for key, _, _ in found.closed_nestings
            ],
        )
    if found.digests:
        uow.session.execute(
            sa.update(Group),
            [{"id": key, "member_digest": digest} for key, digest in found.digests.items()],
        )


def rebuild_closure(uow: UnitOfWork) -> None:
    """Derive again which groups contain which, from the open nestings of all sources."""
    from app.directory import graph

    nestings = uow.session.execute(
        sa.select(Nesting.parent_id, Nesting.child_id).where(Nesting.valid_to.is_(None))
    ).all()
    uow.session.execute(sa.delete(Closure))
    rows = graph.closure((row.parent_id, row.child_id) for row in nestings)
    if rows:
        uow.session.execute(
            sa.insert(Closure),
            [
                {"ancestor_id": ancestor, "descendant_id": descendant, "depth": depth}
                for ancestor, descendant, depth in rows
            ],
        )


def tell(
    uow: UnitOfWork, source: Source, run: SyncRun, population: Population, found: Difference
) -> None:
    """Record what changed: per group at the baseline, one entry for each change afterwards."""
    if run.is_baseline:
        _tell_baseline(uow, source, run, population)
        return
    about = {"source": source.public_id, "run": run.public_id}
    accounts = _public_ids(uow, Account, source)
    groups = _public_ids(uow, Group, source)
    by_ext = {row[2]: row[1] for row in accounts.values()}
    groups_by_ext = {row[2]: row[1] for row in groups.values()}
    for account in found.new_accounts:
        uow.record(events.AccountAppeared(subject=by_ext[account.external_id], **about))
    for key, _ in found.changed_accounts:
        uow.record(events.AccountChanged(subject=accounts[key][1], fields=("attributes",), **about))
    for key in found.ended_accounts:
        uow.record(events.AccountEnded(subject=accounts[key][1], **about))
    for group in found.new_groups:
        uow.record(events.GroupAppeared(subject=groups_by_ext[group.external_id], **about))
    for key, _ in found.changed_groups:
        uow.record(events.GroupChanged(subject=groups[key][1], fields=("attributes",), **about))
    for key in found.ended_groups:
        uow.record(events.GroupEnded(subject=groups[key][1], **about))
    for group_id, account_id, _ in found.opened:
        uow.record(
            events.MembershipAppeared(
                subject=accounts[account_id][1],
                group=groups[group_id][1],
                provenance=Provenance.OBSERVED,
                ref=None,
                run=run.public_id,
            )
        )
    for _, group_id, account_id in found.closed:
        uow.record(
            events.MembershipEnded(
                subject=accounts[account_id][1],
                group=groups[group_id][1],
                ref=None,
                run=run.public_id,
            )
        )
    for parent, child in found.opened_nestings:
        uow.record(
            events.NestingAppeared(
                subject=groups[child][1], group=groups[parent][1], run=run.public_id
            )
        )
    for _, parent, child in found.closed_nestings:
        uow.record(
            events.NestingEnded(
                subject=groups[child][1], group=groups[parent][1], run=run.public_id
            )
        )


def _tell_baseline(uow: UnitOfWork, source: Source, run: SyncRun, population: Population) -> None:
    groups = {row[2]: row[1] for row in _public_ids(uow, Group, source).values()}
    for external_id, members in population.lists.items():
        uow.record(
            events.GroupLoaded(
                subject=groups[external_id],
                source=source.public_id,
                run=run.public_id,
                members=len(members.members),
                digest=digests.member_digest(members.members).hex(),
            )
        )
    uow.record(
        events.AccountsLoaded(
            subject=source.public_id,
            run=run.public_id,
            accounts=len(population.accounts),
            digest=population_digest(population),
        )
    )


def population_digest(population: Population) -> str:
    """Return one digest over everything that was read: accounts, groups and their members."""
    import hashlib

    total = hashlib.sha256()
    for external_id, account in sorted(population.accounts.items()):
        total.update(b"a" + external_id.encode() + digests.account_digest(account))
    for external_id, group in sorted(population.groups.items()):
        total.update(b"g" + external_id.encode() + digests.group_digest(group))
    for external_id, members in sorted(population.lists.items()):
        total.update(b"m" + external_id.encode() + digests.member_digest(members.members))
    return total.hexdigest()


def _public_ids(
    reading: Reading, table: type[Account] | type[Group], source: Source
) -> dict[int, tuple[int, str, str]]:
    rows = reading.session.execute(
        sa.select(table.id, table.public_id, table.external_id).where(table.source_id == source.id)
    )
    return {row[0]: (row[0], row[1], row[2]) for row in rows}


def _mirrors(reading: Reading, group_ids: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for part in _parts(list(group_ids)):
        found.update(
            reading.session.scalars(
                sa.select(Group.id).where(Group.id.in_(part), Group.master_external_id.is_not(None))
            )
        )
    return found


def _parts(ids: Sequence[int], size: int = 10_000) -> Iterable[Sequence[int]]:
    """Cut a long list of keys: SQLite binds at most 32,766 values in one statement."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _account(seen: SeenAccount) -> dict[str, Any]:
    return {
        "login": seen.login,
        "display_name": seen.display_name,
        "mail": seen.mail,
        "employee_number": seen.employee_number,
        "manager_external_id": seen.manager_id,
        "department": seen.department,
        "title": seen.title,
        "kind": seen.kind.value,
        "status": seen.status,
        "is_enabled": seen.is_enabled,
        "address": seen.address,
        "expires_at": seen.expires_at,
        "last_sign_in_at": seen.last_sign_in_at,
        "attributes": dict(seen.attributes),
        "digest": digests.account_digest(seen),
    }


def _account_row(uow: UnitOfWork, source: Source, seen: SeenAccount) -> dict[str, Any]:
    return {
        "public_id": uow.ids.new(),
        "source_id": source.id,
        "external_id": seen.external_id,
        "first_seen_at": uow.now,
        **_account(seen),
    }


def _group(seen: SeenGroup) -> dict[str, Any]:
    return {
        "name": seen.name,
        "kind": seen.kind,
        "description": seen.description,
        "owner_external_id": seen.owner_id,
        "is_writable": seen.is_writable,
        "is_administrative": seen.is_administrative,
        "master_external_id": seen.master_id,
        "rule": seen.rule,
        "address": seen.address,
        "attributes": dict(seen.attributes),
        "digest": digests.group_digest(seen),
    }


def _group_row(uow: UnitOfWork, source: Source, seen: SeenGroup) -> dict[str, Any]:
    return {
        "public_id": uow.ids.new(),
        "source_id": source.id,
        "external_id": seen.external_id,
        "first_seen_at": uow.now,
        **_group(seen),
    }
