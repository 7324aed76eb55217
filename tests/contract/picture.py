"""A picture of a source, as whole reads show it and as deltas change it."""

from dataclasses import dataclass, field

from connectors.port import Connector
from connectors.records import (
    Account,
    AccountBatch,
    Batch,
    DeltaBatch,
    GoneBatch,
    Group,
    GroupBatch,
    Member,
    MemberBatch,
    MemberChangeBatch,
    ReadReport,
)


@dataclass
class Picture:
    """Accounts, groups and members by id, and where the next delta starts."""

    accounts: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    members: dict[str, dict[str, Member]] = field(default_factory=dict)
    report: ReadReport | None = None

    @classmethod
    def of(cls, connector: Connector) -> "Picture":
        found = cls()
        for batch in connector.snapshot():
            found.take(batch)
        return found

    def follow(self, connector: Connector) -> ReadReport:
        """Take what changed since."""
        assert self.report is not None
        for batch in connector.changes(self.report.cursor):
            self.take(batch)
        return self.report

    def take(self, batch: Batch | DeltaBatch) -> None:  # noqa: C901 - one a kind of batch
        match batch:
            case AccountBatch():
                self.accounts |= {each.external_id: each for each in batch.accounts}
            case GroupBatch():
                self.groups |= {each.external_id: each for each in batch.groups}
            case MemberBatch():
                for each in batch.lists:
                    assert each.is_complete
                    self.members[each.group_id] = {one.external_id: one for one in each.members}
            case MemberChangeBatch():
                for change in batch.changes:
                    inside = self.members.setdefault(change.group_id, {})
                    for left in change.left:
                        inside.pop(left, None)
                    inside.update({one.external_id: one for one in change.joined})
            case GoneBatch():
                for name in batch.accounts:
                    self.accounts.pop(name, None)
                for name in batch.groups:
                    self.groups.pop(name, None)
                    self.members.pop(name, None)
            case ReadReport():
                assert batch.is_complete, batch.problems
                self.report = batch

    def shown(self) -> dict[str, object]:
        """What of it can be compared: members that are no more are none."""
        known = self.accounts.keys() | self.groups.keys()
        inside = {
            name: {each for one, each in found.items() if one in known}
            for name, found in self.members.items()
            if name in self.groups
        }
        return {"accounts": self.accounts, "groups": self.groups, "members": inside}
