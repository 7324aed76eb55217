"""Read a domain whole: accounts, groups, and who is directly in which.

A read is complete only if every list was read to its end, every record could be used and it is
known by id whom every link leads to. What is left out without saying so would look gone.

Where a whole domain is read, members come by name and are looked up among the names just read; what
cannot be told so for certain is asked for by id (`naming.py`). Else all of them come by id, which
costs a controller several times as much.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ldap3.protocol.microsoft import extended_dn_control
from msgspec import structs

from connectors.active_directory import mapping, naming
from connectors.active_directory.cursor import Cursor
from connectors.active_directory.naming import Names, Renamed
from connectors.errors import DeniedError, IncompleteReadError, TargetMissingError
from connectors.ldap.client import Entry, LdapClient, Search
from connectors.ldap.filters import both
from connectors.records import (
    Account,
    AccountBatch,
    Batch,
    Group,
    GroupBatch,
    MemberBatch,
    MemberList,
    Problem,
    Query,
    ReadReport,
)

BATCH = 500
RANGE = 1500
MEMBER, FIRST_MEMBERS, ALL_MEMBERS = "member", f"member;range=0-{RANGE - 1}", "member;range=0-*"
GROUPS_A_PAGE = 100  # each may bring 1,500 members: so many are kept in memory at once
# Computers and managed service accounts are users too, by inheritance.
ACCOUNTS = "(|(objectClass=user)(objectClass=contact)(objectClass=foreignSecurityPrincipal))"
GROUPS = "(objectClass=group)"
# Critical: a server that cannot tell links by id has to refuse, not to leave the ids out.
EXTENDED = extended_dn_control(criticality=True)


@dataclass(slots=True)
class Kept:
    """What one part of a read has to leave to the next."""

    primary: list[tuple[str, int]] = field(default_factory=list)
    accounts: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    tokens: dict[int, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    unread: dict[str, Problem] = field(default_factory=dict)
    bad: list[Problem] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)
    expires: datetime | None = None
    others: int = 0

    def link(self, group_id: str, values: Sequence[bytes]) -> None:
        """Keep members of a group; a value without an id makes its list incomplete."""
        found = mapping.linked(values)
        self.members.setdefault(group_id, []).extend(found)
        if len(found) != len(values):
            text = "Members came without their objectGUID: give the account the right to read it."
            self.miss(group_id, "unreadable_group", text)

    def refuse(self, entry: Entry, why: Problem) -> None:
        """Keep that a record cannot be used."""
        self.bad.append(why)
        self.unusable.update(mapping.guid(each) for each in entry.values.get("objectguid", ()))

    def expiring(self, account: Account, now: datetime) -> None:
        """Keep when the next account expires by itself."""
        due = account.expires_at
        if due is not None and due > now and (self.expires is None or due < self.expires):
            self.expires = due

    def miss(self, group_id: str, code: str, detail: str) -> None:
        """Keep that a group's members are not all known; the rest of the read goes on."""
        self.unread.setdefault(group_id, Problem(code, detail, group_id))

    def problems(self) -> Iterator[Problem]:
        """Yield what could not be used, and then how many members are of other kinds."""
        yield from self.bad
        yield from self.unread.values()
        if self.others:
            detail = (
                f"{self.others} members are neither accounts nor groups that were read: they are "
                "outside base_dn or the filters. They are counted, not stored."
            )
            yield Problem("other_member", detail)


