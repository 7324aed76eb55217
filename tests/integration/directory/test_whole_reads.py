"""Whole reads one after the other: what is told as before costs nothing and hides nothing."""

import dataclasses
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.directory import service
from app.directory.domain import Provenance, SyncState
from app.directory.models import Account, Group, Membership
from connectors.memory.state import State
from connectors.records import Batch, MemberBatch, ReadReport
from integration.directory.conftest import Directory
from integration.directory.states import account, crowd, people
from integration.directory.test_faults import Faulty, begin
from integration.directory.test_sync import open_pairs, shown_pairs, writes

ONLY_THE_RUN = [
    "INSERT INTO directory_sync_run",
    "UPDATE directory_sync_run SET",
    "INSERT INTO ledger_entry",
    "INSERT INTO ledger_pending",
]
COUNTED = ("accounts", "groups", "memberships", "nestings")


def whole(batch: Batch) -> Iterator[Batch]:
    """Give no cursor, so that each read is a whole one."""
    yield dataclasses.replace(batch, cursor="") if isinstance(batch, ReadReport) else batch


def backwards(batch: Batch) -> Iterator[Batch]:
    """List the members of each group the other way round."""
    if isinstance(batch, MemberBatch):
        batch = MemberBatch(
            tuple(replace(each, accounts=each.accounts[::-1]) for each in batch.lists)
        )
    yield from whole(batch)


def twice(batch: Batch) -> Iterator[Batch]:
    """List each member twice."""
    if isinstance(batch, MemberBatch):
        batch = MemberBatch(
            tuple(replace(each, accounts=2 * each.accounts) for each in batch.lists)
        )
    yield from whole(batch)


@pytest.fixture
def source(directory: Directory) -> Faulty:
    return Faulty(
        directory.tx, directory.clock, directory.seal, directory.home, directory.statements, whole
    )


def again(source: Faulty, *, full: bool = False) -> list[str]:
    """Read it again; return what that wrote."""
    source.statements.clear()
    run = source.sync(full=full)
    assert (run.state, run.is_delta) == (SyncState.COMPLETE, False)
    return writes(source.statements)


def departments(count: int, size: int) -> State:
    """Return so many groups with so many members each."""
    keys = [f"p{number:04}" for number in range(size)]
    state = crowd(size)
    for number in range(count):
        state.members[f"g{number}"] = {each.external_id: each for each in people(*keys)}
        state.groups[f"g{number}"] = replace(state.groups["all"], external_id=f"g{number}")
    return state


def test_a_whole_read_that_shows_nothing_new_writes_its_run_and_one_entry_only(
    source: Faulty,
) -> None:
    begin(source, crowd(300))
    before = source.kinds()
    assert again(source) == ONLY_THE_RUN
    sent = [each for each in source.statements if not each.startswith("BEGIN")]
    asked_for = next(place for place, each in enumerate(sent) if each.startswith("INSERT"))
    assert len(sent[asked_for + 1 : -1]) <= 10, sent  # but for asking, and for looking at its end
    assert source.kinds() == [*before, "directory.synced"]


def test_members_in_another_order_are_the_same_and_a_full_read_takes_the_order_in(
    source: Faulty,
) -> None:
    begin(source, crowd(30))
    source.fault = backwards
    digest = source.rows(sa.select(Group.member_digest, Group.listed_digest))
    assert again(source) == ONLY_THE_RUN
    assert sorted(again(source, full=True)) == sorted([*ONLY_THE_RUN, "UPDATE directory_group SET"])
    found = source.rows(sa.select(Group.member_digest, Group.listed_digest))
    assert [new == old for new, old in zip(found[0], digest[0], strict=True)] == [True, False]
    assert again(source, full=True) == ONLY_THE_RUN
    assert open_pairs(source) == shown_pairs(crowd(30))


def test_whoever_is_listed_twice_is_counted_once_each_time(source: Faulty) -> None:
    source.fault = twice
    begin(source, crowd(3))
    assert again(source) == ONLY_THE_RUN
    assert source.sync().counts["memberships"] == 3
    assert source.rows(sa.select(Group.listed_digest)) == [(None,)]
    source.fault = whole
    assert again(source) == ONLY_THE_RUN


def test_what_was_read_back_is_held_against_a_list_told_as_before(source: Faulty) -> None:
    begin(source, crowd(3))
    [(group_id, account_id)] = source.rows(
        sa.select(Membership.group_id, Membership.account_id)
        .join(Account, Account.id == Membership.account_id)
        .where(Account.external_id == "p0001")
    )
    with source.tx.write() as uow:
        service.observe_membership(
            uow,
            account_id=account_id,
            group_id=group_id,
            is_present=False,
            provenance=Provenance.OBSERVED,
            ref=None,
            at=uow.now,
        )
        service.observe_account(uow, account_id=account_id, is_enabled=False, status="closed")
    assert len(open_pairs(source)) == 2
    before = len(source.kinds())
    assert source.sync().state is SyncState.COMPLETE
    told = source.kinds()[before:]
    assert {"account.changed", "membership.appeared"} <= set(told)
    assert open_pairs(source) == shown_pairs(crowd(3))
    assert again(source) == ONLY_THE_RUN


def test_an_account_that_ended_and_is_shown_again_is_the_same_account(source: Faulty) -> None:
    state = crowd(3)
    begin(source, state)
    keys = dict(source.rows(sa.select(Account.external_id, Account.id)))
    gone = state.accounts.pop("p0001")
    member = state.members["all"].pop("p0001")
    source.show(state)
    assert source.sync().counts["accounts_ended"] == 1
    assert again(source) == ONLY_THE_RUN
    state.accounts["p0001"] = gone
    state.members["all"]["p0001"] = member
    state.accounts["new"] = account("new")
    source.show(state)
    run = source.sync()
    assert (run.counts["accounts_appeared"], run.counts["accounts_changed"]) == (1, 1)
    found = dict(source.rows(sa.select(Account.external_id, Account.id)))
    assert found.items() >= keys.items()
    assert open_pairs(source) == shown_pairs(state)


def test_the_statements_of_a_change_do_not_grow_with_its_rows(source: Faulty) -> None:
    state = departments(20, 60)
    begin(source, state)
    counts = []
    for groups, leavers in ((1, 1), (20, 4)):
        for number in range(groups):
            for place in range(leavers):
                state.members[f"g{number}"].pop(f"p{place + leavers:04}", None)
        source.show(state)
        source.statements.clear()
        run = source.sync()
        assert run.counts["memberships_ended"] >= groups
        counts.append(len([each for each in source.statements if "ledger_entry" not in each]))
    assert counts[1] <= counts[0] + 2
    assert open_pairs(source) == shown_pairs(state)
