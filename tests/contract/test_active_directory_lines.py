"""Accounts and groups come side by side and in one piece; without either the read is the same."""

import threading
from collections.abc import Iterator

import pytest

from connectors.active_directory import controller
from connectors.active_directory.controller import Controller
from connectors.active_directory.reading import Reader
from connectors.errors import UnavailableError
from connectors.ldap.client import LdapClient
from connectors.ldap.config import read_config
from connectors.port import Connector
from connectors.records import AccountBatch, Batch, ReadReport
from connectors.registry import connect
from contract.picture import Picture
from contract.worlds import now
from support.servers.relay import relayed
from support.servers.samba_ad import SambaAd

pytestmark = pytest.mark.enable_socket


def connected(server: SambaAd, **settings: str) -> Connector:
    return connect("active_directory", {**server.settings, **settings}, server.secrets, now=now)


def pages(picture: Picture) -> dict[str, int]:
    assert picture.report is not None
    return {each.purpose: each.pages for each in picture.report.queries}


@pytest.fixture(scope="module")
def whole(samba_ad: SambaAd) -> Picture:
    """What a read shows that asks for each list in one piece, on two lines."""
    connector = connected(samba_ad)
    found = Picture.of(connector)
    connector.close()
    return found


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """No line is left at work."""
    yield
    assert not [each for each in threading.enumerate() if each.name.startswith("ldap-")]


def test_in_one_piece_and_page_by_page_a_read_shows_the_same(
    samba_ad: SambaAd, whole: Picture
) -> None:
    connector = connected(samba_ad, page_size="400")
    paged = Picture.of(connector)
    connector.close()
    assert paged.shown() == whole.shown()
    assert pages(whole) == {"accounts": 1, "groups": 1, "members": 1}
    assert pages(paged)["accounts"] > 1
    assert pages(paged)["groups"] > 1


def test_a_server_that_takes_no_second_line_is_read_over_the_first(
    samba_ad: SambaAd, whole: Picture
) -> None:
    target = (samba_ad.settings["uri"].removeprefix("ldaps://").partition(":")[0], 636)
    with relayed(target, host=target[0], lines=1) as address:
        connector = connected(samba_ad, uri=f"ldaps://{address}")
        assert Picture.of(connector).shown() == whole.shown()
        connector.close()


def test_so_is_one_where_another_controller_answers_the_second_line(
    samba_ad: SambaAd, whole: Picture
) -> None:
    """Its numbers would say nothing of what changed at the first."""
    config = read_config(samba_ad.settings, samba_ad.secrets)
    client, found = LdapClient(config), Picture()
    asked: list[Controller] = []
    for batch in Reader(client, now, Controller("CN=another", is_flowing=True)).read():
        found.take(batch)
    with controller.beside(client, Controller("CN=another"), lambda _: asked) as coming:
        assert coming() is None
    client.close()
    assert found.shown() == whole.shown()


def test_who_stops_in_the_middle_waits_for_neither_line(samba_ad: SambaAd) -> None:
    connector = connected(samba_ad)
    batches = connector.snapshot()
    assert isinstance(next(iter(batches)), AccountBatch)
    batches.close()  # type: ignore[attr-defined] # it is a generator
    connector.close()


@pytest.mark.parametrize("answers", [20_000, 200_000])
def test_lines_that_are_cut_end_the_read_without_a_report(samba_ad: SambaAd, answers: int) -> None:
    target = (samba_ad.settings["uri"].removeprefix("ldaps://").partition(":")[0], 636)
    with relayed(target, host=target[0], answers=answers) as address:
        connector = connected(samba_ad, uri=f"ldaps://{address}")
        came: list[Batch] = []
        with pytest.raises(UnavailableError):
            came.extend(connector.snapshot())
        connector.close()
    assert not [each for each in came if isinstance(each, ReadReport)]
