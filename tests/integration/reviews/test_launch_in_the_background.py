"""A large population is launched by a job: asked for, looked at, then frozen all at once."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.audit import bundles
from app.directory import service as directory
from app.kernel.errors import ConflictError
from app.kernel.ledger import LedgerEntry
from app.reviews import queries, service
from app.reviews.domain import CampaignState
from app.reviews.models import LaunchProgress
from app.reviews.queries import CampaignRow, UnderWay
from app.reviews.service.launching import Progress
from integration.reviews.steps import TEMPLATE, all_items, template
from support.cast import Cast


def ask(cast: Cast) -> str:
    """Ask for a campaign as if its population were large."""
    template(cast)
    with cast.house.write() as uow:
        return service.launch(uow, template_id=TEMPLATE, at_once=0).public_id


def row(cast: Cast, campaign: str) -> CampaignRow:
    with cast.house.read() as reading:
        return queries.campaign_row(reading, campaign)


def under_way(cast: Cast, campaign: str) -> UnderWay | None:
    with cast.house.read() as reading:
        return queries.launch_under_way(reading, queries.campaign_row(reading, campaign))


def told(cast: Cast, kind: str) -> int:
    with cast.house.read() as reading:
        found = sa.select(sa.func.count()).where(LedgerEntry.kind == kind)
        return reading.session.scalar(found) or 0


def test_it_is_being_launched_until_the_job_has_frozen_all_of_it(cast: Cast) -> None:
    asked = ask(cast)
    shown = cast.call("olga").get(f"/campaigns/{asked}")
    assert (shown["state"], shown["population"]) == ("launching", 0)
    assert all_items(cast, asked) == []
    cast.house.drain()
    found = cast.call("olga").get(f"/campaigns/{asked}")
    assert found["state"] == "open"
    assert len(all_items(cast, asked)) == found["progress"]["items"] > 0
    assert under_way(cast, asked) is None


def test_it_asks_exactly_what_one_launched_at_once_asks(cast: Cast) -> None:
    asked = ask(cast)
    cast.house.drain()
    by_job = all_items(cast, asked)
    cast.house.clock.advance(timedelta(days=20))
    cast.call("olga").post(f"/campaigns/{asked}/close")
    with cast.house.write() as uow:
        again = service.launch(uow, template_id=TEMPLATE).public_id
    at_once = all_items(cast, again)
    questions = [
        {
            (each["shown"]["account"], each["shown"]["group"], each["reviewer"]["id"])
            for each in some
        }
        for some in (by_job, at_once)
    ]
    assert questions[0] == questions[1]


def test_the_time_reviewers_have_begins_when_they_are_asked(cast: Cast) -> None:
    asked = ask(cast)
    cast.house.clock.advance(timedelta(hours=2))
    cast.house.drain()
    found = row(cast, asked)
    assert found.launched_at == cast.house.clock.now()
    assert found.due_at == found.launched_at + timedelta(days=14)


def test_meanwhile_a_second_one_a_close_and_a_bundle_are_refused(cast: Cast) -> None:
    asked = ask(cast)
    with cast.house.write() as uow, pytest.raises(ConflictError, match="is being launched"):
        service.launch(uow, template_id=TEMPLATE)
    with cast.house.write() as uow, pytest.raises(ConflictError, match="still being launched"):
        service.close(uow, campaign_id=asked)
    with cast.house.write() as uow, pytest.raises(ConflictError, match="put nothing to anybody"):
        bundles.request(uow, bundles.Wish(campaign=asked))


def test_doing_the_job_twice_makes_one_population(cast: Cast) -> None:
    asked = ask(cast)
    cast.house.drain()
    before = all_items(cast, asked)
    service.run_launch(cast.house.tx, {"campaign": asked})
    assert all_items(cast, asked) == before
    assert told(cast, "campaign.launched") == 1


def test_one_that_cannot_be_launched_any_more_says_why_and_makes_room(cast: Cast) -> None:
    asked = ask(cast)
    with cast.house.write() as uow:
        for name in ("corp", "cloud"):
            directory.disable_source(uow, name=name)
    cast.house.drain()
    found = row(cast, asked)
    assert found.state is CampaignState.FAILED
    assert found.why == "corp is disabled: enable it, or take it out of the template."
    assert told(cast, "campaign.launch_failed") == 1
    assert under_way(cast, asked) is None
    with cast.house.write() as uow, pytest.raises(ConflictError, match="nothing to close"):
        service.close(uow, campaign_id=asked)


def test_how_far_it_is_is_told_once_a_second_and_no_oftener(cast: Cast) -> None:
    asked = ask(cast)
    before = under_way(cast, asked)
    assert before is not None
    assert (before.looked_at, before.total > 0) == (0, True)
    with cast.house.read() as reading:
        key = reading.session.scalars(sa.select(LaunchProgress.campaign_id)).one()
    progress = Progress(cast.house.tx, key, cast.house.clock.now())
    progress.looked_at(500)
    assert under_way(cast, asked) == before
    cast.house.clock.advance(timedelta(seconds=1))
    progress.looked_at(1000)
    progress.looked_at(1500)
    assert under_way(cast, asked) == UnderWay(1000, before.total)
