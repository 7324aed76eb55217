"""Sessions and sign-in links, by commands alone: when they hold, when they end, what is told."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.directory.models import Identity
from app.events import SourceDisabled
from app.kernel.actor import Role
from app.kernel.errors import AttestryError, ConflictError, NotFoundError, NotSignedInError
from app.kernel.ledger import LedgerEntry
from app.signin import links, service, sessions
from app.signin.domain import agent_summary
from app.signin.models import SigninLink, SigninSession
from app.web.visit import NOBODY, Visit
from support.cast import Cast
from support.house import TestHouse

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(house: TestHouse, who: str) -> sessions.NewSession:
    with house.write() as uow:
        secret = links.make(uow, who=who).path.removeprefix(links.PATH)
    return use(house, secret)


def use(house: TestHouse, secret: str, *, is_demonstration: bool = False) -> sessions.NewSession:
    with house.write(NOBODY) as uow:
        return links.use(
            uow, secret, browser=sessions.Browser(FIREFOX), is_demonstration=is_demonstration
        )


def who(house: TestHouse, begun: sessions.NewSession) -> Visit:
    with house.read() as reading:
        return sessions.authenticate_session(reading, begun.cookie)


def told(house: TestHouse, kind: str) -> list[dict[str, object]]:
    import orjson

    with house.read() as reading:
        bodies = reading.session.scalars(
            sa.select(LedgerEntry.body).where(LedgerEntry.kind == kind).order_by(LedgerEntry.id)
        )
        return [orjson.loads(body) for body in bodies]


def test_a_session_acts_as_its_person_with_the_roles_held_now(house: TestHouse, cast: Cast) -> None:
    alice = cast.identity("alice")
    begun = sign_in(house, "1001")
    found = who(house, begun)
    assert (found.actor.identity_id, found.actor.public_id) == (alice.id, alice.public_id)
    assert found.actor.roles == frozenset()
    assert found.actor.token_id is None
    with house.write() as uow:
        service.grant_role(uow, who="1001", role=Role.OPERATOR)
    assert who(house, begun).actor.roles == {Role.OPERATOR}
    with house.write() as uow:
        service.revoke_role(uow, who="1001", role=Role.OPERATOR)
    assert who(house, begun).actor.roles == frozenset()


@pytest.mark.usefixtures("cast")
def test_looking_a_session_up_is_one_statement(house: TestHouse) -> None:
    begun = sign_in(house, "1008")
    statements: list[str] = []
    with house.read() as reading:

        @sa.event.listens_for(reading.session.get_bind(), "before_cursor_execute")
        def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        reading.session.connection()
        statements.clear()
        sessions.authenticate_session(reading, begun.cookie)
    assert len([each for each in statements if each.startswith("SELECT")]) == 1


@pytest.mark.usefixtures("cast")
def test_a_session_ends_after_thirty_idle_minutes(house: TestHouse) -> None:
    begun = sign_in(house, "1001")
    house.clock.advance(timedelta(minutes=29, seconds=59))
    who(house, begun)
    house.clock.advance(timedelta(seconds=1))
    with pytest.raises(NotSignedInError):
        who(house, begun)


@pytest.mark.usefixtures("cast")
def test_a_session_that_is_used_ends_after_twelve_hours(house: TestHouse) -> None:
    begun = sign_in(house, "1001")
    for _ in range(35):
        house.clock.advance(timedelta(minutes=20))
        sessions.note_seen(house.tx, begun.id)
        who(house, begun)
    house.clock.advance(timedelta(minutes=20))
    with pytest.raises(NotSignedInError):
        who(house, begun)
    sessions.note_seen(house.tx, begun.id)
    with pytest.raises(NotSignedInError):
        who(house, begun)


@pytest.mark.usefixtures("cast")
def test_a_click_is_noted_once_a_minute(house: TestHouse) -> None:
    begun = sign_in(house, "1001")
    seen = []
    for seconds in (59, 1, 30, 30):
        house.clock.advance(timedelta(seconds=seconds))
        sessions.note_seen(house.tx, begun.id)
        seen.append(who(house, begun).last_seen_at)
    assert len(set(seen)) == 3


def test_what_ended_by_itself_is_told_once_and_why(house: TestHouse, cast: Cast) -> None:
    begun = sign_in(house, "1001")
    house.clock.advance(timedelta(minutes=30))
    house.tick()
    house.tick()
    ended = told(house, "session.ended")
    assert [(each["subject"], each["data"]) for each in ended] == [
        (begun.id, {"identity": cast.identity("alice").public_id, "why": "idle"})
    ]
    assert ended[0]["actor"] == "system"


def test_signing_out_ends_the_copy_of_the_cookie_too(house: TestHouse, cast: Cast) -> None:
    begun = sign_in(house, "1001")
    with house.write(NOBODY) as uow:
        sessions.end_by_cookie(uow, begun.cookie)
    with pytest.raises(NotSignedInError):
        who(house, begun)
    with house.write(NOBODY) as uow:
        sessions.end_by_cookie(uow, begun.cookie)
    assert [each["actor"] for each in told(house, "session.ended")] == [
        cast.identity("alice").public_id
    ]


@pytest.mark.usefixtures("cast")
def test_whoever_left_is_signed_out_at_the_next_click(house: TestHouse) -> None:
    begun = sign_in(house, "1005")
    with house.write() as uow:
        eve = uow.session.scalars(
            sa.select(Identity).where(Identity.employee_number == "1005")
        ).one()
        eve.is_active = False
        uow.record(SourceDisabled(subject=eve.public_id))
    with pytest.raises(NotSignedInError, match="no longer active"):
        who(house, begun)


def test_one_ends_ones_own_sessions_and_nobody_elses(house: TestHouse, cast: Cast) -> None:
    first, second, third = (sign_in(house, "1001") for _ in range(3))
    hers = sign_in(house, "1006")
    with house.write(cast.actor("mallory")) as uow, pytest.raises(NotFoundError):
        sessions.end_one(uow, session_id=first.id)
    with house.write(cast.actor("alice")) as uow:
        sessions.end_one(uow, session_id=first.id)
    with pytest.raises(NotSignedInError):
        who(house, first)
    with house.write(cast.actor("alice")) as uow:
        assert sessions.end_others(uow, but=second.id) == 1
    who(house, second)
    who(house, hers)
    with pytest.raises(NotSignedInError):
        who(house, third)


@pytest.mark.parametrize("cookie", ["", "x", "é" * 100, "a" * 5000, "' OR 1=1 --"])
def test_a_made_up_cookie_is_nobody(house: TestHouse, cookie: str) -> None:
    with house.read() as reading, pytest.raises(NotSignedInError):
        sessions.authenticate_session(reading, cookie)


# --- links -------------------------------------------------------------------------------------


def test_a_link_signs_in_once_and_looking_at_it_uses_nothing_up(
    house: TestHouse, cast: Cast
) -> None:
    with house.write() as uow:
        secret = links.make(uow, who="1001").path.removeprefix(links.PATH)
    for _ in range(3):
        with house.read(NOBODY) as reading:
            assert links.look(reading, secret, is_demonstration=False).name == "Alice"
    begun = use(house, secret)
    assert who(house, begun).actor.public_id == cast.identity("alice").public_id
    with pytest.raises(ConflictError, match="has been used"):
        use(house, secret)


@pytest.mark.usefixtures("cast")
def test_of_two_who_use_a_link_at_once_one_gets_in(house: TestHouse) -> None:
    with house.write() as uow:
        secret = links.make(uow, who="1001").path.removeprefix(links.PATH)
    got: list[str] = []

    def enter() -> None:
        try:
            got.append(use(house, secret).id)
        except AttestryError as error:
            got.append(error.code)

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(got).count("conflict") == 3


@pytest.mark.usefixtures("cast")
def test_a_link_expires_after_a_day(house: TestHouse) -> None:
    with house.write() as uow:
        secret = links.make(uow, who="1001").path.removeprefix(links.PATH)
    house.clock.advance(timedelta(days=1))
    with pytest.raises(ConflictError, match="has expired"):
        use(house, secret)


@pytest.mark.usefixtures("cast")
def test_a_reusable_link_works_in_a_demonstration_only(house: TestHouse) -> None:
    with house.write() as uow:
        made = links.make(uow, who="1001", is_reusable=True)
    secret = made.path.removeprefix(links.PATH)
    for _ in range(2):
        who(house, use(house, secret, is_demonstration=True))
    with pytest.raises(ConflictError, match="demonstration only"):
        use(house, secret)


@pytest.mark.usefixtures("cast")
def test_a_link_of_somebody_who_left_signs_nobody_in(house: TestHouse) -> None:
    with house.write() as uow:
        secret = links.make(uow, who="1005").path.removeprefix(links.PATH)
        eve = uow.session.scalars(
            sa.select(Identity).where(Identity.employee_number == "1005")
        ).one()
        eve.is_active = False
    with pytest.raises(NotSignedInError):
        use(house, secret)


def test_the_first_administrator_acts_with_the_role_and_as_nobody(house: TestHouse) -> None:
    with house.write() as uow:
        link = links.make(uow, role=Role.ADMIN, mail="root@example.test")
    begun = use(house, link.path.removeprefix(links.PATH))
    found = who(house, begun)
    assert found.actor.roles == {Role.ADMIN}
    assert found.actor.identity_id is None
    assert (found.actor.public_id, found.name) == (begun.id, "root@example.test")


@pytest.mark.usefixtures("cast")
def test_neither_store_nor_ledger_nor_a_repr_holds_a_secret(house: TestHouse) -> None:
    with house.write() as uow:
        link = links.make(uow, who="1001")
    begun = use(house, link.path.removeprefix(links.PATH))
    with house.read() as reading:
        kept = b"".join(
            [
                *reading.session.scalars(sa.select(LedgerEntry.body)),
                *reading.session.scalars(sa.select(SigninSession.digest)),
                *reading.session.scalars(sa.select(SigninLink.digest)),
            ]
        )
    assert begun.cookie.encode() not in kept
    assert link.path.removeprefix(links.PATH).encode() not in kept
    assert begun.cookie not in repr(begun)
    assert link.path not in repr(link)


def test_what_is_told_of_signing_in_names_nobody_but_by_id(house: TestHouse, cast: Cast) -> None:
    begun = sign_in(house, "1001")
    alice = cast.identity("alice").public_id
    entry = told(house, "session.begun")[-1]
    assert (entry["actor"], entry["subject"]) == (alice, begun.id)
    assert set(entry["data"]) == {"identity", "role", "how", "link", "issuer"}  # type: ignore[call-overload]
    assert "Alice" not in str(entry)


def test_of_a_browser_only_its_kind_is_kept() -> None:
    chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36"
    assert agent_summary(FIREFOX) == "Firefox, Linux"
    assert agent_summary(chrome) == "Chrome, Windows"
    assert agent_summary(chrome + " Edg/141.0") == "Edge, Windows"
    assert agent_summary("<script>alert(1)</script>") == ""
