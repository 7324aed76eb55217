"""Nested groups to effective holdings, each with its path. Pure; rings are no special case.

A group within itself (a ring in the source) holds what the ring holds, and the closure names no
group as its own descendant. Among several ways the shortest is shown, and among those of one
length the one through the smallest keys, so that the same directory always shows the same path.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

Edge = tuple[int, int]
NONE: frozenset[int] = frozenset()


def closure(edges: Iterable[Edge]) -> list[tuple[int, int, int]]:
    """Return (ancestor, descendant, depth) of every pair tied by any number of steps.

    Args:
        edges: Pairs of (parent, child).
    """
    children: dict[int, set[int]] = defaultdict(set)
    for parent, child in edges:
        children[parent].add(child)
    within = children.get
    found: list[tuple[int, int, int]] = []
    for ancestor in sorted(children):
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
    down = _ways(_sorted(edges), {group: (group,)})
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
