"""Whatever a source holds, all of it is put to somebody or left out by a rule that is named."""

import threading

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.directory import service as directory
from app.directory.domain import SyncState
from app.directory.models import Identity, Membership, SyncRun
from app.reviews import service as reviews
from app.reviews.models import Campaign, Excluded, Item, Tally
from connectors.memory.state import changing
from connectors.records import Account, Group
from integration.reviews import campaigns as at
from support.cast import CORP, PEOPLE, Cast, members, person, service_account

NAMES = [*PEOPLE, "svc-backup"]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    inside=st.lists(st.sets(st.sampled_from(NAMES)), min_size=5, max_size=5),
    gone=st.sets(st.sampled_from(["bob", "carol", "frank"])),
    owner=st.sampled_from([None, *PEOPLE]),
    is_built_in=st.booleans(),
)
def test_the_population_is_what_is_asked_and_what_is_left_out_and_nothing_else(
    cast: Cast, inside: list[set[str]], gone: set[str], owner: str | None, *, is_built_in: bool
) -> None:
    arrange(cast, inside, gone, owner, is_built_in=is_built_in)
    campaign = launched(cast)
    with cast.house.read() as reading:
        read = reading.session.scalars
        asked = read(sa.select(Item).where(Item.campaign_id == campaign.id)).all()
        left_out = read(sa.select(Excluded).where(Excluded.campaign_id == campaign.id)).all()
        held = read(sa.select(Membership.id).where(Membership.valid_to.is_(None))).all()
        tallied = read(sa.select(Tally.total).where(Tally.campaign_id == campaign.id)).all()
        active = set(read(sa.select(Identity.id).where(Identity.is_active)))
    accounted = {each.membership_id for each in asked} | {each.membership_id for each in left_out}
    assert accounted == set(held)
    assert len(asked) + len(left_out) == campaign.population_count == len(held)
    assert sum(tallied) == len(asked)
    assert all(each.reviewer_id in active for each in asked)
    assert all(each.reviewer_id != each.identity_id for each in asked)
    assert all(each.rule and each.reason for each in left_out)


def launched(cast: Cast) -> Campaign:
    """Launch a campaign over everything, whose last resort is Dana."""
    fallback = cast.identity("dana").public_id
    with cast.house.write() as uow:
        name = f"Run {uow.ids.new()}"
        reviews.save_template(uow, reviews.Shape(name=name, fallback=fallback))
    with cast.house.write() as uow:
        campaign = reviews.launch(uow, template_id=name).public_id
    with cast.house.read() as reading:
        return reading.session.scalars(
            sa.select(Campaign).where(Campaign.public_id == campaign)
        ).one()


def arrange(
    cast: Cast, inside: list[set[str]], gone: set[str], owner: str | None, *, is_built_in: bool
) -> None:
    """Put people into five groups of corp, let some leave, and read it."""
    everybody = [*(person(CORP, name) for name in PEOPLE), service_account("svc-backup")]
    with changing(cast.file(CORP)) as state:
        state.add(accounts=[left(each) if each.login in gone else each for each in everybody])
        for number, names in enumerate(inside):
            group = Group(
                f"corp-g{number}",
                f"Group {number}",
                "security",
                owner_id=f"corp-{owner}" if owner else None,
                is_writable=not (is_built_in and number == 0),
                rule="everybody" if is_built_in and number == 0 else None,
            )
            state.members[group.external_id] = {}
            state.add(groups=[group], members={group.external_id: members(CORP, *sorted(names))})
    if cast.sync(CORP) == "parked":
        with cast.house.write() as uow:
            parked = uow.session.scalars(
                sa.select(SyncRun.public_id).where(SyncRun.state == SyncState.PARKED)
            ).one()
            directory.accept_run(uow, run_id=parked)
        cast.house.drain()


def left(account: Account) -> Account:
    return replace(account, is_enabled=False, status="disabled")


def test_a_named_source_that_is_disabled_is_not_passed_over_in_silence(cast: Cast) -> None:
    at.template(cast, sources=["corp", "cloud"])
    with cast.house.write() as uow:
        directory.disable_source(uow, name="cloud")
    answer = cast.call("olga")("POST", "/campaigns", {"template": "Everything"})
    assert answer.status_code == 409
    assert "cloud is disabled" in answer.get_json()["detail"]
    assert cast.call("olga").get("/campaigns")["items"] == []


def test_the_source_of_a_chosen_group_that_is_disabled_is_told_too(cast: Cast) -> None:
    groups = [*at.only(cast, "payroll"), *at.only(cast, "crm", source="cloud")]
    at.template(cast, entitlements=groups)
    with cast.house.write() as uow:
        directory.disable_source(uow, name="cloud")
    answer = cast.call("olga")("POST", "/campaigns", {"template": "Everything"})
    assert answer.status_code == 409
    assert "cloud is disabled" in answer.get_json()["detail"]


def test_a_manager_who_has_left_is_passed_over(cast: Cast) -> None:
    for source in (CORP, "cloud"):
        cast.edit(source, "bob", is_enabled=False, status="disabled")
        cast.sync(source)
    campaign = at.launch(cast)
    found = {
        at.name_of(each): (each["reviewer"]["name"], each["via"])
        for each in at.all_items(cast, campaign)
    }
    assert found["eve", "Payroll"] == ("Carol", "owner")
    assert found["alice", "Staff"] == ("Carol", "fallback")


def test_who_is_their_own_manager_and_owner_is_left_out_with_that_reason(cast: Cast) -> None:
    cast.edit(CORP, "carol", manager_id="corp-carol")
    cast.edit("cloud", "carol", manager_id="cloud-carol")
    cast.put(CORP, "payroll", "carol")
    cast.sync(CORP)
    cast.sync("cloud")
    campaign = at.launch(cast)
    assert "carol" not in {at.name_of(each)[0] for each in at.all_items(cast, campaign)}
    rules = {each["rule"]: each["memberships"] for each in at.shown(cast, campaign)["excluded"]}
    assert rules["nobody_to_ask"] == 2  # her Payroll, which she owns, and her Staff


def test_an_empty_scope_is_a_campaign_that_is_closed_at_once(cast: Cast) -> None:
    found = at.shown(cast, at.launch(cast, "everyone"))
    assert (found["state"], found["population"]) == ("closed", 0)
    assert at.kinds(cast).count("campaign.closed") == 1


def test_of_two_launches_at_the_same_moment_one_is_refused(cast: Cast) -> None:
    at.template(cast)
    codes: list[int] = []
    cast.call("olga")  # the application is made once, before two use it

    def call() -> None:
        answer = cast.call("olga")("POST", "/campaigns", {"template": "Everything"})
        codes.append(answer.status_code)

    threads = [threading.Thread(target=call) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(codes) == [201, 409]
    assert len(cast.call("olga").get("/campaigns")["items"]) == 1
