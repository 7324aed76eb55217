"""A whole read of an organisation: all users in every status, all groups, the members of each.

Users come one page after the other, the members of groups side by side with them: each kind of path
has a limit of its own, and all of them are used at once. What changed among the groups while all
that was read is asked for at the end, and those members are read again.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.errors import (
    ConnectorError,
    DeniedError,
    TargetMissingError,
)
from connectors.okta import applications, mapping, pages, roles
from connectors.okta.answers import path, stamp
from connectors.okta.client import Listing, OktaClient
from connectors.okta.cursor import OVERLAP, Cursor, Stamps, told
from connectors.okta.entitled import NAMELESS, Around
from connectors.records import (
    QUARANTINED,
    QUARANTINED_GROUP,
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

USERS_A_PAGE, GROUPS_A_PAGE, MEMBERS_A_PAGE, RULES_A_PAGE = "200", "200", "1000", "200"
BATCH = 500
LISTS_A_BATCH = 20
# What keeps a read from being whole, in all or in one group.
BREAKING = frozenset({"unreadable_group", "vanished_group"})
# Without a filter Okta leaves out who is deactivated; one by status, whoever has a new status.
EVERYBODY = 'lastUpdated gt "1970-01-01T00:00:00.000Z"'


class Reading:
    """One whole read."""

    def __init__(self, client: OktaClient) -> None:
        """Read an organisation."""
        self._client = client
        self._problems: list[Problem] = []
        self._queries: list[Query] = []
        self._users = Listing(path("users", limit=USERS_A_PAGE, filter=EVERYBODY))
        self._groups = Listing(path("groups", limit=GROUPS_A_PAGE))
        self._members = Members(client, self._problems)
        self._user_stamps: dict[str, Stamps] = {}
        self._group_stamps: dict[str, Stamps] = {}

    def batches(self) -> Iterator[Batch]:
        """Read it all."""
        reading_users = self._client.begin(self._users, self._taken_users)
        found: list[Any] = self._client.list_all(self._groups)
        rules = read_rules(self._client, self._problems)
        groups = usable((mapping.group(each, rules or {}) for each in found), self._problems)
        self._group_stamps = mapping.stamps(found, *mapping.GROUP_STAMPS)
        members = self._members.begin(each.external_id for each in groups)
        accounts = usable(self._client.finish(reading_users), self._problems)
        entitled = list(self._entitled(accounts, groups))
        managers = {each.manager_id for each in accounts if each.manager_id}
        known = mapping.names_of(accounts, managers)
        yield from account_batches(mapping.resolve_managers(accounts, known))
        yield from group_batches(groups)
        yield from (batch for batch in entitled if isinstance(batch, GroupBatch))
        yield from members
        yield from (batch for batch in entitled if isinstance(batch, MemberBatch))
        yield from self._changed_meanwhile({each.external_id for each in groups}, rules or {})
        yield self._report(rules or {})

    def _taken_users(self, raw: bytes) -> list[Account | Problem]:
        began = self._users.began
        accounts, changed = pages.users(raw, stamp(began - OVERLAP) if began else "")
        if began is not None:
            self._user_stamps |= changed
        return accounts

    def _entitled(
        self, accounts: Iterable[Account], groups: Iterable[Group]
    ) -> Iterator[GroupBatch | MemberBatch]:
        """Read what gives access and is no group: applications, administrator roles."""
        around = Around(
            {each.external_id for each in accounts} | self._set_aside(QUARANTINED),
            {each.external_id for each in groups} | self._set_aside(QUARANTINED_GROUP),
            self._problems,
            self._queries,
        )
        if self._client.config.has_applications:
            found = applications.read_applications(self._client, around)
            yield GroupBatch(tuple(found))
            yield from applications.read_assignments(self._client, around, found)
        if self._client.config.has_roles:
            borne = roles.read_roles(self._client, around)
            yield GroupBatch(tuple(borne.groups))
            yield borne.members

    def _set_aside(self, code: str) -> set[str]:
        """Return the ids of those whose record could not be used; they are there all the same."""
        return {each.about for each in self._problems if each.code == code and each.about}

    def _changed_meanwhile(self, known: set[str], rules: Mapping[str, str]) -> Iterator[Batch]:
        """Read again the members of groups that changed while they were read, and new groups."""
        if self._groups.began is None:
            return
        listing = Listing(changed_groups(stamp(self._groups.began - OVERLAP)))
        found: list[Any] = self._client.list_all(listing)
        before, now = self._group_stamps, mapping.stamps(found, *mapping.GROUP_STAMPS)
        moved = [key for key, each in now.items() if each[-1:] != before.get(key, ())[-1:]]
        new = [each for each in found if isinstance(each, dict) and each.get("id") not in known]
        groups = usable((mapping.group(each, rules) for each in new), self._problems)
        yield from group_batches(groups)
        yield from self._members.begin(moved)
        self._group_stamps = now

    def _report(self, rules: Mapping[str, str]) -> ReadReport:
        is_broken = any(each.code in BREAKING for each in self._problems)
        return ReadReport(
            is_complete=self._users.is_complete and self._groups.is_complete and not is_broken,
            endpoint=self._client.config.org_url,
            account=self._client.config.account,
            queries=(
                query("accounts", self._users),
                query("groups", self._groups),
                query("members", self._members.total),
                *self._queries,
            ),
            problems=tuple(self._problems),
            cursor=self._cursor(rules),
        )

    def _cursor(self, rules: Mapping[str, str]) -> str:
        """Return where the next delta starts: before the first answer of this read."""
        began, listed = self._users.began, self._groups.began
        if began is None or listed is None:
            return ""
        at = min(began, listed)
        first = self._users if began <= listed else self._groups
        since = stamp(at - OVERLAP)
        return Cursor(
            org=self._client.config.org_url,
            at=at,
            whole=at,
            users=told(self._user_stamps, began, since),
            groups=told(self._group_stamps, listed, since),
            rules=rules,
            noticed=first.noticed,
        ).text


class Members:
    """The members of groups, read side by side.

    Attributes:
        total: What was read so far.
        missing: Groups that were gone when they were asked for.
    """

    def __init__(self, client: OktaClient, problems: list[Problem]) -> None:
        """Read members; what cannot be read becomes a problem."""
        self._client, self._problems = client, problems
        self.total = Listing(path("groups", "{id}", "users", limit=MEMBERS_A_PAGE))

    def begin(self, group_ids: Iterable[str]) -> Iterator[MemberBatch]:
        """Begin to read the members of some groups at once, and give them out as they come."""
        by_path = {path("groups", each, "users", limit=MEMBERS_A_PAGE): each for each in group_ids}
        listings = [Listing(each) for each in by_path]
        reading = self._client.side_by_side(listings, pages.member_ids, pages.folded)

        def batches() -> Iterator[MemberBatch]:
            lists: list[MemberList] = []
            for listing, result in reading:
                if isinstance(result, ConnectorError):
                    self._unreadable(by_path[listing.text], result)
                    continue
                self.total.pages += listing.pages
                self.total.returned += listing.returned
                lists.append(self._list(by_path[listing.text], pages.unfolded(result)))
                if len(lists) == LISTS_A_BATCH:
                    yield MemberBatch(tuple(lists))
                    lists = []
            yield MemberBatch(tuple(lists))

        return batches()

    def _list(self, group_id: str, found: tuple[str, ...]) -> MemberList:
        """Return a list; whoever has no id among the users has none as a member, nobody else."""
        if NAMELESS not in found:
            return MemberList(group_id, found)
        is_clear = any(each.code == QUARANTINED and not each.about for each in self._problems)
        if not is_clear:
            detail = "A member is listed without an id: nobody can be said to be missing."
            self._problems.append(Problem("unreadable_group", detail, group_id))
        members = tuple(each for each in found if each != NAMELESS)
        return MemberList(group_id, members, is_complete=is_clear)

    def _unreadable(self, group_id: str, error: ConnectorError) -> None:
        if isinstance(error, TargetMissingError):
            code, detail = "vanished_group", "The group was gone when its members were asked."
        else:
            code, detail = "unreadable_group", f"The members of a group could not be read: {error}"
        self._problems.append(Problem(code, detail, group_id))


def changed_groups(since: str) -> str:
    """Return the path of the groups that changed in themselves or in their members."""
    wanted = f'lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"'
    return path("groups", limit=GROUPS_A_PAGE, filter=wanted)


def read_rules(client: OktaClient, problems: list[Problem]) -> dict[str, str] | None:
    """Return group id to the name of the rule that fills it, or None if they may not be seen."""
    try:
        listing = Listing(path("groups", "rules", limit=RULES_A_PAGE))
        return mapping.rules(client.list_all(listing))
    except DeniedError:
        detail = "Group rules cannot be read: which groups a rule fills stays as it was known."
        problems.append(Problem("rules_unreadable", detail))
        return None


def account_batches(accounts: list[Account]) -> Iterator[AccountBatch]:
    """Part accounts into batches."""
    for start in range(0, len(accounts), BATCH):
        yield AccountBatch(tuple(accounts[start : start + BATCH]))


def group_batches(groups: list[Group]) -> Iterator[GroupBatch]:
    """Part groups into batches."""
    for start in range(0, len(groups), BATCH):
        yield GroupBatch(tuple(groups[start : start + BATCH]))


def query(purpose: str, listing: Listing) -> Query:
    """Return what was asked, for the completeness statement."""
    return Query(purpose, f"GET {listing.text}", listing.pages, listing.returned)


def usable(found: Iterable[Any], problems: list[Problem]) -> list[Any]:
    """Return the records that can be used; the others become problems."""
    kept: list[Account | Group] = []
    for each in found:
        if isinstance(each, Problem):
            problems.append(each)
        else:
            kept.append(each)
    return kept
