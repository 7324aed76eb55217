"""The memory connector: behaves like a directory, or like Okta, over a state file.

It earns its place by passing the same contract suite as the real servers. `breaks` names ways to
fail, for tests: `network` (a read breaks off in the middle), `truncated` (a list ends early and
says so), `denied` (every write is refused), `away` (no write gets through), `half_done` (a write
happens and its answer is lost), `forgetful` (no cursor is good any more). `unreadable` and
`vanished` name groups whose members cannot be read, or that are gone when they are asked for.

Its log tells who changed memberships, as far as the state was told; the product's own changes are
told as its own account's. It fails by `log_denied` (it may not be read), `log_forgetful` (its
cursor is not good any more), `log_broken` (it breaks off after a page), `log_late` (the newest deed
is told only when this is over), `log_disordered` (the newest first) and `log_repeated` (each deed
twice, and the last one known again).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from connectors.errors import (
    CursorRefusedError,
    DeniedError,
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnavailableError,
    UnsupportedError,
)
from connectors.memory.state import By, Log, State, changing, read_logged, read_state
from connectors.port import SettingKey
from connectors.records import (
    Account,
    AccountBatch,
    Batch,
    Change,
    CheckItem,
    CheckReport,
    Deed,
    DeltaBatch,
    Effect,
    GoneBatch,
    GroupBatch,
    LogPage,
    Member,
    MemberBatch,
    MemberChange,
    MemberChangeBatch,
    MemberKind,
    MemberList,
    Observation,
    Outcome,
    Problem,
    Query,
    ReadReport,
    Verb,
)

BATCH = 500
FLAVOURS = ("directory", "okta")
LOG_PAGE = 50
OF_THE_LOG = (
    *("log_denied", "log_forgetful", "log_broken"),
    *("log_late", "log_disordered", "log_repeated"),
)
BREAKS = ("network", "truncated", "denied", "away", "half_done", "forgetful", *OF_THE_LOG)
UNREADABLE, VANISHED = "unreadable_group", "vanished_group"
WHY_UNREAD = "The members of this group could not be read: ask why, or exclude it by name."
ACTIVE, SUSPENDED, DEPROVISIONED = "ACTIVE", "SUSPENDED", "DEPROVISIONED"
ENABLED, DISABLED, EXPIRED = "enabled", "disabled", "expired"
FLAVOUR_OF = {
    Verb.DISABLE_ACCOUNT: "directory",
    Verb.SUSPEND_ACCOUNT: "okta",
    Verb.DEACTIVATE_ACCOUNT: "okta",
    Verb.CLEAR_SESSIONS: "okta",
}


class MemoryConnector:
    """One memory source."""

    def __init__(
        self,
        path: Path,
        *,
        flavour: str = "directory",
        breaks: frozenset[str] = frozenset(),
        unreadable: Mapping[str, str] | None = None,
        now: Callable[[], datetime],
    ) -> None:
        """Work on a state file.

        Args:
            path: The file.
            flavour: Which verbs it knows: those of a `directory`, or of `okta`.
            breaks: Ways to fail, see the module.
            unreadable: Groups whose members cannot be read, with the code of the problem.
            now: The time, for accounts that expire.
        """
        self._path = path
        self._flavour = flavour
        self._breaks = breaks
        self._unreadable = unreadable or {}
        self._now = now
        self._endpoint = f"memory:{path.name}"

    def check(self) -> CheckReport:
        """Try everything, changing nothing."""
        state = read_state(self._path)
        writes, tells = ("denied" not in self._breaks, "log_denied" not in self._breaks)
        found = f"{len(state.accounts)} accounts, {len(state.groups)} groups"
        items = (
            CheckItem("reach", is_ok=True, detail="Simulated: the state is a file."),
            CheckItem("read", is_ok=True, detail=found),
            CheckItem(
                "write",
                is_ok=writes,
                detail="Changes are accepted." if writes else "Changes would be refused.",
                is_required=False,
            ),
            CheckItem(
                "read log",
                is_ok=tells,
                detail="Its log tells who changed memberships."
                if tells
                else "Its log may not be read: who changed a membership, and when, is not told.",
                is_required=False,
            ),
        )
        return CheckReport(items, self._endpoint, "memory", state.own_account_id)

    def snapshot(self) -> Iterator[Batch]:
        """Read everything."""
        state, log = read_logged(self._path)
        cursor = self._cursor(log)
        accounts = [self._shown(each) for each in state.accounts.values()]
        groups = list(state.groups.values())
        yield from _batched(accounts, AccountBatch)
        yield from _batched(groups, GroupBatch)
        if "network" in self._breaks:
            raise UnavailableError("The connection broke off while members were read.")
        lists = [self._list(group.external_id, state) for group in groups]
        yield from _batched(lists, MemberBatch)
        queries = (
            _query("accounts", len(accounts)),
            _query("groups", len(groups)),
            _query("members", sum(each.size for each in lists)),
        )
        yield self._report(queries, lists, cursor)

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        """Read what changed: of a directory who joined and left, of Okta the whole lists."""
        state, log = read_logged(self._path)
        number, seen_at = self._since(cursor, log)
        touched = {key for key, at in log.accounts.items() if at > number}
        touched |= {
            key
            for key, each in state.accounts.items()
            if each.expires_at is not None and seen_at <= each.expires_at <= self._now()
        }
        accounts = [self._shown(state.accounts[key]) for key in touched & state.accounts.keys()]
        renamed = {key for key, at in log.groups.items() if at > number}
        groups = [state.groups[key] for key in renamed & state.groups.keys()]
        changed = {
            group_id: {key for key, at in members.items() if at > number}
            for group_id, members in log.members.items()
            if group_id in state.groups and max(members.values(), default=0) > number
        }
        yield from _batched(accounts, AccountBatch)
        yield from _batched(groups, GroupBatch)
        if "network" in self._breaks:
            raise UnavailableError("The connection broke off while changes were read.")
        yield GoneBatch(
            tuple(touched - state.accounts.keys()), tuple(renamed - state.groups.keys())
        )
        lists = [self._list(key, state) for key in changed if self._is_told_whole(key)]
        told = [_member_change(key, changed[key], state) for key in changed]
        moves = [each for each in told if not self._is_told_whole(each.group_id)]
        yield from _batched(lists, MemberBatch)
        yield from _batched(moves, MemberChangeBatch)
        since = f"since change {number}"
        queries = (
            Query("accounts", f"accounts {since}", 1, len(touched)),
            Query("groups", f"groups {since}", 1, len(renamed)),
            Query("members", f"members {since}", 1, sum(map(len, changed.values()))),
        )
        yield self._report(queries, lists, self._cursor(log))

    def _is_told_whole(self, group_id: str) -> bool:
        is_cut = "truncated" in self._breaks or group_id in self._unreadable
        return is_cut or self._flavour == "okta"

    def _cursor(self, log: Log) -> str:
        return f"{log.epoch}|{log.number}|{self._now().isoformat()}"

    def _since(self, cursor: str, log: Log) -> tuple[int, datetime]:
        """Return what a cursor means here.

        Raises:
            CursorRefusedError: It is of another history, of the future, or none at all.
        """
        epoch, number, moment = (*cursor.split("|"), "", "")[:3]
        is_ours = epoch == log.epoch and number.isdecimal() and int(number) <= log.number
        if "forgetful" in self._breaks or not is_ours:
            raise CursorRefusedError("The source cannot tell what changed since that cursor.")
        return int(number), datetime.fromisoformat(moment)

    def _report(
        self, queries: tuple[Query, ...], lists: Sequence[MemberList], cursor: str
    ) -> ReadReport:
        is_cut = "truncated" in self._breaks
        problems = [
            Problem(self._unreadable[each.group_id], WHY_UNREAD, each.group_id)
            for each in lists
            if each.group_id in self._unreadable
        ]
        if is_cut:
            text = "The source ended a list early; raise its limit."
            problems.append(Problem("size_limit", text))
        return ReadReport(
            is_complete=not problems,
            endpoint=self._endpoint,
            account="memory",
            queries=queries,
            problems=tuple(problems),
            cursor="" if is_cut else cursor,
        )

    def _list(self, group_id: str, state: State) -> MemberList:
        members = tuple(state.members.get(group_id, {}).values())
        if group_id in self._unreadable:
            return MemberList(group_id, is_complete=False)
        if "truncated" in self._breaks and members:
            return MemberList.of(group_id, members[:-1], is_complete=False)
        return MemberList.of(group_id, members)

    def _shown(self, account: Account) -> Account:
        if account.expires_at is not None and account.expires_at <= self._now():
            return replace(account, is_enabled=False, status=EXPIRED)
        return account

    def log(self, cursor: str) -> Iterator[LogPage]:
        """Read what was said about who changed memberships, oldest first; at least one page."""
        if "log_denied" in self._breaks:
            raise DeniedError("The log may not be read: ask for the right to.")
        state, log = read_logged(self._path)
        epoch, _, place = cursor.partition("|")
        known = int(place) if place.isdecimal() else -1
        is_ours = epoch == log.epoch and 0 <= known <= len(state.deeds)
        if cursor and ("log_forgetful" in self._breaks or not is_ours):
            raise CursorRefusedError("The log does not go on from that cursor.")
        begin = known if cursor else 0
        end = len(state.deeds) - ("log_late" in self._breaks and begin < len(state.deeds))
        while True:
            upto = min(begin + LOG_PAGE, end)
            yield LogPage(self._told(state.deeds, begin, upto), f"{log.epoch}|{upto}")
            if upto == end:
                return
            if "log_broken" in self._breaks:
                raise UnavailableError("The connection broke off while the log was read.")
            begin = upto

    def _told(self, deeds: Sequence[Deed], begin: int, end: int) -> tuple[Deed, ...]:
        told = list(deeds[begin:end])
        if "log_disordered" in self._breaks:
            told.reverse()
        if "log_repeated" in self._breaks:
            told = [*deeds[max(0, begin - 1) : begin], *told, *told]
        return tuple(told)

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state."""
        if "denied" in self._breaks:
            raise DeniedError("The source refuses changes: ask its administrator for the right.")
        if "away" in self._breaks:
            raise UnavailableError("The source does not answer.")
        self._require_known(change.verb)
        with changing(self._path) as state:
            before = state.held()
            effect = _apply(state, change, self._flavour)
            state.tell(before, By(state.own_account_id or "attestry", "Attestry", self._now()))
        if "half_done" in self._breaks:
            raise UnavailableError("The connection broke off before the answer came.")
        return Outcome(effect, _spelled(change), "done")

    def observe(self, change: Change) -> Observation:
        """Read back a state."""
        self._require_known(change.verb)
        state = read_state(self._path)
        in_effect, shown = _holds(state, change)
        return Observation(in_effect, shown, f"{self._endpoint} by id {change.account_id}")

    def _require_known(self, verb: Verb) -> None:
        if FLAVOUR_OF.get(verb, self._flavour) != self._flavour:
            raise UnsupportedError(f"A {self._flavour} source cannot {verb.value}.")

    def close(self) -> None:
        """Nothing is open."""