@dataclass(slots=True)
class Parts:
    """Reads the members of single groups, by range.

    Attributes:
        client: Of the domain.
        kept: Gets the members, and why some are missing.
        query: Counts.
    """

    client: LdapClient
    kept: Kept
    query: Search

    def read(self, group_id: str, place: int) -> None:
        """Ask for a member list from some place on, part by part."""
        following: int | None = place
        while following is not None:
            place = following
            found = self._part(group_id, f"member;range={place}-{place + RANGE - 1}")
            if found is None:
                return
            values, following = mapping.member_range(found.values)
            if following is not None and following <= place:
                text = "Its members cannot be read to the end: the parts do not go on."
                self.kept.miss(group_id, "unreadable_group", text)
                return
            self.kept.link(group_id, values)
            self.query.returned += len(values)
            self.query.pages += 1

    def _part(self, group_id: str, attribute: str) -> Entry | None:
        """Return a part of a group's members; None if it is gone or cannot be read, and say so."""
        part = self.client.search(
            Search(self.query.text),
            f"<GUID={group_id}>",
            "(objectClass=*)",
            [attribute],
            scope="base",
            controls=[EXTENDED],
        )
        text = "It was gone before all its members were read: read again."
        try:
            found = next(iter(list(part)), None)
        except TargetMissingError:
            found = None
        except (DeniedError, IncompleteReadError) as error:
            self.kept.miss(group_id, "unreadable_group", f"Its members cannot be read: {error}")
            return None
        if found is None:
            self.kept.miss(group_id, "vanished_group", text)
        return found


