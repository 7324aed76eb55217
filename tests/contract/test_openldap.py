"""What a directory of OpenLDAP keeps otherwise: three kinds of groups, locks, names in any form."""

import base64
from collections.abc import Iterator

import pytest
from ldap3.utils.dn import escape_rdn

from connectors.errors import (
    MisconfiguredError,
    TargetConflictError,
    UnavailableError,
    UnsupportedError,
)
from connectors.port import Connector
from connectors.records import AccountKind, Change, Effect, Verb
from connectors.registry import connect
from contract.picture import Picture
from contract.worlds import OpenLdapWorld, now
from support.servers import openldap
from support.servers.relay import relayed

pytestmark = pytest.mark.enable_socket
BASE = "dc=example,dc=test"
ODD = [
    "*)(uid=*",
    "Doe, Jane",
    "Plus+Sign",
    "#hash",
    "東京 太郎",
    "Ярослав",
    "a=b;c",
    "e\u0301",
    "🦊",
]
SIZES = (999, 1000, 1001, 1500, 1501)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdapWorld]:
    why = openldap.missing()
    if why is not None:
        pytest.skip(why)
    with openldap.running(tmp_path_factory.mktemp("openldap"), users=1600) as server:
        world = OpenLdapWorld(server)
        server.change("".join(_planted(world)))
        yield world


def _planted(world: OpenLdapWorld) -> Iterator[str]:
    """Groups of every kind and size, and names that would break a filter or a name."""
    people = [each["dn"] for each in world.records if each["kind"] == "user"]
    plain = [each for each in people if each.isascii() and "\\" not in each]
    for size in SIZES:
        coded = (base64.b64encode(each.encode()).decode() for each in people[:size])
        lines = "".join(f"member:: {each}\n" for each in coded)
        yield f"dn: cn=size {size},{BASE}\nchangetype: add\nobjectClass: groupOfNames\n{lines}\n"
    yield (
        f"dn: cn=unique,{BASE}\nchangetype: add\nobjectClass: groupOfUniqueNames\n"
        f"uniqueMember: {plain[0].upper()}\nuniqueMember: cn=nobody,{BASE}\n\n"
        f"dn: cn=posix,{BASE}\nchangetype: add\nobjectClass: posixGroup\ngidNumber: 500\n"
        "memberUid: odd-0\nmemberUid: nobody\n\n"
    )
    for place, name in enumerate(ODD):
        yield (
            (
                f"dn: cn={escape_rdn(name)},{BASE}\nchangetype: add\nobjectClass: inetOrgPerson\n"
                f"objectClass: posixAccount\nsn: x\nuid: odd-{place}\nuidNumber: {place}\n"
                f"gidNumber: {500 if place == 1 else 9}\nhomeDirectory: /\n\n"
            )
            .encode()
            .decode()
        )


@pytest.fixture
def connector(world: OpenLdapWorld) -> Iterator[Connector]:
    made = world.connector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def picture(world: OpenLdapWorld) -> Picture:
    made = world.connector()
    found = Picture.of(made)
    made.close()
    return found


def group_of(picture: Picture, name: str) -> str:
    return next(each.external_id for each in picture.groups.values() if each.name == name)


def account_of(picture: Picture, login: str) -> str:
    return next(each.external_id for each in picture.accounts.values() if each.login == login)


@pytest.mark.parametrize("size", SIZES)
def test_a_group_at_the_edge_of_a_limit_has_all_its_members(picture: Picture, size: int) -> None:
    assert len(picture.members[group_of(picture, f"size {size}")]) == size


def test_the_reader_who_may_have_a_thousand_at_once_sees_the_same(
    world: OpenLdapWorld, picture: Picture
) -> None:
    made = connect("openldap", world.server.settings, world.server.secrets, now=now)
    assert Picture.of(made).shown() == picture.shown()
    made.close()


def test_members_by_unique_name_by_login_and_by_number_are_found(picture: Picture) -> None:
    (unique,) = picture.members[group_of(picture, "unique")].values()
    assert picture.accounts[unique.external_id].address.startswith("cn=")
    posix = picture.members[group_of(picture, "posix")].values()
    shown = {(picture.accounts[each.external_id].login, each.is_primary) for each in posix}
    assert shown == {("odd-0", False), ("odd-1", True)}


