"""What an auditor with limits reaches, asked of both stores; its doors are tried on the web's."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from app.audit import bundles, ledger, life, queries, reach, sampling
from app.cli.main import Local, attestry
from app.kernel.actor import LIMITED, PERMISSIONS, Actor, ActorKind, Permission, Role
from app.kernel.errors import NotFoundError, NotPermittedError
from app.kernel.ledger import LedgerEntry
from app.kernel.limits import Limits
from app.reviews.models import Campaign, Item
from app.web.paging import Window
from support.cast import Cast
from support.house import MORNING, TestHouse
from support.limits import CONTROL, TEN, TWELVE, Held, hold

AUDITOR = Actor(ActorKind.PERSON, "x", 1, frozenset({Role.AUDITOR}))
ALL = Window(500)


def named(ids: Mapping[str, str], found: set[str]) -> set[str]:
    return {name for name, public_id in ids.items() if public_id in found}


def of_campaign(house: TestHouse, held: Held) -> set[str]:
    """The subjects of entries that are about the campaign, said another way than the product's."""
    with house.read() as reading:
        campaign = reading.session.scalars(
            sa.select(Campaign).where(Campaign.public_id == held.mine)
        ).one()
        items = reading.session.scalars(
            sa.select(Item.public_id).where(Item.campaign_id == campaign.id)
        )
        return {held.mine, *items, *(each["run"] for each in campaign.snapshot)}


def check_entries(house: TestHouse, limits: Limits, subjects: set[str]) -> None:
    with house.read(replace(AUDITOR, limits=limits)) as reading:
        told = {each.id for each in ledger.entries(reading, ALL).items}
        shown = {each.id for each in queries.list_entries(reading, ALL, queries.Wanted()).items}
        rows = reading.session.execute(
            sa.select(LedgerEntry.public_id, LedgerEntry.at, LedgerEntry.subject)
        ).all()
        reached = {
            row.public_id for row in rows if row.subject in subjects or limits.holds(row.at, row.at)
        }
        beyond = next(row.public_id for row in rows if row.public_id not in reached)
        assert told == shown == reached
        assert reached
        ledger.prove_inclusion(reading, min(reached))
        with pytest.raises(NotFoundError):
            ledger.prove_inclusion(reading, beyond)
        with pytest.raises(NotFoundError):
            queries.entry_page(reading, beyond)


def test_only_what_the_limits_name_is_reached_on_both_stores(house: TestHouse, cast: Cast) -> None:
    held = hold(house, cast)
    eve, payroll = cast.account("corp", "eve"), cast.group("corp", "payroll")
    alice, staff = cast.account("corp", "alice"), cast.group("corp", "staff")
    one = Limits(campaigns=(held.mine,))
    hours = Limits(start=TEN, end=TWELVE)
    control = replace(hours, controls=(CONTROL,))
    for limits, seen, drawn, is_beyond_held in (
        (one, {"mine"}, {"mine"}, False),
        (hours, {"period", "control", "another control"}, {"requests", "leavers"}, True),
        (control, {"control"}, {"requests"}, True),
        (
            replace(hours, campaigns=(held.mine,), controls=(CONTROL,)),
            {"mine", "control"},
            None,
            True,
        ),
    ):
        with house.read(replace(AUDITOR, limits=limits)) as reading:
            found = {each.id for each in bundles.list_bundles(reading, ALL).items}
            assert named(held.bundles, found) == seen
            samples = {each.id for each in sampling.list_samples(reading, ALL).items}
            assert drawn is None or named(held.samples, samples) == drawn
            assert {each.id for each in queries.choices(reading)} == set(limits.campaigns)
            assert life.life_of(reading, eve.public_id, payroll.public_id).moments
            reaches = reach.reaches_access(reading, alice.public_id, staff.public_id)
            assert reaches == is_beyond_held
    check_entries(house, one, of_campaign(house, held))
    check_entries(house, control, set())


def test_the_whole_log_and_every_other_permission_are_closed() -> None:
    actor = replace(AUDITOR, limits=Limits(campaigns=("c",)))
    assert {each for each in Permission if actor.may(each)} == LIMITED
    assert PERMISSIONS[Role.AUDITOR] >= LIMITED
    with pytest.raises(NotPermittedError, match="limited"):
        actor.require(Permission.DIRECTORY_READ)


def test_a_role_beside_it_gives_freely_what_it_gives() -> None:
    roles = frozenset({Role.AUDITOR, Role.OPERATOR})
    actor = replace(AUDITOR, roles=roles, limits=Limits(campaigns=("c",)))
    assert actor.limits_on(Permission.BUNDLE_READ) is None
    assert actor.may(Permission.DIRECTORY_READ)


def test_the_log_is_not_exported_within_limits(house: TestHouse, tmp_path: Path) -> None:
    house.tick()
    actor = replace(AUDITOR, limits=Limits(start=TEN, end=TWELVE))
    out = (tmp_path / "log").open("wb")
    with out, house.read(actor) as reading, pytest.raises(NotPermittedError, match="10:00 to"):
        ledger.export(reading, out)
    assert (tmp_path / "log").stat().st_size == 0


def test_an_auditor_with_limits_is_let_in_by_command(house: TestHouse, cast: Cast) -> None:
    def typed(*arguments: str) -> tuple[int, str]:
        told = CliRunner().invoke(attestry, arguments, obj=Local(opened=house.house))
        return told.exit_code, told.output

    grant, days = ("role", "grant", "1003"), ("--from", "2026-03-02", "--to", "2026-03-02")
    code, told = typed(
        *grant, "auditor", "--until", "2026-04-01", *days, "--control", CONTROL, "--json"
    )
    assert code == 0, told
    assert json.loads(told)["limits"] == {
        "campaigns": [],
        "from": "2026-03-02T00:00:00.000000Z",
        "to": "2026-03-03T00:00:00.000000Z",
        "controls": [CONTROL],
    }
    assert typed(*grant, "auditor", "--campaign", "none")[0] == 1
    code, told = typed(*grant, "operator", *days)
    assert (code, "Only an auditor" in told) == (2, True)
    house.clock.advance(timedelta(days=40))
    assert cast.call("carol")("GET", "/evidence/bundles").status_code == 403
    assert house.clock.now() > MORNING
