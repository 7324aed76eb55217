"""What a person says of an account: whose it is, what it is for; on both stores."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app import events
from app.directory import queries, service
from app.directory.domain import AccountType, CaseState
from app.directory.matching import DEFAULT_RULES, Field, Rule
from app.directory.models import Account, Identity, Membership, Source
from app.directory.queries import Only
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.kernel.ledger import LedgerEntry
from app.web.paging import Window
from connectors.memory.state import State
from connectors.records import AccountKind
from integration.directory.conftest import Directory
from integration.directory.states import account, group, people

RULES = (*DEFAULT_RULES, Rule(Field.LOGIN, Field.LOGIN, 60, strip_prefix="adm-"))


@pytest.fixture
def house(directory: Directory) -> Directory:
    """Alice and Bob, and an account that may be Alice's."""
    spare = account("adm-alice", mail=None, employee_number=None, display_name="Alice (admin)")
    box = account("info", mail="info@corp.example", employee_number=None)
    directory.show(
        State().add(
            [account("alice"), account("bob"), spare, box],
            [group("staff")],
            {"staff": people("alice", "adm-alice")},
        )
    )
    directory.add()
    directory.sync()
    with directory.tx.write() as uow:
        service.set_correlation(uow, rules=RULES, version=0)
    return directory


def ids(directory: Directory) -> dict[str, str]:
    return dict(directory.rows(sa.select(Account.login, Account.public_id)))


def holder(directory: Directory, login: str) -> Identity:
    chosen = sa.select(Identity).join(Account, Account.identity_id == Identity.id)
    ((found,),) = directory.rows(chosen.where(Account.login == login))
    assert isinstance(found, Identity)
    return found


def line(directory: Directory, login: str) -> queries.AccountLine:
    with directory.tx.read() as reading:
        return queries.show_account(reading, ids(directory)[login])


def open_case(directory: Directory) -> queries.CaseRow:
    with directory.tx.read() as reading:
        (found,) = queries.list_cases(reading, Window()).items
        return found


def logins(directory: Directory, only: Only) -> set[str]:
    with directory.tx.read() as reading:
        return {each.login for each in queries.list_accounts(reading, Window(), only=only).items}


def selects(directory: Directory) -> list[str]:
    return [each for each in directory.statements if each.startswith("SELECT")]


def test_what_is_in_doubt_is_a_case_that_stays_until_a_person_decides(house: Directory) -> None:
    case = open_case(house)
    assert (case.code, case.account.login) == ("near_match", "adm-alice")
    assert [each.name for each in case.candidates] == ["Alice"]
    house.show(house.state().add([account("carol")], [], {}))
    house.sync(full=True)
    assert open_case(house).id == case.id


def test_a_settled_case_ties_the_account_whatever_a_read_shows(house: Directory) -> None:
    case = open_case(house)
    alice = holder(house, "alice")
    with house.tx.write() as uow:
        service.settle_case(
            uow,
            case_id=case.id,
            version=case.version,
            outcome=CaseState.LINKED,
            identity=alice.public_id,
            reason="Her badge says so",
        )
    told = line(house, "adm-alice")
    assert (told.identity, told.rule, told.confidence) == (alice.public_id, "hand", 100)
    changed = replace(house.state().accounts["adm-alice"], mail="bob@corp.example")
    house.show(house.state().add([changed], [], {}))
    house.sync(full=True)
    assert line(house, "adm-alice").identity == alice.public_id
    with house.tx.write() as uow, pytest.raises(ConflictError):
        service.settle_case(
            uow, case_id=case.id, version=case.version, outcome=CaseState.OWN, reason="no, own"
        )
    kinds = [row[0] for row in house.rows(sa.select(LedgerEntry.kind))]
    assert {"correlation.case_settled", "account.tied", "correlation.rules_set"} <= set(kinds)


def test_none_of_them_is_remembered_and_asked_no_more(house: Directory) -> None:
    case = open_case(house)
    with house.tx.write() as uow:
        service.settle_case(
            uow,
            case_id=case.id,
            version=case.version,
            outcome=CaseState.NOT_SAME,
            reason="Somebody else",
        )
    house.show(house.state().add([account("carol")], [], {}))
    house.sync(full=True)
    with house.tx.read() as reading:
        assert not queries.list_cases(reading, Window()).items


