"""`attestry campaign`: what a launch would mean, launch, list, close."""

from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.reviews import queries, schemas, service
from app.reviews.documents import detail, preview_document
from app.reviews.domain import CampaignState
from app.web.paging import MAX_LIMIT, Window


@click.group()
def campaign() -> None:
    """Access reviews."""


@campaign.command()
@click.argument("template")
@click.pass_obj
@answers
def preview(local: Local, template: str) -> tuple[Any, str]:
    """Say what launching TEMPLATE (name or id) would mean; nothing is stored."""
    with local.house.tx.read(local.actor) as reading:
        found = preview_document(service.preview(reading, template_id=template))
    lines = [
        f"{found['population']} memberships, {found['items']} to decide.",
        *(f"  {each['memberships']} left out: {each['reason']}" for each in found["excluded"]),
        (
            f"If all were revoked: {found['if_all_revoked']['removals']} removals, "
            f"{found['if_all_revoked']['not_removable']} not removable."
        ),
        f"{len(found['reviewers'])} reviewers would be told:",
        *(
            f"  {each['name']}: {each['items']} items"
            + ("" if each["is_reachable"] else " (no mail address)")
            for each in found["reviewers"]
        ),
    ]
    return schemas.PreviewSchema().dump(found), "\n".join(lines)


@campaign.command()
@click.argument("template")
@click.option("--name", help="What to call it; left out: the template's name and the day.")
@answers
@click.pass_obj
@click.pass_context
def launch(ctx: click.Context, local: Local, template: str, name: str | None) -> tuple[Any, str]:
    """Freeze the population of TEMPLATE (name or id) and put it to its reviewers."""
    with local.house.tx.write(local.actor) as uow:
        launched = service.launch(uow, template_id=template, name=name, is_enqueued=False)
        payload = service.payload_of(launched)
        takes_its_time = launched.state is CampaignState.LAUNCHING
        called = launched.name
    if takes_its_time:
        click.echo(f"{called}: looking at what is in scope", err=True)
        service.run_launch(local.house.tx, payload)
    found, text = _shown(local, payload["campaign"])
    if found["state"] == CampaignState.FAILED.value:
        ctx.call_on_close(lambda: ctx.exit(1))
    return found, text


@campaign.command("list")
@click.pass_obj
@answers
def list_campaigns(local: Local) -> tuple[Any, str]:
    """List campaigns, newest first."""
    with local.house.tx.read(local.actor) as reading:
        found = queries.list_campaigns(reading, Window(limit=MAX_LIMIT))
    rows = [
        (each.id, each.name, each.state.value, str(each.population), f"{each.due_at:%Y-%m-%d}")
        for each in found.items
    ]
    text = table(("id", "name", "state", "population", "due"), rows)
    return schemas.CampaignPage().dump(found), text if rows else "There is no campaign yet."


@campaign.command()
@click.argument("campaign_id", metavar="ID")
@click.pass_obj
@answers
def close(local: Local, campaign_id: str) -> tuple[Any, str]:
    """End a campaign; what is unanswered is listed as unanswered."""
    with local.house.tx.write(local.actor) as uow:
        service.close(uow, campaign_id=campaign_id)
    return _shown(local, campaign_id)


def _shown(local: Local, campaign_id: str) -> tuple[Any, str]:
    with local.house.tx.read(local.actor) as reading:
        found = queries.campaign_detail(reading, campaign_id)
    progress = found.progress
    text = f"{found.row.name} ({campaign_id}) is {found.row.state.value}: {progress.items} items"
    if found.row.state is CampaignState.CLOSED:
        text += (
            f", {progress.kept} kept, {progress.revoked} revoked, of these {progress.confirmed} "
            f"read back, {progress.failed + progress.not_removable} not removed; "
            f"{progress.items - progress.signed_off} unanswered"
        )
    if found.row.why:
        text += f". {found.row.why.removesuffix('.')}"
    return schemas.CampaignDetailSchema().dump(detail(found)), f"{text}."
