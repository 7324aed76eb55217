"""An auditor with limits reaches what was named, and nothing else: by no read, page or command."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.kernel.actor import Role
from app.kernel.errors import InvalidInputError
from app.kernel.ledger import LedgerEntry
from app.kernel.limits import Limits
from app.signin import service
from support.cast import PEOPLE, bring_in
from support.house import MORNING, open_house
from support.limits import CONTROL, OTHER, TEN, TWELVE, Held, hold
from support.visitor import Visitor
from web.matrix import answers

ROOM = ("/api/v1/evidence", "/api/v1/ledger")


def span(start: datetime, end: datetime) -> dict[str, str]:
    return {"from": start.isoformat(), "to": end.isoformat()}


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Held]:
    """Carol is an auditor of one campaign, Mallory of one control in two hours."""
    home = tmp_path_factory.mktemp("limits")
    path = home / "attestry.sqlite3"
    shutil.copy(migrated_file, path)
    for house in open_house(home, f"sqlite:///{path}"):
        yield hold(house, bring_in(house))


def browser(held: Held, who: str) -> Visitor:
    """A browser of somebody, in the one application of these tests."""
    held.cast.call(who)
    return Visitor(held.cast.app).sign_in(held.cast.house.tx, PEOPLE[who][0])


def seen(held: Held, who: str, kind: str, ids: dict[str, str]) -> set[str]:
    """What of some ids somebody is shown, by each door that leads to them."""
    call = held.cast.call(who)
    listed = {each["id"] for each in call.get(f"/evidence/{kind}")["items"]}
    shown = {
        id_ for id_ in ids.values() if call("GET", f"/evidence/{kind}/{id_}").status_code == 200
    }
    assert shown == listed & set(ids.values())
    visitor = browser(held, who)
    place = "/evidence" if kind == "bundles" else "/evidence/samples"
    pages = {id_ for id_ in ids.values() if visitor.get(f"{place}/{id_}").status_code == 200}
    text = visitor.page(place)
    assert pages == shown == {id_ for id_ in ids.values() if f"{place}/{id_}" in text}
    return {name for name, id_ in ids.items() if id_ in shown}


def test_bundles_and_samples_are_those_of_the_limits_by_every_door(held: Held) -> None:
    assert seen(held, "carol", "bundles", held.bundles) == {"mine"}
    assert seen(held, "mallory", "bundles", held.bundles) == {"control"}
    assert seen(held, "dana", "bundles", held.bundles) == set(held.bundles)
    assert seen(held, "carol", "samples", held.samples) == {"mine"}
    assert seen(held, "mallory", "samples", held.samples) == {"requests"}


def test_what_is_not_reached_is_not_handed_over_asked_for_or_checked(held: Held) -> None:
    carol = held.cast.call("carol")
    visitor = browser(held, "carol")
    for name, status in (("mine", 409), ("other", 404), ("period", 404)):
        place = held.bundles[name]
        assert carol("GET", f"/evidence/bundles/{place}/download").status_code == status
        for verb in ("download", "check", "again"):
            assert visitor.submit(f"/evidence/{place}/{verb}").status_code == status, (name, verb)
        assert visitor.get(f"/evidence/{place}/now").status_code == (200 if name == "mine" else 404)
    for body, status in (
        ({"campaign": held.mine}, 202),
        ({"campaign": held.other}, 404),
        (span(TEN, TWELVE), 403),
        ({"sample": held.samples["mine"]}, 202),
        ({"sample": held.samples["other"]}, 404),
    ):
        assert carol("POST", "/evidence/bundles", body).status_code == status, body


def test_a_control_is_asked_for_alone_and_within_the_time(held: Held) -> None:
    mallory = held.cast.call("mallory")
    for controls, start, status in (
        ([CONTROL], TEN, 202),
        ([OTHER], TEN, 403),
        ([CONTROL, OTHER], TEN, 403),
        ([], TEN, 403),
        ([CONTROL], MORNING, 403),
    ):
        body = {**span(start, TWELVE), "controls": controls}
        assert mallory("POST", "/evidence/bundles", body).status_code == status, body
    leavers = {**span(TEN, TWELVE), "controls": [CONTROL], "leavers": True}
    refused = mallory("POST", "/evidence/bundles", leavers)
    assert refused.status_code == 403
    assert CONTROL in refused.get_json()["detail"]


def test_samples_are_drawn_and_words_given_within_the_limits(held: Held) -> None:
    carol, mallory = held.cast.call("carol"), held.cast.call("mallory")
    body = {"population": "items", "seed": "mine", "size": 1}
    assert carol("POST", "/evidence/samples", {**body, "campaign": held.mine}).status_code == 201
    assert carol("POST", "/evidence/samples", {**body, "campaign": held.other}).status_code == 404
    for population, start, status in (
        ("requests", TEN, 201),
        ("leavers", TEN, 403),
        ("requests", MORNING, 403),
    ):
        asked = {**body, **span(start, TWELVE), "population": population}
        assert mallory("POST", "/evidence/samples", asked).status_code == status, asked
    word = {"nonce": "a word of sixteen".replace(" ", "-")}
    assert carol("POST", "/evidence/nonces", {**word, "campaign": held.mine}).status_code == 201
    assert carol("POST", "/evidence/nonces", {**word, "campaign": held.other}).status_code == 404
    text = browser(held, "carol").page("/evidence/samples")
    assert "Sales" not in text
    assert "Finance" in text


def test_the_life_of_an_access_is_told_if_it_is_of_the_campaign_or_the_time(held: Held) -> None:
    reached = (held.cast.account("corp", "eve"), held.cast.group("corp", "payroll"))
    beyond = (held.cast.account("corp", "alice"), held.cast.group("corp", "staff"))
    for who, pair, status in (
        ("carol", reached, 200),
        ("carol", beyond, 404),
        ("mallory", beyond, 200),
        ("dana", beyond, 200),
    ):
        account, group = (each.public_id for each in pair)
        asked = held.cast.call(who)("GET", f"/evidence/access?account={account}&group={group}")
        assert asked.status_code == status, (who, group)
        visitor = browser(held, who)
        assert visitor.get(f"/evidence/access/{account}/{group}").status_code == status


def test_entries_are_those_of_the_campaign_or_the_time_and_so_are_their_proofs(held: Held) -> None:
    house = held.cast.house
    with house.read() as reading:
        beyond = reading.session.scalars(
            sa.select(LedgerEntry.public_id).where(LedgerEntry.kind == "token.created")
        ).first()
    for who in ("carol", "mallory"):
        call, visitor = held.cast.call(who), browser(held, who)
        told = call.get("/ledger/entries?limit=500")["items"]
        assert told
        assert beyond not in {each["id"] for each in told}
        for entry, status in ((told[0]["id"], 200), (beyond, 404)):
            proof = call("GET", f"/ledger/proofs/inclusion?entry={entry}")
            assert (proof.status_code, visitor.get(f"/ledger/{entry}").status_code) == (
                status,
                status,
            )
        assert str(beyond) not in visitor.page("/ledger")


def test_no_other_read_gives_more_than_anybody_is_given(held: Held) -> None:
    """Every route of the API: with limits, as for somebody without a role, but for this stage's."""
    held.cast.call("carol")
    plain, limited = (answers(held.cast.app, held.cast.tokens[who]) for who in ("alice", "carol"))
    differing = {rule for (verb, rule), status in limited.items() if plain[verb, rule] != status}
    assert differing
    assert all(rule.startswith(ROOM) for rule in differing), differing