def test_an_account_that_was_tied_wrongly_gets_an_identity_of_its_own(house: Directory) -> None:
    with house.tx.write() as uow:
        service.link_account(
            uow,
            account=ids(house)["adm-alice"],
            identity=holder(house, "bob").public_id,
            reason="A mistake",
        )
    with house.tx.write() as uow:
        service.separate_account(uow, account=ids(house)["adm-alice"], reason="It was a mistake")
    own = holder(house, "adm-alice")
    assert own.id != holder(house, "bob").id
    assert own.is_active
    house.sync(full=True)
    assert holder(house, "adm-alice").id == own.id
    with house.tx.write() as uow, pytest.raises(NothingToChangeError):
        service.separate_account(uow, account=ids(house)["adm-alice"], reason="Once more")


def test_two_numbers_are_tied_by_no_hand(house: Directory) -> None:
    with house.tx.write() as uow, pytest.raises(InvalidInputError, match="numbers differ"):
        service.link_account(
            uow,
            account=ids(house)["alice"],
            identity=holder(house, "bob").public_id,
            reason="They look alike",
        )


def test_what_an_account_is_for_and_who_answers_for_it_survives_reads(house: Directory) -> None:
    bob, box = holder(house, "bob").public_id, ids(house)["info"]
    assert "info" in logins(house, Only.ORPHAN)
    with house.tx.write() as uow:
        service.type_account(uow, account=box, version=0, kind=AccountType.SHARED, owner=bob)
    assert "info" not in logins(house, Only.ORPHAN)
    assert "info" not in logins(house, Only.UNOWNED)
    changed = replace(house.state().accounts["info"], display_name="Information")
    house.show(house.state().add([changed], [], {}))
    house.sync(full=True)
    told = line(house, "info")
    assert (told.said, told.owner, told.version) == (AccountType.SHARED, bob, 1)
    with house.tx.write() as uow, pytest.raises(NothingToChangeError):
        service.type_account(uow, account=box, version=1, kind=AccountType.SHARED, owner=bob)
    with house.tx.write() as uow, pytest.raises(ConflictError):
        service.type_account(uow, account=box, version=0, kind=None, owner=None)


def test_an_owner_has_to_be_there(house: Directory) -> None:
    with house.tx.write() as uow:
        service.type_account(
            uow, account=ids(house)["info"], version=0, kind=AccountType.SERVICE, owner=None
        )
    assert logins(house, Only.UNOWNED) == {"info"}
    bob = replace(house.state().accounts["bob"], is_enabled=False, status="disabled")
    house.show(house.state().add([bob], [], {}))
    house.sync(full=True)
    with house.tx.write() as uow, pytest.raises(InvalidInputError) as refusal:
        service.type_account(
            uow,
            account=ids(house)["info"],
            version=1,
            kind=AccountType.SERVICE,
            owner=holder(house, "bob").public_id,
        )
    assert refusal.value.fields[0].field == "owner"


def test_whoever_may_only_look_decides_nothing(house: Directory) -> None:
    auditor = Actor(ActorKind.TOKEN, "t", None, frozenset({Role.AUDITOR}))
    case = open_case(house)
    with house.tx.write(auditor) as uow, pytest.raises(NotPermittedError):
        service.settle_case(
            uow, case_id=case.id, version=1, outcome=CaseState.OWN, reason="I may not"
        )


def test_who_comes_back_is_the_same_identity_and_gets_nothing_back(house: Directory) -> None:
    alice = holder(house, "alice")
    state = house.state()
    gone = State().add(
        [each for key, each in state.accounts.items() if key != "alice"],
        list(state.groups.values()),
        {"staff": people("adm-alice")},
    )
    house.show(gone)
    house.sync(full=True)
    house.show(gone.add([account("alice2", employee_number="E-alice")], [], {}))
    house.sync(full=True)
    back = holder(house, "alice2")
    assert (back.id, back.is_active, back.ended_at) == (alice.id, True, None)
    held = sa.select(Membership.id).join(Account, Account.id == Membership.account_id)
    mine = held.where(Account.identity_id == alice.id)
    assert house.rows(mine)
    assert not house.rows(mine.where(Membership.valid_to.is_(None)))


