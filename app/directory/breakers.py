"""What a read may not do without a person: end too much, or anything that is protected.

The shares are rules of each source; below so many ends as `LEAST_ENDS` a share says nothing.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import sqlalchemy as sa

from app.directory.difference import Difference
from app.directory.models import Account, Group, Membership, Source
from app.kernel.uow import Reading

LEAST_ENDS = 50
WHOLE = 100
MOST_NAMED = 3
AT_ONCE = 1000

# Given keys of accounts and of groups that would end, says which of them are protected, and why.
Protected = Callable[[Reading, Collection[int], Collection[int]], Sequence[str]]


def nothing_protected(
    _reading: Reading, _accounts: Collection[int], _groups: Collection[int]
) -> Sequence[str]:
    """Say that nothing is protected: for a directory on its own, without a catalogue."""
    return ()


def why_to_wait(
    reading: Reading, source: Source, found: Difference, protected: Protected
) -> str | None:
    """Say why a person has to look at a difference before it is stored, or None.

    Args:
        reading: The store, as it is.
        source: Whose difference it is, with its shares.
        found: What would change.
        protected: Says what of it may not end by itself.
    """
    return (
        _respelled(found)
        or _accounts(reading, source, found)
        or _memberships(reading, source, found)
        or _one_group(reading, source, found)
        or _protected(reading, found, protected)
    )


def is_too_much(ends: int, of: int, percent: int) -> bool:
    """Whether so many ends at once need a person: more than the share, and more than a few."""
    return ends > LEAST_ENDS and ends * WHOLE > percent * of


def _accounts(reading: Reading, source: Source, found: Difference) -> str | None:
    ended = len(found.accounts.compared.ended)
    if ended <= LEAST_ENDS:
        return None
    there = reading.session.scalar(
        sa.select(sa.func.count())
        .select_from(Account)
        .where(Account.source_id == source.id, Account.ended_at.is_(None))
    )
    if is_too_much(ended, there or 0, source.most_accounts_percent):
        return _said(ended, there or 0, "accounts", source.most_accounts_percent)
    return None


def _memberships(reading: Reading, source: Source, found: Difference) -> str | None:
    # At least so many there are by the lists that were read: mostly that says enough, uncounted.
    least = found.least_memberships
    if not is_too_much(len(found.left), least, source.most_memberships_percent):
        return None
    there = reading.session.scalar(
        sa.select(sa.func.count())
        .select_from(Membership)
        .join(Group, Group.id == Membership.group_id)
        .where(Membership.valid_to.is_(None), Group.source_id == source.id)
    )
    if is_too_much(len(found.left), there or 0, source.most_memberships_percent):
        return _said(len(found.left), there or 0, "memberships", source.most_memberships_percent)
    return None


def _one_group(reading: Reading, source: Source, found: Difference) -> str | None:
    """Look at those groups only that could lose so much that it is too much of a large group."""
    least = source.large_group * source.most_of_group_percent / WHOLE
    lost = {
        found.groups.known[name].id: ends
        for name, ends in Counter(group for group, _ in found.left).items()
        if ends > least
    }
    worst: tuple[int, int, str] | None = None
    for start in range(0, len(lost), AT_ONCE):
        some = sorted(lost)[start : start + AT_ONCE]
        rows = reading.session.execute(
            sa.select(Group.id, Group.name, sa.func.count())
            .join(Membership, Membership.group_id == Group.id)
            .where(Group.id.in_(some), Membership.valid_to.is_(None))
            .group_by(Group.id, Group.name)
        )
        for key, name, there in rows:
            is_too_much = lost[key] * WHOLE > source.most_of_group_percent * there
            if there >= source.large_group and is_too_much:
                worst = max(worst or (0, 0, ""), (lost[key], there, name))
    if worst is None:
        return None
    ends, there, name = worst
    return _said(ends, there, f"members of {name}", source.most_of_group_percent)


def _respelled(found: Difference) -> str | None:
    """Say so if what would go comes again in other letters: identifiers do not change their case.

    A source, or what stands before it, that spells its identifiers anew would otherwise end
    everything and show it as new.
    """
    gone = {*found.accounts.compared.ended, *found.groups.compared.ended}
    gone |= {account for _, account in found.left}
    if not gone:
        return None
    new = {*found.accounts.compared.appeared, *found.groups.compared.appeared}
    for each in found.members.values():
        new.update(line.split(" ", 1)[1] for line in each.unknown)
    spelled = {each.casefold(): each for each in new - gone}
    same = sorted(each for each in gone - new if each.casefold() in spelled)
    if not same:
        return None
    return (
        f"The source spells identifiers differently than before: {same[0]} is now "
        f"{spelled[same[0].casefold()]}. Nothing is taken for gone until a person has looked."
    )


def _protected(reading: Reading, found: Difference, protected: Protected) -> str | None:
    accounts = [found.accounts.known[name].id for name in found.accounts.compared.ended]
    groups = [found.groups.known[name].id for name in found.groups.compared.ended]
    if not accounts and not groups:
        return None
    named = protected(reading, accounts, groups)
    if not named:
        return None
    more = len(named) - MOST_NAMED
    rest = f"; and {more} more" if more > 0 else ""
    return f"What is protected would end: {'; '.join(named[:MOST_NAMED])}{rest}."


def _said(ends: int, of: int, what: str, percent: int) -> str:
    return f"{ends} of {of} {what} would end; more than {percent} % wait for a person."
