"""A campaign's bundle: what was frozen, each change of mind, and only the entries about it."""

import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app import events
from app.audit import bundles, signing
from app.audit.domain import BundleState
from app.directory.models import Membership, SyncRun
from app.reviews.domain import CampaignState, Decision, DecisionMove, ItemState, RemediationState
from app.reviews.models import Campaign, Excluded, Item, ItemDecision, SignOff, Template
from evidence.verify import verify_bundle
from support.cast import Cast
from support.house import TestHouse


def hold_campaign(house: TestHouse, cast: Cast, name: str = "Finance") -> str:
    """Write down a campaign of two items, one of which was kept, then revoked."""
    bob, eve = cast.identity("bob"), cast.account("corp", "eve")
    groups = [cast.group("corp", name) for name in ("payroll", "ledger")]
    with house.write() as uow:
        now = uow.now
        template = Template(public_id=uow.ids.new(), name=name, created_at=now, created_by="system")
        uow.session.add(template)
        uow.session.flush()
        runs = uow.session.scalars(sa.select(SyncRun.public_id))
        campaign = Campaign(
            public_id=uow.ids.new(),
            template_id=template.id,
            name=f"{name}, spring",
            state=CampaignState.OPEN,
            snapshot=[{"run": each} for each in runs],
            population_count=2,
            launched_at=now,
            launched_by="system",
            due_at=now + timedelta(days=14),
        )
        uow.session.add(campaign)
        uow.session.flush()
        for group in groups:
            held = uow.session.scalars(
                sa.select(Membership).where(
                    Membership.account_id == eve.id, Membership.group_id == group.id
                )
            ).one()
            item = Item(
                public_id=uow.ids.new(),
                campaign_id=campaign.id,
                membership_id=held.id,
                account_id=eve.id,
                group_id=group.id,
                identity_id=eve.identity_id,
                reviewer_id=bob.id,
                via="manager",
                state=ItemState.SIGNED_OFF,
                decision=Decision.REVOKE,
                remediation=RemediationState.FAILED,
                frozen={"group_name": group.name},
            )
            uow.session.add(item)
            uow.session.flush()
            for move in (DecisionMove.KEEP, DecisionMove.REVOKE):
                uow.session.add(
                    ItemDecision(
                        item_id=item.id,
                        move=move,
                        reason='=HYPERLINK("http://x")',
                        decided_at=now,
                        decided_by_id=bob.id,
                        batch_size=1,
                    )
                )
                uow.record(
                    events.ItemDecided(
                        subject=item.public_id,
                        campaign=campaign.public_id,
                        reviewer=bob.public_id,
                        move=move,
                        batch_size=1,
                        until=None,
                        reason="moved on",
                    )
                )
        uow.session.add(
            SignOff(
                campaign_id=campaign.id,
                reviewer_id=bob.id,
                signed_at=now,
                kept=0,
                revoked=2,
                abstained=0,
            )
        )
        uow.session.add(
            Excluded(
                campaign_id=campaign.id,
                what={"group_name": "CRM"},
                rule="mirrored",
                reason="It is reviewed at its master.",
            )
        )
        return campaign.public_id


@pytest.fixture
def held(house: TestHouse, cast: Cast) -> zipfile.ZipFile:
    """The bundle of that campaign, verified."""
    house.clock.advance(timedelta(hours=1))
    campaign = hold_campaign(house, cast)
    with house.write() as uow:
        asked = bundles.request(uow, bundles.Wish(campaign=campaign))
    house.drain()
    with house.read() as reading:
        made = bundles.find_bundle(reading, asked.id)
        key = signing.present_key(reading)
    assert made.state is BundleState.READY, made.why
    path = bundles.bundle_path(house.home, made.id)
    assert verify_bundle(path, [key]).exit_code == 0
    return zipfile.ZipFile(path)


def rows(held: zipfile.ZipFile, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in held.read(f"data/{name}.jsonl").splitlines()]


def test_every_item_stands_there_as_it_was_shown(held: zipfile.ZipFile) -> None:
    with held:
        shown = rows(held, "population")
        left_out = rows(held, "excluded")
    assert [row["frozen"]["group_name"] for row in shown] == [row["group_name"] for row in shown]
    assert {row["reviewer_name"] for row in shown} == {"Bob"}
    assert [row["rule"] for row in left_out] == ["mirrored"]


def test_each_change_of_mind_and_each_sign_off_is_told(held: zipfile.ZipFile) -> None:
    with held:
        told = rows(held, "decisions")
        sheet = held.read("data/decisions.csv").decode()
    moves = [row.get("move") for row in told]
    assert moves == ["keep", "revoke", "keep", "revoke", None]
    assert told[-1]["revoked"] == 2
    assert "\"'=HYPERLINK" in sheet


def test_only_entries_about_the_campaign_are_told_and_their_reasons_opened(
    held: zipfile.ZipFile,
) -> None:
    with held:
        entries, opened = rows(held, "ledger"), rows(held, "disclosures")
        scope = json.loads(held.read("manifest.json"))["scope"]
        population = rows(held, "population")
    items = {row["item"] for row in population}
    assert {each["subject"] for each in entries} <= items | {scope["campaign"], *scope["runs"]}
    assert [each["kind"] for each in entries].count("item.decided") == 4
    assert [each["value"] for each in opened if each["field"] == "reason"] == ["moved on"] * 4
