"""Read one source to its end, outside any transaction, into one population."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from connectors.records import (
    Account,
    AccountBatch,
    Batch,
    Group,
    GroupBatch,
    MemberBatch,
    MemberList,
    ReadReport,
)


@dataclass(slots=True)
class Population:
    """Everything a read showed.

    Attributes:
        accounts: By `external_id`.
        groups: By `external_id`.
        lists: Direct members by the group's `external_id`.
        report: The read's last word, or None if it never came.
        duplicates: Ids that came twice: the read cannot be trusted.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    lists: dict[str, MemberList] = field(default_factory=dict)
    report: ReadReport | None = None
    duplicates: set[str] = field(default_factory=set)

    @property
    def broken_lists(self) -> int:
        """How many member lists said of themselves that they broke off, or are missing."""
        broken = sum(not each.is_complete for each in self.lists.values())
        return broken + len(self.groups.keys() - self.lists.keys())

    @property
    def memberships(self) -> int:
        """How many direct members all lists hold."""
        return sum(len(each.members) for each in self.lists.values())


def take_in(batches: Iterable[Batch]) -> Population:
    """Read every batch. What a connector raises is the caller's to handle."""
    found = Population()
    for batch in batches:
        match batch:
            case AccountBatch():
                found.duplicates |= found.accounts.keys() & {
                    each.external_id for each in batch.accounts
                }
                found.accounts.update({each.external_id: each for each in batch.accounts})
            case GroupBatch():
                found.duplicates |= found.groups.keys() & {
                    each.external_id for each in batch.groups
                }
                found.groups.update({each.external_id: each for each in batch.groups})
            case MemberBatch():
                found.lists.update({each.group_id: each for each in batch.lists})
            case ReadReport():
                found.report = batch
    return found
