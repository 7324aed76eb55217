"""Is this read complete? Pure, and the only judge of it.

An incomplete read proves nothing about what is absent, and what it holds may be half of a change;
so an incomplete run leaves only its own record behind. It ends nothing and adds nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.records import Account, Group, MemberList, Problem, ReadReport


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

    accounts: Sequence[Account]
    groups: Sequence[Group]
    lists: Sequence[MemberList]
    report: ReadReport | None
    broken_by: str | None = None


@dataclass(frozen=True, slots=True)
class Completeness:
    """The judgement.

    Attributes:
        why: Why it is not complete, one sentence; None if it is.
        problems: Everything worth telling, also of a complete read.
    """

    why: str | None
    problems: tuple[Problem, ...]

    @property
    def is_complete(self) -> bool:
        """Whether absence in this read proves absence in the source."""
        return self.why is None


def judge(read: Read) -> Completeness:
    """Say whether a read is complete, and if not, why.

    Args:
        read: What was read.
    """
    told = read.report.problems if read.report is not None else ()
    found = (*told, *_doubled("account", (each.external_id for each in read.accounts)))
    found = (*found, *_doubled("group", (each.external_id for each in read.groups)))
    return Completeness(_why(read), found)


def _why(read: Read) -> str | None:
    if read.broken_by is not None:
        return f"The read broke off: {read.broken_by}"
    if read.report is None:
        return "The read stopped without saying that it was at its end."
    if not read.report.is_complete:
        details = [each.detail for each in read.report.problems]
        return details[0] if details else "The source said that its answer is not complete."
    return _short_count(read.report) or _missing_list(read) or _empty(read)


def _short_count(report: ReadReport) -> str | None:
    for query in report.queries:
        if query.reported is not None and query.reported > query.returned:
            return (
                f"The source counts {query.reported} {query.purpose} and gave {query.returned}: "
                "look for a limit on its side, then read again."
            )
    return None


def _missing_list(read: Read) -> str | None:
    listed = {each.group_id for each in read.lists}
    unread = [each.name for each in read.groups if each.external_id not in listed]
    unread += [each.group_id for each in read.lists if not each.is_complete]
    if not unread:
        return None
    return f"The members of {len(unread)} groups were not read to the end ({unread[0]})."


def _empty(read: Read) -> str | None:
    if read.accounts:
        return None
    return "The source shows no account at all: look at its base, filter and rights."


def _doubled(what: str, ids: Iterable[str]) -> list[Problem]:
    return [
        Problem("duplicate", f"The source listed this {what} {count} times.", external_id)
        for external_id, count in Counter(ids).items()
        if count > 1
    ]
