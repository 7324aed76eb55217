"""Members by name: believed only as long as nothing says that a name may have changed hands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from ldap3.core.exceptions import LDAPExceptionError

from connectors.active_directory.cursor import USN, Cursor
from connectors.active_directory.reading import Reader
from connectors.ldap.client import LdapClient
from connectors.records import Batch, Group, GroupBatch, MemberBatch, ReadReport
from unit.connectors.scripted import Page, ScriptedConnection, client, config, entry, with_range
from unit.connectors.test_active_directory_reading import NOW, group, key, link, person, raw

START = Cursor(way=USN, endpoint="ldaps://dc1.example.test:636", root="DC=x", base="DC=x",
               controller="CN=DC1", invocation="00", number=500)  # fmt: skip
READABLE = Page([entry("DC=x", uSNChanged=b"7")])
QUIET, BUSY = (
    Page([entry("", highestCommittedUSN=number)], is_paged=False) for number in (b"500", b"501")
)


class Found:
    """What a read showed."""

    def __init__(
        self, *pages: Page | LDAPExceptionError, start: Cursor | None = START, **settings: str
    ) -> None:
        self.connection = ScriptedConnection(list(pages))
        reader = Reader(client(self.connection, **settings), lambda: NOW)
        batches: list[Batch] = list(reader.read(start))
        assert isinstance(batches[-1], ReadReport)
        assert self.connection.script == []
        self.report = batches[-1]
        self.groups: dict[str, Group] = {
            e.external_id: e for b in batches if isinstance(b, GroupBatch) for e in b.groups
        }
        self.members = {
            each.group_id: {one.external_id for one in each.members}
            for batch in batches
            if isinstance(batch, MemberBatch)
            for each in batch.lists
        }

    def asked(self, place: int) -> tuple[str, list[str]]:
        return self.connection.asked[place]["base"], self.connection.asked[place]["attributes"]


def holding(number: int, *names: str, **values: bytes) -> dict[str, Any]:
    found = group(number)
    found["raw_attributes"] |= {name.lower(): [value] for name, value in values.items()}
    return with_range(found, "member", [each.encode() for each in names])


def changed(number: int, *holders: int, kind: bytes = b"user") -> dict[str, Any]:
    values: Sequence[bytes] = [link(each) for each in holders]
    return with_range(
        entry(f"CN=other{number}", objectGUID=raw(number), objectClass=kind), "memberof", values
    )


def whole(*numbers: int) -> Page:
    return Page([with_range(entry("CN=g"), "member;range=0-*", [link(each) for each in numbers])])


def test_where_nothing_changed_meanwhile_names_tell_everything_and_nothing_more_is_asked() -> None:
    found = Found(
        READABLE,
        Page([person(1), person(2)]),
        Page([holding(8, "CN=u1", "CN=g9"), holding(9, "CN=u2", "CN=g8", managedBy=b"CN=u1")]),
        QUIET,
    )
    assert found.members == {key(8): {key(1), key(9)}, key(9): {key(2), key(8)}}
    assert found.groups[key(9)].owner_id == key(1)
    assert [each.purpose for each in found.report.queries] == ["accounts", "groups", "members"]
    assert found.connection.asked[2]["controls"] is None


def test_a_list_with_somebody_who_changed_is_read_again_by_id() -> None:
    found = Found(
        READABLE,
        Page([person(1), person(2)]),
        Page([holding(8, "CN=u1"), holding(9, "CN=u2")]),
        BUSY,
        Page([changed(1)]),
        whole(2),
        Page(),  # nobody manages a group
    )
    assert found.members == {key(8): {key(2)}, key(9): {key(2)}}
    assert found.asked(5) == (f"<GUID={key(8)}>", ["member;range=0-1499"])
    (control,) = found.connection.asked[5]["controls"]
    assert bool(control["criticality"])
    assert found.connection.asked[4]["where"] == "(uSNChanged>=501)"


def test_so_is_the_list_that_holds_now_who_took_the_name_of_one_that_nobody_shows_any_more() -> (
    None
):
    """Account 1 was deleted, which this reader is not shown, and 2 was given its name."""
    found = Found(
        READABLE,
        Page([person(1), person(2)]),
        Page([holding(8, "CN=u1")]),
        BUSY,
        Page([changed(2, 8)]),
        whole(2),
        Page(),
    )
    assert found.members == {key(8): {key(2)}}


def test_so_are_lists_with_anybody_below_a_container_that_changed() -> None:
    found = Found(
        READABLE,
        Page([person(1), person(2)]),
        Page([holding(8, "CN=u1"), holding(9, "CN=u2")]),
        BUSY,
        Page([changed(70, kind=b"organizationalUnit"), entry("DC=x", objectGUID=raw(71))]),
        Page([changed(1)]),
        whole(1),
        Page(),
    )
    assert found.asked(5)[0] == f"<GUID={key(70)}>"
    assert found.members == {key(8): {key(1)}, key(9): {key(2)}}


def test_a_container_that_is_gone_has_nobody_below_it() -> None:
    found = Found(
        READABLE,
        Page([person(1)]),
        Page([holding(8, "CN=u1")]),
        BUSY,
        Page([changed(70, kind=b"container")]),
        Page(code=32),
        Page(),
    )
    assert found.members == {key(8): {key(1)}}


def test_all_lists_are_read_again_if_it_is_not_told_which_hold_who_changed() -> None:
    in_many = with_range(changed(1), "memberof;range=0-1499", [link(8)])
    found = Found(
        READABLE,
        Page([person(1), person(2)]),
        Page([holding(8, "CN=u1"), holding(9, "CN=u2")]),
        BUSY,
        Page([in_many]),
        whole(1),
        whole(1, 2),
        Page(),
    )
    assert found.members == {key(8): {key(1)}, key(9): {key(1), key(2)}}


def test_a_name_that_is_nobodys_is_asked_for_by_id_though_nothing_changed() -> None:
    found = Found(
        READABLE,
        Page([person(1)]),
        Page([holding(8, "CN=u1", "CN=U1 otherwise written")]),
        QUIET,
        whole(1, 77),
    )
    assert found.members == {key(8): {key(1)}}
    assert [each.code for each in found.report.problems] == ["other_member"]
    assert found.report.is_complete


def test_who_manages_a_group_is_asked_by_id_if_a_name_does_not_tell() -> None:
    found = Found(
        READABLE,
        Page([person(1)]),
        Page([holding(8, managedBy=b"CN=somebody"), holding(9, managedBy=b"CN=u1")]),
        QUIET,
        Page([entry("CN=g8", objectGUID=raw(8), managedBy=link(66)),
              entry("CN=g9", objectGUID=raw(9), managedBy=link(1))]),
    )  # fmt: skip
    owners = {name: each.owner_id for name, each in found.groups.items()}
    assert owners == {key(8): key(66), key(9): key(1)}


def test_the_rest_of_a_list_that_windows_cuts_comes_by_id() -> None:
    first = with_range(group(8), "member;range=0-0", [b"CN=u1"])
    first["raw_attributes"]["member"] = []
    found = Found(
        READABLE,
        Page([person(1), person(2)]),
        Page([first]),
        Page([with_range(entry("CN=g8"), "member;range=1-*", [link(2)])]),
        QUIET,
    )
    assert found.members == {key(8): {key(1), key(2)}}
    assert found.asked(3) == (f"<GUID={key(8)}>", ["member;range=1-1500"])


@pytest.mark.parametrize(
    ("start", "settings"),
    [
        (None, {}),
        (START, {"user_filter": "(mail=*)"}),
        (START, {"group_filter": "(mail=*)"}),
        (START, {"base_dn": "OU=part,DC=x"}),
    ],
)
def test_part_of_a_domain_is_read_by_id(start: Cursor | None, settings: dict[str, str]) -> None:
    by_id = with_range(group(8), "member;range=0-*", [link(1)])
    found = Found(Page([person(1)]), Page([by_id]), start=start, **settings)
    assert found.members == {key(8): {key(1)}}


def test_so_is_a_domain_whose_numbers_may_not_be_read() -> None:
    by_id = with_range(group(8), "member;range=0-*", [link(1)])
    found = Found(Page([entry("DC=x")]), Page([person(1)]), Page([by_id]))
    assert found.members == {key(8): {key(1)}}


@dataclass
class Windows:
    """Answers a whole read as Windows does: never more than 1,500 values at once."""

    size: int
    socket: None = None

    def search(self, base: str, where: str, _scope: str, **options: Any) -> tuple[Any, ...]:
        wanted = next((each for each in options["attributes"] if each.startswith("member")), None)
        if base == "":
            found = QUIET
        elif wanted is None and where == "(objectClass=*)":
            found = READABLE
        elif wanted is None:
            found = Page([person(each) for each in range(1, self.size + 1)])
        else:
            found = Page([self.part(int(wanted.partition("=")[2].partition("-")[0] or 0), options)])
        return True, found.result, list(found.entries), {}

    def part(self, begin: int, options: dict[str, Any]) -> dict[str, Any]:
        end = min(begin + 1500, self.size)
        is_by_id = bool(options["controls"])
        values = [link(n) if is_by_id else f"CN=u{n}".encode() for n in range(begin + 1, end + 1)]
        shown = group(100_000)
        if begin >= self.size:
            return shown
        last = "*" if end == self.size else str(end - 1)
        is_cut = end < self.size or begin or is_by_id
        return with_range(shown, f"member;range={begin}-{last}" if is_cut else "member", values)

    def unbind(self) -> None:
        return


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 1499, 1500, 1501, 3000, 3001])
@pytest.mark.parametrize("is_named", [True, False])
def test_a_list_of_any_length_is_whole_though_the_server_cuts_it(
    size: int,
    is_named: bool,
) -> None:
    made = LdapClient(config(), "ldaps://dc1.example.test:636", Windows(size))
    batches = list(Reader(made, lambda: NOW).read(START if is_named else None))
    (found,) = [each for some in batches if isinstance(some, MemberBatch) for each in some.lists]
    assert found.is_complete
    assert set(found.accounts) == {key(n) for n in range(1, size + 1)}
    assert len(found.accounts) == size
