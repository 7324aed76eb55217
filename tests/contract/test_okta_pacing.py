"""How Okta's limits are used: evenly, nearly all of our share, and never past it.

Minutes pass here without being waited for: the connector's event loop has a clock that jumps to
whatever is due next, and the simulator's rate limiter goes by the same clock.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest
from multidict import CIMultiDict
from typing_extensions import override

from connectors.okta import reading
from connectors.okta.connector import KIND, OktaConnector
from connectors.okta.executor import DirectClient
from connectors.okta.pacing import Pacing, bucket_of
from connectors.records import ReadReport
from contract.worlds import now
from support.servers.okta import TOKEN
from support.servers.okta_simulator import OktaError, OktaStub, Options, Org, RateLimiter, Request

ADDRESS = "http://127.0.0.1:1"
MEMBERS = "groups/{}/users"
BEGAN = 1_800_000_000.25  # not at the beginning of a second
ANSWERED_AFTER = 0.12


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: its clock jumps to what is due next."""

    seconds = 0.0

    @override
    def time(self) -> float:
        return self.seconds

    def _run_once(self) -> None:
        due: list[Any] = self._scheduled  # type: ignore[attr-defined]
        if due and not self._ready:  # type: ignore[attr-defined]
            self.seconds = max(self.seconds, due[0]._when)
        super()._run_once()  # type: ignore[misc]


@dataclass
class Reply:
    """An answer, as far as it is looked at."""

    status: int
    headers: CIMultiDict[str]
    request_info: None = None


@dataclass
class Peer:
    """The simulator within this process, on the connector's own clock."""

    stub: OktaStub
    loop: JumpingLoop
    sent: dict[str, list[float]] = field(default_factory=dict)
    most_at_once: int = 0

    def clock(self) -> float:
        return BEGAN + self.loop.seconds

    async def answer(self, request: dict[str, Any]) -> tuple[None, Reply, bytes, None]:
        path, _, query = request["url"].removeprefix(ADDRESS).partition("?")
        self.sent.setdefault(bucket_of(path), []).append(self.loop.seconds)
        headers = {"authorization": f"SSWS {TOKEN}", "host": ADDRESS[7:]}
        asked = Request(request["method"], path, parsed(query), headers, b"")
        self.stub.at_once += 1
        self.most_at_once = max(self.most_at_once, self.stub.at_once)
        try:
            answer, _ = await self.stub.dispatch(asked)
            found = (answer.status, answer.headers, answer.body)
        except OktaError as error:
            found = (error.status, error.headers, error.body())
        await asyncio.sleep(ANSWERED_AFTER)
        self.stub.at_once -= 1
        date = formatdate(int(self.clock()), usegmt=True)
        reply = Reply(found[0], CIMultiDict({**found[1], "Date": date}))
        return None, reply, found[2], None


def parsed(query: str) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(query, keep_blank_values=True))


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpingLoop]:
    loop = JumpingLoop()
    monkeypatch.setattr("connectors.okta.client.asyncio.new_event_loop", lambda: loop)
    yield loop
    loop.close()


def read(
    loop: JumpingLoop, monkeypatch: pytest.MonkeyPatch, share: str, **options: Any
) -> tuple[Peer, ReadReport, OktaConnector]:
    """Read all of a small organisation."""
    stub = OktaStub(Options(users=60, apps=0, memberships=200, **options))
    peer = Peer(stub, loop)
    stub.limiter = RateLimiter(stub.options, peer.clock)
    stub.url, stub.org = ADDRESS, Org(stub.options, ADDRESS)
    monkeypatch.setattr(DirectClient, "send_request", lambda _, request: peer.answer(request))
    settings = {"org_url": ADDRESS, "rate_share": share, "applications": "false", "roles": "false"}
    connector = KIND.connect(settings, {"token": TOKEN}, now=now)
    (*_, report) = connector.snapshot()
    assert isinstance(report, ReadReport)
    return peer, report, connector


