"""Names change hands while a real domain is read; still everybody is in the groups they are in."""

import base64
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from ldap3 import Connection

from connectors.active_directory import naming
from connectors.active_directory.groups import GROUPS
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search
from connectors.port import Connector
from connectors.registry import connect
from contract.picture import Picture
from contract.worlds import now
from support.servers.samba_ad import SambaAd

pytestmark = pytest.mark.enable_socket
PASSWORD = "Reads-0nly-and-no-more"
PLACE = "OU=Names"


@pytest.fixture(scope="module")
def base(samba_ad: SambaAd) -> str:
    """A place with people, groups and containers whose names will change hands."""
    base = samba_ad.environment["AD_BASE_DN"]
    password = base64.b64encode(f'"{PASSWORD}"'.encode("utf-16-le")).decode()
    samba_ad.change(
        f"dn: {PLACE},{base}\nchangetype: add\nobjectClass: organizationalUnit\n\n"
        f"dn: CN=names reader,CN=Users,{base}\nchangetype: add\nobjectClass: user\n"
        f"sAMAccountName: namesreader\nunicodePwd:: {password}\nuserAccountControl: 512\n\n"
    )
    return f"{PLACE},{base}"


@pytest.fixture
def connector(request: pytest.FixtureRequest, samba_ad: SambaAd, base: str) -> Iterator[Connector]:
    """As one who sees what was deleted, and as one who does not; in pages or in one piece."""
    settings, secrets = dict(samba_ad.settings), samba_ad.secrets
    if request.param != "in one piece":
        settings["page_size"] = "100"
    if request.param != "administrator":
        settings["bind_dn"] = f"CN=names reader,CN=Users,{base.partition(',')[2]}"
        secrets = {"password": PASSWORD}
    made = connect("active_directory", settings, secrets, now=now)
    yield made
    made.close()


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], list[str]]:
    """Do something before a page of groups is asked for; returns every search that is sent.

    Where they come in one piece it is done after all accounts came, before any group is asked for.
    """

    def arrange(page: int, work: Callable[[], None]) -> list[str]:
        sent: list[str] = []
        search = Connection.search

        def watched(self: Connection, place: str, where: str, *rest: Any, **options: Any) -> Any:
            if where == GROUPS and sent.count(GROUPS) == page:
                work()
            sent.append(where)
            return search(self, place, where, *rest, **options)

        accounts, flow = threading.Event(), LdapClient.flow

        def flowing(
            self: LdapClient, query: Search, place: str, where: str, *rest: Any, **options: Any
        ) -> Iterator[Entry]:
            if where == GROUPS:
                assert accounts.wait(60)
                work()
            yield from flow(self, query, place, where, *rest, **options)
            accounts.set()

        monkeypatch.setattr(LdapClient, "flow", flowing)
        monkeypatch.setattr(Connection, "search", watched)
        return sent

    return arrange


def plant(server: SambaAd, base: str, run: str) -> None:
    """People One to Four, a group in a group, and namesakes in two containers."""
    lines = [
        f"dn: OU={run} {each},{base}\nchangetype: add\nobjectClass: organizationalUnit\n"
        for each in ("P", "Q")
    ]
    people = {each: f"CN={run} {each},{base}" for each in ("One", "Two", "Three", "Four")}
    people |= {each: f"CN=Same,OU={run} {each},{base}" for each in ("P", "Q")}
    lines += [
        f"dn: {dn}\nchangetype: add\nobjectClass: user\nsAMAccountName: {run}{each}\n"
        for each, dn in people.items()
    ]
    members = {
        "H1": ["Four"], "H2": ["One"], "G1": ["One", "Three", "P"], "G2": ["Two", "Q"],
        "G3": ["Four"],
    }  # fmt: skip
    for name, inside in members.items():
        inner = [people[each] for each in inside]
        inner += {"G1": [f"CN={run} H1,{base}"], "G2": [f"CN={run} H2,{base}"]}.get(name, [])
        held = "".join(f"member: {each}\n" for each in inner)
        lines.append(
            f"dn: CN={run} {name},{base}\nchangetype: add\nobjectClass: group\n"
            f"sAMAccountName: {run}{name}\nmanagedBy: {people['Two']}\n{held}"
        )
    server.change("\n".join(lines) + "\n")


def _swap(one: str, other: str, base: str) -> str:
    return "".join(
        f"dn: {old},{base}\nchangetype: modrdn\nnewrdn: {new}\ndeleteoldrdn: 1\n\n"
        for old, new in ((one, f"{one} away"), (other, one), (f"{one} away", other))
    )


def change_hands(server: SambaAd, base: str, run: str) -> None:
    """Swap names of people, groups and containers; give a deleted one's name to another."""
    server.change(
        _swap(f"CN={run} One", f"CN={run} Two", base)
        + _swap(f"CN={run} H1", f"CN={run} H2", base)
        + _swap(f"OU={run} P", f"OU={run} Q", base)
        + f"dn: CN={run} Three,{base}\nchangetype: delete\n\n"
        + f"dn: CN={run} Four,{base}\nchangetype: modrdn\nnewrdn: CN={run} Three\n"
        "deleteoldrdn: 1\n\n"
    )


HOLDS = {
    "H1": {"Four"}, "H2": {"One"}, "G1": {"One", "P", "H1"}, "G2": {"Two", "Q", "H2"},
    "G3": {"Four"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("connector", "page"),
    [
        pytest.param("plain reader", 2, id="between pages of groups"),
        pytest.param("in one piece", 1, id="between accounts and groups, each in one piece"),
        pytest.param("administrator", 0, id="before the groups", marks=pytest.mark.slow),
    ],
    indirect=["connector"],
)
def test_names_that_change_hands_during_a_read_take_nobody_into_another_ones_groups(
    samba_ad: SambaAd,
    base: str,
    connector: Connector,
    during: Callable[..., list[str]],
    page: int,
) -> None:
    run = f"n{page}"
    plant(samba_ad, base, run)
    planted = {
        str(UUID(bytes_le=base64.b64decode(each["objectGUID"][0]))): each["sAMAccountName"][0][2:]
        for each in samba_ad.ldapsearch(
            base, f"(sAMAccountName={run}*)", "objectGUID", "sAMAccountName"
        )
    }
    during(page, lambda: change_hands(samba_ad, base, run))
    picture = Picture.of(connector)
    for when in ("at once", "after the delta that follows"):
        shown = {
            planted[name]: {planted[each] for each in found} - {"Three"}
            for name, found in picture.members.items()
            if name in planted
        }
        assert shown == HOLDS, when
        owners = [e.owner_id for name, e in picture.groups.items() if name in planted]
        assert [planted[each or ""] for each in owners] == ["Two"] * len(HOLDS)
        picture.follow(connector)


@pytest.mark.slow
def test_by_name_and_by_id_a_whole_read_shows_the_same(
    samba_ad: SambaAd, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector = connect("active_directory", samba_ad.settings, samba_ad.secrets, now=now)
    by_name = Picture.of(connector)
    monkeypatch.setattr(naming, "can_tell", lambda *_: False)
    assert Picture.of(connector).shown() == by_name.shown()
    connector.close()
