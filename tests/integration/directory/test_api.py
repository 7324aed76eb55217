"""The API of the directory: shapes, states, and every route closed to whom it is not for."""

from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.directory import service, syncing
from app.directory.api import blp
from app.directory.models import Group, Identity
from app.kernel.actor import Actor, ActorKind, Role
from app.kernel.errors import NotSignedInError
from app.kernel.uow import Reading
from app.web import openapi, problems, throttle
from app.web.scope import Doors
from integration.directory.conftest import Directory
from integration.directory.states import crowd, people, small

HEADERS = {"Authorization": "Bearer olga"}
ROUTES = [
    ("GET", "/sources"),
    ("POST", "/sources/corp/sync"),
    ("GET", "/sources/corp/schedule"),
    ("GET", "/sources/corp/exclusions"),
    ("GET", "/sources/corp/sync-runs"),
    ("GET", "/sync-runs/{run}"),
    ("GET", "/sync-runs/{run}/changes"),
    ("POST", "/sync-runs/{run}/accept"),
    ("POST", "/sync-runs/{run}/refuse"),
    ("GET", "/identities"),
    ("GET", "/identities/{identity}"),
    ("GET", "/identities/{identity}/access"),
    ("GET", "/groups"),
    ("GET", "/groups/{group}"),
    ("GET", "/groups/{group}/members"),
]


def authenticate(_reading: Reading, token: str) -> Actor:
    roles = {"olga": Role.OPERATOR, "dana": Role.AUDITOR, "hr": Role.HR}
    if token in roles:
        return Actor(ActorKind.TOKEN, token, None, frozenset({roles[token]}))
    if token == "mallory":
        return Actor(ActorKind.PERSON, token, 10**6)
    raise NotSignedInError("Who are you?")


@pytest.fixture
def client(directory: Directory) -> FlaskClient:
    made = Flask(__name__, static_folder=None)
    nothing: Any = SimpleNamespace(base_url="https://attestry.example")
    made.extensions["attestry"] = Doors(nothing, directory.tx, authenticate, None)
    problems.install(made)
    throttle.install(made, directory.tx.clock.now)
    openapi.install(made).register_blueprint(blp)
    directory.show(small())
    directory.add()
    directory.sync()
    return made.test_client()


