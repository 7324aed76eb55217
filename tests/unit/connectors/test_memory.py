import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.errors import (
    ConnectorError,
    CursorRefusedError,
    DeniedError,
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnavailableError,
    UnsupportedError,
)
from connectors.memory.connector import KIND, MemoryConnector
from connectors.memory.state import By, State, changing, read_state, write_state
from connectors.records import (
    Account,
    AccountBatch,
    AccountKind,
    Change,
    Effect,
    Group,
    Member,
    MemberBatch,
    MemberKind,
    ReadReport,
    Verb,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ADD = Change(Verb.ADD_MEMBER, "p1", "g1")
REMOVE = Change(Verb.REMOVE_MEMBER, "p0", "g1")


def now() -> datetime:
    return NOW


def person(key: str, status: str = "enabled") -> Account:
    return Account(key, key, f"Person, {key} \U0001f98a", is_enabled=True, status=status)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state.json"
    groups = [
        Group("g1", "One", "security"),
        Group("m1", "Mirrored", "APP_GROUP", is_writable=False, master_id="x"),
    ]
    members = {
        "g1": [
            Member("p0", MemberKind.ACCOUNT),
            Member("p2", MemberKind.ACCOUNT, is_primary=True),
            Member("m1", MemberKind.GROUP),
        ],
        "m1": [Member("p0", MemberKind.ACCOUNT)],
    }
    write_state(path, State().add([person(f"p{n}") for n in range(3)], groups, members))
    return path


def connected(path: Path, *, flavour: str = "directory", breaks: str = "") -> MemoryConnector:
    settings = {"path": str(path), "flavour": flavour, "breaks": breaks}
    return KIND.connect(settings, {}, now=now)


def test_a_state_read_back_is_the_state_written(tmp_path: Path) -> None:
    account = replace(
        person("p9"),
        kind=AccountKind.SERVICE,
        expires_at=NOW,
        last_sign_in_at=NOW - timedelta(days=3),
        attributes={"office": "Zürich"},
    )
    state = State(sessions={"p9"}, own_account_id="p9").add(
        [account], [Group("g", "G, #1", "security")], {"g": [Member("p9", MemberKind.ACCOUNT)]}
    )
    write_state(tmp_path / "deep" / "state.json", state)
    assert read_state(tmp_path / "deep" / "state.json") == state


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "attestry-memory-source/1"}',
        (
            '{"format": "attestry-memory-source/1", "accounts": [1], "groups": [], "members": {},'
            ' "sessions": [], "own_account_id": null}'
        ),
    ],
)
def test_a_file_that_is_no_state_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(MisconfiguredError) as found:
        connected(tmp_path / "x.json").check()
    assert found.value.key == "path"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="There is no state file"):
        connected(tmp_path / "x.json").check()


@pytest.mark.parametrize(("key", "value"), [("flavour", "ldap"), ("breaks", "network,nonsense")])
def test_an_unknown_value_is_named_with_the_known_ones(path: Path, key: str, value: str) -> None:
    with pytest.raises(MisconfiguredError) as found:
        KIND.connect({"path": str(path), key: value}, {}, now=now)
    assert found.value.key == key


def test_a_change_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(TargetMissingError), changing(path) as state:
        state.accounts.clear()
        raise TargetMissingError("gone")
    assert path.read_bytes() == before


