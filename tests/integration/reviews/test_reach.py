"""What leads to administration by however many steps is put to a reviewer as that, with the way."""

from typing import Any

import pytest

from app.catalog import service as catalog
from app.catalog.domain import Risk
from connectors.memory.state import changing
from connectors.records import Group
from integration.directory.states import nested
from integration.reviews import campaigns as at
from support.cast import CLOUD, CORP, Cast

OPERATORS = Group("corp-operators", "Operators", "security")
ADMINS = Group("corp-admins", "Domain Admins", "security", is_administrative=True)
WAY = "Payroll \u2192 Operators \u2192 Domain Admins"


@pytest.fixture
def reaching(cast: Cast) -> Cast:
    """Payroll leads to Domain Admins in three memberships, whatever is said of it."""
    with cast.house.write(cast.actor("olga")) as uow:
        for name in ("payroll", "staff"):
            catalog.describe(
                uow,
                entitlement=cast.group(CORP, name).public_id,
                version=0,
                description="Pays" if name == "payroll" else "Everybody",
                risk=Risk.LOW,
                is_requestable=True,
            )
    with changing(cast.file(CORP)) as state:
        state.add(
            groups=[OPERATORS, ADMINS],
            members={
                "corp-operators": nested("corp-payroll"),
                "corp-admins": nested("corp-operators"),
            },
        )
    assert cast.sync(CORP) == "complete"
    return cast


def items(cast: Cast, *groups: str) -> dict[str, dict[str, Any]]:
    found = at.all_items(cast, at.launch(cast, *groups))
    return {each["shown"]["group_name"]: each for each in found}


def test_an_item_that_leads_to_administration_is_privileged_and_says_the_way(
    reaching: Cast,
) -> None:
    found = items(reaching, "payroll", "staff")
    payroll, staff = found["Payroll"]["shown"], found["Staff"]["shown"]
    assert payroll["risk"] == "privileged"
    assert payroll["administers_by"] == WAY
    assert payroll["advice"]["reasons"][0] == ["reach", WAY]
    assert payroll["advice"]["suggestion"] == "look"
    assert not payroll["advice"]["is_low_risk"]
    assert (staff["risk"], staff["administers_by"]) == ("low", None)
    assert "reach" not in [code for code, _ in staff["advice"]["reasons"]]


def test_the_way_goes_through_a_mirror_as_well(cast: Cast) -> None:
    with changing(cast.file(CLOUD)) as state:
        payroll = next(each for each in state.groups.values() if each.name == "Payroll")
        state.add(
            groups=[Group("cloud-super", "Super", "ROLE", is_administrative=True)],
            members={"cloud-super": nested(payroll.external_id)},
        )
    assert cast.sync(CLOUD) == "complete"
    shown = items(cast, "payroll")["Payroll"]["shown"]
    assert shown["administers_by"] == "Payroll \u2192 Payroll \u2192 Super"
    assert shown["risk"] == "privileged"


def test_the_reviewer_sees_it_on_their_list(reaching: Cast) -> None:
    campaign = at.launch(reaching, "payroll")
    for name in {each["reviewer"]["name"].lower() for each in at.all_items(reaching, campaign)}:
        page = reaching.house.visitor(reaching.identity(name).public_id).page(
            f"/reviews/{campaign}"
        )
        assert f"Leads to administration: {WAY}" in page
        assert "Privileged" in page
