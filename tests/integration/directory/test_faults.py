"""Sources that are wrong: afterwards the store is right or untouched, and the run says why."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from typing_extensions import override

from app.directory.domain import Provenance, SyncState
from app.directory.models import Closure, Group, Membership
from connectors.memory.connector import MemoryConnector
from connectors.memory.state import State
from connectors.records import (
    AccountBatch,
    Batch,
    GroupBatch,
    MemberBatch,
    Problem,
    Query,
    ReadReport,
)
from integration.directory.conftest import Directory
from integration.directory.states import account, crowd, group, people, small
from integration.directory.test_sync import open_pairs, shown_pairs

LIMITS = (999, 1000, 1001, 1500, 1501)
Fault = Callable[[Batch], Iterator[Batch]]


class Odd(MemoryConnector):
    """A memory source whose whole reads go through a fault."""

    fault: Fault

    @override
    def snapshot(self) -> Iterator[Batch]:
        for batch in super().snapshot():
            yield from self.fault(batch)


def whole(batch: Batch) -> Iterator[Batch]:
    yield batch


@dataclass(slots=True)
class Faulty(Directory):
    """A directory whose source can be made wrong."""

    fault: Fault = field(default=whole)
    ahead: timedelta = timedelta()

    @override
    def connect(self, kind: str, settings: Any, secrets: Any) -> Any:
        made = Odd(self.path(), flavour=settings.get("flavour", "directory"), now=self.their_now)
        made.fault = self.fault
        return made

    def their_now(self) -> datetime:
        return self.clock.now() + self.ahead


@pytest.fixture
def faulty(directory: Directory) -> Faulty:
    return Faulty(
        directory.tx, directory.clock, directory.seal, directory.home, directory.statements
    )


def begin(faulty: Faulty, state: State, **settings: str) -> None:
    faulty.show(state)
    faulty.add(**settings)
    assert faulty.sync().state is SyncState.COMPLETE


def test_a_list_of_members_cut_anywhere_takes_nobody_out(faulty: Faulty) -> None:
    truth = crowd(1502)
    begin(faulty, truth)
    for limit in LIMITS:

        def cut(batch: Batch, limit: int = limit) -> Iterator[Batch]:
            if isinstance(batch, MemberBatch):
                lists = [
                    replace(each, accounts=each.accounts[:limit], is_complete=False)
                    for each in batch.lists
                ]
                yield MemberBatch(tuple(lists))
            else:
                yield batch

        faulty.fault = cut
        run = faulty.sync(full=True)
        assert (run.state, run.is_stored) == (SyncState.INCOMPLETE, True), limit
        assert open_pairs(faulty) == shown_pairs(truth)


def test_a_list_of_accounts_cut_anywhere_leaves_the_store_untouched(faulty: Faulty) -> None:
    truth = crowd(1502)
    begin(faulty, truth)
    for limit in LIMITS:
        faulty.fault = Cut(limit)
        run = faulty.sync(full=True)
        assert (run.state, run.is_stored) == (SyncState.INCOMPLETE, False)
        assert "1502" in (run.why or "")
    assert open_pairs(faulty) == shown_pairs(truth)


@dataclass(slots=True)
class Cut:
    """A list of accounts that ends early and thinks that it is whole; its own count says no."""

    limit: int
    seen: int = 0

    def __call__(self, batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, AccountBatch):
            kept = batch.accounts[: max(0, self.limit - self.seen)]
            self.seen += len(batch.accounts)
            yield AccountBatch(kept)
        elif isinstance(batch, ReadReport):
            count = Query("accounts", "all", 1, returned=self.limit, reported=1502)
            yield ReadReport(True, batch.endpoint, batch.account, (count,))
        else:
            yield batch


def test_what_is_listed_twice_is_there_once_and_told(faulty: Faulty) -> None:
    begin(faulty, small())

    def twice(batch: Batch) -> Iterator[Batch]:
        yield batch
        if not isinstance(batch, ReadReport):
            yield batch

    faulty.fault = twice
    run = faulty.sync(full=True)
    assert run.state is SyncState.COMPLETE
    assert {each["code"] for each in run.problems} == {"duplicate"}
    assert open_pairs(faulty) == shown_pairs(small())


@pytest.mark.parametrize("where", ["everywhere", "in member lists"])
def test_identifiers_in_other_letters_end_nothing_before_a_person_looked(
    faulty: Faulty, where: str
) -> None:
    begin(faulty, small())

    def loud(batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, AccountBatch) and where == "everywhere":
            shown = [replace(each, external_id=each.external_id.upper()) for each in batch.accounts]
            yield AccountBatch(tuple(shown))
        elif isinstance(batch, MemberBatch):
            lists = [
                replace(each, accounts=tuple(name.upper() for name in each.accounts))
                for each in batch.lists
            ]
            yield MemberBatch(tuple(lists))
        else:
            yield batch

    faulty.fault = loud
    run = faulty.sync(full=True)
    assert run.state is SyncState.PARKED
    assert "spells identifiers differently" in (run.why or "")
    assert open_pairs(faulty) == shown_pairs(small())


def test_an_account_that_is_gone_is_in_no_group_though_its_group_cannot_be_read(
    faulty: Faulty,
) -> None:
    begin(faulty, small())

    def secret(batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, MemberBatch):
            lists = [
                replace(each, accounts=(), groups=(), is_complete=False)
                if each.group_id == "staff"
                else each
                for each in batch.lists
            ]
            yield MemberBatch(tuple(lists))
        elif isinstance(batch, ReadReport):
            problem = Problem("unreadable_group", "It may not be read.", "staff")
            yield ReadReport(False, batch.endpoint, batch.account, batch.queries, (problem,))
        else:
            yield batch

    faulty.fault = secret
    state = small()
    del state.accounts["alice"]
    del state.groups["admins"]
    del state.members["admins"]
    faulty.show(state)
    run = faulty.sync(full=True)
    assert (run.state, run.is_stored) == (SyncState.INCOMPLETE, True)
    assert open_pairs(faulty) == {("staff", "bob")}
    assert run.counts["nestings_ended"] == 1


def test_rules_that_may_not_be_seen_any_more_are_not_gone(faulty: Faulty) -> None:
    def ruled(batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, GroupBatch):
            batch = GroupBatch(tuple(replace(each, rule="by department") for each in batch.groups))
        yield batch

    def denied(batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, ReadReport):
            problem = Problem("rules_unreadable", "They are not shown.")
            batch = dataclasses.replace(batch, problems=(problem,))
        yield batch

    faulty.fault = ruled
    begin(faulty, small())
    faulty.fault = denied
    run = faulty.sync(full=True)
    assert (run.state, run.is_stored) == (SyncState.COMPLETE, True)
    assert faulty.rows(sa.select(Group.rule).distinct()) == [("by department",)]
    faulty.fault = whole
    faulty.sync(full=True)
    assert faulty.rows(sa.select(Group.rule).distinct()) == [(None,)]


@pytest.mark.parametrize("days", [-2, 2])
@pytest.mark.parametrize("flavour", ["directory", "okta"])
def test_a_source_with_a_wrong_clock_is_read_right(faulty: Faulty, days: int, flavour: str) -> None:
    faulty.ahead = timedelta(days=days)
    state = State().add([account("a"), account("b")], [group("g")], {"g": people("a")})
    begin(faulty, state, flavour=flavour)
    for who in ("b", "a"):
        state = faulty.state()
        state.members["g"] = {each.external_id: each for each in people(who)}
        faulty.show(state)
        run = faulty.sync()
        assert (run.is_delta, run.state) == (True, SyncState.COMPLETE)
        assert open_pairs(faulty) == {("g", who)}
        assert run.ended_at == faulty.clock.now()


def test_a_source_of_groups_only_is_told_to_be_wrong(faulty: Faulty) -> None:
    begin(faulty, small())

    def empty(batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, GroupBatch | ReadReport):
            yield batch

    faulty.fault = empty
    run = faulty.sync(full=True)
    assert (run.state, run.is_stored) == (SyncState.INCOMPLETE, False)
    assert open_pairs(faulty) == shown_pairs(small())


def told(*problems: Problem) -> Callable[[Batch], Iterator[Batch]]:
    """Let a source tell of problems at its end."""

    def fault(batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, ReadReport):
            batch = dataclasses.replace(batch, problems=problems)
        yield batch

    return fault


@dataclass(frozen=True, slots=True)
class Unclear:
    """A source with the record of an account that is not clear: `about` says whose, or nothing."""

    about: str
    who: str = "alice"

    def __call__(self, batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, AccountBatch):
            yield AccountBatch(tuple(e for e in batch.accounts if e.external_id != self.who))
        elif isinstance(batch, MemberBatch) and not self.about:
            lists = [
                replace(e, accounts=tuple(name for name in e.accounts if name != self.who))
                for e in batch.lists
            ]
            yield MemberBatch(tuple(lists))
        else:
            yield from told(Problem("quarantined_record", "No login.", self.about))(batch)


@pytest.mark.parametrize("about", ["alice", ""])
def test_an_account_whose_record_is_not_clear_keeps_all_that_is_known_of_it(
    faulty: Faulty, about: str
) -> None:
    begin(faulty, small())
    faulty.fault = Unclear(about)
    for full in (False, True, True):
        run = faulty.sync(full=full) if full else faulty.sync()
        if not run.is_delta:
            assert (run.state, run.is_stored) == (SyncState.INCOMPLETE, True)
            assert "records could not be used" in (run.why or "")
            assert run.counts["memberships_ended"] == run.counts["accounts_ended"] == 0
        assert open_pairs(faulty) == shown_pairs(small())
    state = small()
    del state.members["staff"]["alice"]
    faulty.show(state)
    faulty.fault = whole
    run = faulty.sync(full=True)
    assert run.state is SyncState.COMPLETE
    assert open_pairs(faulty) == shown_pairs(state)


def test_others_end_beside_a_record_that_says_whose_it_is_and_nobody_does_beside_one_that_does_not(
    faulty: Faulty,
) -> None:
    begin(faulty, small())
    state = small()
    del state.accounts["bob"]
    del state.members["staff"]["bob"]
    faulty.show(state)
    faulty.fault = Unclear("")
    assert faulty.sync(full=True).counts["accounts_ended"] == 0
    assert open_pairs(faulty) == shown_pairs(small())
    faulty.fault = Unclear("alice")
    assert faulty.sync(full=True).counts["accounts_ended"] == 1
    assert open_pairs(faulty) == {("staff", "alice")}


HIDING = [
    (Problem("quarantined_group", "It has no name.", "admins"), SyncState.INCOMPLETE),
    (Problem("quarantined_group", "It has no id."), SyncState.INCOMPLETE),
    (Problem("kind_unreadable", "They may not be seen.", "role"), SyncState.COMPLETE),
]


@pytest.mark.parametrize(("problem", "state"), HIDING, ids=["by id", "of any", "of a kind"])
def test_groups_that_are_not_shown_and_not_gone_keep_members_and_nesting(
    faulty: Faulty, problem: Problem, state: SyncState
) -> None:
    there = small()
    there.groups["admins"] = replace(there.groups["admins"], kind="role", is_writable=False)
    begin(faulty, there)
    nested = faulty.rows(sa.select(sa.func.count()).select_from(Closure))

    def hidden(batch: Batch) -> Iterator[Batch]:
        if isinstance(batch, GroupBatch):
            yield GroupBatch(tuple(e for e in batch.groups if e.external_id != "admins"))
        elif isinstance(batch, MemberBatch):
            yield MemberBatch(tuple(e for e in batch.lists if e.group_id != "admins"))
        else:
            yield from told(problem)(batch)

    faulty.fault = hidden
    run = faulty.sync(full=True)
    assert (run.state, run.is_stored) == (state, True)
    assert problem.code in {each["code"] for each in run.problems}
    assert run.counts["groups_ended"] == run.counts["nestings_ended"] == 0
    assert open_pairs(faulty) == shown_pairs(there)
    assert faulty.rows(sa.select(sa.func.count()).select_from(Closure)) == nested
    del there.accounts["alice"]
    for inside in there.members.values():
        inside.pop("alice", None)
    faulty.show(there)
    faulty.sync(full=True)
    assert open_pairs(faulty) == shown_pairs(there)


def test_what_is_read_for_the_first_time_and_cannot_be_changed_there_was_there_before(
    faulty: Faulty,
) -> None:
    """A kind that a source could not show before is no drift; one more of it later is."""
    begin(faulty, small())
    state = small()
    for name in ("mail", "wiki"):
        state.groups[name] = replace(group(name), kind="APPLICATION", is_writable=False)
        state.members[name] = {each.external_id: each for each in people("alice")}
        faulty.show(state)
        faulty.sync(full=True)
    found = faulty.rows(
        sa.select(Group.name, Membership.provenance)
        .join(Group, Group.id == Membership.group_id)
        .where(Group.kind == "APPLICATION")
        .order_by(Group.name)
    )
    assert found == [
        ("Group mail", Provenance.IMPORTED_AT_START),
        ("Group wiki", Provenance.OBSERVED),
    ]
