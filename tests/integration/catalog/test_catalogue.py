from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.catalog import queries, service
from app.catalog.domain import Kind, Risk
from app.directory.models import Account, Group, Identity
from app.events import ListTaken
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import (
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
)
from app.web.paging import Window
from web.small import Small, add_groups, add_identity, open_small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return open_small(tmp_path)


@pytest.fixture
def ids(small: Small) -> dict[str, str]:
    carol = add_identity(small, "Carol", "3")
    return {"Carol": carol, **add_groups(small, carol)}


def person(small: Small, public_id: str) -> Actor:
    with small.tx.read() as reading:
        key = reading.session.scalar(sa.select(Identity.id).where(Identity.public_id == public_id))
    return Actor(ActorKind.TOKEN, public_id, key, frozenset(), "t")


def test_where_nobody_said_anything_the_source_speaks(small: Small, ids: dict[str, str]) -> None:
    with small.tx.read() as reading:
        payments = queries.entitlement(reading, ids["Payments"])
        admins = queries.entitlement(reading, ids["Admins"])
        everyone = queries.entitlement(reading, ids["Everyone"])
    assert (payments.owner, payments.owner_via) == (ids["Carol"], "source")
    assert (payments.risk, payments.is_requestable, payments.version) == (Risk.LOW, True, 0)
    assert (admins.risk, admins.owner, admins.owner_via) == (Risk.PRIVILEGED, None, None)
    assert not everyone.is_requestable


def test_what_was_written_down_counts_before_the_source(small: Small, ids: dict[str, str]) -> None:
    other = add_identity(small, "Bob", "2")
    with small.tx.write() as uow:
        told = service.describe(
            uow,
            entitlement=ids["Payments"],
            version=0,
            risk=Risk.HIGH,
            is_requestable=False,
            owner=other,
            description="Moves money",
        )
    assert (told.owner, told.owner_via, told.risk) == (other, "catalogue", Risk.HIGH)
    assert (told.description, told.version) == ("Moves money", 1)


def test_people_see_what_they_may_ask_for_and_nothing_else(
    small: Small, ids: dict[str, str]
) -> None:
    alice = person(small, add_identity(small, "Alice", "1"))
    with small.tx.read(alice) as reading:
        shown = queries.list_entitlements(reading, Window())
        assert {each.name for each in shown.items} == {"Payments", "Admins"}
        with pytest.raises(NotFoundError):
            queries.show_entitlement(reading, ids["Everyone"])
    with small.tx.read(Actor(ActorKind.TOKEN, "t", None, frozenset({Role.AUDITOR}))) as reading:
        assert len(queries.list_entitlements(reading, Window()).items) == 3
    hr = Actor(ActorKind.TOKEN, "t", None, frozenset({Role.HR}))
    with small.tx.read(hr) as reading, pytest.raises(NotPermittedError):
        queries.list_entitlements(reading, Window())


def test_the_list_is_narrowed_by_words_and_by_risk(small: Small, ids: dict[str, str]) -> None:
    with small.tx.read() as reading:
        by_name = queries.list_entitlements(reading, Window(), q="pAy")
        by_risk = queries.list_entitlements(reading, Window(), risk=Risk.PRIVILEGED)
        by_percent = queries.list_entitlements(reading, Window(), q="%")
    assert [each.id for each in by_name.items] == [ids["Payments"]]
    assert [each.id for each in by_risk.items] == [ids["Admins"]]
    assert not by_percent.items


def keys(small: Small, ids: dict[str, str]) -> dict[str, int]:
    with small.tx.read() as reading:
        found: dict[str, int] = {}
        for table in (Identity, Account, Group):
            for name, public_id in ids.items():
                key = reading.session.scalar(
                    sa.select(table.id).where(table.public_id == public_id)
                )
                if key is not None:
                    found[name] = key
        return found


def test_the_account_the_service_signs_in_with_is_always_protected(
    small: Small, ids: dict[str, str]
) -> None:
    found = keys(small, ids)
    with small.tx.read() as reading:
        assert queries.is_protected(reading, account_id=found["svc"]) == queries.OWN_ACCOUNT
        assert queries.is_protected(reading, account_id=found["carol"]) is None
        assert queries.is_protected(reading) is None


