"""Keep what follows from nestings, where they changed: what contains what, and leads where.

Both tables are derived, and written in the transaction that changed what they follow from. A read
that finds nothing new neither reads nor writes them. What contains what is computed anew only for
the groups above a changed nesting; the rest of the closure is not looked at.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.directory import graph
from app.directory.graph import Edge
from app.directory.models import Closure, Group, Nesting, Reach
from app.kernel import bulk

AT_ONCE = 10_000
# What of a group, changed, may change where its members' memberships lead.
LEADING = frozenset({"is_administrative", "master_external_id", "ended_at"})
Depths = dict[Edge, int]


def follow_nestings(session: Session) -> None:
    """Bring the closure in line with the open nestings."""
    wanted = {edge for edge in nestings(session) if edge[0] != edge[1]}
    changed = wanted ^ _pairs(session, _closure().where(Closure.depth == 1)).keys()
    if not changed:
        return
    above = _above(session, {parent for parent, _ in changed})
    was: Depths = {}
    for some in bulk.chunks(sorted(above), AT_ONCE):
        was |= _pairs(session, _closure().where(Closure.ancestor_id.in_(some)))
    now = {(one, other): depth for one, other, depth in graph.closure(wanted, above)}
    _write(session, Closure, ("ancestor_id", "descendant_id", "depth"), was, now)


def follow_reach(session: Session) -> None:
    """Bring in line which groups lead to what administers, by nesting and by mirrors."""
    ends = session.scalars(
        sa.select(Group.id).where(Group.is_administrative, Group.ended_at.is_(None))
    ).all()
    now = graph.leading_to([*nestings(session), *mirrored(session)], ends) if ends else {}
    stored = sa.select(Reach.group_id, Reach.administrative_id, Reach.steps)
    was = _pairs(session, stored)
    _write(session, Reach, ("group_id", "administrative_id", "steps"), was, now)


def nestings(session: Session) -> list[Edge]:
    """Return each group with one that is directly in it now."""
    chosen = sa.select(Nesting.parent_id, Nesting.child_id).where(Nesting.valid_to.is_(None))
    parents, children = bulk.numbers(session, chosen, 2)
    return list(zip(parents.tolist(), children.tolist(), strict=True))


def mirrored(session: Session, masters: Collection[int] | None = None) -> list[Edge]:
    """Return each mirror with its master: whoever is in the master is in the mirror.

    Args:
        session: To read with.
        masters: Only what mirrors these groups; default all.
    """
    master = aliased(Group)
    chosen = (
        sa.select(Group.id, sa.func.min(master.id))
        .join(
            master,
            sa.and_(
                master.external_id == Group.master_external_id,
                master.source_id != Group.source_id,
                master.ended_at.is_(None),
            ),
        )
        .where(Group.master_external_id.is_not(None), Group.ended_at.is_(None))
        .group_by(Group.id)
    )
    if masters is not None:
        chosen = chosen.where(master.id.in_(tuple(masters)))
    return [(mirror, shown) for mirror, shown in session.execute(chosen)]


def _closure() -> Any:
    return sa.select(Closure.ancestor_id, Closure.descendant_id, Closure.depth)


def _pairs(session: Session, chosen: Any) -> Depths:
    ones, others, numbers = bulk.numbers(session, chosen, 3)
    pairs = zip(ones.tolist(), others.tolist(), strict=True)
    return dict(zip(pairs, numbers.tolist(), strict=True))


def _above(session: Session, groups: set[int]) -> set[int]:
    """Return some groups and what contained them so far: where a change below them shows.

    A way that is new uses a new nesting; what stands before the first of them on it was known.
    """
    found = set(groups)
    for some in bulk.chunks(sorted(groups), AT_ONCE):
        chosen = sa.select(Closure.ancestor_id).where(Closure.descendant_id.in_(some)).distinct()
        found.update(bulk.numbers(session, chosen, 1)[0].tolist())
    return found


def _write(
    session: Session,
    model: type[Closure] | type[Reach],
    names: tuple[str, str, str],
    was: Mapping[Edge, int],
    now: Mapping[Edge, int],
) -> None:
    """Write what differs: rows that are gone, and rows that are new or say another number."""
    table = cast("sa.Table", model.__table__)
    one, other, number = (table.c[name] for name in names)
    gone = [pair for pair, steps in was.items() if now.get(pair) != steps]
    new = [(*pair, steps) for pair, steps in now.items() if was.get(pair) != steps]
    staying = {pair[0] for pair in now}
    emptied = sorted({pair[0] for pair in gone} - staying)
    for some in bulk.chunks(emptied, AT_ONCE):
        session.execute(table.delete().where(one.in_(some)))
    single = [{"a": pair[0], "b": pair[1]} for pair in gone if pair[0] in staying]
    if single:
        session.execute(
            table.delete().where(one == sa.bindparam("a"), other == sa.bindparam("b")), single
        )
    if new:
        columns: Iterable[tuple[int, ...]] = zip(*new, strict=True)
        named = zip((one.name, other.name, number.name), columns, strict=True)
        bulk.insert(session, table, dict(named))
