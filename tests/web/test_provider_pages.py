"""Signing in with an identity provider, by the pages: the way in, and every way it can go wrong."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from app.directory.models import Identity
from app.factory import create_app
from app.kernel.actor import Role
from app.kernel.ledger import LedgerEntry
from app.signin import links, provider, wire
from app.signin.models import ProviderTie, RoleGrant, SigninSession
from support.cast import Cast
from support.house import TestHouse
from support.servers import oidc_own
from support.servers.oidc_own import BIG, CLIENT_ID, CLIENT_SECRET, Provider
from support.visitor import Visitor

pytestmark = pytest.mark.enable_socket

HOME = "/account"
ALICE: dict[str, Any] = {"sub": "a-1", "email": "Alice@example.test", "email_verified": True}
ROLE_MAP = {"Access admins": Role.ADMIN, "Access ops": Role.OPERATOR}


@pytest.fixture
def there(house: TestHouse) -> Iterator[Provider]:
    with oidc_own.running(house.clock.now) as found:
        yield found


class Doors:
    """An instance with a provider, and what was told and kept there."""

    def __init__(self, house: TestHouse, there: Provider, **changes: Any) -> None:
        self.house = house
        self.there = there
        settings = replace(
            house.house.settings,
            oidc_issuer=there.issuer,
            oidc_client_id=CLIENT_ID,
            oidc_client_secret=CLIENT_SECRET,
            **changes,
        )
        self.app = create_app(settings, house=house.house)

    def visitor(self) -> Visitor:
        return Visitor(self.app)

    def come(self, visitor: Visitor, query: str = "", **consent: Any) -> TestResponse:
        departed = visitor.get(f"/sign-in/provider{query}")
        assert departed.status_code == 303, departed.get_data(as_text=True)
        return visitor.get(self.there.consent(departed.headers["Location"], **consent))

    def kinds(self, like: str) -> list[str]:
        with self.house.read() as reading:
            found = reading.session.scalars(
                sa.select(LedgerEntry.kind)
                .where(LedgerEntry.kind.like(like))
                .order_by(LedgerEntry.id)
            )
            return list(found)

    def count(self, model: Any) -> int:
        with self.house.read() as reading:
            return reading.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


@pytest.fixture
def doors(house: TestHouse, cast: Cast, there: Provider) -> Doors:
    assert cast.tokens
    return Doors(house, there)


def asked_of(address: str) -> dict[str, str]:
    return {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}


def the_page_of(answer: TestResponse, status: int, said: str) -> str:
    text = answer.get_data(as_text=True)
    assert answer.status_code == status, text[:3000]
    assert said in text
    assert f"<code>{answer.headers['X-Request-Id']}</code>" in text
    assert "Nothing was changed." in text
    return text


# --- the way in --------------------------------------------------------------------------------


def test_the_sign_in_page_offers_the_provider_and_it_leads_where_one_wanted_to_go(
    doors: Doors,
) -> None:
    visitor = doors.visitor()
    visitor.get("/sign-in?next=/requests?a=1")
    assert 'href="/sign-in/provider"' in visitor.page("/sign-in?next=/requests?a=1")
    answer = doors.come(visitor, **ALICE)
    assert answer.headers["Location"] == "/requests?a=1"
    text = visitor.page(HOME)
    assert "Alice" in text
    assert "with the work account of 127.0.0.1" in text
    assert doors.kinds("provider.%") == ["provider.tied"]
    assert doors.kinds("session.%") == ["session.begun"]


def test_what_is_sent_to_the_provider_is_bound_to_this_browser_and_this_sign_in(
    doors: Doors,
) -> None:
    visitor = doors.visitor()
    departed = visitor.get("/sign-in/provider")
    asked = asked_of(departed.headers["Location"])
    assert asked["redirect_uri"] == "https://attestry.example/sign-in/provider/callback"
    assert asked["code_challenge_method"] == "S256"
    assert set(asked["scope"].split()) == {"openid", "email"}
    assert "max_age" not in asked
    again = asked_of(visitor.get("/sign-in/provider").headers["Location"])
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != again[name]
    kept = " ".join(departed.headers.getlist("Set-Cookie"))
    assert "__Host-attestry-signing-in=" in kept
    assert "Secure; HttpOnly; Path=/; SameSite=Lax" in kept
    assert CLIENT_SECRET not in departed.headers["Location"] + kept


def test_the_second_time_one_is_known_by_issuer_and_subject_whatever_the_address(
    doors: Doors,
) -> None:
    doors.come(doors.visitor(), **ALICE)
    visitor = doors.visitor()
    answer = doors.come(visitor, sub="a-1", email="bob@example.test", email_verified=False)
    assert answer.status_code == 303
    assert "Alice" in visitor.page(HOME)
    assert doors.kinds("provider.%") == ["provider.tied"]


def test_an_address_that_only_userinfo_tells_does_as_well(doors: Doors) -> None:
    doors.there.is_mail_in_token = False
    visitor = doors.visitor()
    assert doors.come(visitor, **ALICE).status_code == 303
    assert "Alice" in visitor.page(HOME)
    assert "/userinfo" in doors.there.asked


def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(doors: Doors) -> None:
    doors.there.way = "client_secret_post"
    assert doors.come(doors.visitor(), **ALICE).status_code == 303


def test_two_tabs_may_sign_in_at_the_same_time(doors: Doors) -> None:
    visitor = doors.visitor()
    tabs = [visitor.get("/sign-in/provider").headers["Location"] for _ in range(2)]
    for address in tabs:
        assert visitor.get(doors.there.consent(address, **ALICE)).status_code == 303


def test_the_session_that_was_there_ends_when_somebody_else_comes_in(
    doors: Doors, cast: Cast
) -> None:
    visitor = doors.visitor().sign_in(doors.house.tx, "1002")
    doors.come(visitor, **ALICE)
    assert cast.identity("bob").display_name not in visitor.page(HOME)
    assert doors.kinds("session.%") == ["session.begun", "session.ended", "session.begun"]


def test_signing_out_offers_to_sign_out_there_too(doors: Doors) -> None:
    visitor = doors.visitor()
    doors.come(visitor, **ALICE)
    visitor.submit("/sign-out", on=HOME)
    text = visitor.page("/sign-in?why=signed-out")
    assert f"{doors.there.issuer}/leave?client_id=attestry&amp;post_logout_redirect_uri=" in text
    assert visitor.get(HOME).status_code == 303


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/%2f/evil.example", "/sign-in"],
)
def test_nobody_is_led_elsewhere_after_signing_in(doors: Doors, wanted: str) -> None:
    visitor = doors.visitor()
    answer = doors.come(visitor, f"?next={wanted}", **ALICE)
    assert answer.headers["Location"] == "/"


def test_nothing_secret_is_logged_or_told_to_the_ledger(
    doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    account = "alice-as-the-provider-knows-her"
    with caplog.at_level(logging.DEBUG):
        visitor = doors.visitor()
        departed = visitor.get("/sign-in/provider")
        back = doors.there.consent(departed.headers["Location"], **{**ALICE, "sub": account})
        assert visitor.get(back).status_code == 303
        doors.come(doors.visitor(), sub="b", email="nobody@example.test", email_verified=True)
    ours = [each for each in caplog.records if not each.name.startswith(("urllib3", "werkzeug"))]
    written = " ".join(f"{each.getMessage()} {vars(each)}" for each in ours)
    with doors.house.read() as reading:
        written += " ".join(
            body.decode() for body in reading.session.scalars(sa.select(LedgerEntry.body))
        )
    assert "answered" in written
    for secret in (CLIENT_SECRET, asked_of(back)["code"] + '"', asked_of(back)["state"], account):
        assert secret not in written
    assert "nobody@example.test" not in written


# --- who is not let in -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"email": "nobody@example.test", "email_verified": True}, "nobody here is known by that"),
        ({"email": "alice@example.test", "email_verified": False}, "not verified there"),
        ({"email": "alice@example.test"}, "not verified there"),
        ({"email": "alice@example.test", "email_verified": "yes"}, "not verified there"),
        ({}, "not verified there"),
        ({"email": ["alice@example.test"], "email_verified": True}, "not verified there"),
    ],
)
def test_whoever_is_nobody_here_is_told_so_and_nothing_is_made(
    doors: Doors, claims: dict[str, Any], said: str
) -> None:
    answer = doors.come(doors.visitor(), sub="x", **claims)
    the_page_of(answer, 403, said)
    assert doors.count(ProviderTie) == doors.count(SigninSession) == 0
    assert doors.kinds("signin.refused") == ["signin.refused"]


def test_whoever_left_is_not_let_in_again(doors: Doors, cast: Cast) -> None:
    doors.come(doors.visitor(), **ALICE)
    for source in ("corp", "cloud"):
        cast.edit(source, "alice", is_enabled=False, status="disabled")
        cast.sync(source)
    the_page_of(doors.come(doors.visitor(), **ALICE), 403, "no longer active here")
    assert doors.count(SigninSession) == 1


def test_an_address_given_to_somebody_new_does_not_make_them_somebody_old(doors: Doors) -> None:
    doors.come(doors.visitor(), **ALICE)
    other = {**ALICE, "sub": "a-2"}
    the_page_of(doors.come(doors.visitor(), **other), 403, "has another account there")
    assert doors.count(ProviderTie) == 1


def test_an_address_of_two_people_is_nobodys(doors: Doors, cast: Cast) -> None:
    cast.edit("corp", "bob", mail="alice@example.test")
    cast.edit("cloud", "bob", mail="alice@example.test")
    cast.sync("corp")
    cast.sync("cloud")
    the_page_of(doors.come(doors.visitor(), **ALICE), 403, "several people here have that")


# --- what is not ours, and what does not hold --------------------------------------------------


def test_a_callback_that_this_browser_did_not_begin_is_refused(doors: Doors) -> None:
    victim, mallory = doors.visitor(), doors.visitor()
    departed = mallory.get("/sign-in/provider").headers["Location"]
    back = doors.there.consent(departed, **ALICE)
    the_page_of(victim.get(back), 400, "not begun here")
    victim.get("/sign-in/provider")
    the_page_of(victim.get(back), 400, "not begun here")
    assert victim.get(HOME).status_code == 303
    assert "/token" not in doors.there.asked
    assert doors.kinds("signin.refused") == []


def test_a_callback_holds_once_and_for_a_quarter_of_an_hour(doors: Doors) -> None:
    visitor = doors.visitor()
    departed = visitor.get("/sign-in/provider").headers["Location"]
    back = doors.there.consent(departed, **ALICE)
    assert visitor.get(back).status_code == 303
    the_page_of(visitor.get(back), 400, "not begun here")
    late = doors.visitor()
    departed = late.get("/sign-in/provider").headers["Location"]
    doors.house.clock.advance(timedelta(minutes=16))
    the_page_of(late.get(doors.there.consent(departed, **ALICE)), 400, "not begun here")


def test_whoever_tries_callbacks_is_slowed_down(doors: Doors) -> None:
    visitor = doors.visitor()
    tried = [visitor.get(f"{provider.CALLBACK}?state={each}&code=x") for each in range(22)]
    assert [each.status_code for each in tried] == [400] * 20 + [429] * 2
    assert doors.there.asked == []
    assert doors.come(visitor, **ALICE).status_code == 303


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ({"error": "access_denied"}, 403, "You did not sign in at your provider"),
        ({"error": "server_error"}, 502, "Your identity provider refused"),
        ({"error": "<script>alert(1)</script>"}, 502, "Your identity provider refused"),
        ({}, 502, "Your identity provider refused"),
        ({"code": "made-up"}, 502, "Your identity provider refused"),
        ({"code": "c", "iss": "https://evil.example"}, 502, "cannot be trusted"),
    ],
)
def test_what_the_provider_refuses_is_said_plainly(
    doors: Doors, answer: dict[str, str], status: int, said: str
) -> None:
    visitor = doors.visitor()
    asked = asked_of(visitor.get("/sign-in/provider").headers["Location"])
    text = the_page_of(visitor.get(doors.there.back(asked, **answer)), status, said)
    assert "<script>alert" not in text
    assert doors.count(SigninSession) == 0


Change = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda claims: {**claims, "nonce": "another"}, "cannot be trusted"),
        (lambda claims: {**claims, "nonce": None}, "cannot be trusted"),
        (lambda claims: {k: v for k, v in claims.items() if k != "nonce"}, "cannot be trusted"),
        (lambda claims: {**claims, "aud": "another"}, "cannot be trusted"),
        (lambda claims: {**claims, "aud": ["attestry", "another"]}, "cannot be trusted"),
        (lambda claims: {**claims, "aud": []}, "cannot be trusted"),
        (lambda claims: {**claims, "azp": "another"}, "cannot be trusted"),
        (lambda claims: {**claims, "iss": "https://evil.example"}, "cannot be trusted"),
        (lambda claims: {**claims, "sub": ""}, "cannot be trusted"),
        (lambda claims: {**claims, "sub": 7}, "cannot be trusted"),
        (lambda claims: {**claims, "sub": "s" * 256}, "cannot be trusted"),
        (lambda claims: {k: v for k, v in claims.items() if k != "sub"}, "cannot be trusted"),
        (lambda claims: {k: v for k, v in claims.items() if k != "exp"}, "do not agree"),
        (lambda claims: {**claims, "exp": "tomorrow"}, "do not agree"),
        (lambda claims: {**claims, "exp": claims["iat"] - 121}, "do not agree"),
        (lambda claims: {**claims, "at_hash": "bm90IGl0"}, "cannot be trusted"),
    ],
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(
    doors: Doors, change: Change, said: str
) -> None:
    doors.there.change = change
    the_page_of(doors.come(doors.visitor(), **ALICE), 502, said)
    assert doors.count(SigninSession) == doors.count(ProviderTie) == 0


@pytest.mark.parametrize(("seconds", "is_let_in"), [(119, True), (-119, True), (130, False)])
def test_clocks_may_differ_by_two_minutes(doors: Doors, seconds: int, is_let_in: bool) -> None:
    doors.there.skew = timedelta(seconds=seconds)
    if seconds < 0:
        doors.there.change = lambda claims: {**claims, "exp": claims["iat"]}
    answer = doors.come(doors.visitor(), **ALICE)
    if is_let_in:
        assert answer.status_code == 303
    else:
        the_page_of(answer, 502, "The clocks do not agree")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_no_private_key_signed_is_refused(doors: Doors, algorithm: str) -> None:
    doors.there.algorithm = algorithm
    the_page_of(doors.come(doors.visitor(), **ALICE), 502, "cannot be trusted")


def test_a_token_signed_by_another_key_of_the_same_name_is_refused(doors: Doors) -> None:
    doors.come(doors.visitor(), **ALICE)
    name = doors.there.keys[0].kid
    published = doors.there.keys[0].as_dict(private=False)
    doors.there.rotate()
    forged = RSAKey.import_key(doors.there.keys[0].as_pem(private=True), {"kid": name or ""})
    doors.there.keys = [forged]
    doors.there.raw["/jwks"] = oidc_own._json({"keys": [published]})
    the_page_of(doors.come(doors.visitor(), **ALICE), 502, "cannot be trusted")


def test_keys_are_fetched_once_and_anew_for_a_key_that_is_not_known(doors: Doors) -> None:
    for _ in range(3):
        assert doors.come(doors.visitor(), **ALICE).status_code == 303
    assert doors.there.asked.count("/jwks") == 1
    assert doors.there.asked.count("/.well-known/openid-configuration") == 1
    doors.there.rotate(kind="EC")
    assert doors.come(doors.visitor(), **ALICE).status_code == 303
    assert doors.there.asked.count("/jwks") == 2
    doors.house.clock.advance(timedelta(hours=1, minutes=1))
    assert doors.come(doors.visitor(), **ALICE).status_code == 303
    assert doors.there.asked.count("/jwks") == 3
    assert doors.there.asked.count("/.well-known/openid-configuration") == 2


# --- a provider that is down, or talks nonsense ------------------------------------------------


def test_a_provider_that_is_down_is_said_to_be_and_is_asked_again_later(
    house: TestHouse, cast: Cast
) -> None:
    with oidc_own.running(house.clock.now) as gone:
        doors = Doors(house, gone)
    answer = doors.visitor().get("/sign-in/provider")
    the_page_of(answer, 503, "Your identity provider does not answer")
    with house.write() as uow:
        path = links.make(uow, who=cast.identity("alice").public_id).path
    doors.visitor().follow(path).page(HOME)


class Slow:
    """A server that takes calls, says so much and nothing more."""

    def __init__(self, said: bytes, *, is_dripping: bool = False) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.issuer = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.said = said
        self.is_dripping = is_dripping
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.serve)

    def serve(self) -> None:
        with suppress(OSError):
            near, _ = self.listener.accept()
            with near:
                near.recv(4096)
                near.sendall(self.said)
                while self.is_dripping and not self.is_over.wait(0.05):
                    near.sendall(b" ")
                self.is_over.wait(30)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.is_over.set()
        self.listener.close()
        self.thread.join()


@pytest.mark.parametrize(
    ("said", "is_dripping"),
    [
        (b"", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{", True),
        (b"nonsense\r\n\r\n", False),
    ],
    ids=["silent", "broken off", "dripping", "another protocol"],
)
def test_a_provider_that_is_slow_is_not_waited_for(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch, said: bytes, is_dripping: bool
) -> None:
    monkeypatch.setattr(wire, "TIMEOUTS", (1.0, 0.4))
    monkeypatch.setattr(wire, "LONGEST", 0.6)
    with Slow(said, is_dripping=is_dripping) as slow:
        doors = Doors(house, Provider(slow.issuer, house.clock.now))
        answer = doors.visitor().get("/sign-in/provider")
    the_page_of(answer, 503, "Your identity provider does not answer")


def test_a_provider_that_comes_back_is_used_again(doors: Doors) -> None:
    path = "/.well-known/openid-configuration"
    doors.there.raw[path] = (503, "text/plain", b"later")
    visitor = doors.visitor()
    for _ in range(2):
        the_page_of(visitor.get("/sign-in/provider"), 503, "does not answer")
    assert doors.there.asked == [path]
    doors.there.raw.clear()
    doors.house.clock.advance(timedelta(seconds=6))
    assert doors.come(visitor, **ALICE).status_code == 303


@pytest.mark.parametrize(
    "answer",
    [
        (200, "text/html", b"<h1>Welcome</h1>"),
        (200, "application/json", b"[]"),
        (200, "application/json", b"\xff\xfe"),
        (200, "application/json", b'{"issuer": "x", "pad": "' + b"x" * BIG + b'"}'),
        (404, "application/json", b"{}"),
        (302, "text/plain", b"http://127.0.0.1:1/elsewhere"),
    ],
    ids=["html", "list", "bytes", "large", "missing", "redirect"],
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
def test_nonsense_is_said_to_be_nonsense(doors: Doors, path: str, answer: oidc_own.RAW) -> None:
    doors.there.raw[path] = answer
    visitor = doors.visitor()
    departed = visitor.get("/sign-in/provider")
    if path != "/.well-known/openid-configuration":
        departed = visitor.get(doors.there.consent(departed.headers["Location"], **ALICE))
    is_no_token = path == "/token" and answer[:2] == (404, "application/json")
    said = "cannot be trusted" if is_no_token else "makes no sense"
    the_page_of(departed, 502, said)
    assert doors.count(SigninSession) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"token_endpoint": None},
        {"token_endpoint": "http://evil.example/token"},
        {"token_endpoint": "https://user:word@evil.example/token"},
        {"jwks_uri": 7},
        {"end_session_endpoint": "javascript:alert(1)"},
    ],
)
def test_a_provider_that_publishes_something_else_is_not_used(
    doors: Doors, change: dict[str, Any]
) -> None:
    doors.there.change_discovery = lambda document: {**document, **change}
    the_page_of(doors.visitor().get("/sign-in/provider"), 502, "makes no sense")


def test_userinfo_of_somebody_else_is_refused(doors: Doors) -> None:
    doors.there.is_mail_in_token = False
    doors.there.raw["/userinfo"] = oidc_own._json(
        {"sub": "another", "email": "frank@example.test", "email_verified": True}
    )
    the_page_of(doors.come(doors.visitor(), **ALICE), 502, "cannot be trusted")


def test_without_a_provider_there_is_no_such_door(house: TestHouse) -> None:
    visitor = house.visitor()
    assert "/sign-in/provider" not in visitor.page("/sign-in")
    for path in ("/sign-in/provider", provider.CALLBACK):
        assert visitor.get(path).status_code == 409


def test_secrets_go_over_https_or_on_this_machine_only(house: TestHouse, there: Provider) -> None:
    visitor = Doors(house, there, base_url="http://attestry.example").visitor()
    assert visitor.get("/sign-in/provider").status_code == 409


# --- roles by claims ---------------------------------------------------------------------------


@pytest.fixture
def mapped(house: TestHouse, cast: Cast, there: Provider) -> Doors:
    assert cast.tokens
    return Doors(house, there, oidc_roles_claim="groups", oidc_role_map=ROLE_MAP)


def roles_of(doors: Doors, who: str) -> set[str]:
    with doors.house.read() as reading:
        now = reading.now
        found = reading.session.scalars(
            sa.select(RoleGrant.role)
            .join(Identity, Identity.id == RoleGrant.identity_id)
            .where(
                Identity.employee_number == who,
                RoleGrant.ended_at.is_(None),
                sa.or_(RoleGrant.until.is_(None), RoleGrant.until > now),
            )
        )
        return {each.value for each in found}


def test_roles_are_those_of_the_claims_at_each_sign_in(mapped: Doors) -> None:
    visitor = mapped.visitor()
    mapped.come(visitor, **ALICE, groups=["Everybody", "Access admins"])
    assert visitor.get("/people").status_code == 200
    assert roles_of(mapped, "1001") == {"admin"}
    mapped.come(mapped.visitor(), **ALICE, groups="Access ops")
    assert roles_of(mapped, "1001") == {"operator"}
    assert visitor.get("/people").status_code == 403
    before = mapped.kinds("role.%")
    mapped.come(mapped.visitor(), **ALICE, groups=["Access ops", 7, {"a": 1}])
    assert mapped.kinds("role.%") == before
    mapped.come(mapped.visitor(), **ALICE)
    assert roles_of(mapped, "1001") == set()
    told = ["role.granted", "role.revoked", "role.granted", "role.revoked"]
    assert mapped.kinds("role.%")[-4:] == told


def test_what_an_administrator_gave_is_left_alone(mapped: Doors) -> None:
    frank: dict[str, Any] = {"sub": "f-1", "email": "frank@example.test", "email_verified": True}
    mapped.come(mapped.visitor(), **frank, groups=["Access admins", "Access ops"])
    assert roles_of(mapped, "1008") == {"admin", "operator"}
    mapped.come(mapped.visitor(), **frank, groups=[])
    assert roles_of(mapped, "1008") == {"admin"}


def test_nobody_keeps_a_role_of_a_claim_by_staying_away(mapped: Doors) -> None:
    mapped.come(mapped.visitor(), **ALICE, groups="Access ops")
    mapped.house.clock.advance(timedelta(days=20))
    mapped.come(mapped.visitor(), **ALICE, groups="Access ops")
    mapped.house.clock.advance(timedelta(days=29))
    assert roles_of(mapped, "1001") == {"operator"}
    mapped.house.clock.advance(timedelta(days=2))
    assert roles_of(mapped, "1001") == set()


def test_the_settings_tell_which_value_gives_which_role_and_no_secret(mapped: Doors) -> None:
    text = mapped.visitor().sign_in(mapped.house.tx, "1008").page("/settings")
    assert "Access admins → admin, Access ops → operator" in text
    assert mapped.there.issuer in text
    assert CLIENT_SECRET not in text


def test_a_claim_may_stand_deeper_or_be_named_by_an_address(
    house: TestHouse, cast: Cast, there: Provider
) -> None:
    assert cast.tokens
    deep = Doors(house, there, oidc_roles_claim="realm_access.roles", oidc_role_map=ROLE_MAP)
    deep.come(deep.visitor(), **ALICE, realm_access={"roles": ["Access ops"]})
    assert roles_of(deep, "1001") == {"operator"}
    name = "https://example.test/roles"
    named = Doors(house, there, oidc_roles_claim=name, oidc_role_map=ROLE_MAP)
    named.come(named.visitor(), **ALICE, **dict[str, Any]({name: ["Access admins"]}))
    assert roles_of(named, "1001") == {"admin"}


# --- once more ---------------------------------------------------------------------------------


ROLE = {"who": "1002", "role": "operator", "until": "2026-12-31"}
FRANK: dict[str, Any] = {"sub": "f-1", "email": "frank@example.test", "email_verified": True}


def test_a_stale_sign_in_is_asked_for_once_more_and_nothing_typed_is_lost(doors: Doors) -> None:
    visitor = doors.visitor()
    doors.come(visitor, **FRANK)
    before = visitor.client.get_cookie("__Host-attestry")
    doors.house.clock.advance(timedelta(minutes=11))
    token = visitor.csrf("/people")
    asked = visitor.submit("/people", ROLE, csrf=token)
    assert asked.status_code == 303
    place = asked.headers["Location"]
    assert place.startswith("/sign-in?next=")
    assert place.endswith("&step_up=1")
    text = visitor.page(place)
    assert "Sign in once more" in text
    assert 'href="/sign-in/provider?step_up=1"' in text
    answer = doors.come(visitor, "?step_up=1", **FRANK)
    kept = visitor.page(answer.headers["Location"])
    assert 'value="1002"' in kept
    assert "It has not been sent yet" in kept
    assert doors.kinds("session.%") == ["session.begun", "session.proven"]
    after = visitor.client.get_cookie("__Host-attestry")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    # what another tab had open before still holds
    assert visitor.submit("/people", ROLE, csrf=token).headers["Location"] == "/people"
    assert roles_of(doors, "1002") == {"operator"}


def test_an_old_sign_in_at_the_provider_is_none_once_more(doors: Doors) -> None:
    visitor = doors.visitor()
    doors.come(visitor, **FRANK)
    doors.house.clock.advance(timedelta(minutes=11))
    old = doors.come(visitor, "?step_up=1", **FRANK, signed_in_for=timedelta(minutes=5))
    the_page_of(old, 403, "did not ask who you are")
    untold = doors.come(visitor, "?step_up=1", **{**FRANK, "auth_time": None})
    the_page_of(untold, 403, "did not ask who you are")
    answer = visitor.submit("/people", ROLE, on="/people")
    assert answer.headers["Location"].endswith("step_up=1")
    assert roles_of(doors, "1002") == set()


def test_how_long_ago_somebody_signed_in_there_counts_here(doors: Doors) -> None:
    visitor = doors.visitor()
    doors.come(visitor, **FRANK, signed_in_for=timedelta(hours=3))
    answer = visitor.submit("/people", ROLE, on="/people")
    assert answer.headers["Location"].endswith("step_up=1")
    assert visitor.get("/people").status_code == 200


def test_secrets_of_a_source_are_sent_nowhere_by_a_stale_session(doors: Doors, cast: Cast) -> None:
    visitor = doors.visitor()
    doors.come(visitor, **FRANK)
    doors.house.clock.advance(timedelta(minutes=11))
    changed = {"path": str(cast.file("elsewhere")), "flavour": "directory", "version": "1"}
    answer = visitor.submit("/sources/corp/settings", changed, on=HOME)
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("step_up=1")
    assert doors.kinds("source.changed") == []


def test_whoever_came_by_a_link_comes_by_another_once_more(doors: Doors) -> None:
    visitor = doors.visitor().sign_in(doors.house.tx, "1008")
    doors.house.clock.advance(timedelta(minutes=11))
    place = visitor.submit("/people", ROLE, on="/people").headers["Location"]
    text = visitor.page(place)
    assert "You came in by a link" in text
    assert "attestry link create" in text
    with doors.house.write() as uow:
        path = links.make(uow, who="1008").path
    answer = visitor.submit(path, on=path)
    assert 'value="1002"' in visitor.page(answer.headers["Location"])
    assert visitor.submit("/people", ROLE, on="/people").headers["Location"] == "/people"


def test_whoever_is_fresh_is_not_asked_once_more(doors: Doors) -> None:
    visitor = doors.visitor()
    doors.come(visitor, **FRANK)
    answer = visitor.get("/sign-in?next=/people&step_up=1")
    assert answer.headers["Location"] == "/people"


def test_whom_no_verified_address_finds_is_tied_by_hand_by_what_they_were_shown(
    doors: Doors, cast: Cast
) -> None:
    stranger = {"sub": "entra-7", "email": "alice@example.test"}  # no word of being verified
    visitor = doors.visitor()
    refused = doors.come(visitor, **stranger)
    assert refused.status_code == 403
    assert "entra-7" in refused.get_data(as_text=True)
    frank = doors.visitor().sign_in(doors.house.tx, "1008")
    tied = frank.submit("/people/accounts", {"who": "1001", "subject": "entra-7"}, on="/people")
    assert tied.status_code == 303
    assert "entra-7" in frank.page("/people/accounts")
    assert doors.come(visitor, **stranger).status_code == 303
    assert "Alice" in visitor.page(HOME)
    alice = cast.identity("alice").public_id
    assert frank.submit(f"/people/accounts/{alice}/untie", on="/people").status_code == 303
    assert doors.come(doors.visitor(), **stranger).status_code == 403
    assert doors.kinds("provider.%") == ["provider.tied", "provider.untied"]


def test_an_account_is_tied_to_one_person_and_a_person_to_one_account(
    doors: Doors, cast: Cast
) -> None:
    assert cast.tokens
    frank = doors.visitor().sign_in(doors.house.tx, "1008")

    def tie(who: str, subject: str) -> int:
        sent = {"who": who, "subject": subject}
        return frank.submit("/people/accounts", sent, on="/people").status_code

    assert tie("1001", "a-1") == 303
    assert tie("1001", "a-1") == 409  # it is so already
    assert tie("1002", "a-1") == 409  # it is somebody else's
    assert tie("1001", "a-2") == 409  # they have another
    assert tie("nobody at all", "a-3") == 404
    assert tie("1002", "") == 422
    assert doors.kinds("provider.%") == ["provider.tied"]


def test_nobody_ties_accounts_by_hand_without_the_role_a_fresh_sign_in_and_a_provider(
    doors: Doors, cast: Cast
) -> None:
    assert cast.tokens
    sent = {"who": "1001", "subject": "a-1"}
    olga = doors.visitor().sign_in(doors.house.tx, "1007")
    assert olga.submit("/people/accounts", sent).status_code == 403
    none_set_up = Visitor(doors.house.app()).sign_in(doors.house.tx, "1008")
    assert none_set_up.submit("/people/accounts", sent, on="/people").status_code == 409
    frank = doors.visitor().sign_in(doors.house.tx, "1008")
    token = frank.csrf("/people")
    doors.house.clock.advance(timedelta(minutes=20))
    stale = frank.submit("/people/accounts", sent, csrf=token)
    assert "step_up=1" in stale.headers["Location"]
    assert doors.kinds("provider.%") == []
