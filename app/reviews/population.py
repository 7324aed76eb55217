"""What a campaign looks at: every open membership in its scope, to be decided or left out by rule.

All of the population is accounted for: what is not an item is excluded, with its rule and reason.
What each item showed at that moment is frozen into it, so that evidence tells what was seen.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.catalog.domain import Risk, default_risk
from app.catalog.models import Entitlement
from app.directory import graph
from app.directory.domain import Provenance
from app.directory.models import Account, Group, Identity, Membership, Nesting, Source
from app.directory.queries import left_out_groups, ways_to_administration
from app.kernel.event import moment
from app.kernel.uow import Reading
from app.reviews.advice import Known, advise
from app.reviews.background import Background, read_background
from evidence.canonical import canonical

MIRRORED, PRIMARY, BUILT_IN, NOBODY = "mirrored", "primary_group", "built_in", "nobody_to_ask"
LEFT_OUT = "left_out_by_name"
REASONS = {
    MIRRORED: "It mirrors a group mastered elsewhere and is reviewed there.",
    PRIMARY: "It is the account's primary group, which every account must have.",
    BUILT_IN: "The source itself fills this group; nobody is taken out of it.",
    LEFT_OUT: "A person left this group out by name: its members are not expected to be read.",
    NOBODY: "Nobody could be asked: no manager, owner or fallback but the holder.",
}
ARROW = " \u2192 "
AUTOMATIC, READ_ONLY = "automatic", "read only"
MANAGER, OWNER, FALLBACK = "manager", "owner", "fallback"


@dataclass(frozen=True, slots=True)
class Asked:
    """One open membership in scope, and who would be asked about it.

    Attributes:
        account_id: Key of the account.
        group_id: Key of the group.
        reviewer_id: Key of who decides, or None if excluded.
        rule: Why it is excluded, or None.
    """

    account_id: int
    group_id: int
    reviewer_id: int | None
    rule: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """One open membership in scope, with all that is frozen of it.

    Attributes:
        membership_id: Its key.
        account_id: Key of the account.
        group_id: Key of the group.
        identity_id: Key of the holder, or None for an orphan account.
        reviewer_id: Key of who decides, or None if excluded.
        via: Why this reviewer.
        rule: Why it is excluded, or None.
        shown: What is frozen.
    """

    membership_id: int
    account_id: int
    group_id: int
    identity_id: int | None
    reviewer_id: int | None
    via: str
    rule: str | None
    shown: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look at.

    Attributes:
        source_ids: Sources in scope.
        group_ids: Groups in scope; none is all of those sources.
        fallback_id: Who decides where neither manager nor owner can, if anybody.
        read_at: When each source was read, by its key.
        before: When the review of this kind before this one began, if there was one.
    """

    source_ids: Sequence[int]
    group_ids: Sequence[int]
    fallback_id: int | None
    read_at: Mapping[int, datetime] = field(default_factory=dict)
    before: datetime | None = None


_HOLDER, _MANAGER = aliased(Identity), aliased(Identity)
_WRITTEN, _TOLD, _OWNER_ACCOUNT = aliased(Identity), aliased(Identity), aliased(Account)


def ask(reading: Reading, wanted: Wanted) -> Iterator[Asked]:
    """Read who would be asked about what, in two statements, without looking at anything else."""
    columns = (
        Membership.is_primary,
        Account.id,
        Group.id,
        sa.and_(~Group.is_writable, Group.rule.is_not(None)),
        Group.master_external_id,
        _HOLDER.id,
        _MANAGER.id,
        _MANAGER.is_active,
        _WRITTEN.id,
        _WRITTEN.is_active,
        _TOLD.id,
        _TOLD.is_active,
    )
    left_out = left_out_groups(reading)
    rows = reading.session.execute(_in_scope(wanted, *columns).execution_options(yield_per=1000))
    for primary, account, group, built_in, master, holder, *above in rows:
        manager, manager_is, written, written_is, told, told_is = above
        owner = (written, written_is) if written is not None else (told, told_is)
        who, _ = _reviewer(holder, (manager, manager_is), owner, wanted.fallback_id)
        rule = _rule(who, master=master, is_primary=primary, is_built_in=built_in)
        rule = LEFT_OUT if group in left_out else rule
        yield Asked(account, group, None if rule else who, rule)