def test_limits_are_kept_told_shown_and_changed_by_giving_others(held: Held) -> None:
    house, frank = held.cast.house, held.cast.call("frank")
    first = {"who": "1002", "campaigns": [held.mine]}
    frank.post("/auditors", first, status=201)
    assert frank("POST", "/auditors", first).status_code == 409
    changed = frank.post("/auditors", {"who": "1002", "campaigns": [held.other]}, status=201)
    limits = {"campaigns": [held.other], "from": None, "to": None, "controls": []}
    assert changed["limits"] == limits
    assert seen(held, "bob", "bundles", held.bundles) == {"other"}
    listed = frank.get("/roles?limit=100")["items"]
    assert [each["limits"] for each in listed if each["id"] == changed["id"]] == [limits]
    with house.read() as reading:
        bodies = reading.session.scalars(
            sa.select(LedgerEntry.body).where(LedgerEntry.kind == "role.granted")
        ).all()
    assert held.other in bodies[-1].decode()
    with house.write() as uow:
        service.grant_role(uow, who="1002", role=Role.AUDITOR)
    assert seen(held, "bob", "bundles", held.bundles) == set(held.bundles)


NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "campaigns"),
        ({"campaigns": [NOWHERE]}, "campaigns.0"),
        ({"campaigns": [NOWHERE] * 51}, "campaigns"),
        ({"from": "2026-03-01T00:00:00Z"}, "to"),
        ({"to": "2026-03-01T00:00:00Z"}, "from"),
        ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, "from"),
        ({"campaigns": [NOWHERE], "controls": [CONTROL]}, "controls"),
        (
            {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z", "controls": ["x"]},
            "controls.0",
        ),
    ],
)
def test_limits_that_cannot_be_meant_are_refused_by_field(
    held: Held, body: dict[str, Any], field: str
) -> None:
    answer = held.cast.call("frank")("POST", "/auditors", {"who": "1003", **body})
    assert answer.status_code == 422
    assert field in {each["field"] for each in answer.get_json()["errors"]}


