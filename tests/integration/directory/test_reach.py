"""Who administers a source by however many steps, on every side and across a mirror."""

import pytest
import sqlalchemy as sa

from app.catalog import queries as catalog
from app.catalog.domain import Risk
from app.directory import queries
from app.directory.models import Group
from app.web.paging import Window
from connectors.memory.state import State
from connectors.records import Member, MemberKind
from integration.directory.conftest import Directory
from integration.directory.states import account, group, nested, people
from integration.directory.test_queries import DANA, access, group_id, identity


@pytest.fixture
def mirrored(directory: Directory) -> Directory:
    """alice in `helpers`, in `operators`, in `domain-admins`, which administers; a ring below it.

    eve has `domain-users` for her primary group. The cloud mirrors `helpers`, and its mirror of
    `clerks` administers the cloud; bob is a clerk in both.
    """
    directory.show(
        State().add(
            [account("alice"), account("bob"), account("eve")],
            [
                *(group(each) for each in ("helpers", "operators", "clerks", "domain-users")),
                group("domain-admins", is_administrative=True),
            ],
            {
                "helpers": [*people("alice"), *nested("operators")],
                "operators": nested("helpers"),
                "domain-admins": nested("operators"),
                "clerks": people("bob"),
                "domain-users": [Member("eve", MemberKind.ACCOUNT, is_primary=True)],
            },
        )
    )
    directory.show(
        State().add(
            [
                account("c-alice", employee_number="E-alice"),
                account("c-bob", employee_number="E-bob"),
            ],
            [
                group("m-helpers", master_id="helpers"),
                group("m-clerks", master_id="clerks", is_administrative=True),
            ],
            {"m-helpers": people("c-alice"), "m-clerks": people("c-bob")},
        ),
        "cloud",
    )
    for source in ("corp", "cloud"):
        directory.add(source)
        directory.sync(source)
    return directory


def test_a_member_of_what_administers_by_three_steps_is_marked_with_the_way(
    mirrored: Directory,
) -> None:
    with mirrored.tx.read(DANA) as reading:
        found = queries.show_access(reading, identity(mirrored, "Alice"))
    privileged = {each.group.name: each for each in found if each.is_privileged}
    assert set(privileged) == {"Group domain-admins"}
    marked = privileged["Group domain-admins"]
    assert (marked.steps, [place.name for place in marked.path]) == (
        3,
        ["Group helpers", "Group operators", "Group domain-admins"],
    )


def test_a_primary_group_is_access_like_any_other(mirrored: Directory) -> None:
    assert access(mirrored, "Eve") == {"Group domain-users": ["Group domain-users"]}


def test_a_mirror_is_shown_with_the_way_into_its_master(mirrored: Directory) -> None:
    with mirrored.tx.read(DANA) as reading:
        found = queries.show_access(reading, identity(mirrored, "Alice"))
        by_group = {each.group.name: each for each in found}
        follows = [place.name for place in by_group["Group m-helpers"].follows]
    assert by_group["Group m-helpers"].is_direct
    assert follows == ["Group helpers"]
    assert list(by_group["Group helpers"].follows) == []


def test_a_group_tells_where_it_leads_also_through_a_mirror(mirrored: Directory) -> None:
    expected = {
        "helpers": (3, [["Group helpers", "Group operators", "Group domain-admins"]]),
        "domain-admins": (1, []),
        "clerks": (2, [["Group clerks", "Group m-clerks"]]),
        "domain-users": (None, []),
    }
    with mirrored.tx.read(DANA) as reading:
        for key, (steps, ways) in expected.items():
            found = queries.show_group(reading, group_id(mirrored, key))
            assert found.privileged_steps == steps
            led = queries.leads_of(reading, found)
            assert [[place.name for place in way] for way in led] == ways


def test_lists_are_narrowed_to_what_leads_to_administration(mirrored: Directory) -> None:
    with mirrored.tx.read(DANA) as reading:
        groups = queries.list_groups(reading, Window(), privileged=True).items
        who = queries.list_identities(reading, Window(), privileged=True).items
        logins = queries.list_accounts(reading, Window(), only=queries.Only.REACHING).items
    assert {each.external_id for each in groups} == {
        "helpers",
        "operators",
        "domain-admins",
        "clerks",
        "m-clerks",
    }
    assert {each.name for each in who} == {"Alice", "Bob"}
    assert {each.login for each in logins} == {"alice", "bob", "c-bob"}


def test_the_past_says_nothing_of_what_is_kept_for_now_only(mirrored: Directory) -> None:
    then = mirrored.clock.now()
    with mirrored.tx.read(DANA) as reading:
        found = queries.show_group(reading, group_id(mirrored, "helpers"), as_of=then)
        assert found.privileged_steps is None
        (way,) = queries.leads_of(reading, found, as_of=then)
        assert len(way) == 3
        (marked,) = [
            each
            for each in queries.show_access(reading, identity(mirrored, "Alice"), as_of=then)
            if each.is_privileged
        ]
        assert marked.steps == 3


def test_what_leads_to_administration_is_privileged_in_the_catalogue(mirrored: Directory) -> None:
    keys = dict(mirrored.rows(sa.select(Group.public_id, Group.external_id)))
    with mirrored.tx.read(DANA) as reading:
        found = catalog.list_entitlements(reading, Window(), risk=Risk.PRIVILEGED).items
        helpers = catalog.entitlement(reading, group_id(mirrored, "helpers"))
    assert {keys[each.id] for each in found} == {
        "helpers",
        "operators",
        "domain-admins",
        "clerks",
        "m-clerks",
    }
    assert (helpers.risk, helpers.privileged_steps) == (Risk.PRIVILEGED, 3)
