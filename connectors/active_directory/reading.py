"""Read a domain whole: accounts, groups, and who is directly in which.

A read is complete only if every list was read to its end, every record could be used and it is
known by id whom every link leads to. What is left out without saying so would look gone.

Where a whole domain is read, members come by name and are looked up among the names just read; what
cannot be told so for certain is asked for by id (`naming.py`). Else all of them come by id, which
costs a controller several times as much. Accounts and groups are read side by side where the
controller lets us (`controller.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from msgspec import structs

from connectors.active_directory import controller, groups, mapping, naming
from connectors.active_directory.controller import Controller
from connectors.active_directory.cursor import Cursor
from connectors.active_directory.groups import ALL_MEMBERS, Groups, narrowed
from connectors.active_directory.kept import Kept
from connectors.active_directory.naming import Names
from connectors.active_directory.parts import EXTENDED, Parts
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Search
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
# Computers and managed service accounts are users too, by inheritance.
ACCOUNTS = "(|(objectClass=user)(objectClass=contact)(objectClass=foreignSecurityPrincipal))"


@dataclass(slots=True)
class Reader:
    """One read of a domain.

    Attributes:
        client: Of the domain.
        now: The time.
        controller: Who answers, or None: then everything is read over this one line, in pages.
    """

    client: LdapClient
    now: Callable[[], datetime]
    controller: Controller | None = None
    _kept: Kept = field(default_factory=Kept)
    _account_names: dict[bytes, str] = field(default_factory=dict)
    _names: Names | None = None
    _queries: list[Query] = field(default_factory=list)

    def read(self, start: Cursor | None = None) -> Iterator[Batch]:
        """Read all accounts, groups and direct members; the report comes last.

        Args:
            start: Where the changes stood before this, for the delta that follows.
        """
        is_by_name = start is not None and naming.can_tell(self.client, start)
        is_flowing = self.controller is not None and self.controller.is_flowing

        def of_groups(client: LdapClient) -> Groups:
            return groups.read(client, is_by_name=is_by_name, is_flowing=is_flowing)

        if self.controller is None:
            yield from self._accounts(is_flowing=is_flowing)
            found = of_groups(self.client)
        else:
            with controller.beside(self.client, self.controller, of_groups) as coming:
                yield from self._accounts(is_flowing=is_flowing)
                found = coming() or of_groups(self.client)
        yield from self._groups(found, start)
        yield from self._members()
        yield ReadReport(
            is_complete=not self._kept.bad and not self._kept.unread,
            endpoint=self.client.endpoint,
            account=self.client.config.bind_dn,
            queries=tuple(self._queries),
            problems=tuple(self._kept.problems()),
            cursor=replace(start, expires=self._kept.expires).text if start else "",
        )

    def _accounts(self, *, is_flowing: bool) -> Iterator[Batch]:
        kept, names, now = self._kept, self._account_names, self.now()
        where = narrowed(ACCOUNTS, self.client.config.user_filter)
        query = Search(f"{self.client.config.base_dn} subtree {where}")
        batch: list[Account] = []
        for entry in controller.entries(
            self.client,
            query,
            where,
            mapping.ACCOUNT_ATTRIBUTES,
            [EXTENDED],
            is_flowing=is_flowing,
        ):
            account = mapping.account(entry, now)
            if isinstance(account, Problem):
                kept.refuse(entry, account)
                continue
            kept.expiring(account, now)
            kept.accounts.add(account.external_id)
            kept.primary.append((account.external_id, entry.number("primaryGroupID") or 0))
            names[account.address.encode()] = account.external_id
            batch.append(account)
            if len(batch) == BATCH:
                yield AccountBatch(tuple(batch))
                batch = []
        yield AccountBatch(tuple(batch))
        self._tell("accounts", query)

    def _groups(self, found: Groups, start: Cursor | None) -> Iterator[Batch]:
        """Ask for the rest of longer lists, and settle who is meant by which name."""
        kept = self._kept
        kept.take(found.kept)
        parts = Parts(self.client, kept, found.of_members)
        for group_id, following in found.longer:
            parts.read(group_id, following)
        found.of_members.pages += found.query.pages
        self._tell("groups", found.query)
        self._tell("members", found.of_members)
        told = found.found
        if found.names is not None and start is not None:
            self._names = found.names
            told = self._settled(told, found.names, start)
        for place in range(0, len(told), BATCH):
            yield GroupBatch(tuple(told[place : place + BATCH]))

    # --- what names do not tell for certain -----------------------------------------------------

    def _settled(self, told: list[Group], names: Names, start: Cursor) -> list[Group]:
        """Read by id the lists that a name may be wrong in; return the groups with their owners."""
        names.settle(self._account_names)
        renamed = naming.renamed(self.client, start, [EXTENDED])
        for each in renamed.queries:
            self._tell("changes", each)
        again = Search(f"{self.client.config.base_dn} by objectGUID {ALL_MEMBERS}")
        parts = Parts(self.client, self._kept, again)
        for group_id in sorted(self._doubtful(names, renamed)):
            names.forget(group_id)
            self._kept.members[group_id] = []
            parts.read(group_id, 0)
        if again.pages:
            self._tell("members", again)
        owners = names.owners_read() if not renamed.ids else None
        if owners is None:
            owners = self._owners()
        return [
            structs.replace(each, owner_id=owners[each.external_id])
            if each.external_id in owners
            else each
            for each in told
        ]

    def _doubtful(self, names: Names, found: naming.Renamed) -> set[str]:
        """Return the groups whose list may hold somebody by a name that was another's meanwhile."""
        if found.is_all:
            return set(self._kept.groups)
        rest = {
            group_id
            for group_id, ids in self._kept.members.items()
            if not found.ids.isdisjoint(ids)
        }
        return (
            names.unknown()
            | (found.holders & self._kept.groups.keys())
            | rest
            | names.holding(found.ids)
        )

    def _owners(self) -> dict[str, str]:
        """Return by id who manages which group."""
        where = both(groups.wanted(self.client), "(managedBy=*)")
        query = Search(f"{self.client.config.base_dn} subtree {where}")
        base = self.client.config.base_dn
        found = {
            mapping.guid(entry.values["objectguid"][0]): owner
            for entry in self.client.search(
                query, base, where, ("objectGUID", "managedBy"), controls=[EXTENDED], is_ahead=True
            )
            for owner in mapping.linked(entry.values.get("managedby", ()))
        }
        self._tell("groups", query)
        return found

    def _members(self) -> Iterator[Batch]:
        kept, lists = self._kept, []
        primary = mapping.primary_members(kept.primary, kept.tokens)
        for group_id in kept.groups:
            ids = kept.members.get(group_id, ())
            accounts = tuple(sorted(each for each in ids if each in kept.accounts))
            inner = tuple(sorted(each for each in ids if each in kept.groups))
            kept.others += len(ids) - len(accounts) - len(inner)
            if self._names is not None:
                named = self._names.members(group_id)
                accounts = _both(named[0], accounts)
                inner = _both(named[1], inner)
            is_complete = group_id not in kept.unread
            of_primary = tuple(sorted(primary.get(group_id, ())))
            lists.append(MemberList(group_id, accounts, inner, of_primary, is_complete))
            if len(lists) == BATCH:
                yield MemberBatch(tuple(lists))
                lists = []
        yield MemberBatch(tuple(lists))

    def _tell(self, purpose: str, query: Search) -> None:
        self._queries.append(Query(purpose, query.text, query.pages, query.returned))


def _both(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """Return what stands in two sorted lists, sorted: what is sorted once need not be later."""
    return tuple(sorted(some + others)) if some and others else some or others
