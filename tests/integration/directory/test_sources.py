"""Sources: connected strictly, tried, changed, disabled, taken out."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.directory import queries, service, syncing
from app.directory.domain import SyncState
from app.directory.models import Account, Closure, Group, Identity, Membership, Source
from app.events import SourceChecked
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.sealed import SealError, SealKey
from connectors.errors import MisconfiguredError
from integration.directory.conftest import Directory
from integration.directory.states import account, nested, small

DANA = Actor(kind=ActorKind.PERSON, public_id="dana", roles=frozenset({Role.AUDITOR}))


def test_an_unknown_key_is_refused_by_name_with_those_there_are(directory: Directory) -> None:
    with pytest.raises(InvalidInputError) as refused:
        directory.add(colour="blue")
    assert refused.value.fields[0].field == "colour"
    assert "path" in refused.value.fields[0].message
    assert directory.kinds() == []


def test_an_unknown_kind_is_refused_with_those_there_are(directory: Directory) -> None:
    with pytest.raises(InvalidInputError, match="memory"), directory.tx.write() as uow:
        service.add_source(uow, directory.seal, name="x", kind="fax", settings={}, secrets={})


def test_a_name_is_taken_once_and_for_ever(directory: Directory) -> None:
    directory.add()
    with pytest.raises(ConflictError):
        directory.add()
    with directory.tx.write() as uow:
        service.remove_source(uow, name="corp")
    with pytest.raises(ConflictError):
        directory.add()


def test_setting_what_is_set_already_changes_nothing(directory: Directory) -> None:
    directory.add()
    directory.set(flavour="okta")
    with pytest.raises(NothingToChangeError):
        directory.set(flavour="okta")
    directory.set(flavour="")
    settings = directory.rows(sa.select(Source.settings))[0][0]
    assert set(settings) == {"path"}


def test_secrets_are_sealed_for_their_source_and_opened_only_with_the_key(
    directory: Directory, tmp_path: Path
) -> None:
    with directory.tx.write() as uow:
        service.add_source(
            uow,
            directory.seal,
            name="ad",
            kind="active_directory",
            settings={
                "uri": "ldaps://dc.corp.example",
                "base_dn": "DC=corp,DC=example",
                "bind_dn": "CN=reader,DC=corp,DC=example",
            },
            secrets={"password": "tell nobody"},
        )
    ((key, sealed, settings),) = directory.rows(
        sa.select(Source.id, Source.sealed_secrets, Source.settings)
    )
    assert b"tell nobody" not in sealed
    assert "password" not in settings
    stranger = SealKey.from_file(tmp_path / "other.key", create=True)
    with directory.tx.read() as reading:
        assert queries.connection(reading, key, directory.seal)[2] == {"password": "tell nobody"}
        with pytest.raises(SealError):
            queries.connection(reading, key, stranger)


def test_a_check_notes_the_account_the_source_is_reached_with(directory: Directory) -> None:
    state = small()
    state.own_account_id = "bob"
    directory.show(state)
    directory.add()
    report = service.check_source(directory.tx, directory.connect, directory.seal, name="corp")
    assert report.is_usable
    assert directory.rows(sa.select(Source.own_account_external_id)) == [("bob",)]


def test_a_check_that_cannot_reach_the_source_changes_nothing(directory: Directory) -> None:
    directory.add()
    before = directory.kinds()
    with pytest.raises(MisconfiguredError, match="state file"):
        service.check_source(directory.tx, directory.connect, directory.seal, name="corp")
    assert directory.kinds() == before


def test_the_first_read_learns_the_own_account_without_a_check(directory: Directory) -> None:
    state = small()
    state.own_account_id = "bob"
    directory.show(state)
    directory.add()
    directory.sync()
    assert directory.rows(sa.select(Source.own_account_external_id)) == [("bob",)]


def test_a_disabled_source_is_not_read_until_it_is_set_again(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    with directory.tx.write() as uow:
        service.disable_source(uow, name="corp")
    with pytest.raises(ConflictError, match="disabled"):
        directory.sync()
    directory.set(flavour="directory")
    assert directory.sync().state is SyncState.COMPLETE


def test_a_removed_source_ends_what_it_showed_and_keeps_its_history(directory: Directory) -> None:
    state = small()
    state.members["admins"].update({each.external_id: each for each in nested("staff")})
    directory.show(state)
    directory.add()
    directory.sync()
    with directory.tx.write() as uow:
        service.remove_source(uow, name="corp")
    for table in (Account, Group, Identity):
        assert directory.rows(sa.select(table.id).where(table.ended_at.is_(None))) == []
    ended = directory.rows(sa.select(Membership.valid_to))
    assert len(ended) == 3
    assert all(row[0] is not None for row in ended)
    assert directory.rows(sa.select(Closure.depth)) == []
    with pytest.raises(NotFoundError, match="source add"):
        directory.sync()


def test_two_runs_of_a_source_are_never_under_way_at_once(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    with directory.tx.write() as uow:
        first = service.request_sync(uow, source_name="corp").public_id
    with pytest.raises(ConflictError, match=first):
        directory.sync()


def test_a_run_whose_process_is_gone_is_given_up_and_stores_nothing_later(
    directory: Directory,
) -> None:
    directory.show(small())
    directory.add()
    with directory.tx.write() as uow:
        lost = service.request_sync(uow, source_name="corp").public_id
    with directory.tx.write() as uow:
        assert service.refuse_run(uow, run_id=lost).state is SyncState.FAILED
    syncing.run_sync(directory.tx, directory.connect, directory.seal, {"run": lost})
    assert directory.rows(sa.select(Account.id)) == []
    assert directory.sync().state is SyncState.COMPLETE


def test_a_run_of_long_ago_that_never_ended_does_not_stand_in_the_way(
    directory: Directory,
) -> None:
    directory.show(small())
    directory.add()
    with directory.tx.write() as uow:
        service.request_sync(uow, source_name="corp")
    directory.clock.advance(timedelta(hours=7))
    assert directory.sync().state is SyncState.COMPLETE
    assert "directory.sync_failed" in directory.kinds()


def test_an_auditor_cannot_add_change_check_or_remove_a_source(directory: Directory) -> None:
    directory.show(small())
    directory.add()
    for refused in (service.disable_source, service.remove_source):
        with pytest.raises(NotPermittedError), directory.tx.write(DANA) as uow:
            refused(uow, name="corp")
    with pytest.raises(NotPermittedError), directory.tx.write(DANA) as uow:
        service.add_source(uow, directory.seal, name="x", kind="memory", settings={}, secrets={})
    with pytest.raises(NotPermittedError), directory.tx.write(DANA) as uow:
        service.set_source(uow, directory.seal, name="corp", settings={}, secrets={})
    with pytest.raises(NotPermittedError):
        service.check_source(
            directory.tx, directory.connect, directory.seal, name="corp", actor=DANA
        )


def test_a_read_back_disabling_is_known_at_once_and_the_next_read_agrees(
    directory: Directory,
) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    key = directory.rows(sa.select(Account.id).where(Account.external_id == "alice"))[0][0]
    with directory.tx.write() as uow:
        service.observe_account(uow, account_id=key, is_enabled=False, status="disable_account")
    active = sa.select(Identity.is_active).where(Identity.display_name == "Alice")
    assert directory.rows(active) == [(False,)]
    state.add([replace(state.accounts["alice"], is_enabled=False, status="disabled")])
    directory.show(state)
    run = directory.sync()
    assert run.counts["accounts_changed"] == 1
    shown = sa.select(Account.is_enabled, Account.status).where(Account.id == key)
    assert directory.rows(shown) == [(False, "disabled")]
    assert directory.sync().counts["accounts_changed"] == 0


def test_a_read_begun_before_a_disabling_does_not_undo_it(directory: Directory) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    key = directory.rows(sa.select(Account.id).where(Account.external_id == "alice"))[0][0]
    state.add([account("carol")])
    directory.show(state)
    parked = directory.sync(dry_run=True)
    directory.clock.advance(timedelta(minutes=1))
    with directory.tx.write() as uow:
        service.observe_account(uow, account_id=key, is_enabled=False, status="disable_account")
    with directory.tx.write() as uow:
        service.accept_run(uow, run_id=parked.public_id)
    enabled = sa.select(Account.is_enabled).where(Account.id == key)
    assert directory.rows(enabled) == [(False,)]


def test_who_left_by_word_of_hr_is_not_made_active_by_a_change_of_title(
    directory: Directory,
) -> None:
    state = small()
    directory.show(state)
    directory.add()
    directory.sync()
    wanted = sa.select(Identity).where(Identity.display_name == "Alice")
    with directory.tx.write() as uow:
        uow.session.scalars(wanted).one().is_active = False
        uow.record(SourceChecked(subject="alice", is_usable=True))
    state.add([replace(state.accounts["alice"], title="Chief")])
    directory.show(state)
    directory.sync()
    active = sa.select(Identity.is_active, Identity.title).where(Identity.display_name == "Alice")
    assert directory.rows(active) == [(False, "Chief")]
    state.add([replace(state.accounts["alice"], is_enabled=False)])
    directory.show(state)
    directory.sync()
    state.add([replace(state.accounts["alice"], is_enabled=True)])
    directory.show(state)
    directory.sync()
    assert directory.rows(active) == [(True, "Chief")]