def test_changes_at_the_same_time_are_all_kept(path: Path) -> None:
    def add(group: str) -> None:
        with changing(path) as state:
            state.add(groups=[Group(group, group, "security")])

    threads = [threading.Thread(target=add, args=(f"new{n}",)) for n in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {f"new{n}" for n in range(12)} <= read_state(path).groups.keys()


def test_an_account_past_its_end_shows_as_expired(path: Path) -> None:
    with changing(path) as state:
        state.accounts["p0"] = replace(person("p0"), expires_at=NOW)
        state.accounts["p1"] = replace(person("p1"), expires_at=NOW + timedelta(seconds=1))
    shown = {
        each.external_id: each
        for batch in connected(path).snapshot()
        if isinstance(batch, AccountBatch)
        for each in batch.accounts
    }
    assert (shown["p0"].is_enabled, shown["p0"].status) == (False, "expired")
    assert shown["p1"].is_enabled


def test_a_read_cut_short_says_so_of_the_list_and_of_itself(path: Path) -> None:
    *batches, report = connected(path, breaks="truncated").snapshot()
    assert isinstance(report, ReadReport)
    assert not report.is_complete
    lists = [each for batch in batches if isinstance(batch, MemberBatch) for each in batch.lists]
    assert lists
    assert not any(each.is_complete for each in lists)


def test_a_broken_connection_ends_a_read_without_its_report(path: Path) -> None:
    seen: list[object] = []
    with pytest.raises(UnavailableError):
        seen.extend(connected(path, breaks="network").snapshot())
    assert not any(isinstance(each, ReadReport) for each in seen)


@pytest.mark.parametrize(("breaks", "error"), [("denied", DeniedError), ("away", UnavailableError)])
def test_a_refused_change_changes_nothing(
    path: Path, breaks: str, error: type[ConnectorError]
) -> None:
    before = path.read_bytes()
    with pytest.raises(error):
        connected(path, breaks=breaks).ensure(ADD)
    assert path.read_bytes() == before


def test_a_change_whose_answer_was_lost_is_seen_when_read_back(path: Path) -> None:
    with pytest.raises(UnavailableError):
        connected(path, breaks="half_done").ensure(ADD)
    assert connected(path).observe(ADD).in_effect is True
    assert connected(path).ensure(ADD).effect is Effect.ALREADY


def test_a_mirrored_group_is_changed_at_its_master_only(path: Path) -> None:
    for verb in (Verb.ADD_MEMBER, Verb.REMOVE_MEMBER):
        with pytest.raises(UnsupportedError, match="mastered elsewhere"):
            connected(path).ensure(Change(verb, "p0", "m1"))


def test_a_primary_member_cannot_be_taken_out(path: Path) -> None:
    with pytest.raises(TargetConflictError, match="primary group"):
        connected(path).ensure(Change(Verb.REMOVE_MEMBER, "p2", "g1"))


OKTA_VERBS = (Verb.SUSPEND_ACCOUNT, Verb.DEACTIVATE_ACCOUNT, Verb.CLEAR_SESSIONS)


@pytest.mark.parametrize(
    ("flavour", "verb"),
    [*(("directory", verb) for verb in OKTA_VERBS), ("okta", Verb.DISABLE_ACCOUNT)],
)
def test_what_a_flavour_cannot_do_is_refused_and_never_shows_as_done(
    path: Path, flavour: str, verb: Verb
) -> None:
    connector = connected(path, flavour=flavour)
    for ask in (connector.ensure, connector.observe):
        with pytest.raises(UnsupportedError):
            ask(Change(verb, "p0"))


def test_okta_accounts_are_suspended_opened_deactivated_and_not_opened_again(path: Path) -> None:
    connector = connected(path, flavour="okta")
    suspend, deactivate = Change(Verb.SUSPEND_ACCOUNT, "p0"), Change(Verb.DEACTIVATE_ACCOUNT, "p0")
    for change in (suspend, Change(Verb.ENABLE_ACCOUNT, "p0"), suspend, deactivate):
        assert connector.observe(change).in_effect is False
        assert connector.ensure(change).effect is Effect.CHANGED
        assert connector.observe(change).in_effect is True
        assert connector.ensure(change).effect is Effect.ALREADY
    assert connector.observe(suspend).in_effect is True
    with pytest.raises(TargetConflictError):
        connector.ensure(Change(Verb.ENABLE_ACCOUNT, "p0"))


def test_sessions_are_cleared_once(path: Path) -> None:
    with changing(path) as state:
        state.sessions.add("p0")
    connector = connected(path, flavour="okta")
    clear = Change(Verb.CLEAR_SESSIONS, "p0")
    assert connector.observe(clear).in_effect is False
    assert connector.ensure(clear).effect is Effect.CHANGED
    assert connector.ensure(clear).effect is Effect.ALREADY
    assert connector.observe(clear).in_effect is True


def test_who_is_gone_needs_no_ending_but_cannot_be_opened(path: Path) -> None:
    connector = connected(path)
    gone = "nobody"
    assert connector.observe(Change(Verb.DISABLE_ACCOUNT, gone)).in_effect is True
    assert connector.observe(Change(Verb.REMOVE_MEMBER, gone, "g1")).in_effect is True
    for change in (Change(Verb.ENABLE_ACCOUNT, gone), Change(Verb.ADD_MEMBER, gone, "g1")):
        with pytest.raises(TargetMissingError):
            connector.observe(change)
        with pytest.raises(TargetMissingError):
            connector.ensure(change)


def test_the_file_is_plain_json_for_people(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["accounts"][0]["display_name"] == "Person, p0 \U0001f98a"


def log_of(path: Path, cursor: str = "", *breaks: str) -> tuple[list[str], str]:
    """Read the log: the events it tells, and where to go on."""
    connector = MemoryConnector(path, breaks=frozenset(breaks), now=now)
    told = []
    for page in connector.log(cursor):
        told += [each.event_id for each in page.deeds]
        cursor = page.cursor
    return told, cursor


def do(path: Path, *accounts: str, by: By | None = None) -> None:
    """Put accounts into g1, one after the other."""
    for each in accounts:
        with changing(path, by or By("p9", "Nine", NOW)) as state:
            state.members["g1"][each] = Member(each, MemberKind.ACCOUNT)


def test_a_log_tells_only_what_somebody_put_their_name_to(path: Path) -> None:
    with changing(path) as state:
        state.members["g1"]["p1"] = Member("p1", MemberKind.ACCOUNT)
    assert log_of(path)[0] == []
    do(path, "p3")
    (deed,) = next(iter(MemoryConnector(path, now=now).log(""))).deeds
    assert (deed.account_id, deed.group_id, deed.is_joining) == ("p3", "g1", True)
    assert (deed.actor_id, deed.actor_name, deed.at) == ("p9", "Nine", NOW)


def test_a_late_deed_is_told_by_a_later_reading_and_none_is_skipped(path: Path) -> None:
    do(path, "p3", "p4")
    early, cursor = log_of(path, "", "log_late")
    assert early == ["event-000001"]
    assert log_of(path, cursor)[0] == ["event-000002"]


def test_a_log_may_tell_in_disorder_and_repeat_itself(path: Path) -> None:
    do(path, "p3", "p4")
    assert log_of(path, "", "log_disordered")[0] == ["event-000002", "event-000001"]
    _, cursor = log_of(path)
    do(path, "p5")
    again, _ = log_of(path, cursor, "log_repeated")
    assert again == ["event-000002", "event-000003", "event-000003"]


def test_a_long_log_comes_in_pages_and_may_break_off_after_one(path: Path) -> None:
    do(path, *(f"n{n}" for n in range(60)))
    pages = list(MemoryConnector(path, now=now).log(""))
    assert [len(each.deeds) for each in pages] == [50, 10]
    broken = MemoryConnector(path, breaks=frozenset({"log_broken"}), now=now).log("")
    kept = next(broken)
    with pytest.raises(UnavailableError):
        next(broken)
    assert len(log_of(path, kept.cursor)[0]) == 10


def test_a_log_that_may_not_be_read_is_denied_and_a_check_says_what_that_costs(path: Path) -> None:
    closed = MemoryConnector(path, breaks=frozenset({"log_denied"}), now=now)
    with pytest.raises(DeniedError):
        list(closed.log(""))
    (item,) = [each for each in closed.check().items if each.name == "read log"]
    assert not item.is_ok
    assert not item.is_required
    assert "who changed a membership" in item.detail


def test_a_log_refuses_a_cursor_of_another_history(path: Path) -> None:
    _, cursor = log_of(path)
    for odd in ("x|0", cursor.replace("|0", "|9"), "nothing"):
        with pytest.raises(CursorRefusedError):
            log_of(path, odd)
    with pytest.raises(CursorRefusedError):
        log_of(path, cursor, "log_forgetful")
