"""What follows from nestings is kept as the store would compute it, and only where it changed."""

import random

import sqlalchemy as sa

from app.directory import queries, service
from app.directory.domain import SyncState
from app.directory.models import Closure, Group, Reach
from connectors.memory.state import State
from integration.directory.conftest import Directory
from integration.directory.states import account, group, nested, people

# The independent oracle: every pair anew, from the open nestings alone, by the store.
CLOSURE = sa.text("""
WITH RECURSIVE within(ancestor, descendant, depth) AS (
    SELECT parent_id, child_id, 1 FROM directory_nesting
    WHERE valid_to IS NULL AND parent_id <> child_id
    UNION
    SELECT w.ancestor, n.child_id, w.depth + 1
    FROM within w JOIN directory_nesting n ON n.parent_id = w.descendant AND n.valid_to IS NULL
    WHERE w.depth < 9 AND n.child_id <> w.ancestor
)
SELECT ancestor, descendant, min(depth) FROM within GROUP BY ancestor, descendant
""")
REACH = sa.text("""
WITH RECURSIVE edges(parent, child) AS (
    SELECT parent_id, child_id FROM directory_nesting WHERE valid_to IS NULL
    UNION
    SELECT g.id, min(m.id) FROM directory_group g JOIN directory_group m
    ON m.external_id = g.master_external_id AND m.source_id <> g.source_id
    WHERE g.ended_at IS NULL AND m.ended_at IS NULL GROUP BY g.id
), leads(below, top, steps) AS (
    SELECT id, id, 1 FROM directory_group WHERE is_administrative AND ended_at IS NULL
    UNION
    SELECT e.child, l.top, l.steps + 1 FROM leads l JOIN edges e ON e.parent = l.below
    WHERE l.steps < 12
)
SELECT below, top, min(steps) FROM leads GROUP BY below, top
""")


def is_in_line(directory: Directory) -> bool:
    closed = sa.select(Closure.ancestor_id, Closure.descendant_id, Closure.depth)
    led = sa.select(Reach.group_id, Reach.administrative_id, Reach.steps)
    return sorted(directory.rows(closed)) == sorted(directory.rows(CLOSURE)) and sorted(
        directory.rows(led)
    ) == sorted(directory.rows(REACH))


def stored(directory: Directory, source: str) -> None:
    run = directory.sync(source)
    if run.state is SyncState.PARKED:
        with directory.tx.write() as uow:
            service.accept_run(uow, run_id=run.public_id)


def test_whatever_changes_what_is_stored_is_what_the_store_computes_anew(
    directory: Directory,
) -> None:
    drawn = random.Random(11)
    names = [f"g{place}" for place in range(8)]
    directory.add()
    directory.add("cloud")
    for _ in range(6):
        there = [each for each in names if drawn.random() < 0.9]
        state = State().add(
            [account("alice")],
            [group(each, is_administrative=drawn.random() < 0.2) for each in there],
            {each: nested(*(other for other in there if drawn.random() < 0.15)) for each in there},
        )
        directory.show(state)
        stored(directory, "corp")
        mirrors = [
            group(f"m{each}", master_id=each, is_administrative=drawn.random() < 0.3)
            for each in names
            if drawn.random() < 0.5
        ]
        directory.show(State().add([account("alice")], mirrors), "cloud")
        stored(directory, "cloud")
        assert is_in_line(directory)


def ladder(*more: str) -> State:
    """alice in `a`, `a` in `b`, `b` in `c`, which administers; `x` and `y` stand apart."""
    return State().add(
        [account("alice"), account("bob")],
        [
            *(group(each) for each in ("a", "b", "x", "y")),
            group("c", is_administrative=True),
        ],
        {
            "a": people("alice"),
            "b": nested("a"),
            "c": [*nested("b"), *people("bob")],
            "x": [*nested("y"), *nested(*more)],
        },
    )


# Who is in a group by nesting, by the store alone.
EFFECTIVE = sa.text("""
WITH RECURSIVE within(top, below) AS (
    SELECT id, id FROM directory_group
    UNION
    SELECT w.top, n.child_id FROM within w
    JOIN directory_nesting n ON n.parent_id = w.below AND n.valid_to IS NULL
)
SELECT w.top, count(DISTINCT m.account_id) FROM within w
JOIN directory_membership m ON m.group_id = w.below AND m.valid_to IS NULL
GROUP BY w.top
""")


def test_the_effective_members_of_all_groups_are_those_the_store_counts(
    directory: Directory,
) -> None:
    drawn = random.Random(5)
    names = [f"g{place}" for place in range(9)]
    logins = [f"p{place}" for place in range(7)]
    directory.show(
        State().add(
            [account(each) for each in logins],
            [group(each) for each in names],
            {
                each: [
                    *people(*(one for one in logins if drawn.random() < 0.2)),
                    *nested(*(other for other in names if drawn.random() < 0.15)),
                ]
                for each in names
            },
        )
    )
    directory.add()
    directory.sync()
    with directory.tx.read() as reading:
        found = queries.effective_counts(reading)
    assert found == dict(directory.rows(EFFECTIVE))


def test_a_read_without_a_changed_nesting_neither_reads_nor_writes_what_follows(
    directory: Directory,
) -> None:
    directory.show(ladder())
    directory.add()
    directory.sync()
    state = ladder()
    state.add(members={"y": people("bob")})
    for shown in (None, state):  # nothing new; then somebody joins
        if shown is not None:
            directory.show(shown)
        directory.statements.clear()
        directory.sync()
        assert [
            each for each in directory.statements if "_closure" in each or "_reach" in each
        ] == []


def test_a_changed_nesting_writes_only_the_pairs_above_it(directory: Directory) -> None:
    directory.show(ladder())
    directory.add()
    directory.sync()
    before = set(directory.rows(sa.select(Closure.ancestor_id, Closure.descendant_id)))
    directory.show(ladder("a"))
    directory.statements.clear()
    directory.sync()
    written = [each for each in directory.statements if "directory_closure" in each]
    assert not any(each.startswith(("DELETE", "UPDATE")) for each in written)
    after = set(directory.rows(sa.select(Closure.ancestor_id, Closure.descendant_id)))
    keys = dict(directory.rows(sa.select(Group.external_id, Group.id)))
    assert after - before == {(keys["x"], keys["a"])}
    assert before - after == set()
    assert is_in_line(directory)


def test_a_group_that_begins_or_ceases_to_administer_is_led_to_from_then_on(
    directory: Directory,
) -> None:
    directory.show(ladder())
    directory.add()
    directory.sync()
    keys = dict(directory.rows(sa.select(Group.external_id, Group.id)))
    led = sa.select(Reach.group_id, Reach.administrative_id, Reach.steps)
    assert set(directory.rows(led)) == {
        (keys["c"], keys["c"], 1),
        (keys["b"], keys["c"], 2),
        (keys["a"], keys["c"], 3),
    }
    state = ladder()
    state.groups["c"] = group("c")
    state.groups["x"] = group("x", is_administrative=True)
    directory.show(state)
    directory.sync()
    assert set(directory.rows(led)) == {(keys["x"], keys["x"], 1), (keys["y"], keys["x"], 2)}
    assert is_in_line(directory)
