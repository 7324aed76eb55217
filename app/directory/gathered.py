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
from typing import Any, Self, overload

import msgspec
from typing_extensions import override

from connectors.records import Account, AccountKind, Group, MemberKind, MemberList

DIGEST_BYTES = 16
ACCOUNT = f"{MemberKind.ACCOUNT.value} "
GROUP = f"{MemberKind.GROUP.value} "
PRIMARY = "primary "
BETWEEN = f"\n{ACCOUNT}"


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


class Listed(msgspec.Struct, frozen=True, gc=False):
    """The direct members of one group as the source lists them.

    Attributes:
        group_id: The group's external id.
        text: A line for each: `account`, `group` or `primary`, in this order of kinds, and its
            external id.
        accounts: How many lines are of accounts, those by primary group included.
        groups: How many are of groups.
        digest: Over the text.
        is_complete: False if the list broke off, or holds what cannot be told apart.
    """

    group_id: str
    text: bytes
    accounts: int
    groups: int
    digest: bytes
    is_complete: bool = True

    @classmethod
    def of(cls, found: MemberList) -> Self:
        """Keep a list as it was read."""
        accounts = found.accounts
        text = ACCOUNT + BETWEEN.join(accounts) if accounts else ""
        if found.primary or found.groups:
            rest = [
                word + f"\n{word}".join(names)
                for word, names in ((GROUP, found.groups), (PRIMARY, found.primary))
                if names
            ]
            text = "\n".join([text, *rest] if text else rest)
        data = text.encode()
        holders, groups = len(accounts) + len(found.primary), len(found.groups)
        lines = data.count(b"\n") + 1 if data else 0
        whole = found.is_complete and lines == holders + groups
        return cls(found.group_id, data, holders, groups, digest(data), whole)

    def settled(self) -> "Listed":
        """Return the list sorted, whoever is listed twice once: the same for the same members."""
        found = self.members
        primary = set(found.primary)
        by_kind = (
            set(found.accounts) - primary if primary else set(found.accounts),
            set(found.groups),
            primary,
        )
        accounts, groups, by_primary = (tuple(sorted(each)) for each in by_kind)
        return Listed.of(MemberList(self.group_id, accounts, groups, by_primary, self.is_complete))

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
        accounts, rest = _taken(self.text.decode(), ACCOUNT, (GROUP, PRIMARY))
        groups, rest = _taken(rest, GROUP, (PRIMARY,))
        primary, _ = _taken(rest, PRIMARY, ())
        return MemberList(self.group_id, accounts, groups, primary, self.is_complete)


def together(lists: Iterable[Listed]) -> dict[str, Listed]:
    """Return the list of each group; several of one group are one."""
    found: dict[str, Listed] = {}
    for each in lists:
        before = found.get(each.group_id)
        found[each.group_id] = each if before is None else before.joined(each)
    return found


def _taken(text: str, word: str, following: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Take the lines that begin with a word off the front of a text."""
    if not text.startswith(word):
        return (), text
    ends = [at for each in following if (at := text.find(f"\n{each}")) >= 0]
    end = min(ends, default=len(text))
    return tuple(text[len(word) : end].split(f"\n{word}")), text[end + 1 :]


def _plain(value: Any) -> Any:
    """Return what the writer does not know by itself; records hold read-only mappings."""
    return dict(value)


_WRITER = msgspec.msgpack.Encoder(enc_hook=_plain, order="deterministic")
_ACCOUNT = msgspec.msgpack.Decoder(Account)
