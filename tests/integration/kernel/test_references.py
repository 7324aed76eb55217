"""Where very many rows come, what they name is asked for once: nothing gets in that could not."""

from contextlib import nullcontext

import pytest
import sqlalchemy as sa

from app.directory.domain import IdentityKind, Provenance
from app.directory.models import Identity, Membership
from app.events import SourceAdded
from app.kernel.errors import UnrecordedChangeError
from app.kernel.uow import UnitOfWork
from integration.kernel.rows import AT, REFUSED, groups_and_one, join
from support.house import TestHouse

NOBODY = 999_999_999


def told(uow: UnitOfWork) -> None:
    uow.record(SourceAdded(subject=uow.ids.new(), source_kind="memory"))


def identity(uow: UnitOfWork, manager: int | None) -> Identity:
    return Identity(
        public_id=uow.ids.new(),
        kind=IdentityKind.PERSON,
        display_name="Alice",
        manager_id=manager,
        is_active=True,
        correlation_rule="own",
        first_seen_at=AT,
    )


def membership(group: int, account: int) -> Membership:
    return Membership(
        group_id=group,
        account_id=account,
        is_primary=False,
        valid_from=AT,
        provenance=Provenance.OBSERVED,
    )


def stored(house: TestHouse) -> int:
    """Return how many memberships there are."""
    with house.read() as reading:
        return reading.session.scalar(sa.select(sa.func.count(Membership.id))) or 0


def test_many_rows_that_name_what_is_there_are_stored(house: TestHouse) -> None:
    with house.tx.write(fills=True) as uow:
        told(uow)
        groups, one = groups_and_one(uow, 3)
        join(uow, groups[:1], one, Provenance.RULE)
        join(uow, groups[1:], one, Provenance.OBSERVED)
    assert stored(house) == 3


def test_an_array_that_names_one_that_is_not_there_is_refused_at_once(house: TestHouse) -> None:
    with house.tx.write(fills=True) as uow:
        told(uow)
        groups, one = groups_and_one(uow, 2)
        for some, account in (([*groups, NOBODY], one), (groups, NOBODY)):
            with pytest.raises(REFUSED), uow.session.begin_nested():
                join(uow, some, account, Provenance.RULE)
    assert stored(house) == 0


def test_any_other_row_that_names_one_that_is_not_there_is_not_committed(house: TestHouse) -> None:
    with pytest.raises(REFUSED), house.tx.write(fills=True) as uow:
        told(uow)
        groups, one = groups_and_one(uow, 2)
        join(uow, groups, one, Provenance.RULE)
        uow.session.add(identity(uow, NOBODY))
    assert stored(house) == 0


def test_a_row_that_came_beside_an_array_is_looked_through_too(house: TestHouse) -> None:
    with pytest.raises(REFUSED), house.tx.write(fills=True) as uow:
        told(uow)
        groups, one = groups_and_one(uow, 2)
        join(uow, groups, one, Provenance.RULE)
        uow.session.add(membership(groups[0], NOBODY))
    assert stored(house) == 0


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_transaction_after_it_is_asked_row_by_row_again(
    house: TestHouse, *, is_kept: bool
) -> None:
    outcome = nullcontext() if is_kept else pytest.raises(UnrecordedChangeError)
    with outcome, house.tx.write(fills=True) as uow:
        groups_and_one(uow, 1)
        if is_kept:
            told(uow)
    with house.tx.write() as uow:
        told(uow)
        with pytest.raises(REFUSED), uow.session.begin_nested():
            uow.session.add(identity(uow, NOBODY))
            uow.session.flush()
