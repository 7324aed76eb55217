"""Whatever happens to a source, and however it is read: the store ends equal to its truth.

Changes, whole reads, deltas, broken reads and unreadable groups come in any order. Afterwards one
good read leaves the store as the source is; and each moment that was good shows later, looked back
to, exactly what it showed then.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.directory import queries
from app.directory.domain import SyncState
from app.directory.models import Account, Group, Identity, Membership, Nesting
from app.directory.queries import moment
from app.kernel.clock import MovingClock
from app.kernel.db import Base, Database, engine_options, prepare
from app.kernel.ids import RandomIds
from app.kernel.jobs import InlineJobs
from app.kernel.sealed import SealKey
from app.kernel.uow import Transactions
from app.web.paging import Window
from connectors.memory.state import State
from connectors.records import Member, MemberKind
from integration.directory.conftest import Directory
from integration.directory.states import account, group

PEOPLE = ("ann", "ben", "cat", "dan")
GROUPS = ("g1", "g2", "g3")
GHOST = "ghost"  # a member that no list of accounts shows
Step = tuple[str, ...]
Named = dict[str, tuple[str, bool, str | None]]
Shown = tuple[dict[str, tuple[Any, ...]], dict[str, str], set[tuple[str, str]]]

someone = st.sampled_from(PEOPLE)
somewhere = st.sampled_from(GROUPS)
member = st.sampled_from((*PEOPLE, *GROUPS, GHOST))
CHANGES = st.one_of(
    st.tuples(st.just("put"), somewhere, member),
    st.tuples(st.just("take"), somewhere, member),
    st.tuples(st.just("drop"), someone),
    st.tuples(st.just("make"), someone),
    st.tuples(st.just("drop group"), somewhere),
    st.tuples(st.just("make group"), somewhere),
    st.tuples(st.just("rename"), someone, st.sampled_from(("X", "Y", "Zoë 🦊"))),
    st.tuples(st.just("disable"), someone),
    st.tuples(st.just("rename group"), somewhere, st.sampled_from(("One", "Two"))),
    st.tuples(st.just("show ghost")),
)
READS = st.one_of(
    st.tuples(st.just("delta")),
    st.tuples(st.just("whole")),
    st.tuples(st.just("broken"), st.sampled_from(("network", "truncated", "forgetful"))),
    st.tuples(st.just("unreadable"), somewhere, st.sampled_from(("delta", "whole"))),
)
STEPS = st.lists(st.one_of(CHANGES, CHANGES, READS), min_size=4, max_size=30)


def change(state: State, step: Step) -> None:
    """Do one thing to the source; what makes no sense there does nothing."""
    what, *about = step
    if what in ("put", "take"):
        change_member(state, what, *about)
    elif what.endswith("group"):
        change_group(state, what, *about)
    else:
        change_account(state, what, *about)


def change_member(state: State, what: str, where: str, who: str) -> None:
    if what == "take":
        state.members.get(where, {}).pop(who, None)
    elif where in state.groups and where != who:
        kind = MemberKind.GROUP if who in GROUPS else MemberKind.ACCOUNT
        state.members[where][who] = Member(who, kind)


def change_group(state: State, what: str, which: str, name: str = "") -> None:
    if what == "drop group":
        state.groups.pop(which, None)
        state.members.pop(which, None)
    elif what == "make group" and which not in state.groups:
        state.add(groups=[group(which)])
    elif what == "rename group" and which in state.groups:
        state.groups[which] = replace(state.groups[which], name=name)


def change_account(state: State, what: str, who: str = GHOST, name: str = "") -> None:
    found = state.accounts.get(who)
    if what == "drop" and len(state.accounts) > 1:
        state.accounts.pop(who, None)
    elif what in ("make", "show ghost") and found is None:
        state.add([account(who)])
    elif what == "rename" and found is not None:
        state.accounts[who] = replace(found, display_name=name, login=name.lower())
    elif what == "disable" and found is not None:
        state.accounts[who] = replace(found, is_enabled=False, status="disabled")


def truth(state: State) -> Shown:
    """What a source shows: people, groups, and which of them is in which group."""
    inside = {
        (group_id, each.external_id)
        for group_id, found in state.members.items()
        for each in found.values()
        if each.external_id in (state.groups if each.kind is MemberKind.GROUP else state.accounts)
    }
    people = {
        key: (each.display_name, each.login, each.is_enabled, each.status)
        for key, each in state.accounts.items()
    }
    return people, {key: each.name for key, each in state.groups.items()}, inside


def stored(directory: Directory, as_of: datetime | None = None) -> Shown:
    """The same, as the store shows it now, or at a moment."""
    child = sa.orm.aliased(Group)
    with directory.tx.read() as reading:
        inside = {
            (row[0], row[1])
            for statement in (
                sa.select(Group.external_id, Account.external_id)
                .select_from(Membership)
                .join(Group, Group.id == Membership.group_id)
                .join(Account, Account.id == Membership.account_id)
                .where(moment.held(Membership, as_of)),
                sa.select(Group.external_id, child.external_id)
                .select_from(Nesting)
                .join(Group, Group.id == Nesting.parent_id)
                .join(child, child.id == Nesting.child_id)
                .where(moment.held(Nesting, as_of)),
            )
            for row in reading.session.execute(statement)
        }
        people = {}
        for key in reading.session.scalars(sa.select(Identity.id)):
            for each in queries.accounts_of(reading, key, as_of=as_of):
                assert each.external_id not in people, "an account is somebody's once"
                people[each.external_id] = (each.name, each.login, each.is_enabled, each.status)
        listed = queries.list_groups(reading, Window(limit=100), as_of=as_of).items
    return people, {each.external_id: each.name for each in listed}, inside


def named(directory: Directory, as_of: datetime | None = None) -> Named:
    """What the identities are, or were, called, and whether they are active."""
    with directory.tx.read() as reading:
        found = queries.list_identities(reading, Window(limit=100), as_of=as_of).items
    return {each.id: (each.name, each.is_active, each.mail) for each in found}


@dataclass
class World:
    """A source, the directory that reads it, and what was true at each good moment."""

    directory: Directory
    state: State = field(default_factory=State)
    moments: list[tuple[datetime, Shown, Named]] = field(default_factory=list)

    def begin(self, flavour: str) -> None:
        self.state.add([account(each) for each in PEOPLE[:3]], [group("g1"), group("g2")])
        change(self.state, ("put", "g1", "ann"))
        change(self.state, ("put", "g1", GHOST))
        self.directory.show(self.state)
        self.directory.add(flavour=flavour, unreadable="")
        self.read(self.directory.sync)

    def read(self, sync: Callable[[], Any]) -> None:
        run = sync()
        shown = stored(self.directory)
        if run.state is SyncState.COMPLETE:
            assert shown == truth(self.state), run.problems
        if self.moments:  # what is stored is never undone by what was not
            people = shown[0]
            assert people == (truth(self.state)[0] if run.is_stored else self.moments[-1][1][0])
        self.moments.append((self.directory.clock.now(), shown, named(self.directory)))

    def take(self, step: Step) -> None:
        what, *about = step
        if what in ("delta", "whole"):
            self.read(lambda: self.directory.sync(full=what == "whole"))
        elif what == "broken":
            self.directory.set(breaks=about[0])
            self.read(self.directory.sync)
            self.directory.set(breaks="")
        elif what == "unreadable":
            self.directory.set(unreadable=about[0])
            self.read(lambda: self.directory.sync(full=about[1] == "whole"))
            self.directory.set(unreadable="")
        else:
            change(self.state, step)
            self.directory.show(self.state)


def play(engine: sa.Engine, home: Path, flavour: str, steps: list[Step]) -> None:
    clock = MovingClock(datetime.fromisoformat("2026-03-02T08:00:00+00:00"))
    tx = Transactions(Database(engine), clock, RandomIds(clock), InlineJobs())
    seal = SealKey.from_file(home / "seal.key", create=True)
    world = World(Directory(tx, clock, seal, home))
    world.begin(flavour)
    for step in steps:
        world.take(step)
    world.read(lambda: world.directory.sync(full=any(each[0] == "unreadable" for each in steps)))
    assert stored(world.directory) == truth(world.state)
    check = world.directory.sync(full=True)
    assert {name: count for name, count in check.counts.items() if "_" in name and count} == {}
    for at, shown, names in world.moments:
        assert stored(world.directory, at) == shown, at
        assert named(world.directory, at) == names, at


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "store.db"
    engine = opened(path)
    Base.metadata.create_all(engine)
    engine.dispose()
    return path


def opened(path: Path) -> sa.Engine:
    url = f"sqlite:///{path}"
    engine = sa.create_engine(url, **engine_options(url))
    prepare(engine)
    return engine


def played(empty: Path, flavour: str, steps: list[Step]) -> None:
    with TemporaryDirectory() as name:
        engine = opened(Path(shutil.copy(empty, name)))
        try:
            play(engine, Path(name), flavour, steps)
        finally:
            engine.dispose()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(flavour=st.sampled_from(("directory", "okta")), steps=STEPS)
def test_the_store_ends_equal_to_the_source_and_remembers_each_moment(
    empty: Path, flavour: str, steps: list[Step]
) -> None:
    played(empty, flavour, steps)


@pytest.mark.slow
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(flavour=st.sampled_from(("directory", "okta")), steps=STEPS)
def test_the_same_over_many_more_interleavings(
    empty: Path, flavour: str, steps: list[Step]
) -> None:
    played(empty, flavour, steps)