@dataclass(slots=True)
class Reader:
    """One read of a domain."""

    client: LdapClient
    now: Callable[[], datetime]
    _kept: Kept = field(default_factory=Kept)
    _names: Names | None = None
    _queries: list[Query] = field(default_factory=list)

    def read(self, start: Cursor | None = None) -> Iterator[Batch]:
        """Read all accounts, groups and direct members; the report comes last.

        Args:
            start: Where the changes stood before this, for the delta that follows.
        """
        if start is not None and naming.can_tell(self.client, start):
            self._names = Names()
        yield from self._accounts()
        yield from self._groups(start)
        yield from self._members()
        yield ReadReport(
            is_complete=not self._kept.bad and not self._kept.unread,
            endpoint=self.client.endpoint,
            account=self.client.config.bind_dn,
            queries=tuple(self._queries),
            problems=tuple(self._kept.problems()),
            cursor=replace(start, expires=self._kept.expires).text if start else "",
        )

    def _accounts(self) -> Iterator[Batch]:
        kept, batch, now = self._kept, [], self.now()
        where = narrowed(ACCOUNTS, self.client.config.user_filter)
        query = Search(f"{self.client.config.base_dn} subtree {where}")
        for entry in self._search(query, where, mapping.ACCOUNT_ATTRIBUTES, [EXTENDED]):
            account = mapping.account(entry, now)
            if isinstance(account, Problem):
                kept.refuse(entry, account)
                continue
            kept.expiring(account, now)
            kept.accounts.add(account.external_id)
            kept.primary.append((account.external_id, entry.number("primaryGroupID") or 0))
            if self._names is not None:
                self._names.accounts[account.address.encode()] = account.external_id
            batch.append(account)
            if len(batch) == BATCH:
                yield AccountBatch(tuple(batch))
                batch = []
        yield AccountBatch(tuple(batch))
        self._tell("accounts", query)

    def _groups(self, start: Cursor | None) -> Iterator[Batch]:
        """Read groups with the first part of their members; longer lists are asked for after."""
        kept, groups, longer = self._kept, [], []
        where = narrowed(GROUPS, self.client.config.group_filter)
        base, asked = self.client.config.base_dn, MEMBER if self._names else FIRST_MEMBERS
        query = Search(f"{base} subtree {where}")
        of_members = Search(f"{base} subtree {where} {MEMBER if self._names else ALL_MEMBERS}")
        controls = [] if self._names else [EXTENDED]
        size = min(self.client.config.page_size, GROUPS_A_PAGE)
        attributes = (*mapping.GROUP_ATTRIBUTES, asked)
        for entry in self._search(query, where, attributes, controls, size):
            group = mapping.group(entry)
            if isinstance(group, Problem):
                kept.refuse(entry, group)
                continue
            kept.groups.add(group.external_id)
            kept.tokens[entry.number("primaryGroupToken") or -1] = group.external_id
            values, following = mapping.member_range(entry.values)
            self._take_members(group, entry, values)
            of_members.returned += len(values)
            if following is not None:
                longer.append((group.external_id, following))
            groups.append(group)
        parts = Parts(self.client, kept, of_members)
        for group_id, following in longer:
            parts.read(group_id, following)
        of_members.pages += query.pages
        self._tell("groups", query)
        self._tell("members", of_members)
        if self._names is not None and start is not None:
            groups = self._settled(groups, self._names, start, where)
        for place in range(0, len(groups), BATCH):
            yield GroupBatch(tuple(groups[place : place + BATCH]))

    def _take_members(self, group: Group, entry: Entry, values: Sequence[bytes]) -> None:
        if self._names is None:
            self._kept.link(group.external_id, values)
            return
        self._names.know(group, entry)
        self._kept.members[group.external_id] = self._names.members(group.external_id, values)

    # --- what names do not tell for certain -----------------------------------------------------

    def _settled(self, groups: list[Group], names: Names, start: Cursor, where: str) -> list[Group]:
        """Read by id the lists that a name may be wrong in; return the groups with their owners."""
        members = self._kept.members
        for group_id, inner in names.nested():
            members[group_id] += inner
        found = naming.renamed(self.client, start, [EXTENDED])
        for each in found.queries:
            self._tell("changes", each)
        again = Search(f"{self.client.config.base_dn} by objectGUID {ALL_MEMBERS}")
        parts = Parts(self.client, self._kept, again)
        for group_id in sorted(_doubtful(members, names, found)):
            members[group_id] = []
            parts.read(group_id, 0)
        if again.pages:
            self._tell("members", again)
        owners = names.owners_read() if not found.ids else None
        if owners is None:
            owners = self._owners(where)
        return [
            structs.replace(each, owner_id=owners[each.external_id])
            if each.external_id in owners
            else each
            for each in groups
        ]

    def _owners(self, where: str) -> dict[str, str]:
        """Return by id who manages which group."""
        where = both(where, "(managedBy=*)")
        query = Search(f"{self.client.config.base_dn} subtree {where}")
        found = {
            mapping.guid(entry.values["objectguid"][0]): owner
            for entry in self._search(query, where, ("objectGUID", "managedBy"), [EXTENDED])
            for owner in mapping.linked(entry.values.get("managedby", ()))
        }
        self._tell("groups", query)
        return found

    def _members(self) -> Iterator[Batch]:
        kept, lists = self._kept, []
        primary = mapping.primary_members(kept.primary, kept.tokens)
        for group_id, ids in kept.members.items():
            found = MemberList(
                group_id,
                accounts=tuple(each for each in ids if each in kept.accounts),
                groups=tuple(each for each in ids if each in kept.groups),
                primary=tuple(primary.get(group_id, ())),
                is_complete=group_id not in kept.unread,
            )
            kept.others += len(ids) - len(found.accounts) - len(found.groups)
            lists.append(found)
            if len(lists) == BATCH:
                yield MemberBatch(tuple(lists))
                lists = []
        yield MemberBatch(tuple(lists))

    def _search(
        self,
        query: Search,
        where: str,
        attributes: Sequence[str],
        controls: Sequence[Any],
        page_size: int | None = None,
    ) -> Iterator[Entry]:
        return self.client.search(
            query,
            self.client.config.base_dn,
            where,
            attributes,
            controls=controls,
            page_size=page_size,
            is_ahead=True,
        )

    def _tell(self, purpose: str, query: Search) -> None:
        self._queries.append(Query(purpose, query.text, query.pages, query.returned))


def _doubtful(members: Mapping[str, list[str]], names: Names, found: Renamed) -> set[str]:
    """Return the groups whose list may hold somebody by a name that was another's meanwhile."""
    if found.is_all:
        return set(members)
    doubtful = names.unknown | (found.holders & members.keys())
    if found.ids:
        doubtful |= {group_id for group_id, ids in members.items() if not found.ids.isdisjoint(ids)}
    return doubtful


def narrowed(where: str, extra: str) -> str:
    """Return a filter, narrowed by one of the settings if that is given."""
    return both(where, extra) if extra else where
