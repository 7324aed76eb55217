"""What a complete read would change in the store, found in a constant number of statements.

Nothing is written here. What was read back by provisioning after a read began is newer than that
read; such memberships and accounts are left alone, and the next read looks at them again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.directory import reconcile
from app.directory.models import Account, Group, Membership, Nesting
from app.directory.population import Read
from app.directory.reconcile import Compared, Known, Members
from connectors.records import Group as ShownGroup
from connectors.records import Problem

FEW = 500  # up to so many groups are named in a statement; for more, the whole source is read

Pair = tuple[str, str]
Rows = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Records:
    """What became of the accounts, or of the groups, of a source.

    Attributes:
        known: Everything stored, by external id, ended ones included.
        compared: Which appeared, changed, ended.
        rows: Columns of each that appeared or changed, its digest included.
        shown: Digest of each that was read, or that stands as it is.
        told: External ids of those read.
    """

    known: Mapping[str, Known]
    compared: Compared
    rows: Rows
    shown: Mapping[str, bytes]
    told: Collection[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """All that a read would change, by external ids.

    Attributes:
        accounts: What became of accounts.
        groups: What became of groups.
        joined: (group, account) of new memberships, with whether it is the primary group.
        left: (group, account) of ended memberships, with their keys.
        primary: Keys of memberships whose being the primary group changed, with the new value.
        nested: (parent, child) of new nestings.
        unnested: (parent, child) of ended nestings, with their keys.
        member_digests: Groups whose digest of members has to be written; None asks the next read
            to look again.
        again: Groups with memberships that were read back after the read began, and differ.
        unknown: Groups whose members that nobody knows are others now, with those.
        members: The direct members of every group read.
        shown_groups: Every group as read.
        problems: What could not be used.
    """

    accounts: Records
    groups: Records
    joined: Mapping[Pair, bool]
    left: Mapping[Pair, int]
    primary: Mapping[int, bool]
    nested: Sequence[Pair]
    unnested: Mapping[Pair, int]
    member_digests: Mapping[str, bytes | None]
    again: frozenset[str]
    unknown: Mapping[str, Sequence[str]]
    members: Mapping[str, Members]
    shown_groups: Mapping[str, ShownGroup]
    problems: tuple[Problem, ...]

    @property
    def is_left_alone(self) -> bool:
        """Whether it was contradicted by what was read back meanwhile, and has to be told again."""
        known, told = self.accounts.known, self.accounts.told
        return bool(self.again) or any(name in known and known[name].is_newer for name in told)

    @property
    def digest(self) -> str:
        """One digest of everything read, in hexadecimal."""
        members = {group: found.digest for group, found in self.members.items()}
        return reconcile.read_digest((self.accounts.shown, self.groups.shown, members))

    @property
    def is_empty(self) -> bool:
        """Whether the store shows exactly this already."""
        return not any(
            count
            for name, count in self.counts().items()
            if name.endswith(("_appeared", "_changed", "_ended"))
        )

    def counts(self) -> dict[str, int]:
        """Return what was shown and what changes, for the run's record and the ledger."""
        return {
            "accounts": len(self.accounts.shown),
            "groups": len(self.groups.shown),
            "memberships": sum(len(each.accounts) for each in self.members.values()),
            "nestings": sum(len(each.groups) for each in self.members.values()),
            "accounts_appeared": len(self.accounts.compared.appeared),
            "accounts_changed": len(self.accounts.compared.changed),
            "accounts_ended": len(self.accounts.compared.ended),
            "groups_appeared": len(self.groups.compared.appeared),
            "groups_changed": len(self.groups.compared.changed),
            "groups_ended": len(self.groups.compared.ended),
            "memberships_appeared": len(self.joined),
            "memberships_ended": len(self.left),
            "nestings_appeared": len(self.nested),
            "nestings_ended": len(self.unnested),
        }


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a source that a delta speaks of; what it does not name stays as it is.

    Attributes:
        accounts: External ids of all accounts that it names, also as members.
        groups: The same of groups.
        gone_accounts: Those of them that were deleted.
        gone_groups: Those of them that were deleted.
        standing: The groups named that did not change, as stored.
    """

    accounts: frozenset[str]
    groups: frozenset[str]
    gone_accounts: frozenset[str]
    gone_groups: frozenset[str]
    standing: Mapping[str, ShownGroup]


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look for memberships and nestings, and how closely.

    Attributes:
        session: To look with.
        source_id: Whose.
        begun_at: When the read began.
        known: All stored groups.
        members: All that was read.
        names: The groups whose members may differ.
    """

    session: Session
    source_id: int
    begun_at: datetime
    known: Mapping[str, Known]
    members: Mapping[str, Members]
    names: Sequence[str]