def gather(reading: Reading, wanted: Wanted) -> Iterator[Found]:
    """Read the population in a stable order, in a few statements however large it is."""
    leads_to = _leads_to(reading)
    background = read_background(reading, wanted.source_ids)
    left_out = left_out_groups(reading)
    leading = ways_to_administration(reading)
    whole = (Membership, Account, Group, Source, _HOLDER, _MANAGER, _WRITTEN, _TOLD, Entitlement)
    statement = _in_scope(wanted, *whole).execution_options(yield_per=1000)
    for row in reading.session.execute(statement):
        group, described = row[2], row[-1]
        way = ARROW.join(leading.get(group.id, ())) or None
        risk = _risk(described, administers=group.is_administrative or way is not None)
        found = _found(*row, fallback_id=wanted.fallback_id, leads_to=leads_to, risk=risk)
        if found.group_id in left_out:
            found = replace(found, rule=LEFT_OUT, reviewer_id=None)
        found.shown.update(_weighed(row, wanted, background, risk, way))
        yield found


def _risk(described: Entitlement | None, *, administers: bool) -> Risk:
    """Return the risk put to a reviewer: where it leads to administration, that counts.

    What somebody said of a group may be older than where it leads, and was said of the group alone.
    """
    if administers or described is None:
        return default_risk(is_administrative=administers)
    return described.risk


def _in_scope(wanted: Wanted, *columns: Any) -> sa.Select[Any]:
    """Select of every open membership in scope, in a stable order."""
    statement = (
        sa.select(*columns)
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .join(Group, Group.id == Membership.group_id)
        .join(Source, Source.id == Group.source_id)
        .outerjoin(_HOLDER, _HOLDER.id == Account.identity_id)
        .outerjoin(_MANAGER, _MANAGER.id == _HOLDER.manager_id)
        .outerjoin(Entitlement, Entitlement.group_id == Group.id)
        .outerjoin(_WRITTEN, _WRITTEN.id == Entitlement.owner_id)
        .outerjoin(
            _OWNER_ACCOUNT,
            sa.and_(
                _OWNER_ACCOUNT.source_id == Group.source_id,
                _OWNER_ACCOUNT.external_id == Group.owner_external_id,
            ),
        )
        .outerjoin(_TOLD, _TOLD.id == _OWNER_ACCOUNT.identity_id)
        .where(Membership.valid_to.is_(None), Source.id.in_(wanted.source_ids))
        .order_by(Membership.id)
    )
    if wanted.group_ids:
        statement = statement.where(Group.id.in_(wanted.group_ids))
    return statement


def _leads_to(reading: Reading) -> Callable[[int], list[str]]:
    """Return a function from a group to what else its members are in by nesting, as paths."""
    parent, child = aliased(Group), aliased(Group)
    rows = reading.session.execute(
        sa.select(parent.id, child.id, parent.name, child.name)
        .select_from(Nesting)
        .join(parent, parent.id == Nesting.parent_id)
        .join(child, child.id == Nesting.child_id)
        .where(Nesting.valid_to.is_(None))
    ).all()
    names = {row[0]: row[2] for row in rows} | {row[1]: row[3] for row in rows}
    edges = [(row[0], row[1]) for row in rows]
    nested = {row[1] for row in rows}

    @cache
    def paths(group_id: int) -> list[str]:
        if group_id not in nested:
            return []
        ways = graph.ways_up(edges, [group_id])
        return [
            ARROW.join(names[step] for step in path)
            for reached, path in sorted(ways.items())
            if reached != group_id
        ]

    return paths


