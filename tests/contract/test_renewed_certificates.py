"""A server whose certificate was renewed wrongly is told apart: expired, another name, unknown."""

import gc
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import ConnectorError, MisconfiguredError
from connectors.registry import connect
from support.house import MORNING
from support.servers.tls import Shown, showing

pytestmark = pytest.mark.enable_socket
EXPIRED = timedelta(days=-1)
DIRECTORIES = ("active_directory", "openldap")


def failure(kind: str, settings: Mapping[str, str], secrets: Mapping[str, str]) -> ConnectorError:
    """Return what is said of a source that cannot be reached."""
    connector = connect(kind, settings, secrets, now=lambda: MORNING)
    with pytest.raises(ConnectorError) as found:
        for _ in connector.snapshot():
            pass
    connector.close()
    return found.value


def directory(shown: Shown, **settings: str) -> dict[str, str]:
    return {
        "uri": f"ldaps://{shown.address}",
        "base_dn": "DC=example,DC=test",
        "bind_dn": "CN=reader,DC=example,DC=test",
        "ca_file": shown.ca_file,
        **settings,
    }


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_an_expired_one_has_to_be_renewed_on_the_server(kind: str, tmp_path: Path) -> None:
    with showing(tmp_path, until=EXPIRED) as shown:
        error = failure(kind, directory(shown), {"password": "secret"})
    assert isinstance(error, MisconfiguredError)
    assert "has expired: it has to be renewed on the server" in str(error)
    assert shown.address in str(error)


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_one_for_another_name_is_told_by_the_address(kind: str, tmp_path: Path) -> None:
    with showing(tmp_path, name="127.0.0.2") as shown:
        error = failure(kind, directory(shown), {"password": "secret"})
    assert isinstance(error, MisconfiguredError)
    assert error.key == "uri"
    assert "another name" in str(error)


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_one_of_another_authority_is_told_by_the_file_of_the_authority(
    kind: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with showing(tmp_path) as shown, showing(other) as another:
        settings = directory(shown, ca_file=another.ca_file)
        error = failure(kind, settings, {"password": "secret"})
    assert isinstance(error, MisconfiguredError)
    assert error.key == "ca_file"


def test_one_that_nobody_trusts_on_the_way_to_okta_is_no_failure_of_the_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with showing(tmp_path) as shown:
        error = failure("okta", {"org_url": f"https://{shown.address}"}, {"token": "secret"})
    assert isinstance(error, MisconfiguredError)
    assert error.key == "org_url"
    assert shown.address in str(error)
    assert "certificate" in str(error)
    gc.collect()  # a task that is dropped with an error nobody asked for says so in the log
    assert caplog.messages == []
