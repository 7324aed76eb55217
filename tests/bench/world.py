"""A large company as the bytes of an API's pages, always the same, and a connector that reads them.

The connector does what one for a real source does: parse each page, make records of it. Parsing the
same bytes and keeping nothing is the floor that a sync is measured against.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import msgspec
import numpy as np

from connectors.errors import UnsupportedError
from connectors.records import (
    Account,
    AccountBatch,
    Batch,
    Change,
    CheckReport,
    DeltaBatch,
    Group,
    GroupBatch,
    LogPage,
    MemberBatch,
    MemberList,
    Observation,
    Outcome,
    Query,
    ReadReport,
)

PAGE = 200
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Profile(msgspec.Struct, gc=False):
    """What a page tells of a person."""

    login: str
    displayName: str  # noqa: N815 - as on the wire
    email: str
    employeeNumber: str  # noqa: N815
    department: str
    title: str
    managerId: str | None = None  # noqa: N815


class User(msgspec.Struct, gc=False):
    """A person on a page."""

    id: str
    status: str
    profile: Profile


class Team(msgspec.Struct, gc=False):
    """A group on a page."""

    id: str
    name: str


class Inside(msgspec.Struct, gc=False):
    """A member on a page."""

    id: str


USERS = msgspec.json.Decoder(list[User])
TEAMS = msgspec.json.Decoder(list[Team])
INSIDE = msgspec.json.Decoder(list[Inside])
ID = attrgetter("id")


@dataclass(frozen=True, slots=True)
class World:
    """A source as the bytes of its pages.

    Attributes:
        users: Pages of users.
        groups: Pages of groups.
        members: For each group its id and the pages of its members.
        memberships: How many there are.
    """

    users: Sequence[bytes]
    groups: Sequence[bytes]
    members: Sequence[tuple[str, Sequence[bytes]]]
    memberships: int

    @property
    def rows(self) -> int:
        """How many things are on the pages."""
        return sum(map(len, map(USERS.decode, self.users))) + len(self.members) + self.memberships


def name_of(kind: str, place: int) -> str:
    """Return an id in the order of nothing: twenty letters and digits."""
    mixed = (place * 2_654_435_761 + 12_345) % (36**12)
    found = ""
    while mixed or len(found) < 17:
        mixed, digit = divmod(mixed, 36)
        found = LETTERS[digit] + found
    return kind + found


def sizes(groups: int, memberships: int) -> list[int]:
    """Return skewed sizes of groups, the largest some two hundred times the middle one."""
    weights = 1.0 / np.arange(5, groups + 5) ** 0.55
    found = np.maximum(1, (weights / weights.sum() * memberships).astype(int))
    found[0] += memberships - found.sum()
    return [int(each) for each in found]


def world(people: int, inside: Sequence[int], *, is_changed: bool = False) -> World:
    """Make a company.

    Args:
        people: How many accounts.
        inside: How many members each group has.
        is_changed: In a fiftieth of the groups some have left and as many have joined: 1 % of all.
    """
    ids = [name_of("00u", place) for place in range(people)]
    users = [
        msgspec.json.encode(
            [_user(ids, place) for place in range(start, min(start + PAGE, people))]
        )
        for start in range(0, people, PAGE)
    ]
    names = [name_of("00g", place) for place in range(len(inside))]
    teams = [{"id": each, "name": f"Group {place:05}"} for place, each in enumerate(names)]
    random = np.random.default_rng(7)
    total = sum(inside)
    touched = set(range(0, len(inside), 50)) if is_changed else set()
    half = total // 200 // max(1, len(touched))
    members = []
    for place, size in enumerate(inside):
        chosen = random.choice(people, size, replace=False) if size < people else np.arange(people)
        if place in touched:
            few = min(half, size)
            rest = np.setdiff1d(np.arange(people), chosen)
            chosen = np.concatenate([chosen[few:], rest[:few]])
        found = [{"id": ids[each]} for each in chosen]
        pages = [msgspec.json.encode(found[at : at + PAGE]) for at in range(0, len(found), PAGE)]
        members.append((names[place], pages))
    groups = [msgspec.json.encode(teams[at : at + PAGE]) for at in range(0, len(teams), PAGE)]
    return World(users, groups, members, total)


def _user(ids: Sequence[str], place: int) -> dict[str, object]:
    return {
        "id": ids[place],
        "status": "ACTIVE",
        "profile": {
            "login": f"u{place:06}@example.test",
            "displayName": f"Person {place:06} of {place % 997:03}",
            "email": f"u{place:06}@example.test",
            "employeeNumber": str(1_000_000 + place),
            "department": f"Department {place % 200}",
            "title": f"Title {place % 40}",
            "managerId": ids[place // 50],
        },
    }


def parse(found: World) -> None:
    """Read every page and keep nothing: the floor."""
    for page in found.users:
        USERS.decode(page)
    for page in found.groups:
        TEAMS.decode(page)
    for _, pages in found.members:
        for page in pages:
            INSIDE.decode(page)


class PageConnector:
    """Reads a company's pages."""

    def __init__(self, found: World) -> None:
        """Know the pages."""
        self.world = found

    def check(self) -> CheckReport:
        """Say that it works."""
        return CheckReport((), "bench:", "bench")

    def snapshot(self) -> Iterator[Batch]:
        """Read everything, page by page."""
        found = self.world
        counts = {"accounts": 0, "groups": 0, "members": 0}
        for page in found.users:
            accounts = tuple(map(_account, USERS.decode(page)))
            counts["accounts"] += len(accounts)
            yield AccountBatch(accounts)
        for page in found.groups:
            groups = tuple(Group(each.id, each.name, "OKTA_GROUP") for each in TEAMS.decode(page))
            counts["groups"] += len(groups)
            yield GroupBatch(groups)
        for group_id, pages in found.members:
            inside = tuple(map(ID, chain.from_iterable(map(INSIDE.decode, pages))))
            counts["members"] += len(inside)
            yield MemberBatch((MemberList(group_id, inside),))
        queries = tuple(
            Query(purpose, "pages", 1, number, number) for purpose, number in counts.items()
        )
        yield ReadReport(is_complete=True, endpoint="bench:", account="bench", queries=queries)

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        """It tells no changes."""
        raise NotImplementedError(cursor)

    def log(self, cursor: str) -> Iterator[LogPage]:
        raise UnsupportedError(f"pages have no log to go on from {cursor!r}")

    def ensure(self, change: Change) -> Outcome:
        """It changes nothing."""
        raise NotImplementedError(change)

    def observe(self, change: Change) -> Observation:
        """It shows nothing singly."""
        raise NotImplementedError(change)

    def close(self) -> None:
        """Nothing is open."""


def _account(user: User) -> Account:
    told = user.profile
    return Account(
        external_id=user.id,
        login=told.login,
        display_name=told.displayName,
        is_enabled=user.status == "ACTIVE",
        status=user.status,
        mail=told.email,
        employee_number=told.employeeNumber,
        manager_id=told.managerId,
        department=told.department,
        title=told.title,
    )
