"""After a sync the store equals the truth: a populated Samba AD, and the Okta simulator beside it.

Both describe the same 2,000 people. What was planted stands in a file; what is effective is asked
of the domain controller itself (`tokenGroups`), not computed by us twice.
"""

import base64
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest
import sqlalchemy as sa
from ldap3.protocol.formatters.formatters import format_sid

from app.directory import queries
from app.directory import service as directory
from app.directory.models import Account, Group, Identity, Membership, Nesting, Source, SyncRun
from support.house import TestHouse, open_house
from support.servers.okta import OktaSimulator, Start
from support.servers.samba_ad import SambaAd, read_truth

pytestmark = pytest.mark.enable_socket
AD, OKTA = "ad", "okta"
Row = TypeVar("Row", Account, Group)


@pytest.fixture
def okta(samba_ad: SambaAd, start_okta: Start) -> OktaSimulator:
    return start_okta(samba_ad.truth, groups="200", memberships="12000")


@pytest.fixture
def synced(
    tmp_path: Path, database_url: str, samba_ad: SambaAd, okta: OktaSimulator
) -> Iterator[TestHouse]:
    """A house that has read both sources once."""
    for house in open_house(tmp_path, database_url):
        for name, kind, server in ((AD, "active_directory", samba_ad), (OKTA, "okta", okta)):
            with house.write() as uow:
                directory.add_source(
                    uow,
                    house.house.seal,
                    name=name,
                    kind=kind,
                    settings=server.settings,
                    secrets=server.secrets,
                )
            sync(house, name)
        yield house


def sync(house: TestHouse, name: str) -> SyncRun:
    with house.write() as uow:
        run = directory.request_sync(uow, source_name=name).public_id
    house.drain()
    with house.read() as reading:
        found = reading.session.scalars(sa.select(SyncRun).where(SyncRun.public_id == run)).one()
    assert found.state.value == "complete", found.why
    return found


def rows_of(house: TestHouse, table: type[Row], source: str) -> dict[str, Row]:
    with house.read() as reading:
        rows = reading.session.scalars(
            sa.select(table)
            .join(Source, Source.id == table.source_id)
            .where(Source.name == source, table.ended_at.is_(None))
        ).all()
    return {row.external_id: row for row in rows}


def direct_members(house: TestHouse, source: str) -> dict[str, set[str]]:
    """Group to its direct members, accounts and groups, by the source's own ids."""
    found: dict[str, set[str]] = defaultdict(set)
    child = sa.orm.aliased(Group)
    with house.read() as reading:
        accounts = reading.session.execute(
            sa.select(Group.external_id, Account.external_id)
            .select_from(Membership)
            .join(Group, Group.id == Membership.group_id)
            .join(Account, Account.id == Membership.account_id)
            .join(Source, Source.id == Group.source_id)
            .where(
                Source.name == source,
                Membership.valid_to.is_(None),
                Membership.is_primary.is_(False),
            )
        )
        nested = reading.session.execute(
            sa.select(Group.external_id, child.external_id)
            .select_from(Nesting)
            .join(Group, Group.id == Nesting.parent_id)
            .join(child, child.id == Nesting.child_id)
            .join(Source, Source.id == Group.source_id)
            .where(Source.name == source, Nesting.valid_to.is_(None))
        )
        for group, member in (*accounts, *nested):
            found[group].add(member)
    return found


def test_every_account_group_manager_and_member_of_the_directory_is_stored_as_planted(
    synced: TestHouse, samba_ad: SambaAd
) -> None:
    truth = read_truth(samba_ad.truth)
    guid_of = {each["dn"]: each["objectGUID"] for each in truth}
    accounts = rows_of(synced, Account, AD)
    members = direct_members(synced, AD)
    for each in truth:
        guid = each["objectGUID"]
        if each["kind"] == "group":
            assert members[guid] == {guid_of[dn] for dn in each["member"]}, each["dn"]
            continue
        account = accounts[guid]
        assert (account.status != "disabled") == each["enabled"], each["dn"]
        assert account.display_name == each["displayName"]
        assert account.employee_number == each.get("employeeID")
        assert account.manager_external_id == guid_of.get(each.get("manager", ""))


