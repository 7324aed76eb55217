"""Tell what changed in a domain since a cursor: notice ids, then read those again as they are now.

What was noticed is read anew under the base and the filters, so that what a delta shows of an
object is what a whole read shows. What is not found so was deleted or left what is read; either way
it is gone. Groups are told whole if only that is known, else by who joined and who left.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from connectors.active_directory import cursor, mapping, noticing
from connectors.active_directory.cursor import Cursor
from connectors.active_directory.groups import GROUPS, narrowed
from connectors.active_directory.kept import Kept
from connectors.active_directory.noticing import Touched
from connectors.active_directory.parts import EXTENDED, Parts
from connectors.active_directory.reading import ACCOUNTS
from connectors.errors import TargetMissingError
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search
from connectors.records import (
    Account,
    AccountBatch,
    DeltaBatch,
    GoneBatch,
    Group,
    GroupBatch,
    Member,
    MemberBatch,
    MemberChange,
    MemberChangeBatch,
    MemberKind,
    MemberList,
    Problem,
    Query,
    ReadReport,
)

AT_ONCE = 100  # ids in one filter
FOREVER = 0x7FFFFFFFFFFFFFFE


@dataclass(slots=True)
class _Moves:
    """Who joined and who left one group."""

    joined: dict[str, Member] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Changes:
    """One delta of a domain."""

    client: LdapClient
    now: Callable[[], datetime]
    _kept: Kept = field(default_factory=Kept)
    _accounts: dict[str, Account] = field(default_factory=dict)
    _groups: dict[str, Group] = field(default_factory=dict)
    _tokens: dict[str, int] = field(default_factory=dict)
    _moves: dict[str, _Moves] = field(default_factory=dict)
    _primary: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    _holders: dict[str, list[str]] = field(default_factory=dict)
    _queries: dict[str, Search] = field(default_factory=dict)

    def read(self, text: str) -> Iterator[DeltaBatch]:
        """Read what changed since a cursor; the report comes last.

        Raises:
            CursorRefusedError: The controller cannot go on from there.
        """
        self.client.open()
        since = cursor.opened(text, self.client.endpoint, self.client.config.base_dn)
        touched, following = noticing.notice(self.client, since)
        self._kept.expires = since.expires
        self._expiring(touched, following)
        self._read_again(touched)
        yield AccountBatch(tuple(self._accounts.values()))
        yield GroupBatch(tuple(self._groups.values()))
        missing = touched.objects - self._accounts.keys() - self._groups.keys()
        bad = self._kept.unusable
        gone = tuple(sorted((touched.gone | missing) - bad))
        yield GoneBatch(gone, gone)
        yield MemberBatch(tuple(self._lists(touched)))
        yield MemberChangeBatch(tuple(self._member_changes(touched)))
        queries = [*touched.queries, *self._queries.values()]
        yield ReadReport(
            is_complete=not self._kept.bad and not self._kept.unread,
            endpoint=self.client.endpoint,
            account=self.client.config.bind_dn,
            queries=tuple(
                Query("changes", each.text, each.pages, each.returned) for each in queries
            ),
            problems=tuple(self._kept.problems()),
            cursor=replace(following, expires=self._kept.expires).text,
        )

    # --- reading again ------------------------------------------------------------------------

    def _read_again(self, touched: Touched) -> None:
        self._read_accounts(touched, touched.objects)
        self._read_groups(touched, touched.objects - self._accounts.keys())
        found = self._accounts.keys() | self._groups.keys()
        below: set[str] = set()
        for place in sorted(touched.places - found):
            below |= self._below(place)
        touched.objects -= touched.places - found
        below -= touched.objects
        touched.objects |= below
        touched.arriving |= below
        self._read_accounts(touched, below)
        self._read_groups(touched, below - self._accounts.keys())

    def _read_accounts(self, touched: Touched, ids: Iterable[str]) -> None:
        now, where = self.now(), narrowed(ACCOUNTS, self.client.config.user_filter)
        attributes = (*mapping.ACCOUNT_ATTRIBUTES, "memberOf")
        for entry in self._by_ids("accounts", where, ids, attributes):
            account = mapping.account(entry, now)
            if isinstance(account, Problem):
                self._kept.refuse(entry, account)
                continue
            self._accounts[account.external_id] = account
            self._kept.expiring(account, now)
            self._note_holders(touched, account.external_id, entry)
            sid, token = entry.values.get("objectsid"), entry.number("primaryGroupID")
            if token is not None and sid and account.external_id in touched.arriving:
                self._primary[account.external_id] = (sid[0], token)

    def _read_groups(self, touched: Touched, ids: Iterable[str]) -> None:
        where = narrowed(GROUPS, self.client.config.group_filter)
        attributes = (*mapping.GROUP_ATTRIBUTES, "memberOf")
        for entry in self._by_ids("groups", where, ids, attributes):
            group = mapping.group(entry)
            if isinstance(group, Problem):
                self._kept.refuse(entry, group)
                continue
            self._groups[group.external_id] = group
            self._note_holders(touched, group.external_id, entry)
            self._tokens[group.external_id] = entry.number("primaryGroupToken") or -1
            if self.client.config.group_filter or group.external_id in touched.arriving:
                touched.whole.add(group.external_id)

    def _note_holders(self, touched: Touched, external_id: str, entry: Entry) -> None:
        """Note which groups hold what may not have been read before."""
        if external_id in touched.arriving or self._is_narrow:
            self._holders[external_id] = mapping.linked(entry.values.get("memberof", ()))

    @property
    def _is_narrow(self) -> bool:
        return bool(self.client.config.user_filter or self.client.config.group_filter)

    def _below(self, place: str) -> set[str]:
        """Return the ids of everything below a container that was moved or renamed."""
        query = self._query(f"below <GUID={place}>")
        where = f"(|{ACCOUNTS}{GROUPS})"
        found = self.client.search(query, f"<GUID={place}>", where, ("objectGUID",))
        try:
            return {mapping.guid(each.values["objectguid"][0]) for each in found}
        except TargetMissingError:
            return set()

    def _by_ids(
        self, what: str, where: str, ids: Iterable[str], attributes: Sequence[str]
    ) -> Iterator[Entry]:
        """Read objects again under the base, some at a time."""
        base, ordered = self.client.config.base_dn, sorted(ids)
        for start in range(0, len(ordered), AT_ONCE):
            some = "".join(map(_is_id, ordered[start : start + AT_ONCE]))
            query = self._query(f"{base} subtree {where} by objectGUID, {what}")
            yield from self.client.search(
                query, base, f"(&(|{some}){where})", attributes, controls=[EXTENDED]
            )

    def _query(self, text: str) -> Search:
        return self._queries.setdefault(text, Search(text))

    # --- expiring -----------------------------------------------------------------------------

    def _expiring(self, touched: Touched, following: Cursor) -> None:
        """Note accounts that expired by themselves; no change tells of them."""
        now, due = self.now(), following.expires
        if due is None or due > now:
            return
        base = self.client.config.base_dn
        query = self._query(f"{base} subtree accountExpires")
        where = (
            f"(&{narrowed(ACCOUNTS, self.client.config.user_filter)}"
            f"(accountExpires>={mapping.ticks(due)})(accountExpires<={FOREVER}))"
        )
        later: list[datetime] = []
        for entry in self.client.search(query, base, where, ("objectGUID", "accountExpires")):
            moment = mapping.moment(entry.number("accountExpires"))
            if moment is None:
                continue
            if moment > now:
                later.append(moment)
            else:
                touched.objects.add(mapping.guid(entry.values["objectguid"][0]))
        self._kept.expires = min(later, default=None)

    # --- members ------------------------------------------------------------------------------

    def _lists(self, touched: Touched) -> list[MemberList]:
        """Return the whole lists of groups of which only that is known."""
        wanted = sorted(touched.whole & self._groups.keys())
        parts = Parts(self.client, self._kept, self._query("member;range=0-*"))
        for group_id in wanted:
            parts.read(group_id, 0)
        members = {group_id: self._kept.members.get(group_id, []) for group_id in wanted}
        kinds = self._kinds({each for found in members.values() for each in found})
        primary = self._primary_members([self._tokens[group_id] for group_id in wanted])
        return [
            MemberList(
                group_id,
                accounts=_of(kinds, found, MemberKind.ACCOUNT),
                groups=_of(kinds, found, MemberKind.GROUP),
                primary=tuple(primary.get(self._tokens[group_id], ())),
                is_complete=group_id not in self._kept.unread,
            )
            for group_id, found in members.items()
        ]

    def _primary_members(self, tokens: Sequence[int]) -> dict[int, list[str]]:
        """Return whose primary group it is, by the group's token."""
        found: dict[int, list[str]] = {}
        where = narrowed(ACCOUNTS, self.client.config.user_filter)
        for token in tokens:
            if token < 0:
                continue
            query = self._query(f"(primaryGroupID={token})")
            entries = self.client.search(
                query,
                self.client.config.base_dn,
                f"(&(primaryGroupID={token}){where})",
                ("objectGUID",),
            )
            found[token] = [mapping.guid(each.values["objectguid"][0]) for each in entries]
        return found

    def _member_changes(self, touched: Touched) -> list[MemberChange]:
        """Return who joined and who left, of groups that are not told whole."""
        for group_id in touched.joined.keys() - touched.whole:
            moves = self._moves.setdefault(group_id, _Moves())
            moves.left.update(touched.left[group_id])
        joined = {name: touched.joined[name] for name in touched.joined.keys() - touched.whole}
        asked = {each for found in joined.values() for each in found}
        asked |= {each for found in self._holders.values() for each in found}
        kinds = self._kinds(asked)
        for group_id, found in joined.items():
            for each in found:
                self._join(group_id, each, kinds.get(each))
        for external_id, holders in self._holders.items():
            kind = MemberKind.ACCOUNT if external_id in self._accounts else MemberKind.GROUP
            for group_id in holders:
                if kinds.get(group_id) is MemberKind.GROUP and group_id not in touched.whole:
                    self._join(group_id, external_id, kind)
        for external_id, group_id in self._primary_groups().items():
            if group_id not in touched.whole:
                self._join(group_id, external_id, MemberKind.ACCOUNT, is_primary=True)
        known = self._known_groups(self._moves.keys())
        return [
            MemberChange(group_id, tuple(moves.joined.values()), tuple(sorted(moves.left)))
            for group_id, moves in sorted(self._moves.items())
            if group_id in known
        ]

    def _join(
        self, group_id: str, external_id: str, kind: MemberKind | None, *, is_primary: bool = False
    ) -> None:
        """Note a member; what is outside of what is read is none."""
        if kind is None:
            return
        moves = self._moves.setdefault(group_id, _Moves())
        moves.left.discard(external_id)
        moves.joined[external_id] = Member(external_id, kind, is_primary)

    def _known_groups(self, ids: Iterable[str]) -> set[str]:
        kinds = self._kinds(set(ids))
        return {each for each, kind in kinds.items() if kind is MemberKind.GROUP}

    def _primary_groups(self) -> Mapping[str, str]:
        """Return account to its primary group, of those that may not have been read before."""
        wanted = {
            account_id: sid[:-4] + token.to_bytes(4, "little")
            for account_id, (sid, token) in self._primary.items()
        }
        found: dict[bytes, str] = {}
        ordered = sorted(set(wanted.values()))
        where = narrowed(GROUPS, self.client.config.group_filter)
        for start in range(0, len(ordered), AT_ONCE):
            some = "".join(
                f"(objectSid={_escaped(each)})" for each in ordered[start : start + AT_ONCE]
            )
            entries = self.client.search(
                self._query("primary groups by objectSid"),
                self.client.config.base_dn,
                f"(&(|{some}){where})",
                ("objectGUID", "objectSid"),
            )
            for each in entries:
                found[each.values["objectsid"][0]] = mapping.guid(each.values["objectguid"][0])
        return {name: found[sid] for name, sid in wanted.items() if sid in found}

    def _kinds(self, ids: set[str]) -> dict[str, MemberKind]:
        """Return what of some ids is read at all, and whether as an account or as a group."""
        found = dict.fromkeys(ids & self._accounts.keys(), MemberKind.ACCOUNT)
        found |= dict.fromkeys(ids & self._groups.keys(), MemberKind.GROUP)
        config, rest = self.client.config, ids - found.keys()
        either = (
            f"(|{narrowed(ACCOUNTS, config.user_filter)}{narrowed(GROUPS, config.group_filter)})"
        )
        for entry in self._by_ids("kinds", either, rest, ("objectGUID", "objectClass")):
            classes = {each.lower() for each in entry.values.get("objectclass", ())}
            kind = MemberKind.GROUP if b"group" in classes else MemberKind.ACCOUNT
            found[mapping.guid(entry.values["objectguid"][0])] = kind
        return found


def _of(kinds: Mapping[str, MemberKind], ids: Iterable[str], wanted: MemberKind) -> tuple[str, ...]:
    return tuple(each for each in ids if kinds.get(each) is wanted)


def _is_id(external_id: str) -> str:
    return f"(objectGUID={_escaped(UUID(external_id).bytes_le)})"


def _escaped(raw: bytes) -> str:
    return "".join(f"\\{each:02x}" for each in raw)
