import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3.core.exceptions import (
    LDAPExceptionError,
    LDAPInvalidFilterError,
    LDAPSessionTerminatedByServerError,
    LDAPSocketOpenError,
    LDAPSocketReceiveError,
    LDAPSocketSendError,
    LDAPStartTLSError,
)

from connectors.errors import (
    ConnectorError,
    DeniedError,
    IncompleteReadError,
    MisconfiguredError,
    TargetConflictError,
    TargetMissingError,
    UnavailableError,
)
from connectors.ldap.client import LdapClient
from connectors.ldap.config import Address
from connectors.ldap.entries import Entry, Search
from connectors.ldap.filters import both, equals
from connectors.ldap.receiving import ReceivedEntry
from connectors.ldap.refusals import Answer, refused, refused_connection, refused_sign_in
from unit.connectors.scripted import Page, ScriptedConnection, client, entry

HERE = Address("dc1.example.test", 636, is_tls=True)


def read(connection: ScriptedConnection, query: Search | None = None) -> list[Entry]:
    asked = query or Search("all")
    return list(client(connection).search(asked, "DC=x", "(cn=*)", ["cn"]))


def test_a_list_is_read_page_by_page_until_the_cookie_is_empty() -> None:
    connection = ScriptedConnection(
        [Page([entry("a")], b"1"), Page([], b"2"), Page([entry("b"), entry("c")])]
    )
    query = Search("all")
    assert [each.dn for each in read(connection, query)] == ["a", "b", "c"]
    assert [each["paged_cookie"] for each in connection.asked] == [None, b"1", b"2"]
    assert (query.pages, query.returned, query.is_complete) == (3, 3, True)


@pytest.mark.parametrize("code", [1, 3, 4, 10, 11, 12, 32, 34, 50, 51, 52, 53, 80])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_page_with_any_result_but_success_ends_the_read_without_completing_it(
    code: int, before: int
) -> None:
    pages = [Page([entry(f"{n}")], b"more") for n in range(before)]
    query = Search("all")
    with pytest.raises(ConnectorError):
        read(ScriptedConnection([*pages, Page([entry("cut")], code=code)]), query)
    assert query.pages == before
    assert not query.is_complete


def test_success_without_a_paging_control_proves_no_completeness() -> None:
    query = Search("all")
    with pytest.raises(IncompleteReadError, match="without paging"):
        read(ScriptedConnection([Page([entry("a")], is_paged=False)]), query)
    assert not query.is_complete


@pytest.mark.parametrize("code", [3, 4, 11])
def test_a_limit_of_the_server_is_told_with_the_way_out(code: int) -> None:
    with pytest.raises(IncompleteReadError, match="page_size"):
        read(ScriptedConnection([Page(code=code)]))


def test_a_base_that_is_not_there_is_told_by_its_key() -> None:
    with pytest.raises(MisconfiguredError) as found:
        read(ScriptedConnection([Page(code=32)]))
    assert found.value.key == "base_dn"


def test_a_missing_right_to_read_is_told_as_such() -> None:
    with pytest.raises(DeniedError, match="right to read"):
        read(ScriptedConnection([Page(code=50)]))


def test_references_to_other_servers_are_not_entries() -> None:
    found = read(ScriptedConnection([Page([{"type": "searchResRef", "uri": ["x"]}, entry("a")])]))
    assert [each.dn for each in found] == ["a"]


@pytest.mark.parametrize(
    "error", [LDAPSocketReceiveError("t"), LDAPSessionTerminatedByServerError("s")]
)
def test_a_connection_that_breaks_is_given_back_though_that_fails_too(
    error: LDAPExceptionError,
) -> None:
    connection = ScriptedConnection(
        [Page([entry("a")], b"1"), error], unbinding=LDAPSocketSendError("dead")
    )
    query = Search("all")
    with pytest.raises(UnavailableError, match="broke off"):
        read(connection, query)
    assert connection.is_unbound
    assert not query.is_complete


@pytest.mark.parametrize("is_ahead", [False, True])
def test_an_entry_that_cannot_be_decoded_ends_the_read_and_the_connection(is_ahead: bool) -> None:
    spoilt = ReceivedEntry(b"\x64\x05\x04\x09x")
    connection = ScriptedConnection([Page([entry("CN=a"), spoilt], b"next"), Page([entry("CN=b")])])
    query, made, found = Search("q"), client(connection), []
    with pytest.raises(UnavailableError, match="MalformedError"):
        for each in made.search(query, "DC=x", "(cn=*)", ["cn"], is_ahead=is_ahead):
            found.append(each.dn)
    assert found == ["CN=a"]
    assert connection.is_unbound
    assert not query.is_complete


