"""What changed in a real domain is told by deltas, and ends equal to a whole read."""

import base64
import json
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from ldap3 import Connection
from ldap3.utils.conv import escape_filter_chars

from connectors.active_directory import noticing
from connectors.active_directory.mapping import ticks
from connectors.errors import CursorRefusedError
from connectors.port import Connector
from connectors.registry import connect
from contract.picture import Picture
from contract.worlds import now
from support.servers.samba_ad import SambaAd, read_truth

pytestmark = pytest.mark.enable_socket
READER = "Reads-0nly-and-no-more"


@pytest.fixture(params=["dirsync", "usn"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With DirSync, and as for an account that has no right to it."""
    if request.param == "usn":
        monkeypatch.setattr(noticing, "_dirsync", lambda *_: None)
    return str(request.param)


@pytest.fixture
def connector(samba_ad: SambaAd) -> Iterator[Connector]:
    made = connect("active_directory", samba_ad.settings, samba_ad.secrets, now=now)
    yield made
    made.close()


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every search that is sent."""
    sent: list[str] = []
    search = Connection.search

    def counted(self: Connection, base: str, where: str, *rest: Any, **options: Any) -> Any:
        sent.append(where)
        return search(self, base, where, *rest, **options)

    monkeypatch.setattr(Connection, "search", counted)
    return sent


class Mutations:
    """Changes behind the product's back, each by OpenLDAP's own program."""

    def __init__(self, server: SambaAd, seed: int) -> None:
        self.server, self.chance = server, random.Random(seed)
        self.base = server.environment["AD_BASE_DN"]
        self.corp = f"OU=Corp,{self.base}"
        records = read_truth(server.truth)
        plain = [each for each in records if each["dn"].isascii() and "\\" not in each["dn"]]
        self.groups = [e["dn"] for e in plain if e["kind"] == "group" and ",OU=Groups," in e["dn"]]
        self.count = seed * 1000
        self.made: list[str] = []
        self.places: list[str] = []

    def some(self) -> str:
        return self.chance.choice(self.made) if self.made else self.come()

    def come(self) -> str:
        self.count += 1
        above = self.chance.choice([self.corp, *self.places])
        dn = f"CN=Came {self.count},{above}"
        login = f"came{self.count}"
        self._send(
            f"dn: {dn}\nchangetype: add\nobjectClass: user\nsAMAccountName: {login}\n"
            f"mail: {login}@x.test\n"
        )
        self.made.append(dn)
        return dn

    def contact(self) -> None:
        self.count += 1
        dn = f"CN=Contact {self.count},{self.corp}"
        self._send(f"dn: {dn}\nchangetype: add\nobjectClass: contact\nmail: c@x.test\n")
        self.made.append(dn)

    def group(self) -> None:
        self.count += 1
        dn, members = f"CN=Made {self.count},{self.corp}", {self.come(), self.some()}
        lines = "".join(f"member: {each}\n" for each in sorted(members))
        self._send(
            f"dn: {dn}\nchangetype: add\nobjectClass: group\nsAMAccountName: {dn[3:12]}\n{lines}"
        )
        self.groups.append(dn)

    def place(self) -> None:
        self.count += 1
        dn = f"OU=Place {self.count},{self.corp}"
        self._send(f"dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n")
        self.places.append(dn)

    def rename_place(self) -> None:
        if not self.places:
            self.place()
        old = self.places.pop(0)
        self.count += 1
        new = f"OU=Place {self.count},{self.corp}"
        self._send(f"dn: {old}\nchangetype: modrdn\nnewrdn: OU=Place {self.count}\n"
                   "deleteoldrdn: 1\n")  # fmt: skip
        self.places.append(new)
        for held in (self.made, self.groups):
            held[:] = [each.replace(f",{old}", f",{new}") for each in held]

    def join(self) -> None:
        self._edge("add", self.some(), self.chance.choice(self.groups))

    def leave(self) -> None:
        dn, group = self.some(), self.chance.choice(self.groups)
        self._edge("add", dn, group)
        self._edge("delete", dn, group)

    def nest(self) -> None:
        inner, outer = self.chance.sample(self.groups, 2)
        self._edge("add", inner, outer)

    def change(self) -> None:
        self.count += 1
        how = self.chance.choice(["replace: title\ntitle: T{}\n", "replace: mail\n"])
        self._send(f"dn: {self.some()}\nchangetype: modify\n{how.format(self.count)}")

    def leave_for_good(self) -> None:
        dn = self.some()
        self._send(f"dn: {dn}\nchangetype: delete\n")
        self.made.remove(dn)
        if self.chance.random() < 0.5:  # the name is used again, for somebody else
            self._send(f"dn: {dn}\nchangetype: add\nobjectClass: contact\nmail: again@x.test\n")
            self.made.append(dn)

    def rename(self) -> None:
        dn = self.some()
        self.count += 1
        self._send(f"dn: {dn}\nchangetype: modrdn\nnewrdn: CN=Other {self.count}\n"
                   f"deleteoldrdn: 1\nnewsuperior: {self.corp}\n")  # fmt: skip
        self.made[self.made.index(dn)] = f"CN=Other {self.count},{self.corp}"

    def _edge(self, how: str, dn: str, group: str) -> None:
        is_in = f"(memberOf={escape_filter_chars(group)})"
        found = self.server.ldapsearch(dn, is_in, "cn", scope="base")
        if bool(found) != (how == "add"):
            self._send(f"dn: {group}\nchangetype: modify\n{how}: member\nmember: {dn}\n")

    def _send(self, ldif: str) -> None:
        self.server.change(f"{ldif}\n")

    @property
    def all(self) -> list[Callable[[], object]]:
        return [self.come, self.contact, self.group, self.place, self.rename_place, self.join,
                self.leave, self.nest, self.change, self.leave_for_good, self.rename]  # fmt: skip


def test_interleaved_changes_and_deltas_end_equal_to_a_whole_read(
    samba_ad: SambaAd, connector: Connector, way: str
) -> None:
    mutations = Mutations(samba_ad, seed=1 if way == "dirsync" else 2)
    picture = Picture.of(connector)
    assert picture.report is not None
    assert json.loads(picture.report.cursor)["way"] == way
    steps = [*mutations.all, *mutations.all]
    mutations.chance.shuffle(steps)
    for place, step in enumerate(steps):
        step()
        if place % 4 == 0:
            picture.follow(connector)
    picture.follow(connector)
    truth = Picture.of(connector).shown()
    shown = picture.shown()
    for what, expected in truth.items():
        assert shown[what] == expected, what


@pytest.mark.parametrize("most", [{"dirsync": 1, "usn": 3}])
def test_a_quiet_cycle_costs_one_search_by_dirsync_and_three_by_number(
    connector: Connector, way: str, searches: list[str], most: dict[str, int]
) -> None:
    picture = Picture.of(connector)
    picture.follow(connector)
    searches.clear()
    picture.follow(connector)
    assert len(searches) == most[way], searches


def test_a_primary_group_that_changed_is_told_of_both_groups(
    samba_ad: SambaAd, connector: Connector, way: str
) -> None:
    mutations = Mutations(samba_ad, seed=3 if way == "dirsync" else 4)
    dn, group = mutations.come(), mutations.groups[0]
    mutations._edge("add", dn, group)
    picture = Picture.of(connector)
    (found,) = samba_ad.ldapsearch(group, "(objectClass=*)", "primaryGroupToken", scope="base")
    token = found["primaryGroupToken"][0]
    samba_ad.change(f"dn: {dn}\nchangetype: modify\nreplace: primaryGroupID\n"
                    f"primaryGroupID: {token}\n\n")  # fmt: skip
    picture.follow(connector)
    assert picture.shown() == Picture.of(connector).shown()


def test_a_cursor_of_another_controller_history_or_base_is_refused(
    connector: Connector, way: str
) -> None:
    report = Picture.of(connector).report
    assert report is not None
    good = json.loads(report.cursor)
    wrong = {
        "dirsync": {"endpoint": "ldaps://dc9", "base": "DC=x", "cookie": "bm9ub24=", "way": "?"},
        "usn": {"endpoint": "ldaps://dc9", "controller": "CN=DC9", "invocation": "00",
                "number": good["number"] + 10_000_000},
    }[way]  # fmt: skip
    for name, value in wrong.items():
        with pytest.raises(CursorRefusedError):
            list(connector.changes(json.dumps({**good, name: value})))
    with pytest.raises(CursorRefusedError):
        list(connector.changes("nonsense"))


def test_who_has_no_right_to_dirsync_is_told_changes_by_number(samba_ad: SambaAd) -> None:
    base = samba_ad.environment["AD_BASE_DN"]
    password = base64.b64encode(f'"{READER}"'.encode("utf-16-le")).decode()
    samba_ad.change(
        f"dn: CN=plain reader,CN=Users,{base}\nchangetype: add\nobjectClass: user\n"
        f"sAMAccountName: plainreader\nunicodePwd:: {password}\nuserAccountControl: 512\n\n"
    )
    settings = {**samba_ad.settings, "bind_dn": f"CN=plain reader,CN=Users,{base}"}
    made = connect("active_directory", settings, {"password": READER}, now=now)
    picture = Picture.of(made)
    assert picture.report is not None
    assert json.loads(picture.report.cursor)["way"] == "usn"
    mutations = Mutations(samba_ad, seed=5)
    mutations.group()
    picture.follow(made)
    assert picture.shown() == Picture.of(made).shown()
    made.close()


def test_what_leaves_or_enters_the_base_and_the_filter_is_told(samba_ad: SambaAd, way: str) -> None:
    mutations = Mutations(samba_ad, seed=6 if way == "dirsync" else 7)
    base, corp = mutations.base, mutations.corp
    narrow = {"base_dn": corp, "user_filter": "(mail=*)"}
    made = connect("active_directory", {**samba_ad.settings, **narrow}, samba_ad.secrets, now=now)
    group = mutations.groups[0]
    mutations.place()
    place = mutations.places[0]
    first, second, third = mutations.come(), mutations.come(), mutations.come()
    for each in (first, second, third):
        mutations._edge("add", each, group)
    picture = Picture.of(made)
    names = {each.address for each in picture.accounts.values()}
    mutations._send(f"dn: {first}\nchangetype: modify\nreplace: mail\n")
    mutations._send(f"dn: {second}\nchangetype: modrdn\nnewrdn: {second.partition(',')[0]}\n"
                    f"deleteoldrdn: 1\nnewsuperior: CN=Users,{base}\n")  # fmt: skip
    picture.follow(made)
    left = names - {each.address for each in picture.accounts.values()}
    assert left == {first, second}
    assert picture.shown() == Picture.of(made).shown()
    mutations._send(f"dn: {first}\nchangetype: modify\nreplace: mail\nmail: back@x.test\n")
    mutations._send(f"dn: {second.partition(',')[0]},CN=Users,{base}\nchangetype: modrdn\n"
                    f"newrdn: {second.partition(',')[0]}\ndeleteoldrdn: 1\n"
                    f"newsuperior: {place}\n")  # fmt: skip
    picture.follow(made)
    assert picture.shown() == Picture.of(made).shown()
    made.close()


def test_an_account_that_expires_by_itself_is_told_though_nothing_changed(
    samba_ad: SambaAd, way: str
) -> None:
    mutations = Mutations(samba_ad, seed=8 if way == "dirsync" else 9)
    dn, clock = mutations.come(), [now()]
    due = ticks(now() + timedelta(hours=1))
    mutations._send(f"dn: {dn}\nchangetype: modify\nreplace: accountExpires\n"
                    f"accountExpires: {due}\n-\nreplace: userAccountControl\n"
                    "userAccountControl: 544\n")  # fmt: skip
    made = connect("active_directory", samba_ad.settings, samba_ad.secrets, now=lambda: clock[0])
    picture = Picture.of(made)
    (name,) = [each.external_id for each in picture.accounts.values() if each.address == dn]
    assert picture.accounts[name].is_enabled
    clock[0] += timedelta(hours=2)
    picture.follow(made)
    assert picture.accounts[name].status == "expired"
    picture.follow(made)
    assert picture.shown() == Picture.of(made).shown()
    made.close()
