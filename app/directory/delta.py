"""A delta: what a source says has changed since a cursor, set against what is stored.

A delta names some accounts and groups, and for some groups who joined and who left. For each group
whose members it touches the whole list that follows is put together from what is stored; from there
on it is compared, judged and stored as a whole read is, by the same code.

A source that deletes an account or a group need not say of each group that it left: it ends there
by itself. A member that was not known when its group was read is remembered, so that it is a member
once the source shows it.
"""

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.directory import reconcile
from app.directory.difference import Difference, Part
from app.directory.gathered import Accounts, Listed
from app.directory.intake import plain
from app.directory.models import Account, Group, Membership, Nesting
from app.directory.population import Read
from app.directory.progress import Progress
from connectors.errors import ConnectorError, CursorRefusedError, UnsupportedError
from connectors.port import Connector
from connectors.records import Account as ShownAccount
from connectors.records import (
    AccountBatch,
    GoneBatch,
    GroupBatch,
    Member,
    MemberBatch,
    MemberChange,
    MemberChangeBatch,
    MemberKind,
    MemberList,
    ReadReport,
)
from connectors.records import Group as ShownGroup

AT_ONCE = 500
Inside = dict[str, dict[str, Member]]


@dataclass(slots=True)
class Told:
    """All that one delta brought.

    Attributes:
        accounts: Those that appeared or changed, as told last, by external id.
        groups: The same of groups.
        lists: Whole lists of members.
        changes: Who joined and who left.
        gone_accounts: External ids of those deleted.
        gone_groups: The same of groups.
        report: The source's last word, or None if it never came.
        broken_by: The sentence of the error that ended it, or None.
    """

    accounts: dict[str, ShownAccount] = field(default_factory=dict)
    groups: dict[str, ShownGroup] = field(default_factory=dict)
    lists: list[MemberList] = field(default_factory=list)
    changes: list[MemberChange] = field(default_factory=list)
    gone_accounts: set[str] = field(default_factory=set)
    gone_groups: set[str] = field(default_factory=set)
    report: ReadReport | None = None
    broken_by: str | None = None

    def counts(self) -> dict[str, int]:
        """Return how much was told, as a whole read counts what it read."""
        return {
            "accounts": len(self.accounts) + len(self.gone_accounts),
            "groups": len(self.groups) + len(self.gone_groups),
            "memberships": sum(each.size for each in self.lists)
            + sum(len(each.joined) + len(each.left) for each in self.changes),
        }


def collect(connector: Connector, cursor: str, progress: Progress) -> Told:
    """Read what changed since a cursor, to its end or as far as it goes.

    Args:
        connector: The source.
        cursor: Where to go on from.
        progress: Is told what has been counted so far.

    Raises:
        CursorRefusedError: It cannot be told from there.
        UnsupportedError: The source tells no changes.
        ConnectorError: Nothing at all could be read.
    """
    told = Told()
    try:
        for batch in connector.changes(cursor):
            _take(told, batch)
            progress.counted(told.counts())
    except (CursorRefusedError, UnsupportedError):
        raise
    except ConnectorError as error:
        if not any(told.counts().values()):
            raise
        told.broken_by = str(error)
    progress.ended(told.counts(), told.report)
    return told


def _take(told: Told, batch: object) -> None:
    """Add one batch; of the same record, what is told last counts."""
    match batch:
        case AccountBatch():
            told.accounts |= {each.external_id: each for each in batch.accounts}
            told.gone_accounts -= told.accounts.keys()
        case GroupBatch():
            told.groups |= {each.external_id: each for each in batch.groups}
            told.gone_groups -= told.groups.keys()
        case MemberBatch():
            told.lists.extend(batch.lists)
        case MemberChangeBatch():
            told.changes.extend(batch.changes)
        case GoneBatch():
            told.gone_accounts.update(batch.accounts)
            told.gone_groups.update(batch.groups)
            for external_id in batch.accounts:
                told.accounts.pop(external_id, None)
            for external_id in batch.groups:
                told.groups.pop(external_id, None)
        case ReadReport():
            told.report = batch
        case _:
            raise TypeError(f"A delta does not hold a {type(batch).__name__}")