def test_a_protected_person_protects_their_accounts_until_it_is_lifted(
    small: Small, ids: dict[str, str]
) -> None:
    found = keys(small, ids)
    with small.tx.write() as uow:
        set_ = service.protect(uow, what=Kind.IDENTITY, ref=ids["Carol"], reason="break-glass")
        with pytest.raises(NothingToChangeError):
            service.protect(uow, what=Kind.IDENTITY, ref=ids["Carol"], reason="again")
    with small.tx.read() as reading:
        assert queries.is_protected(reading, account_id=found["carol"]) == "break-glass"
        assert queries.is_protected(reading, identity_id=found["Carol"]) == "break-glass"
        assert queries.is_protected(reading, group_id=found["Payments"]) is None
        assert [each.name for each in queries.list_protections(reading, Window()).items] == [
            "Carol"
        ]
    with small.tx.write() as uow:
        service.unprotect(uow, protection_id=set_.id)
    with small.tx.write() as uow, pytest.raises(NothingToChangeError):
        service.unprotect(uow, protection_id=set_.id)
    with small.tx.read() as reading:
        assert queries.is_protected(reading, account_id=found["carol"]) is None
        assert not queries.list_protections(reading, Window()).items


def test_a_protected_group_says_so_in_the_catalogue(small: Small, ids: dict[str, str]) -> None:
    with small.tx.write() as uow:
        service.protect(uow, what=Kind.GROUP, ref=ids["Admins"], reason="the last door")
    with small.tx.read() as reading:
        assert queries.entitlement(reading, ids["Admins"]).is_protected
        assert not queries.entitlement(reading, ids["Payments"]).is_protected


def test_an_owner_must_be_there_and_active(small: Small, ids: dict[str, str]) -> None:
    gone = add_identity(small, "Eve", "5", is_active=False)
    for owner in (gone, "nobody"):
        with small.tx.write() as uow, pytest.raises(InvalidInputError, match="owner"):
            service.describe(
                uow,
                entitlement=ids["Payments"],
                version=0,
                risk=Risk.LOW,
                is_requestable=True,
                owner=owner,
            )


def test_nobody_without_the_role_describes_or_protects(small: Small, ids: dict[str, str]) -> None:
    with small.tx.write(person(small, ids["Carol"])) as uow:
        with pytest.raises(NotPermittedError):
            service.describe(
                uow, entitlement=ids["Payments"], version=0, risk=Risk.LOW, is_requestable=True
            )
        with pytest.raises(NotPermittedError):
            service.protect(uow, what=Kind.GROUP, ref=ids["Payments"], reason="mine")
        with pytest.raises(NotPermittedError):
            service.unprotect(uow, protection_id="x")


def test_the_list_costs_one_statement_however_long_it_is(small: Small, ids: dict[str, str]) -> None:
    seen: list[str] = []
    with small.tx.read() as reading:
        reading.session.connection()
        sa.event.listen(
            small.tx.database.engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, *_rest: seen.append(statement),
        )
        assert len(queries.list_entitlements(reading, Window()).items) == len(ids) - 3
    assert len([each for each in seen if each.startswith("SELECT")]) == 1


def test_tags_are_kept_found_and_left_alone_unless_they_are_said(
    small: Small, ids: dict[str, str]
) -> None:
    said: dict[str, Any] = {
        "entitlement": ids["Payments"],
        "risk": Risk.HIGH,
        "is_requestable": True,
    }
    with small.tx.write() as uow:
        told = service.describe(uow, version=0, tags=["finance", "SOX \u20ac", "finance"], **said)
        assert told.tags == ("finance", "SOX \u20ac")
    with small.tx.write() as uow:
        told = service.describe(uow, version=1, description="Moves money", **said)
        assert (told.tags, told.description_via) == (("finance", "SOX \u20ac"), "catalogue")
    with small.tx.read() as reading:
        for tag, found in (("finance", 1), ("fin", 0), ("SOX \u20ac", 1), ("%", 0)):
            shown = queries.list_entitlements(reading, Window(), tag=tag).items
            assert len(shown) == found, tag
    with small.tx.write() as uow, pytest.raises(InvalidInputError):
        service.describe(uow, version=2, tags=[" "], **said)


def test_what_nobody_can_explain_is_listed(small: Small, ids: dict[str, str]) -> None:
    with small.tx.write() as uow:
        uow.session.execute(sa.update(Group).values(description=""))
        uow.record(ListTaken(subject=ids["Admins"], list="none", filtered=""))
    with small.tx.read() as reading:
        shown = queries.list_entitlements(reading, Window(), unexplained=True).items
        assert {each.owner_via for each in shown} <= {None}
        assert ids["Payments"] not in {each.id for each in shown}
        assert ids["Admins"] in {each.id for each in shown}
    with small.tx.write() as uow:
        service.describe(
            uow,
            entitlement=ids["Admins"],
            version=0,
            risk=Risk.PRIVILEGED,
            is_requestable=False,
            description="Administers the domain",
        )
    with small.tx.read() as reading:
        shown = queries.list_entitlements(reading, Window(), unexplained=True).items
        assert ids["Admins"] not in {each.id for each in shown}
