"""`attestry campaign`: access reviews."""

from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.reviews import queries, schemas, service
from app.reviews.api import detail
from app.web.paging import MAX_LIMIT, Window


@click.group()
def campaign() -> None:
    """Access reviews."""


@campaign.command("preview")
@click.argument("template")
@click.pass_obj
@answers
def preview(local: Local, template: str) -> tuple[Any, str]:
    """Show in numbers what launching a template would mean."""
    with local.house.tx.read(local.actor) as reading:
        found = queries.worst_case(reading, service.preview(reading, template_id=template))
    text = (
        f"{found['items']} items for {found['will_be_told']} reviewers, "
        f"{sum(found['excluded'].values())} left out by rule.\n"
        f"Removed if everything is revoked: {found['removed_if_all_are_revoked']}; "
        f"if nobody answers: {found['removed_if_nobody_answers']}."
    )
    return found, text


@campaign.command("launch")
@click.argument("template")
@click.option("--name", help="What it is called; the template's name and the day otherwise.")
@click.pass_obj
@answers
def launch(local: Local, template: str, name: str | None) -> tuple[Any, str]:
    """Freeze the population of a template and put it to its reviewers."""
    with local.house.tx.write(local.actor) as uow:
        made = service.launch(uow, template_id=template, name=name).public_id
    return _shown(local, made)


@campaign.command("list")
@click.pass_obj
@answers
def list_campaigns(local: Local) -> tuple[Any, str]:
    """List campaigns, newest first."""
    with local.house.tx.read(local.actor) as reading:
        found = queries.list_campaigns(reading, Window(limit=MAX_LIMIT))
    rows = [(each.id, each.state, each.name, f"{each.due_at:%d %b %Y}") for each in found.items]
    text = table(("id", "state", "name", "due"), rows) if rows else "There is no campaign."
    return schemas.CampaignPage().dump(found), text


@campaign.command("close")
@click.argument("campaign_id")
@click.pass_obj
@answers
def close(local: Local, campaign_id: str) -> tuple[Any, str]:
    """End a campaign."""
    with local.house.tx.write(local.actor) as uow:
        service.close(uow, campaign_id=campaign_id)
    return _shown(local, campaign_id)


def _shown(local: Local, campaign_id: str) -> tuple[Any, str]:
    with local.house.tx.read(local.actor) as reading:
        found = queries.campaign_detail(reading, campaign_id)
    at = found.progress
    text = (
        f"{found.row.name} ({found.row.id}) is {found.row.state}: {at.items} items, "
        f"{at.kept} kept, {at.revoked} revoked, {at.confirmed} confirmed as removed, "
        f"{at.failed + at.not_removable} not removed."
    )
    return schemas.CampaignDetailSchema().dump(detail(found)), text