def test_rings_of_groups_and_managers_are_told(picture: Picture) -> None:
    one, other = group_of(picture, "Ring A"), group_of(picture, "Ring B")
    assert other in picture.members[one]
    assert one in picture.members[other]
    assert any(each.manager_id in picture.accounts for each in picture.accounts.values())


def test_who_is_locked_for_good_is_disabled_and_what_signs_in_is_a_service(
    world: OpenLdapWorld, picture: Picture
) -> None:
    planted = {e["entryUUID"]: e["enabled"] for e in world.records if e["kind"] == "user"}
    assert {name: picture.accounts[name].is_enabled for name in planted} == planted
    reader = next(each for each in picture.accounts.values() if each.login == "reader")
    assert reader.kind is AccountKind.SERVICE


@pytest.mark.parametrize("place", range(len(ODD)))
def test_a_name_with_anything_in_it_joins_and_leaves(
    connector: Connector, picture: Picture, place: int
) -> None:
    account = account_of(picture, f"odd-{place}")
    assert ODD[place] == picture.accounts[account].display_name
    for name in ("size 999", "unique", "posix"):
        group = group_of(picture, name)
        add, remove = (
            Change(verb, account, group) for verb in (Verb.ADD_MEMBER, Verb.REMOVE_MEMBER)
        )
        was = connector.observe(add).in_effect
        if was:
            continue
        assert connector.ensure(add).effect is Effect.CHANGED
        assert connector.ensure(add).effect is Effect.ALREADY
        assert connector.observe(add).in_effect
        assert connector.ensure(remove).effect is Effect.CHANGED
        assert connector.ensure(remove).effect is Effect.ALREADY
        assert connector.observe(remove).in_effect


def test_the_last_member_of_a_group_of_names_stays_with_the_reason(
    world: OpenLdapWorld, connector: Connector, picture: Picture
) -> None:
    account = account_of(picture, "odd-2")
    dn = picture.accounts[account].address
    world.server.change(
        f"dn: cn=single,{BASE}\nchangetype: add\nobjectClass: groupOfNames\nmember: {dn}\n\n"
    )
    group = group_of(Picture.of(connector), "single")
    with pytest.raises(TargetConflictError, match="last one"):
        connector.ensure(Change(Verb.REMOVE_MEMBER, account, group))


def test_who_is_in_a_group_by_number_is_not_taken_out_like_others(
    connector: Connector, picture: Picture
) -> None:
    account, group = account_of(picture, "odd-1"), group_of(picture, "posix")
    with pytest.raises(TargetConflictError, match="primary"):
        connector.ensure(Change(Verb.REMOVE_MEMBER, account, group))


def test_it_says_that_it_tells_no_changes(connector: Connector) -> None:
    with pytest.raises(UnsupportedError):
        list(connector.changes(""))


@pytest.mark.parametrize("answers", [4_000, 60_000, 200_000])
def test_a_line_that_is_cut_in_the_middle_shows_no_whole_read(
    world: OpenLdapWorld, answers: int
) -> None:
    with relayed(("127.0.0.1", world.server.port), answers=answers) as address:
        settings = {**world.settings, "uri": f"ldaps://{address}"}
        made = connect("openldap", settings, world.server.secrets, now=now)
        with pytest.raises(UnavailableError):
            Picture.of(made)
        made.close()


def test_after_a_server_broke_off_in_the_middle_the_next_one_shows_everything(
    world: OpenLdapWorld, picture: Picture
) -> None:
    with relayed(("127.0.0.1", world.server.port), answers=60_000) as address:
        settings = {**world.settings, "uri": f"ldaps://{address} {world.settings['uri']}"}
        made = connect("openldap", settings, world.server.secrets, now=now)
        with pytest.raises(UnavailableError, match=address):
            Picture.of(made)
    found = Picture.of(made)
    made.close()
    assert found.accounts.keys() == picture.accounts.keys()
    assert len(found.members[group_of(found, "size 1501")]) == 1501
    assert found.report is not None
    assert found.report.endpoint == world.settings["uri"]


def test_a_password_that_was_changed_is_told_as_such(world: OpenLdapWorld) -> None:
    made = connect("openldap", world.settings, {"password": "the old one"}, now=now)
    with pytest.raises(MisconfiguredError, match="password") as found:
        made.check()
    assert found.value.key == "password"
    made.close()
