"""What changed in an Okta organisation is told by deltas, and ends equal to a whole read."""

import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from app.kernel.clock import SystemClock
from connectors.errors import CursorRefusedError, DeniedError
from connectors.okta import cursor as cursors
from connectors.okta import logs
from connectors.okta.connector import KIND, OktaConnector
from connectors.records import GoneBatch, GroupBatch, LogPage, MemberBatch, ReadReport
from contract.picture import Picture
from contract.test_okta_oddities import connected, peer
from contract.worlds import now
from support.servers.okta import OktaSimulator, running

pytestmark = pytest.mark.enable_socket
PATIENCE = 30.0
SEEDS = count(31)  # names of what is made are never the same


@pytest.fixture(scope="module")
def okta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OktaSimulator]:
    folder = tmp_path_factory.mktemp("okta")
    with running(folder, users="60", groups="12", memberships="150") as server:
        yield server


@pytest.fixture(scope="module")
def wrong_clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OktaSimulator]:
    folder = tmp_path_factory.mktemp("wrong-clock")
    with running(folder, users="20", groups="8", memberships="40", clock_skew="0") as server:
        yield server


@pytest.fixture
def connector(okta: OktaSimulator) -> Iterator[OktaConnector]:
    settings = {**okta.settings, "applications": "false", "roles": "false"}  # read whole each time
    made = KIND.connect(settings, okta.secrets, now=now)
    yield made
    made.close()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was told is as it will stay: no stamp is too fresh."""
    monkeypatch.setattr(cursors, "SETTLED_AFTER", timedelta(seconds=-60))


class Mutations:
    """Changes behind the product's back."""

    def __init__(self, server: OktaSimulator, seed: int) -> None:
        self.server, self.chance = server, random.Random(seed)
        self.count = seed * 1000
        listed = server.get("/api/v1/groups?limit=10000")
        self.groups = [each["id"] for each in listed if each["type"] == "OKTA_GROUP"]
        self.numbers = [each["profile"]["employeeNumber"] for each in server.get("/api/v1/users")][
            :4
        ]
        self.made: list[str] = []

    def some(self) -> str:
        return self.chance.choice(self.made) if self.made else self.come()

    def come(self) -> str:
        self.count += 1
        login = f"came{self.count}@x.test"
        manager = self.chance.choice([*self.numbers, "nobody", login, 'odd "one" \\ or other'])
        profile = {"login": login, "email": login, "firstName": "Zoë", "lastName": f"{self.count}",
                   "employeeNumber": f"E{self.count}", "managerId": manager}  # fmt: skip
        key: str = self.send("POST", "users?activate=true", {"profile": profile})["id"]
        self.made.append(key)
        self.numbers.append(f"E{self.count}")
        return key

    def change(self) -> None:
        self.count += 1
        self.send("POST", f"users/{self.some()}", {"profile": {"title": f"T {self.count}"}})

    def report_to(self) -> None:
        profile = {"managerId": self.chance.choice(self.numbers)}
        self.send("POST", f"users/{self.some()}", {"profile": profile})

    def deactivate(self) -> None:
        key = self.some()
        if self.server.status_of(key) != "DEPROVISIONED":
            self.send("POST", f"users/{key}/lifecycle/deactivate")

    def activate(self) -> None:
        key = self.some()
        if self.server.status_of(key) == "DEPROVISIONED":
            self.send("POST", f"users/{key}/lifecycle/activate")

    def leave_for_good(self) -> None:
        key = self.some()
        if self.server.status_of(key) != "DEPROVISIONED":
            self.send("DELETE", f"users/{key}")
        if self.chance.random() < 0.7:
            self.send("DELETE", f"users/{key}")
            self.made.remove(key)

    def group(self) -> str:
        self.count += 1
        made: str = self.send("POST", "groups", {"profile": {"name": f"Made {self.count}"}})["id"]
        self.groups.append(made)
        return made

    def rename_group(self) -> None:
        self.count += 1
        profile = {"name": f"Renamed {self.count}", "description": "Other"}
        self.send("PUT", f"groups/{self.chance.choice(self.groups)}", {"profile": profile})

    def drop_group(self) -> None:
        self.group()
        self.send("DELETE", f"groups/{self.groups.pop(0)}")

    def join(self) -> None:
        self.send("PUT", f"groups/{self.chance.choice(self.groups)}/users/{self.some()}")

    def leave(self) -> None:
        group, key = self.chance.choice(self.groups), self.some()
        self.send("PUT", f"groups/{group}/users/{key}")
        self.send("DELETE", f"groups/{group}/users/{key}")

    def send(self, method: str, path: str, body: object = None) -> "dict[str, str]":
        found: dict[str, str] = self.server.call(method, f"/api/v1/{path}", body)
        return found

    @property
    def all(self) -> list[Callable[[], object]]:
        return [self.come, self.change, self.report_to, self.deactivate, self.activate,
                self.leave_for_good, self.group, self.rename_group, self.drop_group,
                self.join, self.leave]  # fmt: skip


