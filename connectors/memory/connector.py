"""The memory connector: behaves like a directory, or like Okta, over a state file.

It earns its place by passing the same contract suite as the real servers. `breaks` names ways to
fail, for tests: `network` (a read breaks off in the middle), `truncated` (a list ends early and
says so), `denied` (every write is refused), `away` (no write gets through), `half_done` (a write
happens and its answer is lost).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from connectors.errors import (
    DeniedError,
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnavailableError,
    UnsupportedError,
)
from connectors.memory.state import State, changing, read_state
from connectors.port import SettingKey
from connectors.records import (
    Account,
    AccountBatch,
    Batch,
    Change,
    CheckItem,
    CheckReport,
    DeltaBatch,
    Effect,
    Group,
    GroupBatch,
    Member,
    MemberBatch,
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
BREAKS = ("network", "truncated", "denied", "away", "half_done")
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
        now: Callable[[], datetime],
    ) -> None:
        """Work on a state file.

        Args:
            path: The file.
            flavour: Which verbs it knows: those of a `directory`, or of `okta`.
            breaks: Ways to fail, see the module.
            now: The time, for accounts that expire.
        """
        self._path = path
        self._flavour = flavour
        self._breaks = breaks
        self._now = now
        self._endpoint = f"memory:{path.name}"

    def check(self) -> CheckReport:
        """Try everything, changing nothing."""
        state = read_state(self._path)
        writes = "denied" not in self._breaks
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
        )
        return CheckReport(items, self._endpoint, "memory", state.own_account_id)

    def snapshot(self) -> Iterator[Batch]:
        """Read everything."""
        state = read_state(self._path)
        accounts = [self._shown(each) for each in state.accounts.values()]
        groups = list(state.groups.values())
        for start in range(0, len(accounts), BATCH):
            yield AccountBatch(tuple(accounts[start : start + BATCH]))
        for start in range(0, len(groups), BATCH):
            yield GroupBatch(tuple(groups[start : start + BATCH]))
        if "network" in self._breaks:
            raise UnavailableError("The connection broke off while members were read.")
        is_cut = "truncated" in self._breaks
        lists = [_list(group, state, is_cut=is_cut) for group in groups]
        for start in range(0, len(lists), BATCH):
            yield MemberBatch(tuple(lists[start : start + BATCH]))
        problem = Problem("size_limit", "The source ended a list early; raise its limit.")
        yield ReadReport(
            is_complete=not is_cut,
            endpoint=self._endpoint,
            account="memory",
            queries=(
                _query("accounts", len(accounts)),
                _query("groups", len(groups)),
                _query("members", sum(len(each.members) for each in lists)),
            ),
            problems=(problem,) if is_cut else (),
        )

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:  # noqa: ARG002 - the port's argument
        """Refuse: this source is read whole."""
        raise UnsupportedError("This source tells no changes: it is read whole.")

    def _shown(self, account: Account) -> Account:
        if account.expires_at is not None and account.expires_at <= self._now():
            return replace(account, is_enabled=False, status=EXPIRED)
        return account

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state."""
        if "denied" in self._breaks:
            raise DeniedError("The source refuses changes: ask its administrator for the right.")
        if "away" in self._breaks:
            raise UnavailableError("The source does not answer.")
        self._require_known(change.verb)
        with changing(self._path) as state:
            effect = _apply(state, change, self._flavour)
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


def _list(group: Group, state: State, *, is_cut: bool) -> MemberList:
    members = tuple(state.members.get(group.external_id, {}).values())
    if is_cut and members:
        return MemberList(group.external_id, members[:-1], is_complete=False)
    return MemberList(group.external_id, members)


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
        return MemoryConnector(Path(settings["path"]), flavour=flavour, breaks=breaks, now=now)


KIND = MemoryKind()