def _query(purpose: str, count: int) -> Query:
    return Query(purpose, f"all {purpose}", pages=1, returned=count, reported=count)


def _batched(records: Sequence[Any], batch: Callable[[tuple[Any, ...]], Any]) -> Iterator[Any]:
    for start in range(0, len(records), BATCH):
        yield batch(tuple(records[start : start + BATCH]))


def _member_change(group_id: str, touched: set[str], state: State) -> MemberChange:
    inside = state.members.get(group_id, {})
    joined = tuple(inside[key] for key in sorted(touched & inside.keys()))
    return MemberChange(group_id, joined, tuple(sorted(touched - inside.keys())))


def _spelled(change: Change) -> str:
    into = f" group={change.group_id}" if change.group_id else ""
    return f"{change.verb.value} account={change.account_id}{into}"


def _apply(state: State, change: Change, flavour: str) -> Effect:
    account = state.accounts.get(change.account_id)
    if account is None:
        raise TargetMissingError("There is no such account.")
    if change.group_id is not None:
        return _change_member(state, change)
    if change.verb is Verb.CLEAR_SESSIONS:
        had = change.account_id in state.sessions
        state.sessions.discard(change.account_id)
        return Effect.CHANGED if had else Effect.ALREADY
    status, is_enabled = _target(account, change.verb, flavour)
    if (account.status, account.is_enabled) == (status, is_enabled):
        return Effect.ALREADY
    state.accounts[change.account_id] = replace(account, status=status, is_enabled=is_enabled)
    return Effect.CHANGED


