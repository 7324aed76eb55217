"""`attestry key rotate`: a new signing key; the old ones stay in the history."""

from typing import Any

import click

from app.audit import sealing, signing
from app.audit.domain import KeyPurpose
from app.audit.schemas import PastKeySchema
from app.cli.main import Local
from app.cli.output import answers


@click.group()
def key() -> None:
    """Signing keys."""


@key.command()
@click.option(
    "--purpose",
    type=click.Choice([each.value for each in KeyPurpose]),
    default=KeyPurpose.LOG.value,
    show_default=True,
    help="The log's key, or the one of reports.",
)
@click.pass_obj
@answers
def rotate(local: Local, purpose: str) -> tuple[Any, str]:
    """Make a new signing key. Tell those who keep the old one."""
    house = local.house
    with house.tx.write(local.actor) as uow:
        made = signing.rotate(uow, house.seal, KeyPurpose(purpose))
    sealing.seal_pending(house.tx, house.seal, house.settings.home)
    return PastKeySchema().dump(made), made.public.rstrip("\n")