def test_computers_contacts_and_foreign_principals_of_the_directory_are_there_by_kind(
    synced: TestHouse, samba_ad: SambaAd
) -> None:
    accounts = rows_of(synced, Account, AD)
    base = samba_ad.settings["base_dn"]
    for word, kind in (
        ("computer", "computer"),
        ("contact", "contact"),
        ("foreignSecurityPrincipal", "foreign"),
    ):
        found = samba_ad.ldapsearch(base, f"(objectClass={word})", "objectGUID")
        shown = {guid_text(each["objectGUID"][0]) for each in found}
        assert shown == {key for key, each in accounts.items() if each.kind == kind}, word
    with synced.read() as reading:
        counts = reading.session.scalars(sa.select(SyncRun).where(SyncRun.is_baseline)).first()
    assert counts is not None
    assert counts.counts["accounts.computer"] > 0


def test_every_user_and_member_of_okta_is_stored_as_planted(
    synced: TestHouse, okta: OktaSimulator
) -> None:
    accounts = rows_of(synced, Account, OKTA)
    members = direct_members(synced, OKTA)
    truth = read_truth(okta.truth)
    number_of = {each.external_id: each.employee_number for each in accounts.values()}
    for each in truth:
        if each["kind"] == "group":
            assert members[each["id"]] == set(each["member"]), each["name"]
        elif each["kind"] == "app":
            assert members[f"app:{each['id']}"] == {*each["users"], *each["groups"]}, each["name"]
        elif each["kind"] == "role":
            custom = f"{each['role']}:{each['resource-set']}"
            key = custom if each["type"] == "CUSTOM" else each["type"]
            assert each["bearer"] in members[f"role:{key}"]
        if each["kind"] != "user":
            continue
        account = accounts[each["id"]]
        assert account.status == each["status"]
        assert account.is_enabled == (
            each["status"] not in {"STAGED", "SUSPENDED", "DEPROVISIONED"}
        )
        assert number_of.get(account.manager_external_id or "") == each.get("managerId")


def test_accounts_of_both_sources_are_tied_to_one_identity_each(
    synced: TestHouse, samba_ad: SambaAd
) -> None:
    people = [each for each in read_truth(samba_ad.truth) if each.get("employeeID")]
    with synced.read() as reading:
        found = reading.session.execute(
            sa.select(Identity.employee_number, sa.func.count())
            .join(Account, Account.identity_id == Identity.id)
            .where(Identity.employee_number.is_not(None))
            .group_by(Identity.employee_number)
        ).all()
    assert {row[0]: row[1] for row in found} == {each["employeeID"]: 2 for each in people}


def test_effective_access_is_what_the_domain_controller_itself_computes(
    synced: TestHouse, samba_ad: SambaAd
) -> None:
    base = samba_ad.environment["AD_BASE_DN"]
    sids = {
        sid_text(each["objectSid"][0]): each["objectGUID"][0]
        for each in samba_ad.ldapsearch(base, "(objectClass=group)", "objectSid", "objectGUID")
    }
    # A token holds security groups only, and what is reached through such.
    group_of = {
        row.public_id: key
        for key, row in rows_of(synced, Group, AD).items()
        if row.kind == "security"
    }
    truth = [each for each in read_truth(samba_ad.truth) if each["kind"] == "user"]
    chosen = [*truth[:10], *truth[-3:]]
    for user in chosen:
        with synced.read() as reading:
            account = reading.session.scalars(
                sa.select(Account).where(Account.external_id == user["objectGUID"])
            ).one()
            assert account.identity_id is not None
            held = {
                group_of[each.group.id]
                for each in queries.effective_access(reading, account.identity_id)
                if all(place.id in group_of for place in each.path)
            }
        entry = samba_ad.ldapsearch(user["dn"], "(objectClass=*)", "tokenGroups", scope="base")[0]
        wanted = {
            guid_text(sids[sid_text(each)])
            for each in entry["tokenGroups"]
            if sid_text(each) in sids
        }
        assert held == wanted, user["dn"]


def test_a_second_read_finds_nothing_new(synced: TestHouse) -> None:
    for name in (AD, OKTA):
        run = sync(synced, name)
        changes = {key: value for key, value in run.counts.items() if "_" in key and value}
        assert not {key for key in changes if key.endswith(("appeared", "changed", "ended"))}, (
            changes
        )


def sid_text(encoded: str) -> str:
    text: str = format_sid(base64.b64decode(encoded))  # type: ignore[no-untyped-call]
    return text


def guid_text(encoded: str) -> str:
    return str(UUID(bytes_le=base64.b64decode(encoded)))