@pytest.mark.parametrize(
    ("share", "limit", "groups"), [("50", 600, 1000), ("100", 600, 1500), ("50", 100, 200)]
)
def test_nine_tenths_of_the_share_are_used_and_nothing_is_refused(
    jumping: JumpingLoop, monkeypatch: pytest.MonkeyPatch, share: str, limit: int, groups: int
) -> None:
    began = time.monotonic()
    peer, report, connector = read(jumping, monkeypatch, share, rate_limit=limit, groups=groups)
    executor = connector._client._executor
    assert report.is_complete
    assert executor.limited == 0
    budget, sent = limit * int(share) // 100, peer.sent[MEMBERS]
    used = (len(sent) - 1) / (sent[-1] - sent[0]) * 60 / budget
    assert 0.9 <= used <= 1.1, used
    a_minute = Counter(int(at // 60) for at in sent)
    assert max(a_minute.values()) <= budget + 8
    assert peer.most_at_once <= 8
    assert time.monotonic() - began < jumping.seconds
    connector.close()


def test_calls_go_out_evenly_and_not_all_at_the_beginning_of_a_window(
    jumping: JumpingLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, _, connector = read(jumping, monkeypatch, "50", rate_limit=600, groups=280)
    first_half = sum(at < 30 for at in peer.sent[MEMBERS])
    assert first_half <= 0.6 * 300
    connector.close()


def test_what_others_use_up_is_left_to_them(
    jumping: JumpingLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the limit is ours; somebody with the same token takes another half of it."""
    taken = Peer.answer

    async def shared(self: Peer, request: dict[str, Any]) -> Any:
        self.stub.limiter.take("groups", TOKEN)
        return await taken(self, request)

    monkeypatch.setattr(Peer, "answer", shared)
    peer, report, connector = read(jumping, monkeypatch, "100", rate_limit=600, groups=700)
    assert report.is_complete
    assert connector._client._executor.limited <= 8
    sent = peer.sent[MEMBERS]
    assert (len(sent) - 1) / (sent[-1] - sent[0]) * 60 >= 0.9 * 300
    connector.close()


def test_a_limit_on_calls_at_once_lets_all_wait_a_moment(
    jumping: JumpingLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, report, connector = read(jumping, monkeypatch, "100", groups=200, concurrency=3)
    assert report.is_complete
    assert peer.stub.stats["429 concurrency"] > 0
    connector.close()


def test_a_storm_of_refusals_costs_time_and_nothing_else(
    jumping: JumpingLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer, report, connector = read(jumping, monkeypatch, "100", groups=150, limit_every=5)
    assert report.is_complete
    refused = peer.stub.stats["429 at random"]
    assert refused > 20
    assert len(peer.sent[MEMBERS]) <= 150 + refused  # none is sent in vain besides
    connector.close()


@pytest.mark.slow  # ten thousand calls; its small twin is below
def test_ten_thousand_and_one_groups_are_all_read(
    jumping: JumpingLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, report, connector = read(jumping, monkeypatch, "100", groups=10_001)
    assert report.is_complete
    assert [(each.pages, each.returned) for each in report.queries][1] == (51, 10_001)
    connector.close()


@pytest.mark.parametrize(("groups", "pages"), [(99, 10), (100, 10), (101, 11)])
def test_a_group_beyond_a_full_page_is_read_too(
    jumping: JumpingLoop, monkeypatch: pytest.MonkeyPatch, groups: int, pages: int
) -> None:
    monkeypatch.setattr(reading, "GROUPS_A_PAGE", "10")
    peer, report, connector = read(jumping, monkeypatch, "100", groups=groups)
    assert report.is_complete
    assert [(each.pages, each.returned) for each in report.queries][1] == (pages, groups)
    assert len(peer.sent[MEMBERS]) == groups
    connector.close()


def test_one_refusal_pauses_its_own_kind_of_call_and_no_other() -> None:
    pacing, headers = Pacing(0.5), {
        "X-Rate-Limit-Limit": "600",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Reset": "1800000020",
        "Date": formatdate(1_800_000_000, usegmt=True),
    }  # fmt: skip
    assert pacing.refused(MEMBERS, headers, 5.0, 0.25) == 21.25
    assert pacing.wait(MEMBERS, 5.0) == 21.25
    assert pacing.wait("users", 5.0) == 0.0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/users?limit=200", "users"),
        ("/api/v1/users/00u1", "users/{}"),
        ("/api/v1/groups/00g1/users?limit=1000", MEMBERS),
        ("/api/v1/groups/rules?limit=200", "groups/rules"),
        ("/api/v1/logs?after=1_2", "logs"),
        ("/oauth2/v1/token", "oauth2/{}/token"),
    ],
)
def test_calls_of_one_kind_of_path_share_a_limit(path: str, kind: str) -> None:
    assert bucket_of(path) == kind
