"""What a source shows and does not let us change: seen, reviewed, never claimed to be removed."""

from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from app.catalog import service as catalog
from app.grants.models import End
from app.provisioning.models import Task
from app.reviews import service as reviews
from connectors.memory.state import changing
from connectors.records import Group, Member, MemberKind
from integration.requests.steps import refused
from integration.reviews.steps import all_items, decide, launch, progress, said, sign_off, template
from support.cast import CLOUD, Cast, members

WIKI = Group("cloud-wiki", "Wiki", "APPLICATION", is_writable=False, owner_id="cloud-carol")
SUPER = Group(
    "cloud-super", "Super", "ADMINISTRATOR_ROLE", is_writable=False, is_administrative=True
)


@pytest.fixture
def entitled(cast: Cast) -> Cast:
    """The cloud also shows an application, by one and by a group, and a role that Frank bears."""
    with changing(cast.file(CLOUD)) as state:
        inside = [*members(CLOUD, "eve"), Member("cloud-crm", MemberKind.GROUP)]
        state.add(
            groups=[WIKI, SUPER],
            members={"cloud-wiki": inside, "cloud-super": members(CLOUD, "frank")},
        )
    assert cast.sync(CLOUD) == "complete"
    return cast


def of(cast: Cast, campaign: str, group: str) -> dict[str, Any]:
    found = (e for e in all_items(cast, campaign) if e["shown"]["group_name"] == group)
    return next(found)


def revoke(cast: Cast, campaign: str, *groups: str) -> None:
    """Let every reviewer of them revoke these and keep the rest."""
    for reviewer in {of(cast, campaign, each)["reviewer"]["name"] for each in groups}:
        mine = [e for e in all_items(cast, campaign) if e["reviewer"]["name"] == reviewer]
        decide(
            cast,
            reviewer.lower(),
            *(said(e, "revoke" if e["shown"]["group_name"] in groups else "keep") for e in mine),
        )
        sign_off(cast, reviewer.lower(), campaign)


def count(cast: Cast, table: Any) -> int | None:
    with cast.house.read() as reading:
        return reading.session.scalar(sa.select(sa.func.count()).select_from(table))


def test_access_shows_the_way_by_the_group_to_the_application(entitled: Cast) -> None:
    bob = entitled.identity("bob").public_id
    found = entitled.call("olga").get(f"/identities/{bob}/access")["items"]
    (wiki,) = [each for each in found if each["group"]["name"] == "Wiki"]
    assert [each["name"] for each in wiki["path"]] == ["CRM", "Wiki"]
    assert wiki["group"]["kind"] == "APPLICATION"


def test_what_is_revoked_of_it_is_left_to_a_person_and_confirmed_by_a_later_read(
    entitled: Cast,
) -> None:
    campaign = launch(entitled, sources=[CLOUD], fallback="olga")
    item = of(entitled, campaign, "Wiki")
    assert (item["shown"]["kind"], item["shown"]["removal"]) == ("APPLICATION", "read only")
    assert of(entitled, campaign, "Super")["shown"]["risk"] == "privileged"
    before = count(entitled, Task)
    revoke(entitled, campaign, "Wiki", "Super")
    for name in ("Wiki", "Super"):
        found = of(entitled, campaign, name)
        assert found["remediation"] == "not_removable"
        assert "take it away in cloud" in found["remediation_why"]
    assert (count(entitled, Task), count(entitled, End)) == (before, 0)
    assert entitled.holds(CLOUD, "wiki", "eve")
    counted = progress(entitled, campaign)
    assert (counted["revoked"], counted["confirmed"], counted["not_removable"]) == (2, 0, 2)
    entitled.take(CLOUD, "wiki", "eve")
    entitled.sync(CLOUD)
    found = of(entitled, campaign, "Wiki")
    assert found["remediation"] == "confirmed"
    assert "a read showed" in found["remediation_why"]
    assert of(entitled, campaign, "Super")["remediation"] == "not_removable"
    assert entitled.call("olga").get("/drift")["items"] == []


def test_a_preview_tells_what_could_not_be_removed(entitled: Cast) -> None:
    made = template(entitled, sources=[CLOUD], fallback="olga")
    with entitled.house.read(entitled.actor("olga")) as reading:
        planned = reviews.preview(reading, template_id=made["id"])
    assert planned.guarded == 2


def test_what_a_rule_fills_is_left_to_a_person_too(cast: Cast) -> None:
    with changing(cast.file("corp")) as state:
        state.groups["corp-staff"] = replace(state.groups["corp-staff"], rule="everybody")
    cast.sync("corp")
    campaign = launch(cast)
    revoke(cast, campaign, "Staff")
    found = of(cast, campaign, "Staff")
    assert found["shown"]["removal"] == "not automatic: everybody"
    assert found["remediation"] == "not_removable"
    assert cast.holds("corp", "staff", "alice")


def test_nobody_can_ask_for_it_nor_offer_it(entitled: Cast) -> None:
    wiki = entitled.group(CLOUD, "wiki").public_id
    body = {"version": 0, "risk": "high", "is_requestable": True}
    answer = entitled.call("olga")("PUT", f"/entitlements/{wiki}", body)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "is_requestable"
    entitled.call("olga")("PUT", f"/entitlements/{wiki}", body | {"is_requestable": False})
    with entitled.house.read(entitled.actor("olga")) as reading:
        plan = catalog.plan_sheet(reading, f"id,is_requestable\n{wiki},true\n")
    assert plan.wrong == 1
    refused(entitled, "alice", 422, group="wiki", source=CLOUD)


def test_what_appears_in_it_later_is_drift_that_is_not_undone_from_here(entitled: Cast) -> None:
    entitled.put(CLOUD, "super", "mallory")
    entitled.sync(CLOUD)
    (found,) = entitled.call("olga").get("/drift")["items"]
    assert (found["group"], found["is_writable"]) == ("Super", False)
    body = {"reason": "Nobody asked for it", "version": found["version"]}
    refused = entitled.call("olga")("POST", f"/drift/{found['id']}/revert", body)
    assert refused.status_code == 409
    assert "change it there" in refused.get_json()["detail"]
    entitled.take(CLOUD, "super", "mallory")
    entitled.sync(CLOUD)
    assert entitled.call("olga").get("/drift?state=open")["items"] == []
