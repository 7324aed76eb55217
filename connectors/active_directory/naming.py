"""Who is meant by a name in `member`, where the names of a whole domain were read just before.

A value names its member as it is called at that moment. The names come from the same read, some
moments earlier; meanwhile somebody may have been renamed, moved or deleted, and the name given to
another. So no name is believed for itself: after the read the controller is asked what changed
since before it (MS-ADTS 3.1.1.1.9: each change of an object, its name included, raises its
`uSNChanged`), and every list that such an object may stand in is read again by id.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from connectors.active_directory import mapping, noticing
from connectors.active_directory.cursor import Cursor
from connectors.errors import TargetMissingError
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search
from connectors.ldap.names import normal
from connectors.records import Group

NO_PLACES = frozenset({b"user", b"contact", b"foreignsecurityprincipal", b"group"})
OF_CHANGED = ("objectGUID", "objectClass", "memberOf")


class Numbers(dict[bytes, int]):
    """Gives each name a number, in the order in which they are first met."""

    def __missing__(self, name: bytes) -> int:
        """Number a name."""
        number = self[name] = len(self)
        return number


@dataclass(slots=True)
class Names:
    """Who is in which group by which name, byte for byte as the controller writes it.

    A list is kept as the numbers of its names, four bytes a member, until everybody's name is
    known.

    Attributes:
        groups: Name to id.
        owners: Group to the name of who manages it.
    """

    groups: dict[bytes, str] = field(default_factory=dict)
    owners: dict[str, bytes] = field(default_factory=dict)
    _accounts: dict[bytes, str] = field(default_factory=dict)
    _numbers: Numbers = field(default_factory=Numbers)
    _lists: dict[str, "array[int]"] = field(default_factory=dict)
    _ranks: "array[int]" = field(default_factory=lambda: array("I"))
    _ids: list[str] = field(default_factory=list)
    _of_accounts: int = 0
    _known: int = 0

    def know(self, group: Group, entry: Entry, members: Sequence[bytes]) -> None:
        """Keep a group's name, that of who manages it, and those of its members."""
        self.groups[group.address.encode()] = group.external_id
        for each in entry.values.get("managedby", ()):
            self.owners[group.external_id] = each
        self._lists[group.external_id] = array("I", map(self._numbers.__getitem__, members))

    def settle(self, accounts: dict[bytes, str]) -> None:
        """Look everybody up, and give each a rank: accounts first, then groups, each by id.

        Args:
            accounts: Name to id.
        """
        self._accounts = accounts
        places: tuple[list[tuple[str, int]], ...] = ([], [], [])
        for number, name in enumerate(self._numbers):
            account, group = accounts.get(name), self.groups.get(name)
            if account is not None:
                places[0].append((account, number))
            elif group is not None:
                places[1].append((group, number))
            else:
                places[2].append(("", number))
        ranked = [each for some in places for each in sorted(some)]
        self._ids = [who for who, _ in ranked]
        self._ranks = array("I", bytes(4 * len(ranked)))
        for rank, (_, number) in enumerate(ranked):
            self._ranks[number] = rank
        self._of_accounts = len(places[0])
        self._known = self._of_accounts + len(places[1])

    def members(self, group_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the accounts and the groups in a group, each by id; nobody for an unknown name."""
        found = sorted(map(self._ranks.__getitem__, self._lists.get(group_id, ())))
        ids = self._ids.__getitem__
        if not found or found[-1] < self._of_accounts:
            return tuple(map(ids, found)), ()
        groups, unknown = bisect_left(found, self._of_accounts), bisect_left(found, self._known)
        return tuple(map(ids, found[:groups])), tuple(map(ids, found[groups:unknown]))

    def forget(self, group_id: str) -> None:
        """Forget a list that is read by id instead."""
        self._lists.pop(group_id, None)

    def unknown(self) -> set[str]:
        """Return the groups with a name that is nobody's."""
        return self._with(range(self._known, len(self._ids)))

    def holding(self, ids: Collection[str]) -> set[str]:
        """Return the groups with one of some accounts and groups."""
        return self._with(rank for rank, who in enumerate(self._ids) if who in ids)

    def _with(self, ranks: Iterable[int]) -> set[str]:
        wanted = set(ranks)
        numbers = {number for number, rank in enumerate(self._ranks) if rank in wanted}
        if not numbers:
            return set()
        return {name for name, found in self._lists.items() if not numbers.isdisjoint(found)}

    def owners_read(self) -> dict[str, str] | None:
        """Return who manages which group, or None if a name among them is nobody's."""
        found = {
            group_id: self.groups.get(name) or self._accounts.get(name)
            for group_id, name in self.owners.items()
        }
        told = {group_id: each for group_id, each in found.items() if each is not None}
        return told if len(told) == len(found) else None


@dataclass(slots=True)
class Renamed:
    """What may have been called otherwise for a moment since a read began.

    Attributes:
        ids: Accounts and groups that changed in any way, or stand below a container that did.
        holders: Groups that one of them is in now.
        is_all: Whether everything has to be taken for it.
        queries: What was asked.
    """

    ids: set[str] = field(default_factory=set)
    holders: set[str] = field(default_factory=set)
    is_all: bool = False
    queries: list[Search] = field(default_factory=list)

    def note(self, entry: Entry) -> None:
        """Keep one object, and which groups it is in."""
        self.ids.update(map(mapping.guid, entry.values.get("objectguid", ())))
        self.holders.update(mapping.linked(entry.values.get("memberof", ())))
        if any(each.startswith("memberof;") for each in entry.values):
            self.is_all = True  # it is in more groups than one answer holds


def can_tell(client: LdapClient, start: Cursor | None) -> bool:
    """Say whether a controller will be able to tell what was renamed during a read.

    Only where the whole domain is read, too: what a filter leaves out has no name that is known,
    and each list with one such member would be read twice.

    Args:
        client: Of the domain.
        start: Where its changes stood before the read.
    """
    config = client.config
    if start is None or start.number <= 0 or config.user_filter or config.group_filter:
        return False
    if normal(config.base_dn) != normal(start.root):
        return False
    shown = client.find(start.root, ["uSNChanged"])
    return shown is not None and shown.number("uSNChanged") is not None


def renamed(client: LdapClient, start: Cursor, controls: Sequence[object]) -> Renamed:
    """Ask what changed since a read began.

    Args:
        client: Of the domain, on the same controller.
        start: Where its changes stood before the read.
        controls: That show links by id.
    """
    found = Renamed()
    if noticing.highest(client) == start.number:
        return found
    where = f"(uSNChanged>={start.number + 1})"
    query = Search(f"{start.root} subtree {where}")
    found.queries.append(query)
    places = []
    for entry in client.search(query, start.root, where, OF_CHANGED, controls=controls):
        found.note(entry)
        classes = {each.lower() for each in entry.values.get("objectclass", ())}
        if not classes & NO_PLACES and normal(mapping.place(entry)) != normal(start.root):
            places += [mapping.guid(each) for each in entry.values.get("objectguid", ())]
    for each in places:
        _below(client, each, controls, found)
    return found


def _below(client: LdapClient, place: str, controls: Sequence[object], found: Renamed) -> None:
    """Note everything below a container that changed: all of it may have another name."""
    where = f"(|{''.join(f'(objectClass={each.decode()})' for each in sorted(NO_PLACES))})"
    query = Search(f"<GUID={place}> subtree {where}")
    found.queries.append(query)
    try:
        for entry in client.search(query, f"<GUID={place}>", where, OF_CHANGED, controls=controls):
            found.note(entry)
    except TargetMissingError:
        return  # what was below was moved or deleted, and changed by that
