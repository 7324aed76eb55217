from pathlib import Path

import pytest

from connectors.errors import MisconfiguredError
from connectors.ldap.config import Address, read_config
from unit.connectors.scripted import SECRETS, SETTINGS, config


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"uri": "dc1.example.test"}, "uri"),
        ({"uri": "https://dc1"}, "uri"),
        ({"uri": "ldaps://"}, "uri"),
        ({"uri": "ldaps://dc1/DC=x"}, "uri"),
        ({"uri": "ldaps://dc1:99999"}, "uri"),
        ({"uri": "ldaps://dc1:port"}, "uri"),
        ({"uri": "ldap://dc1"}, "uri"),
        ({"uri": "ldaps://dc1 ldap://dc2"}, "uri"),
        ({"start_tls": "perhaps"}, "start_tls"),
        ({"page_size": "0"}, "page_size"),
        ({"page_size": "10001"}, "page_size"),
        ({"ca_file": "/no/such/file.pem"}, "ca_file"),
        ({"user_filter": "cn=*"}, "user_filter"),
        ({"group_filter": "(cn=*"}, "group_filter"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, str], key: str) -> None:
    with pytest.raises(MisconfiguredError) as found:
        config(**settings)
    assert found.value.key == key
    assert key in str(found.value)


def test_several_servers_are_kept_in_their_order() -> None:
    read = config(uri="ldaps://dc1 ldaps://dc2:3269\nldaps://[::1]:1636")
    assert read.addresses == (
        Address("dc1", 636, is_tls=True),
        Address("dc2", 3269, is_tls=True),
        Address("::1", 1636, is_tls=True),
    )


def test_a_plain_address_is_taken_only_to_be_upgraded() -> None:
    read = config(uri="ldap://dc1", start_tls="yes")
    assert read.is_start_tls
    assert read.addresses[0].text == "ldap://dc1:389"


def test_a_line_end_behind_a_password_in_a_file_is_not_part_of_it() -> None:
    read = read_config(SETTINGS, {"password": " pass word \r\n"})
    assert read.password == " pass word "


def test_a_password_shows_in_no_representation(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.touch()
    assert SECRETS["password"] not in repr(config(ca_file=str(authority)))
