"""Nested groups to effective holdings, each with its path. Pure; rings are no special case.

A group within itself (a ring in the source) holds what the ring holds, and the closure names no
group as its own descendant. Among several ways the shortest is shown, and among those of one
length the one through the smallest keys, so that the same directory always shows the same path.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Edge = tuple[int, int]
NONE: frozenset[int] = frozenset()


def closure(edges: Iterable[Edge], of: Collection[int] | None = None) -> list[tuple[int, int, int]]:
    """Return (ancestor, descendant, depth) of every pair tied by any number of steps.

    Args:
        edges: Pairs of (parent, child).
        of: Only these ancestors; default all.
    """
    children: dict[int, set[int]] = defaultdict(set)
    for parent, child in edges:
        children[parent].add(child)
    within = children.get
    found: list[tuple[int, int, int]] = []
    for ancestor in sorted(children if of is None else children.keys() & set(of)):
        seen = {ancestor}
        reached: set[int] | frozenset[int] = children[ancestor] - seen
        depth = 1
        while (
            reached
        ):  # in widening circles, so that whoever is reached first is at its least depth
            found += zip(repeat(ancestor), reached, repeat(depth), strict=False)
            seen |= reached
            reached = NONE.union(*[more for each in reached if (more := within(each))]) - seen
            depth += 1
    return found


def effective_members(
    pairs: Iterable[tuple[int, int]], groups: Numbers, accounts: Numbers
) -> Iterator[tuple[int, Numbers]]:
    """Return of every group with a member, direct or through nesting, who they are.

    Args:
        pairs: (ancestor, descendant) of a closure.
        groups: The group of each direct membership, in rising order.
        accounts: The account of each, beside it; keys, so that an array can be as long as they go.

    Yields:
        Group and the accounts in it, each once; groups in rising order.
    """
    if not len(groups):
        return
    holders, starts = np.unique(groups, return_index=True)
    own = dict(zip(holders.tolist(), np.split(accounts, starts[1:]), strict=True))
    within: dict[int, list[Numbers]] = defaultdict(list)
    for group, members in own.items():
        within[group].append(members)
    for ancestor, descendant in pairs:
        if descendant in own:
            within[ancestor].append(own[descendant])
    last = np.empty(int(accounts.max()) + 1, dtype=np.int64)
    for group in sorted(within):
        parts = within[group]
        if len(parts) == 1:
            yield group, parts[0]
            continue
        found = np.concatenate(parts)
        places = np.arange(len(found))
        last[found] = places  # whoever is there twice keeps the last place only
        yield group, found[last[found] == places]


def leading_to(edges: Iterable[Edge], ends: Iterable[int]) -> dict[Edge, int]:
    """Return which groups lead to some groups, in how few memberships.

    Args:
        edges: Pairs of (parent, child).
        ends: The groups that are asked about.

    Returns:
        (group, end) to how many memberships lead a member of the group to the end; 1 for the end
        itself.
    """
    children = _sorted(edges)
    found: dict[Edge, int] = {}
    for end in ends:
        reached, steps = {end}, 1
        while reached:
            found.update({(each, end): steps for each in reached})
            steps += 1
            below = {more for each in reached for more in children.get(each, ())}
            reached = {each for each in below if (each, end) not in found}
    return found


def ways_up(edges: Iterable[Edge], direct: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Return every group reached from some groups upward, with its path.

    Args:
        edges: Pairs of (parent, child).
        direct: The groups one is directly in.

    Returns:
        Group to path: first the group one is directly in, last the group itself.
    """
    parents = _sorted((child, parent) for parent, child in edges)
    return _ways(parents, {each: (each,) for each in sorted(direct)})


def ways_down(edges: Iterable[Edge], group: int) -> dict[int, tuple[int, ...]]:
    """Return every group within a group, with the path by which its members are in.

    Args:
        edges: Pairs of (parent, child).
        group: Where to begin.

    Returns:
        Group to path: first the group whose direct members they are, last `group`.
    """
    return ways_to(edges, [group])


def ways_to(edges: Iterable[Edge], ends: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Return every group that leads to one of some groups, with its way to the nearest of them.

    Args:
        edges: Pairs of (parent, child).
        ends: Where the ways end.

    Returns:
        Group to path: first the group, last one of the ends. An end is its own way.
    """
    down = _ways(_sorted(edges), {each: (each,) for each in sorted(ends)})
    return {each: tuple(reversed(path)) for each, path in down.items()}


def _sorted(edges: Iterable[Edge]) -> Mapping[int, Sequence[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for one, other in edges:
        found[one].add(other)
    return {one: sorted(others) for one, others in found.items()}


def _ways(
    steps: Mapping[int, Sequence[int]], start: dict[int, tuple[int, ...]]
) -> dict[int, tuple[int, ...]]:
    """Walk in widening circles; whoever is reached first is reached by a shortest path."""
    found = dict(start)
    edge = list(start)
    while edge:
        reached = []
        for here in edge:
            for there in steps.get(here, ()):
                if there not in found:
                    found[there] = (*found[here], there)
                    reached.append(there)
        edge = reached
    return found
