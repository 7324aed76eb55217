"""Which memberships a read begins and ends, found in arrays of numbers, not in objects.

Only groups whose list differs from the stored one are looked at. Accounts and groups are numbered
by their place for the time of the comparison; a membership is one number of both.
"""

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.directory.gathered import ACCOUNT, GROUP, PRIMARY, Listed
from app.directory.known import FEW
from app.directory.models import Account, Group, Membership
from app.directory.reconcile import Known, Members
from app.kernel import bulk
from app.kernel.bulk import Numbers
from app.kernel.distinct import distinct

HALF = 32
LOW = (1 << HALF) - 1
NOBODY = -1

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Many (group, account), by external ids.

    Attributes:
        groups: External ids that places of groups stand for.
        accounts: External ids that places of accounts stand for.
        places: One number for each pair: the group's place in the upper half, the account's below.
        keys: Of those that are stored, their keys.
        is_primary: Of those that are new, whether it is the account's primary group.
    """

    groups: Sequence[str]
    accounts: Sequence[str]
    places: Numbers
    keys: Numbers
    is_primary: Numbers

    def more(self, stored: Mapping[Pair, int]) -> "Pairs":
        """Return these and a few others that are stored, with their keys."""
        if not stored:
            return self
        groups = [*self.groups, *(group for group, _ in stored)]
        accounts = [*self.accounts, *(account for _, account in stored)]
        first = np.arange(len(stored)) + len(self.groups)
        second = np.arange(len(stored)) + len(self.accounts)
        keys = np.fromiter(stored.values(), np.int64, len(stored))
        return Pairs(
            groups,
            accounts,
            np.concatenate([self.places, (first << HALF) | second]),
            np.concatenate([self.keys, keys]),
            self.is_primary,
        )

    def without(self, accounts: Collection[str]) -> "Pairs":
        """Return these but for those of some accounts."""
        spared = [place for place, name in enumerate(self.accounts) if name in accounts]
        kept = ~np.isin(self.places & LOW, np.array(spared, np.int64))
        return replace(self, places=self.places[kept], keys=self.keys[kept])

    def __len__(self) -> int:
        return len(self.places)

    @property
    def group_places(self) -> Numbers:
        """The place of each pair's group."""
        return self.places >> HALF

    def names_of_groups(self) -> list[str]:
        """Return each group in them once."""
        return [self.groups[place] for place in distinct(self.group_places)]

    def numbered(
        self, groups: Mapping[str, int], accounts: Mapping[str, int]
    ) -> tuple[Numbers, Numbers]:
        """Return the keys of the group and of the account of each pair."""
        group_keys = _keys_at(self.group_places, self.groups, groups)
        return group_keys, _keys_at(self.places & LOW, self.accounts, accounts)

    def __iter__(self) -> Iterator[Pair]:
        groups, accounts = self.groups, self.accounts
        for start in range(0, len(self.places), bulk.AT_ONCE):
            for place in self.places[start : start + bulk.AT_ONCE].tolist():
                yield groups[place >> HALF], accounts[place & LOW]


def _keys_at(places: Numbers, names: Sequence[str], keys: Mapping[str, int]) -> Numbers:
    """Return the key of whoever stands at each place; only those that occur need to have one."""
    there = distinct(places)
    found = np.zeros(len(names), np.int64)
    found[there] = [keys[names[place]] for place in there.tolist()]
    return found[places]


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the memberships of the groups that were looked at.

    Attributes:
        joined: New ones.
        left: Ended ones.
        primary: Keys of those whose being the primary group changed, with the new value.
        again: Groups with memberships that were read back after the read began, and differ.
        members: What is known of the members of each group that was looked at and read.
    """

    joined: Pairs
    left: Pairs
    primary: Mapping[int, bool]
    again: frozenset[str]
    members: Mapping[str, Members]


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look, and how closely.

    Attributes:
        session: To look with.
        source_id: Whose.
        begun_at: When the read began.
        accounts: Gives the keys of stored accounts, by external id.
        groups: All stored groups.
        shown_accounts: Those that there are now.
        shown_groups: Those that there are now.
        lists: All that was read.
        names: The groups whose members may differ.
    """

    session: Session
    source_id: int
    begun_at: datetime
    accounts: Callable[[], Mapping[str, int]]
    groups: Mapping[str, Known]
    shown_accounts: Container[str]
    shown_groups: Container[str]
    lists: Mapping[str, Listed]
    names: Sequence[str]


class _Places(dict[str, int]):
    """External id of an account to its place; whoever is asked for first gets the next one."""

    def __init__(self, shown: Container[str]) -> None:
        super().__init__()
        self.names: list[str] = []
        self._shown = shown

    def __missing__(self, name: str) -> int:
        place = len(self.names) if name in self._shown else NOBODY
        if place != NOBODY:
            self.names.append(name)
        self[name] = place
        return place


def find(look: Look) -> Found:
    """Compare the members of groups with the stored ones."""
    places = _Places(look.shown_accounts)
    shown, is_primary, members = _shown(look, places)
    if any(name in look.groups for name in look.names):
        stored = _stored(look, places)
    else:
        stored = np.empty((4, 0), np.int64)
    pairs, keys, was_primary, is_newer = stored
    at, stays = _found_in(shown, pairs)
    gone = ~stays
    again = {look.names[place] for place in np.unique(pairs[gone & (is_newer != 0)] >> HALF)}
    left = gone & (is_newer == 0)
    primary = _primary(is_primary[at[stays]], keys[stays], was_primary[stays])
    new = np.ones(len(shown), np.bool_)
    new[at[stays]] = False
    if new.any():
        ended = _ended_since(look, places)
        again |= {
            look.names[place] for place in np.unique(shown[new & np.isin(shown, ended)] >> HALF)
        }
        new &= ~np.isin(shown, ended)
    none = np.empty(0, np.int64)
    names = look.names
    return Found(
        joined=Pairs(names, places.names, shown[new], none, is_primary[new]),
        left=Pairs(names, places.names, pairs[left], keys[left], none),
        primary=primary,
        again=frozenset(again),
        members=members,
    )


