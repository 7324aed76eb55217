"""What goes wrong with a directory is told apart, in one sentence that says what to do."""

import gc
from collections.abc import Iterator, Mapping

import pytest

from connectors.errors import ConnectorError, MisconfiguredError, UnavailableError
from connectors.records import ReadReport
from connectors.registry import connect
from contract.worlds import now
from support.servers.samba_ad import SambaAd, running

# ldap3 drops the socket of a connection that was refused without closing it.
pytestmark = [pytest.mark.enable_socket, pytest.mark.filterwarnings("ignore:unclosed")]
SYSTEM_CAS = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(autouse=True)
def dropped_sockets() -> Iterator[None]:
    """Collect what was dropped within the test that dropped it."""
    yield
    gc.collect()


def failure(
    server: SambaAd, settings: Mapping[str, str], secrets: Mapping[str, str] | None = None
) -> ConnectorError:
    """Try a source whose settings are wrong in one way."""
    with pytest.raises(ConnectorError) as found:
        connector = connect(
            "active_directory",
            {**server.settings, **settings},
            {**server.secrets, **(secrets or {})},
            now=now,
        )
        try:
            connector.check()
        finally:
            connector.close()
    return found.value


@pytest.mark.parametrize(
    ("settings", "secrets", "key", "words"),
    [
        ({}, {"password": "wrong"}, "password", "password"),
        ({"base_dn": "DC=no,DC=where"}, {}, "base_dn", "base_dn"),
        ({"base_dn": "nonsense"}, {}, "base_dn", "base_dn"),
        ({"ca_file": SYSTEM_CAS}, {}, "ca_file", "trusted authority"),
        ({"ca_file": "/no/such/file"}, {}, "ca_file", "no file"),
        ({"user_filter": "no parentheses"}, {}, "user_filter", "parentheses"),
        ({"page_size": "none"}, {}, "page_size", "whole number"),
        ({"pasword": "x"}, {}, "pasword", "it knows"),
    ],
)
def test_a_wrong_setting_is_named_with_the_way_out(
    samba_ad: SambaAd,
    settings: dict[str, str],
    secrets: dict[str, str],
    key: str,
    words: str,
) -> None:
    error = failure(samba_ad, settings, secrets)
    assert isinstance(error, MisconfiguredError)
    assert error.key == key
    assert words in str(error)
    assert "\n" not in str(error)


def test_a_port_where_nobody_listens_is_told_as_such(samba_ad: SambaAd) -> None:
    uri = samba_ad.settings["uri"].replace(":636", ":637")
    error = failure(samba_ad, {"uri": uri})
    assert isinstance(error, UnavailableError)
    assert "Nobody listens" in str(error)


def test_a_plain_port_is_told_apart_from_an_untrusted_certificate(samba_ad: SambaAd) -> None:
    uri = samba_ad.settings["uri"].replace(":636", ":389")
    error = failure(samba_ad, {"uri": uri})
    assert isinstance(error, MisconfiguredError)
    assert "does not speak TLS" in str(error)


def test_a_password_is_never_sent_in_clear(samba_ad: SambaAd) -> None:
    uri = samba_ad.environment["AD_STARTTLS_URI"]
    error = failure(samba_ad, {"uri": uri})
    assert isinstance(error, MisconfiguredError)
    assert "start_tls=true" in str(error)


def test_start_tls_and_the_next_server_of_several_work(samba_ad: SambaAd) -> None:
    gone = samba_ad.environment["AD_STARTTLS_URI"].replace(":389", ":637")
    settings = {
        **samba_ad.settings,
        "uri": f"{gone} {samba_ad.environment['AD_STARTTLS_URI']}",
        "start_tls": "true",
    }
    connector = connect("active_directory", settings, samba_ad.secrets, now=now)
    assert connector.check().is_usable
    connector.close()


def test_a_server_that_goes_away_in_the_middle_of_a_read_makes_it_incomplete() -> None:
    from support.servers import samba_ad as servers

    why = servers.missing()
    if why is not None:
        pytest.skip(why)
    with running() as server:
        settings = {**server.settings, "page_size": "100"}
        connector = connect("active_directory", settings, server.secrets, now=now)
        reports = []
        with pytest.raises(ConnectorError):
            for place, batch in enumerate(connector.snapshot()):
                if place == 0:
                    server.stop()
                if isinstance(batch, ReadReport):
                    reports.append(batch)
        connector.close()
    assert not [each for each in reports if each.is_complete]
