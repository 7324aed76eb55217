"""What there was at a moment, as is known by now or as was known then; nothing is overwritten."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.directory import queries, service
from app.directory.domain import SyncState
from app.directory.models import Account, Group, Identity, PastValue
from app.kernel.errors import NotFoundError
from app.web.paging import Window
from connectors.memory.state import State
from integration.directory.conftest import Directory
from integration.directory.states import account, crowd, group, people, small
from integration.directory.test_sync import writes

ALL = Window(limit=100)


@pytest.fixture
def begun(directory: Directory) -> Directory:
    directory.show(small())
    directory.add()
    directory.sync()
    return directory


def ids(directory: Directory, model: Any, name: str) -> str:
    column = model.display_name if model is Identity else model.name
    found: str = directory.rows(sa.select(model.public_id).where(column == name))[0][0]
    return found


def edit(directory: Directory, who: str, **values: Any) -> None:
    state = directory.state()
    state.accounts[who] = replace(state.accounts[who], **values)
    directory.show(state)


def test_a_first_load_and_a_quiet_read_keep_no_past(directory: Directory) -> None:
    directory.show(crowd(50))
    directory.add()
    directory.sync()
    directory.statements.clear()
    directory.sync(full=True)
    assert directory.rows(sa.select(sa.func.count()).select_from(PastValue)) == [(0,)]
    assert not any("past_value" in each for each in writes(directory.statements))


def test_what_people_go_by_is_shown_as_it_was(begun: Directory) -> None:
    alice = ids(begun, Identity, "Alice")
    then = begun.clock.now()
    edit(
        begun,
        "alice",
        title="Chief",
        display_name="Alice Moon",
        manager_id="eve",
        mail="m@x.example",
    )
    begun.sync()
    edit(begun, "alice", title="Boss", is_enabled=False, status="disabled")
    begun.sync()
    with begun.tx.read() as reading:
        now = queries.show_identity(reading, alice)
        was = queries.show_identity(reading, alice, as_of=then)
        listed = queries.list_identities(reading, ALL, as_of=then).items
        kept = queries.identity_past(reading, alice)
    assert (now.row.name, now.row.title, now.row.manager_name) == ("Alice Moon", "Boss", "Eve")
    assert (was.row.name, was.row.title, was.row.manager_name) == ("Alice", None, "Bob")
    assert (was.accounts[0].name, was.accounts[0].is_enabled) == ("Alice", True)
    assert (now.accounts[0].status, was.accounts[0].status) == ("disabled", "enabled")
    assert "Alice" in {each.name for each in listed}
    titles = [(each.what, each.was) for each in kept if each.field == "title"]
    assert sorted(titles, key=str) == [
        ("account", "Chief"),
        ("account", None),
        ("identity", "Chief"),
        ("identity", None),
    ]
    assert all(each.run for each in kept if each.what == "account")


def test_a_group_is_shown_with_the_name_owner_and_members_it_had(begun: Directory) -> None:
    staff = ids(begun, Group, "Group staff")
    then = begun.clock.now()
    state = begun.state()
    state.groups["staff"] = replace(state.groups["staff"], name="Everybody", owner_id="bob")
    del state.members["staff"]["alice"]
    begun.show(state)
    edit(begun, "bob", display_name="Robert")
    begun.sync()
    with begun.tx.read() as reading:
        was = queries.show_group(reading, staff, as_of=then)
        members = queries.show_members(reading, staff, ALL, as_of=then).items
        around = queries.surroundings(reading, was, as_of=then)
        around_now = queries.surroundings(reading, was)
        changed = queries.group_difference(reading, staff, then, reading.now)
    assert was.name == "Group staff"
    assert {each.name for each in members} == {"Alice", "Bob"}
    assert (around.owner_login, around_now.owner_login) == (None, "bob")
    assert [each.login for each in changed.left] == ["alice"]
    assert [(each.field, each.before, each.after) for each in changed.values] == [
        ("name", "Group staff", "Everybody")
    ]


def test_what_was_gone_for_a_while_was_not_there_meanwhile(begun: Directory) -> None:
    alice = ids(begun, Identity, "Alice")
    state = begun.state()
    gone = replace(state.accounts["alice"])
    del state.accounts["alice"]
    begun.show(state)
    begun.sync()
    between = begun.clock.now()
    begun.show(begun.state().add([gone]))
    begun.sync()
    with begun.tx.read() as reading:
        assert queries.show_identity(reading, alice).accounts
        with pytest.raises(NotFoundError, match="then"):
            queries.show_identity(reading, alice, as_of=between)
        names = {each.name for each in queries.list_identities(reading, ALL, as_of=between).items}
    assert names == {"Bob", "Eve"}


def test_two_moments_of_somebody_are_compared(begun: Directory) -> None:
    alice = ids(begun, Identity, "Alice")
    first = begun.clock.now()
    begun.show(begun.state().add(members={"admins": people("alice")}))
    begun.sync()
    second = begun.clock.now()
    state = begun.state()
    del state.members["staff"]["alice"]
    begun.show(state)
    edit(begun, "alice", title="Chief")
    begun.sync()
    with begun.tx.read() as reading:
        early = queries.identity_difference(reading, alice, first, second)
        whole = queries.identity_difference(reading, alice, first, reading.now)
    assert [each.group.name for each in early.gained] == ["Group admins"]
    assert (early.lost, early.values) == ([], [])
    assert [each.group.name for each in whole.gained] == ["Group admins"]
    assert [(each.field, each.before, each.after) for each in whole.values] == [
        ("title", None, "Chief")
    ]


def test_what_was_true_then_and_what_was_known_then_are_told_apart(directory: Directory) -> None:
    """A read shows a mass end at nine; a person accepts it at noon: it was true at ten, unknown."""
    directory.show(crowd(200))
    directory.add()
    directory.sync()
    directory.show(crowd(60))
    run = directory.sync()
    assert run.state is SyncState.PARKED
    assert run.ended_at is not None
    directory.clock.advance(timedelta(hours=3))
    with directory.tx.write() as uow:
        service.accept_run(uow, run_id=run.public_id)
    accepted = directory.clock.now()
    at_ten: datetime = accepted - timedelta(hours=2)
    everybody = ids(directory, Group, "Group all")

    def members(as_of: datetime, known_at: datetime | None = None) -> int:
        part = Window(limit=200)
        with directory.tx.read() as reading:
            found = queries.show_members(reading, everybody, part, as_of=as_of, known_at=known_at)
        return len(found.items)

    assert members(as_of=at_ten) == 60
    assert members(as_of=at_ten, known_at=at_ten) == 200
    assert members(as_of=at_ten, known_at=accepted) == 60
    assert members(as_of=run.begun_at - timedelta(seconds=1)) == 200


def test_an_account_that_went_to_another_person_was_the_firsts_then(directory: Directory) -> None:
    state = State().add(
        [account("one", employee_number="E-1"), account("two", employee_number="E-2")],
        [group("g")],
        {"g": people("one")},
    )
    directory.show(state)
    directory.add()
    directory.sync()
    first, second = ids(directory, Identity, "One"), ids(directory, Identity, "Two")
    then = directory.clock.now()
    edit(directory, "one", employee_number="E-2", mail="two@corp.example")
    directory.sync()
    with directory.tx.read() as reading:
        whose = {
            who: {each.login for each in queries.show_identity(reading, who, as_of=then).accounts}
            for who in (first, second)
        }
        access = queries.show_access(reading, first, as_of=then)
        group_id = ids(directory, Group, "Group g")
        held_by = queries.show_members(reading, group_id, ALL, as_of=then).items
    assert whose == {first: {"one"}, second: {"two"}}
    assert [each.login for each in access] == ["one"]
    assert [each.identity for each in held_by] == [first]


def test_what_was_read_back_keeps_what_it_was(begun: Directory) -> None:
    then = begun.clock.now()
    begun.clock.advance(timedelta(minutes=5))
    key = begun.rows(sa.select(Account.id).where(Account.login == "alice"))[0][0]
    with begun.tx.write() as uow:
        service.observe_account(uow, account_id=key, is_enabled=False, status="disabled")
    with begun.tx.read() as reading:
        alice = ids(begun, Identity, "Alice")
        was = queries.show_identity(reading, alice, as_of=then)
        now = queries.show_identity(reading, alice)
    assert (was.accounts[0].is_enabled, was.row.is_active) == (True, True)
    assert (now.accounts[0].is_enabled, now.row.is_active) == (False, False)
