"""What a read brought, held so that a million memberships fit into little memory. Pure.

An account is kept as the bytes its digest is taken over, and made anew only if something became of
it. The members of a group are kept as one text, a line each, in the order in which the source lists
them. A list that is told as it was told before is known by the digest of that text alone, without
looking at a single member.

What counts is the list settled: sorted, and whoever is listed twice once. An auditor can compute
its digest from the source without us. It speaks of the members as the source lists them, of those
that nobody knows too. Sorting a million members costs more than parsing them, so that only those
lists are settled that are told otherwise than before.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import lt
from typing import Any, Self, overload

import msgspec
from typing_extensions import override

from connectors.records import Account, AccountKind, Group, MemberKind, MemberList

DIGEST_BYTES = 16
ACCOUNT = f"{MemberKind.ACCOUNT.value} "
GROUP = f"{MemberKind.GROUP.value} "
PRIMARY = "primary "


def digest(data: bytes) -> bytes:
    """Return 128 bits over some bytes."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def packed(record: Account | Group) -> bytes:
    """Return the bytes of a record that its digest is taken over; equal records have equal ones."""
    return _WRITER.encode(record)


class Accounts(Sequence[Account]):
    """Many accounts, each as bytes.

    Attributes:
        names: External ids, in the order read.
        digests: The digest of each.
        kinds: How many there are of each kind.
    """

    __slots__ = ("_bodies", "digests", "kinds", "names")

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        """Take some in."""
        self.names: list[str] = []
        self.digests: list[bytes] = []
        self.kinds: Counter[str] = Counter()
        self._bodies: list[bytes] = []
        self.extend(accounts)

    def extend(self, accounts: Iterable[Account]) -> None:
        """Take more in."""
        some = tuple(accounts)
        write, blake2b = _WRITER.encode, hashlib.blake2b
        bodies = [write(each) for each in some]
        self._bodies += bodies
        self.digests += [blake2b(each, digest_size=DIGEST_BYTES).digest() for each in bodies]
        self.names += [each.external_id for each in some]
        kinds = [each.kind for each in some]
        self.kinds.update(
            {kind.value: number for kind in AccountKind if (number := kinds.count(kind))}
        )

    @overload
    def __getitem__(self, place: int) -> Account: ...
    @overload
    def __getitem__(self, place: slice) -> list[Account]: ...
    @override
    def __getitem__(self, place: int | slice) -> Account | list[Account]:
        if isinstance(place, slice):
            return [_ACCOUNT.decode(each) for each in self._bodies[place]]
        return _ACCOUNT.decode(self._bodies[place])

    @override
    def __len__(self) -> int:
        return len(self._bodies)

    @override
    def __iter__(self) -> Iterator[Account]:
        return map(_ACCOUNT.decode, self._bodies)


class Settled(msgspec.Struct, frozen=True, gc=False):
    """The direct members of one group sorted, whoever is listed twice once.

    Attributes:
        members: Them by kind.
        accounts: How many are accounts, those by primary group included.
        groups: How many are groups.
        digest: Over a line for each: `account`, `group` or `primary`, in this order of kinds, a
            blank and its external id. The same for the same members.
    """

    members: MemberList
    accounts: int
    groups: int
    digest: bytes

    @classmethod
    def of(cls, found: MemberList) -> Self:
        """Settle a list; one that is told so is not sorted again."""
        accounts, groups, by_primary = found.accounts, found.groups, found.primary
        if not _is_settled(found):
            primary = set(by_primary)
            by_kind = (
                set(accounts) - primary if primary else set(accounts),
                set(groups),
                primary,
            )
            accounts, groups, by_primary = (tuple(sorted(each)) for each in by_kind)
        lines = [
            word + f"\n{word}".join(names)
            for word, names in ((ACCOUNT, accounts), (GROUP, groups), (PRIMARY, by_primary))
            if names
        ]
        members = MemberList(found.group_id, accounts, groups, by_primary, found.is_complete)
        holders = len(accounts) + len(by_primary)
        return cls(members, holders, len(groups), digest("\n".join(lines).encode()))


class Listed(msgspec.Struct, frozen=True, gc=False):
    """The direct members of one group as the source lists them.

    Attributes:
        group_id: The group's external id.
        text: A line for each, its external id: first accounts, then groups, then accounts whose
            primary group it is.
        accounts: How many lines are of accounts, those by primary group included.
        groups: How many are of groups.
        primary: How many are of accounts by primary group.
        digest: Over these numbers and the text.
        is_complete: False if the list broke off, or holds what cannot be told apart.
    """

    group_id: str
    text: bytes
    accounts: int
    groups: int
    primary: int
    digest: bytes
    is_complete: bool = True

    @classmethod
    def of(cls, found: MemberList) -> Self:
        """Keep a list as it was read."""
        groups, primary = len(found.groups), len(found.primary)
        names = found.accounts
        if groups or primary:
            names = (*names, *found.groups, *found.primary)
        data = "\n".join(names).encode()
        holders = len(names) - groups
        whole = found.is_complete and data.count(b"\n") == max(0, len(names) - 1)
        told = hashlib.blake2b(b"%d %d %d\n" % (holders, groups, primary), digest_size=DIGEST_BYTES)
        told.update(data)
        return cls(found.group_id, data, holders, groups, primary, told.digest(), whole)

    def settled(self) -> Settled:
        """Return the list sorted, whoever is listed twice once: the same for the same members."""
        return Settled.of(self.members)

    def joined(self, other: "Listed") -> "Listed":
        """Take another list of the same group for a part of this one."""
        one, two = self.members, other.members
        found = MemberList(
            self.group_id,
            one.accounts + two.accounts,
            one.groups + two.groups,
            one.primary + two.primary,
            self.is_complete and other.is_complete,
        )
        return Listed.of(found)

    @property
    def members(self) -> MemberList:
        """Its members by kind."""
        lines = self.accounts + self.groups
        names = tuple(self.text.decode().split("\n")) if lines else ()
        first, last = self.accounts - self.primary, lines - self.primary
        return MemberList(
            self.group_id, names[:first], names[first:last], names[last:], self.is_complete
        )


def together(lists: Iterable[Listed]) -> dict[str, Listed]:
    """Return the list of each group; several of one group are one."""
    found: dict[str, Listed] = {}
    for each in lists:
        before = found.get(each.group_id)
        found[each.group_id] = each if before is None else before.joined(each)
    return found


def _is_settled(found: MemberList) -> bool:
    """Say whether a list rises from each to the next, so that nobody is in it twice."""
    kinds = (found.accounts, found.groups, found.primary)
    rises = all(all(map(lt, names, names[1:])) for names in kinds)
    return rises and (not found.primary or set(found.primary).isdisjoint(found.accounts))


def _plain(value: Any) -> Any:
    """Return what the writer does not know by itself; records hold read-only mappings."""
    return dict(value)


_WRITER = msgspec.msgpack.Encoder(enc_hook=_plain, order="deterministic")
_ACCOUNT = msgspec.msgpack.Decoder(Account)
