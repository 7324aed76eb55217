"""What is stored of accounts and groups, as far as a comparison needs it.

Of all live accounts the digest and the key, and no object each: a hundred thousand of them are
compared at once. Of the few that differ, the rest.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.directory import reconcile
from app.directory.models import Account, Group
from app.directory.reconcile import Compared, Known
from app.kernel import bulk
from app.kernel.bulk import Numbers

FEW = 500  # up to so many are named in a statement; for more, the whole source is read
NAMED_AT_MOST = 4 * FEW
ABSENT: Any = object()  # equal to no digest


@dataclass(frozen=True, slots=True)
class Live:
    """The accounts of a source that have not ended, held against those that a read shows.

    Attributes:
        names: External ids.
        keys: Of each.
        other: Digests of those that the read does not show, or otherwise; None of one that was read
            back after the read began.
    """

    names: list[str] = field(default_factory=list)
    keys: Numbers = field(default_factory=lambda: np.empty(0, np.int64))
    other: dict[str, bytes | None] = field(default_factory=dict)

    def newer(self) -> list[str]:
        """Return those that were read back after the read began."""
        return [name for name, each in self.other.items() if each is None]

    def by_name(self) -> dict[str, int]:
        """Return the keys by external id."""
        return dict(zip(self.names, self.keys.tolist(), strict=True))


def live_accounts(
    session: Session, source_id: int, begun_at: datetime, shown: Mapping[str, bytes]
) -> Live:
    """Return the accounts of a source that have not ended, held against those that a read shows.

    They are compared while they are fetched, and of one that is shown as it is stored nothing is
    held that the read does not hold already.
    """
    chosen = sa.select(
        Account.external_id,
        Account.id,
        sa.case((Account.observed_at > begun_at, None), else_=Account.digest),
    ).where(Account.source_id == source_id, Account.ended_at.is_(None))
    own = {name: name for name in shown}
    found = shown.get
    names: list[str] = []
    other: dict[str, bytes | None] = {}
    keys = [np.empty(0, np.int64)]
    for rows in bulk.pieces(session, chosen):
        some, numbers, sums = zip(*rows, strict=True)
        if [found(name, ABSENT) for name in some] == list(sums):
            names += map(own.__getitem__, some)
        else:
            names += [own.get(name, name) for name in some]
            other |= {
                name: each
                for name, each in zip(some, sums, strict=True)
                if found(name, ABSENT) != each
            }
        keys.append(np.array(numbers, np.int64))
    return Live(names, np.concatenate(keys), other)


def compare(
    session: Session,
    source_id: int,
    begun_at: datetime,
    live: Live,
    shown: Mapping[str, bytes],
) -> tuple[dict[str, Known], Compared]:
    """Say what became of the accounts that a whole read shows.

    Args:
        session: To look with.
        source_id: Whose they are.
        begun_at: When the read began.
        live: Those that have not ended, held against those shown.
        shown: External id to digest of those that were read.

    Returns:
        What is stored of those that may differ, and which do.
    """
    if not live.other and len(live.names) == len(shown):
        return {}, Compared((), (), ())
    if not live.names and not _has_ended(session, source_id):
        return {}, Compared(tuple(shown), (), ())
    same = {*live.names} - live.other.keys()
    other = {name: digest for name, digest in shown.items() if name not in same}
    missing = live.other.keys() - shown.keys()
    known = accounts(session, source_id, begun_at, [*other, *missing])
    gone = {name: each for name, each in known.items() if name in missing}
    found = reconcile.compare(known, other)
    ended = tuple(name for name in live.names if name in gone) if gone else ()
    return known, Compared(found.appeared, found.changed, ended)


def _has_ended(session: Session, source_id: int) -> bool:
    """Whether any account of a source is stored that has ended."""
    ended = sa.exists().where(Account.source_id == source_id, Account.ended_at.is_not(None))
    return bool(session.scalar(sa.select(ended)))


def accounts(
    session: Session, source_id: int, begun_at: datetime, names: Collection[str] | None
) -> dict[str, Known]:
    """Return what is stored of accounts, ended ones included; None asks for all."""
    rows = named(
        session,
        Account.external_id,
        names,
        sa.select(
            Account.external_id,
            Account.id,
            Account.public_id,
            Account.digest,
            Account.ended_at.is_not(None),
            sa.func.coalesce(Account.observed_at > begun_at, sa.false()),
        ).where(Account.source_id == source_id),
    )
    return {
        name: Known(key, public_id, digest, is_ended=bool(ended), is_newer=bool(newer))
        for name, key, public_id, digest, ended, newer in rows
    }


def groups(session: Session, source_id: int, names: Collection[str] | None) -> dict[str, Known]:
    """Return what is stored of groups, ended ones included; None asks for all."""
    rows = named(
        session,
        Group.external_id,
        names,
        sa.select(
            Group.external_id,
            Group.id,
            Group.public_id,
            Group.digest,
            Group.ended_at.is_not(None),
            Group.member_digest,
            Group.listed_digest,
            Group.unknown_members,
            Group.unread_since.is_not(None),
        ).where(Group.source_id == source_id),
    )
    return {
        name: Known(
            key,
            public_id,
            digest,
            is_ended=bool(ended),
            member_digest=members,
            listed_digest=listed,
            unknown=_document(unknown),
            is_unread=bool(unread),
        )
        for name, key, public_id, digest, ended, members, listed, unknown, unread in rows
    }


def _document(value: Any) -> Sequence[str]:
    """Return a list as the drivers give it: one as text, one as the list."""
    found = orjson.loads(value) if isinstance(value, str | bytes) else value
    return found or ()


def named(
    session: Session,
    column: Any,
    names: Collection[str] | None,
    chosen: bulk.Wanted,
) -> Iterable[tuple[Any, ...]]:
    """Read records by name if they are few; if they are many, the whole source is read."""
    if names is None:
        return bulk.fetch(session, chosen)
    if not names:
        return []
    if len(names) > NAMED_AT_MOST:
        wanted = frozenset(names)
        return [row for row in bulk.fetch(session, chosen) if row[0] in wanted]
    return [
        row
        for some in bulk.chunks(sorted(names), FEW)
        for row in bulk.fetch(session, chosen.where(column.in_(some)))
    ]
