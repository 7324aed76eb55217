"""What many accounts are for, by a sheet: looked at first, stored whole, and no read changes it."""

import pytest
import sqlalchemy as sa

from app.directory import queries, service
from app.directory.domain import AccountType
from app.directory.models import Identity
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import ConflictError, InvalidInputError, NotPermittedError
from app.web.paging import Window
from connectors.memory.state import State
from integration.directory.conftest import Directory
from integration.directory.states import account, group, people

OLGA = Actor(kind=ActorKind.PERSON, public_id="olga", roles=frozenset({Role.OPERATOR}))
DANA = Actor(kind=ActorKind.PERSON, public_id="dana", roles=frozenset({Role.AUDITOR}))


@pytest.fixture
def corp(directory: Directory) -> Directory:
    directory.show(
        State().add(
            [account("alice"), account("backup", employee_number=None), account("robot")],
            [group("staff")],
            {"staff": people("alice")},
        )
    )
    directory.add()
    directory.sync()
    return directory


def lines(directory: Directory) -> dict[str, queries.AccountLine]:
    with directory.tx.read(DANA) as reading:
        return {each.login: each for each in queries.list_accounts(reading, Window()).items}


def test_a_sheet_is_stored_as_it_was_looked_at_and_survives_reads(corp: Directory) -> None:
    text = "source;login;type;owner\ncorp;backup;service;E-alice\ncorp;alice;;\n"
    with corp.tx.read(OLGA) as reading:
        plan = service.plan_accounts(reading, text)
    assert (plan.changed, plan.unchanged, plan.wrong) == (1, 1, 0)
    assert lines(corp)["backup"].said is None
    with corp.tx.write(OLGA) as uow:
        service.apply_accounts(uow, text, plan.digest)
    corp.sync()
    found = lines(corp)["backup"]
    assert (found.said, found.owner_name) == (AccountType.SERVICE, "Alice")
    assert corp.kinds().count("account.typed") == 1


def test_each_wrong_row_is_named_and_then_nothing_is_stored(corp: Directory) -> None:
    text = (
        "source,login,type,owner\ncorp,backup,service,\ncorp,nobody,service,\n"
        "corp,robot,butler,E-alice\ncorp,alice,person,E-nobody\n"
    )
    with corp.tx.read(OLGA) as reading:
        plan = service.plan_accounts(reading, text)
    wrong = {each.line: each.errors[0].field for each in plan.rows if each.errors}
    assert wrong == {3: "login", 4: "type", 5: "owner"}
    with pytest.raises(InvalidInputError), corp.tx.write(OLGA) as uow:
        service.apply_accounts(uow, text, plan.digest)
    assert lines(corp)["backup"].said is None


def test_what_was_said_since_the_look_is_not_overwritten(corp: Directory) -> None:
    text = "source,login,type\ncorp,backup,service\n"
    with corp.tx.read(OLGA) as reading:
        plan = service.plan_accounts(reading, text)
    with corp.tx.write(OLGA) as uow:
        service.type_account(
            uow,
            account=lines(corp)["backup"].id,
            version=0,
            kind=AccountType.SHARED,
            owner=corp.rows(sa.select(Identity.public_id))[0][0],
        )
    with pytest.raises(ConflictError), corp.tx.write(OLGA) as uow:
        service.apply_accounts(uow, text, plan.digest)
    assert lines(corp)["backup"].said is AccountType.SHARED


def test_whoever_may_only_look_sends_no_sheet(corp: Directory) -> None:
    with pytest.raises(NotPermittedError), corp.tx.read(DANA) as reading:
        service.plan_accounts(reading, "id,type\nx,service\n")
