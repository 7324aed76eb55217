"""What a read of a domain keeps until its end: ids, members by id, and what could not be used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.active_directory import mapping
from connectors.ldap.entries import Entry
from connectors.records import Account, Problem


@dataclass(slots=True)
class Kept:
    """What one part of a read has to leave to the next."""

    primary: list[tuple[str, int]] = field(default_factory=list)
    accounts: set[str] = field(default_factory=set)
    groups: dict[str, None] = field(default_factory=dict)  # in the order read
    tokens: dict[int, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    unread: dict[str, Problem] = field(default_factory=dict)
    bad: list[Problem] = field(default_factory=list)
    unusable: set[str] = field(default_factory=set)
    expires: datetime | None = None
    others: int = 0

    def take(self, other: "Kept") -> None:
        """Take what was kept of groups that were read beside."""
        self.groups |= other.groups
        self.tokens |= other.tokens
        self.members |= other.members
        self.unread |= other.unread
        self.bad += other.bad
        self.unusable |= other.unusable

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
