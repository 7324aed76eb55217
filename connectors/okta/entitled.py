"""What reads of applications and of administrator roles have in common.

Both give access as groups do, and cannot be changed from here. They are groups of kinds of their
own, whose `external_id` begins with a word and a colon, so that it is never that of a group. A
source is of use without them: where they may not be read, a problem says so, and they stay as
they were known.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, TargetMissingError
from connectors.okta.client import Listing
from connectors.records import KIND_UNREADABLE, MemberList, Problem, Query

NAMELESS = ""


@dataclass(slots=True)
class Around:
    """What of a read is known already, and what it will have to tell at its end.

    Attributes:
        accounts: Ids of the accounts that were read.
        groups: Ids of the groups that were read.
        problems: Those found so far; more are added.
        queries: What was asked; more are added.
    """

    accounts: Collection[str]
    groups: Collection[str]
    problems: list[Problem] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)

    def cannot_read(self, kind: str, detail: str) -> None:
        """Tell that a whole kind may not be read, and stays as it was known."""
        self.problems.append(Problem(KIND_UNREADABLE, detail, kind))

    def asked(self, purpose: str, listing: Listing) -> None:
        """Tell what was asked, and what came of it."""
        text = f"GET {listing.text}"
        self.queries.append(Query(purpose, text, listing.pages, listing.returned))

    def members(
        self, key: str, users: Iterable[str], groups: Iterable[str] = (), *, is_complete: bool
    ) -> MemberList:
        """Return a list of members; those that came to be while others were read, are left out."""
        inside, within = set(users), set(groups)
        is_clear = NAMELESS not in inside and NAMELESS not in within
        if is_complete and not is_clear:
            detail = "A member is listed without an id, so that nobody can be said to be missing."
            self.problems.append(Problem("unreadable_group", detail, key))
        unknown = (inside - {NAMELESS}).difference(self.accounts)
        unknown |= (within - {NAMELESS}).difference(self.groups)
        if unknown:
            detail = f"{len(unknown)} members are not among what was read; the next read has them."
            self.problems.append(Problem("unknown_member", detail, key))
        return MemberList(
            key,
            tuple(sorted(inside.intersection(self.accounts))),
            tuple(sorted(within.intersection(self.groups))),
            is_complete=is_complete and is_clear,
        )

    def unread(self, key: str, what: str, error: ConnectorError) -> None:
        """Tell that the members of one could not be read."""
        if isinstance(error, TargetMissingError):
            code, detail = "vanished_group", f"The {what} was gone when its members were asked."
        else:
            code, detail = "unreadable_group", f"The members of the {what} are not shown: {error}"
        self.problems.append(Problem(code, detail, key))


def id_of(found: Any) -> str:
    """Return the id of a listed object, or `NAMELESS`."""
    key = found.get("id") if isinstance(found, dict) else None
    return key if isinstance(key, str) else NAMELESS


def together(purpose_text: str, listings: Sequence[Listing]) -> Listing:
    """Return many lists of one kind as one, for the record of what was asked."""
    return Listing(
        purpose_text,
        pages=sum(each.pages for each in listings),
        returned=sum(each.returned for each in listings),
    )
