"""Write what a complete read changed: set-based, in the caller's transaction, and tell of it.

The first accepted run of a source, its baseline, is told with one entry for each group and one for
the accounts; after that each change has its own entry.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import sqlalchemy as sa

from app import events
from app.directory import correlating, following, past, reconcile
from app.directory.difference import Difference, Records
from app.directory.domain import Provenance
from app.directory.known import FEW
from app.directory.models import (
    Account,
    Group,
    Membership,
    Nesting,
    Source,
    SyncRun,
)
from app.kernel import bulk
from app.kernel.bulk import Numbers
from app.kernel.distinct import distinct
from app.kernel.event import Event
from app.kernel.filling import filling, roomy
from app.kernel.uow import UnitOfWork

CHUNK = 10_000
DIGESTS = ("member_digest", "listed_digest")
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
    """External id to internal key, and to public id of those that are known or new."""

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
    if not run.is_baseline and not found.is_to_be_written:
        return
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
        groups=_store(uow, Group, source, run, found.groups, _member_columns(found)),
    )
    _store_member_digests(uow, found)
    _store_memberships(done)
    _store_nestings(uow, run, found, done.groups)
    _follow(done)
    if run.is_baseline:
        _tell_baseline(done)
    else:
        _tell_changes(done)
    _correlate(done)


def _follow(done: Done) -> None:
    """Derive anew what follows from nestings and groups, if any of that changed."""
    found, changed = done.found, done.changed.groups.values()
    is_nested_anew = bool(found.nested or found.unnested)
    if is_nested_anew:
        following.follow_nestings(done.uow.session)
    compared = found.groups.compared
    is_led_anew = compared.appeared or compared.ended
    if is_nested_anew or is_led_anew or any(following.LEADING & set(some) for some in changed):
        following.follow_reach(done.uow.session)


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
    for some in bulk.chunks(list(changed), CHUNK):
        for row in uow.session.execute(sa.select(model.__table__).where(model.id.in_(some))):
            name = changed[row.id]
            after = records.columns(name)
            before = {key: getattr(row, key) for key in after}
            fields[name] = reconcile.parts_changed(before, after)
    return fields


def _store(
    uow: UnitOfWork,
    model: type[Account] | type[Group],
    source: Source,
    run: SyncRun,
    records: Records,
    more: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> Keys:
    """Write accounts or groups; `more` holds columns of new ones that the source does not tell."""
    compared, known, at = records.compared, records.known, _seen_at(uow, run)
    made = dict(zip(compared.appeared, uow.ids.many(len(compared.appeared)), strict=True))
    columns: dict[str, repeat[Any]] = {
        "source_id": repeat(source.id),
        "first_seen_at": repeat(at),
    }
    keys = _insert(uow, model, records, made, columns, more)
    updates: list[dict[str, Any]] = [
        {"id": known[name].id, "ended_at": None, **records.row(name)} for name in compared.changed
    ]
    if updates:
        past.keep(uow, model, updates, at=at, run_id=run.id)
        uow.session.execute(sa.update(model), updates)
    ended = [{"id": known[name].id, "ended_at": at} for name in compared.ended]
    if ended:
        uow.session.execute(sa.update(model), ended)
    public_ids = {**{name: each.public_id for name, each in known.items()}, **made}
    return Keys({**records.keys(), **keys} if keys else records.keys(), public_ids)


def _seen_at(uow: UnitOfWork, run: SyncRun) -> datetime:
    """Return when what a run shows was true: at its end, also if it was accepted only later."""
    return run.ended_at or uow.now


def _insert(
    uow: UnitOfWork,
    model: type[Account] | type[Group],
    records: Records,
    made: Mapping[str, str],
    same: Mapping[str, "repeat[Any]"],
    more: Mapping[str, Mapping[str, Any]],
) -> dict[str, int]:
    """Insert new accounts or groups, by the thousand; return their keys."""
    table = cast("sa.Table", model.__table__)
    keys: dict[str, int] = {}
    if made:
        uow.touch(model)
        taken = bulk.next_keys(uow.session, table, len(made))
        keys = dict(zip(made, taken, strict=True))
    with filling(uow.session, table, len(made)):
        for some in bulk.chunks(list(made), CHUNK):
            rows = [{**records.row(name), **more.get(name, {})} for name in some]
            columns: dict[str, Iterable[Any]] = {
                "id": [keys[name] for name in some],
                "public_id": [made[name] for name in some],
                "external_id": some,
                **same,
                **{name: [row[name] for row in rows] for name in rows[0]},
            }
            bulk.insert(uow.session, table, columns)
    return keys


def _member_columns(found: Difference) -> dict[str, dict[str, Any]]:
    """Return what is known of the members of new groups."""
    return {
        name: {
            **dict(zip(DIGESTS, found.member_digests.get(name, (None, None)), strict=True)),
            "unknown_members": found.unknown.get(name) or None,
        }
        for name in found.groups.compared.appeared
    }


def _store_member_digests(uow: UnitOfWork, found: Difference) -> None:
    known = found.groups.known
    rows = [
        {"id": known[name].id, **dict(zip(DIGESTS, digests, strict=True))}
        for name, digests in found.member_digests.items()
        if name in known
    ]
    if rows:
        uow.session.execute(sa.update(Group), rows)
    unknown = [
        {"id": known[name].id, "unknown_members": lines or None}
        for name, lines in found.unknown.items()
        if name in known
    ]
    if unknown:
        uow.session.execute(sa.update(Group), unknown)


def _store_memberships(done: Done) -> None:
    uow, found = done.uow, done.found
    changes = len(found.joined) + len(found.left)
    with roomy(uow.session, 0 if done.run.is_baseline else changes):
        if found.joined:
            _insert_memberships(done)
        if found.left:
            _end(uow, Membership, found.left.keys.tolist(), done.run)
    if found.primary:
        rows = [{"id": key, "is_primary": value} for key, value in found.primary.items()]
        uow.session.execute(sa.update(Membership), rows)


def _insert_memberships(done: Done) -> None:
    """Insert in the order of the first index, so that it grows at its end."""
    uow, joined = done.uow, done.found.joined
    group_keys, account_keys = joined.numbered(done.groups.key, done.accounts.key)
    order = np.lexsort((account_keys, group_keys))
    group_places = joined.group_places[order]
    group_keys, account_keys = group_keys[order], account_keys[order]
    is_primary = joined.is_primary[order].astype(np.bool_)
    reasons = {
        place: done.provenance(joined.groups[place]) for place in distinct(group_places).tolist()
    }
    uow.touch(Membership)
    table = cast("sa.Table", Membership.__table__)
    with filling(uow.session, table, len(joined)):
        for reason, mine in _by_reason(reasons, group_places):
            bulk.insert(
                uow.session,
                table,
                {
                    "group_id": group_keys[mine],
                    "account_id": account_keys[mine],
                    "is_primary": is_primary[mine],
                    "valid_from": repeat(_seen_at(uow, done.run)),
                    "run_from": repeat(done.run.id),
                    "provenance": repeat(reason),
                },
            )


def _by_reason(
    reasons: Mapping[int, Provenance], group_places: Numbers
) -> Iterator[tuple[Provenance, Any]]:
    """Return which rows have which reason; mostly all have the same."""
    if len(set(reasons.values())) == 1:
        yield next(iter(reasons.values())), slice(None)
        return
    for reason in sorted(set(reasons.values())):
        places = [place for place, each in reasons.items() if each == reason]
        yield reason, np.isin(group_places, places)


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
    for some in bulk.chunks(sorted(keys)):
        uow.session.execute(
            sa.update(model)
            .where(bulk.among(uow.session, model.id, some))
            .values(valid_to=at, run_to=run.id)
            .execution_options(synchronize_session=False)
        )


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
    uow.record_all(
        events.GroupLoaded(
            subject=done.groups.public_id[name],
            members=members.accounts + members.groups,
            digest=members.digest.hex(),
            **at,
        )
        for name, members in found.members.items()
    )


def _tell_changes(done: Done) -> None:
    _tell_accounts(done)
    _tell_groups(done)
    done.uow.record_all(_told_of_nestings(done))
    done.uow.record_all(_told_of_memberships(done))


def _told_of_nestings(done: Done) -> Iterator[Event]:
    found, group_id, run = done.found, done.groups.public_id, done.run.public_id
    for parent, child in found.nested:
        yield events.NestingAppeared(subject=group_id[child], group=group_id[parent], run=run)
    for parent, child in found.unnested:
        yield events.NestingEnded(subject=group_id[child], group=group_id[parent], run=run)


def _told_of_memberships(done: Done) -> Iterator[Event]:
    found, group_id, run = done.found, done.groups.public_id, done.run.public_id
    account_id = _public_ids(done)
    reasons: dict[str, str] = {}
    for group, account in found.joined:
        if group not in reasons:
            reasons[group] = done.provenance(group).value
        yield events.MembershipAppeared(
            subject=account_id[account],
            group=group_id[group],
            provenance=reasons[group],
            ref=None,
            run=run,
        )
    for group, account in found.left:
        yield events.MembershipEnded(
            subject=account_id[account], group=group_id[group], ref=None, run=run
        )


def _public_ids(done: Done) -> Mapping[str, str]:
    """Return the public ids of the accounts that joined or left a group."""
    found, had = done.found, done.accounts.public_id
    names = {account for some in (found.joined, found.left) for _, account in some} - had.keys()
    if not names:
        return had
    keys = [done.accounts.key[name] for name in names if name in done.accounts.key]
    chosen = sa.select(Account.external_id, Account.public_id)
    rows: list[Any] = []
    for some in bulk.chunks(sorted(keys)):
        rows += bulk.fetch(
            done.uow.session, chosen.where(bulk.among(done.uow.session, Account.id, some))
        )
    for others in bulk.chunks(sorted(names - done.accounts.key.keys()), FEW):
        mine = sa.and_(Account.source_id == done.source.id, Account.external_id.in_(others))
        rows += bulk.fetch(done.uow.session, chosen.where(mine))
    return {**had, **dict(rows)}


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
