"""Read the members of single groups by id, part by part."""

from dataclasses import dataclass

from ldap3.protocol.microsoft import extended_dn_control

from connectors.active_directory import mapping
from connectors.active_directory.kept import Kept
from connectors.errors import DeniedError, IncompleteReadError, TargetMissingError
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search

RANGE = 1500
# Critical: a server that cannot tell links by id has to refuse, not to leave the ids out.
EXTENDED = extended_dn_control(criticality=True)


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
