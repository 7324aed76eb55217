"""Reading a source into the store: equal to what the source shows, and nothing but that."""

import re

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.directory import service, syncing
from app.directory.domain import Provenance, SyncState
from app.directory.models import (
    Account,
    Closure,
    Group,
    Identity,
    Membership,
    Nesting,
    ParkedRead,
    Source,
)
from app.events import IdentitiesCorrelated
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import ConflictError, NotPermittedError
from app.kernel.ledger import LedgerEntry
from connectors.memory.state import State
from connectors.records import AccountKind, MemberKind
from integration.directory.conftest import Directory
from integration.directory.states import ODD, account, crowd, group, nested, people, small


def open_pairs(directory: Directory) -> set[tuple[str, str]]:
    rows = directory.rows(
        sa.select(Group.external_id, Account.external_id)
        .select_from(Membership)
        .join(Group, Group.id == Membership.group_id)
        .join(Account, Account.id == Membership.account_id)
        .where(Membership.valid_to.is_(None))
    )
    assert len(rows) == len(set(rows))
    return set(rows)


def shown_pairs(state: State) -> set[tuple[str, str]]:
    return {
        (group_id, each.external_id)
        for group_id, found in state.members.items()
        for each in found.values()
        if each.kind is MemberKind.ACCOUNT
    }


def writes(statements: list[str]) -> list[str]:
    """Return what is written, also where one statement writes more than one table."""
    found: list[str] = []
    for each in statements:
        if not each.lstrip().startswith(("SELECT", "BEGIN")):
            parts = re.findall(r"INSERT INTO \w+|UPDATE \w+ SET|DELETE FROM \w+", each)
            found += parts or [" ".join(each.split()[:3])]
    return found


