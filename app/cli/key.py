"""`attestry key rotate`: a new signing or sealing key; old signing keys stay in the history."""

from typing import Any

import click

from app.audit import resealing, sealing, signing
from app.audit.domain import KeyPurpose
from app.audit.schemas import PastKeySchema
from app.cli.main import Local
from app.cli.output import answers


@click.group()
def key() -> None:
    """Signing keys, and the key that seals what is secret."""


@key.command()
@click.option(
    "--purpose",
    type=click.Choice([*(each.value for each in KeyPurpose), resealing.SEAL]),
    default=KeyPurpose.LOG.value,
    show_default=True,
    help="The log's key, the one of reports, or the one that seals secrets at rest.",
)
@click.pass_obj
@answers
def rotate(local: Local, purpose: str) -> tuple[Any, str]:
    """Make a new key. Tell those who keep the old one.

    A new sealing key replaces the old one in its file: keep a copy of that file with each backup.
    """
    house = local.house
    if purpose == resealing.SEAL:
        count = resealing.rotate(house.tx, house.seal, local.actor)
        sealing.seal_pending(house.tx, house.seal, house.settings.home)
        document = {"purpose": purpose, "key_id": house.seal.newest_id, "sealed_anew": count}
        return document, f"{count} values are sealed under the new key {house.seal.newest_id}."
    is_of_documents = purpose == KeyPurpose.DOCUMENT
    held = signing.hold(house.key_holder) if is_of_documents else None  # it signs once before
    with house.tx.write(local.actor) as uow:
        made = signing.rotate(uow, house.seal, KeyPurpose(purpose), held)
    sealing.seal_pending(house.tx, house.seal, house.settings.home)
    return PastKeySchema().dump(made), made.public.rstrip("\n")
