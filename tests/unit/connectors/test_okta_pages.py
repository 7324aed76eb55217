"""Pages read at once must say what their records say one by one. Each test is a sentence."""

import json
from typing import Any

import pytest

from connectors.errors import IncompleteReadError
from connectors.okta import mapping, pages
from connectors.records import Account, Problem

SINCE = "2026-01-01T00:00:00.000Z"


def user(key: str, profile: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    shown = {"login": f"{key}@x.test", "unasked": {"deep": [1]}, **(profile or {})}
    return {"id": key, "status": "ACTIVE", "profile": shown, "_links": {}, **values}


USUAL = [
    user("a"),
    user("b", {"firstName": "Ada", "lastName": "Lovelace", "displayName": ""}),
    user("c", {"firstName": "Ada", "lastName": None, "email": "c@x.test", "managerId": "7"}),
    user("d", {"userType": " Service ", "employeeNumber": "", "title": "T"}, status="SUSPENDED"),
    user("e", lastLogin="2026-02-01T00:00:00.000Z", lastUpdated="2026-02-01T00:00:00.000Z"),
    user("f", lastLogin="yesterday", lastUpdated="2025-12-31T00:00:00.000Z"),
]
ODD = [
    user("g", {"employeeNumber": 7, "email": False, "department": ["x"]}),
    user("h", lastLogin=7, lastUpdated=None),
    user("", lastUpdated="2026-02-01T00:00:00.000Z"),
    {"id": "i", "status": "ACTIVE", "profile": "none"},
    {"id": "j", "status": "ACTIVE"},
    {"id": "k", "status": None, "profile": {"login": "k"}},
    ["no", "user"],
    None,
]


@pytest.mark.parametrize("records", [USUAL, *([*USUAL, each] for each in ODD), []])
def test_a_page_read_at_once_says_what_its_records_say_one_by_one(records: list[Any]) -> None:
    accounts, changed = pages.users(json.dumps(records).encode(), SINCE)
    assert accounts == [mapping.account(each) for each in records]
    assert changed == mapping.recent(records, SINCE, *mapping.USER_STAMPS)


@pytest.mark.parametrize("odd", ODD[2:])
def test_a_record_that_cannot_be_used_costs_no_other_of_its_page(odd: Any) -> None:
    accounts, _ = pages.users(json.dumps([*USUAL, odd]).encode(), SINCE)
    assert [type(each) for each in accounts] == [*[Account] * len(USUAL), Problem]


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b'[{"id":"a","status":"ACT', b"[}"])
def test_a_page_that_is_no_list_or_breaks_off_is_no_page(raw: bytes) -> None:
    with pytest.raises(IncompleteReadError):
        pages.users(raw, SINCE)
    with pytest.raises(IncompleteReadError):
        pages.member_ids(raw)


@pytest.mark.parametrize("ids", [[], [""], ["a"], ["a", "b"], ["a\nb", "c"], ["a", ""]])
def test_ids_come_out_of_little_room_as_they_went_in(ids: list[str]) -> None:
    assert pages.unfolded(pages.folded(ids)) == tuple(ids)
