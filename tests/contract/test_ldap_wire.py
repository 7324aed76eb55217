"""The LDAP wire against a real OpenLDAP: limits, names, broken lines and silent peers.

Samba limits nothing; this server limits its reader as Windows does.
"""

from collections.abc import Iterator

import pytest

from connectors.errors import IncompleteReadError, MisconfiguredError, UnavailableError
from connectors.ldap.client import LdapClient
from connectors.ldap.config import read_config
from connectors.ldap.entries import Search
from support.servers import openldap
from support.servers.openldap import OpenLdap
from support.servers.relay import relayed

pytestmark = pytest.mark.enable_socket
USERS = 1200
PEOPLE = "(objectClass=inetOrgPerson)"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenLdap]:
    why = openldap.missing()
    if why is not None:
        pytest.skip(why)
    with openldap.running(tmp_path_factory.mktemp("openldap"), users=USERS) as found:
        yield found


def client(server: OpenLdap, **settings: str) -> LdapClient:
    return LdapClient(read_config({**server.settings, **settings}, server.secrets))


def read(made: LdapClient) -> tuple[Search, set[str]]:
    query, found = Search(PEOPLE), set()
    try:
        for each in made.search(query, made.config.base_dn, PEOPLE, ["uid", "entryUUID"]):
            found.add(each.text("entryUUID") or "")
    finally:
        made.close()
    return query, found


@pytest.mark.parametrize(("page_size", "pages"), [(1000, 2), (500, 3), (600, 2), (7, 172)])
def test_more_than_the_server_gives_at_once_is_read_page_by_page(
    server: OpenLdap, page_size: int, pages: int
) -> None:
    query, found = read(client(server, page_size=str(page_size)))
    assert len(found) == query.returned == USERS
    assert query.is_complete
    assert pages <= query.pages <= pages + 1


def test_a_page_larger_than_the_server_allows_is_told_and_completes_nothing(
    server: OpenLdap,
) -> None:
    with pytest.raises(IncompleteReadError, match="page_size"):
        read(client(server, page_size="1001"))


def test_in_one_piece_comes_all_or_it_is_told_that_there_is_a_limit(server: OpenLdap) -> None:
    made, few = client(server), "(uid=u0000*)"
    base, query, cut = made.config.base_dn, Search(few), Search(PEOPLE)
    assert len(list(made.flow(query, base, few, ["uid"]))) == query.returned > 0
    assert (query.pages, query.is_complete) == (1, True)
    with pytest.raises(IncompleteReadError, match="sizeLimit"):
        list(made.flow(cut, base, PEOPLE, ["uid"]))
    assert (cut.pages, cut.is_complete) == (0, False)
    with pytest.raises(MisconfiguredError, match="filter"):
        list(made.flow(Search("none"), base, "no filter", ["uid"]))
    next(made.flow(Search(few), base, few, ["uid"])).text("uid")  # who stops leaves nothing behind
    query, found = read(made)
    assert len(found) == USERS


def test_a_certificate_for_another_name_is_refused_by_the_key_to_look_at(
    server: OpenLdap,
) -> None:
    with relayed(("127.0.0.1", server.port), host="127.0.0.2") as address:
        with pytest.raises(MisconfiguredError, match="another name") as found:
            client(server, uri=f"ldaps://{address}").open()
    assert found.value.key == "uri"


def test_a_server_that_is_away_is_passed_over_for_the_next(server: OpenLdap) -> None:
    made = client(server, uri=f"ldaps://127.0.0.1:1 {server.settings['uri']}")
    made.open()
    assert made.endpoint == server.settings["uri"]
    made.close()


def test_a_wrong_certificate_is_no_reason_to_try_the_next(server: OpenLdap) -> None:
    with relayed(("127.0.0.1", server.port), host="127.0.0.2") as address:
        made = client(server, uri=f"ldaps://{address} {server.settings['uri']}")
        with pytest.raises(MisconfiguredError):
            made.open()


@pytest.mark.parametrize("answers", [6_000, 20_000, 60_000, 120_000])
def test_a_line_that_is_cut_in_the_middle_completes_nothing(server: OpenLdap, answers: int) -> None:
    query = Search(PEOPLE)
    with relayed(("127.0.0.1", server.port), answers=answers) as address:
        made = client(server, uri=f"ldaps://{address}", page_size="100")
        with pytest.raises(UnavailableError):
            list(made.search(query, made.config.base_dn, PEOPLE, ["*", "+"]))
        made.close()
    assert not query.is_complete
    assert query.returned < USERS


def test_a_server_that_falls_silent_is_waited_for_only_so_long(
    server: OpenLdap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.ldap.client.ANSWER_SECONDS", 1)
    query = Search(PEOPLE)
    with relayed(("127.0.0.1", server.port), answers=20_000, is_silent=True) as address:
        made = client(server, uri=f"ldaps://{address}", page_size="100")
        with pytest.raises(UnavailableError, match="broke off"):
            list(made.search(query, made.config.base_dn, PEOPLE, ["*", "+"]))
        made.close()
    assert not query.is_complete


def test_after_a_break_the_next_call_opens_anew(server: OpenLdap) -> None:
    made = client(server)
    made.open()
    made._connection.socket.close()
    with pytest.raises(UnavailableError):
        made.find(server.settings["base_dn"], ["entryUUID"])
    assert made.find(server.settings["base_dn"], ["entryUUID"]) is not None
    made.close()
