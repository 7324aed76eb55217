"""The state of a memory source: one JSON file, changed under a lock and replaced atomically.

Each time it is written, what differs from what it said before is noted in the same file, with a
number that only rises: so a reader that knows the number it saw last is told what changed since.
Who put accounts into groups and took them out is noted as well, where whoever changes it says so.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from connectors.errors import MisconfiguredError
from connectors.records import Account, AccountKind, Deed, Group, Member, MemberKind

FORMAT = "attestry-memory-source/1"
EPOCH_LENGTH = 12
Held = Mapping[str, Mapping[str, Member]]


@dataclass(slots=True)
class State:
    """Everything a memory source holds.

    Attributes:
        accounts: By `external_id`.
        groups: By `external_id`.
        members: Group id to its direct members by id.
        sessions: Account ids with open sessions.
        own_account_id: The account the product itself uses, or None.
        deeds: Who put which account into which group or took it out, as far as they said so.
    """

    accounts: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    members: dict[str, dict[str, Member]] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    own_account_id: str | None = None
    deeds: list[Deed] = field(default_factory=list)

    def add(
        self,
        accounts: Iterable[Account] = (),
        groups: Iterable[Group] = (),
        members: Mapping[str, Iterable[Member]] | None = None,
    ) -> "State":
        """Put in what a builder made, and return itself."""
        self.accounts.update({each.external_id: each for each in accounts})
        for group in groups:
            self.groups[group.external_id] = group
            self.members.setdefault(group.external_id, {})
        for group_id, found in (members or {}).items():
            inside = self.members.setdefault(group_id, {})
            inside.update({each.external_id: each for each in found})
        return self

    def held(self) -> "Held":
        """Return who is in which group now, unmoved by what comes."""
        return {group_id: dict(inside) for group_id, inside in self.members.items()}

    def tell(self, before: "Held", by: "By") -> None:
        """Note that somebody did what differs from who was in which group before."""
        for group_id in sorted(before.keys() | self.members.keys()):
            had, has = before.get(group_id, {}), self.members.get(group_id, {})
            for member in (*_accounts(has, but=had), *_accounts(had, but=has)):
                self.deeds.append(
                    Deed(
                        event_id=f"event-{len(self.deeds) + 1:06}",
                        at=by.at,
                        account_id=member,
                        group_id=group_id,
                        is_joining=member in has,
                        actor_id=by.id,
                        actor_name=by.name,
                    )
                )


@dataclass(frozen=True, slots=True)
class By:
    """Who changes a state, as its log will tell.

    Attributes:
        id: `external_id` of their account, or whatever else names them.
        name: As the log shows them.
        at: When, aware UTC.
    """

    id: str
    name: str
    at: datetime


def _accounts(members: Mapping[str, Member], *, but: Mapping[str, Member]) -> list[str]:
    kept = (each for each in members.values() if each.kind is MemberKind.ACCOUNT)
    return sorted(each.external_id for each in kept if each.external_id not in but)


@dataclass(slots=True)
class Log:
    """When each record of a state was touched last, by a number that only rises.

    Attributes:
        epoch: Names this file's history; another file's numbers mean nothing here.
        number: Of the last change.
        accounts: Id to number, of accounts that appeared, changed or were deleted.
        groups: The same of groups.
        members: Group id, then member id to number, of those that joined or left.
    """

    epoch: str = ""
    number: int = 0
    accounts: dict[str, int] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    members: dict[str, dict[str, int]] = field(default_factory=dict)

    def note(self, before: State, after: State) -> None:
        """Note what differs between two states."""
        number = self.number + 1
        accounts = _touched(before.accounts, after.accounts)
        groups = _touched(before.groups, after.groups)
        self.accounts |= dict.fromkeys(accounts, number)
        self.groups |= dict.fromkeys(groups, number)
        joined = set()
        for group_id in before.members.keys() | after.members.keys():
            had, has = before.members.get(group_id, {}), after.members.get(group_id, {})
            touched = _touched(had, has)
            if touched:
                joined.add(group_id)
                self.members.setdefault(group_id, {}).update(dict.fromkeys(touched, number))
        if accounts or groups or joined:
            self.number = number


def _touched(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def read_state(path: Path) -> State:
    """Read a state file.

    Raises:
        MisconfiguredError: It is missing or no state file.
    """
    return _read(path)[0]


def read_logged(path: Path) -> tuple[State, Log]:
    """Read a state file with the log of its changes, both as of one moment.

    Raises:
        MisconfiguredError: It is missing or no state file.
    """
    return _read(path)


def _read(path: Path) -> tuple[State, Log]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MisconfiguredError(f"There is no state file {path}.", key="path") from None
    except (OSError, ValueError) as error:
        raise MisconfiguredError(f"{path} cannot be read: {error}", key="path") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise MisconfiguredError(f"{path} is no state file of a memory source.", key="path")
    try:
        return _state(document), Log(**document.get("log", {}))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MisconfiguredError(f"{path} holds a record that is none: {error}", key="path") from (
            error
        )


def _state(document: Mapping[str, Any]) -> State:
    return State(
        accounts={each["external_id"]: _account(each) for each in document["accounts"]},
        groups={each["external_id"]: Group(**each) for each in document["groups"]},
        members={
            group_id: {each["external_id"]: _member(each) for each in found}
            for group_id, found in document["members"].items()
        },
        sessions=set(document["sessions"]),
        own_account_id=document["own_account_id"],
        deeds=[_deed(each) for each in document.get("deeds", ())],
    )


def write_state(path: Path, state: State) -> None:
    """Write a state file: whole or not at all."""
    log = _noted(path, state)
    document: dict[str, Any] = {
        "format": FORMAT,
        "own_account_id": state.own_account_id,
        "accounts": [_plain(each) for each in state.accounts.values()],
        "groups": [_plain(each) for each in state.groups.values()],
        "members": {
            group_id: [_plain(each) for each in found.values()]
            for group_id, found in state.members.items()
        },
        "sessions": sorted(state.sessions),
        "deeds": [_plain(each) for each in state.deeds],
    }
    log.epoch = log.epoch or _epoch(document)
    document["log"] = asdict(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(path.name + ".new")
    with written.open("w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False, indent=1)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def _noted(path: Path, state: State) -> Log:
    """Return the log with what this state changes; what was no state has no history."""
    try:
        before, log = _read(path)
    except MisconfiguredError:
        return Log()
    log.note(before, state)
    return log


def _epoch(document: Mapping[str, Any]) -> str:
    """Name the history of a file by what it said at first."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:EPOCH_LENGTH]


@contextmanager
def changing(path: Path, by: By | None = None) -> Iterator[State]:
    """Open a state for a change: under a lock, written back when the block ends well.

    Args:
        path: The file.
        by: Who changes it, for its log; nobody, and its log will not tell of it.
    """
    with path.with_name(path.name + ".lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = read_state(path)
        before = state.held() if by is not None else {}
        yield state
        if by is not None:
            state.tell(before, by)
        write_state(path, state)


def _plain(record: Account | Group | Member | Deed) -> dict[str, Any]:
    if isinstance(record, Member):
        return asdict(record)
    return {name: _json(value) for name, value in structs.asdict(record).items()}


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _account(document: dict[str, Any]) -> Account:
    times = {
        name: datetime.fromisoformat(document[name]) if document.get(name) else None
        for name in ("expires_at", "last_sign_in_at")
    }
    return Account(**{**document, **times, "kind": AccountKind(document["kind"])})


def _deed(document: dict[str, Any]) -> Deed:
    return Deed(**{**document, "at": datetime.fromisoformat(document["at"])})


def _member(document: dict[str, Any]) -> Member:
    return Member(**{**document, "kind": MemberKind(document["kind"])})
