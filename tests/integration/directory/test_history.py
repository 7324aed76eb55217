"""What the pages of the directory ask of the store: history, differences, surroundings, finding."""

import pytest

from app.directory import queries, service
from app.directory.queries import finding
from app.kernel.errors import NotFoundError
from app.kernel.uow import Reading
from app.web.paging import Window
from connectors.memory.state import changing
from support.cast import Cast

ALL = Window(limit=100)


def kinds(reading: Reading, run: str) -> list[tuple[str, str, str | None]]:
    found = queries.list_changes(reading, run, ALL).items
    return [
        (each.kind, each.subject.name, None if each.group is None else each.group.name)
        for each in found
    ]


def last_run(reading: Reading) -> queries.RunLine:
    return queries.recent_runs(reading, queries.show_source(reading, "corp"), ALL).items[0]


def test_history_holds_what_began_and_what_ended_with_the_reads_that_saw_it(cast: Cast) -> None:
    cast.house.later(minutes=10)
    cast.take("corp", "payroll", "eve")
    cast.put("corp", "payroll", "alice")
    cast.sync("corp")
    with cast.house.read(cast.actor("olga")) as reading:
        run = last_run(reading)
        payroll = queries.group_history(reading, cast.group("corp", "payroll").public_id, ALL)
        alice, eve = payroll.items
        assert (alice.identity_name, alice.run_from, alice.valid_to) == ("Alice", run.id, None)
        assert (eve.run_to, eve.valid_to) == (run.id, run.ended_at)
        own = queries.identity_history(reading, cast.identity("eve").public_id, Window(limit=2))
        rest = queries.identity_history(
            reading, cast.identity("eve").public_id, Window(100, own.next_cursor)
        )
        keys = [each.key for each in (*own.items, *rest.items)]
        assert keys == sorted(set(keys), reverse=True)
        assert eve.key in keys
    with cast.house.read(cast.actor("alice")) as reading, pytest.raises(NotFoundError):
        queries.identity_history(reading, cast.identity("bob").public_id, ALL)


def test_what_was_gained_and_lost_since_is_told(cast: Cast) -> None:
    then = cast.house.clock.now()
    cast.house.later(minutes=10)
    cast.take("corp", "payroll", "eve")
    cast.put("corp", "admins", "eve")
    cast.sync("corp")
    with cast.house.read(cast.actor("olga")) as reading:
        eve = cast.identity("eve")
        had = queries.show_access(reading, eve.public_id, as_of=then)
        changed = queries.changed_since(reading, eve.id, had)
    assert [each.group.name for each in changed.gained] == ["Domain Admins"]
    assert [each.group.name for each in changed.lost] == ["Payroll"]


def test_a_group_knows_its_owner_and_what_it_is_in(cast: Cast) -> None:
    with cast.house.read(cast.actor("olga")) as reading:
        staff = queries.show_group(reading, cast.group("corp", "staff").public_id)
        around = queries.surroundings(reading, staff)
        assert [each.name for each in around.parents] == ["Everyone Else"]
        assert (around.children, around.owner) == ([], None)
        payroll = queries.show_group(reading, cast.group("corp", "payroll").public_id)
        assert queries.surroundings(reading, payroll).owner_name == "Carol"


def test_a_read_tells_what_it_changed_and_the_one_after_it_nothing(cast: Cast) -> None:
    cast.house.later(minutes=10)
    cast.take("corp", "ledger", "bob")
    cast.put("corp", "payroll", "alice")
    cast.edit("corp", "carol", title="Chief")
    cast.sync("corp")
    with cast.house.read(cast.actor("olga")) as reading:
        assert sorted(kinds(reading, last_run(reading).id), key=lambda each: each[0]) == [
            ("account.changed", "Carol (carol)", None),
            ("membership.appeared", "Alice (alice)", "Payroll"),
            ("membership.ended", "Bob (bob)", "Ledger, \u201cmain\u201d"),
        ]
    cast.sync("corp")
    with cast.house.read(cast.actor("olga")) as reading:
        assert kinds(reading, last_run(reading).id) == []


def test_a_parked_read_tells_before_it_is_stored_what_it_tells_after(cast: Cast) -> None:
    cast.house.later(minutes=10)
    with changing(cast.file("corp")) as state:
        del state.accounts["corp-mallory"]
        for found in state.members.values():
            found.pop("corp-mallory", None)
    with cast.house.write(cast.actor("olga")) as uow:
        service.request_sync(uow, source_name="corp", dry_run=True)
    cast.house.drain()
    with cast.house.read(cast.actor("olga")) as reading:
        run = last_run(reading).id
        would = kinds(reading, run)
    assert ("account.ended", "Mallory (mallory)", None) in would
    with cast.house.write(cast.actor("olga")) as uow:
        service.accept_run(uow, run_id=run)
    with cast.house.read(cast.actor("olga")) as reading:
        assert sorted(kinds(reading, run), key=str) == sorted(would, key=str)


@pytest.mark.parametrize("words", ["LIC", "alice", "1001", "alice@example.test", "Alice"])
def test_people_are_found(cast: Cast, words: str) -> None:
    with cast.house.read(cast.actor("olga")) as reading:
        assert [each.name for each in finding.find_people(reading, words, 5)] == ["Alice"]
        listed = queries.list_identities(reading, ALL, q="aLiC").items
        assert [each.name for each in listed] == ["Alice"]


@pytest.mark.parametrize("words", ["%", "_", "/", "%lic%", "a_ice"])
def test_signs_of_patterns_stand_for_themselves(cast: Cast, words: str) -> None:
    with cast.house.read(cast.actor("olga")) as reading:
        assert finding.find_people(reading, words, 5) == []
        assert queries.list_identities(reading, ALL, q=words).items == []
        assert queries.list_groups(reading, ALL, q=words).items == []


def test_groups_sources_and_reads_are_found(cast: Cast) -> None:
    with cast.house.read(cast.actor("olga")) as reading:
        assert [each.source for each in finding.find_groups(reading, "PAYR", 5)] == [
            "corp",
            "cloud",
        ]
        assert list(finding.find_sources(reading, "OR", 5)) == ["corp"]
        assert finding.find_run(reading, last_run(reading).id) == "corp"
    with cast.house.read(cast.actor("alice")) as reading:
        assert finding.find_groups(reading, "payr", 5) == []
        assert list(finding.find_sources(reading, "corp", 5)) == []