def pack(told: Told) -> bytes:
    """Keep a delta as bytes."""
    return zlib.compress(msgspec.json.encode(told, enc_hook=plain), level=3)


def unpack(body: bytes) -> Told:
    """Open a delta that was kept."""
    return msgspec.json.decode(zlib.decompress(body), type=Told)


def expand(
    session: Session, source_id: int, told: Told, unread: Collection[str]
) -> tuple[Read, Part]:
    """Put together what a whole read of the same groups would have shown.

    Args:
        session: To look with.
        source_id: Whose delta it is.
        told: The delta.
        unread: Groups whose members were not read to the end; they stay as they are.

    Returns:
        The lists that follow, and which part of the source they are about.
    """
    accounts, groups = told.accounts, told.groups
    gone_accounts, gone_groups = told.gone_accounts, told.gone_groups
    whole = _whole_lists(told.lists, unread)
    touched = {each.group_id for each in told.changes}
    touched |= _holders(session, source_id, gone_accounts, gone_groups)
    came = _unknown_until_now(session, source_id, accounts, groups)
    touched |= whole.keys() | gone_groups | came.keys()
    stored = _stored_members(session, source_id, touched, _lines(session, source_id, touched))
    were = _named(stored.values())
    inside = {
        name: found
        for name, found in stored.items()
        if name not in whole and name not in gone_groups
    }
    for each in told.changes:
        if each.group_id in inside:
            for external_id in each.left:
                inside[each.group_id].pop(external_id, None)
            inside[each.group_id].update({one.external_id: one for one in each.joined})
    inside |= whole
    lists = [Listed.of(MemberList.of(name, found.values())) for name, found in inside.items()]
    are = _named(inside.values())
    inner = are[MemberKind.GROUP] | were[MemberKind.GROUP]
    holders = are[MemberKind.ACCOUNT] | were[MemberKind.ACCOUNT]
    part = Part(
        accounts=frozenset(accounts.keys() | gone_accounts | holders),
        groups=frozenset(groups.keys() | touched | inner),
        gone_accounts=frozenset(gone_accounts),
        gone_groups=frozenset(gone_groups),
        standing=_standing(session, source_id, inside.keys()),
    )
    read = Read(
        Accounts(accounts.values()), list(groups.values()), lists, told.report, told.broken_by
    )
    return read, part


def without_deleted(found: Difference, part: Part) -> Difference:
    """Tell no problem of members that are unknown only because they were deleted just now."""
    gone = part.gone_accounts | part.gone_groups
    odd = {
        name
        for name, each in found.members.items()
        if any(reconcile.member_of(line).external_id not in gone for line in each.unknown)
    }
    problems = tuple(
        each for each in found.problems if each.code != "unknown_member" or each.about in odd
    )
    return replace(found, problems=problems)


def _whole_lists(lists: Iterable[MemberList], unread: Collection[str]) -> Inside:
    """Join the lists of one group, which may come in several; unread ones are left out."""
    found: Inside = defaultdict(dict)
    for each in lists:
        if each.group_id not in unread:
            found[each.group_id].update({one.external_id: one for one in each.members})
    return dict(found)


def _named(lists: Iterable[Mapping[str, Member]]) -> Mapping[MemberKind, set[str]]:
    named: dict[MemberKind, set[str]] = {kind: set() for kind in MemberKind}
    for members in lists:
        for member in members.values():
            named[member.kind].add(member.external_id)
    return named


