"""What changed in an organisation since a cursor: two calls if nothing did.

Users and groups are asked for by their stamps. Of a group whose membership stamp moved the members
are read again, whole. Stamps tell nothing of what was deleted: what the System Log told of that is
asked for by id, and is gone if Okta does not know it; the next whole read finds the rest. Group
rules have no stamps that could be asked for: they are read again whenever any group is told, since
a rule that begins or ceases to fill a group moves its members; a rule that changed without that is
found by the next whole read.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from connectors.errors import CursorRefusedError, TargetMissingError
from connectors.okta import mapping
from connectors.okta.answers import path, stamp
from connectors.okta.client import Listing, OktaClient
from connectors.okta.cursor import OVERLAP, Cursor, Stamps, read_cursor, told
from connectors.okta.managers import with_managers
from connectors.okta.reading import (
    BREAKING,
    USERS_A_PAGE,
    Members,
    account_batches,
    changed_groups,
    group_batches,
    query,
    read_rules,
    usable,
)
from connectors.records import DeltaBatch, GoneBatch, Group, Problem, ReadReport

MOST_DELETED = 300  # of more it is cheaper to read everything


@dataclass(slots=True)
class Deleted:
    """What the System Log told to be deleted, and nobody has confirmed yet.

    Attributes:
        users: Ids, each with when it was told to be.
        groups: The same of groups.
    """

    users: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)

    def drop_before(self, moment: str) -> None:
        """Forget what a whole read has seen since."""
        for held in (self.users, self.groups):
            for key in [key for key, at in held.items() if at < moment]:
                del held[key]


class Changes:
    """One delta."""

    def __init__(self, client: OktaClient, cursor: str, deleted: Deleted) -> None:
        """Go on from a cursor.

        Raises:
            CursorRefusedError: It cannot be gone on from there.
        """
        self._client, self._deleted = client, deleted
        self._since = read_cursor(cursor, client.config.org_url)
        self._cursor = cursor
        self._problems: list[Problem] = []
        self._members = Members(client, self._problems)
        self._users, self._groups = _asked(self._since.since)

    def batches(self) -> Iterator[DeltaBatch]:
        """Read what changed.

        Raises:
            CursorRefusedError: It cannot be gone on from there.
        """
        users, groups = self._changed()
        self._refuse_if_time_ran_back()
        set_back = self._since.set_back(self._users.began, self._users.noticed)
        if set_back:
            self._since = self._since.earlier(set_back)
            self._users, self._groups = _asked(self._since.since)
            users, groups = self._changed()
        since = self._since
        user_stamps = mapping.stamps(users, *mapping.USER_STAMPS)
        group_stamps = mapping.stamps(groups, *mapping.GROUP_STAMPS)
        fresh = [each for each in users if _is_fresh(each, user_stamps, since.users)]
        accounts = usable(map(mapping.account, fresh), self._problems)
        new = mapping.recent(fresh, since.since, "created").keys()
        yield from account_batches(with_managers(self._client, accounts, new))
        changed = [each for each in groups if _is_fresh(each, group_stamps, since.groups)]
        rules = read_rules(self._client, self._problems) if changed else since.rules
        moved = [
            key
            for key, times in group_stamps.items()
            if times[-1] > since.since and times[-1:] != since.groups.get(key, ())[-1:]
        ]
        lists = self._members.begin(moved)
        told_groups = usable((mapping.group(e, rules or {}) for e in changed), self._problems)
        told_groups += self._with_other_rules(rules, {e.external_id for e in told_groups})
        yield from group_batches(told_groups)
        yield from lists
        yield from self._gone()
        yield self._report(
            replace(
                since,
                at=self._users.began or since.at,
                noticed=self._users.noticed if self._users.began else since.noticed,
                users=told(user_stamps, *self._kept(self._users)),
                groups=told(group_stamps, *self._kept(self._groups)),
                rules=since.rules if rules is None else rules,
            )
        )

    def _changed(self) -> tuple[list[Any], list[Any]]:
        """Return the users and the groups that are told."""
        reading_users: asyncio.Task[list[Any]] = self._client.begin(self._users)
        groups: list[Any] = self._client.list_all(self._groups)
        return self._client.finish(reading_users), groups

    def _refuse_if_time_ran_back(self) -> None:
        """A clock that was ahead once has hidden what was changed until it was right again."""
        began = self._users.began
        if began is not None and began < self._since.at - OVERLAP:
            raise CursorRefusedError(
                f"Okta's clock shows {began:%Y-%m-%d %H:%M:%S}, earlier than at the last read "
                f"({self._since.at:%Y-%m-%d %H:%M:%S}): what changed since cannot be told."
            )

    def _kept(self, listing: Listing) -> tuple[Any, str]:
        began = listing.began or self._since.at
        return began, stamp((self._users.began or self._since.at) - OVERLAP)

    def _with_other_rules(self, rules: Mapping[str, str] | None, told_now: set[str]) -> list[Group]:
        """Return the groups that another rule fills now, or none any more, besides those told."""
        if rules is None:
            return []
        were = self._since.rules
        keys = {key for key in {*rules, *were} if rules.get(key) != were.get(key)}
        found: list[Any] = []
        for key in sorted(keys - told_now):
            try:
                found.append(self._client.call("GET", path("groups", key)).body)
            except TargetMissingError:  # a rule may name a group that is gone
                continue
        return usable((mapping.group(each, rules) for each in found), self._problems)

    def _gone(self) -> Iterator[GoneBatch]:
        """Tell what was deleted, as far as the log told of it or its members were asked for."""
        self._deleted.drop_before(stamp(self._since.whole - OVERLAP))
        vanished = [each.about for each in self._problems if each.code == "vanished_group"]
        if len(self._deleted.users) + len(self._deleted.groups) > MOST_DELETED:
            raise CursorRefusedError("Very much was deleted: that is found by reading everything.")
        users = self._confirmed("users", self._deleted.users)
        groups = self._confirmed("groups", {**self._deleted.groups, **dict.fromkeys(vanished, "")})
        self._problems[:] = [
            each
            for each in self._problems
            if each.code != "vanished_group" or each.about not in groups
        ]
        if users or groups:
            yield GoneBatch(users, groups)
        for key in users:
            self._deleted.users.pop(key, None)
        for key in groups:
            self._deleted.groups.pop(key, None)

    def _confirmed(self, what: str, ids: dict[str, str]) -> tuple[str, ...]:
        """Return those that Okta does not know by their id."""
        gone = []
        for key in ids:
            try:
                self._client.call("GET", path(what, key))
            except TargetMissingError:
                gone.append(key)
        return tuple(gone)

    def _report(self, following: Cursor) -> ReadReport:
        is_complete = not any(each.code in BREAKING for each in self._problems)
        return ReadReport(
            is_complete=is_complete,
            endpoint=self._client.config.org_url,
            account=self._client.config.account,
            queries=(
                query("accounts", self._users),
                query("groups", self._groups),
                query("members", self._members.total),
            ),
            problems=tuple(self._problems),
            cursor=following.text if is_complete else self._cursor,
        )


def _asked(since: str) -> tuple[Listing, Listing]:
    """Return what is asked of users and of groups."""
    wanted = f'lastUpdated gt "{since}"'
    users = Listing(path("users", limit=USERS_A_PAGE, filter=wanted))
    return users, Listing(changed_groups(since))


def _is_fresh(record: Any, now: dict[str, Stamps], before: Mapping[str, Stamps]) -> bool:
    """Say whether a record has to be told: one without an id is, as a problem."""
    key = str(record.get("id") or "") if isinstance(record, dict) else ""
    return not key or now.get(key) != before.get(key)
