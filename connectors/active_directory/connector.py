"""Active Directory: read it whole, change members and accounts by immutable id, read back.

Links are asked for in extended form, so that members are known by GUID and no name is ever
compared. Members by primary group stand in no `member` value and are added from the accounts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ldap3.protocol.microsoft import extended_dn_control
from ldap3.utils.conv import escape_filter_chars

from connectors.active_directory import mapping
from connectors.errors import (
    TargetConflictError,
    TargetMissingError,
    UnsupportedError,
)
from connectors.ldap.client import Entry, LdapClient, Search, refused
from connectors.ldap.config import KEYS, LdapConfig, read_config
from connectors.ldap.filters import both, equals
from connectors.port import SettingKey
from connectors.records import (
    AccountBatch,
    Batch,
    Change,
    CheckItem,
    CheckReport,
    Effect,
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
RANGE = 1500
ALREADY_THERE = frozenset({68, 20})
NOT_THERE = frozenset({53, 16})
PEOPLE = "(&(objectClass=user)(!(objectClass=computer)))"
GROUPS = "(objectClass=group)"
COSTS = {
    "member": "grants and revokes would have to be done by hand.",
    "userAccountControl": "a leaver's account would have to be disabled by hand.",
}
ACCOUNT_CHANGES = frozenset({Verb.DISABLE_ACCOUNT, Verb.ENABLE_ACCOUNT})


@dataclass(slots=True)
class _Reading:
    """What a snapshot has to remember from one part to the next."""

    primary: list[tuple[str, int]] = field(default_factory=list)
    accounts: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    tokens: dict[int, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    others: int = 0


class ActiveDirectoryConnector:
    """One Active Directory domain."""

    def __init__(self, config: LdapConfig, now: Callable[[], datetime]) -> None:
        """Speak to a domain; opens nothing yet."""
        self._config = config
        self._client = LdapClient(config)
        self._now = now

    # --- reading ---------------------------------------------------------------------------

    def snapshot(self) -> Iterator[Batch]:
        """Read all accounts, groups and direct members."""
        kept = _Reading()
        people = both(PEOPLE, *filter(None, [self._config.user_filter]))
        groups = both(GROUPS, *filter(None, [self._config.group_filter]))
        accounts_query = Search(f"{self._config.base_dn} subtree {people}")
        groups_query = Search(f"{self._config.base_dn} subtree {groups}")
        members_query = Search(f"{self._config.base_dn} subtree {groups} member;range=0-*")
        yield from self._accounts(accounts_query, people, kept)
        yield from self._groups(groups_query, groups, kept, members_query)
        yield from self._members(kept)
        queries = tuple(
            Query(purpose, query.text, query.pages, query.returned)
            for purpose, query in (
                ("accounts", accounts_query),
                ("groups", groups_query),
                ("members", members_query),
            )
        )
        yield ReadReport(
            is_complete=accounts_query.is_complete and groups_query.is_complete,
            endpoint=self._client.endpoint,
            account=self._config.bind_dn,
            queries=queries,
            problems=_problems(kept),
        )

    def _accounts(self, query: Search, where: str, kept: _Reading) -> Iterator[Batch]:
        batch = []
        for entry in self._search(query, where, mapping.ACCOUNT_ATTRIBUTES):
            account = mapping.account(entry, self._now())
            kept.accounts.add(account.external_id)
            kept.primary.append((account.external_id, entry.number("primaryGroupID") or 0))
            batch.append(account)
            if len(batch) == BATCH:
                yield AccountBatch(tuple(batch))
                batch = []
        yield AccountBatch(tuple(batch))

    def _groups(
        self, query: Search, where: str, kept: _Reading, members_query: Search
    ) -> Iterator[Batch]:
        """Read groups with the first part of their members; longer lists are asked for after."""
        batch, longer = [], []
        attributes = (*mapping.GROUP_ATTRIBUTES, f"member;range=0-{RANGE - 1}")
        for entry in self._search(query, where, attributes):
            group = mapping.group(entry)
            kept.groups.add(group.external_id)
            kept.tokens[entry.number("primaryGroupToken") or -1] = group.external_id
            values, following = mapping.member_range(entry.values)
            kept.members[group.external_id] = mapping.linked(values)
            members_query.returned += len(values)
            if following is not None:
                longer.append((group.external_id, following))
            batch.append(group)
            if len(batch) == BATCH:
                yield GroupBatch(tuple(batch))
                batch = []
        yield GroupBatch(tuple(batch))
        for group_id, following in longer:
            self._rest(group_id, following, kept, members_query)
        members_query.pages += query.pages

    def _rest(self, group_id: str, following: int, kept: _Reading, query: Search) -> None:
        """Ask for the rest of a long member list, part by part."""
        place: int | None = following
        while place is not None:
            attribute = f"member;range={place}-{place + RANGE - 1}"
            part = Search(query.text)
            found = list(
                self._client.search(
                    part,
                    f"<GUID={group_id}>",
                    "(objectClass=*)",
                    [attribute],
                    scope="base",
                    controls=[extended_dn_control()],
                )
            )
            if not found:
                raise TargetMissingError("A group vanished while its members were read.")
            values, place = mapping.member_range(found[0].values)
            kept.members[group_id] += mapping.linked(values)
            query.returned += len(values)
            query.pages += 1

    def _members(self, kept: _Reading) -> Iterator[Batch]:
        primary = mapping.primary_members(kept.primary, kept.tokens)
        lists = []
        for group_id, ids in kept.members.items():
            members = [
                Member(each, MemberKind.ACCOUNT if each in kept.accounts else MemberKind.GROUP)
                for each in ids
                if each in kept.accounts or each in kept.groups
            ]
            kept.others += len(ids) - len(members)
            members += [
                Member(each, MemberKind.ACCOUNT, is_primary=True)
                for each in primary.get(group_id, ())
            ]
            lists.append(MemberList(group_id, tuple(members)))
            if len(lists) == BATCH:
                yield MemberBatch(tuple(lists))
                lists = []
        yield MemberBatch(tuple(lists))

    def _search(self, query: Search, where: str, attributes: tuple[str, ...]) -> Iterator[Entry]:
        return self._client.search(
            query, self._config.base_dn, where, attributes, controls=[extended_dn_control()]
        )

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
        first = self._first(
            both(where, *filter(None, [extra])), ("objectGUID", "allowedAttributesEffective")
        )
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
            found = self._client.find(name, ["objectGUID"])
        else:
            login = name.rsplit("\\", 1)[-1].split("@")[0]
            where = f"(|{equals('userPrincipalName', name)}{equals('sAMAccountName', login)})"
            found = self._first(where, ("objectGUID",))
        return mapping.guid(found.values["objectguid"][0]) if found else None

    # --- changing --------------------------------------------------------------------------

    def ensure(self, change: Change) -> Outcome:
        """Bring about a state."""
        if change.group_id is not None:
            return self._ensure_member(change, change.group_id)
        if change.verb not in ACCOUNT_CHANGES:
            raise UnsupportedError(
                f"Active Directory cannot {change.verb.value}: an account is disabled or enabled."
            )
        return self._ensure_account(change)

    def _ensure_member(self, change: Change, group_id: str) -> Outcome:
        group = self._require(group_id, ("distinguishedName", "primaryGroupToken"), "group")
        account = self._require(change.account_id, ("primaryGroupID",), "account")
        how = "add" if change.verb is Verb.ADD_MEMBER else "delete"
        answer = self._client.modify(group.dn, "member", how, [f"<GUID={change.account_id}>"])
        operation = f"modify {group.dn} {how} member: {account.dn}"
        if answer.code == 0:
            return Outcome(Effect.CHANGED, operation, answer.text)
        is_member = self._is_member(group, account)
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
        found = self._client.find(f"<GUID={external_id}>", attributes)
        if found is None:
            raise TargetMissingError(f"There is no such {what} (any more): {external_id}.")
        return found

    def _is_member(self, group: Entry, account: Entry) -> bool:
        where = f"(member={escape_filter_chars(account.dn)})"
        found = self._client.find(group.dn, ["objectGUID"], where=where)
        return found is not None or _is_primary(group, account)

    # --- reading back ----------------------------------------------------------------------

    def observe(self, change: Change) -> Observation:
        """Read back a state, by identifier."""
        if change.group_id is not None:
            return self._observe_member(change, change.group_id)
        query = f"<GUID={change.account_id}> base userAccountControl"
        account = self._client.find(f"<GUID={change.account_id}>", ["userAccountControl"])
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
        query = f"<GUID={group_id}> base (member=<GUID={change.account_id}>)"
        group = self._client.find(f"<GUID={group_id}>", ["primaryGroupToken"])
        account = self._client.find(f"<GUID={change.account_id}>", ["primaryGroupID"])
        if group is None or account is None:
            if change.verb is Verb.ADD_MEMBER:
                raise TargetMissingError("The account or the group is not there (any more).")
            shown = "The account or the group is not there (any more)."
            return Observation(in_effect=True, shown=shown, query=query)
        is_member = self._is_member(group, account)
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


def _problems(kept: _Reading) -> tuple[Problem, ...]:
    if not kept.others:
        return ()
    detail = (
        f"{kept.others} members are neither accounts nor groups that were read: computers, "
        "contacts, objects of other domains or outside base_dn. They are counted, not stored."
    )
    return (Problem("other_member", detail),)


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