def find(
    session: Session,
    source_id: int,
    read: Read,
    *,
    begun_at: datetime,
    is_full: bool,
    unread: Collection[str] = (),
    part: Part | None = None,
) -> Difference:
    """Compare a read with the store.

    Args:
        session: To look with.
        source_id: Whose read it is.
        read: What was read.
        begun_at: When the read began.
        is_full: Compare every group's members, whatever the digests say.
        unread: Groups whose members were not read to the end; they stay as they are.
        part: What the read speaks of, if that is not the whole source.
    """
    account_rows = {each.external_id: reconcile.account_columns(each) for each in read.accounts}
    shown_groups = {each.external_id: each for each in read.groups}
    group_rows = {name: reconcile.group_columns(each) for name, each in shown_groups.items()}
    known_accounts = _known_accounts(session, source_id, begun_at, part.accounts if part else None)
    known_groups = _known_groups(session, source_id, part.groups if part else None)
    accounts = _records(known_accounts, account_rows, part.gone_accounts if part else None)
    groups = _records(known_groups, group_rows, part.gone_groups if part else None)
    lists = [each for each in read.lists if each.group_id not in unread]
    members, problems = reconcile.members_of(lists, accounts.shown, groups.shown)
    if unread or part is not None:
        listed = {each.group_id for each in lists}
        members = {name: each for name, each in members.items() if name in listed}
    looked_at = _groups_to_look_at(groups, members, is_full=is_full)
    look = Look(session, source_id, begun_at, groups.known, members, looked_at)
    joined, left, primary, again = _memberships(look)
    nested, unnested = _nestings(look)
    if unread:  # what is gone altogether is in no group any more, whoever cannot be asked
        left |= _left_behind(session, accounts, groups, unread)
        unnested |= _unnested_behind(session, groups, unread)
    return Difference(
        accounts=accounts,
        groups=groups,
        joined=joined,
        left=left,
        primary=primary,
        nested=nested,
        unnested=unnested,
        member_digests=_digests(groups, members, looked_at, again),
        again=frozenset(again),
        unknown=_unknown(groups, members),
        members=members,
        shown_groups=shown_groups if part is None else {**part.standing, **shown_groups},
        problems=problems,
    )


def _records(known: dict[str, Known], rows: Rows, gone: Collection[str] | None = None) -> Records:
    """Compare records; of a part of a source, only what is gone ends, and the rest stands."""
    shown = {name: reconcile.digest_of(columns) for name, columns in rows.items()}
    if gone is not None:
        shown |= {
            name: was.digest
            for name, was in known.items()
            if not was.is_ended and name not in gone and name not in shown
        }
    compared = reconcile.compare(known, shown)
    written = {
        name: {**rows[name], "digest": shown[name]}
        for name in (*compared.appeared, *compared.changed)
    }
    return Records(known, compared, written, shown, rows.keys())


def _known_accounts(
    session: Session, source_id: int, begun_at: datetime, names: Collection[str] | None
) -> dict[str, Known]:
    """What is stored; an account read back since then is taken for what the read shows."""
    rows = _named(
        session,
        Account.external_id,
        names,
        sa.select(
            Account.external_id,
            Account.id,
            Account.public_id,
            Account.digest,
            Account.ended_at.is_not(None),
            sa.func.coalesce(Account.observed_at > begun_at, sa.false()),
        ).where(Account.source_id == source_id),
    )
    return {
        name: Known(key, public_id, digest, is_ended=bool(ended), is_newer=bool(newer))
        for name, key, public_id, digest, ended, newer in rows
    }


def _known_groups(
    session: Session, source_id: int, names: Collection[str] | None
) -> dict[str, Known]:
    rows = _named(
        session,
        Group.external_id,
        names,
        sa.select(
            Group.external_id,
            Group.id,
            Group.public_id,
            Group.digest,
            Group.ended_at.is_not(None),
            Group.member_digest,
            Group.unknown_members,
        ).where(Group.source_id == source_id),
    )
    return {
        name: Known(
            key,
            public_id,
            digest,
            is_ended=bool(ended),
            member_digest=members,
            unknown=unknown or (),
        )
        for name, key, public_id, digest, ended, members, unknown in rows
    }


def _named(
    session: Session,
    column: Any,
    names: Collection[str] | None,
    chosen: sa.Select[*tuple[Any, ...]],
) -> Iterator[Any]:
    """Read records by name if they are few; if they are many, the whole source is read."""
    if names is not None and not names:
        return iter(())
    if names is None or len(names) > FEW:
        rows = session.execute(chosen)
        return (row for row in rows if names is None or row[0] in names)
    return iter(session.execute(chosen.where(column.in_(sorted(names)))))


def _groups_to_look_at(
    groups: Records, members: Mapping[str, Members], *, is_full: bool
) -> list[str]:
    looked_at = list(groups.compared.ended)
    for name, found in members.items():
        known = groups.known.get(name)
        if is_full or known is None or known.member_digest != found.digest:
            looked_at.append(name)
    return looked_at


def _digests(
    groups: Records,
    members: Mapping[str, Members],
    looked_at: Sequence[str],
    again: set[str],
) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for name in looked_at:
        known = groups.known.get(name)
        wanted = None if name in again or name not in members else members[name].digest
        if known is None or known.member_digest != wanted:
            found[name] = wanted
    return found