def _shown(look: Look, places: _Places) -> tuple[Numbers, Numbers, dict[str, Members]]:
    """Return the pairs that the lists show, in rising order, and which are of a primary group."""
    plain: list[Numbers] = []
    primary: list[Numbers] = []
    members: dict[str, Members] = {}
    for place, name in enumerate(look.names):
        listed = look.lists.get(name)
        if listed is None:
            continue
        settled = listed.settled()
        inside = settled.members
        unknown: set[str] = set()
        for kind, word, into in (
            (inside.accounts, ACCOUNT, plain),
            (inside.primary, PRIMARY, primary),
        ):
            found = np.fromiter(map(places.__getitem__, kind), np.int64, len(kind))
            known = found != NOBODY
            if not known.all():
                unknown |= {word + kind[each] for each in np.flatnonzero(~known)}
                found = found[known]
            into.append(found | (place << HALF))
        holders = len(plain[-1]) + len(primary[-1])
        nobody = {GROUP + each for each in inside.groups if each not in look.shown_groups}
        members[name] = Members(
            settled.digest,
            holders,
            len(inside.groups) - len(nobody),
            frozenset(unknown | nobody),
            is_each_once=(listed.accounts, listed.groups) == (settled.accounts, settled.groups),
        )
    ordinary, special = _joined(plain), _joined(primary)
    everyone = np.concatenate([ordinary, special])
    order = np.argsort(everyone, kind="stable")
    is_primary = np.zeros(len(everyone), np.int64)
    is_primary[len(ordinary) :] = 1
    return everyone[order], is_primary[order], members


def _joined(parts: list[Numbers]) -> Numbers:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _found_in(shown: Numbers, pairs: Numbers) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return where each pair stands among those shown, which rise, and which stand there at all."""
    if not len(shown):
        return np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.bool_)
    at = np.minimum(np.searchsorted(shown, pairs), len(shown) - 1)
    return at, shown[at] == pairs


def _primary(is_now: Numbers, keys: Numbers, was_primary: Numbers) -> dict[int, bool]:
    other = (is_now != 0) != (was_primary != 0)
    return {int(key): bool(now) for key, now in zip(keys[other], is_now[other], strict=True)}


def _stored(look: Look, places: _Places) -> Numbers:
    """Return the open memberships of the groups looked at: pair, key, primary, newer."""
    groups = {look.groups[name].id: at for at, name in enumerate(look.names) if name in look.groups}
    newer = sa.and_(Membership.run_from.is_(None), Membership.valid_from > look.begun_at)
    found: bulk.Wanted = sa.select(
        Membership.id, Membership.group_id, Membership.account_id, Membership.is_primary, newer
    ).where(Membership.valid_to.is_(None))
    if len(groups) <= FEW:
        found = found.where(Membership.group_id.in_(list(groups)))
    else:
        mine = sa.select(Group.id).where(Group.source_id == look.source_id)
        found = found.where(Membership.group_id.in_(mine))
    keys, group_keys, account_keys, primary, is_newer = bulk.numbers(look.session, found, 5)
    group_places, wanted = _placed(group_keys, groups)
    account_places = _accounts_placed(look, places, account_keys[wanted])
    pairs = (group_places[wanted] << HALF) | account_places
    return np.stack([pairs, keys[wanted], primary[wanted], is_newer[wanted]])


def _accounts_placed(look: Look, places: _Places, keys: Numbers) -> Numbers:
    """Return the places of stored accounts; those that no list named get one of their own."""
    stored = look.accounts()
    known = {
        key: place
        for place, name in enumerate(places.names)
        if (key := stored.get(name)) is not None
    }
    found, is_known = _placed(keys, known)
    if not is_known.all():
        rest = set(np.unique(keys[~is_known]).tolist())
        names = {key: name for name, key in stored.items() if key in rest}
        for some in bulk.chunks(sorted(rest - names.keys()), FEW):
            rows = look.session.execute(
                sa.select(Account.id, Account.external_id).where(Account.id.in_(some))
            )
            names.update((key, name) for key, name in rows)
        for key in sorted(rest):
            known[key] = len(places.names)
            places.names.append(names[key])
        found, _ = _placed(keys, known)
    return found


def _placed(keys: Numbers, places: Mapping[int, int]) -> tuple[Numbers, Any]:
    """Return the place of each key, and which of them have one."""
    if not places:
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), np.bool_)
    known = np.fromiter(places.keys(), np.int64, len(places))
    order = np.argsort(known)
    known = known[order]
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    values = np.fromiter(places.values(), np.int64, len(places))[order]
    return values[at], known[at] == keys


def _ended_since(look: Look, places: _Places) -> Numbers:
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
    ).all()
    if not rows:
        return np.empty(0, np.int64)
    groups = {name: place for place, name in enumerate(look.names)}
    found = [
        groups[group] << HALF | places[account]
        for group, account in rows
        if group in groups and places.get(account, NOBODY) != NOBODY
    ]
    return np.array(found, np.int64)
