"""The register of what should be: each move once, in order, and every one on record."""

import pytest
import sqlalchemy as sa

from app.grants import service
from app.grants.domain import EndCause, EndState, GrantCause, GrantState
from app.grants.models import End, Grant
from app.kernel.errors import ConflictError, NothingToChangeError
from app.kernel.uow import UnitOfWork
from integration.requests.steps import approve, ask, entries
from support.cast import ODD, Cast

REF = "00000000-0000-7000-8000-000000000000"


def give(cast: Cast, uow: UnitOfWork, name: str = "alice", group: str = "payroll") -> Grant:
    made = service.authorise(
        uow,
        account_id=cast.account("corp", name).id,
        group_id=cast.group("corp", group).id,
        cause=GrantCause.REQUEST,
        cause_ref=REF,
    )
    uow.session.flush()
    return made


def take(cast: Cast, uow: UnitOfWork, name: str = "alice", group: str = "payroll") -> End:
    made = service.end(
        uow,
        account_id=cast.account("corp", name).id,
        group_id=cast.group("corp", group).id,
        cause=EndCause.REVIEW,
        cause_ref=REF,
    )
    uow.session.flush()
    return made


def kinds(cast: Cast, *which: str) -> list[str]:
    return [each.kind for each in entries(cast) if each.kind.startswith(which)]


def test_what_stands_or_is_decided_is_not_decided_again(cast: Cast) -> None:
    with cast.house.write() as uow:
        with pytest.raises(NothingToChangeError):
            give(cast, uow, "eve")
        give(cast, uow)
        with pytest.raises(NothingToChangeError):
            give(cast, uow)


def test_what_is_not_there_is_not_ended(cast: Cast) -> None:
    with cast.house.write() as uow:
        with pytest.raises(NothingToChangeError):
            take(cast, uow)
        take(cast, uow, "eve")
        with pytest.raises(NothingToChangeError):
            take(cast, uow, "eve")


def test_what_is_being_taken_away_is_not_given_until_that_is_over(cast: Cast) -> None:
    with cast.house.write() as uow:
        take(cast, uow, "eve")
        with pytest.raises(ConflictError):
            give(cast, uow, "eve")
    cast.house.drain()
    with cast.house.write() as uow:
        give(cast, uow, "eve")
    cast.house.drain()
    assert cast.holds("corp", "payroll", "eve")


def test_telling_a_read_back_twice_changes_nothing(cast: Cast) -> None:
    with cast.house.write() as uow:
        grant = give(cast, uow).id
    with cast.house.write() as uow:
        service.confirm(uow, grant_id=grant)
    before = len(entries(cast))
    with cast.house.write() as uow:
        service.confirm(uow, grant_id=grant)
        service.fail(uow, grant_id=grant, code="late")
    assert len(entries(cast)) == before
    with cast.house.read() as reading:
        assert reading.session.get_one(Grant, grant).state is GrantState.CONFIRMED


def test_the_end_of_what_stood_before_us_needs_no_grant(cast: Cast) -> None:
    with cast.house.write() as uow:
        take(cast, uow, "eve")
    cast.house.drain()
    with cast.house.read() as reading:
        end = reading.session.scalars(sa.select(End)).one()
    assert (end.state, end.grant_id) == (EndState.CONFIRMED, None)
    assert kinds(cast, "end.") == ["end.authorised", "end.confirmed"]
    assert kinds(cast, "grant.") == []


def test_every_step_from_wish_to_read_back_leaves_its_entry_in_order(cast: Cast) -> None:
    ask(cast)
    approve(cast, "bob", "carol")
    cast.house.drain()
    told = kinds(cast, "ruling", "request", "approval", "grant", "plan", "task", "membership")
    assert told == [
        "ruling.made",
        "request.submitted",
        "request.step_opened",
        "ruling.made",
        "approval.given",
        "request.step_opened",
        "ruling.made",
        "approval.given",
        "request.approved",
        "grant.authorised",
        "plan.made",
        "task.waits_for_import",
        "task.claimed",
        "task.applied",
        "task.verified",
        "membership.appeared",
        "grant.confirmed",
        "request.completed",
    ]


def test_odd_names_come_through_unharmed(cast: Cast) -> None:
    ask(cast, "eve", action="remove")
    approve(cast, "bob", "carol")
    cast.house.drain()
    (request,) = cast.call("eve").get("/requests")["items"]
    assert request["beneficiary"]["name"] == ODD
    task = next(each for each in cast.call("olga").get("/tasks")["items"])
    assert task["account"] == ODD
