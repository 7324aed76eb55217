"""Active Directory: read it whole, change members and accounts by immutable id, read back.

Whom a link leads to is known by GUID; a name is believed only within one whole read, and only as
long as nothing may have changed it (`naming.py`). Members by primary group stand in no `member`
value and are added from the accounts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ldap3.utils.conv import escape_filter_chars

from connectors.active_directory import controller, mapping, noticing
from connectors.active_directory.changes import Changes
from connectors.active_directory.groups import GROUPS, narrowed
from connectors.active_directory.reading import Reader
from connectors.errors import (
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnsupportedError,
)
from connectors.ldap.client import LdapClient
from connectors.ldap.config import KEYS, LdapConfig, read_config
from connectors.ldap.entries import Entry, Search
from connectors.ldap.filters import equals
from connectors.ldap.refusals import refused
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

ALREADY_THERE = frozenset({68, 20})
NOT_THERE = frozenset({53, 16})
PEOPLE = "(&(objectClass=user)(!(objectClass=computer)))"
COSTS = {
    "member": "grants and revokes would have to be done by hand.",
    "userAccountControl": "a leaver's account would have to be disabled by hand.",
}
ACCOUNT_CHANGES = frozenset({Verb.DISABLE_ACCOUNT, Verb.ENABLE_ACCOUNT})


class ActiveDirectoryConnector:
    """One Active Directory domain."""

    def __init__(self, config: LdapConfig, now: Callable[[], datetime]) -> None:
        """Speak to a domain; opens nothing yet."""
        self._config = config
        self._client = LdapClient(config)
        self._now = now

    def snapshot(self) -> Iterator[Batch]:
        """Read all accounts, groups and direct members."""
        start = noticing.begin(self._client)  # before anything is read, so that nothing is missed
        who = controller.answering(self._client)
        yield from Reader(self._client, self._now, who).read(start)

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:
        """Read what changed since a cursor."""
        return Changes(self._client, self._now).read(cursor)

    def log(self, cursor: str) -> Iterator[LogPage]:  # noqa: ARG002 - the port's argument
        """Refuse: a directory keeps who changed a membership in the controllers' event logs."""
        raise UnsupportedError("Active Directory tells no reader who changed a membership.")

    def _first(self, where: str, attributes: tuple[str, ...]) -> Entry | None:
        """Return any one entry that matches, in a page of one."""
        found = self._client.search(
            Search(where), self._config.base_dn, where, attributes, page_size=1
        )
        return next(iter(found), None)

    # --- checking --------------------------------------------------------------------------

    def check(self) -> CheckReport:
        """Try everything, changing nothing."""
        self._client.open()
        items = [
            CheckItem("reach", is_ok=True, detail=f"{self._client.endpoint} answers."),
            CheckItem("certificate", is_ok=True, detail="Chain and name were verified."),
            CheckItem("sign in", is_ok=True, detail=f"Signed in as {self._config.bind_dn}."),
        ]
        items += self._look("accounts", PEOPLE, self._config.user_filter, "userAccountControl")
        items += self._look("groups", GROUPS, self._config.group_filter, "member")
        own = self._own_account()
        return CheckReport(tuple(items), self._client.endpoint, self._config.bind_dn, own)

    def _look(self, what: str, where: str, extra: str, written: str) -> list[CheckItem]:
        """Read one object, and ask the server what of it the account may write.

        The server says so itself (MS-ADTS 3.1.1.4.5.21, allowedAttributesEffective).
        """
        reads, writes = f"read {what}", f"change {what}"
        first = self._first(narrowed(where, extra), ("objectGUID", "allowedAttributesEffective"))
        if first is None:
            detail = "Nothing is found: look at base_dn, the filters and the account's rights."
            return [CheckItem(reads, is_ok=False, detail=detail)]
        read = CheckItem(reads, is_ok=True, detail=f"{self._config.base_dn} can be read.")
        allowed = first.values.get("allowedattributeseffective", ())
        is_allowed = written.encode() in allowed
        detail = "Allowed." if is_allowed else f"{written}: not allowed here; {COSTS[written]}"
        return [read, CheckItem(writes, is_ok=is_allowed, detail=detail, is_required=False)]

    def _own_account(self) -> str | None:
        """Return the id of the account we sign in with, however its name was given."""
        name = self._config.bind_dn
        if "=" in name:
            try:
                found = self._client.find(name, ["objectGUID"])
            except MisconfiguredError:  # it signs in, but lives in a domain that is not read here
                return None
        else:  # a principal name that is nobody's own is made of the login and the domain
            login = name.rsplit("\\", 1)[-1].split("@")[0]
            named = self._first(equals("userPrincipalName", name), ("objectGUID",))
            found = named or self._first(equals("sAMAccountName", login), ("objectGUID",))
        return mapping.guid(found.values["objectguid"][0]) if found else None

    # --- changing --------------------------------------------------------------------------

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state."""
        if change.group_id is not None:
            return self._ensure_member(change, change.group_id)
        _require_known(change.verb)
        return self._ensure_account(change)

    def _ensure_member(self, change: Change, group_id: str) -> Outcome:
        group = self._require(group_id, ("distinguishedName", "primaryGroupToken"), "group")
        account = self._require(change.account_id, ("primaryGroupID",), "account")
        how = "add" if change.verb is Verb.ADD_MEMBER else "delete"
        answer = self._client.modify(group.dn, "member", how, [f"<GUID={change.account_id}>"])
        operation = f"modify {group.dn} {how} member: {account.dn}"
        if answer.code == 0:
            return Outcome(Effect.CHANGED, operation, answer.text)
        is_member = self._is_member(group_id, group, account)
        if (
            is_member == (change.verb is Verb.ADD_MEMBER)
            and answer.code in ALREADY_THERE | NOT_THERE
        ):
            return Outcome(Effect.ALREADY, operation, answer.text)
        if _is_primary(group, account):
            raise TargetConflictError(
                "It is the account's primary group: give the account another primary group first."
            )
        raise refused(answer, f"{how} a member of {group.dn}")

    def _ensure_account(self, change: Change) -> Outcome:
        account = self._require(change.account_id, ("userAccountControl",), "account")
        flags = account.number("userAccountControl") or 0
        wanted = flags | mapping.DISABLED
        if change.verb is Verb.ENABLE_ACCOUNT:
            wanted = flags & ~mapping.DISABLED
        operation = f"modify {account.dn} replace userAccountControl: {wanted}"
        if wanted == flags:
            return Outcome(Effect.ALREADY, operation, "not sent: it is so")
        answer = self._client.modify(account.dn, "userAccountControl", "replace", [str(wanted)])
        if answer.code != 0:
            raise refused(answer, f"change {account.dn}")
        return Outcome(Effect.CHANGED, operation, answer.text)

    def _require(self, external_id: str, attributes: tuple[str, ...], what: str) -> Entry:
        found = self._by_id(external_id, attributes)
        if found is None:
            raise TargetMissingError(f"There is no such {what} (any more): {external_id}.")
        return found

    def _by_id(self, external_id: str, attributes: tuple[str, ...]) -> Entry | None:
        """Return an entry by its objectGUID; what is no GUID is nobody's."""
        try:
            place = f"<GUID={UUID(external_id)}>"
        except ValueError:
            return None
        return self._client.find(place, attributes)

    def _is_member(self, group_id: str, group: Entry, account: Entry) -> bool:
        found = self._client.find(f"<GUID={group_id}>", ["objectGUID"], where=_holds(account))
        return found is not None or _is_primary(group, account)

    # --- reading back ----------------------------------------------------------------------

    def observe(self, change: Change) -> Observation:
        """Read back a state, by identifier."""
        if change.group_id is not None:
            return self._observe_member(change, change.group_id)
        _require_known(change.verb)
        query = f"<GUID={change.account_id}> base userAccountControl"
        account = self._by_id(change.account_id, ("userAccountControl",))
        if account is None:
            if change.verb is Verb.ENABLE_ACCOUNT:
                raise TargetMissingError(f"There is no such account: {change.account_id}.")
            return Observation(in_effect=True, shown="There is no such account.", query=query)
        flags = account.number("userAccountControl") or 0
        is_disabled = bool(flags & mapping.DISABLED)
        return Observation(
            in_effect=is_disabled == (change.verb is Verb.DISABLE_ACCOUNT),
            shown=f"userAccountControl is {flags}: {'disabled' if is_disabled else 'enabled'}.",
            query=query,
        )

    def _observe_member(self, change: Change, group_id: str) -> Observation:
        query = f"<GUID={group_id}>, <GUID={change.account_id}> base (objectClass=*)"
        group = self._by_id(group_id, ("primaryGroupToken",))
        account = self._by_id(change.account_id, ("primaryGroupID",))
        if group is None or account is None:
            if change.verb is Verb.ADD_MEMBER:
                raise TargetMissingError("The account or the group is not there (any more).")
            shown = "The account or the group is not there (any more)."
            return Observation(in_effect=True, shown=shown, query=query)
        is_member = self._is_member(group_id, group, account)
        query = f"<GUID={group_id}> base {_holds(account)} with primaryGroupToken"
        shown = "is a member" if is_member else "is not a member"
        return Observation(
            in_effect=is_member == (change.verb is Verb.ADD_MEMBER),
            shown=f"{account.dn} {shown} of {group.dn}.",
            query=query,
        )

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()


def _is_primary(group: Entry, account: Entry) -> bool:
    token = group.number("primaryGroupToken")
    return token is not None and token == account.number("primaryGroupID")


def _holds(account: Entry) -> str:
    """Return the filter that a group holds an account; the server compares names by its rules."""
    return f"(member={escape_filter_chars(account.dn)})"


def _require_known(verb: Verb) -> None:
    if verb not in ACCOUNT_CHANGES:
        raise UnsupportedError(
            f"Active Directory cannot {verb.value}: an account is disabled or enabled."
        )


@dataclass(frozen=True, slots=True)
class ActiveDirectoryKind:
    """The kind `active_directory`."""

    name: str = "active_directory"
    keys: tuple[SettingKey, ...] = KEYS

    def connect(
        self,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        now: Callable[[], datetime],
    ) -> ActiveDirectoryConnector:
        """Make a connector.

        Raises:
            MisconfiguredError: A value cannot be used; `key` names it.
        """
        return ActiveDirectoryConnector(read_config(settings, secrets), now)


KIND = ActiveDirectoryKind()
