"""From tables to `policies.facts`: everything a rule may see about one ask."""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.catalog.domain import default_is_requestable, default_risk
from app.catalog.models import Entitlement as Described
from app.catalog.models import Protection
from app.directory.models import Account, Closure, Group, Identity, Membership, Source
from app.directory.queries import groups_reaching
from app.kernel.actor import Role
from app.kernel.uow import Reading
from app.signin.models import RoleGrant
from policies import facts as of
from policies.facts import EntitlementId, IdentityId

GREATEST_CHAIN = 12

Through = aliased(Group)


def build(
    reading: Reading,
    *,
    requester_id: int,
    beneficiary_id: int,
    group_id: int,
    action: of.Action,
    reason: str,
    duration_days: int | None,
    ticket: str | None,
    plan_digest: str,
    leaves_no_administrator: bool,
    is_account_protected: bool = False,
) -> of.Facts:
    """Build the facts of one ask.

    Args:
        reading: The store.
        requester_id: Key of the identity that asks.
        beneficiary_id: Key of the identity it is for.
        group_id: Key of the group that would really be changed.
        action: What is asked for.
        reason: As typed.
        duration_days: Or None.
        ticket: Or None.
        plan_digest: Digest of the exact operations.
        leaves_no_administrator: Whether a removal would take the last one.
        is_account_protected: Whether the account itself is, besides its identity.
    """
    group = reading.session.get_one(Group, group_id)
    requester = reading.session.get_one(Identity, requester_id)
    seen = identity(reading, beneficiary_id)
    ask = of.Ask(
        requester_id=IdentityId(requester.public_id),
        beneficiary=replace(seen, is_protected=seen.is_protected or is_account_protected),
        entitlement=entitlement(reading, group),
        action=action,
        now=reading.now,
        reason=reason,
        duration_days=duration_days,
        ticket=ticket,
        plan_digest=plan_digest,
        leaves_no_administrator=leaves_no_administrator,
    )
    return of.Facts(
        ask=ask,
        candidates=candidates(reading, beneficiary_id, group),
        holdings=holdings(reading, beneficiary_id),
    )


def identity(reading: Reading, identity_id: int) -> of.Identity:
    """Return what a rule may see of an identity."""
    row = reading.session.get_one(Identity, identity_id)
    manager = reading.session.get(Identity, row.manager_id) if row.manager_id else None
    return of.Identity(
        id=IdentityId(row.public_id),
        kind=of.IdentityKind(row.kind.value),
        is_active=row.is_active,
        manager_id=IdentityId(manager.public_id) if manager else None,
        department=row.department,
        title=row.title,
        is_protected=_is_protected(reading, Protection.identity_id == identity_id),
    )


def entitlement(reading: Reading, group: Group) -> of.Entitlement:
    """Return what a rule may see of an entitlement."""
    source = reading.session.get_one(Source, group.source_id)
    described = reading.session.scalar(sa.select(Described).where(Described.group_id == group.id))
    by_default = default_is_requestable(
        is_writable=group.is_writable,
        is_mirror=group.master_external_id is not None,
        is_by_rule=group.rule is not None,
    )
    administers = group.is_administrative or group.id in groups_reaching(reading, group.id)
    risk = described.risk if described else default_risk(is_administrative=administers)
    owner = owner_of(reading, group)
    return of.Entitlement(
        id=EntitlementId(group.public_id),
        name=group.name,
        source=source.name,
        group_kind=group.kind,
        owner_id=IdentityId(owner.public_id) if owner else None,
        risk=of.Risk(risk.value),
        is_requestable=described.is_requestable if described else by_default,
        is_removal_automatic=group.rule is None,
        is_protected=_is_protected(reading, Protection.group_id == group.id),
        is_administrative=group.is_administrative,
    )


def owner_of(reading: Reading, group: Group) -> Identity | None:
    """Return who answers for a group: as written in the catalogue, else as its source says."""
    written = reading.session.scalar(
        sa.select(Identity)
        .join(Described, Described.owner_id == Identity.id)
        .where(Described.group_id == group.id)
    )
    if written is not None or group.owner_external_id is None:
        return written
    return reading.session.scalar(
        sa.select(Identity)
        .join(Account, Account.identity_id == Identity.id)
        .where(
            Account.source_id == group.source_id,
            Account.external_id == group.owner_external_id,
        )
    )


