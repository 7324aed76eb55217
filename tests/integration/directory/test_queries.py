"""Who has what by which path, now and at a moment, in a constant number of statements."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.directory import queries
from app.directory.models import Group, Identity
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import NotFoundError, NotPermittedError
from app.web.paging import Window
from connectors.memory.state import State
from integration.directory.conftest import Directory
from integration.directory.states import account, crowd, group, nested, people, small

DANA = Actor(kind=ActorKind.PERSON, public_id="dana", roles=frozenset({Role.AUDITOR}))
MALLORY = Actor(kind=ActorKind.PERSON, public_id="mallory", identity_id=10**6)


def identity(directory: Directory, name: str) -> str:
    wanted = sa.select(Identity.public_id).where(Identity.display_name == name)
    return str(directory.rows(wanted)[0][0])


def group_id(directory: Directory, key: str) -> str:
    return str(directory.rows(sa.select(Group.public_id).where(Group.external_id == key))[0][0])


def access(directory: Directory, name: str, **more: object) -> dict[str, list[str]]:
    """Group to the names on the path."""
    with directory.tx.read(DANA) as reading:
        found = queries.show_access(reading, identity(directory, name), **more)  # type: ignore[arg-type]
    return {each.group.name: [place.name for place in each.path] for each in found}


def ladder() -> State:
    """alice in `a`, `a` in `b`, `b` in `c`, and `c` back in `a`."""
    return State().add(
        [account("alice"), account("bob")],
        [group("a"), group("b"), group("c"), group("d")],
        {
            "a": [*people("alice"), *nested("c")],
            "b": nested("a"),
            "c": [*nested("b"), *people("bob")],
        },
    )


def test_access_through_nesting_is_shown_with_its_path(directory: Directory) -> None:
    directory.show(ladder())
    directory.add()
    directory.sync()
    assert access(directory, "Alice") == {
        "Group a": ["Group a"],
        "Group b": ["Group a", "Group b"],
        "Group c": ["Group a", "Group b", "Group c"],
    }
    assert access(directory, "Bob")["Group b"] == ["Group c", "Group a", "Group b"]


def test_the_group_side_tells_the_same_as_the_identity_side(directory: Directory) -> None:
    directory.show(ladder())
    directory.add()
    directory.sync()
    with directory.tx.read(DANA) as reading:
        direct = queries.show_members(reading, group_id(directory, "b"), Window())
        found = queries.show_members(
            reading, group_id(directory, "b"), Window(), is_effective=True
        ).items
    assert list(direct.items) == []
    shown = {each.login: [place.name for place in each.path] for each in found}
    assert shown == {
        "alice": ["Group a", "Group b"],
        "bob": ["Group c", "Group a", "Group b"],
    }


def test_members_come_in_pages_that_join_without_gap_or_repeat(directory: Directory) -> None:
    directory.show(crowd(25))
    directory.add()
    directory.sync()
    logins: list[str] = []
    window = Window(limit=10)
    with directory.tx.read(DANA) as reading:
        while True:
            found = queries.show_members(reading, group_id(directory, "all"), window)
            logins += [each.login for each in found.items]
            if found.next_cursor is None:
                break
            window = Window(limit=10, cursor=found.next_cursor)
    assert logins == [f"p{number:04}" for number in range(25)]


def test_what_was_can_be_asked_for_at_any_moment(directory: Directory) -> None:
    state = ladder()
    directory.show(state)
    directory.add()
    directory.sync()
    first = directory.clock.now()
    del state.members["a"]["alice"]
    del state.members["b"]["a"]
    state.add(members={"d": people("alice")})
    directory.show(state)
    directory.clock.advance(timedelta(hours=1))
    directory.sync()
    assert set(access(directory, "Alice")) == {"Group d"}
    assert set(access(directory, "Alice", as_of=first)) == {"Group a", "Group b", "Group c"}
    just_before = directory.clock.now() - timedelta(microseconds=1)
    assert "Group d" not in access(directory, "Alice", as_of=just_before)
    with directory.tx.read(DANA) as reading:
        then = queries.show_members(reading, group_id(directory, "a"), Window(), as_of=first)
        now = queries.show_members(reading, group_id(directory, "a"), Window())
    assert [each.login for each in then.items] == ["alice"]
    assert list(now.items) == []


def test_before_the_first_read_there_was_nobody(directory: Directory) -> None:
    before = directory.clock.now()
    directory.show(small())
    directory.add()
    directory.sync()
    with directory.tx.read(DANA) as reading:
        assert queries.list_identities(reading, Window(), as_of=before).items == []
        assert queries.list_groups(reading, Window(), as_of=before).items == []
        with pytest.raises(NotFoundError, match="then"):
            queries.show_identity(reading, identity(directory, "Alice"), as_of=before)


def test_an_answer_takes_as_many_statements_for_many_rows_as_for_few(directory: Directory) -> None:
    counts = []
    for source, size in (("few", 3), ("many", 300)):
        state = crowd(size)
        names = [f"g{number}" for number in range(size)]
        state.add(
            groups=[group(each) for each in names],
            members={each: [*people("p0000"), *nested("all")] for each in names},
        )
        directory.show(state, source)
        directory.add(source)
        directory.sync(source)
        directory.statements.clear()
        with directory.tx.read(DANA) as reading:
            queries.show_access(reading, identity(directory, "P0000"))
            queries.show_members(
                reading, group_id(directory, "g0"), Window(limit=500), is_effective=True
            )
            queries.list_identities(reading, Window(limit=500))
        counts.append(len(directory.statements))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("who", ["E-bob", "BOB@corp.example", "bob"])
def test_a_person_is_found_by_number_mail_or_login(directory: Directory, who: str) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    with directory.tx.read() as reading:
        found = queries.find_identity(reading, who)
        assert found.name == "Bob"
        assert queries.find_identity(reading, found.id) == found


def test_a_name_that_means_two_is_refused_with_the_ids_to_choose_from(directory: Directory) -> None:
    directory.show(
        State().add(
            [account("x", mail="team@corp.example"), account("y", mail="team@corp.example")]
        )
    )
    directory.add()
    directory.sync()
    with directory.tx.read() as reading:
        with pytest.raises(NotFoundError, match="say which id"):
            queries.find_identity(reading, "team@corp.example")
        with pytest.raises(NotFoundError, match="Nobody"):
            queries.find_identity(reading, "nobody")


def test_people_see_themselves_and_strangers_are_not_there_for_them(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    key = directory.rows(sa.select(Identity.id).where(Identity.display_name == "Alice"))[0][0]
    alice = Actor(kind=ActorKind.PERSON, public_id="alice", identity_id=key)
    mine, bobs = identity(directory, "Alice"), identity(directory, "Bob")
    with directory.tx.read(alice) as reading:
        assert queries.show_identity(reading, mine).row.manager_name == "Bob"
        assert queries.show_access(reading, mine)
        with pytest.raises(NotFoundError):
            queries.show_access(reading, bobs)
    with directory.tx.read(MALLORY) as reading:
        with pytest.raises(NotFoundError):
            queries.show_identity(reading, mine)
        for refused in (queries.list_identities, queries.list_groups, queries.list_sources):
            with pytest.raises(NotPermittedError):
                refused(reading, Window())


def test_a_mirrored_group_is_shown_with_its_master(directory: Directory) -> None:
    directory.show(small())
    directory.show(
        State().add([account("c")], [group("m", master_id="staff", is_writable=False)]), "cloud"
    )
    for source in ("corp", "cloud"):
        directory.add(source)
        directory.sync(source)
    with directory.tx.read(DANA) as reading:
        found = queries.show_group(reading, group_id(directory, "m"))
    assert (found.is_mirror, found.master_name) == (True, "Group staff")


def test_a_source_is_listed_with_its_last_run_and_without_secrets(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    run = directory.sync()
    with directory.tx.read(DANA) as reading:
        (found,) = queries.list_sources(reading, Window()).items
        assert queries.show_run(reading, run.public_id).counts["accounts"] == 3
        (line,) = queries.source_lines(reading)
    assert (found.last_run, found.has_baseline) == (run.public_id, True)
    assert line.simulated_by == "corp.json"
