from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.directory.models import Identity
from app.events import SourceDisabled
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    NothingToChangeError,
    NotPermittedError,
    NotSignedInError,
)
from app.kernel.ledger import LedgerDisclosure, LedgerEntry
from app.signin import service
from app.signin.models import ApiToken
from web.small import Small, add_identity, open_small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return open_small(tmp_path)


def who(small: Small, token: str) -> Actor:
    with small.tx.read() as reading:
        return service.authenticate(reading, token)


def test_a_role_token_stands_for_its_role_and_for_nobody(small: Small) -> None:
    found = who(small, small.token(Role.OPERATOR))
    assert found.roles == {Role.OPERATOR}
    assert found.identity_id is None
    assert found.public_id == found.token_id


def test_a_personal_token_acts_as_its_person_with_the_roles_held_now(small: Small) -> None:
    dana = add_identity(small, "Dana", "4")
    token = small.token(who="dana@COMPANY.example")
    assert who(small, token).roles == frozenset()
    with small.tx.write() as uow:
        service.grant_role(uow, who=dana, role=Role.AUDITOR, until=uow.now + timedelta(days=2))
        service.grant_role(uow, who="4", role=Role.HR)
    assert who(small, token).roles == {Role.AUDITOR, Role.HR}
    assert who(small, token).public_id == dana
    small.clock.advance(timedelta(days=2))
    assert who(small, token).roles == {Role.HR}


def test_a_token_of_somebody_who_left_no_longer_holds(small: Small) -> None:
    eve = add_identity(small, "Eve", "5")
    token = small.token(who=eve)
    with small.tx.write() as uow:
        row = uow.session.scalars(sa.select(Identity).where(Identity.public_id == eve)).one()
        row.is_active = False
        uow.record(SourceDisabled(subject=eve))
    with pytest.raises(NotSignedInError, match="no longer active"):
        who(small, token)


def test_neither_the_store_nor_the_ledger_nor_a_repr_holds_a_token(small: Small) -> None:
    with small.tx.write() as uow:
        made = service.create_token(uow, role=Role.HR, name="for HR")
    with small.tx.read() as reading:
        bodies = b"".join(reading.session.scalars(sa.select(LedgerEntry.body)))
        clear = "".join(reading.session.scalars(sa.select(LedgerDisclosure.value)))
        digests = b"".join(reading.session.scalars(sa.select(ApiToken.digest)))
    assert made.token.encode() not in bodies + digests
    assert made.token not in clear + repr(made)
    assert b"for HR" not in bodies
    assert "for HR" in clear


def test_authenticating_is_one_statement(small: Small) -> None:
    add_identity(small, "Dana", "4")
    token = small.token(who="4")
    seen: list[str] = []
    with small.tx.read() as reading:
        reading.session.connection()
        sa.event.listen(
            small.tx.database.engine,
            "before_cursor_execute",
            lambda _c, _cursor, statement, *_rest: seen.append(statement),
        )
        service.authenticate(reading, token)
    assert len([each for each in seen if each.startswith("SELECT")]) == 1


def test_the_last_administrator_cannot_be_taken_away(small: Small) -> None:
    frank = add_identity(small, "Frank", "6")
    with small.tx.write() as uow:
        first = service.create_token(uow, role=Role.ADMIN)
    with pytest.raises(ConflictError, match="Nobody could administer"), small.tx.write() as uow:
        service.revoke_token(uow, token_id=first.id)
    with small.tx.write() as uow:
        service.grant_role(uow, who=frank, role=Role.ADMIN)
        service.revoke_token(uow, token_id=first.id)
    with pytest.raises(ConflictError, match="Nobody could administer"), small.tx.write() as uow:
        service.revoke_role(uow, who=frank, role=Role.ADMIN)
    with pytest.raises(NotSignedInError, match="revoked"):
        who(small, first.token)


def test_what_changes_nothing_is_refused(small: Small) -> None:
    dana = add_identity(small, "Dana", "4")
    with small.tx.write() as uow:
        service.create_token(uow, role=Role.ADMIN)
        token = service.create_token(uow, role=Role.HR)
        service.revoke_token(uow, token_id=token.id)
        service.grant_role(uow, who=dana, role=Role.AUDITOR)
    with small.tx.write() as uow:
        with pytest.raises(NothingToChangeError):
            service.revoke_token(uow, token_id=token.id)
        with pytest.raises(NothingToChangeError):
            service.grant_role(uow, who=dana, role=Role.AUDITOR)
        with pytest.raises(NothingToChangeError):
            service.revoke_role(uow, who=dana, role=Role.HR)


def test_another_end_replaces_the_one_before(small: Small) -> None:
    dana = add_identity(small, "Dana", "4")
    token = small.token(who=dana)
    with small.tx.write() as uow:
        service.grant_role(uow, who=dana, role=Role.HR)
        service.grant_role(uow, who=dana, role=Role.HR, until=uow.now + timedelta(days=1))
    small.clock.advance(timedelta(days=1))
    assert who(small, token).roles == frozenset()


def test_wrong_wishes_are_told_by_field(small: Small) -> None:
    add_identity(small, "Eve", "5", is_active=False)
    with small.tx.write() as uow:
        with pytest.raises(InvalidInputError, match="role"):
            service.create_token(uow)
        with pytest.raises(InvalidInputError, match="expires_days"):
            service.create_token(uow, role=Role.HR, expires_days=0)
        with pytest.raises(NotFoundError, match="Nobody is known as mallory"):
            service.create_token(uow, who="mallory")
        with pytest.raises(ConflictError, match="not active"):
            service.create_token(uow, who="5")
        with pytest.raises(InvalidInputError, match="until"):
            service.grant_role(uow, who="5", role=Role.HR, until=uow.now)
        with pytest.raises(NotFoundError):
            service.end_role(uow, role_id="x")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.HR])
def test_no_other_role_may_give_roles_away(small: Small, role: Role) -> None:
    dana = add_identity(small, "Dana", "4")
    actor = Actor(ActorKind.TOKEN, "t", None, frozenset({role}), "t")
    with small.tx.write(actor) as uow:
        with pytest.raises(NotPermittedError):
            service.grant_role(uow, who=dana, role=Role.ADMIN)
        with pytest.raises(NotPermittedError):
            service.create_token(uow, who=dana)
        with pytest.raises(NotPermittedError):
            service.revoke_token(uow, token_id="x")
        with pytest.raises(NotPermittedError):
            service.revoke_role(uow, who=dana, role=Role.HR)
