import json
import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.kernel.actor import Role
from app.kernel.idempotency import StoredAnswer
from app.kernel.ledger import LedgerEntry
from app.web.bodies import MAX_BYTES
from web.matrix import answers
from web.small import Small, add_groups, add_identity


def entries(small: Small) -> int:
    with small.tx.read() as reading:
        return reading.session.scalar(sa.select(sa.func.count()).select_from(LedgerEntry)) or 0


def test_every_route_asks_who_calls_before_it_looks_at_the_fields(small: Small) -> None:
    found = answers(small.app, None)
    assert found
    assert set(found.values()) == {401}


@pytest.mark.parametrize("role", [Role.HR, Role.AUDITOR, Role.OPERATOR])
def test_only_administrators_make_tokens_and_roles(small: Small, role: Role) -> None:
    add_identity(small, "Alice", "1")
    token = small.token(role)
    before = entries(small)
    for method, path, body in [
        ("GET", "/tokens", None),
        ("POST", "/tokens", {"role": "admin"}),
        ("DELETE", "/tokens/x", None),
        ("GET", "/roles", None),
        ("POST", "/roles", {"who": "1", "role": "admin"}),
        ("DELETE", "/roles/x", None),
    ]:
        answer = small.call(method, path, token, json=body)
        assert answer.status_code == 403, (method, path)
        assert answer.json is not None
        assert answer.json["code"] == "not_permitted"
        assert "admin" in answer.json["detail"]
    assert entries(small) == before