def follow(picture: Picture, connector: OktaConnector, place: str) -> str:
    """As a sync does: the log to its end, then what changed."""
    for page in connector.log(place):
        place = page.cursor
    picture.follow(connector)
    return place


def _without_managers_who_are_gone(picture: Picture) -> None:
    for each in picture.accounts.values():
        if each.manager_id not in picture.accounts:
            picture.accounts[each.external_id] = replace(each, manager_id=None)


@pytest.mark.parametrize("seed", [11, 12])
def test_interleaved_changes_and_deltas_end_equal_to_a_whole_read(
    okta: OktaSimulator, connector: OktaConnector, seed: int, settled: None
) -> None:
    """Each thing is told once only, so that nothing is mended by being told again."""
    del settled
    mutations = Mutations(okta, seed)
    picture = Picture.of(connector)
    place = ""
    steps = [*mutations.all, *mutations.all, *mutations.all]
    mutations.chance.shuffle(steps)
    for number, step in enumerate(steps):
        step()
        if number % 4 == 0:
            place = follow(picture, connector, place)
    follow(picture, connector, place)
    _without_managers_who_are_gone(picture)
    truth, shown = Picture.of(connector).shown(), picture.shown()
    for what, expected in truth.items():
        assert shown[what] == expected, what


HOURS = 3600.0
CLOCKS = {  # step by step: hours its clock is ahead of ours, and hours that pass
    "two days behind": [(-48, 0), (-48, 0), (-48, 1)],
    "set back by little, again and again": [(0.08, 0), (0.04, 0), (0, 1)],
    "set back, and seen only hours later": [(2, 0), (0, 3), (0, 0)],
    "two days ahead": [(48, 0), (48, 0), (48, 1)],
    "set forward and back": [(0, 0), (48, 0), (0, 0), (0, 1)],
}


@pytest.mark.parametrize("steps", CLOCKS.values(), ids=CLOCKS)
def test_deltas_lose_nothing_whatever_the_clock_of_the_organisation_shows(
    wrong_clock: OktaSimulator, steps: list[tuple[float, float]], settled: None
) -> None:
    """What changes right after its clock was set must come, and what was deleted must go."""
    del settled
    passed = 0.0

    def show(ahead: float) -> None:
        wrong_clock.control("PUT", "faults", {"clock_skew": (ahead + passed) * HOURS})

    mutations = Mutations(wrong_clock, seed=next(SEEDS))
    changes = (mutations.come, mutations.join, mutations.leave_for_good, mutations.join,
               mutations.rename_group, mutations.change, mutations.drop_group)  # fmt: skip
    clock = SystemClock()
    with connected(wrong_clock.url, lambda: clock.now() + timedelta(hours=passed)) as ours:
        show(steps[0][0])
        picture, place = Picture.of(ours), ""
        for ahead, hours in steps:
            show(ahead)
            for change in changes:
                change()
            passed += hours
            show(ahead)
            try:
                place = follow(picture, ours, place)
            except CursorRefusedError:  # then everything is read
                picture = Picture.of(ours)
            _without_managers_who_are_gone(picture)
            truth, shown = Picture.of(ours).shown(), picture.shown()
            for what, expected in truth.items():
                assert shown[what] == expected, what