def candidates(reading: Reading, beneficiary_id: int, group: Group) -> of.Candidates:
    """Return everybody who might have to answer."""
    owner = owner_of(reading, group)
    return of.Candidates(
        managers=_managers(reading, beneficiary_id),
        owner=_candidate(owner) if owner else None,
        administrators=tuple(_candidate(each) for each in administrators(reading)),
    )


def administrators(reading: Reading) -> list[Identity]:
    """Return the identities that hold the role of an administrator now."""
    return list(
        reading.session.scalars(
            sa.select(Identity)
            .where(
                Identity.id.in_(
                    sa.select(RoleGrant.identity_id).where(
                        RoleGrant.role == Role.ADMIN,
                        RoleGrant.ended_at.is_(None),
                        sa.or_(RoleGrant.until.is_(None), RoleGrant.until > reading.now),
                    )
                )
            )
            .order_by(Identity.id)
        )
    )


def holdings(reading: Reading, identity_id: int) -> tuple[of.Holding, ...]:
    """Return all an identity has now, direct and through nesting, in two statements."""
    held = _held(reading, Account.identity_id == identity_id)
    return next(iter(held.values()), ())


def all_holdings(reading: Reading) -> dict[IdentityId, tuple[of.Holding, ...]]:
    """Return what everybody has now, in two statements."""
    return _held(reading, sa.true())


def _held(
    reading: Reading, whose: sa.ColumnElement[bool]
) -> dict[IdentityId, tuple[of.Holding, ...]]:
    direct = (
        sa.select(
            Identity.public_id, Group, Source.name, Membership.valid_from, Membership.provenance
        )
        .select_from(Membership)
        .join(Account, Account.id == Membership.account_id)
        .join(Identity, Identity.id == Account.identity_id)
        .where(whose, Membership.valid_to.is_(None))
    )
    nested = (
        direct.add_columns(Through.public_id)
        .join(Closure, Closure.descendant_id == Membership.group_id)
        .join(Group, Group.id == Closure.ancestor_id)
        .join(Through, Through.id == Membership.group_id)
        .join(Source, Source.id == Group.source_id)
        .where(Closure.ancestor_id != Closure.descendant_id)
        .order_by(Closure.depth, Through.id)
    )
    direct = direct.join(Group, Group.id == Membership.group_id).join(
        Source, Source.id == Group.source_id
    )
    found: dict[IdentityId, dict[str, of.Holding]] = {}
    for who, group, source, since, why in reading.session.execute(direct):
        mine = found.setdefault(IdentityId(who), {})
        mine.setdefault(group.public_id, _holding(group, source, since, why))
    for who, group, source, since, why, via in reading.session.execute(nested):
        mine = found.setdefault(IdentityId(who), {})
        path = (EntitlementId(via),)
        mine.setdefault(group.public_id, _holding(group, source, since, why, path))
    return {who: tuple(mine.values()) for who, mine in found.items()}


def _holding(
    group: Group,
    source: str,
    since: datetime,
    provenance: str,
    path: tuple[EntitlementId, ...] = (),
) -> of.Holding:
    return of.Holding(
        entitlement_id=EntitlementId(group.public_id),
        name=group.name,
        source=source,
        since=since,
        provenance=of.Provenance(provenance),
        path=path,
    )


def _managers(reading: Reading, identity_id: int) -> tuple[of.Candidate, ...]:
    """Walk up; a ring of managers ends where it began."""
    found: list[of.Candidate] = []
    seen = {identity_id}
    current = reading.session.get_one(Identity, identity_id)
    while current.manager_id is not None and len(found) < GREATEST_CHAIN:
        if current.manager_id in seen:
            break
        seen.add(current.manager_id)
        current = reading.session.get_one(Identity, current.manager_id)
        found.append(_candidate(current))
    return tuple(found)


def _candidate(row: Identity) -> of.Candidate:
    return of.Candidate(IdentityId(row.public_id), is_active=row.is_active)


def _is_protected(reading: Reading, condition: sa.ColumnElement[bool]) -> bool:
    found = reading.session.scalar(
        sa.select(Protection.id).where(condition, Protection.ended_at.is_(None)).limit(1)
    )
    return found is not None
