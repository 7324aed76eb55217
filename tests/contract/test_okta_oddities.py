"""What the Okta connector must hold against a peer that answers oddly. Each test is a sentence."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from app.kernel.clock import SystemClock
from connectors.errors import ConnectorError, MisconfiguredError, UnavailableError
from connectors.okta import mapping
from connectors.okta.connector import KIND, OktaConnector
from connectors.records import (
    Account,
    AccountBatch,
    Change,
    Group,
    GroupBatch,
    MemberBatch,
    ReadReport,
    Verb,
)
from support.servers.okta import running

pytestmark = pytest.mark.enable_socket
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def peer(reply: Callable[[str, str], Reply]) -> Iterator[str]:
    """Serve what `reply(method, path)` says, on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, headers, body = reply(self.command, self.path)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - as the base class asks

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def connected(
    url: str, now: Callable[[], datetime] = lambda: NOW, **settings: str
) -> Iterator[OktaConnector]:
    """What gives access beside groups is left out: `test_okta_entitled` looks at that."""
    settings = {"org_url": url, "applications": "false", "roles": "false", **settings}
    connector = KIND.connect(settings, {"token": "stub-okta-token"}, now=now)
    try:
        yield connector
    finally:
        connector.close()


def user(key: str, **profile: object) -> dict[str, object]:
    return {"id": key, "status": "ACTIVE", "profile": {"login": f"{key}@x.test", **profile}}


def users_in_two_pages(link: str) -> Callable[[str, str], Reply]:
    def reply(_: str, path: str) -> Reply:
        if path.startswith("/api/v1/users") and "after=2" not in path:
            return 200, {"Link": link.format(base=base[0])}, json.dumps([user("a")]).encode()
        if path.startswith("/api/v1/users"):
            return 200, {}, json.dumps([user("b")]).encode()
        return 200, {}, b"[]"

    base = [""]
    reply.base = base  # type: ignore[attr-defined]
    return reply


def read_ids(connector: OktaConnector) -> tuple[set[str], bool]:
    ids: set[str] = set()
    complete = False
    try:
        for batch in connector.snapshot():
            if isinstance(batch, AccountBatch):
                ids |= {each.external_id for each in batch.accounts}
            if isinstance(batch, ReadReport):
                complete = batch.is_complete
    except ConnectorError:
        return ids, False
    return ids, complete


@pytest.mark.parametrize(
    "link",
    [
        '<{base}/api/v1/users?after=2>; rel="next"',
        "<{base}/api/v1/users?after=2>; rel=next",
        '<{base}/api/v1/users?after=2>; rel="last next"',
        '<{base}/api/v1/users?after=2> ; rel="next"',
        '<{base}/api/v1/users?search=a,b&after=2>; rel="next"',
        '{base}/api/v1/users?after=2; rel="next"',
    ],
)
def test_a_list_with_a_next_page_is_never_complete_without_it(link: str) -> None:
    reply = users_in_two_pages(link)
    with peer(reply) as url:
        reply.base[0] = url  # type: ignore[attr-defined]
        with connected(url) as connector:
            ids, complete = read_ids(connector)
    assert ids == {"a", "b"} or not complete


def test_a_page_outside_the_organisation_is_not_followed() -> None:
    reply = users_in_two_pages('<http://evil.example/api/v1/users?after=2>; rel="next"')
    with peer(reply) as url, connected(url) as connector:
        assert read_ids(connector)[1] is False


def test_a_host_name_is_compared_without_its_case() -> None:
    reply = users_in_two_pages('<{base}/api/v1/users?after=2>; rel="next"')
    with peer(reply) as url:
        reply.base[0] = url.replace("127.0.0.1", "localhost")  # type: ignore[attr-defined]
        with connected(url.replace("127.0.0.1", "LOCALHOST")) as connector:
            assert read_ids(connector) == ({"a", "b"}, True)


@pytest.mark.parametrize("cut", ["users?", "groups?", "groups/g/users"])
def test_a_page_that_breaks_off_in_the_middle_is_no_end_of_a_list(cut: str) -> None:
    def reply(_: str, path: str) -> Reply:
        listed: object = {"id": "g", "type": "OKTA_GROUP", "profile": {"name": "G"}}
        found = json.dumps([user("a") if "users" in path else listed]).encode()
        found = b"[]" if "rules" in path else found
        return 200, {}, found[:-3] if f"/api/v1/{cut}" in path else found

    with peer(reply) as url, connected(url) as connector:
        assert read_ids(connector)[1] is False


HTML_404: Reply = (404, {"Content-Type": "text/html"}, b"<html>Not found</html>")


