"""One suite for every connector: memory, a real Samba AD, a real OpenLDAP, the Okta simulator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import CursorRefusedError, TargetMissingError, UnsupportedError
from connectors.port import Connector
from connectors.records import (
    Account,
    AccountBatch,
    Change,
    Deed,
    Effect,
    Group,
    GroupBatch,
    MemberBatch,
    MemberList,
    ReadReport,
    Verb,
)
from contract.worlds import MemoryWorld, OktaWorld, OpenLdapWorld, SambaWorld, World
from support.servers import openldap
from support.servers.okta import running as running_okta

pytestmark = pytest.mark.enable_socket
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module", params=["memory", "samba", "openldap", "okta"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("world")
    if request.param == "memory":
        yield MemoryWorld(folder / "state.json")
    elif request.param == "samba":
        yield SambaWorld(request.getfixturevalue("samba_ad"))
    elif request.param == "openldap":
        why = openldap.missing()
        if why is not None:
            pytest.skip(why)
        with openldap.running(folder, users=1600) as ldap:
            yield OpenLdapWorld(ldap)
    else:
        with running_okta(folder, users="2000", groups="200", memberships="12000") as server:
            yield OktaWorld(server)


@pytest.fixture
def connector(world: World) -> Iterator[Connector]:
    made = world.connector()
    yield made
    made.close()


class Read:
    """A whole read."""

    def __init__(self, connector: Connector) -> None:
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self.lists: dict[str, MemberList] = {}
        self.reports: list[ReadReport] = []
        for batch in connector.snapshot():
            match batch:
                case AccountBatch():
                    self.accounts |= {each.external_id: each for each in batch.accounts}
                case GroupBatch():
                    self.groups |= {each.external_id: each for each in batch.groups}
                case MemberBatch():
                    self.lists |= {each.group_id: each for each in batch.lists}
                case ReadReport():
                    self.reports.append(batch)


def test_a_read_shows_every_account_and_every_direct_member_as_planted(
    world: World, connector: Connector
) -> None:
    read = Read(connector)
    (report,) = read.reports
    assert report.is_complete
    assert report.endpoint
    assert {query.purpose for query in report.queries} >= {"accounts", "groups", "members"}
    shown = {key: read.accounts[key].employee_number or "" for key in world.accounts()}
    assert shown == world.accounts()
    for group, members in world.truth().items():
        found = {each.external_id for each in read.lists[group].members if not each.is_primary}
        assert found == members, read.groups[group].name


def test_every_group_has_its_list_of_members_even_an_empty_one(connector: Connector) -> None:
    read = Read(connector)
    assert read.lists.keys() == read.groups.keys()
    assert all(each.is_complete for each in read.lists.values())


def test_a_check_finds_everything_that_is_required(connector: Connector) -> None:
    report = connector.check()
    assert report.is_usable, report.items
    assert report.own_account_id


def test_adding_and_removing_a_member_ensures_a_state_that_the_peer_itself_shows(
    world: World, connector: Connector
) -> None:
    account, group = world.outsider()
    add = Change(Verb.ADD_MEMBER, account, group)
    remove = Change(Verb.REMOVE_MEMBER, account, group)
    assert not world.is_member(account, group)
    assert connector.observe(add).in_effect is False
    assert connector.ensure(add).effect is Effect.CHANGED
    assert connector.ensure(add).effect is Effect.ALREADY
    assert world.is_member(account, group)
    assert connector.observe(add).in_effect is True
    assert connector.observe(remove).in_effect is False
    assert connector.ensure(remove).effect is Effect.CHANGED
    assert connector.ensure(remove).effect is Effect.ALREADY
    assert not world.is_member(account, group)
    assert connector.observe(remove).in_effect is True


def test_closing_and_opening_an_account_ensures_a_state_that_the_peer_itself_shows(
    world: World, connector: Connector
) -> None:
    account, _ = world.outsider()
    closing, opening = Change(world.closing, account), Change(Verb.ENABLE_ACCOUNT, account)
    assert connector.observe(closing).in_effect is False
    assert connector.ensure(closing).effect is Effect.CHANGED
    assert connector.ensure(closing).effect is Effect.ALREADY
    assert world.is_closed(account)
    assert connector.observe(closing).in_effect is True
    assert connector.ensure(opening).effect is Effect.CHANGED
    assert not world.is_closed(account)
    assert connector.observe(opening).in_effect is True


def test_who_is_not_there_cannot_be_added_and_counts_as_removed(
    world: World, connector: Connector
) -> None:
    _, group = world.outsider()
    with pytest.raises(TargetMissingError):
        connector.ensure(Change(Verb.ADD_MEMBER, NOBODY, group))
    assert connector.observe(Change(Verb.REMOVE_MEMBER, NOBODY, group)).in_effect is True
    assert connector.observe(Change(world.closing, NOBODY)).in_effect is True


def test_what_a_source_cannot_do_is_refused_as_such(world: World, connector: Connector) -> None:
    account, _ = world.outsider()
    other = Verb.DISABLE_ACCOUNT if world.closing is Verb.SUSPEND_ACCOUNT else Verb.SUSPEND_ACCOUNT
    with pytest.raises(UnsupportedError):
        connector.ensure(Change(other, account))


def test_closing_twice_is_harmless(world: World) -> None:
    made = world.connector()
    made.close()
    made.close()


def told(connector: Connector, cursor: str) -> tuple[list[Deed], str]:
    """Read a log to its present end."""
    deeds: list[Deed] = []
    for page in connector.log(cursor):
        deeds += page.deeds
        cursor = page.cursor
    assert cursor, "a log that was read to its end says where to go on from"
    return deeds, cursor


def test_what_somebody_does_to_a_membership_is_told_by_the_log_once_with_who_and_when(
    world: World, connector: Connector
) -> None:
    if not world.keeps_log:
        with pytest.raises(UnsupportedError):
            list(connector.log(""))
        return
    account, group = world.outsider()
    _, cursor = told(connector, "")
    assert told(connector, cursor)[0] == []
    actor = world.act(account, group, is_joining=True)
    world.act(account, group, is_joining=False)
    deeds, after = told(connector, cursor)
    mine = [each for each in deeds if (each.account_id, each.group_id) == (account, group)]
    assert [each.is_joining for each in mine] == [True, False]
    assert all(each.actor_id and each.actor_name for each in mine)
    assert actor in {None, mine[0].actor_id}
    assert mine[0].at.utcoffset() is not None
    assert mine[0].at <= mine[1].at
    assert told(connector, after)[0] == []
    again = {each.event_id: each for each in told(connector, cursor)[0]}
    assert again == {each.event_id: each for each in deeds}, "what is told again is the same"
    begun_anew = {each.event_id for each in told(connector, "")[0]}
    assert {each.event_id for each in mine} <= begun_anew


def test_what_we_do_ourselves_is_told_by_the_log_as_ours(
    world: World, connector: Connector
) -> None:
    if not world.keeps_log:
        return
    account, group = world.outsider()
    _, cursor = told(connector, "")
    connector.ensure(Change(Verb.ADD_MEMBER, account, group))
    connector.ensure(Change(Verb.REMOVE_MEMBER, account, group))
    deeds, _ = told(connector, cursor)
    assert [each.is_joining for each in deeds] == [True, False]
    assert {each.actor_id for each in deeds} == {connector.check().own_account_id}


def test_a_log_does_not_go_on_from_a_cursor_it_never_gave(
    world: World, connector: Connector
) -> None:
    if not world.keeps_log:
        return
    with pytest.raises(CursorRefusedError):
        list(connector.log("nothing|of yours"))
