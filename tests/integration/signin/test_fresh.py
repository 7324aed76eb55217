"""What much depends on wants a fresh sign-in of people; proving it anew keeps the session."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.directory import service as directory
from app.kernel.actor import SYSTEM, Actor, ActorKind, Role
from app.kernel.errors import NotFreshError, NothingToChangeError, NotSignedInError
from app.kernel.uow import UnitOfWork
from app.reviews import service as reviews
from app.signin import arriving, links, service, sessions
from app.signin.domain import RefusedError, Trouble
from app.signin.models import ProviderTie, RoleGrant, SigninSession
from app.signin.routes import provider
from app.signin.vouching import Vouched
from app.web.visit import NOBODY, Visit
from integration.reviews.steps import decide, items, launch, said
from support.cast import CORP, Cast
from support.house import TestHouse

TOKEN = Actor(ActorKind.TOKEN, "t", None, frozenset({Role.ADMIN}), "t")
ISSUER = "https://login.example.test"
Command = Callable[[UnitOfWork, Cast], object]


def grant(uow: UnitOfWork, _cast: Cast) -> object:
    return service.grant_role(uow, who="1001", role=Role.OPERATOR)


def revoke(uow: UnitOfWork, _cast: Cast) -> object:
    return service.revoke_role(uow, who="1007", role=Role.OPERATOR)


def end(uow: UnitOfWork, _cast: Cast) -> object:
    held = uow.session.scalars(
        sa.select(RoleGrant.public_id).where(RoleGrant.role == Role.OPERATOR)
    ).one()
    return service.end_role(uow, role_id=held)


def make_token(uow: UnitOfWork, _cast: Cast) -> object:
    return service.create_token(uow, role=Role.ADMIN)


def make_link(uow: UnitOfWork, _cast: Cast) -> object:
    return links.make(uow, who="1008")


def add_source(uow: UnitOfWork, cast: Cast) -> object:
    settings = {"path": str(cast.file("third")), "flavour": "directory"}
    seal = cast.house.house.seal
    return directory.add_source(
        uow, seal, name="third", kind="memory", settings=settings, secrets={}
    )


def set_source(uow: UnitOfWork, cast: Cast) -> object:
    settings = {"path": str(cast.file("elsewhere"))}
    return directory.set_source(
        uow, cast.house.house.seal, name=CORP, settings=settings, secrets={}
    )


COMMANDS: list[Command] = [grant, revoke, end, make_token, make_link, add_source, set_source]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_person_whose_sign_in_is_stale_is_asked_to_sign_in_once_more(
    cast: Cast, command: Command
) -> None:
    fresh = cast.actor("frank")
    cast.house.clock.advance(timedelta(minutes=10))
    for actor in (fresh, replace(fresh, proven_at=None)):
        with pytest.raises(NotFreshError), cast.house.write(actor) as uow:
            command(uow, cast)
    with cast.house.write(cast.actor("frank")) as uow:
        command(uow, cast)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("actor", [TOKEN, SYSTEM], ids=["token", "command line"])
def test_a_token_and_the_command_line_have_nobody_to_ask(
    cast: Cast, actor: Actor, command: Command
) -> None:
    with cast.house.write(actor) as uow:
        assert command(uow, cast)


def test_signing_off_privileged_access_wants_a_fresh_sign_in_and_other_access_does_not(
    cast: Cast,
) -> None:
    cast.put(CORP, "admins", "eve")
    cast.sync(CORP)
    campaign = launch(cast)
    for name in ("bob", "frank"):
        decide(cast, name, *(said(each) for each in items(cast, name, campaign)))
    bob, frank = cast.actor("bob"), cast.actor("frank")
    cast.house.clock.advance(timedelta(minutes=11))
    with cast.house.write(frank) as uow:
        reviews.sign_off(uow, campaign_id=campaign)
    with pytest.raises(NotFreshError), cast.house.write(bob) as uow:
        reviews.sign_off(uow, campaign_id=campaign)
    with cast.house.write(cast.actor("bob")) as uow:
        reviews.sign_off(uow, campaign_id=campaign)


# --- proving it anew ---------------------------------------------------------------------------


def use_link(
    house: TestHouse, present: str = "", who: str | None = "1001", mail: str | None = None
) -> sessions.NewSession:
    role = None if mail is None else Role.ADMIN
    with house.write() as uow:
        path = links.make(uow, who=None if mail else who, role=role, mail=mail).path
    with house.write(NOBODY) as uow:
        return links.use(
            uow,
            path.removeprefix(links.PATH),
            browser=sessions.Browser("", present),
            is_demonstration=False,
        )


def visit(house: TestHouse, begun: sessions.NewSession) -> Visit:
    with house.read() as reading:
        return sessions.authenticate_session(reading, begun.cookie)


@pytest.mark.parametrize("mail", [None, "root@example.test"])
def test_another_link_of_the_same_person_keeps_the_session_under_another_cookie(
    house: TestHouse, cast: Cast, mail: str | None
) -> None:
    assert cast.tokens
    first = use_link(house, mail=mail)
    house.clock.advance(timedelta(minutes=20))
    assert not visit(house, first).actor.is_fresh(house.clock.now())
    second = use_link(house, first.cookie, mail=mail)
    assert second.id == first.id
    found = visit(house, second)
    assert found.actor.is_fresh(house.clock.now())
    assert found.began_at < found.fresh_at
    with pytest.raises(NotSignedInError):
        visit(house, first)


def test_a_session_that_ran_out_or_is_somebody_elses_is_not_kept(
    house: TestHouse, cast: Cast
) -> None:
    assert cast.tokens
    first = use_link(house)
    other = use_link(house, first.cookie, who="1002")
    assert other.id != first.id
    with pytest.raises(NotSignedInError):
        visit(house, first)
    house.clock.advance(timedelta(minutes=31))
    assert use_link(house, other.cookie, who="1002").id != other.id


def test_a_session_lasts_no_longer_for_being_proven_anew(house: TestHouse, cast: Cast) -> None:
    assert cast.tokens
    begun = use_link(house)
    ends_at = visit(house, begun).ends_at
    house.clock.advance(timedelta(minutes=15))
    assert visit(house, use_link(house, begun.cookie)).ends_at == ends_at


# --- whom a provider vouches for ---------------------------------------------------------------


def vouched(subject: str = "a", mail: str | None = "alice@example.test", *roles: Role) -> Vouched:
    return Vouched(ISSUER, subject, mail, None, frozenset(roles))


def arrive(house: TestHouse, who: Vouched) -> sessions.NewSession:
    with house.write(NOBODY) as uow:
        return arriving.arrive(uow, who, sessions.Browser(""))


def test_whom_a_provider_vouches_for_without_saying_since_when_is_not_fresh(
    house: TestHouse, cast: Cast
) -> None:
    assert cast.tokens
    begun = arrive(house, vouched())
    assert not visit(house, begun).actor.is_fresh(house.clock.now())
    told = replace(vouched(), proven_at=house.clock.now())
    assert visit(house, arrive(house, told)).actor.is_fresh(house.clock.now())


def test_of_two_first_sign_ins_at_once_both_come_in_and_one_tie_is_made(cast: Cast) -> None:
    app = cast.house.app()
    begun: list[sessions.NewSession] = []
    both = threading.Barrier(2)

    def come() -> None:
        with app.test_request_context("/"):
            both.wait()
            begun.append(provider.begin(vouched()))

    tabs = [threading.Thread(target=come) for _ in range(2)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert len({each.id for each in begun}) == 2
    with cast.house.read() as reading:
        assert len(reading.session.scalars(sa.select(ProviderTie)).all()) == 1


def test_whoever_looked_a_moment_before_another_window_tied_them_comes_in_too(
    house: TestHouse, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cast.tokens
    arrive(house, vouched("a"))
    monkeypatch.setattr(arriving, "_tied", lambda *_: None)  # as that look saw it
    arrive(house, vouched("a"))
    with house.read() as reading:
        assert reading.session.scalars(sa.select(ProviderTie.subject)).all() == ["a"]
    with pytest.raises(RefusedError):
        arrive(house, vouched("b"))


def test_an_account_that_was_untied_is_tied_anew(house: TestHouse, cast: Cast) -> None:
    assert cast.tokens
    arrive(house, vouched("old"))
    with pytest.raises(RefusedError) as refused:
        arrive(house, vouched("new"))
    assert refused.value.trouble is Trouble.TIED_TO_ANOTHER
    with house.write() as uow:
        assert arriving.untie(uow, who="1001") == 1
    arrive(house, vouched("new"))
    with house.read() as reading:
        assert reading.session.scalars(sa.select(ProviderTie.subject)).all() == ["new"]
    with pytest.raises(NothingToChangeError), house.write() as uow:
        arriving.untie(uow, who="1002")


def test_roles_of_claims_are_told_with_the_provider_that_gave_them(
    house: TestHouse, cast: Cast
) -> None:
    assert cast.tokens
    begun = arrive(house, vouched("a", "alice@example.test", Role.HR))
    assert visit(house, begun).actor.roles == {Role.HR}
    with house.read() as reading:
        given = reading.session.scalars(sa.select(RoleGrant).where(RoleGrant.role == Role.HR)).one()
        assert (given.issuer, given.granted_by) == (ISSUER, "system")
        kept = reading.session.scalars(sa.select(SigninSession)).all()
        assert [(each.issuer, each.subject) for each in kept] == [(ISSUER, "a")]
    arrive(house, vouched("a", None))
    assert visit(house, begun).actor.roles == set()
