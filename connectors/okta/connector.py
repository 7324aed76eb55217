"""Okta: read users, groups and members to the end; change what Okta masters; read back by id."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.errors import (
    DeniedError,
    TargetConflictError,
    TargetMissingError,
    UnsupportedError,
)
from connectors.okta import mapping
from connectors.okta.answers import Answer, path
from connectors.okta.changes import Changes, Deleted
from connectors.okta.client import Listing, OktaClient
from connectors.okta.config import KEYS, OktaConfig, read_config
from connectors.okta.logs import read_log
from connectors.okta.reading import Reading
from connectors.port import SettingKey
from connectors.records import (
    Batch,
    Change,
    CheckItem,
    CheckReport,
    DeltaBatch,
    Effect,
    LogPage,
    Observation,
    Outcome,
    Verb,
)

ACTIVE, SUSPENDED, DEPROVISIONED, STAGED = "ACTIVE", "SUSPENDED", "DEPROVISIONED", "STAGED"
CLOSED = (SUSPENDED, DEPROVISIONED)
CLEARED = "user.session.clear"
LIFECYCLE = {
    Verb.SUSPEND_ACCOUNT: "suspend",
    Verb.ENABLE_ACCOUNT: "unsuspend",
    Verb.DEACTIVATE_ACCOUNT: "deactivate",
}


class OktaConnector:
    """One Okta organisation."""

    def __init__(self, config: OktaConfig, now: Callable[[], datetime]) -> None:
        """Speak to an organisation; opens nothing yet."""
        self._config = config
        self._client = OktaClient(config, now)
        self._cleared: dict[str, str] = {}
        self._deleted = Deleted()

    # --- reading ---------------------------------------------------------------------------

    def snapshot(self) -> Iterator[Batch]:
        """Read all users in every status, all groups, and the members of each."""
        try:
            yield from Reading(self._client).batches()
        finally:
            self._client.rest()

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        """Read what changed; what the log told to be deleted is looked for."""
        try:
            yield from Changes(self._client, cursor, self._deleted).batches()
        finally:
            self._client.rest()

    def log(self, cursor: str) -> Iterator[LogPage]:
        """Poll the System Log."""
        yield from read_log(self._client, cursor, self._deleted)

    # --- checking --------------------------------------------------------------------------

    def check(self) -> CheckReport:
        """Try everything, changing nothing."""
        self._client.call("GET", path("users", limit="1"))
        items = [
            CheckItem("reach", is_ok=True, detail=f"{self._config.org_url} answers."),
            CheckItem("sign in", is_ok=True, detail=f"Okta takes the {self._config.account}."),
            CheckItem("read accounts", is_ok=True, detail="Users can be read."),
            self._try("read groups", path("groups", limit="1"), "", is_required=True),
            self._try("read rules", path("groups", "rules", limit="1"), "groups are not marked"),
            self._try(
                "read log", path("logs", limit="1"), "deletions and who did what are not told"
            ),
            *self._try_entitled(),
        ]
        return CheckReport(tuple(items), self._config.org_url, self._config.account, self._own())

    def _try_entitled(self) -> Iterator[CheckItem]:
        if self._config.has_applications:
            cost = "applications, and whom they are assigned to, are not known"
            yield self._try("read applications", path("apps", limit="1"), cost)
        if self._config.has_roles:
            cost = "administrator roles, and who bears them, are not known"
            where = path("iam", "assignees", "users", limit="1")
            yield self._try("read administrator roles", where, cost)

    def _try(self, name: str, where: str, cost: str, *, is_required: bool = False) -> CheckItem:
        try:
            self._client.call("GET", where)
        except DeniedError as error:
            detail = f"{error} Without it {cost}." if cost else str(error)
            return CheckItem(name, is_ok=False, detail=detail, is_required=is_required)
        return CheckItem(name, is_ok=True, detail="Allowed.", is_required=is_required)

    def _own(self) -> str | None:
        """Return whose token it is; a service app is no user."""
        if self._config.client_id is not None:
            return None
        try:
            found = self._client.call("GET", path("users", "me")).body
        except (TargetMissingError, DeniedError):
            return None
        return str(found["id"])

    # --- changing --------------------------------------------------------------------------

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state."""
        if change.group_id is not None:
            return self._ensure_member(change, change.group_id)
        if change.verb is Verb.CLEAR_SESSIONS:
            where = path("users", change.account_id, "sessions", oauthTokens="true")
            answer = self._client.call("DELETE", where)
            # By Okta's own clock: an earlier clearing, by whomever, proves nothing about this one.
            self._cleared[change.account_id] = answer.done_after
            return _done("DELETE", where, answer)
        if change.verb not in LIFECYCLE:
            raise UnsupportedError("Okta does not disable: an account is suspended or deactivated.")
        return self._ensure_status(change)

    def _ensure_member(self, change: Change, group_id: str) -> Outcome:
        group = self._client.call("GET", path("groups", group_id)).body
        if group.get("type") != mapping.WRITABLE:
            where = "in its directory" if group.get("type") == mapping.MIRROR else "by Okta itself"
            raise UnsupportedError(f"The group is mastered {where} and cannot be changed in Okta.")
        method = "PUT" if change.verb is Verb.ADD_MEMBER else "DELETE"
        where = path("groups", group_id, "users", change.account_id)
        if self._is_member(change.account_id, group_id) == (change.verb is Verb.ADD_MEMBER):
            return Outcome(Effect.ALREADY, f"{method} {where}", "not sent: it is so")
        return _done(method, where, self._client.call(method, where))

    def _ensure_status(self, change: Change) -> Outcome:
        status = self._status(change.account_id)
        query = {"sendEmail": "false"} if change.verb is Verb.DEACTIVATE_ACCOUNT else {}
        where = path("users", change.account_id, "lifecycle", LIFECYCLE[change.verb], **query)
        if _is_so(change.verb, status):
            return Outcome(Effect.ALREADY, f"POST {where}", f"not sent: status {status}")
        if change.verb is Verb.SUSPEND_ACCOUNT and status != ACTIVE:
            raise TargetConflictError(
                f"Okta suspends active accounts only, and this one is {status}: deactivate it, or "
                "see to it by hand."
            )
        if change.verb is Verb.ENABLE_ACCOUNT and status != SUSPENDED:
            raise TargetConflictError(f"The account is {status}: activate it in Okta by hand.")
        return _done("POST", where, self._client.call("POST", where))

    def _status(self, account_id: str) -> str:
        return str(self._client.call("GET", path("users", account_id)).body["status"])

    def _is_member(self, account_id: str, group_id: str) -> bool:
        found: list[Any] = self._client.list_all(Listing(path("users", account_id, "groups")))
        return any(each["id"] == group_id for each in found)

    # --- reading back ----------------------------------------------------------------------

    def observe(self, change: Change) -> Observation:
        """Read back a state, by identifier."""
        if change.group_id is not None:
            return self._observe_member(change, change.group_id)
        if change.verb is Verb.CLEAR_SESSIONS:
            return self._observe_sessions(change)
        if change.verb not in LIFECYCLE:
            raise UnsupportedError("Okta does not disable: an account is suspended or deactivated.")
        query = f"GET {path('users', change.account_id)}"
        try:
            status = self._status(change.account_id)
        except TargetMissingError:
            if change.verb is Verb.ENABLE_ACCOUNT:
                raise
            return Observation(in_effect=True, shown="There is no such user.", query=query)
        return Observation(
            in_effect=_is_so(change.verb, status), shown=f"The status is {status}.", query=query
        )

    def _observe_member(self, change: Change, group_id: str) -> Observation:
        query = f"GET {path('users', change.account_id, 'groups')}"
        adding = change.verb is Verb.ADD_MEMBER
        try:
            is_member = self._is_member(change.account_id, group_id)
        except TargetMissingError:
            if adding:
                raise
            return Observation(in_effect=True, shown="There is no such user.", query=query)
        shown = f"The group {group_id} is {'' if is_member else 'not '}among the user's groups."
        return Observation(in_effect=is_member == adding, shown=shown, query=query)

    def _observe_sessions(self, change: Change) -> Observation:
        """Okta lists no sessions; what it can show is its own log of our clearing them."""
        since = self._cleared.get(change.account_id)
        if not since:
            shown = "Okta lists no sessions, and this connection did not clear any."
            return Observation(in_effect=None, shown=shown, query="")
        wanted = f'eventType eq "{CLEARED}" and target.id eq "{change.account_id}"'
        where = path("logs", since=since, filter=wanted, sortOrder="DESCENDING", limit="1")
        try:
            found = self._client.call("GET", where).body
        except DeniedError as error:
            shown = f"Okta lists no sessions, and its System Log may not be read: {error}"
            return Observation(in_effect=None, shown=shown, query=f"GET {where}")
        if isinstance(found, list) and found:
            event = found[0]
            shown = f"The System Log has {CLEARED} {event['uuid']} of {event['published']}."
            return Observation(in_effect=True, shown=shown, query=f"GET {where}")
        shown = "Okta lists no sessions, and its System Log does not show the clearing (yet)."
        return Observation(in_effect=None, shown=shown, query=f"GET {where}")

    def close(self) -> None:
        """Give back connections."""
        self._client.close()


def _is_so(verb: Verb, status: str) -> bool:
    """Say whether a status is what a verb ensures."""
    if verb is Verb.SUSPEND_ACCOUNT:
        return status in (*CLOSED, STAGED)
    if verb is Verb.DEACTIVATE_ACCOUNT:
        return status == DEPROVISIONED
    return status == ACTIVE


def _done(method: str, where: str, answer: Answer) -> Outcome:
    return Outcome(Effect.CHANGED, f"{method} {where}", answer.text)


@dataclass(frozen=True, slots=True)
class OktaKind:
    """The kind `okta`."""

    name: str = "okta"
    keys: tuple[SettingKey, ...] = KEYS

    def connect(
        self,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        now: Callable[[], datetime],
    ) -> OktaConnector:
        """Make a connector.

        Raises:
            MisconfiguredError: A value cannot be used; `key` names it.
        """
        return OktaConnector(read_config(settings, secrets), now)


KIND = OktaKind()