def test_a_page_not_found_of_somebody_else_is_no_proof_that_an_account_is_gone() -> None:
    with peer(lambda *_: HTML_404) as url, connected(url) as connector:
        with pytest.raises((MisconfiguredError, UnavailableError)):
            connector.observe(Change(Verb.SUSPEND_ACCOUNT, "00u1"))


def test_check_of_an_unknown_organisation_names_org_url() -> None:
    with peer(lambda *_: HTML_404) as url, connected(url) as connector:
        with pytest.raises(MisconfiguredError) as caught:
            connector.check()
    assert caught.value.key == "org_url"


def test_an_active_account_does_not_show_as_disabled() -> None:
    with peer(lambda *_: (200, {}, json.dumps(user("a")).encode())) as url:
        with connected(url) as connector:
            try:
                seen = connector.observe(Change(Verb.DISABLE_ACCOUNT, "a")).in_effect
            except ConnectorError:
                return
    assert seen is not True


def test_a_clearing_of_sessions_by_somebody_before_is_not_ours() -> None:
    """Cleared 50 minutes ago; nothing was sent by us since."""
    event = [{"uuid": "u", "published": "2025-12-31T23:10:00.000Z"}]
    with peer(lambda *_: (200, {}, json.dumps(event).encode())) as url:
        with connected(url) as connector:
            assert connector.observe(Change(Verb.CLEAR_SESSIONS, "a")).in_effect is not True


def test_a_clearing_shows_in_the_log(tmp_path: Path) -> None:
    with running(tmp_path / "o", users="20", groups="5", memberships="20") as okta:
        key = okta.get("/api/v1/users?filter=status%20eq%20%22ACTIVE%22")[0]["id"]
        with connected(okta.url, now=SystemClock().now) as connector:
            connector.ensure(Change(Verb.CLEAR_SESSIONS, key))
            # What is logged shows from the next millisecond on; a read-back asks again until then.
            end = time.monotonic() + 10
            while not connector.observe(Change(Verb.CLEAR_SESSIONS, key)).in_effect:
                assert time.monotonic() < end, "the log never showed the clearing"


def test_a_log_that_cannot_be_reached_is_asked_again_later() -> None:
    with peer(lambda verb, _: (204 if verb == "DELETE" else 503, {}, b"")) as url:
        with connected(url) as connector:
            connector.ensure(Change(Verb.CLEAR_SESSIONS, "a"))
            with pytest.raises(UnavailableError):
                connector.observe(Change(Verb.CLEAR_SESSIONS, "a"))


@pytest.mark.parametrize("field", ["id", "status", "login"])
def test_an_account_without_what_identifies_it_is_set_aside(field: str) -> None:
    found = user("a")
    if field == "login":
        found["profile"] = {"login": None}
    else:
        found[field] = None
    assert mapping.account(found).__class__.__name__ == "Problem"


@pytest.mark.parametrize("told", ["yesterday", "", "2026-13-01T00:00:00.000Z", "2026-01-01", 7])
def test_a_last_sign_in_that_cannot_be_read_is_not_known_and_costs_nobody_the_record(
    told: object,
) -> None:
    found = mapping.account({**user("a"), "lastLogin": told})
    assert isinstance(found, Account)
    assert found.last_sign_in_at is None


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(404, "E0000007", "vanished_group"), (403, "E0000006", "unreadable_group")],
)
def test_a_group_that_is_gone_when_its_members_are_asked_is_told_from_one_that_may_not_be_read(
    status: int, code: str, said: str
) -> None:
    def reply(_: str, path: str) -> Reply:
        if path.startswith("/api/v1/groups/g/users"):
            return status, {}, json.dumps({"errorCode": code, "errorSummary": "No"}).encode()
        if path.startswith("/api/v1/groups/rules"):
            return 200, {}, b"[]"
        listed = {"id": "g", "type": "OKTA_GROUP", "profile": {"name": "G"}}
        found = listed if path.startswith("/api/v1/groups") else user("a")
        return 200, {}, json.dumps([found]).encode()

    with peer(reply) as url, connected(url) as connector:
        report = list(connector.snapshot())[-1]
    assert isinstance(report, ReadReport)
    assert not report.is_complete
    assert [(each.code, each.about) for each in report.problems] == [(said, "g")]


@pytest.mark.parametrize(
    "external",
    [
        "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
        "3F2504E04F8911D39A0C0305E82C3301",
        "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}",
    ],
)
def test_a_guid_written_otherwise_is_the_same_guid(external: str) -> None:
    assert mapping.master_id(external) == "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.mark.parametrize("key", ["not a key", "{}", '{"kty": "RSA"}'])
