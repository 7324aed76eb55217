"""A server that has a limit after all is read to its end page by page, nobody twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from typing_extensions import override

from connectors.active_directory.controller import Controller, answering, entries
from connectors.errors import IncompleteReadError
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search
from unit.connectors.scripted import Page, ScriptedConnection, client, config, entry
from unit.connectors.test_active_directory_reading import person, raw


class Limited(LdapClient):
    """Gives two entries in one piece, and then says that it has a limit."""

    @override
    def flow(self, query: Search, *_: Any, **__: Any) -> Iterator[Entry]:
        for number in (1, 2):
            query.returned += 1
            yield Entry(f"CN=u{number}", person(number)["raw_attributes"])
        raise IncompleteReadError("cut")


def test_what_came_before_the_limit_comes_once_and_all_is_counted_once() -> None:
    pages = [Page([person(2), person(3)], b"more"), Page([person(1), person(4)])]
    made = Limited(config(), "ldaps://dc1.example.test:636", ScriptedConnection(pages))  # type: ignore[arg-type]
    query = Search("accounts")
    found = entries(made, query, "(cn=*)", ["objectGUID"], [], is_flowing=True)
    assert [each.values["objectguid"] for each in found] == [[raw(n)] for n in (1, 2, 3, 4)]
    assert (query.pages, query.returned, query.is_complete) == (2, 4, True)


@pytest.mark.parametrize(
    ("vendor", "settings", "is_flowing"),
    [
        (b"Samba Team (https://www.samba.org)", {}, True),
        (b"Samba Team (https://www.samba.org)", {"page_size": "500"}, False),
        (b"Microsoft", {}, False),
        (None, {}, False),
    ],
)
def test_only_samba_is_asked_in_one_piece_and_only_if_nobody_chose_pages(
    vendor: bytes | None, settings: dict[str, str], is_flowing: bool
) -> None:
    told = {"vendorName": vendor} if vendor else {}
    connection = ScriptedConnection([Page([entry("", dsServiceName=b"CN=DC1", **told)])])
    assert answering(client(connection, **settings)) == Controller("CN=DC1", is_flowing)


def test_who_tells_nothing_of_itself_is_read_in_pages_over_one_line() -> None:
    assert answering(client(ScriptedConnection([Page(code=50)]))) == Controller(None, False)
