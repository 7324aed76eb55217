"""A leaver's plan: close every account, end sessions, then take away what they are in.

Closing comes first and is never held back. Memberships are removed where they are mastered; what a
mirror still shows waits for its import. What is protected is left to a person and said so.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from app.directory.domain import PEOPLE_KINDS
from app.directory.models import Account, Group, Identity, Membership, Source
from app.grants import service as grants
from app.grants.domain import EndCause
from app.grants.models import Grant
from app.kernel.uow import Reading, UnitOfWork
from app.provisioning import planning
from app.provisioning.planning import Operation, Target
from app.rulebook import service as rulebook
from connectors.records import Verb
from policies.clauses import Measure
from policies.leaver import measure_for

CLOSING = {
    Measure.DISABLE: Verb.DISABLE_ACCOUNT,
    Measure.SUSPEND: Verb.SUSPEND_ACCOUNT,
    Measure.DEACTIVATE: Verb.DEACTIVATE_ACCOUNT,
}
WITH_SESSIONS = "okta"


@dataclass(frozen=True, slots=True)
class LeaverPlan:
    """What will be done for one leaver.

    Attributes:
        accounts: How many accounts are closed.
        operations: In the order in which they run.
    """

    accounts: int
    operations: tuple[Operation, ...]


def preview(reading: Reading, identity: Identity) -> LeaverPlan:
    """Return what a leaver's plan would be now, deciding nothing."""
    removals = planning.membership_operations(
        reading, Verb.REMOVE_MEMBER, _targets(reading, identity)
    )
    closing = _closing(reading, identity)
    return LeaverPlan(len(closing), (*closing, *_sessions(reading, identity), *removals))


def decide(uow: UnitOfWork, identity: Identity, *, cause_ref: str) -> LeaverPlan:
    """Decide the end of everything a leaver holds directly, and return the plan for it.

    Args:
        uow: The unit of work.
        identity: Who leaves.
        cause_ref: Public id of the lifecycle event.
    """
    targets = _targets(uow, identity)
    ends: list[int | None] = []
    for each in targets:
        pending = grants.pending_end(uow, each.account_id, each.group_id)
        decided = pending or grants.end(
            uow,
            account_id=each.account_id,
            group_id=each.group_id,
            cause=EndCause.LEAVER,
            cause_ref=cause_ref,
        )
        uow.session.flush()
        ends.append(decided.id)
    closing = _closing(uow, identity)
    removals = planning.membership_operations(uow, Verb.REMOVE_MEMBER, targets, ends=ends)
    return LeaverPlan(len(closing), (*closing, *_sessions(uow, identity), *removals))


def _accounts(reading: Reading, identity: Identity) -> list[tuple[Account, Source]]:
    rows = reading.session.execute(
        sa.select(Account, Source)
        .join(Source, Source.id == Account.source_id)
        .where(
            Account.identity_id == identity.id,
            Account.ended_at.is_(None),
            Source.is_enabled,
            Source.kind.not_in(PEOPLE_KINDS),  # what HR says of somebody is no login to close
        )
        .order_by(Source.id, Account.id)
    )
    return [(row[0], row[1]) for row in rows]


def _closing(reading: Reading, identity: Identity) -> tuple[Operation, ...]:
    """Close every account, those that are closed already too: it ensures a state."""
    settings = rulebook.policy_in_force(reading).leaver
    return tuple(
        planning.account_operation(
            reading, CLOSING[measure_for(settings, source.name, flavour(source))], account.id
        )
        for account, source in _accounts(reading, identity)
    )


def _sessions(reading: Reading, identity: Identity) -> tuple[Operation, ...]:
    if not rulebook.policy_in_force(reading).leaver.is_session_clearing:
        return ()
    return tuple(
        planning.account_operation(reading, Verb.CLEAR_SESSIONS, account.id)
        for account, source in _accounts(reading, identity)
        if flavour(source) == WITH_SESSIONS
    )


def _targets(reading: Reading, identity: Identity) -> list[Target]:
    """Return what is to be taken away: what a source shows, and what is decided and on its way."""
    if not rulebook.policy_in_force(reading).leaver.is_membership_removing:
        return []
    shown = sa.select(Membership.account_id, Membership.group_id).where(
        Membership.valid_to.is_(None), Membership.is_primary.is_(False)
    )
    decided = sa.select(Grant.account_id, Grant.group_id).where(Grant.state.in_(grants.LIVE_GRANT))
    held = sa.union(shown, decided).subquery()
    rows = reading.session.execute(
        sa.select(held.c.account_id, held.c.group_id)
        .join(Account, Account.id == held.c.account_id)
        .join(Group, Group.id == held.c.group_id)
        .join(Source, Source.id == Group.source_id)
        .where(
            Account.identity_id == identity.id,
            Account.ended_at.is_(None),
            Group.master_external_id.is_(None),
            Group.is_writable,
            Source.is_enabled,
        )
        .order_by(Group.source_id, held.c.group_id, held.c.account_id)
    )
    return [Target(row.account_id, row.group_id) for row in rows]


def flavour(source: Source) -> str:
    """Return the kind of directory a source behaves like; a memory source says it itself."""
    told = source.settings.get("flavour") if source.kind == "memory" else None
    return str(told or source.kind)