def test_a_private_key_that_is_none_is_named(key: str) -> None:
    with peer(lambda *_: (200, {}, b"[]")) as url:
        settings = {"org_url": url, "client_id": "0oaStubServiceClient"}
        connector = KIND.connect(settings, {"private_key": key}, now=lambda: NOW)
        try:
            with pytest.raises(MisconfiguredError) as caught:
                connector.check()
        finally:
            connector.close()
    assert caught.value.key == "private_key"


def test_a_service_app_that_cannot_reach_okta_is_told_so(private_key: str) -> None:
    settings = {"org_url": "http://127.0.0.1:9", "client_id": "0oaStubServiceClient"}
    connector = KIND.connect(settings, {"private_key": private_key}, now=lambda: NOW)
    try:
        with pytest.raises(UnavailableError):
            connector.check()
    finally:
        connector.close()


@pytest.fixture(scope="module")
def private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def test_a_service_app_reads_everything_with_one_access_token(
    tmp_path: Path, private_key: str
) -> None:
    with running(tmp_path / "o", users="300", groups="20", memberships="900") as okta:
        settings = {"org_url": okta.url, "client_id": "0oaStubServiceClient"}
        connector = KIND.connect(settings, {"private_key": private_key}, now=lambda: NOW)
        try:
            ids, complete = read_ids(connector)
        finally:
            connector.close()
        print("STATS", okta.control("GET", "stats"))
    assert complete
    assert len(ids) >= 300


def test_close_never_raises_even_when_opening_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.okta import executor

    def fail(_: object) -> None:
        raise RuntimeError("opening failed")

    monkeypatch.setattr(executor, "PatientExecutor", fail)
    connector = KIND.connect({"org_url": "http://127.0.0.1:9"}, {"token": "t"}, now=lambda: NOW)
    with pytest.raises(RuntimeError):
        connector.check()
    connector.close()
    connector.close()


def test_a_pause_is_for_all_and_costs_no_call_each(tmp_path: Path) -> None:
    """Sixty a window of a second, of which somebody else has used up fifty already."""
    with (
        running(
            tmp_path / "o",
            users="30",
            groups="81",
            memberships="200",
            rate_limit="60",
            rate_window="1",
        ) as okta,
        connected(okta.url, rate_share="100") as connector,
    ):
        for _ in range(50):
            okta.get("/api/v1/groups?limit=1")
        _, complete = read_ids(connector)
        executor = connector._client._executor
    assert complete
    assert executor.limited <= 8


@pytest.mark.slow  # half a minute of windows; its small twin is the pause above
def test_waiting_for_a_turn_is_no_part_of_a_calls_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One window short of what one batch of lists needs: still complete, only later."""
    monkeypatch.setattr("connectors.okta.executor.DEADLINE_SECONDS", 9.0)  # 3 windows, as 180 s is
    with (
        running(
            tmp_path / "o",
            users="150",
            groups="121",
            memberships="600",
            rate_limit="20",
            rate_window="3",
        ) as okta,
        connected(okta.url, rate_share="100") as connector,
    ):
        reports = [each for each in connector.snapshot() if isinstance(each, ReadReport)]
    assert reports[0].is_complete, reports[0].problems


@pytest.mark.parametrize("fault", ["fail_every", "drop_every", "unavailable_every", "none"])
def test_a_read_equals_the_truth_or_is_not_complete(tmp_path: Path, fault: str) -> None:
    options: dict[str, Any] = {} if fault == "none" else {fault: "7"}
    with running(
        tmp_path / "o", users="2000", groups="200", memberships="12000", **options
    ) as okta:
        truth = [json.loads(line) for line in okta.truth.read_text().splitlines()]
        with connected(okta.url) as connector:
            accounts: dict[str, Account] = {}
            groups: dict[str, Group] = {}
            lists: dict[str, set[str]] = {}
            report: ReadReport | None = None
            for batch in connector.snapshot():
                match batch:
                    case AccountBatch():
                        accounts |= {each.external_id: each for each in batch.accounts}
                    case GroupBatch():
                        groups |= {each.external_id: each for each in batch.groups}
                    case MemberBatch():
                        lists |= {
                            each.group_id: {m.external_id for m in each.members}
                            for each in batch.lists
                        }
                    case ReadReport():
                        report = batch
    people = {each["id"]: each for each in truth if each["kind"] == "user"}
    planted = {each["id"]: each for each in truth if each["kind"] == "group"}
    assert report is not None
    assert report.is_complete
    assert set(accounts) == set(people)
    assert {k: v.status for k, v in accounts.items()} == {k: v["status"] for k, v in people.items()}
    assert {k: set(v["member"]) for k, v in planted.items()} == lists
    by_number = {v["employeeNumber"]: k for k, v in people.items() if v.get("employeeNumber")}
    assert {k: v.manager_id for k, v in accounts.items()} == {
        k: by_number.get(v.get("managerId")) for k, v in people.items()
    }