def get(client: FlaskClient, path: str) -> Any:
    answer = client.get(f"/api/v1{path}", headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def ids(directory: Directory) -> dict[str, str]:
    who = sa.select(Identity.public_id).where(Identity.display_name == "Bob")
    which = sa.select(Group.public_id).where(Group.external_id == "staff")
    return {"identity": directory.rows(who)[0][0], "group": directory.rows(which)[0][0]}


def test_sources_are_listed_without_secrets(client: FlaskClient) -> None:
    (found,) = get(client, "/sources")["items"]
    assert (found["name"], found["kind"], found["last_state"]) == ("corp", "memory", "complete")
    assert not {"sealed_secrets", "secrets", "key"} & set(found)


def test_a_run_is_started_carried_out_and_looked_up(
    client: FlaskClient, directory: Directory
) -> None:
    started = client.post("/api/v1/sources/corp/sync", json={"full": True}, headers=HEADERS)
    assert started.status_code == 202
    run = started.get_json()
    assert run["state"] == "running"
    again = client.post("/api/v1/sources/corp/sync", json={}, headers=HEADERS)
    assert (again.status_code, again.get_json()["current"]) == (409, {"run": run["id"]})
    syncing.run_sync(
        directory.tx, directory.connect, directory.seal, {"run": run["id"], "full": "yes"}
    )
    found = get(client, f"/sync-runs/{run['id']}")
    assert (found["state"], found["counts"]["memberships"]) == ("complete", 3)
    assert [each["purpose"] for each in found["queries"]] == ["accounts", "groups", "members"]


def test_a_parked_run_is_accepted_once(client: FlaskClient, directory: Directory) -> None:
    directory.show(crowd(3))
    run = directory.sync(dry_run=True).public_id
    path = f"/api/v1/sync-runs/{run}/accept"
    assert client.post(path, json={}, headers=HEADERS).get_json()["state"] == "accepted"
    assert client.post(path, json={}, headers=HEADERS).status_code == 409


def test_identities_are_searched_and_shown_with_access(
    client: FlaskClient, directory: Directory
) -> None:
    (bob,) = get(client, "/identities?q=BOB")["items"]
    shown = get(client, f"/identities/{bob['id']}")
    assert [each["login"] for each in shown["accounts"]] == ["bob"]
    access = get(client, f"/identities/{bob['id']}/access")["items"]
    assert {each["group"]["name"] for each in access} == {"Group admins", "Group staff"}
    assert ids(directory)["identity"] == bob["id"]


def test_members_follow_nesting_when_asked_and_a_moment(
    client: FlaskClient, directory: Directory
) -> None:
    staff = ids(directory)["group"]
    direct = get(client, f"/groups/{staff}/members")["items"]
    effective = get(client, f"/groups/{staff}/members?effective=true")["items"]
    assert {each["login"] for each in direct} == {each["login"] for each in effective}
    assert get(client, "/groups?as_of=2001-01-01T00:00:00Z")["items"] == []
    assert get(client, "/groups?q=STAFF")["items"][0]["id"] == staff


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/identities?limit=0", "limit"),
        ("/identities?cursor=nonsense", "cursor"),
        ("/identities?as_of=yesterday", "as_of"),
        ("/groups?colour=blue", "colour"),
        ("/groups?known_at=2026-03-02T08:00:00Z", "known_at"),
        ("/identities/x/difference", "since"),
        (
            "/groups/x/difference?since=2026-03-02T08:00:00Z&until=2026-03-01T08:00:00Z",
            "until",
        ),
    ],
)
def test_a_wrong_argument_is_named(client: FlaskClient, path: str, field: str) -> None:
    answer = client.get(f"/api/v1{path}", headers=HEADERS)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.get_json()["errors"]] == [field]


def test_two_moments_are_compared_and_a_past_one_is_shown_as_it_was_known(
    client: FlaskClient, directory: Directory
) -> None:
    then = f"{directory.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    directory.show(directory.state().add(members={"admins": people("alice")}))
    directory.sync()
    (alice,) = get(client, "/identities?q=alice")["items"]
    changed = get(client, f"/identities/{alice['id']}/difference?since={then}")
    assert [each["group"]["name"] for each in changed["gained"]] == ["Group admins"]
    assert (changed["lost"], changed["values"]) == ([], [])
    (admins,) = get(client, "/groups?q=admins")["items"]
    joined = get(client, f"/groups/{admins['id']}/difference?since={then}")["joined"]
    assert [each["login"] for each in joined] == ["alice"]
    moment = f"as_of={then}&known_at={then}"
    found = get(client, f"/groups/{admins['id']}/members?{moment}")["items"]
    assert [each["login"] for each in found] == ["bob"]
    assert get(client, f"/identities/{alice['id']}/access?{moment}")["items"]


def test_the_whole_difference_of_a_parked_run_is_listed_and_so_are_the_runs(
    client: FlaskClient, directory: Directory
) -> None:
    directory.show(directory.state().add(members={"admins": people("alice")}))
    run = directory.sync(dry_run=True).public_id
    (change,) = get(client, f"/sync-runs/{run}/changes")["items"]
    assert change["kind"] == "membership.appeared"
    assert (change["subject"]["name"], change["group"]["name"]) == (
        "Alice (alice)",
        "Group admins",
    )
    assert change["fields"] == []
    for words, many in (("ADMINS", 1), ("lic", 1), ("bob", 0)):
        assert len(get(client, f"/sync-runs/{run}/changes?q={words}")["items"]) == many
    with directory.tx.write() as uow:
        service.refuse_run(uow, run_id=run)
    assert get(client, f"/sync-runs/{run}/changes?q=alice")["items"] == []
    stored = directory.sync().public_id
    for words, many in (("ADMINS", 1), ("lic", 1), ("bob", 0)):
        assert len(get(client, f"/sync-runs/{stored}/changes?q={words}")["items"]) == many
    listed = get(client, "/sources/corp/sync-runs")["items"]
    assert [(each["id"] == run, each["state"], each["mode"]) for each in listed] == [
        (False, "complete", "delta"),
        (True, "refused", "full"),
        (False, "complete", "full"),
    ]


