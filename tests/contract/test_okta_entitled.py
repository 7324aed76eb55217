"""Applications and administrator roles of Okta, and odd records, against the simulator."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.okta import applications, roles
from connectors.okta.connector import KIND, OktaConnector
from connectors.records import (
    Account,
    AccountBatch,
    Group,
    GroupBatch,
    MemberBatch,
    MemberList,
    Problem,
    ReadReport,
)
from contract.test_okta_oddities import NOW, Reply, peer, private_key
from support.servers.okta import OktaSimulator, running

pytestmark = pytest.mark.enable_socket
__all__ = ["private_key"]
SMALL = {"users": "60", "groups": "12", "memberships": "150", "apps": "4"}


@dataclass
class Shown:
    """A whole read."""

    accounts: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    lists: dict[str, MemberList] = field(default_factory=dict)
    report: ReadReport | None = None

    @property
    def problems(self) -> list[tuple[str, str]]:
        assert self.report is not None
        return [(each.code, each.about) for each in self.report.problems]

    def of(self, kind: str) -> dict[str, Group]:
        return {key: each for key, each in self.groups.items() if each.kind == kind}


def read(connector: OktaConnector) -> Shown:
    shown = Shown()
    try:
        for batch in connector.snapshot():
            match batch:
                case AccountBatch():
                    shown.accounts |= {each.external_id: each for each in batch.accounts}
                case GroupBatch():
                    shown.groups |= {each.external_id: each for each in batch.groups}
                case MemberBatch():
                    shown.lists |= {each.group_id: each for each in batch.lists}
                case ReadReport():
                    shown.report = batch
    finally:
        connector.close()
    return shown


def connect(url: str, **settings: str) -> OktaConnector:
    return KIND.connect({"org_url": url, **settings}, {"token": "stub-okta-token"}, now=lambda: NOW)


@pytest.fixture(scope="module")
def okta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OktaSimulator]:
    with running(tmp_path_factory.mktemp("entitled"), None, **SMALL) as server:
        yield server


@pytest.fixture(scope="module")
def truth(okta: OktaSimulator) -> list[dict[str, Any]]:
    return [json.loads(line) for line in okta.truth.read_text().splitlines()]


@pytest.fixture(scope="module")
def shown(okta: OktaSimulator) -> Shown:
    return read(connect(okta.url))


def test_an_application_has_those_assigned_one_by_one_and_the_groups_it_is_assigned_to(
    shown: Shown, truth: list[dict[str, Any]]
) -> None:
    planted = {f"app:{each['id']}": each for each in truth if each["kind"] == "app"}
    assert planted.keys() == shown.of(applications.KIND).keys()
    for key, each in planted.items():
        assert shown.groups[key].name == each["name"]
        assert not shown.groups[key].is_writable
        assert set(shown.lists[key].accounts) == set(each["users"])
        assert set(shown.lists[key].groups) == set(each["groups"])


def test_a_role_has_whoever_bears_it_and_whoever_has_it_by_a_group_has_it_by_that_group(
    shown: Shown, truth: list[dict[str, Any]]
) -> None:
    users = {each["id"] for each in truth if each["kind"] == "user"}
    wanted: dict[str, tuple[set[str], set[str]]] = {}
    for each in (one for one in truth if one["kind"] == "role"):
        custom = each["type"] == roles.CUSTOM
        key = f"{each['role']}:{each['resource-set']}" if custom else each["type"]
        found = wanted.setdefault(f"role:{key}", (set(), set()))
        found[each["bearer"] not in users].add(each["bearer"])
    assert {key: _members(shown, key) for key in shown.of(roles.KIND)} == wanted
    assert any(groups for _, groups in wanted.values())
    assert all(each.is_administrative for each in shown.of(roles.KIND).values())
    assert not any(each.is_writable for each in shown.of(roles.KIND).values())


def _members(shown: Shown, key: str) -> tuple[set[str], set[str]]:
    return set(shown.lists[key].accounts), set(shown.lists[key].groups)


def test_what_was_asked_of_them_is_told_with_its_pages(shown: Shown) -> None:
    assert shown.report is not None
    asked = {each.purpose: each for each in shown.report.queries}
    assert asked["applications"].returned == 4
    assert asked["application users"].pages >= 4
    assert asked["application groups"].text == "GET /api/v1/apps/%7Bid%7D/groups?limit=200"
    assert asked["bearers of roles"].returned > 6
    assert asked["roles of users"].pages == asked["bearers of roles"].returned
    assert asked["roles of groups"].pages == 2


def test_an_application_that_is_switched_off_gives_nothing_and_is_not_shown(
    tmp_path: Path,
) -> None:
    with running(tmp_path, None, **SMALL) as server:
        first = server.get("/api/v1/apps")[0]["id"]
        server.call("POST", f"/api/v1/apps/{first}/lifecycle/deactivate")
        assert f"app:{first}" not in read(connect(server.url)).groups


@pytest.mark.parametrize(
    ("area", "kind", "item"),
    [
        ("apps", applications.KIND, "read applications"),
        ("roles", roles.KIND, "read administrator roles"),
    ],
)
def test_a_source_is_of_use_without_them_and_says_what_that_costs(
    okta: OktaSimulator, area: str, kind: str, item: str
) -> None:
    okta.control("PUT", "faults", {"forbid": area})
    try:
        found = read(connect(okta.url))
        connector = connect(okta.url)
        checked = {each.name: each for each in connector.check().items}
        connector.close()
    finally:
        okta.control("PUT", "faults", {"forbid": ""})
    assert found.report is not None
    assert found.report.is_complete
    assert found.problems == [("kind_unreadable", kind)]
    assert not found.of(kind)
    assert (checked[item].is_ok, checked[item].is_required) == (False, False)
    assert "not known" in checked[item].detail


def test_they_can_be_left_out(okta: OktaSimulator) -> None:
    found = read(connect(okta.url, applications="false", roles="false"))
    assert {each.kind for each in found.groups.values()} == {"OKTA_GROUP", "BUILT_IN"}
    assert found.problems == []


def test_a_service_app_without_the_new_scopes_reads_all_the_rest(
    tmp_path: Path,
    private_key: str,
) -> None:
    granted = (
        "okta.users.manage okta.groups.manage okta.logs.read okta.sessions.manage okta.apps.read"
    )
    with running(tmp_path, None, grant=granted, **SMALL) as server:
        settings = {"org_url": server.url, "client_id": "0oaStubServiceClient"}
        secrets = {"private_key": private_key}
        found = read(KIND.connect(settings, secrets, now=lambda: NOW))
    assert len(found.accounts) == 60
    assert found.report is not None
    assert found.report.is_complete
    assert {code for code, _ in found.problems} == {"kind_unreadable"}


# --- odd records, from a peer that says what we like -----------------------------------------


@contextmanager
def odd(answers: Mapping[str, Any]) -> Iterator[str]:
    """Serve lists by their path under `/api/v1`; what is not named is an empty list."""

    def reply(_: str, path: str) -> Reply:
        parts = urlsplit(path)
        name = parts.path.removeprefix("/api/v1/")
        if "stats" in parse_qs(parts.query).get("expand", ()):
            name = "marked"
        found = answers.get(name, {"value": []} if name.startswith("iam/") else [])
        if isinstance(found, int):
            return found, {}, json.dumps({"errorCode": "E0000006", "errorSummary": "No"}).encode()
        return 200, {}, json.dumps(found).encode()

    with peer(reply) as url:
        yield url


def user(key: str | None, **more: Any) -> dict[str, Any]:
    return {"id": key, "status": "ACTIVE", "profile": {"login": f"{key}@x.test"}, **more}


def group(key: str | None, **more: Any) -> dict[str, Any]:
    return {"id": key, "type": "OKTA_GROUP", "profile": {"name": key or "?"}, **more}


ODD_USERS: list[tuple[dict[str, Any], str]] = [
    (user("b", status=None), "b"),
    (user("b", profile={"login": None}), "b"),
    (user("b", profile=None), "b"),
    (user(None), ""),
]


@pytest.mark.parametrize(("record", "about"), ODD_USERS)
def test_a_user_that_cannot_be_used_is_set_aside_and_the_read_goes_on(
    record: dict[str, Any], about: str
) -> None:
    answers = {
        "users": [user("a"), record],
        "groups": [group("g")],
        "groups/g/users": [{"id": "a"}, {"id": record["id"]}],
    }
    with odd(answers) as url:
        found = read(connect(url))
    assert found.report is not None
    assert found.report.is_complete
    assert found.problems == [("quarantined_record", about)]
    assert set(found.accounts) == {"a"}
    assert found.lists["g"].accounts == ("a", about) if about else ("a",)


def test_a_new_word_for_a_status_is_told_as_it_is_and_counts_as_one_that_can_sign_in() -> None:
    with odd({"users": [user("a", status="ON_PROBATION")]}) as url:
        found = read(connect(url))
    assert found.accounts["a"].status == "ON_PROBATION"
    assert found.accounts["a"].is_enabled
    assert found.problems == []


def test_users_are_asked_for_without_naming_statuses_that_may_be_new() -> None:
    asked: list[str] = []

    def reply(_: str, path: str) -> Reply:
        asked.append(path)
        return 200, {}, b"[]"

    with peer(reply) as url:
        read(connect(url, applications="false", roles="false"))
    assert "status" not in next(each for each in asked if each.startswith("/api/v1/users"))


@pytest.mark.parametrize(
    ("record", "about"), [(group("h", profile=None), "h"), (group("h", type=3), "h"), ({}, "")]
)
def test_a_group_that_cannot_be_used_is_set_aside_and_the_read_goes_on(
    record: dict[str, Any], about: str
) -> None:
    answers = {
        "users": [user("a")],
        "groups": [group("g"), record],
        "apps": [{"id": "x", "label": "X"}],
        "apps/x/groups": [{"id": "g"}, {"id": about or "h"}],
    }
    with odd(answers) as url:
        found = read(connect(url))
    assert ("quarantined_group", about) in found.problems
    assert found.report is not None
    assert found.report.is_complete
    assert "g" in found.lists["app:x"].groups


def test_a_member_without_an_id_that_no_user_explains_leaves_its_group_as_it_was() -> None:
    answers = {
        "users": [user("a")],
        "groups": [group("g")],
        "groups/g/users": [{"id": "a"}, {"status": "ACTIVE"}],
    }
    with odd(answers) as url:
        found = read(connect(url))
    assert found.problems == [("unreadable_group", "g")]
    assert not found.lists["g"].is_complete


ODD_APPS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("users may not be read", {"apps/x/users": 403}, [("unreadable_group", "app:x")]),
    ("neither", {"apps/x/users": 403, "apps/x/groups": 403}, [("unreadable_group", "app:x")]),
    ("nameless user", {"apps/x/users": [{"scope": "USER"}]}, [("unreadable_group", "app:x")]),
    ("unknown user", {"apps/x/users": [{"id": "z"}]}, [("unknown_member", "app:x")]),
    ("no label", {"apps": [{"id": "x"}]}, [("quarantined_group", "app:x")]),
]


@pytest.mark.parametrize(
    ("changed", "told"),
    [each[1:] for each in ODD_APPS],
    ids=[each[0] for each in ODD_APPS],
)
def test_an_odd_application_spoils_nothing_else(
    changed: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    answers = {"users": [user("a")], "apps": [{"id": "x", "label": "X"}], **changed}
    with odd(answers) as url:
        found = read(connect(url))
    assert found.problems == told
    assert set(found.accounts) == {"a"}
    lists = found.lists.values()
    assert all(each.is_complete for each in lists) == (told[0][0] != "unreadable_group")


def test_assignments_that_are_over_give_nothing() -> None:
    users = [
        {"id": "a", "scope": "USER", "status": "DEPROVISIONED"},
        {"id": "b", "scope": "GROUP", "status": "ACTIVE"},
        {"id": "c", "scope": "USER", "status": "SUSPENDED"},
    ]
    answers = {
        "users": [user("a"), user("b"), user("c")],
        "apps": [{"id": "x", "label": "X"}],
        "apps/x/users": users,
    }
    with odd(answers) as url:
        assert read(connect(url)).lists["app:x"].accounts == ("c",)


def bearing(kind: str, by: str = "USER", **more: Any) -> dict[str, Any]:
    return {"id": "r", "type": kind, "label": "L", "status": "ACTIVE", "assignmentType": by, **more}


def stats(key: str, name: str, *, has_role: bool) -> dict[str, Any]:
    return group(key, _embedded={"stats": {name: has_role}})


Told = Callable[[Shown], None]


def test_a_role_by_a_group_that_no_group_shows_is_not_taken_for_nobodys() -> None:
    answers = {
        "users": [user("a"), user("b")],
        "iam/assignees/users": {"value": [{"id": "a"}, {"id": "b"}]},
        "users/a/roles": [bearing("ORG_ADMIN", by="GROUP")],
        "users/b/roles": [bearing("ORG_ADMIN")],
    }
    with odd(answers) as url:
        found = read(connect(url))
    assert found.problems == [("unreadable_group", "role:ORG_ADMIN")]
    assert not found.lists["role:ORG_ADMIN"].is_complete


@pytest.mark.parametrize(
    "marked", [[stats("g", "hasAdminPrivilege", has_role=True)], [group("g")]], ids=["told", "not"]
)
def test_a_group_that_does_not_say_whether_it_has_a_role_is_asked(marked: list[Any]) -> None:
    answers = {
        "users": [user("a")],
        "groups": [group("g")],
        "marked": marked,
        "groups/g/roles": [bearing("ORG_ADMIN", by="GROUP"), bearing("X", status="INACTIVE")],
    }
    with odd(answers) as url:
        found = read(connect(url))
    assert found.lists["role:ORG_ADMIN"].groups == ("g",)
    assert set(found.of(roles.KIND)) == {"role:ORG_ADMIN"}


def test_a_custom_role_is_one_for_each_set_of_resources() -> None:
    custom = [bearing("CUSTOM", role="cr0", **{"resource-set": where}) for where in ("i1", "i2")]
    answers = {
        "users": [user("a")],
        "iam/assignees/users": {"value": [{"id": "a"}]},
        "users/a/roles": [*custom, bearing("CUSTOM")],
    }
    with odd(answers) as url:
        found = read(connect(url))
    assert {key: each.description for key, each in found.of(roles.KIND).items()} == {
        "role:cr0:i1": "Resource set i1",
        "role:cr0:i2": "Resource set i2",
    }
    assert found.problems == [("quarantined_group", "")]


@pytest.mark.parametrize("links", [{"next": {}}, {"next": {"href": "http://evil.test/x"}}, 7])
def test_a_list_whose_next_page_cannot_be_followed_is_never_whole(links: Any) -> None:
    answers = {"users": [user("a")], "iam/assignees/users": {"value": [], "_links": links}}
    with odd(answers) as url, pytest.raises(Exception, match=r"page|something else"):
        read(connect(url))


def test_no_record_of_an_application_or_role_can_break_the_reading_of_it() -> None:
    strange: list[Any] = [None, 7, "x", [], {}, {"id": 1}, {"id": "x", "label": ""}]
    assert all(isinstance(applications.application(each), Problem) for each in strange)
    assert all(isinstance(roles.role(each), Problem) for each in strange)


def test_what_changed_costs_two_calls_and_says_nothing_of_them_and_all_of_it_shows_them(
    tmp_path: Path,
) -> None:
    """Okta tells no date of theirs: a delta leaves them as they were, a whole read has them."""
    with running(tmp_path, None, **SMALL) as server:
        before = read(connect(server.url))
        assert before.report is not None
        app = next(iter(before.of(applications.KIND)))
        new = next(key for key in before.accounts if key not in before.lists[app].accounts)
        server.call("POST", f"/api/v1/apps/{app.removeprefix('app:')}/users", {"id": new})
        server.call("POST", f"/api/v1/users/{new}/roles", {"type": "REPORT_ADMIN"})
        server.control("POST", "reset")
        connector = connect(server.url)
        told = list(connector.changes(before.report.cursor))
        connector.close()
        stats = server.control("GET", "stats")
        after = read(connect(server.url))
    assert sum(n for what, n in stats.items() if what.startswith("calls ")) == 2
    report = told[-1]
    assert isinstance(report, ReadReport)
    assert report.is_complete
    assert not [each for each in told if isinstance(each, GroupBatch)]
    assert not [one for each in told if isinstance(each, MemberBatch) for one in each.lists]
    assert new in after.lists[app].accounts
    assert new in after.lists["role:REPORT_ADMIN"].accounts