def test_a_refusal_is_a_problem_document_with_the_id_of_the_request(small: Small) -> None:
    answer = small.call("GET", "/tokens", headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["X-Request-Id"] == "abc-1"
    assert answer.json == {
        "type": "https://attestry.example/api/docs/errors#not_signed_in",
        "title": "Sign in first",
        "status": 401,
        "detail": "Send an API token: `Authorization: Bearer TOKEN`.",
        "code": "not_signed_in",
        "request_id": "abc-1",
    }


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>"])
def test_a_request_id_that_is_no_plain_word_is_replaced(small: Small, given: str) -> None:
    answer = small.page("/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] not in {"", given}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"role": NaN}',
        b'{"role": "hr", "role": "admin"}',
        b"\xff\xfe",
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" * 100_000,
    ],
)
def test_a_malformed_body_is_refused_before_anything_else(
    small: Small, admin: str, body: bytes
) -> None:
    answer = small.call("POST", "/tokens", admin, data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["code"] == "malformed"


def test_every_wrong_field_is_named_at_once(small: Small, admin: str) -> None:
    body = {"who": 5, "role": "king", "until": "tomorrow", "extra": 1}
    answer = small.call("POST", "/roles", admin, json=body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert {each["field"] for each in answer.json["errors"]} == {"who", "role", "until", "extra"}


def test_texts_no_store_can_hold_are_refused_by_place(small: Small, admin: str) -> None:
    body = json.dumps({"who": "a\x00b", "role": "\ud800", "until": 2**70})
    answer = small.call("POST", "/roles", admin, data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json is not None
    assert {each["field"] for each in answer.json["errors"]} == {"who", "role", "until"}


def test_other_media_types_sizes_and_methods_are_refused_in_the_same_shape(
    small: Small, admin: str
) -> None:
    form = small.call("POST", "/tokens", admin, data={"role": "hr"})
    large = small.call("POST", "/tokens", admin, data=b" " * (MAX_BYTES + 1))
    method = small.call("PATCH", "/tokens", admin, json={})
    missing = small.call("GET", "/nowhere", admin)
    assert [each.status_code for each in (form, large, method, missing)] == [415, 413, 405, 404]
    assert {each.content_type for each in (form, large, method, missing)} == {
        "application/problem+json"
    }
    assert set(method.headers["Allow"].split(", ")) >= {"GET", "POST"}


@pytest.mark.parametrize("query", ["cursor=nonsense", "cursor=e30", "limit=0", "limit=501", "x=1"])
def test_a_list_refuses_arguments_it_does_not_know(small: Small, admin: str, query: str) -> None:
    answer = small.call("GET", f"/tokens?{query}", admin)
    assert answer.status_code == 422
    assert answer.json is not None
    assert [each["field"] for each in answer.json["errors"]] == [query.split("=", maxsplit=1)[0]]


def test_the_same_key_and_call_gets_the_first_answer_and_records_nothing(
    small: Small, admin: str
) -> None:
    send: dict[str, Any] = {"headers": {"Idempotency-Key": "k"}, "json": {"role": "hr"}}
    first = small.call("POST", "/tokens", admin, **send)
    before = entries(small)
    again = small.call("POST", "/tokens", admin, **send)
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert entries(small) == before


def test_a_secret_answer_is_not_kept_in_clear(small: Small, admin: str) -> None:
    made = small.call(
        "POST", "/tokens", admin, json={"role": "hr"}, headers={"Idempotency-Key": "k"}
    )
    assert made.json is not None
    with small.tx.read() as reading:
        kept = reading.session.scalars(sa.select(StoredAnswer.body)).one()
    assert made.json["token"] not in kept
    assert kept.startswith("sealed:")


def test_the_same_key_with_another_body_conflicts(small: Small, admin: str) -> None:
    key = {"Idempotency-Key": "k"}
    small.call("POST", "/tokens", admin, json={"role": "hr"}, headers=key)
    other = small.call("POST", "/tokens", admin, json={"role": "auditor"}, headers=key)
    assert other.status_code == 409
    assert other.json is not None
    assert other.json["code"] == "conflict"


def test_two_at_once_under_one_key_make_one_token(small: Small, admin: str) -> None:
    told: list[object] = []

    def send() -> None:
        answer = small.call(
            "POST", "/tokens", admin, json={"role": "hr"}, headers={"Idempotency-Key": "k"}
        )
        told.append(answer.json)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert told == [told[0]] * 4
    listed = small.call("GET", "/tokens", admin).json
    assert listed is not None
    assert [each["role"] for each in listed["items"]] == ["admin", "hr"]


def test_a_page_ends_and_the_next_begins_after_it(small: Small, admin: str) -> None:
    for _ in range(4):
        small.token(Role.HR)
    first = small.call("GET", "/tokens?limit=3", admin).json
    assert first is not None
    rest = small.call("GET", f"/tokens?limit=3&cursor={first['next_cursor']}", admin).json
    assert rest is not None
    ids = [each["id"] for each in (*first["items"], *rest["items"])]
    assert len(set(ids)) == 5
    assert rest["next_cursor"] is None


def test_a_token_is_refused_once_it_is_unknown_revoked_or_expired(small: Small, admin: str) -> None:
    made = small.call("POST", "/tokens", admin, json={"role": "operator", "expires_days": 1}).json
    other = small.call("POST", "/tokens", admin, json={"role": "operator"}).json
    assert made is not None
    assert other is not None
    assert small.call("GET", "/entitlements", made["token"]).status_code == 200
    small.clock.advance(timedelta(days=1))
    assert small.call("GET", "/entitlements", made["token"]).status_code == 401
    assert small.call("DELETE", f"/tokens/{other['id']}", admin).status_code == 200
    assert small.call("GET", "/entitlements", other["token"]).status_code == 401
    assert small.call("GET", "/entitlements", "attestry_unknown").status_code == 401
    assert small.call("GET", "/entitlements", "é" * 5000).status_code == 401


def test_a_description_from_a_stale_look_conflicts(small: Small, admin: str) -> None:
    ids = add_groups(small, add_identity(small, "Carol", "3"))
    body = {"version": 0, "risk": "high", "is_requestable": True}
    path = f"/entitlements/{ids['Payments']}"
    assert small.call("PUT", path, admin, json=body).status_code == 200
    stale = small.call("PUT", path, admin, json={**body, "risk": "low"})
    assert stale.status_code == 409
    assert stale.json is not None
    assert stale.json["current"] == {"version": 1}
    same = small.call("PUT", path, admin, json={**body, "version": 1})
    assert same.json is not None
    assert same.json["code"] == "nothing_to_change"