def _target(account: Account, verb: Verb, flavour: str) -> tuple[str, bool]:
    if flavour == "directory":
        return (ENABLED, True) if verb is Verb.ENABLE_ACCOUNT else (DISABLED, False)
    if account.status == DEPROVISIONED and verb is not Verb.DEACTIVATE_ACCOUNT:
        if verb is Verb.SUSPEND_ACCOUNT:
            return DEPROVISIONED, False
        raise TargetConflictError("A deactivated account has to be activated by hand.")
    return {
        Verb.ENABLE_ACCOUNT: (ACTIVE, True),
        Verb.SUSPEND_ACCOUNT: (SUSPENDED, False),
        Verb.DEACTIVATE_ACCOUNT: (DEPROVISIONED, False),
    }[verb]


def _change_member(state: State, change: Change) -> Effect:
    group = state.groups.get(change.group_id or "")
    if group is None:
        raise TargetMissingError("There is no such group.")
    if not group.is_writable:
        raise UnsupportedError("The group is mastered elsewhere: change it at its master.")
    inside = state.members.setdefault(group.external_id, {})
    found = inside.get(change.account_id)
    if change.verb is Verb.ADD_MEMBER:
        if found is not None:
            return Effect.ALREADY
        inside[change.account_id] = Member(change.account_id, MemberKind.ACCOUNT)
        return Effect.CHANGED
    if found is None:
        return Effect.ALREADY
    if found.is_primary:
        raise TargetConflictError("It is the account's primary group: change that first.")
    del inside[change.account_id]
    return Effect.CHANGED


