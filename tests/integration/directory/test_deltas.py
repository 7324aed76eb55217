"""What changed since the last read, set against the store: the same as reading all of it."""

from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.directory import queries, service, syncing, unread
from app.directory.domain import Provenance, SyncState
from app.directory.models import Account, Group, Membership, Nesting, Source
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import NotFoundError, NothingToChangeError, NotPermittedError
from app.web.paging import Window
from connectors.memory.state import State
from integration.directory.conftest import Directory
from integration.directory.states import account, crowd, group, nested, people, small
from integration.directory.test_sync import open_pairs, shown_pairs, writes

MOST_STATEMENTS = 16
REASON = "The owner keeps its members secret."


def nestings(directory: Directory) -> set[tuple[str, str]]:
    parent, child = sa.orm.aliased(Group), sa.orm.aliased(Group)
    return set(
        directory.rows(
            sa.select(parent.external_id, child.external_id)
            .select_from(Nesting)
            .join(parent, parent.id == Nesting.parent_id)
            .join(child, child.id == Nesting.child_id)
            .where(Nesting.valid_to.is_(None))
        )
    )


@pytest.fixture(params=["directory", "okta"])
def begun(directory: Directory, request: pytest.FixtureRequest) -> Directory:
    """A source that was read once; one flavour tells who joined and left, the other whole lists."""
    directory.show(small())
    directory.add(flavour=request.param)
    assert not directory.sync().is_delta
    return directory


def test_a_quiet_delta_writes_its_run_and_one_entry_only(begun: Directory) -> None:
    before = begun.kinds()
    begun.statements.clear()
    run = begun.sync()
    assert (run.state, run.is_delta, run.counts["accounts"]) == (SyncState.COMPLETE, True, 0)
    assert begun.kinds() == [*before, "directory.synced"]
    ours = [each for each in begun.statements if not each.startswith(("BEGIN", "PRAGMA"))]
    assert len(ours) <= MOST_STATEMENTS, ours
    assert writes(begun.statements) == [
        "INSERT INTO directory_sync_run",
        "UPDATE directory_sync_run SET",
        "INSERT INTO ledger_entry",
        "INSERT INTO ledger_pending",
    ]


def test_a_delta_leaves_the_store_as_a_whole_read_would(begun: Directory) -> None:
    state = small()
    del state.members["staff"]["alice"]
    del state.members["staff"]["admins"]
    state.add([account("carol"), replace(state.accounts["eve"], title="Gone")])
    state.add(groups=[group("new")], members={"admins": people("carol"), "new": nested("staff")})
    begun.show(state)
    before = len(begun.kinds())
    run = begun.sync()
    assert run.is_delta
    assert open_pairs(begun) == shown_pairs(state)
    assert nestings(begun) == {("new", "staff")}
    assert sorted(set(begun.kinds()[before:])) == [
        "account.appeared",
        "account.changed",
        "directory.synced",
        "group.appeared",
        "identity.correlated",
        "membership.appeared",
        "membership.ended",
        "nesting.appeared",
        "nesting.ended",
    ]
    again = begun.sync(full=True)
    changes = {name: count for name, count in again.counts.items() if "_" in name and count}
    assert (again.is_delta, changes) == (False, {})


def test_what_is_deleted_ends_in_every_group_though_no_group_says_so(begun: Directory) -> None:
    state = begun.state()
    del state.accounts["bob"]
    del state.groups["admins"]
    del state.members["admins"]
    begun.show(state)
    run = begun.sync()
    assert run.is_delta
    assert (open_pairs(begun), nestings(begun)) == ({("staff", "alice")}, set())
    assert run.problems == []
    ended = begun.rows(sa.select(Account.external_id).where(Account.ended_at.is_not(None)))
    assert ended == [("bob",)]


def test_a_member_that_was_not_known_is_one_once_the_source_shows_it(begun: Directory) -> None:
    state = begun.state().add(members={"admins": people("ghost")})
    begun.show(state)
    assert [each["code"] for each in begun.sync().problems] == ["unknown_member"]
    begun.show(begun.state().add([account("ghost")]))
    run = begun.sync()
    assert run.is_delta
    assert ("admins", "ghost") in open_pairs(begun)
    assert begun.sync(full=True).counts["memberships_appeared"] == 0


