"""Sources are read by themselves, one run at a time; what ends too much waits for a person."""

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from app.directory import queries, service, syncing
from app.directory.domain import SyncState
from app.directory.models import Account, SyncRun
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
)
from app.kernel.jobs import InlineJobs
from app.kernel.uow import Reading
from connectors.memory.state import State
from integration.directory.conftest import Directory
from integration.directory.states import account, crowd, group, people, small


def work(directory: Directory) -> list[SyncRun]:
    """Let a minute tick come, and its jobs be done; return the runs it made."""
    before = {row[0] for row in directory.rows(sa.select(SyncRun.public_id))}
    service.tick(directory.tx)
    jobs = directory.tx.jobs
    assert isinstance(jobs, InlineJobs)
    run = partial(syncing.run_sync, directory.tx, directory.connect, directory.seal)
    jobs.runners = {service.SYNC: run}
    jobs.drain(directory.clock.now)
    with directory.tx.read() as reading:
        found = reading.session.scalars(sa.select(SyncRun).order_by(SyncRun.id)).all()
        reading.session.expunge_all()
    return [each for each in found if each.public_id not in before]


def set_rules(directory: Directory, **rules: int) -> None:
    with directory.tx.write() as uow:
        service.set_reading(uow, name="corp", rules=rules)


def test_a_source_is_read_by_itself_once_a_person_had_it_read(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    assert work(directory) == []
    directory.sync()
    assert work(directory) == []
    directory.clock.advance(timedelta(minutes=15))
    assert [(each.is_delta, each.state) for each in work(directory)] == [(True, SyncState.COMPLETE)]
    assert work(directory) == []
    directory.clock.advance(timedelta(hours=24))
    assert [(each.is_delta, each.state) for each in work(directory)] == [
        (False, SyncState.COMPLETE)
    ]
    with directory.tx.read() as reading:
        plan = queries.next_read_of(reading, queries.show_source(reading, "corp"))
    assert plan.at == directory.clock.now() + timedelta(minutes=15)
    assert plan.whole_at == directory.clock.now()


def test_only_one_run_of_a_source_is_under_way(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    directory.clock.advance(timedelta(hours=1))
    service.tick(directory.tx)
    service.tick(directory.tx)
    assert directory.rows(sa.select(sa.func.count()).select_from(SyncRun)) == [(2,)]
    with pytest.raises(ConflictError), directory.tx.write() as uow:
        service.request_sync(uow, source_name="corp")


def test_the_rules_are_checked_told_and_bound_to_a_version(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    set_rules(directory, delta_minutes=5, full_hours=12)
    assert directory.kinds()[-1] == "source.reading_set"
    with pytest.raises(NothingToChangeError):
        set_rules(directory, delta_minutes=5)
    with pytest.raises(InvalidInputError) as found:
        set_rules(directory, full_hours=0, most_accounts_percent=101, speed=3)
    wrong = {each.field for each in found.value.fields}
    assert wrong == {"full_hours", "most_accounts_percent", "speed"}
    with pytest.raises(ConflictError), directory.tx.write() as uow:
        service.set_reading(uow, name="corp", rules={"full_hours": 1}, version=1)
    with pytest.raises(NotFoundError), directory.tx.write() as uow:
        service.set_reading(uow, name="nowhere", rules={"full_hours": 1})


@pytest.mark.parametrize("percent", [20, 80])
def test_the_share_that_waits_is_a_rule_of_each_source(directory: Directory, percent: int) -> None:
    directory.show(crowd(200))
    directory.add()
    directory.sync()
    set_rules(
        directory,
        most_accounts_percent=percent,
        most_memberships_percent=percent,
        most_of_group_percent=percent,
    )
    directory.show(crowd(60))
    run = directory.sync()
    assert run.state is (SyncState.PARKED if percent < 70 else SyncState.COMPLETE)


def test_a_large_group_that_would_lose_most_of_its_members_waits(directory: Directory) -> None:
    everybody = [f"p{number:03}" for number in range(300)]
    state = State().add(
        [account(each) for each in everybody],
        [group("all"), group("large"), group("small")],
        {"all": people(*everybody), "large": people(*everybody[:100]), "small": people("p000")},
    )
    directory.show(state)
    directory.add()
    directory.sync()
    state.members["small"].clear()
    for each in everybody[:50]:
        del state.members["large"][each]
    directory.show(state)
    assert directory.sync().state is SyncState.COMPLETE
    set_rules(directory, large_group=50)
    for each in everybody[50:80]:
        del state.members["large"][each]
    directory.show(state)
    run = directory.sync()
    assert (run.state, run.why) == (
        SyncState.PARKED,
        "30 of 50 members of Group large would end; more than 50 % wait for a person.",
    )
    assert work(directory) == []


def test_a_read_that_would_end_what_is_protected_waits(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    state = small()
    del state.accounts["eve"]
    directory.show(state)

    def protected(reading: Reading, accounts: object, groups: object) -> list[str]:
        assert groups == []
        names = reading.session.scalars(
            sa.select(Account.login).where(Account.id.in_(accounts))  # type: ignore[arg-type]
        )
        return [f"{each} (break glass)" for each in names]

    with directory.tx.write() as uow:
        run = service.request_sync(uow, source_name="corp", is_enqueued=False).public_id
    syncing.run_sync(
        directory.tx, directory.connect, directory.seal, {"run": run}, protected=protected
    )
    with directory.tx.read() as reading:
        found = queries.show_run(reading, run)
    assert (found.state, found.why) == (
        SyncState.PARKED,
        "What is protected would end: eve (break glass).",
    )
