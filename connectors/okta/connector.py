"""Okta: read users, groups and members to the end; change what Okta masters; read back by id."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.errors import (
    ConnectorError,
    DeniedError,
    TargetConflictError,
    TargetMissingError,
    UnsupportedError,
)
from connectors.okta import applications, mapping, roles
from connectors.okta.client import Answer, Listing, OktaClient, path
from connectors.okta.config import KEYS, OktaConfig, read_config
from connectors.okta.entitled import NAMELESS, Around, id_of
from connectors.port import SettingKey
from connectors.records import (
    QUARANTINED,
    QUARANTINED_GROUP,
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
    LogPage,
    MemberBatch,
    MemberList,
    Observation,
    Outcome,
    Problem,
    Query,
    ReadReport,
    Verb,
)

USERS_A_PAGE, GROUPS_A_PAGE, MEMBERS_A_PAGE = "200", "200", "1000"
BATCH = 500
# Without a filter Okta leaves out who is deactivated; one by status, whoever has a new status.
EVERYBODY = 'lastUpdated gt "1970-01-01T00:00:00.000Z"'
ACTIVE, SUSPENDED, DEPROVISIONED, STAGED = "ACTIVE", "SUSPENDED", "DEPROVISIONED", "STAGED"
CLOSED = (SUSPENDED, DEPROVISIONED)
# What keeps a read from being whole, in all or in one group.
BREAKING = frozenset({"unreadable_group", "vanished_group"})
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
        self._client = OktaClient(config)
        self._now = now
        self._cleared: dict[str, str] = {}

    # --- reading ---------------------------------------------------------------------------

    def snapshot(self) -> Iterator[Batch]:
        """Read all users in every status, all groups, and the members of each."""
        problems: list[Problem] = []
        users = Listing(path("users", limit=USERS_A_PAGE, filter=EVERYBODY))
        accounts = _usable(map(mapping.account, self._client.list_all(users)), problems)
        resolved = mapping.resolve_managers(accounts)
        for start in range(0, len(resolved), BATCH):
            yield AccountBatch(tuple(resolved[start : start + BATCH]))
        listing = Listing(path("groups", limit=GROUPS_A_PAGE))
        rules = self._rules(problems)
        found = self._client.list_all(listing)
        groups = _usable((mapping.group(each, rules) for each in found), problems)
        for start in range(0, len(groups), BATCH):
            yield GroupBatch(tuple(groups[start : start + BATCH]))
        members = Listing(path("groups", "{id}", "users", limit=MEMBERS_A_PAGE))
        known = {each.external_id for each in accounts} | _set_aside(problems, QUARANTINED)
        inner = {each.external_id for each in groups} | _set_aside(problems, QUARANTINED_GROUP)
        around = Around(known, inner, problems)
        entitled = list(self._entitled(around))
        yield from (batch for batch in entitled if isinstance(batch, GroupBatch))
        yield from self._members(groups, known, members, problems)
        yield from (batch for batch in entitled if isinstance(batch, MemberBatch))
        broken = any(each.code in BREAKING for each in problems)
        yield ReadReport(
            is_complete=users.is_complete and listing.is_complete and not broken,
            endpoint=self._config.org_url,
            account=self._config.account,
            queries=(
                _query("accounts", users),
                _query("groups", listing),
                _query("members", members),
                *around.queries,
            ),
            problems=tuple(problems),
        )

    def _entitled(self, around: Around) -> Iterator[GroupBatch | MemberBatch]:
        """Read what gives access and is no group: applications, administrator roles."""
        if self._config.has_applications:
            found = applications.read_applications(self._client, around)
            yield GroupBatch(tuple(found))
            yield from applications.read_assignments(self._client, around, found)
        if self._config.has_roles:
            borne = roles.read_roles(self._client, around)
            yield GroupBatch(tuple(borne.groups))
            yield borne.members

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:  # noqa: ARG002 - the port's argument
        """Refuse: this source is read whole."""
        raise UnsupportedError("This source tells no changes: it is read whole.")

    def log(self, cursor: str) -> Iterator[LogPage]:  # noqa: ARG002 - the port's argument
        """Refuse: the System Log is not read yet."""
        raise UnsupportedError("The System Log is not read.")

    def _rules(self, problems: list[Problem]) -> dict[str, str]:
        try:
            return mapping.rules(
                self._client.list_all(Listing(path("groups", "rules", limit="200")))
            )
        except DeniedError:
            detail = "Group rules cannot be read: which groups a rule fills stays as it was known."
            problems.append(Problem("rules_unreadable", detail))
            return {}

    def _members(
        self, groups: list[Group], known: set[str], total: Listing, problems: list[Problem]
    ) -> Iterator[Batch]:
        by_path = {
            path("groups", each.external_id, "users", limit=MEMBERS_A_PAGE): each.external_id
            for each in groups
        }

        def unreadable(listing: Listing, error: ConnectorError) -> None:
            if isinstance(error, TargetMissingError):
                code, detail = "vanished_group", "The group was gone when its members were asked."
            else:
                code = "unreadable_group"
                detail = f"The members of a group could not be read: {error}"
            problems.append(Problem(code, detail, by_path[listing.text]))

        unknown = 0
        # Whoever has no id in the list of users has none as a member; nobody else may lack one.
        has_nameless = any(each.code == QUARANTINED and not each.about for each in problems)
        for listing, found in self._client.list_many(
            [Listing(each, only=id_of) for each in by_path], unreadable
        ):
            total.pages += listing.pages
            total.returned += listing.returned
            group_id = by_path[listing.text]
            ids = [each for each in found if each != NAMELESS]
            is_clear = has_nameless or len(ids) == len(found)
            if not is_clear:
                detail = "A member is listed without an id: nobody can be said to be missing."
                problems.append(Problem("unreadable_group", detail, group_id))
            members = tuple(each for each in ids if each in known)
            unknown += len(ids) - len(members)
            yield MemberBatch((MemberList(group_id, members, is_complete=is_clear),))
        if unknown:
            detail = (
                f"{unknown} members appeared while the users were read; the next read has them."
            )
            problems.append(Problem("unknown_member", detail))

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
            self._try("read log", path("logs", limit="1"), "cleared sessions cannot be shown"),
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
            self._cleared[change.account_id] = answer.date
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
        found = self._client.list_all(Listing(path("users", account_id, "groups")))
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


def _query(purpose: str, listing: Listing) -> Query:
    return Query(purpose, f"GET {listing.text}", listing.pages, listing.returned)


def _set_aside(problems: list[Problem], code: str) -> set[str]:
    """Return the ids of records that cannot be used; as members they are known all the same."""
    return {each.about for each in problems if each.code == code and each.about}


def _usable(found: Any, problems: list[Problem]) -> list[Any]:
    kept: list[Account | Group] = []
    for each in found:
        if isinstance(each, Problem):
            problems.append(each)
        else:
            kept.append(each)
    return kept


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