def _unknown(groups: Records, members: Mapping[str, Members]) -> dict[str, Sequence[str]]:
    """Return, of the groups where they are others now, the members that nobody knows."""
    found: dict[str, Sequence[str]] = {}
    for name, each in members.items():
        known = groups.known.get(name)
        was = known.unknown if known is not None else ()
        if (each.unknown or was) and each.unknown != set(was):
            found[name] = sorted(each.unknown)
    return found


def _memberships(
    look: Look,
) -> tuple[dict[Pair, bool], dict[Pair, int], dict[int, bool], set[str]]:
    """Return what joined, what left, what became primary or not, and whom to look at again."""
    shown = {
        (name, account): is_primary
        for name in look.names
        if name in look.members
        for account, is_primary in look.members[name].accounts.items()
    }
    wanted = set(look.names)
    left: dict[Pair, int] = {}
    primary: dict[int, bool] = {}
    again: set[str] = set()
    for key, group, account, is_primary, is_newer in _open_memberships(look):
        if group not in wanted:
            continue
        now_primary = shown.pop((group, account), None)
        if now_primary is None and is_newer:
            again.add(group)
        elif now_primary is None:
            left[group, account] = key
        elif now_primary != is_primary:
            primary[key] = now_primary
    if shown:
        for pair in _ended_since(look) & shown.keys():
            del shown[pair]
            again.add(pair[0])
    return shown, left, primary, again


def _open_memberships(look: Look) -> Sequence[Any]:
    keys = [look.known[name].id for name in look.names if name in look.known]
    if not keys:
        return ()
    newer = sa.and_(Membership.run_from.is_(None), Membership.valid_from > look.begun_at)
    found = (
        sa.select(
            Membership.id, Group.external_id, Account.external_id, Membership.is_primary, newer
        )
        .join(Group, Group.id == Membership.group_id)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.valid_to.is_(None), Group.source_id == look.source_id)
    )
    if len(keys) <= FEW:
        found = found.where(Membership.group_id.in_(keys))
    return look.session.execute(found).all()


def _ended_since(look: Look) -> set[Pair]:
    """Return what a read-back saw to have ended after the read began."""
    rows = look.session.execute(
        sa.select(Group.external_id, Account.external_id)
        .select_from(Membership)
        .join(Group, Group.id == Membership.group_id)
        .join(Account, Account.id == Membership.account_id)
        .where(
            Group.source_id == look.source_id,
            Membership.run_to.is_(None),
            Membership.valid_to.is_not(None),
            Membership.valid_to > look.begun_at,
        )
    )
    return {(group, account) for group, account in rows}


def _left_behind(
    session: Session, accounts: Records, groups: Records, unread: Collection[str]
) -> dict[Pair, int]:
    """Return the memberships of ended accounts in groups whose members were not read."""
    ended = {accounts.known[name].id: name for name in accounts.compared.ended}
    inside = {groups.known[name].id: name for name in unread if name in groups.known}
    found = {}
    for some in _parts(ended):
        rows = session.execute(
            sa.select(Membership.id, Membership.group_id, Membership.account_id).where(
                Membership.valid_to.is_(None),
                Membership.account_id.in_(some),
                Membership.group_id.in_(list(inside)),
            )
        )
        found.update({(inside[group], ended[account]): key for key, group, account in rows})
    return found


def _unnested_behind(session: Session, groups: Records, unread: Collection[str]) -> dict[Pair, int]:
    """Return the nestings of ended groups in groups whose members were not read."""
    ended = {groups.known[name].id: name for name in groups.compared.ended}
    inside = {groups.known[name].id: name for name in unread if name in groups.known}
    found = {}
    for some in _parts(ended):
        rows = session.execute(
            sa.select(Nesting.id, Nesting.parent_id, Nesting.child_id).where(
                Nesting.valid_to.is_(None),
                Nesting.child_id.in_(some),
                Nesting.parent_id.in_(list(inside)),
            )
        )
        found.update({(inside[parent], ended[child]): key for key, parent, child in rows})
    return found


def _parts(keys: Mapping[int, str]) -> Iterator[list[int]]:
    ordered = sorted(keys)
    return (ordered[start : start + FEW] for start in range(0, len(ordered), FEW))


def _nestings(look: Look) -> tuple[list[Pair], dict[Pair, int]]:
    """Return which nestings appeared, and which ended."""
    shown = {
        (name, child)
        for name in look.names
        if name in look.members
        for child in look.members[name].groups
    }
    unnested: dict[Pair, int] = {}
    if any(name in look.known for name in look.names):
        wanted = set(look.names)
        for key, parent, child in _open_nestings(look):
            if (parent, child) in shown:
                shown.discard((parent, child))
            elif parent in wanted:
                unnested[parent, child] = key
    return sorted(shown), unnested


def _open_nestings(look: Look) -> Sequence[Any]:
    parent, child = aliased(Group), aliased(Group)
    return look.session.execute(
        sa.select(Nesting.id, parent.external_id, child.external_id)
        .join(parent, parent.id == Nesting.parent_id)
        .join(child, child.id == Nesting.child_id)
        .where(Nesting.valid_to.is_(None), parent.source_id == look.source_id)
    ).all()