def test_the_lists_cost_the_same_however_long_they_are(house: Directory) -> None:
    for only in (None, *Only):
        with house.tx.read() as reading:
            house.statements.clear()
            queries.list_accounts(reading, Window(), only=only)
            assert len(selects(house)) == 1
    with house.tx.read() as reading:
        house.statements.clear()
        (case,) = queries.list_cases(reading, Window()).items
        assert len(selects(house)) == 3
        house.statements.clear()
        queries.show_case(reading, case.id)
        assert len(selects(house)) == 3


def test_accounts_are_listed_as_they_were_with_whom_they_were_then(house: Directory) -> None:
    then = house.clock.now()
    was = line(house, "adm-alice")
    house.clock.advance(timedelta(days=1))
    with house.tx.write() as uow:
        service.link_account(
            uow,
            account=ids(house)["adm-alice"],
            identity=holder(house, "bob").public_id,
            reason="It is Bob who uses it",
        )
    state = house.state()
    others = [each for key, each in state.accounts.items() if key not in {"info", "alice"}]
    renamed = replace(state.accounts["alice"], login="alice.m", is_enabled=False)
    house.show(
        State().add(
            [*others, renamed, account("later")],
            list(state.groups.values()),
            {"staff": people("alice", "adm-alice")},
        )
    )
    house.sync(full=True)
    with house.tx.read() as reading:
        house.statements.clear()
        before = queries.list_accounts(reading, Window(), as_of=then).items
        assert len(selects(house)) == 5
        now = queries.list_accounts(reading, Window()).items
        (info,) = [each for each in before if each.login == "info"]
        spare = queries.show_account(reading, was.id, as_of=then)
        with pytest.raises(NotFoundError):
            (new,) = [each for each in now if each.login == "later"]
            queries.show_account(reading, new.id, as_of=then)
        with pytest.raises(InvalidInputError, match="which"):
            queries.list_accounts(reading, Window(), only=Only.GUEST, as_of=then)
    assert {each.login for each in before} == {"alice", "bob", "adm-alice", "info"}
    assert {each.login for each in now} == {"alice.m", "bob", "adm-alice", "later"}
    assert all(each.is_enabled for each in before)
    assert info.identity is not None
    assert (spare.identity, spare.identity_name) == (was.identity, was.identity_name)
    assert line(house, "adm-alice").identity_name == "Bob"
    assert spare.rule is None


def test_what_is_no_login_of_a_person_is_listed_by_its_kind_and_counted(
    directory: Directory,
) -> None:
    kinds = {"pc": AccountKind.COMPUTER, "card": AccountKind.CONTACT, "S-1-5": AccountKind.FOREIGN}
    others = [account(name, kind=kind, employee_number=None) for name, kind in kinds.items()]
    directory.show(State().add([account("alice"), *others]))
    directory.add()
    run = directory.sync()
    for name, kind in kinds.items():
        assert logins(directory, Only(kind.value)) == {name}
        assert run.counts[f"accounts.{kind.value}"] == 1
    assert run.counts["accounts.person"] == 1


def test_a_last_sign_in_says_by_which_word_of_its_source_it_is_told(directory: Directory) -> None:
    late = {"lastSignInFrom": "lastLogonTimestamp, up to 14 days late"}
    seen = datetime(2026, 2, 1, tzinfo=UTC)
    directory.show(
        State().add(
            [
                account("alice", last_sign_in_at=seen, attributes=late),
                account("bob", last_sign_in_at=seen),
                account("eve", attributes=late),
            ]
        )
    )
    directory.add()
    directory.sync()
    told = {name: line(directory, name).last_sign_in_from for name in ("alice", "bob", "eve")}
    assert told == {"alice": late["lastSignInFrom"], "bob": None, "eve": None}
    with directory.tx.write() as uow:
        uow.session.execute(sa.update(Source).values(kind="okta"))
        uow.record(events.SourceChanged(subject="s", keys=("kind",)))
    assert line(directory, "bob").last_sign_in_from == "lastLogin"
