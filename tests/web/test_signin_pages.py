"""Signing in and out, one's account, roles, tokens and settings, by their pages."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.events import TokenRevoked
from app.factory import create_app
from app.kernel.actor import Role
from app.kernel.ledger import LedgerEntry
from app.kernel.settings import Mode
from app.signin import links, service
from app.signin.models import ApiToken, RoleGrant
from support.cast import Cast
from support.house import TestHouse
from support.visitor import Visitor
from web.matrix import NOBODY as NO_ID

ODD = [
    "<script>alert(1)</script>",
    "{{7*7}}{% raw %}",
    "\u202egnitset",
    "🦊🦊🦊",
    "مرحبا",
    "' OR 1=1 --",
    "a" * 5000,
]


@pytest.fixture
def frank(house: TestHouse, cast: Cast) -> Visitor:
    assert cast.tokens
    return house.visitor("1008")


@pytest.fixture
def alice(house: TestHouse, cast: Cast) -> Visitor:
    assert cast.tokens
    return house.visitor("1001")


def kinds(house: TestHouse, like: str) -> list[str]:
    with house.read() as reading:
        found = reading.session.scalars(
            sa.select(LedgerEntry.kind).where(LedgerEntry.kind.like(like)).order_by(LedgerEntry.id)
        )
        return list(found)


def new_link(house: TestHouse, who: str) -> str:
    with house.write() as uow:
        return links.make(uow, who=who).path


# --- in and out --------------------------------------------------------------------------------


def test_a_link_shows_whom_it_signs_in_and_waits_for_the_button(
    house: TestHouse, cast: Cast
) -> None:
    path = new_link(house, cast.identity("alice").public_id)
    visitor = house.visitor()
    for _ in range(3):
        assert "Alice" in visitor.page(path)
    assert kinds(house, "session.%") == []
    answer = visitor.submit(path, on=path)
    assert answer.headers["Location"] == "/"
    given = " ".join(answer.headers.getlist("Set-Cookie"))
    session = re.search(
        r"__Host-attestry=([^;]+)[^,]*?; Secure; HttpOnly; Path=/; SameSite=Lax", given
    )
    assert session
    assert "Domain" not in given
    assert kinds(house, "session.%") == ["session.begun"]


@pytest.mark.parametrize("state", ["used", "expired", "unknown"])
def test_a_link_that_does_not_hold_says_why_and_is_told_to_the_ledger(
    house: TestHouse, cast: Cast, state: str
) -> None:
    path = new_link(house, cast.identity("alice").public_id)
    if state == "used":
        house.visitor().follow(path)
    if state == "expired":
        house.clock.advance(timedelta(days=2))
    if state == "unknown":
        path = "/sign-in/link/nobody-knows"
    visitor = house.visitor()
    shown = visitor.get(path)
    assert shown.status_code == {"unknown": 404}.get(state, 409)
    assert kinds(house, "signin.refused") == []
    answer = visitor.submit(path, on="/sign-in")
    assert answer.status_code == {"unknown": 404}.get(state, 409)
    assert {"used": "has been used", "expired": "has expired"}.get(
        state, "not known"
    ) in answer.get_data(as_text=True)
    assert kinds(house, "signin.refused") == ["signin.refused"]


def test_a_link_is_not_followed_for_a_forger(house: TestHouse, cast: Cast) -> None:
    path = new_link(house, cast.identity("mallory").public_id)
    token = house.visitor().csrf(path)
    victim = house.visitor()
    victim.page(path)
    for csrf in ("", token):
        assert victim.submit(path, csrf=csrf).status_code == 403
    elsewhere = victim.submit(path, on=path, Sec_Fetch_Site="cross-site")
    assert elsewhere.status_code == 403
    assert kinds(house, "session.%") == []


def test_signing_in_anew_ends_the_session_before_and_changes_the_cookie(
    house: TestHouse, cast: Cast, alice: Visitor
) -> None:
    before = alice.client.get_cookie("__Host-attestry")
    alice.follow(new_link(house, cast.identity("bob").public_id))
    after = alice.client.get_cookie("__Host-attestry")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    copy = house.visitor()
    copy.client.set_cookie("__Host-attestry", before.value)
    assert copy.get("/account").status_code == 303
    assert "Bob" in alice.page("/account")
    assert kinds(house, "session.%") == ["session.begun", "session.ended", "session.begun"]


def test_signing_out_ends_every_copy_of_the_cookie(house: TestHouse, alice: Visitor) -> None:
    cookie = alice.client.get_cookie("__Host-attestry")
    assert cookie is not None
    copy = house.visitor()
    copy.client.set_cookie("__Host-attestry", cookie.value)
    copy.page("/account")
    answer = alice.submit("/sign-out", on="/account")
    assert answer.headers["Location"] == "/sign-in?why=signed-out"
    assert alice.client.get_cookie("__Host-attestry") is None
    assert "You are signed out" in alice.page("/sign-in?why=signed-out")
    assert copy.get("/account").status_code == 303


def test_nobody_is_signed_out_by_a_forger(alice: Visitor) -> None:
    assert alice.submit("/sign-out", csrf="x").status_code == 403
    assert alice.get("/sign-out").status_code == 405
    alice.page("/account")


def served_at(house: TestHouse, address: str) -> Visitor:
    """Return a browser of an instance that people reach at another address."""
    settings = replace(house.house.settings, base_url=address)
    return Visitor(create_app(settings, house=house.house))


def test_a_plain_cookie_is_given_on_this_machine_only(house: TestHouse, cast: Cast) -> None:
    path = new_link(house, cast.identity("alice").public_id)
    away = served_at(house, "http://attestry.example")
    refused = away.submit(path, on=path)
    assert refused.status_code == 409
    assert "plain http" in refused.get_data(as_text=True)
    assert not any(each.startswith("attestry=") for each in refused.headers.getlist("Set-Cookie"))
    here = served_at(house, "http://127.0.0.1:8000")
    given = here.submit(path, on=path).headers.getlist("Set-Cookie")
    session = next(each for each in given if each.startswith("attestry="))
    assert "HttpOnly" in session
    assert "SameSite=Lax" in session
    assert "Secure" not in session


def test_a_secret_in_an_address_is_not_written_to_the_log(
    house: TestHouse, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    path = new_link(house, cast.identity("alice").public_id)
    with caplog.at_level("INFO"):
        house.visitor().follow(path)
    written = " ".join(f"{each.getMessage()} {vars(each)}" for each in caplog.records)
    assert "/sign-in/link/…" in written
    assert path.removeprefix(links.PATH) not in written


def test_whoever_tries_links_is_slowed_down_and_a_right_one_still_holds(
    house: TestHouse, cast: Cast
) -> None:
    path = new_link(house, cast.identity("alice").public_id)
    visitor = house.visitor()
    token = visitor.csrf("/sign-in")
    tried = [visitor.submit("/sign-in/link/guess", csrf=token) for _ in range(25)]
    assert [each.status_code for each in tried] == [404] * 20 + [429] * 5
    assert int(tried[-1].headers["Retry-After"]) <= 61
    assert len(kinds(house, "signin.refused")) == 20
    assert visitor.get("/sign-in/link/guess").status_code == 429
    house.clock.advance(timedelta(minutes=1))
    assert visitor.get("/sign-in/link/guess").status_code == 404
    visitor.follow(path)


def test_whoever_tries_tokens_is_slowed_down_and_a_right_one_still_holds(
    house: TestHouse,
) -> None:
    app = house.app().test_client()

    def call(token: str) -> int:
        header = {"Authorization": f"Bearer {token}"}
        status: int = app.get("/api/v1/tokens", headers=header).status_code
        return status

    tried = [call(f"attestry_{number}") for number in range(65)]
    assert tried == [401] * 60 + [429] * 5
    assert call(house.admin_token) == 200


def test_in_production_pages_are_answered_under_our_own_name_only(
    house: TestHouse, cast: Cast
) -> None:
    settings = replace(house.house.settings, mode=Mode.PRODUCTION)
    visitor = Visitor(create_app(settings, house=house.house))
    path = new_link(house, cast.identity("alice").public_id)
    for host in ("evil.example", "attestry.example.evil.example", "localhost", "[::1]"):
        for address in ("/", "/sign-in", path):
            answer = visitor.get(address, Host=host)
            assert answer.status_code == 421, (host, address)
            assert answer.content_type.startswith("text/html")
            assert host not in answer.get_data(as_text=True)
    assert visitor.get(path, Host="attestry.example").status_code == 200


# --- account -----------------------------------------------------------------------------------


def test_the_account_lists_ones_sessions_and_ends_them_one_by_one(
    house: TestHouse, alice: Visitor
) -> None:
    other = house.visitor("1001")
    third = house.visitor("1001")
    text = alice.page("/account")
    assert text.count("Unknown browser</span>") == 3
    ends = re.findall(r'action="(/account/sessions/[0-9a-f-]+/end)"', text)
    assert len(ends) == 2
    assert alice.submit(ends[0], on="/account").status_code == 303
    assert sorted(each.get("/account").status_code for each in (other, third)) == [200, 303]
    alice.submit("/account/sessions/end-others", on="/account")
    assert [each.get("/account").status_code for each in (alice, other, third)] == [200, 303, 303]


def test_somebody_elses_session_is_not_there(house: TestHouse, alice: Visitor) -> None:
    house.visitor("1001")
    hers = re.findall(r'action="(/account/sessions/[0-9a-f-]+/end)"', alice.page("/account"))
    mallory = house.visitor("1006")
    assert mallory.submit(hers[0], on="/account").status_code == 404
    assert mallory.submit(f"/account/sessions/{NO_ID}/end", on="/account").status_code == 404


def test_zone_and_language_are_kept_and_used(house: TestHouse, alice: Visitor) -> None:
    liked = {"zone": "Asia/Tokyo", "language": "de"}
    answer = alice.submit("/account/preferences", liked, on="/account")
    assert answer.status_code == 303
    text = alice.page("/account")
    assert "Asia/Tokyo" in text
    assert "2. März 2026, 17:00" in text
    assert 'lang="de"' in text
    again = house.visitor("1001")
    assert 'lang="de"' in again.page("/account")
    assert kinds(house, "preferences.%") == ["preferences.set"]
    repeated = alice.submit("/account/preferences", liked, on="/account")
    assert repeated.status_code == 409


@pytest.mark.parametrize("odd", ["", "Mars/Base", "../../etc/passwd", "UTC\x00", *ODD])
def test_a_zone_that_is_none_is_refused_with_the_page(alice: Visitor, odd: str) -> None:
    answer = alice.submit("/account/preferences", {"zone": odd, "language": "en"}, on="/account")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "<h1>" in text
    assert "<script>alert" not in text


@pytest.mark.usefixtures("cast")
def test_the_first_administrator_is_tied_to_the_identity_with_their_address(
    house: TestHouse,
) -> None:
    with house.write() as uow:
        path = links.make(uow, role=Role.ADMIN, mail="Frank@Example.test").path
    root = house.visitor().follow(path)
    assert "I am this person" in root.page("/account")
    assert root.submit("/account/tie", on="/account").status_code == 303
    text = root.page("/account")
    assert "I am this person" not in text
    assert "Where you are signed in" in text
    root.page("/people")
    assert kinds(house, "session.tied") == ["session.tied"]


@pytest.mark.parametrize("mail", [None, "nobody@example.test"])
def test_nobody_is_tied_to_somebody_by_anything_else(
    house: TestHouse, cast: Cast, mail: str | None
) -> None:
    assert cast.tokens
    with house.write() as uow:
        path = links.make(uow, role=Role.ADMIN, mail=mail).path
    root = house.visitor().follow(path)
    assert "I am this person" not in root.page("/account")
    answer = root.submit("/account/tie", {"mail": "frank@example.test"}, on="/account")
    assert answer.status_code == 409
    assert kinds(house, "session.tied") == []


def test_an_employee_cannot_tie_themselves_to_anybody(alice: Visitor) -> None:
    assert alice.submit("/account/tie", on="/account").status_code == 409


# --- roles and tokens --------------------------------------------------------------------------


def test_an_administrator_gives_a_role_with_an_end_and_takes_it_away(
    house: TestHouse, frank: Visitor, alice: Visitor
) -> None:
    given = {"who": "alice@example.test", "role": "operator", "until": "2026-12-31"}
    assert frank.submit("/people", given, on="/people").status_code == 303
    text = frank.page("/people")
    assert "The role is given." in text
    assert "Alice" in text
    assert "1 Jan 2027, 00:00" in text
    assert alice.get("/settings").status_code == 403
    with house.read() as reading:
        role = reading.session.scalars(
            sa.select(RoleGrant.public_id).where(RoleGrant.role == Role.OPERATOR)
        ).all()[-1]
    assert frank.submit(f"/people/{role}/end", on="/people").status_code == 303
    assert "Alice" not in frank.page("/people").split('id="main"')[1].split("Give a role")[0]
    assert "Alice" in frank.page("/people?show=past")


def test_the_last_administrator_is_kept(house: TestHouse, frank: Visitor) -> None:
    with house.write() as uow:
        for token in uow.session.scalars(sa.select(ApiToken)):
            token.revoked_at = uow.now
        uow.record(TokenRevoked(subject="all"))
    with house.read() as reading:
        role = reading.session.scalars(
            sa.select(RoleGrant.public_id).where(RoleGrant.role == Role.ADMIN)
        ).one()
    answer = frank.submit(f"/people/{role}/end", on="/people")
    assert answer.status_code == 409
    assert "name another first" in answer.get_data(as_text=True)


def test_a_role_taken_away_is_gone_at_the_next_click(house: TestHouse, frank: Visitor) -> None:
    frank.page("/people")
    token = frank.csrf("/people")
    with house.write() as uow:
        service.revoke_role(uow, who="1008", role=Role.ADMIN)
    assert frank.get("/people").status_code == 403
    answer = frank.submit("/people", {"who": "1008", "role": "admin"}, csrf=token)
    assert answer.status_code == 403


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_name_is_refused_or_shown_and_never_runs(frank: Visitor, odd: str) -> None:
    answer = frank.submit("/people", {"who": odd, "role": "operator"}, on="/people")
    text = answer.get_data(as_text=True)
    assert answer.status_code in {404, 422}
    assert "<script>alert" not in text
    named = frank.submit("/tokens", {"acts_as": "role", "role": "hr", "name": odd}, on="/tokens")
    assert named.status_code in {200, 422}
    assert "<script>alert" not in frank.page("/tokens")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"who": "1001"},
        {"who": "1001", "role": "king"},
        {"who": "1001", "role": "operator", "until": "tomorrow"},
        {"who": "1001", "role": "operator", "until": "2020-01-01"},
        {"who": "1001", "role": "operator", "until": "9999-12-31"},
    ],
)
def test_a_role_is_not_given_by_half_a_form(frank: Visitor, wrong: dict[str, str]) -> None:
    answer = frank.submit("/people", wrong, on="/people")
    assert answer.status_code == 422
    assert 'value="1001"' in answer.get_data(as_text=True) or "who" not in wrong


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    house: TestHouse, frank: Visitor
) -> None:
    made = {"acts_as": "role", "role": "operator", "name": "backup job", "expires_days": "7"}
    text = frank.submit("/tokens", made, on="/tokens").get_data(as_text=True)
    found = re.search(r"attestry_[\w-]+", text)
    assert found
    assert house.caller(found[0])("GET", "/entitlements").status_code == 200
    listed = frank.page("/tokens")
    assert found[0] not in listed
    assert "backup job" in listed
    with house.read() as reading:
        token = reading.session.scalars(
            sa.select(ApiToken.public_id).where(ApiToken.name == "backup job")
        ).one()
    assert frank.submit(f"/tokens/{token}/revoke", on="/tokens").status_code == 303
    assert house.caller(found[0])("GET", "/entitlements").status_code == 401
    assert "backup job" in frank.page("/tokens?show=past")
    again = frank.submit(f"/tokens/{token}/revoke", on="/tokens")
    assert again.status_code == 409


def test_a_token_form_sent_twice_makes_one_token(house: TestHouse, frank: Visitor) -> None:
    asked = {"acts_as": "person", "who": "1001", "role": "admin", "once": "k"}
    token = frank.csrf("/tokens")
    first, second = (frank.submit("/tokens", asked, csrf=token) for _ in range(2))
    shown = [
        re.search(r"attestry_[\w-]{20,}", each.get_data(as_text=True)) for each in (first, second)
    ]
    assert shown[0]
    assert shown[1]
    assert shown[0][0] == shown[1][0]
    with house.read() as reading:
        kept = reading.session.scalars(
            sa.select(ApiToken).where(ApiToken.created_by != "system", ApiToken.role.is_(None))
        ).all()
        assert len(kept) == 1


# --- settings ----------------------------------------------------------------------------------


def test_settings_are_shown_and_their_secrets_are_not(house: TestHouse, frank: Visitor) -> None:
    text = frank.page("/settings")
    assert "ATTESTRY_BASE_URL" in text
    assert "https://attestry.example" in text
    assert house.house.settings.secret_key not in text
    assert house.house.settings.database_url not in text
    assert "not set" in text


# --- everybody else ----------------------------------------------------------------------------


def test_only_administrators_open_the_pages_of_administrators(house: TestHouse, cast: Cast) -> None:
    for who in ("1001", "1004", "1007"):
        visitor = house.visitor(who)
        for path in ("/people", "/tokens", "/settings"):
            answer = visitor.get(path)
            assert answer.status_code == 403, (who, path)
            assert "admin" in answer.get_data(as_text=True)
            assert f'href="{path}"' not in answer.get_data(as_text=True)
        token = visitor.csrf("/account")
        before = kinds(house, "%")
        for path, data in (
            ("/people", {"who": "1001", "role": "admin"}),
            (f"/people/{NO_ID}/end", {}),
            ("/tokens", {"acts_as": "role", "role": "admin"}),
            (f"/tokens/{NO_ID}/revoke", {}),
        ):
            assert visitor.submit(path, data, csrf=token).status_code == 403, (who, path)
        told = [kind for kind in kinds(house, "%") if kind != "audit.looked"]
        assert told == [kind for kind in before if kind != "audit.looked"]
    assert cast.tokens


def test_whoever_is_nobody_yet_has_a_rail_of_their_own(house: TestHouse) -> None:
    with house.write() as uow:
        path = links.make(uow, role=Role.ADMIN).path
    text = house.visitor().follow(path).page("/account")
    assert 'href="/people"' in text
    assert "No mail address was given" in text


def test_an_auditors_rail_says_when_the_access_ends_and_shows_what_waits_only(
    house: TestHouse, cast: Cast
) -> None:
    text = house.visitor(cast.identity("dana").public_id).page("/account")
    assert "Auditor until 31 May 2026" in text
    assert 'href="/requests"' not in text
    assert 'href="/people"' not in text


def test_whoever_is_nobody_has_no_affairs_of_their_own(house: TestHouse) -> None:
    with house.write() as uow:
        path = links.make(uow, role=Role.ADMIN).path
    text = house.visitor().follow(path).page("/account")
    assert not re.search(r'<li><a href="/(?:requests|approvals|reviews)"', text)
