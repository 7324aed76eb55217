"""What a complete read would change in the store, found in a constant number of statements.

Nothing is written here. What was read back by provisioning after a read began is newer than that
read; such memberships and accounts are left alone, and the next read looks at them again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import count
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy.orm import Session, aliased

from app.directory import known, memberships, reconcile
from app.directory.gathered import GROUP, Listed, Settled, digest, packed, together
from app.directory.known import FEW
from app.directory.memberships import Look, Pair, Pairs
from app.directory.models import Group, Membership, Nesting
from app.directory.population import RULES_UNREADABLE, Read
from app.directory.quarantine import Unshown, standing
from app.directory.reconcile import Compared, Known, Members
from app.kernel import bulk
from app.kernel.uow import Reading
from connectors.records import Group as ShownGroup
from connectors.records import Problem

Columns = Callable[[str], dict[str, Any]]
Digests = tuple[bytes | None, bytes | None]


@dataclass(frozen=True, slots=True)
class Records:
    """What became of the accounts, or of the groups, of a source.

    Attributes:
        known: What is stored of those that appeared again, changed or ended, by external id; of
            groups also of the others, ended ones included.
        compared: Which appeared, changed, ended.
        columns: Gives the columns of one that was read, by external id.
        shown: Digest of each that was read, or that stands as it is.
        told: External ids of those read.
        newer: Those read back after the read began.
        keys: Gives the key of each that is stored and has not ended, or is among the known.
    """

    known: Mapping[str, Known]
    compared: Compared
    columns: Columns
    shown: Mapping[str, bytes]
    told: Collection[str]
    newer: Collection[str]
    keys: Callable[[], Mapping[str, int]]

    def row(self, name: str) -> dict[str, Any]:
        """Return the columns of one that was read, its digest included."""
        return {**self.columns(name), "digest": self.shown[name]}


@dataclass(frozen=True, slots=True)
class Difference:
    """All that a read would change, by external ids.

    Attributes:
        accounts: What became of accounts.
        groups: What became of groups.
        joined: New memberships.
        left: Ended memberships.
        primary: Keys of memberships whose being the primary group changed, with the new value.
        nested: (parent, child) of new nestings.
        unnested: (parent, child) of ended nestings, with their keys.
        member_digests: Groups whose digests of members have to be written, settled and as listed;
            None asks the next read to look again.
        again: Groups with memberships that were read back after the read began, and differ.
        unknown: Groups whose members that nobody knows are others now, with those.
        members: The direct members of every group read.
        shown_groups: Every group as read.
        problems: What could not be used.
        is_part: Whether it speaks of a part of the source only.
    """

    accounts: Records
    groups: Records
    joined: Pairs
    left: Pairs
    primary: Mapping[int, bool]
    nested: Sequence[Pair]
    unnested: Mapping[Pair, int]
    member_digests: Mapping[str, Digests]
    again: frozenset[str]
    unknown: Mapping[str, Sequence[str]]
    members: Mapping[str, Members]
    shown_groups: Mapping[str, ShownGroup]
    problems: tuple[Problem, ...]
    is_part: bool = False

    @property
    def is_left_alone(self) -> bool:
        """Whether it was contradicted by what was read back meanwhile, and has to be told again."""
        told = self.accounts.told
        return bool(self.again) or any(name in told for name in self.accounts.newer)

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

    @property
    def may_have_unread(self) -> bool:
        """Whether members of some group may not have been read so far."""
        return self.is_part or any(each.is_unread for each in self.groups.known.values())

    @property
    def least_memberships(self) -> int:
        """How many memberships are open in the groups that were read; there may be others."""
        shown = sum(each.accounts for each in self.members.values())
        return max(0, shown - len(self.joined)) + len(self.left)

    @property
    def is_to_be_written(self) -> bool:
        """Whether anything of the store is to change, be it only what the next read needs."""
        return bool(not self.is_empty or self.primary or self.member_digests or self.unknown)

    def counts(self) -> dict[str, int]:
        """Return what was shown and what changes, for the run's record and the ledger."""
        return {
            "accounts": len(self.accounts.shown),
            "groups": len(self.groups.shown),
            "memberships": sum(each.accounts for each in self.members.values()),
            "nestings": sum(each.groups for each in self.members.values()),
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

    @cache
    def places() -> dict[str, int]:
        return dict(zip(read.accounts.names, count(), strict=False))

    shown_groups = {each.external_id: each for each in _with_known_rules(session, source_id, read)}
    known_groups = known.groups(session, source_id, part.groups if part else None)
    unshown = _unshown(read, part)
    read_groups = {name: digest(packed(each)) for name, each in shown_groups.items()}
    hidden = _of_kinds(session, source_id, unshown.kinds)
    kept_groups = standing(known_groups, read_groups, unshown.groups, hidden)
    unread = {*unread, *kept_groups}
    accounts, kept = _accounts(
        Store(session, source_id, begun_at),
        dict(zip(read.accounts.names, read.accounts.digests, strict=True)),
        lambda name: reconcile.account_columns(read.accounts[places()[name]]),
        part,
        unshown.accounts,
    )
    groups = _records(
        known_groups,
        read_groups,
        lambda name: reconcile.group_columns(shown_groups[name]),
        part.gone_groups if part else None,
        kept_groups,
    )
    told = together(each for each in read.lists if each.group_id not in unread)
    lists = {name: each for name, each in told.items() if name in groups.shown}
    look = Look(
        session=session,
        source_id=source_id,
        begun_at=begun_at,
        accounts=accounts.keys,
        groups=groups.known,
        shown_accounts=accounts.shown,
        shown_groups=groups.shown,
        lists=lists,
        names=(),
    )
    names, same = _groups_to_look_at(look, groups, accounts, is_full=is_full)
    look = replace(look, names=names)
    found = memberships.find(look)
    nested, unnested = _nestings(look)
    left, again = found.left, set(found.again)
    if unshown.is_anybody:  # no list can name them, so that none says that they left
        left = left.without(kept)
        again.update(set(found.left.names_of_groups()) - set(left.names_of_groups()))
    if unread:  # what is gone altogether is in no group any more, whoever cannot be asked
        left = left.more(_left_behind(session, accounts, groups, unread))
        unnested |= _unnested_behind(session, groups, unread)
    members = {name: found.members.get(name) or same[name] for name in lists}
    problems = _problems(told, members)
    if is_full:
        problems += _disagreeing(look, groups, found)
    return Difference(
        accounts=accounts,
        groups=groups,
        joined=found.joined,
        left=left,
        primary=found.primary,
        nested=nested,
        unnested=unnested,
        member_digests=_digests(groups, look, found, again),
        again=found.again,
        unknown=_unknown(groups, members),
        members=members,
        shown_groups=shown_groups if part is None else {**part.standing, **shown_groups},
        problems=problems,
        is_part=part is not None,
    )


def first_of_kind(reading: Reading, source_id: int, found: Difference) -> set[str]:
    """Return new groups of kinds that a source was never seen to have, by external id.

    Only of those that cannot be changed there: a right that was given to us, or a version of ours
    that reads more, shows them all at once, and who is in them has been there before.
    """
    new = {name: found.shown_groups[name] for name in found.groups.compared.appeared}
    kinds = {each.kind for each in new.values() if not each.is_writable}
    if not kinds:
        return set()
    seen = reading.session.scalars(
        sa.select(Group.kind).where(Group.source_id == source_id, Group.kind.in_(kinds)).distinct()
    )
    kinds -= {*seen}
    return {name for name, each in new.items() if not each.is_writable and each.kind in kinds}


def _with_known_rules(session: Session, source_id: int, read: Read) -> Iterable[ShownGroup]:
    """Let groups keep their rules if the source shows none: what may not be seen is not gone."""
    told = read.report.problems if read.report is not None else ()
    if all(each.code != RULES_UNREADABLE for each in told):
        return read.groups
    chosen = sa.select(Group.external_id, Group.rule).where(
        Group.source_id == source_id, Group.rule.is_not(None), Group.ended_at.is_(None)
    )
    rules = {row.external_id: row.rule for row in session.execute(chosen)}
    return [
        structs.replace(each, rule=each.rule or rules.get(each.external_id)) for each in read.groups
    ]


@dataclass(frozen=True, slots=True)
class Store:
    """Where accounts are looked for, and since when they may have been read back."""

    session: Session
    source_id: int
    begun_at: datetime


def _accounts(
    store: Store,
    read: dict[str, bytes],
    columns: Columns,
    part: Part | None,
    odd: Collection[str],
) -> tuple[Records, Mapping[str, bytes]]:
    """Compare accounts: of a whole source side by side, else one by one.

    Returns:
        What became of them, and which stand though they were not shown.
    """
    session, source_id, begun_at = store.session, store.source_id, store.begun_at
    if part is not None or odd:
        names, gone = (part.accounts, part.gone_accounts) if part is not None else (None, None)
        was = known.accounts(session, source_id, begun_at, names)
        kept = standing(was, read, odd)
        return _records(was, read, columns, gone, kept), kept
    live = known.live_accounts(session, source_id, begun_at, read)
    was, compared = known.compare(session, source_id, begun_at, live, read)
    found = Records(
        was,
        compared,
        columns,
        read,
        read.keys(),
        newer=[*live.newer(), *(name for name, each in was.items() if each.is_newer)],
        keys=cache(lambda: _keys(live, was)),
    )
    return found, {}


def _keys(live: known.Live, was: Mapping[str, Known]) -> dict[str, int]:
    found = live.by_name()
    found.update((name, each.id) for name, each in was.items())
    return found


def _records(
    was: dict[str, Known],
    read: dict[str, bytes],
    columns: Columns,
    gone: Collection[str] | None = None,
    kept: Mapping[str, bytes] = MappingProxyType({}),
) -> Records:
    """Compare records; of a part of a source, only what is gone ends, and the rest stands.

    What is `kept` stands too, though it was not read.
    """
    shown = {**read, **kept} if kept else read
    if gone is not None:
        shown = read | {
            name: each.digest
            for name, each in was.items()
            if not each.is_ended and name not in gone and name not in read
        }
    return Records(
        was,
        reconcile.compare(was, shown),
        columns,
        shown,
        read.keys(),
        newer=[name for name, each in was.items() if each.is_newer],
        keys=cache(lambda: {name: each.id for name, each in was.items()}),
    )


def _unshown(read: Read, part: Part | None) -> Unshown:
    """Return what a whole read could not show; a part of a source ends only what it names."""
    told = read.report.problems if read.report is not None and part is None else ()
    return Unshown.of(told)


def _of_kinds(session: Session, source_id: int, kinds: Collection[str]) -> frozenset[str]:
    """Return the external ids of all groups of some kinds."""
    if not kinds:
        return frozenset()
    wanted = sa.select(Group.external_id).where(
        Group.source_id == source_id, Group.kind.in_(sorted(kinds)), Group.ended_at.is_(None)
    )
    return frozenset(session.scalars(wanted))


def _groups_to_look_at(
    look: Look, groups: Records, accounts: Records, *, is_full: bool
) -> tuple[list[str], dict[str, Members]]:
    """Return the groups whose members may be others than the stored ones, and the others' members.

    A list that is as it was still says something new if somebody in it came to be known, or ended.
    """
    looked_at = dict.fromkeys(groups.compared.ended)
    holders = _holders(look, accounts, groups)
    same: dict[str, Members] = {}
    for name, found in look.lists.items():
        was = groups.known.get(name)
        members = None
        if (
            not is_full
            and was is not None
            and was.id not in holders
            and not (
                was.unknown and reconcile.would_be_known(was.unknown, accounts.shown, groups.shown)
            )
        ):
            members = _unchanged(was, found)
        if members is None:
            looked_at[name] = None
        else:
            same[name] = members
    return list(looked_at), same


def _unchanged(was: Known, listed: Listed) -> Members | None:
    """Return what is known of a list that is as it was, or None if it is not.

    If it is told as it was told, that is seen at once; else it has to be settled.
    """
    if was.member_digest is None:
        return None
    found: Listed | Settled = listed
    if was.listed_digest != listed.digest:
        found = listed.settled()
        if was.member_digest != found.digest:
            return None
    if not was.unknown:
        return Members(was.member_digest, found.accounts, found.groups)
    unknown = frozenset(was.unknown)
    inner = sum(each.startswith(GROUP) for each in unknown)
    holders = found.accounts - len(unknown) + inner
    return Members(was.member_digest, holders, found.groups - inner, unknown)


def _holders(look: Look, accounts: Records, groups: Records) -> set[int]:
    """Return the keys of the groups that somebody is in who has ended now."""
    found: set[int] = set()
    for ended, stored, inside, where in (
        (accounts.compared.ended, accounts.known, Membership.account_id, Membership.group_id),
        (groups.compared.ended, groups.known, Nesting.child_id, Nesting.parent_id),
    ):
        model = inside.class_
        for some in bulk.chunks([stored[name].id for name in ended], FEW):
            found.update(
                look.session.scalars(
                    sa.select(where).where(inside.in_(some), model.valid_to.is_(None)).distinct()
                )
            )
    return found


def _digests(
    groups: Records, look: Look, found: memberships.Found, again: Collection[str]
) -> dict[str, Digests]:
    """Return the digests of members that have to be written.

    A list as it is told is only worth knowing if nobody is in it twice: its lines are counted.
    """
    digests: dict[str, Digests] = {}
    for name in look.names:
        was = groups.known.get(name)
        wanted: Digests = (None, None)
        if name in look.lists and name not in again:
            listed, members = look.lists[name], found.members[name]
            wanted = (members.digest, listed.digest if members.is_each_once else None)
        if was is None or (was.member_digest, was.listed_digest) != wanted:
            digests[name] = wanted
    return digests


def _problems(lists: Mapping[str, Listed], members: Mapping[str, Members]) -> tuple[Problem, ...]:
    """Tell those whom nobody knows; they are not dropped."""
    text = "Members of a group were listed that is not among the groups."
    odd = [Problem("unknown_group", text, name) for name in lists if name not in members]
    for name, each in members.items():
        if each.unknown:
            text = f"{len(each.unknown)} members are neither accounts nor groups that were read."
            odd.append(Problem("unknown_member", text, name))
    return tuple(odd)


def _disagreeing(look: Look, groups: Records, found: memberships.Found) -> tuple[Problem, ...]:
    """Tell of groups whose stored digest says that nothing changed, and whose rows say otherwise.

    Only a full read looks at them. It mends them as any difference, but nobody should have to.
    """
    touched = {*found.joined.names_of_groups(), *found.left.names_of_groups()}
    # Whoever has ended leaves a list that is as it was: that is no disagreement.
    touched -= {group for group, account in found.left if account not in look.shown_accounts}
    text = "Its stored members were not those its digest was taken over; this read mends them."
    return tuple(
        Problem("digest_disagrees", text, name)
        for name in sorted(touched)
        if name in groups.known
        and name in look.lists
        and name not in found.again
        and groups.known[name].member_digest == found.members[name].digest
        and not groups.known[name].unknown
    )


def _unknown(groups: Records, members: Mapping[str, Members]) -> dict[str, Sequence[str]]:
    """Return, of the groups where they are others now, the members that nobody knows."""
    found: dict[str, Sequence[str]] = {}
    for name, each in members.items():
        stored = groups.known.get(name)
        was = stored.unknown if stored is not None else ()
        if (each.unknown or was) and each.unknown != set(was):
            found[name] = sorted(each.unknown)
    return found


def _left_behind(
    session: Session, accounts: Records, groups: Records, unread: Collection[str]
) -> dict[Pair, int]:
    """Return the memberships of ended accounts in groups whose members were not read."""
    ended = {accounts.known[name].id: name for name in accounts.compared.ended}
    inside = {groups.known[name].id: name for name in unread if name in groups.known}
    found = {}
    for some in bulk.chunks(sorted(ended), FEW):
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
    for some in bulk.chunks(sorted(ended), FEW):
        rows = session.execute(
            sa.select(Nesting.id, Nesting.parent_id, Nesting.child_id).where(
                Nesting.valid_to.is_(None),
                Nesting.child_id.in_(some),
                Nesting.parent_id.in_(list(inside)),
            )
        )
        found.update({(inside[parent], ended[child]): key for key, parent, child in rows})
    return found


def _nestings(look: Look) -> tuple[list[Pair], dict[Pair, int]]:
    """Return which nestings appeared, and which ended."""
    shown = {
        (name, child)
        for name in look.names
        if name in look.lists and look.lists[name].groups
        for child in look.lists[name].members.groups
        if child in look.shown_groups
    }
    unnested: dict[Pair, int] = {}
    if any(name in look.groups for name in look.names):
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
