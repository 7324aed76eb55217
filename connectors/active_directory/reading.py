"""Read a domain whole: accounts, groups, and who is directly in which.

A read is complete only if every list was read to its end, every record could be used and every
link told by id whom it leads to. What is left out without saying so would look gone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ldap3.protocol.microsoft import extended_dn_control

from connectors.active_directory import mapping
from connectors.active_directory.cursor import Cursor
from connectors.errors import DeniedError, IncompleteReadError, TargetMissingError
from connectors.ldap.client import Entry, LdapClient, Search
from connectors.ldap.filters import both
from connectors.records import (
    Account,
    AccountBatch,
    Batch,
    GroupBatch,
    MemberBatch,
    MemberList,
    Problem,
    Query,
    ReadReport,
)

BATCH = 500
RANGE = 1500
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

    def read(self, start: Cursor | None = None) -> Iterator[Batch]:
        """Read all accounts, groups and direct members; the report comes last.

        Args:
            start: Where the changes stood before this, for the delta that follows.
        """
        base = self.client.config.base_dn
        people = narrowed(ACCOUNTS, self.client.config.user_filter)
        groups = narrowed(GROUPS, self.client.config.group_filter)
        of_accounts = Search(f"{base} subtree {people}")
        of_groups = Search(f"{base} subtree {groups}")
        of_members = Search(f"{base} subtree {groups} member;range=0-*")
        yield from self._accounts(of_accounts, people)
        yield from self._groups(of_groups, groups, of_members)
        yield from self._members()
        asked = {"accounts": of_accounts, "groups": of_groups, "members": of_members}
        yield ReadReport(
            is_complete=not self._kept.bad and not self._kept.unread,
            endpoint=self.client.endpoint,
            account=self.client.config.bind_dn,
            queries=tuple(
                Query(purpose, each.text, each.pages, each.returned)
                for purpose, each in asked.items()
            ),
            problems=tuple(self._kept.problems()),
            cursor=replace(start, expires=self._kept.expires).text if start else "",
        )

    def _accounts(self, query: Search, where: str) -> Iterator[Batch]:
        kept, batch, now = self._kept, [], self.now()
        for entry in self._search(query, where, mapping.ACCOUNT_ATTRIBUTES):
            account = mapping.account(entry, now)
            if isinstance(account, Problem):
                kept.refuse(entry, account)
                continue
            kept.expiring(account, now)
            kept.accounts.add(account.external_id)
            kept.primary.append((account.external_id, entry.number("primaryGroupID") or 0))
            batch.append(account)
            if len(batch) == BATCH:
                yield AccountBatch(tuple(batch))
                batch = []
        yield AccountBatch(tuple(batch))

    def _groups(self, query: Search, where: str, of_members: Search) -> Iterator[Batch]:
        """Read groups with the first part of their members; longer lists are asked for after."""
        kept, batch, longer = self._kept, [], []
        attributes = (*mapping.GROUP_ATTRIBUTES, f"member;range=0-{RANGE - 1}")
        size = min(self.client.config.page_size, GROUPS_A_PAGE)
        for entry in self._search(query, where, attributes, size):
            group = mapping.group(entry)
            if isinstance(group, Problem):
                kept.refuse(entry, group)
                continue
            kept.groups.add(group.external_id)
            kept.tokens[entry.number("primaryGroupToken") or -1] = group.external_id
            values, following = mapping.member_range(entry.values)
            kept.link(group.external_id, values)
            of_members.returned += len(values)
            if following is not None:
                longer.append((group.external_id, following))
            batch.append(group)
            if len(batch) == BATCH:
                yield GroupBatch(tuple(batch))
                batch = []
        yield GroupBatch(tuple(batch))
        parts = Parts(self.client, kept, of_members)
        for group_id, following in longer:
            parts.read(group_id, following)
        of_members.pages += query.pages

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
        self, query: Search, where: str, attributes: Sequence[str], page_size: int | None = None
    ) -> Iterator[Entry]:
        return self.client.search(
            query,
            self.client.config.base_dn,
            where,
            attributes,
            controls=[EXTENDED],
            page_size=page_size,
        )


def narrowed(where: str, extra: str) -> str:
    """Return a filter, narrowed by one of the settings if that is given."""
    return both(where, extra) if extra else where
