"""Read a directory whole: accounts, groups, and who is directly in which.

Members are kept by name there. A name is looked up among those just read, as it stands and else in
normal form; one that is unknown is asked for once, since an entry may have been renamed meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search
from connectors.ldap.filters import both
from connectors.ldap.names import Name, is_within, normal
from connectors.openldap import mapping
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
GROUPS_A_PAGE = 50  # their lists come whole: so many are kept in memory at once
ACCOUNTS = (
    "(|(objectClass=person)(objectClass=account)(objectClass=posixAccount)"
    "(objectClass=simpleSecurityObject))"
)
GROUPS = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"


@dataclass(slots=True)
class _Names:
    """Who is known by which name."""

    exact: dict[bytes, str] = field(default_factory=dict)
    normal: dict[Name, str] = field(default_factory=dict)
    logins: dict[bytes, set[str]] = field(default_factory=dict)

    def know(self, entry: Entry, external_id: str) -> None:
        """Keep an entry's name."""
        self.exact[entry.dn.encode()] = external_id
        self.normal[normal(entry.dn)] = external_id

    def find(self, raw: bytes) -> str | None:
        """Return whose name it is, or None."""
        found = self.exact.get(raw)
        return found or self.normal.get(normal(raw.decode("utf-8", "replace")))


@dataclass(slots=True)
class Reader:
    """One read of a directory."""

    client: LdapClient
    now: Callable[[], datetime]
    _names: _Names = field(default_factory=_Names)
    _accounts: set[str] = field(default_factory=set)
    _groups: dict[str, tuple[str, Sequence[bytes]]] = field(default_factory=dict)
    _numbers: dict[int, list[str]] = field(default_factory=dict)
    _tokens: dict[str, int] = field(default_factory=dict)
    _group_ids: set[str] = field(default_factory=set)
    _elsewhere: dict[bytes, str | None] = field(default_factory=dict)
    _problems: list[Problem] = field(default_factory=list)
    _bad: int = 0
    _others: int = 0

    def read(self) -> Iterator[Batch]:
        """Read all accounts, groups and direct members; the report comes last."""
        base, config = self.client.config.base_dn, self.client.config
        people, groups = (
            narrowed(ACCOUNTS, config.user_filter),
            narrowed(GROUPS, config.group_filter),
        )
        of_accounts = Search(f"{base} subtree {people}")
        of_groups = Search(f"{base} subtree {groups}")
        yield from self._read_accounts(of_accounts, people)
        yield from self._read_groups(of_groups, groups)
        members = 0
        for batch in self._members():
            members += sum(each.size for each in batch.lists)
            yield batch
        if self._others:
            detail = (
                f"{self._others} members are neither accounts nor groups that were read: they are "
                "outside base_dn or the filters, or not there any more. They are counted, not "
                "stored."
            )
            self._problems.append(Problem("other_member", detail))
        yield ReadReport(
            is_complete=not self._bad,
            endpoint=self.client.endpoint,
            account=config.bind_dn,
            queries=(
                Query("accounts", of_accounts.text, of_accounts.pages, of_accounts.returned),
                Query("groups", of_groups.text, of_groups.pages, of_groups.returned),
                Query("members", of_groups.text, of_groups.pages, members),
            ),
            problems=tuple(self._problems),
        )

    def _read_accounts(self, query: Search, where: str) -> Iterator[Batch]:
        """Read accounts; who manages whom is known when the last has come."""
        held: list[tuple[Account, bytes | None]] = []
        now = self.now()
        for entry in self._search(query, where, mapping.ACCOUNT_ATTRIBUTES):
            found = mapping.account(entry, now)
            if isinstance(found, Problem):
                self._refuse(found)
                continue
            self._names.know(entry, found.external_id)
            self._accounts.add(found.external_id)
            for login in entry.values.get("uid", ()):
                self._names.logins.setdefault(login, set()).add(found.external_id)
            number = entry.number("gidNumber")
            if number is not None:
                self._numbers.setdefault(number, []).append(found.external_id)
            held.append((found, next(iter(entry.values.get("manager", ())), None)))
        for start in range(0, len(held), BATCH):
            yield AccountBatch(
                tuple(
                    replace(found, manager_id=self._names.find(manager)) if manager else found
                    for found, manager in held[start : start + BATCH]
                )
            )

    def _read_groups(self, query: Search, where: str) -> Iterator[Batch]:
        batch: list[Group] = []
        attributes = (*mapping.GROUP_ATTRIBUTES, *mapping.MEMBERS.values())
        size = min(self.client.config.page_size, GROUPS_A_PAGE)
        for entry in self._search(query, where, attributes, size):
            owner = next(iter(entry.values.get("owner", ())), None)
            owner_id = self._names.find(owner) if owner else None
            found = mapping.group(entry, owner_id if owner_id in self._accounts else None)
            if isinstance(found, Problem):
                self._refuse(found)
                continue
            attribute = mapping.MEMBERS[found.kind]
            self._names.know(entry, found.external_id)
            self._group_ids.add(found.external_id)
            self._groups[found.external_id] = (
                attribute,
                entry.values.get(attribute.lower(), ()),
            )
            number = entry.number("gidNumber")
            if number is not None and found.kind == "posixGroup":
                self._tokens[found.external_id] = number
            batch.append(found)
            if len(batch) == BATCH:
                yield GroupBatch(tuple(batch))
                batch = []
        yield GroupBatch(tuple(batch))

    def _members(self) -> Iterator[MemberBatch]:
        lists: list[MemberList] = []
        for group_id in list(self._groups):
            lists.append(self._list(group_id))
            if len(lists) == BATCH:
                yield MemberBatch(tuple(lists))
                lists = []
        yield MemberBatch(tuple(lists))

    def _list(self, group_id: str) -> MemberList:
        attribute, values = self._groups.pop(group_id)
        accounts: list[str] = []
        groups: list[str] = []
        why = None
        if not values and attribute != "memberUid":  # RFC 4519 3.5: there is always a member
            why = f"Its {attribute} cannot be read: give the account the right to read it."
        for value in values:
            if attribute == "memberUid":
                held = self._names.logins.get(value, set())
                found = next(iter(held), None)
                if len(held) > 1:
                    why = "Several accounts have the login of one of its members: mend that."
            else:
                found = self._by_name(value)
            if found is None:
                self._others += 1
            elif found in self._accounts:
                accounts.append(found)
            else:
                groups.append(found)
        named = set(accounts)
        primary = self._numbers.get(self._tokens.get(group_id, -1), ())
        if why is not None:
            self._refuse(Problem("unreadable_group", why, group_id))
        return MemberList(
            group_id,
            accounts=tuple(dict.fromkeys(accounts)),
            groups=tuple(dict.fromkeys(groups)),
            primary=tuple(each for each in primary if each not in named),
            is_complete=why is None,
        )

    def _by_name(self, raw: bytes) -> str | None:
        found = self._names.find(raw)
        if found is not None:
            return found
        if raw not in self._elsewhere:
            self._elsewhere[raw] = self._asked_for(raw.decode("utf-8", "replace"))
        return self._elsewhere[raw]

    def _asked_for(self, name: str) -> str | None:
        """Ask for an entry by its name, and return its id if it was read by another name."""
        if not is_within(name, self.client.config.base_dn):
            return None
        answer = self.client.ask(name, "(objectClass=*)", ("entryUUID",), scope="base")
        shown = mapping.identifier(answer.entries[0]) if answer.entries else None
        is_read = shown in self._accounts or shown in self._group_ids
        return shown if isinstance(shown, str) and is_read else None

    def _refuse(self, problem: Problem) -> None:
        self._bad += 1
        self._problems.append(problem)

    def _search(
        self, query: Search, where: str, attributes: Sequence[str], page_size: int | None = None
    ) -> Iterator[Entry]:
        base = self.client.config.base_dn
        return self.client.search(
            query, base, where, attributes, page_size=page_size, is_ahead=True
        )


def narrowed(where: str, extra: str) -> str:
    """Return a filter, narrowed by one of the settings if that is given."""
    return both(where, extra) if extra else where
