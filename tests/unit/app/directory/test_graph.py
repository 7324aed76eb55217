"""Nested groups: rings, shortest paths, and the same answer as the plainest way to find it."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.directory.graph import (
    Edge,
    closure,
    effective_members,
    leading_to,
    ways_down,
    ways_up,
)

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30)


def reachable(edges: list[Edge], start: int) -> set[int]:
    """The plainest way: add what is one step away until nothing is added."""
    found = {start}
    while True:
        more = {child for parent, child in edges if parent in found} - found
        if not more:
            return found
        found |= more


@given(EDGES)
def test_the_closure_holds_what_can_be_reached_and_nothing_else(edges: list[Edge]) -> None:
    found = {(ancestor, descendant) for ancestor, descendant, _ in closure(edges)}
    parents = {parent for parent, _ in edges}
    assert found == {
        (parent, child) for parent in parents for child in reachable(edges, parent) - {parent}
    }


@given(EDGES)
def test_every_pair_of_the_closure_is_listed_once_with_its_least_depth(edges: list[Edge]) -> None:
    found = closure(edges)
    assert len({pair[:2] for pair in found}) == len(found)
    depth = {(ancestor, descendant): steps for ancestor, descendant, steps in found}
    for ancestor, descendant, steps in found:
        before = [
            0 if parent == ancestor else depth[ancestor, parent]
            for parent, child in edges
            if child == descendant and (parent == ancestor or (ancestor, parent) in depth)
        ]
        assert steps == 1 + min(before)


@given(EDGES, st.sets(st.integers(0, 9), max_size=3))
def test_a_path_leads_step_by_step_from_a_direct_group_to_the_group_held(
    edges: list[Edge], direct: set[int]
) -> None:
    known = set(edges)
    for held, path in ways_up(edges, direct).items():
        assert path[0] in direct
        assert path[-1] == held
        assert len(set(path)) == len(path)
        assert all((parent, child) in known for child, parent in itertools.pairwise(path))


@given(EDGES, st.integers(0, 9))
def test_both_sides_tell_of_the_same_ways(edges: list[Edge], group: int) -> None:
    down = ways_down(edges, group)
    assert set(down) == reachable(edges, group)
    for below, path in down.items():
        assert path[0] == below
        assert path[-1] == group
        assert len(ways_up(edges, [below])[group]) == len(path)


def test_of_two_ways_the_shorter_is_shown() -> None:
    edges = [(3, 1), (2, 1), (3, 2)]
    assert ways_up(edges, [1])[3] == (1, 3)


def test_of_two_ways_of_one_length_it_is_always_the_same_one() -> None:
    edges = [(9, 2), (9, 3), (3, 1), (2, 1)]
    assert ways_up(edges, [1])[9] == ways_up(list(reversed(edges)), [1])[9] == (1, 2, 9)


def test_a_group_directly_held_is_shown_as_direct_even_if_nesting_leads_there_too() -> None:
    assert ways_up([(2, 1)], [1, 2])[2] == (2,)


@given(EDGES, st.sets(st.integers(0, 9)))
def test_the_closure_of_some_is_that_part_of_the_whole(edges: list[Edge], some: set[int]) -> None:
    assert closure(edges, some) == [each for each in closure(edges) if each[0] in some]


@given(EDGES, st.sets(st.integers(0, 9), max_size=3))
def test_what_leads_to_a_group_leads_there_by_its_shortest_path(
    edges: list[Edge], ends: set[int]
) -> None:
    assert leading_to(edges, ends) == {
        (group, end): len(path) for end in ends for group, path in ways_down(edges, end).items()
    }


@given(EDGES, st.sets(st.tuples(st.integers(0, 9), st.integers(100, 105))))
def test_effective_members_are_those_of_every_group_within(
    edges: list[Edge], direct: set[Edge]
) -> None:
    rows = np.array(sorted(direct), dtype=np.int64).reshape(-1, 2)
    pairs = [pair[:2] for pair in closure(edges)]
    found = {
        group: sorted(accounts.tolist())
        for group, accounts in effective_members(pairs, rows[:, 0], rows[:, 1])
    }
    expected = {
        group: sorted({who for held, who in direct if held in reachable(edges, group)})
        for group in range(10)
    }
    assert found == {group: members for group, members in expected.items() if members}