def test_only_an_administrator_lets_auditors_in(held: Held) -> None:
    body = {"who": "1001", "from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    for who in ("alice", "dana", "olga"):
        assert held.cast.call(who)("POST", "/auditors", body).status_code == 403
        assert browser(held, who).get("/people/auditors").status_code == 403
    with pytest.raises(InvalidInputError), held.cast.house.write() as uow:
        service.grant_role(uow, who="1003", role=Role.HR, limits=Limits(campaigns=("c",)))


def test_an_auditor_is_let_in_by_a_page_that_keeps_what_was_typed(held: Held) -> None:
    frank = browser(held, "frank")
    wrong = frank.submit("/people/auditors", {"who": "1005"}, on="/people/auditors")
    assert wrong.status_code == 422
    assert "Name campaigns, or a period" in wrong.get_data(as_text=True)
    typed = {"who": "1005", "campaigns": held.mine, "from": "2026-03-01", "to": "2026-03-31"}
    assert frank.submit("/people/auditors", typed, on="/people/auditors").status_code == 303
    text = frank.page("/people")
    assert "Limited to" in text
    assert "1 campaign;" in text


def test_every_look_is_noted_also_one_that_was_refused(held: Held) -> None:
    house, carol = held.cast.house, held.cast.call("carol")
    carol("GET", f"/evidence/bundles/{held.bundles['other']}")
    carol("GET", "/identities")
    account, group = held.cast.account("corp", "eve"), held.cast.group("corp", "payroll")
    where = f"account={account.public_id}&group={group.public_id}&as_of=2026-03-02T00:00:00Z"
    carol("GET", f"/evidence/access?{where}")
    with house.read() as reading:
        told = reading.session.scalars(
            sa.select(LedgerEntry.body)
            .where(LedgerEntry.kind == "audit.looked")
            .order_by(LedgerEntry.id)
        ).all()[-3:]
    refused = [b'"is_refused":true' in each for each in told]
    assert refused == [True, True, False]
    assert held.bundles["other"].encode() in told[0]
    assert account.public_id.encode() in told[2]
    assert b"2026-03-02T00:00:00Z" in told[2]
