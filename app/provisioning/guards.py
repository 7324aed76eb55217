"""What automation may never take away, gathered from the store for one plan.

Protected are: what a person protected, the account Attestry itself uses in each source, and the
last member of an administrators' group.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.catalog.models import Protection
from app.directory.models import Account, Group, Membership, Source
from app.kernel.errors import PolicyRefusedError
from app.kernel.uow import Reading
from app.provisioning.domain import TaskState
from app.provisioning.models import Task
from app.provisioning.planning import Operation, account_operation, membership_operations
from app.provisioning.planning import Target as Where
from app.provisioning.reconcile import CLOSING, TAKING, Guarded, judge
from app.rulebook import service as rulebook
from connectors.records import Verb

READ_ONLY, BY_RULE = "read_only", "filled_by_rule"
OWN = "Attestry itself signs in with it."

Theirs = aliased(Membership)


def guarded(reading: Reading, operations: Sequence[Operation]) -> Guarded:
    """Gather the protections that matter to a plan, in four statements.

    Args:
        reading: The store.
        operations: The plan.
    """
    accounts = {each.account_id for each in operations}
    groups = {each.group_id for each in operations if each.group_id is not None}
    closed = {each.account_id for each in operations if each.verb in CLOSING}
    return Guarded(
        accounts=protected_accounts(reading, accounts),
        groups=protected_groups(reading, groups),
        administrators=administrators(reading, groups, closed),
    )


def protected_accounts(reading: Reading, account_ids: Iterable[int]) -> dict[int, str]:
    """Return which of these accounts are protected, with the reason."""
    ids = list(account_ids)
    own = reading.session.execute(
        sa.select(Account.id)
        .join(Source, Source.id == Account.source_id)
        .where(Account.id.in_(ids), Account.external_id == Source.own_account_external_id)
    )
    said = reading.session.execute(
        sa.select(Account.id, Protection.reason)
        .join(
            Protection,
            sa.or_(
                Protection.account_id == Account.id,
                Protection.identity_id == Account.identity_id,
            ),
        )
        .where(Account.id.in_(ids), Protection.ended_at.is_(None))
    )
    found = {row.id: row.reason for row in said}
    return found | {row.id: OWN for row in own}


def protected_groups(reading: Reading, group_ids: Iterable[int]) -> dict[int, str]:
    """Return which of these groups are protected, with the reason."""
    rows = reading.session.execute(
        sa.select(Protection.group_id, Protection.reason).where(
            Protection.group_id.in_(list(group_ids)), Protection.ended_at.is_(None)
        )
    )
    return {row.group_id: row.reason for row in rows if row.group_id is not None}


def not_automatic(reading: Reading, group_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Return of which of these groups a removal is left to a person: code and reason.

    Args:
        reading: The store.
        group_ids: Keys of groups.
    """
    rows = reading.session.execute(
        sa.select(Group.id, Group.name, Group.rule, Source.name.label("source"))
        .join(Source, Source.id == Group.source_id)
        .where(Group.id.in_(list(group_ids)), sa.or_(~Group.is_writable, Group.rule.is_not(None)))
    )
    return {
        row.id: (
            (BY_RULE, f"A rule of {row.source} fills {row.name}: change the rule there.")
            if row.rule is not None
            else (
                READ_ONLY,
                f"{row.name} cannot be changed from here: take it away in {row.source}.",
            )
        )
        for row in rows
    }


def administrators(
    reading: Reading, group_ids: Iterable[int], closed_ids: Iterable[int] = ()
) -> dict[int, set[int]]:
    """Return the usable accounts directly in administrators' groups.

    Args:
        reading: The store.
        group_ids: Those of these groups that are administrators' groups.
        closed_ids: And all such groups that one of these accounts is in.
    """
    theirs = sa.select(Theirs.group_id).where(
        Theirs.account_id.in_(list(closed_ids)), Theirs.valid_to.is_(None)
    )
    rows = reading.session.execute(
        sa.select(Group.id, Account.id)
        .select_from(Group)
        .outerjoin(
            Membership, sa.and_(Membership.group_id == Group.id, Membership.valid_to.is_(None))
        )
        .outerjoin(Account, sa.and_(Account.id == Membership.account_id, Account.is_enabled))
        .where(
            Group.is_administrative,
            sa.or_(Group.id.in_(list(group_ids)), Group.id.in_(theirs)),
        )
    )
    found: dict[int, set[int]] = {}
    for group_id, account_id in rows:
        staying = found.setdefault(group_id, set())
        if account_id is not None:
            staying.add(account_id)
    return found


def refusal_of(reading: Reading, task: Task) -> tuple[str, str] | None:
    """Return code and reason if a task may not run as things are now.

    The administrators of a group that others are being removed from at this moment are counted as
    gone, so that two removals side by side cannot take the last two.
    """
    if task.group_id is None:
        operations: Sequence[Operation] = (
            account_operation(reading, Verb(task.verb), task.account_id),
        )
    else:
        where = Where(task.account_id, task.group_id)
        operations = membership_operations(reading, Verb(task.verb), [where])[:1]
    found = guarded(reading, operations)
    if Verb(task.verb) in TAKING and found.administrators:
        reading.session.execute(
            sa.select(Group.id)
            .where(Group.id.in_(found.administrators))
            .order_by(Group.id)
            .with_for_update(key_share=True)
        )
        found = guarded(reading, operations)  # what was read before the lock may be old
        found = replace(found, administrators=_staying(reading, task, found))
    judged = judge(operations, found, rulebook.policy_in_force(reading), {})
    refusal = judged.refusal_of(0)
    return (refusal.code, refusal.reason) if refusal else None


def refuse_if_guarded(reading: Reading, task: Task) -> None:
    """Refuse a task whose target is protected.

    Raises:
        PolicyRefusedError: With the reason.
    """
    refusal = refusal_of(reading, task)
    if refusal is not None:
        raise PolicyRefusedError(refusal[1], {"outcome": "refuse", "code": refusal[0]})


def _staying(reading: Reading, task: Task, found: Guarded) -> dict[int, set[int]]:
    """Return the administrators that no other task is taking away at this moment."""
    rows = reading.session.execute(
        sa.select(Task.account_id, Task.group_id).where(
            Task.state == TaskState.RUNNING,
            Task.id != task.id,
            sa.or_(
                sa.and_(
                    Task.verb == Verb.REMOVE_MEMBER.value,
                    Task.group_id.in_(found.administrators),
                ),
                Task.verb.in_([each.value for each in CLOSING]),
            ),
        )
    ).all()
    return {
        group: {
            account
            for account in accounts
            if not any(gone == account and where in (group, None) for gone, where in rows)
        }
        for group, accounts in found.administrators.items()
    }
