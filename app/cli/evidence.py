"""`attestry evidence`: build a bundle here and now, and check any bundle, offline."""

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from app.audit import bundles, making, populations, sampling
from app.audit.domain import BundleState, Frequency, Population
from app.audit.schemas import BundleSchema, SampleSchema
from app.cli.main import Local
from app.cli.output import answers
from evidence.verify import main as verify_main

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def evidence() -> None:
    """Evidence bundles: build one, check one."""


@evidence.command()
@click.option("--campaign", metavar="ID", help="Of a campaign.")
@click.option("--from", "first", type=DAY, metavar="DAY", help="Of a period: its first day.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="Of a period: its last day.")
@click.option("--leavers", is_flag=True, help="Of a period, only what was done about leavers.")
@click.option("--redacted", is_flag=True, help="With ids only, and no commitment opened.")
@click.option("--lta", is_flag=True, help="A signature that lasts (PAdES B-LTA), not only B-T.")
@click.option("--sample", metavar="ID", help="Of a sample.")
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="ID",
    help="Which it answers; a period with one holds only what speaks to it.",
)
@click.option("--why-anew", metavar="TEXT", help="Why it replaces one of the same scope.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file."
)
@click.pass_obj
@answers
def build(
    local: Local,
    *,
    campaign: str | None,
    first: datetime | None,
    last: datetime | None,
    leavers: bool,
    redacted: bool,
    lta: bool,
    sample: str | None,
    controls: tuple[str, ...],
    why_anew: str | None,
    out: Path,
) -> tuple[Any, str]:
    """Build a bundle of a campaign, a sample, a period or a control into --out."""
    house = local.house
    wish = bundles.Wish(
        campaign=campaign,
        start=first and first.replace(tzinfo=UTC),
        end=last and last.replace(tzinfo=UTC) + timedelta(days=1),
        leavers=leavers,
        sample=sample,
        controls=controls,
        redacted=redacted,
        lta=lta,
        why_anew=why_anew,
    )
    with house.tx.write(local.actor) as uow:
        asked = bundles.request(uow, wish, is_built_here=True)
    home = house.settings.home
    payload = {"bundle": asked.id}
    making.run_build(house.tx, house.seal, home, payload, house.authority, house.key_holder)
    with house.tx.read(local.actor) as reading:
        made = bundles.find_bundle(reading, asked.id)
    if made.state is not BundleState.READY:
        raise click.ClickException(f"The bundle could not be built: {made.why}")
    shutil.copyfile(bundles.bundle_path(home, made.id), out)
    return BundleSchema().dump(made), f"{out}: bundle {made.id}, manifest SHA-256 {made.sha256}"


@evidence.command()
@click.option("--population", required=True, type=click.Choice([each.value for each in Population]))
@click.option("--seed", required=True, metavar="TEXT", help="Your own; nobody here can choose it.")
@click.option("--campaign", metavar="ID", help="Of items: whose.")
@click.option("--from", "first", type=DAY, metavar="DAY", help="Of anything else: the first day.")
@click.option("--to", "last", type=DAY, metavar="DAY", help="The last day.")
@click.option(
    "--frequency",
    type=click.Choice([each.value for each in Frequency]),
    help="How often the control is performed; says how many.",
)
@click.option("--size", type=int, metavar="N", help="How many; goes before the frequency.")
@click.pass_obj
@answers
def sample(
    local: Local,
    *,
    population: str,
    seed: str,
    campaign: str | None,
    first: datetime | None,
    last: datetime | None,
    frequency: str | None,
    size: int | None,
) -> tuple[Any, str]:
    """Draw a sample that anyone can draw again."""
    wish = populations.SampleWish(
        Population(population),
        seed=seed,
        campaign=campaign,
        start=first and first.replace(tzinfo=UTC),
        end=last and last.replace(tzinfo=UTC) + timedelta(days=1),
        frequency=Frequency(frequency) if frequency else None,
        size=size,
    )
    with local.house.tx.write(local.actor) as uow:
        drawn = sampling.draw_sample(uow, wish)
    told = [f"{drawn.id}: {len(drawn.lines)} of {drawn.population_count}", *_keys(drawn)]
    return SampleSchema().dump(drawn), "\n".join(told)


def _keys(drawn: sampling.SampleRow) -> list[str]:
    return [each.key for each in drawn.lines]


@evidence.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def verify(arguments: tuple[str, ...]) -> None:
    """Check a bundle: as `python -m evidence verify`, with the same options and exit codes."""
    sys.exit(verify_main(["verify", *arguments]))
