"""OpenLDAP: read it whole, change members and accounts by immutable id, read back.

It tells no changes that could be relied on: entries name no deletion, and an overlay that mends
references, or a renamed subtree, leaves no trace on the entries it concerns. So it is read whole.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

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
from connectors.ldap.refusals import NO_OBJECT, refused
from connectors.openldap import mapping
from connectors.openldap.reading import ACCOUNTS, GROUPS, Reader, narrowed
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

# RFC 4511 appendix A: attributeOrValueExists, noSuchAttribute.
ALREADY = {Verb.ADD_MEMBER: 20, Verb.REMOVE_MEMBER: 16}
UNKNOWN_ATTRIBUTE, LAST_MEMBER = 17, 65
LOCK = "pwdAccountLockedTime"
ACCOUNT_CHANGES = frozenset({Verb.DISABLE_ACCOUNT, Verb.ENABLE_ACCOUNT})
OF_ACCOUNT = ("entryUUID", "uid", "gidNumber", LOCK)
OF_GROUP = ("entryUUID", "objectClass", "gidNumber")


class OpenLdapConnector:
    """One directory."""

    def __init__(self, config: LdapConfig, now: Callable[[], datetime]) -> None:
        """Speak to a directory; opens nothing yet."""
        self._config = config
        self._client = LdapClient(config)
        self._now = now

    def snapshot(self) -> Iterator[Batch]:
        """Read all accounts, groups and direct members."""
        return Reader(self._client, self._now).read()

    def changes(self, cursor: str) -> Iterator[DeltaBatch]:  # noqa: ARG002 - the port's argument
        """Refuse: this source is read whole."""
        raise UnsupportedError("This source tells no changes: it is read whole.")

    def log(self, cursor: str) -> Iterator[LogPage]:  # noqa: ARG002 - the port's argument
        """Refuse: who changed a membership is not told to its readers."""
        raise UnsupportedError("This source tells nobody who changed a membership.")

    # --- checking --------------------------------------------------------------------------

    def check(self) -> CheckReport:
        """Try everything, changing nothing. What may be written no such server tells before."""
        self._client.open()
        items = [
            CheckItem("reach", is_ok=True, detail=f"{self._client.endpoint} answers."),
            CheckItem("certificate", is_ok=True, detail="Chain and name were verified."),
            CheckItem("sign in", is_ok=True, detail=f"Signed in as {self._config.bind_dn}."),
            self._look("accounts", narrowed(ACCOUNTS, self._config.user_filter)),
            self._look("groups", narrowed(GROUPS, self._config.group_filter)),
        ]
        return CheckReport(
            tuple(items), self._client.endpoint, self._config.bind_dn, self._own_account()
        )

    def _look(self, what: str, where: str) -> CheckItem:
        """Read one object with its id."""
        found = self._client.search(
            Search(where), self._config.base_dn, where, ("entryUUID",), page_size=1
        )
        first = next(iter(found), None)
        if first is None:
            detail = "Nothing is found: look at base_dn, the filters and the account's rights."
        elif not first.values.get("entryuuid"):
            detail = "entryUUID cannot be read: give the account the right to read it."
        else:
            detail = f"{self._config.base_dn} can be read."
        is_ok = first is not None and bool(first.values.get("entryuuid"))
        return CheckItem(f"read {what}", is_ok=is_ok, detail=detail)

    def _own_account(self) -> str | None:
        """Return the id of the account we sign in with."""
        answer = self._client.ask(
            self._config.bind_dn, "(objectClass=*)", ("entryUUID",), scope="base"
        )
        return answer.entries[0].text("entryUUID") if answer.entries else None

    # --- changing --------------------------------------------------------------------------

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state."""
        if change.group_id is not None:
            return self._ensure_member(change, change.group_id)
        _require_known(change.verb)
        return self._ensure_account(change)

    def _ensure_member(self, change: Change, group_id: str) -> Outcome:
        group = self._require(group_id, GROUPS, OF_GROUP, "group")
        account = self._require(change.account_id, ACCOUNTS, OF_ACCOUNT, "account")
        attribute, value = _membership(group, account)
        how = "add" if change.verb is Verb.ADD_MEMBER else "delete"
        operation = f"modify {group.dn} {how} {attribute}: {value}"
        answer = self._client.modify(group.dn, attribute, how, [value])
        if answer.code == 0:
            return Outcome(Effect.CHANGED, operation, answer.text)
        if answer.code == LAST_MEMBER:
            raise TargetConflictError(
                f"{group.dn} has to have a member: put another in before the last one is taken out."
            )
        if _is_primary(group, account) and change.verb is Verb.REMOVE_MEMBER:
            raise TargetConflictError(
                "It is the account's primary group: give the account another gidNumber first."
            )
        if answer.code == ALREADY[change.verb]:
            return Outcome(Effect.ALREADY, operation, answer.text)
        raise refused(answer, f"{how} a member of {group.dn}")

    def _ensure_account(self, change: Change) -> Outcome:
        account = self._require(change.account_id, ACCOUNTS, OF_ACCOUNT, "account")
        locked = account.text(LOCK)
        is_wanted = change.verb is Verb.DISABLE_ACCOUNT
        wanted = [mapping.LOCKED_FOR_GOOD] if is_wanted else []
        operation = f"modify {account.dn} replace {LOCK}: {', '.join(wanted) or '(nothing)'}"
        if (locked == mapping.LOCKED_FOR_GOOD) if is_wanted else (locked is None):
            return Outcome(Effect.ALREADY, operation, "not sent: it is so")
        answer = self._client.modify(account.dn, LOCK, "replace", wanted)
        if answer.code == UNKNOWN_ATTRIBUTE:
            raise UnsupportedError(
                "The server has no password policy (ppolicy), so that no account can be locked."
            )
        if answer.code != 0:
            raise refused(answer, f"change {account.dn}")
        return Outcome(Effect.CHANGED, operation, answer.text)

    def _require(
        self, external_id: str, where: str, attributes: tuple[str, ...], what: str
    ) -> Entry:
        found = self._by_id(external_id, where, attributes)
        if found is None:
            raise TargetMissingError(f"There is no such {what} (any more): {external_id}.")
        return found

    def _by_id(self, external_id: str, where: str, attributes: tuple[str, ...]) -> Entry | None:
        """Return an entry by its entryUUID; what is no UUID is nobody's."""
        try:
            wanted = equals("entryUUID", str(UUID(external_id)))
        except ValueError:
            return None
        found = self._client.search(
            Search(wanted), self._config.base_dn, f"(&{wanted}{where})", attributes, page_size=2
        )
        return next(iter(found), None)

    # --- reading back ----------------------------------------------------------------------

    def observe(self, change: Change) -> Observation:
        """Read back a state, by identifier."""
        if change.group_id is not None:
            return self._observe_member(change, change.group_id)
        _require_known(change.verb)
        query = f"{self._config.base_dn} subtree (entryUUID={change.account_id}) {LOCK}"
        account = self._by_id(change.account_id, ACCOUNTS, OF_ACCOUNT)
        if account is None:
            if change.verb is Verb.ENABLE_ACCOUNT:
                raise TargetMissingError(f"There is no such account: {change.account_id}.")
            return Observation(in_effect=True, shown="There is no such account.", query=query)
        locked = account.text(LOCK)
        wants_lock = change.verb is Verb.DISABLE_ACCOUNT
        in_effect = locked == mapping.LOCKED_FOR_GOOD if wants_lock else locked is None
        shown = f"{LOCK} is {locked}." if locked is not None else f"There is no {LOCK}."
        return Observation(in_effect=in_effect, shown=shown, query=query)

    def _observe_member(self, change: Change, group_id: str) -> Observation:
        query = f"{self._config.base_dn} subtree (entryUUID={group_id})"
        group = self._by_id(group_id, GROUPS, OF_GROUP)
        account = self._by_id(change.account_id, ACCOUNTS, OF_ACCOUNT)
        if group is None or account is None:
            if change.verb is Verb.ADD_MEMBER:
                raise TargetMissingError("The account or the group is not there (any more).")
            shown = "The account or the group is not there (any more)."
            return Observation(in_effect=True, shown=shown, query=query)
        attribute, value = _membership(group, account)
        holds = equals(attribute, value)
        answer = self._client.ask(group.dn, holds, ("entryUUID",), scope="base")
        if answer.code not in (0, NO_OBJECT):
            raise refused_reading(answer.code)
        is_member = bool(answer.entries) or _is_primary(group, account)
        shown = "is a member" if is_member else "is not a member"
        return Observation(
            in_effect=is_member == (change.verb is Verb.ADD_MEMBER),
            shown=f"{account.dn} {shown} of {group.dn}.",
            query=f"{group.dn} base {holds}",
        )

    def close(self) -> None:
        """Give back the connection."""
        self._client.close()


