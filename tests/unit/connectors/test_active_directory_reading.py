"""Answers that Samba never gives and Windows does, by hand: unasked ranges, values without id."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from ldap3.core.exceptions import LDAPExceptionError, LDAPSocketReceiveError

from connectors.active_directory.reading import Reader
from connectors.errors import UnavailableError
from connectors.records import Batch, MemberBatch, MemberKind, MemberList, ReadReport
from unit.connectors.scripted import Page, ScriptedConnection, client, entry, with_range

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def key(number: int) -> str:
    return str(UUID(int=number))


def raw(number: int) -> bytes:
    return UUID(int=number).bytes_le


def link(number: int) -> bytes:
    return f"<GUID={key(number)}>;CN={number}".encode()


def person(number: int, **values: bytes) -> dict[str, Any]:
    given = {
        "objectGUID": raw(number),
        "sAMAccountName": f"u{number}".encode(),
        "userAccountControl": b"512",
        "primaryGroupID": b"513",
    }
    return entry(f"CN=u{number}", **{**given, **values})


def group(number: int, token: bytes = b"1200") -> dict[str, Any]:
    return entry(
        f"CN=g{number}", objectGUID=raw(number), cn=f"g{number}".encode(), primaryGroupToken=token
    )


def read(
    *pages: Page | LDAPExceptionError,
) -> tuple[ReadReport, dict[str, MemberList], ScriptedConnection]:
    connection = ScriptedConnection(list(pages))
    batches: list[Batch] = list(Reader(client(connection), lambda: NOW).read())
    report = batches[-1]
    assert isinstance(report, ReadReport)
    lists = [each for some in batches if isinstance(some, MemberBatch) for each in some.lists]
    assert connection.script == []
    return report, {each.group_id: each for each in lists}, connection


def ids(found: MemberList) -> set[str]:
    return {each.external_id for each in found.members}


def test_a_list_that_the_server_cuts_is_asked_for_part_by_part() -> None:
    first = with_range(group(9), "member;range=0-1", [link(1), link(2)])
    first["raw_attributes"]["member"] = []
    report, lists, connection = read(
        Page([person(n) for n in range(1, 6)]),
        Page([first]),
        Page([with_range(entry("CN=g9"), "member;range=2-3", [link(3), link(4)])]),
        Page([with_range(entry("CN=g9"), "member;range=4-*", [link(5)])]),
    )
    assert report.is_complete
    assert ids(lists[key(9)]) == {key(n) for n in range(1, 6)}
    assert [each["attributes"] for each in connection.asked[2:]] == [
        ["member;range=2-1501"],
        ["member;range=4-1503"],
    ]
    assert {each["base"] for each in connection.asked[2:]} == {f"<GUID={key(9)}>"}
    assert {each.purpose: each.returned for each in report.queries}["members"] == 5


def test_a_range_past_the_end_is_the_end() -> None:
    report, lists, _ = read(
        Page([person(1)]),
        Page([with_range(group(9), "member;range=0-0", [link(1)])]),
        Page([entry("CN=g9")]),
    )
    assert report.is_complete
    assert ids(lists[key(9)]) == {key(1)}


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (Page(), "vanished_group"),
        (Page(code=32), "vanished_group"),
        (Page(code=50), "unreadable_group"),
        (Page(code=4), "unreadable_group"),
        (
            Page([with_range(entry("CN=g9"), "member;range=0-0", [link(1)])]),
            "unreadable_group",
        ),
    ],
)
def test_one_group_whose_rest_does_not_come_is_named_and_spoils_no_other(
    part: Page, code: str
) -> None:
    report, lists, _ = read(
        Page([person(1)]),
        Page([
            with_range(group(8), "member;range=0-*", [link(1)]),
            with_range(group(9), "member;range=0-0", [link(1)]),
        ]),
        part,
    )  # fmt: skip
    assert not report.is_complete
    assert lists[key(8)].is_complete
    assert not lists[key(9)].is_complete
    assert [(each.code, each.about) for each in report.problems] == [(code, key(9))]


def test_a_line_that_breaks_in_the_middle_of_one_group_ends_the_read() -> None:
    with pytest.raises(UnavailableError):
        read(
            Page([person(1)]),
            Page([with_range(group(9), "member;range=0-0", [link(1)])]),
            LDAPSocketReceiveError("cut"),
        )


def test_a_member_without_id_makes_its_list_and_the_read_incomplete() -> None:
    report, lists, _ = read(
        Page([person(1)]),
        Page([with_range(group(8), "member;range=0-*", [link(1)]),
              with_range(group(9), "member;range=0-*", [link(1), b"CN=plain,DC=x"])]),
    )  # fmt: skip
    assert not report.is_complete
    assert lists[key(8)].is_complete
    assert not lists[key(9)].is_complete
    assert [(each.code, each.about) for each in report.problems] == [("unreadable_group", key(9))]


def test_a_record_that_cannot_be_used_makes_the_read_incomplete_and_is_named() -> None:
    unread = person(2)
    del unread["raw_attributes"]["useraccountcontrol"]
    report, _, _ = read(Page([person(1), unread]), Page([group(9), entry("CN=nameless")]))
    assert not report.is_complete
    assert [(each.code, each.about) for each in report.problems] == [
        ("bad_record", "CN=u2"),
        ("bad_record", "CN=nameless"),
    ]


def test_members_of_other_kinds_are_counted_and_keep_nothing_from_being_complete() -> None:
    report, lists, _ = read(
        Page([person(1)]),
        Page([with_range(group(9), "member;range=0-*", [link(1), link(77), link(78)])]),
    )
    assert report.is_complete
    assert ids(lists[key(9)]) == {key(1)}
    (problem,) = report.problems
    assert problem.code == "other_member"
    assert problem.detail.startswith("2 members")


def test_groups_in_groups_rings_included_and_primary_members_are_told_apart() -> None:
    _, lists, _ = read(
        Page([person(1)]),
        Page([
            with_range(group(8, b"513"), "member;range=0-*", [link(9)]),
            with_range(group(9), "member;range=0-*", [link(8), link(9)]),
        ]),
    )  # fmt: skip
    shown = {
        (name, each.external_id, each.kind, each.is_primary)
        for name, found in lists.items()
        for each in found.members
    }
    assert shown == {
        (key(8), key(9), MemberKind.GROUP, False),
        (key(8), key(1), MemberKind.ACCOUNT, True),
        (key(9), key(8), MemberKind.GROUP, False),
        (key(9), key(9), MemberKind.GROUP, False),
    }


def test_links_are_asked_for_by_id_and_a_server_that_cannot_must_refuse() -> None:
    _, _, connection = read(Page([person(1)]), Page([group(9)]))
    for asked in connection.asked:
        (control,) = asked["controls"]
        assert str(control["controlType"]) == "1.2.840.113556.1.4.529"
        assert bool(control["criticality"])