def test_a_group_whose_members_were_not_read_says_so(
    client: FlaskClient, directory: Directory
) -> None:
    directory.set(unreadable="staff")
    directory.sync(full=True)
    shown = get(client, f"/groups/{ids(directory)['group']}")
    assert shown["unread_since"] is not None


def test_a_group_is_left_out_by_name_and_expected_again(client: FlaskClient) -> None:
    path = "/api/v1/sources/corp/exclusions"
    body = {"group": "Group staff", "reason": "Its owner keeps it secret."}
    made = client.post(path, json=body, headers=HEADERS)
    assert (made.status_code, made.get_json()["name"]) == (201, "Group staff")
    assert client.post(path, json=body, headers=HEADERS).status_code == 409
    assert [each["reason"] for each in get(client, "/sources/corp/exclusions")["items"]] == [
        body["reason"]
    ]
    lifted = client.delete(f"/api/v1/exclusions/{made.get_json()['id']}", headers=HEADERS)
    assert lifted.get_json()["ended_at"] is not None
    assert get(client, "/sources/corp/exclusions")["items"] == []


def test_when_a_source_is_read_is_shown_and_set(client: FlaskClient) -> None:
    (source,) = get(client, "/sources")["items"]
    assert (source["delta_minutes"], source["full_hours"]) == (15, 24)
    plan = get(client, "/sources/corp/schedule")
    assert (plan["next_mode"], plan["waits"]) == ("delta", None)
    path, body = "/api/v1/sources/corp/reading", {"full_hours": 6, "version": source["version"]}
    assert client.put(path, json=body, headers=HEADERS).get_json()["full_hours"] == 6
    assert client.put(path, json=body, headers=HEADERS).status_code == 409
    wrong = client.put(path, json={"full_hours": 0}, headers=HEADERS)
    assert (wrong.status_code, wrong.get_json()["errors"][0]["field"]) == (422, "full_hours")


def test_an_unknown_field_of_a_sync_is_named(client: FlaskClient) -> None:
    answer = client.post("/api/v1/sources/corp/sync", json={"force": True}, headers=HEADERS)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "force"


def test_unknown_ids_are_not_found(client: FlaskClient) -> None:
    for path in ("/identities/x", "/groups/x", "/groups/x/members", "/sync-runs/x"):
        assert client.get(f"/api/v1{path}", headers=HEADERS).status_code == 404
    assert client.post("/api/v1/sources/x/sync", json={}, headers=HEADERS).status_code == 404


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_is_closed_to_those_it_is_not_for(
    client: FlaskClient, directory: Directory, method: str, path: str
) -> None:
    run = directory.sync(dry_run=True).public_id
    url = "/api/v1" + path.format(run=run, **ids(directory))
    body: dict[str, Any] | None = {} if method == "POST" else None
    answers = {}
    for who in ("nobody", "mallory", "hr", "dana"):
        headers = {"Authorization": f"Bearer {who}"}
        answers[who] = client.open(url, method=method, json=body, headers=headers).status_code
    assert client.open(url, method=method, json=body).status_code == 401
    assert answers["nobody"] == 401
    assert answers["mallory"] in (403, 404)
    assert answers["hr"] in (403, 404)
    assert answers["dana"] == (200 if method == "GET" else 403)