def _found(
    membership: Membership,
    account: Account,
    group: Group,
    source: Source,
    holder: Identity | None,
    manager: Identity | None,
    written: Identity | None,
    told: Identity | None,
    described: Entitlement | None,
    *,
    fallback_id: int | None,
    leads_to: Callable[[int], list[str]],
    risk: Risk,
) -> Found:
    owner = written or told
    own = holder.id if holder else None
    reviewer_id, via = _reviewer(own, _one(manager), _one(owner), fallback_id)
    rule = _rule(
        reviewer_id,
        master=group.master_external_id,
        is_primary=membership.is_primary,
        is_built_in=not group.is_writable and group.rule is not None,
    )
    return Found(
        membership_id=membership.id,
        account_id=account.id,
        group_id=group.id,
        identity_id=own,
        reviewer_id=None if rule else reviewer_id,
        via=via,
        rule=rule,
        shown={
            "source": source.name,
            "account": account.public_id,
            "account_login": account.login,
            "account_name": account.display_name,
            "account_status": account.status,
            "account_is_enabled": account.is_enabled,
            "account_expires_at": _text(account.expires_at),
            "identity": holder.public_id if holder else None,
            "identity_name": holder.display_name if holder else None,
            "department": holder.department if holder else None,
            "title": holder.title if holder else None,
            "group": group.public_id,
            "group_name": group.name,
            "description": (described and described.description) or group.description,
            "leads_to": leads_to(group.id),
            "owner_name": owner.display_name if owner else None,
            "risk": risk.value,
            "provenance": membership.provenance.value,
            "provenance_ref": membership.provenance_ref,
            "since": moment(membership.valid_from),
            "last_sign_in_at": _text(account.last_sign_in_at),
            "kind": group.kind,
            "removal": _removal(group),
        },
    )


def _weighed(
    row: Any, wanted: Wanted, background: Background, risk: Risk, way: str | None
) -> dict[str, Any]:
    """Return what the facts around a membership say of it, and the advice that follows."""
    membership, account, group, _, holder, *_ = row
    read_at = wanted.read_at.get(account.source_id)
    peers = background.peers(holder, group.id)
    clashes = background.clashes(holder, group.id)
    before = background.reviewed.get((account.id, group.id))
    team_before = background.team_before(holder, membership.valid_from)
    new_since = _new_since(membership, wanted.before) if before is None else None
    known = Known(
        risk=risk,
        reach=way,
        idle_days=_idle_days(account.last_sign_in_at, read_at),
        peers=peers,
        conflicts=list(dict.fromkeys(each.with_name for each in clashes)),
        team_before=team_before,
        new_since=new_since,
        has_holder=holder is not None,
        is_enabled=account.is_enabled,
    )
    return {
        "administers_by": way,
        "read_at": _text(read_at),
        "idle_days": known.idle_days,
        "peers": asdict(peers) if peers else None,
        "conflicts": [asdict(each) for each in clashes],
        "last_review": {**asdict(before), "at": moment(before.at)} if before else None,
        "team_before": team_before,
        "new_since": new_since,
        "advice": advise(known).document(),
    }


def _idle_days(last: datetime | None, read_at: datetime | None) -> int | None:
    """Return the whole days from the last sign-in to the read; None: no source tells."""
    if last is None or read_at is None:
        return None
    return max((read_at - last).days, 0)


def _new_since(membership: Membership, before: datetime | None) -> str | None:
    """Return when the review before began, if the access came after it.

    What a source held when it was first read is no newer for that.
    """
    if before is None or membership.valid_from <= before:
        return None
    return None if membership.provenance is Provenance.IMPORTED_AT_START else moment(before)


Candidate = tuple[int | None, bool | None]


def _one(person: Identity | None) -> Candidate:
    return (person.id, person.is_active) if person is not None else (None, None)


def _reviewer(
    own: int | None, manager: Candidate, owner: Candidate, fallback_id: int | None
) -> tuple[int | None, str]:
    """Manager, else owner, else the fallback; never the holder, never who is not active."""
    for (who, is_active), via in ((manager, MANAGER), (owner, OWNER)):
        if who is not None and is_active and who != own:
            return who, via
    if fallback_id is not None and fallback_id != own:
        return fallback_id, FALLBACK
    return None, ""


def _rule(
    reviewer_id: int | None, *, master: str | None, is_primary: bool, is_built_in: bool
) -> str | None:
    if master is not None:
        return MIRRORED
    if is_primary:
        return PRIMARY
    if is_built_in:
        return BUILT_IN
    return NOBODY if reviewer_id is None else None


def _removal(group: Group) -> str:
    """Say whether a revoke is carried out from here, and if not, why."""
    if group.rule:
        return f"not automatic: {group.rule}"
    return AUTOMATIC if group.is_writable else READ_ONLY


def digest(found: Sequence[Found]) -> str:
    """Return the SHA-256 over what was frozen, line by line in its order: the population's name."""
    total = hashlib.sha256()
    for each in found:
        total.update(canonical({**each.shown, "rule": each.rule}) + b"\n")
    return total.hexdigest()


def _text(at: datetime | None) -> str | None:
    return moment(at) if at is not None else None