def test_a_page_that_was_asked_for_ahead_is_waited_for_when_nobody_wants_it_any_more() -> None:
    connection = ScriptedConnection(
        [Page([entry("CN=a")], b"next"), Page([entry("CN=b")], b"more")]
    )
    made, query = client(connection), Search("q")
    pages = made.search(query, "DC=x", "(cn=*)", ["cn"], is_ahead=True)
    assert next(iter(pages)).dn == "CN=a"
    pages.close()  # type: ignore[attr-defined]
    assert [each["paged_cookie"] for each in connection.asked] == [None, b"next"]
    assert connection.script == []
    assert not query.is_complete


def test_a_filter_that_cannot_be_read_is_told() -> None:
    with pytest.raises(MisconfiguredError, match="cannot be read"):
        read(ScriptedConnection([LDAPInvalidFilterError("x")]))


def test_one_entry_is_found_by_its_name_or_is_not_there() -> None:
    place = "<GUID=00000000-0000-4000-8000-000000000000>"
    there = client(ScriptedConnection([Page([entry("a", cn=b"x")])])).find(place, ["cn"])
    assert there is not None
    assert there.text("CN") == "x"
    assert client(ScriptedConnection([Page(code=32)])).find(place, ["cn"]) is None
    assert client(ScriptedConnection([Page()])).find(place, ["cn"]) is None


def test_values_are_read_as_text_or_number_and_never_guessed() -> None:
    found = Entry("a", {"cn": [b"\xff\xfe"], "n": [b"12"], "m": [b"twelve"], "none": []})
    assert found.text("cn") == "��"
    assert found.text("none") is None
    assert found.number("n") == 12
    assert found.number("m") is None
    assert found.number("absent") is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (50, DeniedError),
        (51, UnavailableError),
        (52, UnavailableError),
        (32, TargetMissingError),
        (19, TargetConflictError),
        (53, TargetConflictError),
        (80, ConnectorError),
    ],
)
def test_a_refused_write_is_told_by_what_to_do_about_it(
    code: int, kind: type[ConnectorError]
) -> None:
    error = refused(Answer(code, "name", ""), "add a member")
    assert type(error) is kind
    assert "add a member" in str(error)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("80090308: LdapErr: DSID-0C0903A9, comment: x, data 52e, v1db1", "password"),
        ("data 525, v1db1", "no such account"),
        ("data 533, v1db1", "disabled"),
        ("data 701, v1db1", "expired"),
        ("data 773, v1db1", "change its password"),
        ("data 775, v1db1", "locked out"),
        ("", "wrong"),
    ],
)
def test_a_refused_sign_in_says_why(message: str, words: str) -> None:
    error = refused_sign_in({"result": 49, "description": "invalidCredentials", "message": message})
    assert isinstance(error, MisconfiguredError)
    assert error.key == "password"
    assert words in str(error)


@pytest.mark.parametrize(
    ("code", "kind", "key"),
    [
        (8, MisconfiguredError, "uri"),
        (13, MisconfiguredError, "uri"),
        (51, UnavailableError, None),
        (34, MisconfiguredError, "bind_dn"),
    ],
)
def test_other_refusals_at_sign_in_are_told_apart(
    code: int, kind: type[ConnectorError], key: str | None
) -> None:
    error = refused_sign_in({"result": code, "description": "x", "message": ""})
    assert type(error) is kind
    assert getattr(error, "key", None) == key


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("certificate ... doesn't match any name in ['dc1']", MisconfiguredError, "uri"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer",
         MisconfiguredError, "ca_file"),
        ("certificate verify failed: certificate has expired", MisconfiguredError, "uri"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", MisconfiguredError, "uri"),
        ("[Errno 111] Connection refused", UnavailableError, None),
        ("invalid server address", UnavailableError, None),
        ("timed out", UnavailableError, None),
    ],
)  # fmt: skip
def test_what_keeps_a_connection_from_opening_is_told_apart(
    text: str, kind: type[ConnectorError], key: str | None
) -> None:
    error = refused_connection(HERE, LDAPSocketOpenError(text))
    assert type(error) is kind
    assert getattr(error, "key", None) == key
    assert "ldaps://dc1.example.test:636" in str(error)
    assert "\n" not in str(error)


def test_a_server_without_start_tls_is_told() -> None:
    error = refused_connection(HERE, LDAPStartTLSError("startTLS failed - unavailable"))
    assert isinstance(error, MisconfiguredError)
    assert "ldaps://" in str(error)


def test_a_password_shows_in_no_representation() -> None:
    connection = ScriptedConnection([])
    made: LdapClient = client(connection)
    assert "hunter2" not in repr(made)


@given(st.text())
def test_no_value_can_leave_its_place_in_a_filter(value: str) -> None:
    inner = equals("cn", value).removeprefix("(cn=").removesuffix(")")
    assert not set(inner) & {"(", ")", "*", "\0"}


def test_filters_are_joined_only_if_there_are_several() -> None:
    assert both("(a=1)") == "(a=1)"
    assert both("(a=1)", "(b=2)") == "(&(a=1)(b=2))"