def refused_reading(code: int) -> MisconfiguredError:
    """Return the error for a group that cannot be looked at."""
    return MisconfiguredError(
        f"The members of the group cannot be read back (result {code}): look at the rights.",
        key="bind_dn",
    )


def _membership(group: Entry, account: Entry) -> tuple[str, str]:
    """Return in which attribute a group keeps an account, and as what.

    Raises:
        TargetConflictError: It keeps logins, and the account has none.
    """
    attribute = mapping.MEMBERS[mapping.group_kind(group)]
    if attribute != "memberUid":
        return attribute, account.dn
    login = account.text("uid")
    if login is None:
        raise TargetConflictError(f"{account.dn} has no uid, and {group.dn} keeps its members so.")
    return attribute, login


def _is_primary(group: Entry, account: Entry) -> bool:
    number = group.number("gidNumber")
    is_posix = mapping.group_kind(group) == "posixGroup"
    return is_posix and number is not None and number == account.number("gidNumber")


def _require_known(verb: Verb) -> None:
    if verb not in ACCOUNT_CHANGES:
        raise UnsupportedError(f"OpenLDAP cannot {verb.value}: an account is disabled or enabled.")


@dataclass(frozen=True, slots=True)
class OpenLdapKind:
    """The kind `openldap`."""

    name: str = "openldap"
    keys: tuple[SettingKey, ...] = KEYS

    def connect(
        self,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        now: Callable[[], datetime],
    ) -> OpenLdapConnector:
        """Make a connector.

        Raises:
            MisconfiguredError: A value cannot be used; `key` names it.
        """
        return OpenLdapConnector(read_config(settings, secrets), now)


KIND = OpenLdapKind()
