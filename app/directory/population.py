"""Is a read complete? Pure.

A read whose list of accounts or of groups is not complete proves nothing about what is absent, and
what it holds may be half of a change; so such a run leaves only its own record behind. It ends
nothing and adds nothing.

A group whose members alone could not be read spoils nothing else: it is named, its memberships stay
as they were, and the run is marked incomplete; unless a person has excluded that group by name.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.directory.gathered import Accounts, Listed
from connectors.records import (
    KIND_UNREADABLE,
    QUARANTINED,
    QUARANTINED_GROUP,
    Group,
    MemberList,
    Problem,
    ReadReport,
)

# What a source tells of one group alone: its members could not be read, or it was gone by then.
GROUP_CODES = frozenset({"unreadable_group", "vanished_group"})
# The source does not let us see which groups a rule fills.
RULES_UNREADABLE = "rules_unreadable"
# What is worth telling of a record, and is no reason why a list is not complete.
NOTES = frozenset(
    {
        "bad_record",
        "duplicate",
        "unknown_group",
        "unknown_member",
        KIND_UNREADABLE,
        QUARANTINED,
        QUARANTINED_GROUP,
        RULES_UNREADABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Read:
    """All that one read of a source brought.

    Attributes:
        accounts: In the order read.
        groups: In the order read.
        lists: The direct members of each group.
        report: The source's last word, or None if it never came.
        broken_by: The sentence of the error that ended it, or None.
    """

    accounts: Accounts
    groups: Sequence[Group]
    lists: Sequence[Listed]
    report: ReadReport | None
    broken_by: str | None = None


@dataclass(frozen=True, slots=True)
class Completeness:
    """The judgement.

    Attributes:
        why: Why nothing of it can be used, one sentence; None if it can.
        problems: Everything worth telling, also of a complete read.
        unread: Groups whose members were not read to the end, by external id, with why.
    """

    why: str | None
    problems: tuple[Problem, ...]
    unread: Mapping[str, Problem] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether absence in this read proves absence in the source."""
        return self.why is None and not self.unread


def judge(read: Read) -> Completeness:
    """Say whether a whole read is complete, and if not, why.

    Args:
        read: What was read.
    """
    told = read.report.problems if read.report is not None else ()
    found = (*told, *_doubled("account", read.accounts.names))
    found = (*found, *_doubled("group", [each.external_id for each in read.groups]))
    why = _why(read.report, read.broken_by) or _empty(read)
    if why is not None:
        return Completeness(why, found)
    listed = {each.group_id for each in read.lists}
    missing = [each.external_id for each in read.groups if each.external_id not in listed]
    return _with_unread(found, read.lists, missing)


def judge_part(
    lists: Iterable[MemberList], report: ReadReport | None, broken_by: str | None
) -> Completeness:
    """Say whether a delta is complete, and if not, why.

    Args:
        lists: The members of groups that it told whole.
        report: The source's last word, or None if it never came.
        broken_by: The sentence of the error that ended it, or None.
    """
    told = report.problems if report is not None else ()
    why = _why(report, broken_by)
    return Completeness(why, told) if why is not None else _with_unread(told, lists, ())


def _with_unread(
    problems: tuple[Problem, ...], lists: Iterable[MemberList | Listed], missing: Collection[str]
) -> Completeness:
    """Name the groups whose members were not read, each with what the source says of it."""
    said = {each.about: each for each in problems if each.code in GROUP_CODES}
    names = {each.group_id for each in lists if not each.is_complete} | {*missing} | said.keys()
    text = "The members of this group were not read to the end."
    unread = {
        name: said.get(name) or Problem("unreadable_group", text, name) for name in sorted(names)
    }
    added = tuple(each for name, each in unread.items() if name not in said)
    return Completeness(None, (*problems, *added), unread)


def _why(report: ReadReport | None, broken_by: str | None) -> str | None:
    if broken_by is not None:
        return f"The read broke off: {broken_by}"
    if report is None:
        return "The read stopped without saying that it was at its end."
    if not report.is_complete:
        reasons = [each for each in report.problems if each.code not in NOTES]
        whole = [each.detail for each in reasons if each.code not in GROUP_CODES]
        # A record that cannot be read is somebody: an unread group beside it does not excuse it.
        whole += [each.detail for each in report.problems if each.code == "bad_record"]
        if whole or not reasons:
            return whole[0] if whole else "The source said that its answer is not complete."
    return _short_count(report)


def _short_count(report: ReadReport) -> str | None:
    for query in report.queries:
        if query.reported is not None and query.reported > query.returned:
            return (
                f"The source counts {query.reported} {query.purpose} and gave {query.returned}: "
                "look for a limit on its side, then read again."
            )
    return None


def _empty(read: Read) -> str | None:
    if read.accounts:
        return None
    return "The source shows no account at all: look at its base, filter and rights."


def _doubled(what: str, ids: Sequence[str]) -> list[Problem]:
    if len(frozenset(ids)) == len(ids):
        return []
    return [
        Problem("duplicate", f"The source listed this {what} {count} times.", external_id)
        for external_id, count in Counter(ids).items()
        if count > 1
    ]