def _holders(
    session: Session, source_id: int, accounts: Collection[str], groups: Collection[str]
) -> set[str]:
    """Return the groups that a deleted account or group is in."""
    found: set[str] = set()
    child = aliased(Group)
    for some in _chunks(accounts):
        found.update(
            session.scalars(
                sa.select(Group.external_id)
                .join(Membership, Membership.group_id == Group.id)
                .join(Account, Account.id == Membership.account_id)
                .where(
                    Account.source_id == source_id,
                    Account.external_id.in_(some),
                    Membership.valid_to.is_(None),
                )
                .distinct()
            )
        )
    for some in _chunks(groups):
        found.update(
            session.scalars(
                sa.select(Group.external_id)
                .join(Nesting, Nesting.parent_id == Group.id)
                .join(child, child.id == Nesting.child_id)
                .where(
                    child.source_id == source_id,
                    child.external_id.in_(some),
                    Nesting.valid_to.is_(None),
                )
                .distinct()
            )
        )
    return found


def _unknown_until_now(
    session: Session,
    source_id: int,
    accounts: Collection[str],
    groups: Collection[str],
) -> dict[str, list[str]]:
    """Return the groups with members that were not known and are told of now."""
    if not accounts and not groups:
        return {}
    told = {f"{word} {each}" for word in ("account", "primary") for each in accounts}
    told |= {f"group {each}" for each in groups}
    rows = session.execute(
        sa.select(Group.external_id, Group.unknown_members).where(
            Group.source_id == source_id,
            Group.ended_at.is_(None),
            Group.unknown_members.is_not(None),
        )
    )
    return {name: lines for name, lines in rows if not told.isdisjoint(lines)}


def _lines(session: Session, source_id: int, names: Collection[str]) -> dict[str, list[str]]:
    """Return the members of groups that nobody knew, of each group that is stored."""
    found: dict[str, list[str]] = {}
    for some in _chunks(names):
        rows = session.execute(
            sa.select(Group.external_id, Group.unknown_members).where(
                Group.source_id == source_id, Group.external_id.in_(some)
            )
        )
        found.update({name: lines or [] for name, lines in rows})
    return found


def _stored_members(
    session: Session,
    source_id: int,
    names: Collection[str],
    unknown: Mapping[str, list[str]],
) -> Inside:
    """Return who is directly in some groups, as stored, those that nobody knew included."""
    inside: Inside = {
        name: {each.external_id: each for each in map(reconcile.member_of, unknown.get(name, ()))}
        for name in names
    }
    child = aliased(Group)
    for some in _chunks(names):
        accounts = session.execute(
            sa.select(Group.external_id, Account.external_id, Membership.is_primary)
            .select_from(Membership)
            .join(Group, Group.id == Membership.group_id)
            .join(Account, Account.id == Membership.account_id)
            .where(
                Group.source_id == source_id,
                Group.external_id.in_(some),
                Membership.valid_to.is_(None),
            )
        )
        for group, account, is_primary in accounts:
            inside[group][account] = Member(account, MemberKind.ACCOUNT, bool(is_primary))
        nested = session.execute(
            sa.select(Group.external_id, child.external_id)
            .select_from(Nesting)
            .join(Group, Group.id == Nesting.parent_id)
            .join(child, child.id == Nesting.child_id)
            .where(
                Group.source_id == source_id,
                Group.external_id.in_(some),
                Nesting.valid_to.is_(None),
            )
        )
        for group, inner in nested:
            inside[group][inner] = Member(inner, MemberKind.GROUP)
    return inside


def _standing(session: Session, source_id: int, names: Collection[str]) -> dict[str, ShownGroup]:
    """Return, of groups as stored, what says why their memberships exist."""
    found = {}
    for some in _chunks(names):
        rows = session.execute(
            sa.select(
                Group.external_id, Group.name, Group.kind, Group.master_external_id, Group.rule
            ).where(Group.source_id == source_id, Group.external_id.in_(some))
        )
        for name, shown, kind, master_id, rule in rows:
            found[name] = ShownGroup(name, shown, kind, master_id=master_id, rule=rule)
    return found


def _chunks(names: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(names)
    return (ordered[start : start + AT_ONCE] for start in range(0, len(ordered), AT_ONCE))
