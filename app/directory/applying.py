"""Write what a complete read changed: set-based, in the caller's transaction, and tell of it.

The first accepted run of a source, its baseline, is told with one entry for each group and one for
the accounts; after that each change has its own entry.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from app import events
from app.directory import correlating, graph, past, reconcile
from app.directory.difference import Difference, Records
from app.directory.domain import Provenance
from app.directory.models import (
    Account,
    Closure,
    Group,
    Membership,
    Nesting,
    Source,
    SyncRun,
)
from app.kernel.uow import UnitOfWork

CHUNK = 10_000
TURNS = frozenset({"is_enabled", "ended_at"})
CORRELATED = TURNS | {
    "display_name",
    "mail",
    "employee_number",
    "manager_external_id",
    "department",
    "title",
    "kind",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """External id to internal key and public id, once everything is stored."""

    key: Mapping[str, int]
    public_id: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Changed:
    """Which columns of which accounts and groups changed, by external id."""

    accounts: Mapping[str, tuple[str, ...]]
    groups: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Done:
    """What has been stored, and all that is needed to tell of it."""

    uow: UnitOfWork
    source: Source
    run: SyncRun
    found: Difference
    otherwise: Provenance
    started: frozenset[str]
    changed: Changed
    accounts: Keys
    groups: Keys

    def provenance(self, group: str) -> Provenance:
        """Say why a new membership of a group exists."""
        otherwise = Provenance.IMPORTED_AT_START if group in self.started else self.otherwise
        return reconcile.provenance_of(self.found.shown_groups[group], otherwise)

    def where(self) -> dict[str, str]:
        """Return the fields that every entry on an account or group has."""
        return {"source": self.source.public_id, "run": self.run.public_id}


def apply(
    uow: UnitOfWork,
    source: Source,
    run: SyncRun,
    found: Difference,
    *,
    otherwise: Provenance,
    started: frozenset[str] = frozenset(),
) -> None:
    """Write a difference and record it.

    Args:
        uow: The unit of work.
        source: Whose read it is.
        run: The run, still without its outcome.
        found: What changes.
        otherwise: Why a new membership exists, if it follows no master and no rule.
        started: Groups that stood there at the start and whose members are read only now.
    """
    changed = Changed(
        _changed_fields(uow, Account, found.accounts), _changed_fields(uow, Group, found.groups)
    )
    done = Done(
        uow=uow,
        source=source,
        run=run,
        found=found,
        otherwise=otherwise,
        started=started,
        changed=changed,
        accounts=_store(uow, Account, source, run, found.accounts),
        groups=_store(uow, Group, source, run, found.groups),
    )
    _store_member_digests(uow, found, done.groups)
    _store_memberships(done)
    _store_nestings(uow, run, found, done.groups)
    if found.nested or found.unnested:
        rebuild_closure(uow, source.id)
    if run.is_baseline:
        _tell_baseline(done)
    else:
        _tell_changes(done)
    _correlate(done)


def _correlate(done: Done) -> None:
    """Tie accounts to people again, if anything that matters for it changed."""
    compared, changed = done.found.accounts.compared, done.changed.accounts
    fields = {each for some in changed.values() for each in some}
    if not (compared.appeared or compared.ended or fields & CORRELATED):
        return
    key = done.accounts.key
    turned = {key[name] for name in compared.appeared}
    turned |= {key[name] for name, some in changed.items() if TURNS & set(some)}
    told = correlating.correlate_all(done.uow, subject=done.run.public_id, turned=turned)
    done.run.problems = [*done.run.problems, *told]


def _changed_fields(
    uow: UnitOfWork, model: type[Account | Group], records: Records
) -> dict[str, tuple[str, ...]]:
    changed = {
        records.known[name].id: name
        for name in records.compared.changed
        if not records.known[name].is_ended
    }
    fields: dict[str, tuple[str, ...]] = {
        name: ("ended_at",) for name in records.compared.changed if records.known[name].is_ended
    }
    for some in _chunks(list(changed)):
        for row in uow.session.execute(sa.select(model.__table__).where(model.id.in_(some))):
            name = changed[row.id]
            after = {key: each for key, each in records.rows[name].items() if key != "digest"}
            before = {key: getattr(row, key) for key in after}
            fields[name] = reconcile.parts_changed(before, after)
    return fields


def _store(
    uow: UnitOfWork,
    model: type[Account] | type[Group],
    source: Source,
    run: SyncRun,
    records: Records,
) -> Keys:
    compared, known, at = records.compared, records.known, _seen_at(uow, run)
    made = {name: uow.ids.new() for name in compared.appeared}
    if made:
        uow.session.execute(
            sa.insert(model),
            [
                {
                    "public_id": public_id,
                    "source_id": source.id,
                    "external_id": name,
                    "first_seen_at": at,
                    **records.rows[name],
                }
                for name, public_id in made.items()
            ],
        )
    updates: list[dict[str, Any]] = [
        {"id": known[name].id, "ended_at": None, **records.rows[name]} for name in compared.changed
    ]
    if updates:
        past.keep(uow, model, updates, at=at, run_id=run.id)
        uow.session.execute(sa.update(model), updates)
    ended = [{"id": known[name].id, "ended_at": at} for name in compared.ended]
    if ended:
        uow.session.execute(sa.update(model), ended)
    keys = {name: each.id for name, each in known.items()}
    if made:
        keys |= _new_keys(uow, model, source, made)
    return Keys(keys, {**{name: each.public_id for name, each in known.items()}, **made})


def _seen_at(uow: UnitOfWork, run: SyncRun) -> datetime:
    """Return when what a run shows was true: at its end, also if it was accepted only later."""
    return run.ended_at or uow.now


def _new_keys(
    uow: UnitOfWork, model: type[Account | Group], source: Source, made: Mapping[str, str]
) -> dict[str, int]:
    rows = uow.session.execute(
        sa.select(model.external_id, model.id).where(model.source_id == source.id)
    )
    return {name: key for name, key in rows if name in made}


def _store_member_digests(uow: UnitOfWork, found: Difference, groups: Keys) -> None:
    rows = [
        {"id": groups.key[name], "member_digest": digest}
        for name, digest in found.member_digests.items()
    ]
    if rows:
        uow.session.execute(sa.update(Group), rows)
    unknown = [
        {"id": groups.key[name], "unknown_members": lines or None}
        for name, lines in found.unknown.items()
    ]
    if unknown:
        uow.session.execute(sa.update(Group), unknown)


def _store_memberships(done: Done) -> None:
    uow, found = done.uow, done.found
    if found.joined:
        uow.session.execute(  # the plain table: a first load makes no objects, by the thousand
            sa.insert(cast("sa.Table", Membership.__table__)),
            [
                {
                    "group_id": done.groups.key[group],
                    "account_id": done.accounts.key[account],
                    "is_primary": is_primary,
                    "valid_from": _seen_at(uow, done.run),
                    "run_from": done.run.id,
                    "provenance": done.provenance(group),
                }
                for (group, account), is_primary in found.joined.items()
            ],
        )
    _end(uow, Membership, found.left.values(), done.run)
    if found.primary:
        rows = [{"id": key, "is_primary": value} for key, value in found.primary.items()]
        uow.session.execute(sa.update(Membership), rows)


def _store_nestings(uow: UnitOfWork, run: SyncRun, found: Difference, groups: Keys) -> None:
    if found.nested:
        uow.session.execute(
            sa.insert(Nesting),
            [
                {
                    "parent_id": groups.key[parent],
                    "child_id": groups.key[child],
                    "valid_from": _seen_at(uow, run),
                    "run_from": run.id,
                }
                for parent, child in found.nested
            ],
        )
    _end(uow, Nesting, found.unnested.values(), run)


def _end(
    uow: UnitOfWork, model: type[Membership | Nesting], keys: Iterable[int], run: SyncRun
) -> None:
    at = _seen_at(uow, run)
    rows = [{"id": key, "valid_to": at, "run_to": run.id} for key in keys]
    if rows:
        uow.session.execute(sa.update(model), rows)


def rebuild_closure(uow: UnitOfWork, source_id: int) -> None:
    """Derive anew which groups of a source contain which others."""
    mine = sa.select(Group.id).where(Group.source_id == source_id)
    edges = uow.session.execute(
        sa.select(Nesting.parent_id, Nesting.child_id).where(
            Nesting.valid_to.is_(None), Nesting.parent_id.in_(mine)
        )
    )
    rows = [
        {"ancestor_id": ancestor, "descendant_id": descendant, "depth": depth}
        for ancestor, descendant, depth in graph.closure((row[0], row[1]) for row in edges)
    ]
    uow.session.execute(sa.delete(Closure).where(Closure.ancestor_id.in_(mine)))
    if rows:
        uow.session.execute(sa.insert(Closure), rows)


def _tell_baseline(done: Done) -> None:
    uow, found, at = done.uow, done.found, done.where()
    uow.record(
        events.AccountsLoaded(
            subject=done.source.public_id,
            run=done.run.public_id,
            accounts=len(found.accounts.shown),
            digest=reconcile.read_digest((found.accounts.shown,)),
        )
    )
    for name, members in found.members.items():
        uow.record(
            events.GroupLoaded(
                subject=done.groups.public_id[name],
                members=len(members.accounts) + len(members.groups),
                digest=members.digest.hex(),
                **at,
            )
        )


def _tell_changes(done: Done) -> None:
    _tell_accounts(done)
    _tell_groups(done)
    found, group_id, account_id = done.found, done.groups.public_id, done.accounts.public_id
    uow, run = done.uow, done.run.public_id
    for parent, child in found.nested:
        uow.record(events.NestingAppeared(subject=group_id[child], group=group_id[parent], run=run))
    for parent, child in found.unnested:
        uow.record(events.NestingEnded(subject=group_id[child], group=group_id[parent], run=run))
    for group, account in found.joined:
        uow.record(
            events.MembershipAppeared(
                subject=account_id[account],
                group=group_id[group],
                provenance=done.provenance(group).value,
                ref=None,
                run=run,
            )
        )
    for group, account in found.left:
        uow.record(
            events.MembershipEnded(
                subject=account_id[account], group=group_id[group], ref=None, run=run
            )
        )


def _tell_accounts(done: Done) -> None:
    uow, records, at = done.uow, done.found.accounts, done.where()
    public_id = done.accounts.public_id
    for name in records.compared.appeared:
        uow.record(events.AccountAppeared(subject=public_id[name], **at))
    for name in records.compared.changed:
        fields = done.changed.accounts[name]
        told = tuple(each for each in fields if each not in reconcile.QUIET)
        if records.known[name].is_ended:
            uow.record(events.AccountAppeared(subject=public_id[name], **at))
        elif told:
            uow.record(events.AccountChanged(subject=public_id[name], fields=told, **at))
    for name in records.compared.ended:
        uow.record(events.AccountEnded(subject=public_id[name], **at))


def _tell_groups(done: Done) -> None:
    uow, records, at = done.uow, done.found.groups, done.where()
    public_id = done.groups.public_id
    for name in records.compared.appeared:
        uow.record(events.GroupAppeared(subject=public_id[name], **at))
    for name in records.compared.changed:
        fields = done.changed.groups[name]
        if records.known[name].is_ended:
            uow.record(events.GroupAppeared(subject=public_id[name], **at))
        elif fields:
            uow.record(events.GroupChanged(subject=public_id[name], fields=fields, **at))
    for name in records.compared.ended:
        uow.record(events.GroupEnded(subject=public_id[name], **at))


def _chunks(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