def test_a_quiet_cycle_costs_two_calls_and_a_poll(
    okta: OktaSimulator, connector: OktaConnector, settled: None
) -> None:
    del settled
    mutations = Mutations(okta, seed=3)
    mutations.join()
    picture = Picture.of(connector)
    mutations.leave()
    mutations.report_to()
    place = follow(picture, connector, "")
    okta.control("POST", "reset")
    follow(picture, connector, place)
    assert okta.calls() == {"users": 1, "groups": 1, "logs": 1}


def test_what_is_fresh_is_told_once_more_and_then_no_more(
    okta: OktaSimulator, connector: OktaConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Picture.of(connector)
    Mutations(okta, seed=4).join()
    picture.follow(connector)
    asked = []
    for fresh_for in (60, -60, -60):
        monkeypatch.setattr(cursors, "SETTLED_AFTER", timedelta(seconds=fresh_for))
        okta.control("POST", "reset")
        picture.follow(connector)
        asked.append(okta.calls()["groups"])
    assert asked[0] >= 3
    assert asked[2] == 1


def test_members_are_read_again_only_where_the_membership_moved(
    okta: OktaSimulator, connector: OktaConnector, settled: None
) -> None:
    del settled
    mutations = Mutations(okta, seed=5)
    picture = Picture.of(connector)
    mutations.rename_group()
    batches = list(connector.changes(picture.report.cursor if picture.report else ""))
    groups = [one for each in batches if isinstance(each, GroupBatch) for one in each.groups]
    lists = [one for each in batches if isinstance(each, MemberBatch) for one in each.lists]
    assert len(groups) == 1
    assert groups[0].name.startswith("Renamed")
    assert lists == []


def test_a_deletion_is_told_once_it_is_confirmed_and_without_the_log_by_a_whole_read(
    okta: OktaSimulator, connector: OktaConnector
) -> None:
    mutations = Mutations(okta, seed=6)
    mine, gone = mutations.come(), mutations.group()
    picture = Picture.of(connector)
    (*_, page) = connector.log("")
    for _ in range(2):
        mutations.send("DELETE", f"users/{mine}")
    mutations.send("DELETE", f"groups/{gone}")
    picture.follow(connector)
    assert {mine} <= picture.accounts.keys()
    for _ in connector.log(page.cursor):
        pass
    assert picture.report is not None
    batches = list(connector.changes(picture.report.cursor))
    (told,) = [each for each in batches if isinstance(each, GoneBatch)]
    assert (told.accounts, told.groups) == ((mine,), (gone,))


def test_what_the_log_says_was_deleted_and_is_still_there_is_not_gone(
    okta: OktaSimulator, connector: OktaConnector
) -> None:
    kept = okta.get("/api/v1/users")[0]["id"]
    picture = Picture.of(connector)
    connector._deleted.users[kept] = "9999-01-01T00:00:00.000Z"
    picture.follow(connector)
    assert kept in picture.accounts


def test_a_cursor_of_another_organisation_of_the_future_or_of_nobody_is_refused(
    connector: OktaConnector,
) -> None:
    report = Picture.of(connector).report
    assert report is not None
    good = json.loads(report.cursor)
    ahead = datetime.fromisoformat(good["at"]) + timedelta(days=1)
    wrong = [{"org": "https://other.okta.com"}, {"at": ahead.isoformat()}, {"at": "yesterday"}]
    for text in ("nonsense", "", *(json.dumps({**good, **each}) for each in wrong)):
        with pytest.raises(CursorRefusedError):
            list(connector.changes(text))


def test_members_that_change_while_all_is_read_are_read_again(
    okta: OktaSimulator, connector: OktaConnector
) -> None:
    mutations = Mutations(okta, seed=7)
    picture, is_changed = Picture(), False
    for batch in connector.snapshot():
        picture.take(batch)
        if isinstance(batch, MemberBatch) and not is_changed:
            is_changed = True  # they have all been read by now, and some are told already
            mutations.join()
            mutations.send("PUT", f"groups/{mutations.group()}/users/{mutations.made[0]}")
    truth = Picture.of(connector)
    assert picture.members == truth.members
    assert picture.groups == truth.groups


def test_the_log_tells_who_did_what_and_is_gone_on_with_by_its_own_link(
    okta: OktaSimulator, connector: OktaConnector
) -> None:
    mutations = Mutations(okta, seed=8)
    (*_, begun) = connector.log("")
    mutations.leave()
    pages = list(connector.log(begun.cursor))
    told = [deed for page in pages for deed in page.deeds]
    assert [each.is_joining for each in told][-2:] == [True, False]
    assert {(each.account_id, each.group_id) for each in told[-2:]} == {
        (told[-1].account_id, told[-1].group_id)
    }
    assert told[-1].account_id in mutations.made
    assert told[-1].group_id in mutations.groups
    administrator = okta.get("/api/v1/users/me")
    profile = administrator["profile"]
    assert told[-1].actor_id == administrator["id"]
    assert told[-1].actor_name == f"{profile['firstName']} {profile['lastName']}"
    assert pages[-1] == LogPage((), pages[-1].cursor)
    assert list(connector.log(pages[-1].cursor)) == [pages[-1]]
    okta.control("POST", "reset")
    list(connector.log(pages[-1].cursor))
    assert okta.calls() == {"logs": 1}


def test_an_event_that_comes_late_is_not_missed(
    okta: OktaSimulator, connector: OktaConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "EVENTS_A_PAGE", "1")
    mutations = Mutations(okta, seed=9)
    mutations.come()
    (*_, page) = connector.log("")
    okta.control("PUT", "faults", {"log_lag": 0.5})
    for _ in range(4):
        mutations.leave()
    okta.control("PUT", "faults", {"log_lag": 0})
    found: set[str] = set()
    wanted, end = 8, time.monotonic() + PATIENCE
    while len(found) < wanted and time.monotonic() < end:
        for page in connector.log(page.cursor):  # noqa: B020 - each poll goes on from the last
            found |= {each.event_id for each in page.deeds}
    assert len(found) == wanted


def test_a_link_that_okta_refuses_begins_anew_and_a_missing_right_is_said(
    okta: OktaSimulator, connector: OktaConnector
) -> None:
    (page, *_) = connector.log("")
    start, _, _ = page.cursor.partition("after=")
    for wrong in (f"{start}after=nonsense", page.cursor.replace(okta.url, "https://evil.example")):
        with pytest.raises(CursorRefusedError):
            list(connector.log(wrong))
    with pytest.raises(HTTPError):
        okta.get(f"/api/v1/logs?after={quote('nonsense')}")


def test_who_may_not_read_the_log_is_told_so() -> None:
    body = json.dumps({"errorCode": "E0000006", "errorSummary": "No permission"}).encode()
    with peer(lambda *_: (403, {}, body)) as url, connected(url) as connector:
        with pytest.raises(DeniedError):
            list(connector.log(""))
        with pytest.raises(DeniedError):
            list(connector.log(f"{url}/api/v1/logs?after=1"))


def test_a_report_of_an_incomplete_delta_leaves_the_cursor_where_it_was(
    okta: OktaSimulator, connector: OktaConnector, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from connectors.okta import executor

    del settled
    picture = Picture.of(connector)
    assert picture.report is not None
    mutations, someone = Mutations(okta, seed=10), okta.get("/api/v1/users")[-1]["id"]
    group = next(g for g in mutations.groups if someone not in picture.members[g])
    mutations.send("PUT", f"groups/{group}/users/{someone}")
    monkeypatch.setattr(executor, "TRIES", 1)
    okta.control("POST", "reset")
    okta.control("PUT", "faults", {"fail_every": 4})  # users, groups, rules, members
    try:
        (*_, report) = connector.changes(picture.report.cursor)
    finally:
        okta.control("PUT", "faults", {"fail_every": 0})
    assert isinstance(report, ReadReport)
    assert not report.is_complete
    assert report.cursor == picture.report.cursor
    picture.follow(connector)
    assert picture.shown() == Picture.of(connector).shown()
