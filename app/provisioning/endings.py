"""What of a read's endings is protected: such a read waits for a person."""

from collections.abc import Callable, Collection, Iterator, Sequence

import sqlalchemy as sa

from app.directory.models import Account, Group
from app.kernel.uow import Reading
from app.provisioning import guards

AT_ONCE = 10_000


def protected(
    reading: Reading, accounts: Collection[int], groups: Collection[int]
) -> Sequence[str]:
    """Name the protected ones among accounts and groups that would end, each with the reason.

    Args:
        reading: The store.
        accounts: Keys of accounts.
        groups: Keys of groups.
    """
    found = dict(_reasons(reading, accounts, guards.protected_accounts))
    named = _named(reading, sa.select(Account.id, Account.login), Account.id, found)
    found = dict(_reasons(reading, groups, guards.protected_groups))
    return [*named, *_named(reading, sa.select(Group.id, Group.name), Group.id, found)]


def _reasons(
    reading: Reading,
    keys: Collection[int],
    look: Callable[[Reading, Collection[int]], dict[int, str]],
) -> Iterator[tuple[int, str]]:
    ordered = sorted(keys)
    for start in range(0, len(ordered), AT_ONCE):
        yield from look(reading, ordered[start : start + AT_ONCE]).items()


def _named(
    reading: Reading,
    chosen: sa.Select[int, str],
    column: sa.orm.InstrumentedAttribute[int],
    reasons: dict[int, str],
) -> list[str]:
    if not reasons:
        return []
    rows = reading.session.execute(chosen.where(column.in_(sorted(reasons))).order_by(column))
    return [f"{name} ({reasons[key]})" for key, name in rows]
