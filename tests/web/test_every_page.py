"""Every page and every form of every stage, opened and sent by those who may not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.kernel import schema
from app.kernel.db import prepare
from app.kernel.ledger import LedgerEntry
from app.web import rail
from support.cast import Cast, bring_in
from support.house import TestHouse, open_house
from support.visitor import Visitor
from web.matrix import NOBODY

PROVIDER = {"/sign-in/provider", "/sign-in/provider/callback"}  # refused: none is set up here
VERIFIER = "/verify/attestry_verify.py"  # for everybody, to be compared with what is published
PUBLIC = {"/", "/sign-in", "/sign-in/link/<secret>", VERIFIER, *PROVIDER}
OPENED = {"/sign-in/link/<secret>": 403, "/sign-out": 403}  # forms of those who are not signed in
PEOPLE = {"stranger": "1006", "auditor": "1004", "operator": "1007", "administrator": "1008"}


class Doors:
    """One house, opened once, with a browser for each persona."""

    def __init__(self, cast: Cast) -> None:
        self.house: TestHouse = cast.house
        self.app: Flask = self.house.app()
        self.people = {
            role: Visitor(self.app).sign_in(self.house.tx, who) for role, who in PEOPLE.items()
        }

    def rules(self, method: str) -> list[str]:
        """Return the rules of every stage's pages."""
        return sorted(
            rule.rule
            for rule in self.app.url_map.iter_rules()
            if method in (rule.methods or ()) and rule.endpoint.split(".")[0].endswith("_pages")
        )

    def entries(self) -> int:
        """How many there are, without the looks of auditors."""
        counted = sa.select(sa.func.count(LedgerEntry.id)).where(LedgerEntry.kind != "audit.looked")
        with self.house.read() as reading:
            return reading.session.scalar(counted) or 0


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    folder: Path = tmp_path_factory.mktemp("doors")
    url = f"sqlite:///{folder / 'attestry.sqlite3'}"
    engine = sa.create_engine(url)
    prepare(engine)
    schema.upgrade(engine)
    engine.dispose()
    for house in open_house(folder, url):
        yield Doors(bring_in(house))


def made_up(rule: str) -> str:
    """Return a path of a rule, with ids of nothing."""
    return re.sub(r"<int:[^>]+>", "1", re.sub(r"<(?!int:)[^>]+>", NOBODY, rule))


def sent(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a form and what a script would send."""
    return {"data": {"csrf": token}}, {"json": {}}


def test_every_page_leads_whoever_is_not_signed_in_to_sign_in(doors: Doors) -> None:
    wrong = {}
    for rule in doors.rules("GET"):
        if rule in PUBLIC:
            continue
        answer = Visitor(doors.app).get(made_up(rule))
        if answer.status_code != 303 or not answer.headers["Location"].startswith("/sign-in?next="):
            wrong[rule] = answer.status_code
    assert wrong == {}


def test_a_script_that_is_not_signed_in_is_told_where_to_go(doors: Doors) -> None:
    wrong = {}
    for rule in doors.rules("GET"):
        if rule in PUBLIC:
            continue
        answer = Visitor(doors.app).get(made_up(rule), HX_Request="true")
        if answer.status_code != 401 or "HX-Redirect" not in answer.headers:
            wrong[rule] = answer.status_code
    assert wrong == {}


def test_no_form_does_anything_for_whoever_is_not_signed_in(doors: Doors) -> None:
    before = doors.entries()
    wrong = {}
    for rule in doors.rules("POST"):
        for body in sent(""):
            answer = Visitor(doors.app).client.post(made_up(rule), **body)
            leads = answer.headers.get("Location", "").startswith("/sign-in?")
            is_refused = answer.status_code in {401, 403, 413, 415, 422} or leads
            if not is_refused:
                wrong[rule] = answer.status_code
    assert wrong == {}
    assert doors.entries() == before


@pytest.mark.parametrize("role", PEOPLE)
def test_no_form_does_anything_without_a_token_of_the_session(doors: Doors, role: str) -> None:
    before = doors.entries()
    stolen = doors.people["stranger" if role != "stranger" else "auditor"].csrf("/account")
    wrong = {}
    for rule in doors.rules("POST"):
        for token in ("", stolen):
            for body in sent(token):
                answer = doors.people[role].client.post(
                    made_up(rule), headers={"X-CSRF-Token": token}, **body
                )
                if answer.status_code not in {403, 415, 422}:
                    wrong[rule] = answer.status_code
    doors.people[role].page("/account")
    assert wrong == {}
    assert doors.entries() == before


@pytest.mark.parametrize("role", PEOPLE)
def test_no_form_does_anything_to_what_is_not_there(doors: Doors, role: str) -> None:
    visitor = doors.people[role]
    token = visitor.csrf("/account")
    before = doors.entries()
    wrong = {}
    for rule in doors.rules("POST"):
        if "<" not in rule or rule in OPENED:
            continue
        for body in sent(token):
            answer = visitor.client.post(made_up(rule), headers={"X-CSRF-Token": token}, **body)
            if answer.status_code not in {403, 404, 409, 415, 422}:
                wrong[rule] = answer.status_code
    assert wrong == {}
    assert doors.entries() == before


@pytest.mark.parametrize("role", PEOPLE)
def test_every_page_of_what_is_not_there_is_not_found_or_not_permitted(
    doors: Doors, role: str
) -> None:
    wrong = {}
    for rule in doors.rules("GET"):
        answer = doors.people[role].get(made_up(rule))
        wanted = {403, 404} if "<" in rule else {200, 303, 403}
        if rule in PROVIDER:
            wanted = {409}
        if answer.status_code not in wanted:
            wrong[rule] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize("role", PEOPLE)
def test_the_rail_leads_only_where_one_may_go(doors: Doors, role: str) -> None:
    visitor = doors.people[role]
    text = visitor.page("/account")
    with doors.app.test_request_context("/"):
        lines = rail.lines()
    for line in lines:
        is_shown = f'<li><a href="{line.path}"' in text
        status = visitor.get(line.path).status_code
        if is_shown:
            assert status == 200, (role, line.path)
        elif line.permission is not None:
            assert status == 403, (role, line.path)


@pytest.mark.parametrize("role", PEOPLE)
def test_every_page_is_whole_and_runs_nothing_foreign(doors: Doors, role: str) -> None:
    wrong = {}
    for rule in doors.rules("GET"):
        answer = doors.people[role].get(made_up(rule))
        if not answer.content_type.startswith("text/html") or answer.status_code == 303:
            continue
        text = answer.get_data(as_text=True)
        is_part = "<!doctype html>" not in text
        faults = [
            fault
            for fault, is_so in {
                "no single h1": not is_part and len(re.findall(r"<h1[\s>]", text)) != 1,
                "inline script": bool(re.search(r"<script(?![^>]*\ssrc=)", text)),
                "inline style": bool(re.search(r"<[^>]+\sstyle=|<style", text)),
                "inline handler": bool(re.search(r"<[^>]+\s(?:on\w+|hx-on[:\w-]*)=", text)),
                "foreign address": bool(re.search(r"(?:src|href|action)=.(?:https?:)?//", text)),
                "no policy": "default-src 'none'" not in answer.headers["Content-Security-Policy"],
                "kept by browsers": answer.headers["Cache-Control"] != "no-store",
                "untitled": not is_part and not re.search(r"<title>[^<]*\w", text),
            }.items()
            if is_so
        ]
        if faults:
            wrong[rule] = faults
    assert wrong == {}