@pytest.mark.parametrize("breaks", ["network", "truncated"])
def test_a_delta_that_broke_off_ends_nothing_and_is_told_again(
    begun: Directory, breaks: str
) -> None:
    state = begun.state().add([account("carol")], members={"admins": people("carol")})
    begun.show(state)
    begun.set(breaks=breaks)
    cut = begun.sync()
    assert (cut.state, cut.is_delta, cut.is_stored) == (SyncState.INCOMPLETE, True, False)
    assert begun.rows(sa.select(sa.func.count()).select_from(Account)) == [(3,)]
    begun.set(breaks="")
    assert begun.sync().state is SyncState.COMPLETE
    assert open_pairs(begun) == shown_pairs(state)


def test_a_cursor_that_is_refused_is_answered_by_a_whole_read_in_the_same_run(
    begun: Directory,
) -> None:
    state = begun.state().add([account("carol")], members={"admins": people("carol")})
    begun.show(state)
    begun.set(breaks="forgetful")
    run = begun.sync()
    assert (run.state, run.is_delta) == (SyncState.COMPLETE, False)
    assert [each["code"] for each in run.problems] == ["read_whole"]
    assert open_pairs(begun) == shown_pairs(state)
    begun.set(breaks="")
    assert begun.sync().is_delta


def test_a_changed_scope_is_read_whole_and_waits_for_a_person(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    directory.show(crowd(3), "other")
    directory.set(path=str(directory.path("other")))
    run = directory.sync()
    assert (run.state, run.is_delta) == (SyncState.PARKED, False)


@pytest.mark.parametrize("full", [True, False])
def test_what_was_read_with_settings_that_were_changed_meanwhile_is_not_stored(
    directory: Directory, *, full: bool
) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    directory.show(crowd(3), "other")
    with directory.tx.write() as uow:
        run = service.request_sync(uow, source_name="corp", full=full, is_enqueued=False)
        payload = service.payload_of(run, full=full, dry_run=False)

    def connect(*how: Any) -> Any:
        directory.set(path=str(directory.path("other")))
        return directory.connect(*how)

    syncing.run_sync(directory.tx, connect, directory.seal, payload)
    with directory.tx.read() as reading:
        found = queries.show_run(reading, payload["run"])
    assert (found.state, found.is_stored) == (SyncState.INCOMPLETE, False)
    assert "changed while it was read" in (found.why or "")
    assert open_pairs(directory) == shown_pairs(small())


def test_a_delta_that_would_end_too_much_waits_and_is_stored_as_it_was_read(
    directory: Directory,
) -> None:
    directory.show(crowd(200))
    directory.add()
    directory.sync()
    directory.show(crowd(60))
    run = directory.sync()
    assert (run.state, run.is_delta) == (SyncState.PARKED, True)
    assert "140 of 200 accounts" in (run.why or "")
    with directory.tx.read() as reading:
        told = queries.list_changes(reading, run.public_id, Window(limit=5)).items
    assert {each.kind for each in told} == {"account.ended"}
    with directory.tx.write() as uow:
        service.accept_run(uow, run_id=run.public_id)
    assert open_pairs(directory) == shown_pairs(crowd(60))
    assert directory.sync().is_delta


def test_a_read_that_was_contradicted_meanwhile_is_told_again(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    before = directory.sync()
    keys = dict(directory.rows(sa.select(Account.external_id, Account.id)))
    groups = dict(directory.rows(sa.select(Group.external_id, Group.id)))
    directory.show(directory.state().add(members={"admins": people("alice")}))
    state = directory.state()
    state.members["admins"].pop("alice")
    with directory.tx.write() as uow:  # it was there for a moment, and seen by us
        service.observe_membership(
            uow,
            account_id=keys["alice"],
            group_id=groups["admins"],
            is_present=True,
            provenance=Provenance.REQUEST,
            ref="grant-1",
            at=directory.clock.now().replace(hour=9),
        )
    directory.show(state)
    overlapped = directory.sync()
    assert overlapped.cursor == before.cursor
    directory.clock.advance(directory.clock.now().replace(hour=10) - directory.clock.now())
    assert directory.sync().is_delta
    assert open_pairs(directory) == shown_pairs(state)


# --- groups whose members cannot be read ----------------------------------------------------


def missing(directory: Directory) -> list[str]:
    with directory.tx.read() as reading:
        source = reading.session.scalars(sa.select(Source)).one()
        return [each.name for each in unread.still(reading, source)]


@pytest.mark.parametrize("how", ["unreadable", "vanished"])
def test_one_unreadable_group_spoils_nothing_else(begun: Directory, how: str) -> None:
    state = begun.state().add([account("carol")], members={"admins": people("carol")})
    del state.members["staff"]["alice"]
    begun.show(state)
    begun.set(**{how: "staff"})
    run = begun.sync(full=True)
    assert (run.state, run.is_stored) == (SyncState.INCOMPLETE, True)
    assert "Group staff, since 2026-03-02" in (run.why or "")
    assert {("staff", "alice"), ("staff", "bob"), ("admins", "carol")} <= open_pairs(begun)
    quiet = begun.sync()
    assert (quiet.state, quiet.is_delta, quiet.why) == (SyncState.INCOMPLETE, True, run.why)
    begun.set(**{how: ""})
    assert begun.sync(full=True).state is SyncState.COMPLETE
    assert (open_pairs(begun), missing(begun)) == (shown_pairs(state), [])


def test_what_a_delta_missed_the_next_one_makes_good(begun: Directory) -> None:
    state = begun.state()
    del state.members["staff"]["alice"]
    begun.show(state)
    begun.set(unreadable="staff")
    missed = begun.sync()
    assert (missed.state, missed.is_delta) == (SyncState.INCOMPLETE, True)
    assert missed.cursor == missed.started_from
    begun.set(unreadable="")
    run = begun.sync()
    assert (run.state, run.is_delta) == (SyncState.COMPLETE, True)
    assert (open_pairs(begun), missing(begun)) == (shown_pairs(state), [])


def test_a_group_left_out_by_name_taints_no_run_any_more(begun: Directory) -> None:
    begun.set(unreadable="staff")
    assert begun.sync(full=True).state is SyncState.INCOMPLETE
    with begun.tx.write() as uow:
        found = service.exclude_group(uow, source_name="corp", group="staff", reason=REASON)
        public_id = found.public_id
    assert begun.kinds()[-1] == "directory.group_excluded"
    assert begun.sync(full=True).state is SyncState.COMPLETE
    with begun.tx.read() as reading:
        rows = queries.list_exclusions(reading, "corp", Window()).items
    assert [(each.name, each.reason, each.group is None) for each in rows] == [
        ("Group staff", REASON, False)
    ]
    with pytest.raises(NothingToChangeError), begun.tx.write() as uow:
        service.exclude_group(uow, source_name="corp", group="Group staff", reason=REASON)
    with begun.tx.write() as uow:
        service.lift_exclusion(uow, exclusion_id=public_id)
    assert begun.sync(full=True).state is SyncState.INCOMPLETE


def test_a_first_read_needs_every_group_or_each_left_out_by_name(directory: Directory) -> None:
    directory.show(small())
    directory.add(unreadable="staff")
    first = directory.sync()
    assert (first.state, first.is_stored) == (SyncState.INCOMPLETE, False)
    assert "Group staff" in (first.why or "")
    with pytest.raises(NotFoundError), directory.tx.write() as uow:
        service.exclude_group(uow, source_name="corp", group="nobody", reason=REASON)
    with directory.tx.write() as uow:
        service.exclude_group(uow, source_name="corp", group="staff", reason=REASON)
    run = directory.sync()
    assert (run.state, run.is_baseline) == (SyncState.COMPLETE, True)
    assert open_pairs(directory) == {("admins", "bob")}
    directory.set(unreadable="")  # what stood there at the start is no drift when it is read
    directory.sync(full=True)
    assert open_pairs(directory) == shown_pairs(small())
    assert {row[0] for row in directory.rows(sa.select(Membership.provenance))} == {
        Provenance.IMPORTED_AT_START
    }


def test_an_auditor_may_not_leave_a_group_out(begun: Directory) -> None:
    dana = Actor(kind=ActorKind.PERSON, public_id="dana", roles=frozenset({Role.AUDITOR}))
    with pytest.raises(NotPermittedError), begun.tx.write(dana) as uow:
        service.exclude_group(uow, source_name="corp", group="staff", reason=REASON)


def test_an_unread_group_of_nobody_left_is_no_member_list(directory: Directory) -> None:
    """A group that was empty and cannot be read stays empty; one that is gone taints nothing."""
    state = State().add([account("a")], [group("g"), group("h")], {"h": people("a")})
    directory.show(state)
    directory.add()
    directory.sync()
    directory.set(unreadable="h")
    assert directory.sync(full=True).state is SyncState.INCOMPLETE
    del state.groups["h"], state.members["h"]
    directory.show(state)
    assert directory.sync().state is SyncState.COMPLETE
    assert open_pairs(directory) == set()