def _holds(state: State, change: Change) -> tuple[bool, str]:
    account = state.accounts.get(change.account_id)
    if change.group_id is not None:
        inside = change.account_id in state.members.get(change.group_id, {})
        wants = change.verb is Verb.ADD_MEMBER
        if wants and (account is None or change.group_id not in state.groups):
            raise TargetMissingError("There is no such account or group.")
        return inside == wants, "is a member" if inside else "is not a member"
    if account is None:
        if change.verb is Verb.ENABLE_ACCOUNT:
            raise TargetMissingError("There is no such account.")
        return True, "there is no such account"
    if change.verb is Verb.CLEAR_SESSIONS:
        is_open = change.account_id in state.sessions
        return not is_open, "has open sessions" if is_open else "has no open session"
    wanted = {
        Verb.ENABLE_ACCOUNT: account.is_enabled,
        Verb.DISABLE_ACCOUNT: not account.is_enabled,
        Verb.SUSPEND_ACCOUNT: account.status in (SUSPENDED, DEPROVISIONED),
        Verb.DEACTIVATE_ACCOUNT: account.status == DEPROVISIONED,
    }
    return wanted[change.verb], f"status {account.status}"


@dataclass(frozen=True, slots=True)
class MemoryKind:
    """The kind `memory`."""

    name: str = "memory"
    keys: tuple[SettingKey, ...] = (
        SettingKey("path", "The file its state is in.", is_required=True),
        SettingKey("flavour", "Which verbs it knows: directory (default) or okta."),
        SettingKey("breaks", "Ways to fail, for tests, separated by commas."),
        SettingKey("unreadable", "Groups whose members cannot be read, for tests, by id."),
        SettingKey("vanished", "Groups that are gone when their members are read, for tests."),
    )

    def connect(
        self,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],  # noqa: ARG002 - it has none
        *,
        now: Callable[[], datetime],
    ) -> MemoryConnector:
        """Make a connector.

        Raises:
            MisconfiguredError: A value is unknown; `key` names it.
        """
        flavour = settings.get("flavour", FLAVOURS[0])
        breaks = frozenset(filter(None, settings.get("breaks", "").split(",")))
        if flavour not in FLAVOURS:
            raise MisconfiguredError(f"flavour is {' or '.join(FLAVOURS)}.", key="flavour")
        if not breaks <= set(BREAKS):
            raise MisconfiguredError(f"breaks are {', '.join(BREAKS)}.", key="breaks")
        unreadable = {
            group_id: code
            for key, code in (("unreadable", UNREADABLE), ("vanished", VANISHED))
            for group_id in filter(None, settings.get(key, "").split(","))
        }
        return MemoryConnector(
            Path(settings["path"]), flavour=flavour, breaks=breaks, unreadable=unreadable, now=now
        )


KIND = MemoryKind()
