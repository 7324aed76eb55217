"""What is wrong with a source is said in one sentence, ends with 1, and changes nothing stored."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.directory.models import Account, Group, Membership, Nesting
from integration.real.conftest import AD, Site
from support.servers.okta import OktaSimulator, Start
from support.servers.samba_ad import SambaAd
from support.servers.tls import showing

pytestmark = [pytest.mark.enable_socket, pytest.mark.filterwarnings("ignore:unclosed")]
SYSTEM_CAS = "/etc/ssl/certs/ca-certificates.crt"
OKTA = "okta"
CLERK = "plain.clerk"
CLERK_PASSWORD = "Cl3rk-pass-of-a-test"


@pytest.fixture(scope="module")
def controller(controller: SambaAd) -> SambaAd:
    """With a user who may read and change nothing."""
    base = controller.environment["AD_BASE_DN"]
    secret = base64.b64encode(f'"{CLERK_PASSWORD}"'.encode("utf-16-le")).decode()
    controller.change(
        f"""dn: CN=Plain Clerk,CN=Users,{base}
changetype: add
objectClass: user
sAMAccountName: {CLERK}
userPrincipalName: {CLERK}@ad.example.test
unicodePwd:: {secret}
userAccountControl: 512
"""
    )
    return controller


def stored(site: Site) -> tuple[int, ...]:
    """How much of everything that holds now, and the version of each source."""
    with site.house.read() as reading:
        counts = [
            reading.session.scalar(
                sa.select(sa.func.count()).select_from(table).where(column.is_(None))
            )
            for table, column in (
                (Account, Account.ended_at),
                (Group, Group.ended_at),
                (Membership, Membership.valid_to),
                (Nesting, Nesting.valid_to),
            )
        ]
    return tuple(each or 0 for each in counts)


AD_FAULTS: Mapping[str, tuple[Mapping[str, str], Mapping[str, str], str]] = {
    "wrong password": ({}, {"password": "wrong"}, "password"),
    "untrusted certificate": ({"ca_file": SYSTEM_CAS}, {}, "trusted authority"),
    "another name in the certificate": ({"uri": "OTHER-NAME"}, {}, "certificate"),
    "wrong base": ({"base_dn": "DC=no,DC=where"}, {}, "base_dn"),
    "nobody listens": ({"uri": "DEAD-PORT"}, {}, "Nobody listens"),
}


def settings_of(controller: SambaAd, fault: str) -> Mapping[str, str]:
    settings = dict(AD_FAULTS[fault][0])
    uri = controller.settings["uri"]
    if settings.get("uri") == "OTHER-NAME":
        settings["uri"] = uri.replace("127.0.0.", "127.")  # the same address by another name
    elif settings.get("uri") == "DEAD-PORT":
        settings["uri"] = uri.replace(":636", ":637")
    return settings


def told_and_untouched(site: Site, source: str, words: str, before: tuple[int, ...]) -> None:
    """Check and sync a source that cannot be read: each says why, and nothing stored changes."""
    for command in (("source", "check", source), ("sync", source)):
        ran = site.attestry(*command)
        assert ran.code == 1, command
        assert words in ran.out + ran.err
        assert "Traceback" not in ran.err
        assert stored(site) == before


@pytest.fixture
def connected(site: Site) -> Site:
    site.connect()
    assert site.sync() == "complete"
    return site


@pytest.mark.parametrize("fault", AD_FAULTS)
def test_a_directory_that_cannot_be_read_is_told_and_ends_nothing(
    connected: Site, fault: str
) -> None:
    before = stored(connected)
    connected.change(AD, settings_of(connected.controller, fault), AD_FAULTS[fault][1])
    told_and_untouched(connected, AD, AD_FAULTS[fault][2], before)


def test_a_certificate_that_expired_is_told_ends_nothing_and_is_over_once_renewed(
    connected: Site, tmp_path: Path
) -> None:
    before = stored(connected)
    good = {key: connected.controller.settings[key] for key in ("uri", "ca_file")}
    with showing(tmp_path, until=timedelta(days=-1)) as shown:
        connected.change(AD, {"uri": f"ldaps://{shown.address}", "ca_file": shown.ca_file}, {})
        told_and_untouched(connected, AD, "has expired: it has to be renewed", before)
    connected.change(AD, good, {})
    assert connected.sync() == "complete"


def test_an_unknown_key_is_refused_by_name(connected: Site) -> None:
    ran = connected.attestry("source", "set", AD, "--set", "bas_dn=DC=x")
    assert ran.code == 1
    assert ran.err.startswith("bas_dn: ")


def test_an_account_without_rights_to_write_is_told_what_that_costs(connected: Site) -> None:
    bind = {"bind_dn": f"{CLERK}@ad.example.test"}
    connected.change(AD, bind, {"password": CLERK_PASSWORD})
    ran = connected.attestry("source", "check", AD, "--json")
    items = {each["name"]: each for each in ran.document["items"]}
    refused = [name for name, each in items.items() if not each["is_ok"]]
    assert refused
    assert all(name.startswith("change") for name in refused)
    assert all(items[name]["detail"] for name in refused)


@pytest.fixture
def okta(site: Site, start_okta: Start) -> OktaSimulator:
    server = start_okta(users="60", groups="6", memberships="120")
    site.connect(OKTA, "okta", server.settings, server.secrets)
    assert site.sync(OKTA) == "complete"
    return server


@pytest.mark.usefixtures("okta")
@pytest.mark.parametrize(
    ("settings", "secrets", "words"),
    [
        ({}, {"token": "wrong"}, "token"),
        ({"org_url": "http://127.0.0.1:9"}, {}, "127.0.0.1:9"),
    ],
    ids=["wrong token", "unreachable"],
)
def test_an_okta_that_cannot_be_read_is_told_and_ends_nothing(
    site: Site,
    settings: dict[str, str],
    secrets: dict[str, str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.okta.executor.TRIES", 2)  # each is waited for longer
    before = stored(site)
    site.change(OKTA, settings, secrets)
    told_and_untouched(site, OKTA, words, before)


@pytest.mark.usefixtures("okta")
def test_an_okta_behind_a_certificate_that_nobody_trusts_is_told_and_ends_nothing(
    site: Site, tmp_path: Path
) -> None:
    before = stored(site)
    with showing(tmp_path) as shown:
        site.change(OKTA, {"org_url": f"https://{shown.address}"}, {})
        told_and_untouched(site, OKTA, "certificate", before)
