"""Read groups with the first part of their members; nothing of it depends on the accounts.

So they may be read beside those. Whom a name in `member` means is looked up when both are there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.active_directory import controller, mapping
from connectors.active_directory.kept import Kept
from connectors.active_directory.naming import Names
from connectors.active_directory.parts import EXTENDED, RANGE
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search
from connectors.ldap.filters import both
from connectors.records import Group, Problem

MEMBER, FIRST_MEMBERS, ALL_MEMBERS = "member", f"member;range=0-{RANGE - 1}", "member;range=0-*"
GROUPS_A_PAGE = 100  # each may bring 1,500 members: so many are kept in memory at once
GROUPS = "(objectClass=group)"


@dataclass(slots=True)
class Groups:
    """Groups as they were read.

    Attributes:
        query: Of the groups.
        of_members: Of their members.
        names: Their members and owners by name, or None if those come by id.
        found: The groups.
        longer: Groups whose list goes on, and from where.
        kept: Members by id, and what could not be used.
    """

    query: Search
    of_members: Search
    names: Names | None
    found: list[Group] = field(default_factory=list)
    longer: list[tuple[str, int]] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)

    def take(self, entry: Entry) -> None:
        """Take one in, or say why it cannot be used."""
        group = mapping.group(entry)
        if isinstance(group, Problem):
            self.kept.refuse(entry, group)
            return
        self.kept.groups[group.external_id] = None
        self.kept.tokens[entry.number("primaryGroupToken") or -1] = group.external_id
        values, following = mapping.member_range(entry.values)
        self._take_members(group, entry, values)
        self.of_members.returned += len(values)
        if following is not None:
            self.longer.append((group.external_id, following))
        self.found.append(group)

    def _take_members(self, group: Group, entry: Entry, values: Sequence[bytes]) -> None:
        if self.names is None:
            self.kept.link(group.external_id, values)
        else:
            self.names.know(group, entry, values)


def read(client: LdapClient, *, is_by_name: bool, is_flowing: bool) -> Groups:
    """Read all groups.

    Args:
        client: Of the domain; nobody else uses it meanwhile.
        is_by_name: Whether members are asked for by name, else by id.
        is_flowing: Whether the list is asked for in one piece.

    Raises:
        ConnectorError: As `LdapClient.search` does.
    """
    where = wanted(client)
    text = f"{client.config.base_dn} subtree {where}"
    asked, shown = (MEMBER, MEMBER) if is_by_name else (FIRST_MEMBERS, ALL_MEMBERS)
    found = Groups(Search(text), Search(f"{text} {shown}"), Names() if is_by_name else None)
    for entry in controller.entries(
        client,
        found.query,
        where,
        (*mapping.GROUP_ATTRIBUTES, asked),
        [] if is_by_name else [EXTENDED],
        page_size=min(client.config.page_size, GROUPS_A_PAGE),
        is_flowing=is_flowing,
    ):
        found.take(entry)
    return found


def wanted(client: LdapClient) -> str:
    """Return the filter of the groups that are read."""
    return narrowed(GROUPS, client.config.group_filter)


def narrowed(where: str, extra: str) -> str:
    """Return a filter, narrowed by one of the settings if that is given."""
    return both(where, extra) if extra else where