def test_after_a_sync_the_store_shows_what_the_source_shows(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    run = directory.sync()
    assert run.state is SyncState.COMPLETE
    assert run.is_baseline
    assert run.counts["memberships"] == 3
    assert open_pairs(directory) == shown_pairs(small())
    stored = directory.rows(sa.select(Account.external_id, Account.is_enabled, Account.login))
    assert sorted(stored) == [("alice", True, "alice"), ("bob", True, "bob"), ("eve", False, "eve")]
    assert directory.rows(sa.select(sa.func.count()).select_from(Nesting)) == [(1,)]


def test_a_large_first_read_is_looked_through_at_its_end_and_stores_the_same(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "MANY", 2)
    for source, state in (("corp", small()), ("branch", crowd(5))):
        directory.show(state, source)
        directory.add(source)
        directory.statements.clear()
        directory.sync(source)
        is_sqlite = directory.tx.database.engine.dialect.name == "sqlite"
        assert directory.statements.count("PRAGMA foreign_keys=OFF") == is_sqlite
    assert open_pairs(directory) == shown_pairs(small()) | shown_pairs(crowd(5))
    directory.statements.clear()
    directory.sync()
    assert "PRAGMA foreign_keys=OFF" not in directory.statements


def test_the_baseline_is_told_group_by_group_and_imported_at_start(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    directory.sync()
    assert directory.kinds() == [
        "source.added",
        "directory.accounts_loaded",
        "directory.group_loaded",
        "directory.group_loaded",
        "identity.correlated",
        "directory.synced",
    ]
    provenances = {row[0] for row in directory.rows(sa.select(Membership.provenance))}
    assert provenances == {Provenance.IMPORTED_AT_START}


def test_a_sync_that_shows_nothing_new_writes_its_run_and_one_entry_only(
    directory: Directory,
) -> None:
    directory.show(crowd(300))
    directory.add()
    directory.sync()
    before = directory.kinds()
    directory.statements.clear()
    run = directory.sync()
    assert run.state is SyncState.COMPLETE
    sent = [each for each in directory.statements if not each.startswith("BEGIN")]
    asked_for = next(place for place, each in enumerate(sent) if each.startswith("INSERT"))
    assert len(sent[asked_for + 1 : -1]) <= 10, sent  # but for asking, and for looking at its end
    assert directory.kinds() == [*before, "directory.synced"]
    assert writes(directory.statements) == [
        "INSERT INTO directory_sync_run",
        "UPDATE directory_sync_run SET",
        "INSERT INTO ledger_entry",
        "INSERT INTO ledger_pending",
    ]


def test_the_statements_of_a_sync_do_not_grow_with_its_rows(directory: Directory) -> None:
    counts = []
    for source, size in (("few", 20), ("many", 2000)):
        directory.show(crowd(size), source)
        directory.add(source)
        directory.statements.clear()
        directory.sync(source)
        counts.append(len([s for s in directory.statements if "ledger_entry" not in s]))
    assert counts[1] <= counts[0] + 2


def test_later_changes_have_one_entry_each(directory: Directory) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    before = directory.kinds()
    del state.members["staff"]["alice"]
    state.add([account("carol"), replace(state.accounts["eve"], title="Gone")])
    state.add(members={"admins": people("carol")})
    directory.show(state)
    run = directory.sync()
    assert sorted(directory.kinds()[len(before) :]) == [
        "account.appeared",
        "account.changed",
        "directory.synced",
        "identity.correlated",
        "membership.appeared",
        "membership.ended",
    ]
    assert (run.counts["memberships_appeared"], run.counts["memberships_ended"]) == (1, 1)
    assert open_pairs(directory) == shown_pairs(state)
    found = directory.rows(sa.select(Membership.provenance).where(Membership.run_from == run.id))
    assert found == [(Provenance.OBSERVED,)]


def test_an_account_that_is_gone_ends_with_its_memberships_and_can_come_back(
    directory: Directory,
) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    gone = State().add([state.accounts["bob"], state.accounts["eve"]], state.groups.values())
    gone.add(members={"staff": people("bob"), "admins": people("bob")})
    directory.show(gone)
    directory.sync()
    assert open_pairs(directory) == {("staff", "bob"), ("admins", "bob")}
    ended = sa.select(Account.ended_at).where(Account.external_id == "alice")
    assert directory.rows(ended)[0][0] is not None
    directory.show(state)
    directory.sync()
    assert directory.rows(ended) == [(None,)]
    assert open_pairs(directory) == shown_pairs(state)
    count = sa.select(sa.func.count()).select_from(Account)
    assert directory.rows(count) == [(3,)]
    assert directory.rows(sa.select(sa.func.count()).select_from(Identity)) == [(3,)]


@pytest.mark.parametrize("way", ["network", "truncated"])
def test_a_read_that_breaks_off_changes_nothing_but_its_own_record(
    directory: Directory, way: str
) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    before = open_pairs(directory)
    directory.set(breaks=way)
    state.add([account("carol")], members={"admins": people("carol")})
    state.members["staff"].clear()
    directory.show(state)
    run = directory.sync()
    assert run.state is SyncState.INCOMPLETE
    assert run.why
    assert open_pairs(directory) == before
    assert len(directory.rows(sa.select(Account.id))) == 3
    assert directory.kinds()[-1] == "directory.sync_incomplete"


def test_a_source_that_is_not_there_fails_in_one_sentence(directory: Directory) -> None:
    directory.add()
    run = directory.sync()
    assert run.state is SyncState.FAILED
    assert "no state file" in (run.why or "")
    assert directory.kinds() == ["source.added", "directory.sync_failed"]


def test_a_first_read_without_any_account_is_no_baseline(directory: Directory) -> None:
    directory.show(State().add(groups=[group("staff")]))
    directory.add()
    run = directory.sync()
    assert run.state is SyncState.INCOMPLETE
    assert directory.rows(sa.select(Source.baseline_run_id)) == [(None,)]


def test_rings_of_groups_are_followed_once(directory: Directory) -> None:
    state = State().add(
        [account("alice")],
        [group("a"), group("b"), group("c")],
        {"a": nested("b"), "b": nested("c"), "c": [*nested("a"), *people("alice")]},
    )
    directory.show(state)
    directory.add()
    directory.sync()
    assert len(directory.rows(sa.select(Closure.depth))) == 6
    del state.members["c"]["a"]
    directory.show(state)
    directory.sync()
    assert sorted(directory.rows(sa.select(Closure.depth))) == [(1,), (1,), (2,)]


def test_a_mass_end_waits_for_a_person_who_accepts_it(directory: Directory) -> None:
    state = crowd(200)
    directory.show(state)
    directory.add()
    directory.sync()
    for key in list(state.members["all"])[:60]:
        del state.members["all"][key]
    directory.show(state)
    run = directory.sync()
    assert run.state is SyncState.PARKED
    assert run.counts["memberships_ended"] == 60
    assert "60 of 200 memberships" in (run.why or "")
    assert len(open_pairs(directory)) == 200
    with directory.tx.write() as uow:
        accepted = service.accept_run(uow, run_id=run.public_id)
    assert accepted.state is SyncState.ACCEPTED
    assert open_pairs(directory) == shown_pairs(state)
    assert directory.rows(sa.select(ParkedRead.run_id)) == []
    about = sa.select(LedgerEntry.kind).where(LedgerEntry.subject == run.public_id)
    assert [kind for (kind,) in directory.rows(about.order_by(LedgerEntry.id))] == [
        "directory.sync_parked",
        "directory.sync_accepted",
        "directory.synced",
    ]


def test_a_refused_run_leaves_everything_as_it_was(directory: Directory) -> None:
    directory.show(crowd(200))
    directory.add()
    directory.sync()
    directory.show(crowd(100))
    run = directory.sync()
    assert "100 of 200 accounts" in (run.why or "")
    with directory.tx.write() as uow:
        assert service.refuse_run(uow, run_id=run.public_id).state is SyncState.REFUSED
    assert len(open_pairs(directory)) == 200
    with pytest.raises(ConflictError), directory.tx.write() as uow:
        service.accept_run(uow, run_id=run.public_id)


def test_a_parked_run_that_was_overtaken_cannot_be_accepted(directory: Directory) -> None:
    directory.show(crowd(200))
    directory.add()
    directory.sync()
    directory.show(crowd(100))
    parked = directory.sync()
    directory.show(crowd(199))
    assert directory.sync().state is SyncState.COMPLETE
    with pytest.raises(ConflictError, match="newer run"), directory.tx.write() as uow:
        service.accept_run(uow, run_id=parked.public_id)


def test_a_change_of_scope_waits_and_then_belongs_to_the_baseline(directory: Directory) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    state.add([account("carol")], members={"staff": people("carol")})
    directory.show(state)
    directory.set(flavour="okta")
    run = directory.sync()
    assert run.state is SyncState.PARKED
    with directory.tx.write() as uow:
        service.accept_run(uow, run_id=run.public_id)
    found = directory.rows(sa.select(Membership.provenance).where(Membership.run_from == run.id))
    assert found == [(Provenance.IMPORTED_AT_START,)]
    assert directory.sync().state is SyncState.COMPLETE


def test_a_dry_run_keeps_the_difference_for_a_person(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    run = directory.sync(dry_run=True)
    assert run.state is SyncState.PARKED
    assert open_pairs(directory) == set()
    with directory.tx.write() as uow:
        assert service.accept_run(uow, run_id=run.public_id).is_baseline
    assert open_pairs(directory) == shown_pairs(small())


def test_odd_names_arrive_as_they_are(directory: Directory) -> None:
    directory.show(
        State().add([account("x", display_name=ODD)], [group("g", name=ODD)], {"g": people("x")})
    )
    directory.add()
    directory.sync()
    assert directory.rows(sa.select(Account.display_name)) == [(ODD,)]
    assert directory.rows(sa.select(Group.name)) == [(ODD,)]
    assert directory.sync().counts["groups_changed"] == 0


def test_a_mirrored_group_and_a_ruled_one_say_why_their_members_are_in(
    directory: Directory,
) -> None:
    state = State().add(
        [account("alice")],
        [group("m", master_id="guid-1", is_writable=False), group("r", rule="by department")],
        {"m": people("alice"), "r": people("alice")},
    )
    directory.show(state)
    directory.add()
    directory.sync()
    found = {row[0] for row in directory.rows(sa.select(Membership.provenance))}
    assert found == {Provenance.MIRRORED, Provenance.RULE}


def test_two_sources_know_the_same_people_by_number_then_by_mail(directory: Directory) -> None:
    directory.show(small())
    directory.show(
        State().add(
            [
                account("okta-alice", employee_number="E-alice", mail="other@corp.example"),
                account("okta-bob", employee_number=None, mail="BOB@corp.example"),
                account("svc", kind=AccountKind.SERVICE, employee_number=None),
            ]
        ),
        "cloud",
    )
    directory.add()
    directory.add("cloud")
    directory.sync()
    directory.sync("cloud")
    found = dict(
        directory.rows(
            sa.select(Account.external_id, Identity.display_name).join(
                Identity, Identity.id == Account.identity_id
            )
        )
    )
    assert found == {
        "alice": "Alice",
        "bob": "Bob",
        "eve": "Eve",
        "okta-alice": "Alice",
        "okta-bob": "Bob",
        "svc": "Svc",
    }
    rules = dict(directory.rows(sa.select(Account.external_id, Account.correlation_rule)))
    assert (rules["okta-alice"], rules["okta-bob"], rules["svc"]) == (
        "employee_number",
        "mail",
        "own",
    )
    boss = sa.orm.aliased(Identity)
    managers = sa.select(boss.display_name).join(Identity, Identity.manager_id == boss.id)
    assert directory.rows(managers) == [("Bob",)]


def test_a_membership_read_back_keeps_its_reason_through_every_sync(directory: Directory) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    keys = dict(directory.rows(sa.select(Account.external_id, Account.id)))
    groups = dict(directory.rows(sa.select(Group.external_id, Group.id)))
    with directory.tx.write() as uow:
        service.observe_membership(
            uow,
            account_id=keys["alice"],
            group_id=groups["admins"],
            is_present=True,
            provenance=Provenance.REQUEST,
            ref="grant-1",
            at=uow.now,
        )
    state.add(members={"admins": people("alice")})
    directory.show(state)
    run = directory.sync()
    assert run.counts["memberships_appeared"] == 0
    found = directory.rows(
        sa.select(Membership.provenance, Membership.provenance_ref).where(
            Membership.group_id == groups["admins"], Membership.account_id == keys["alice"]
        )
    )
    assert found == [(Provenance.REQUEST, "grant-1")]
    assert directory.sync().state is SyncState.COMPLETE


def test_what_was_read_back_after_the_read_began_is_not_undone_by_it(directory: Directory) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    keys = dict(directory.rows(sa.select(Account.external_id, Account.id)))
    groups = dict(directory.rows(sa.select(Group.external_id, Group.id)))
    parked = directory.sync(dry_run=True)
    with directory.tx.write() as uow:
        later = directory.clock.now() + (directory.clock.now() - parked.begun_at)
        at = max(later, parked.begun_at.replace(microsecond=1))
        for is_present, who, where in ((True, "alice", "admins"), (False, "alice", "staff")):
            service.observe_membership(
                uow,
                account_id=keys[who],
                group_id=groups[where],
                is_present=is_present,
                provenance=Provenance.REQUEST,
                ref="grant-1",
                at=at,
            )
    with directory.tx.write() as uow:
        service.accept_run(uow, run_id=parked.public_id)
    assert ("admins", "alice") in open_pairs(directory)
    assert ("staff", "alice") not in open_pairs(directory)
    directory.sync(full=True)
    assert open_pairs(directory) == shown_pairs(state)


def test_rows_that_disagree_with_their_digest_are_found_told_and_mended_by_a_full_read(
    directory: Directory,
) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    directory.sync(full=True)
    with directory.tx.write() as uow:
        alice = sa.select(Account.id).where(Account.external_id == "alice").scalar_subquery()
        uow.session.execute(sa.delete(Membership).where(Membership.account_id == alice))
        uow.record(IdentitiesCorrelated(subject="x", appeared=0, changed=0, linked=0, rules=1))
    directory.sync()
    assert ("staff", "alice") not in open_pairs(directory)
    told = directory.sync(full=True).problems
    assert [(each["code"], each["about"]) for each in told] == [("digest_disagrees", "staff")]
    assert open_pairs(directory) == shown_pairs(state)
    assert directory.sync(full=True).problems == []


def test_an_auditor_may_neither_start_nor_accept_a_run(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    run = directory.sync(dry_run=True)
    dana = Actor(kind=ActorKind.PERSON, public_id="dana", roles=frozenset({Role.AUDITOR}))
    with pytest.raises(NotPermittedError), directory.tx.write(dana) as uow:
        service.request_sync(uow, source_name="corp")
    with pytest.raises(NotPermittedError), directory.tx.write(dana) as uow:
        service.accept_run(uow, run_id=run.public_id)
