"""What stands before every page and form, tried on a probe: one page with one form."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask, Response, render_template_string
from marshmallow import Schema, fields, validate

from app.events import SourceDisabled
from app.factory import create_app
from app.kernel.errors import ConflictError, NotFoundError
from app.kernel.idempotency import StoredAnswer
from app.kernel.kept import KeptForm
from app.kernel.ledger import LedgerEntry
from app.kernel.uow import Reading, UnitOfWork
from app.signin import links
from app.web import guards, pages
from support.cast import Cast
from support.house import TestHouse
from support.visitor import Visitor, token_of
from web.matrix import NOBODY

SHOWN = """<h1>Probe</h1>
<form method="post" action="/probe"><input type="hidden" name="csrf" value="{{ csrf }}">
{% if form %}<p id="error">{{ form.error or "" }}</p>
<p id="field">{{ form.errors.word or "" }}</p><p id="kept">{{ form.is_kept }}</p>
<input name="word" value="{{ form.word or form["word"] }}">{% endif %}</form>"""


class ProbeForm(Schema):
    word = fields.String(required=True, validate=validate.Length(max=20))
    count = fields.Integer(load_default=1, strict=True)
    tags = fields.List(fields.String())
    is_on = fields.Boolean(load_default=False)


class Probe:
    """An application with one page more, and what its form did."""

    def __init__(self, house: TestHouse) -> None:
        self.house = house
        self.done: list[dict[str, Any]] = []
        self.app: Flask = create_app(
            house.house.settings, house=house.house
        )  # its own: it gets a probe
        self._add()

    def _add(self) -> None:
        blp = pages.pages("probe", __name__)

        @pages.page(blp, "/probe")
        def probe(reading: Reading, form: pages.Form | None = None) -> str:
            assert reading.actor.public_id != "system"
            return render_template_string(SHOWN, form=form)

        @pages.page(blp, "/probe/poll", is_poll=True)
        def poll(_reading: Reading) -> str:
            return "still there"

        @pages.action(blp, "/probe", again=probe)
        def send(uow: UnitOfWork, form: pages.Form) -> Response:
            loaded = form.load(ProbeForm)
            if loaded["word"] == "stale":
                raise ConflictError("Bob changed it meanwhile.", {"version": 2})
            if loaded["word"] == "gone":
                raise NotFoundError("It is not there.")
            self.done.append(loaded)
            uow.record(SourceDisabled(subject=f"probe-{len(self.done)}"))
            return pages.seen("/probe", notice=f"Sent {loaded['word']}.")

        @pages.json_action(blp, "/probe/json")
        def save(uow: UnitOfWork, body: dict[str, Any]) -> dict[str, Any]:
            if body.get("word") == "stale":
                raise ConflictError("Bob changed it meanwhile.", {"version": 2})
            uow.record(SourceDisabled(subject="probe-json"))
            return {"word": body["word"]}

        self.app.register_blueprint(blp)

    def visitor(self, who: str) -> Visitor:
        return Visitor(self.app).sign_in(self.house.tx, who)

    def count(self) -> int:
        with self.house.read() as reading:
            found = reading.session.scalar(
                sa.select(sa.func.count())
                .select_from(LedgerEntry)
                .where(LedgerEntry.subject.like("probe-%"))
            )
            return found or 0


@pytest.fixture
def probe(house: TestHouse, cast: Cast) -> Probe:
    assert cast.house is house
    return Probe(house)


@pytest.fixture
def alice(probe: Probe) -> Visitor:
    return probe.visitor("1001")


def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page_and_back(probe: Probe) -> None:
    answer = Visitor(probe.app).get("/probe?a=1&b=2")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=%2Fprobe%3Fa%3D1%26b%3D2"


def test_signing_in_leads_to_where_one_wanted_to_go(probe: Probe, cast: Cast) -> None:
    visitor = Visitor(probe.app)
    visitor.get("/sign-in?next=/probe?a=1")
    assert visitor.sign_in(probe.house.tx, "1001").get("/sign-in").headers["Location"] == "/"
    again = Visitor(probe.app)
    again.get("/sign-in?next=/probe?a=1")
    with probe.house.write() as uow:
        path = links.make(uow, who=cast.identity("alice").public_id).path
    assert again.submit(path, on=path).headers["Location"] == "/probe?a=1"


def test_a_script_whose_session_ended_is_told_where_to_go(probe: Probe) -> None:
    answer = Visitor(probe.app).get("/probe", HX_Request="true")
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Fprobe"
    assert answer.content_type == "application/problem+json"


def test_a_form_does_its_work_once_and_says_so_on_the_next_page(
    probe: Probe, alice: Visitor
) -> None:
    answer = alice.submit("/probe", {"word": "hello", "count": "3", "tags": ["a", "b"]})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/probe"
    assert probe.done == [{"word": "hello", "count": 3, "tags": ["a", "b"], "is_on": False}]
    assert alice.client.get_cookie("__Host-attestry-notice") is not None


# --- forged forms ------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "x", "AAAA", "é", "=" * 300, "A" * 128])
def test_a_form_without_a_token_of_this_session_does_nothing(
    probe: Probe, alice: Visitor, token: str
) -> None:
    answer = alice.submit("/probe", {"word": "x"}, csrf=token)
    assert answer.status_code == 403
    assert "Open the page again" in answer.get_data(as_text=True)
    assert probe.count() == 0


def test_a_token_of_somebody_elses_session_does_nothing(probe: Probe, alice: Visitor) -> None:
    mallory = probe.visitor("1006")
    answer = alice.submit("/probe", {"word": "x"}, csrf=mallory.csrf("/probe"))
    assert answer.status_code == 403
    assert probe.count() == 0


def test_a_token_from_before_signing_in_does_nothing_after_it(probe: Probe, alice: Visitor) -> None:
    before = Visitor(probe.app).csrf("/sign-in")
    assert alice.submit("/probe", {"word": "x"}, csrf=before).status_code == 403


def test_a_token_of_an_earlier_session_of_the_same_person_does_nothing(
    probe: Probe, alice: Visitor
) -> None:
    token = alice.csrf("/probe")
    other = probe.visitor("1001")
    assert other.submit("/probe", {"word": "x"}, csrf=token).status_code == 403


def test_a_token_looks_different_in_every_answer(alice: Visitor) -> None:
    assert alice.csrf("/probe") != alice.csrf("/probe")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://attestry.example.evil.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://attestry.example"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://attestry.example:444"},
    ],
)
def test_a_form_that_came_from_elsewhere_does_nothing(
    probe: Probe, alice: Visitor, headers: dict[str, str]
) -> None:
    token = alice.csrf("/probe")
    answer = alice.client.post("/probe", data={"csrf": token, "word": "x"}, headers=headers)
    assert answer.status_code == 403
    assert probe.count() == 0


def test_a_form_from_our_own_page_works_with_and_without_what_browsers_tell(
    probe: Probe, alice: Visitor
) -> None:
    for headers in ({}, {"Origin": "https://attestry.example", "Sec-Fetch-Site": "same-origin"}):
        token = alice.csrf("/probe")
        sent = alice.client.post("/probe", data={"csrf": token, "word": "x"}, headers=headers)
        assert sent.status_code == 303
    assert probe.count() == 2


def test_scripts_carry_the_token_in_a_header_and_get_problems(probe: Probe, alice: Visitor) -> None:
    done = alice.send("/probe/json", {"word": "a"}, on="/probe")
    assert (done.status_code, done.json) == (200, {"word": "a"})
    forged = alice.send("/probe/json", {"word": "a"}, csrf="x")
    assert (forged.status_code, forged.content_type) == (403, "application/problem+json")
    stale = alice.send("/probe/json", {"word": "stale"}, on="/probe")
    assert stale.status_code == 409
    assert stale.json is not None
    assert stale.json["current"] == {"version": 2}
    listed = alice.send("/probe/json", ["a"], on="/probe")
    assert listed.status_code == 422
    assert Visitor(probe.app).send("/probe/json", {"word": "a"}, csrf="x").status_code == 401
    assert probe.count() == 1


def test_a_page_does_not_take_an_api_token_nor_the_api_a_session(
    probe: Probe, alice: Visitor, cast: Cast
) -> None:
    header = {"Authorization": f"Bearer {cast.tokens['frank']}"}
    assert probe.app.test_client().get("/probe", headers=header).status_code == 303
    assert alice.get("/api/v1/requests").status_code == 401


# --- sent twice, refused, stale ----------------------------------------------------------------


def test_the_same_form_sent_twice_gets_the_first_answer(probe: Probe, alice: Visitor) -> None:
    token = alice.csrf("/probe")
    sent = [alice.submit("/probe", {"word": "hello", "once": "k1"}, csrf=token) for _ in range(2)]
    assert [each.status_code for each in sent] == [303, 303]
    assert [each.headers["Location"] for each in sent] == ["/probe", "/probe"]
    assert probe.count() == 1


def test_a_form_gone_back_to_and_sent_with_other_values_is_shown_again(
    probe: Probe, alice: Visitor
) -> None:
    alice.submit("/probe", {"word": "hello", "once": "k1"})
    other = alice.submit("/probe", {"word": "other", "once": "k1"})
    text = other.get_data(as_text=True)
    assert other.status_code == 409
    assert "was sent before" in text
    assert 'value="other"' in text
    assert probe.count() == 1


def test_the_key_of_one_persons_form_is_no_key_of_anothers(probe: Probe, alice: Visitor) -> None:
    alice.submit("/probe", {"word": "hello", "once": "k1"})
    probe.visitor("1006").submit("/probe", {"word": "hello", "once": "k1"})
    assert probe.count() == 2


def test_a_wrong_field_is_told_at_its_place_with_what_was_typed(
    probe: Probe, alice: Visitor
) -> None:
    typed = "<script>alert(1)</script>{{7*7}}"
    answer = alice.submit("/probe", {"word": typed})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "At most 20 characters" in text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in text
    assert probe.count() == 0


@pytest.mark.parametrize("word", ["\u202eevil", "🦊🦊", "مرحبا", "O\u2019Neil, #1"])
def test_any_word_a_person_may_write_survives(probe: Probe, alice: Visitor, word: str) -> None:
    assert alice.submit("/probe", {"word": word}).status_code == 303
    assert probe.done[-1]["word"] == word


@pytest.mark.parametrize(
    "data", [{"word": ""}, {"word": "  "}, {}, {"word": "a", "count": "many"}, {"word": "a\x00"}]
)
def test_what_cannot_be_meant_is_refused(
    probe: Probe, alice: Visitor, data: dict[str, str]
) -> None:
    assert alice.submit("/probe", data).status_code == 422
    assert probe.count() == 0


def test_a_stale_form_is_shown_again_with_what_was_typed_and_overwrites_nothing(
    probe: Probe, alice: Visitor
) -> None:
    answer = alice.submit("/probe", {"word": "stale"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Bob changed it meanwhile." in text
    assert 'value="stale"' in text
    assert probe.count() == 0


def test_what_was_typed_and_is_not_there_is_told_with_what_was_typed(alice: Visitor) -> None:
    answer = alice.submit("/probe", {"word": "gone"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert "It is not there." in text
    assert 'value="gone"' in text


def test_an_address_of_what_is_not_there_is_a_page_with_the_way_on(alice: Visitor) -> None:
    answer = alice.submit(f"/account/sessions/{NOBODY}/end", on="/account")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert "not there any more" in text
    assert "Reference" in text
    assert answer.headers["X-Request-Id"] in text


def test_an_oversized_form_is_refused_as_a_page(alice: Visitor) -> None:
    answer = alice.submit("/probe", {"word": "x" * (1 << 20)})
    assert answer.status_code == 413
    assert answer.content_type.startswith("text/html")


# --- a session that ends in the middle of a form ----------------------------------------------


def test_a_form_sent_after_its_session_ended_is_offered_again(probe: Probe, alice: Visitor) -> None:
    token = alice.csrf("/probe")
    probe.house.clock.advance(timedelta(minutes=31))
    sent = alice.submit("/probe", {"word": "a long reason"}, csrf=token)
    assert sent.status_code == 303
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    assert asked["why"] == ["ended"]
    back = asked["next"][0]
    alice.get(sent.headers["Location"])
    alice.sign_in(probe.house.tx, "1001")
    text = alice.page(back)
    assert 'value="a long reason"' in text
    assert '<p id="kept">True</p>' in text
    assert probe.count() == 0
    assert alice.submit("/probe", {"word": "a long reason"}, csrf=token_of(text)).status_code == 303


def test_a_kept_form_is_offered_to_nobody_else_and_for_an_hour_only(
    probe: Probe, alice: Visitor
) -> None:
    token = alice.csrf("/probe")
    probe.house.clock.advance(timedelta(minutes=31))
    sent = alice.submit("/probe", {"word": "a secret"}, csrf=token)
    back = parse_qs(urlsplit(sent.headers["Location"]).query)["next"][0]
    assert "a secret" not in probe.visitor("1006").page(back)
    with probe.house.read() as reading:
        kept = reading.session.scalars(sa.select(KeptForm)).one()
    assert b"a secret" not in kept.sealed
    probe.house.clock.advance(timedelta(minutes=61))
    assert "a secret" not in probe.visitor("1001").page(back)
    probe.house.tick()
    with probe.house.read() as reading:
        assert reading.session.scalars(sa.select(KeptForm)).all() == []


def test_only_the_newest_few_forms_of_somebody_are_kept(probe: Probe, alice: Visitor) -> None:
    token = alice.csrf("/probe")
    probe.house.clock.advance(timedelta(minutes=31))
    sent = [alice.submit("/probe", {"word": f"typed {each}"}, csrf=token) for each in range(9)]
    with probe.house.read() as reading:
        assert len(reading.session.scalars(sa.select(KeptForm)).all()) == 5
    back = parse_qs(urlsplit(sent[-1].headers["Location"]).query)["next"][0]
    assert 'value="typed 8"' in probe.visitor("1001").page(back)


def test_the_answer_to_a_form_is_forgotten_when_its_session_is_over(
    probe: Probe, alice: Visitor
) -> None:
    alice.submit("/probe", {"word": "hello", "once": "k1"})
    key = {"Authorization": f"Bearer {probe.house.admin_token}", "Idempotency-Key": "k1"}
    probe.app.test_client().post("/api/v1/tokens", json={"role": "hr"}, headers=key)

    def kept() -> list[str]:
        with probe.house.read() as reading:
            return list(reading.session.scalars(sa.select(StoredAnswer.key)))

    probe.house.tick()
    assert sorted(kept()) == ["form:k1", "k1"]
    probe.house.clock.advance(timedelta(hours=12))
    probe.house.tick()
    assert kept() == ["k1"]


def test_a_forged_form_is_not_kept(probe: Probe) -> None:
    sent = Visitor(probe.app).submit("/probe", {"word": "a"}, csrf="x")
    assert sent.headers["Location"] == "/sign-in?next=%2Fprobe"


def test_a_click_keeps_a_session_and_what_a_script_asks_by_itself_does_not(
    probe: Probe, alice: Visitor
) -> None:
    def after(minutes: int, path: str) -> int:
        probe.house.clock.advance(timedelta(minutes=minutes))
        return alice.get(path).status_code

    assert [after(20, "/probe"), after(20, "/probe"), after(20, "/probe/poll")] == [200] * 3
    assert after(10, "/probe/poll") == 303


def test_a_script_whose_session_ended_is_told_where_its_page_is(
    probe: Probe, alice: Visitor
) -> None:
    token = alice.csrf("/probe")
    probe.house.clock.advance(timedelta(minutes=31))
    answer = alice.client.post(
        "/probe/json",
        json={"word": "a"},
        headers={"X-CSRF-Token": token, "Referer": "https://attestry.example/probe?by=x"},
    )
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=%2Fprobe%3Fby%3Dx&why=ended"
    assert probe.count() == 0


# --- where to ----------------------------------------------------------------------------------

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/%2f%2fevil.example/%2e%2e",
    "/%2Fevil.example",
    "/%5cevil.example",
    "/%255cevil.example",
    "/\tevil.example",
    "/%09/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\n/evil.example",
    "/a\r\nSet-Cookie: x=1",
    "evil.example",
    "@evil.example",
    "/sign-in?next=/x",
    "/sign-out",
    "/" + "a" * 3000,
    "",
]


@pytest.mark.parametrize("address", ELSEWHERE)
def test_an_address_that_leads_elsewhere_is_not_followed(address: str) -> None:
    assert guards.own_path(address) == "/"


@pytest.mark.parametrize("address", ["/", "/probe?a=1&b=%20", "/find?q=a%26b", "/a-b/c.d#e"])
def test_an_address_of_ours_is_followed(address: str) -> None:
    assert guards.own_path(address) == address
    assert pages.seen(address).headers["Location"] == address


def test_signing_in_never_leads_elsewhere(alice: Visitor) -> None:
    for address in ELSEWHERE:
        answer = alice.client.get("/sign-in", query_string={"next": address})
        assert answer.headers["Location"] == "/", address


def test_the_address_in_the_cookie_cannot_be_made_elsewhere(probe: Probe, cast: Cast) -> None:
    visitor = Visitor(probe.app)
    with probe.house.write() as uow:
        path = links.make(uow, who=cast.identity("alice").public_id).path
    visitor.client.set_cookie("__Host-attestry-next", "L2V2aWw=")
    assert visitor.submit(path, on=path).headers["Location"] == "/"


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/probe", "/sign-in", "/nowhere", "/sign-in/link/unknown"])
def test_every_page_is_private_and_runs_nothing_foreign(alice: Visitor, path: str) -> None:
    answer = alice.get(path)
    text = answer.get_data(as_text=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=", text)


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_the_api(probe: Probe) -> None:
    visitor = Visitor(probe.app)
    assert visitor.get("/nowhere").content_type.startswith("text/html")
    assert visitor.get("/nowhere", Accept="application/json").content_type.endswith("problem+json")
    assert visitor.get("/api/v1/nowhere").content_type == "application/problem+json"
