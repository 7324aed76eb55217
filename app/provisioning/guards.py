"""What automation may never take away, gathered from the store for one plan.

Protected are: what a person protected, the account Attestry itself uses in each source, and the
last member of an administrators' group.
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from app.catalog.models import Protection
from app.directory.models import Account, Group, Membership, Source
from app.kernel.errors import PolicyRefusedError
from app.kernel.uow import Reading
from app.provisioning.models import Task
from app.provisioning.planning import Operation, account_operation, membership_operations
from app.provisioning.planning import Target as Where
from app.provisioning.reconcile import Guarded, judge
from app.rulebook import service as rulebook
from connectors.records import Verb

OWN = "Attestry itself signs in with it."


def guarded(reading: Reading, operations: Sequence[Operation]) -> Guarded:
    """Gather the protections that matter to a plan, in four statements.

    Args:
        reading: The store.
        operations: The plan.
    """
    accounts = {each.account_id for each in operations}
    groups = {each.group_id for each in operations if each.group_id is not None}
    return Guarded(
        accounts=protected_accounts(reading, accounts),
        groups=protected_groups(reading, groups),
        administrators=administrators(reading, groups),
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


def administrators(reading: Reading, group_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return the enabled accounts directly in each administrators' group among these."""
    rows = reading.session.execute(
        sa.select(Membership.group_id, Membership.account_id)
        .join(Group, Group.id == Membership.group_id)
        .join(Account, Account.id == Membership.account_id)
        .where(
            Group.id.in_(list(group_ids)),
            Group.is_administrative,
            Membership.valid_to.is_(None),
            Account.is_enabled,
        )
    )
    found: dict[int, set[int]] = {}
    for group_id, account_id in rows:
        found.setdefault(group_id, set()).add(account_id)
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
    if task.group_id is not None and task.group_id in found.administrators:
        reading.session.execute(
            sa.select(Group.id).where(Group.id == task.group_id).with_for_update()
        )
        found = Guarded(
            found.accounts,
            found.groups,
            {task.group_id: set(found.administrators[task.group_id]) - _leaving(reading, task)},
        )
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


def _leaving(reading: Reading, task: Task) -> set[int]:
    from app.provisioning.domain import TaskState

    return set(
        reading.session.scalars(
            sa.select(Task.account_id).where(
                Task.group_id == task.group_id,
                Task.verb == Verb.REMOVE_MEMBER.value,
                Task.state == TaskState.RUNNING,
                Task.id != task.id,
            )
        )
    )
