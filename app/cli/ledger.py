"""`attestry ledger`: the signed head, a check of everything, and the key to keep."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.audit import checking, sealing, signing
from app.audit import ledger as reads
from app.audit.schemas import HeadSchema
from app.cli.main import Local
from app.cli.output import answers


@click.group()
def ledger() -> None:
    """The log that evidence is held against."""


@ledger.command()
@click.pass_obj
@answers
def checkpoint(local: Local) -> tuple[Any, str]:
    """Seal what is pending and print the signed head."""
    house = local.house
    sealing.seal_pending(house.tx, house.seal, house.settings.home)
    with house.tx.read(local.actor) as reading:
        head = reads.checkpoint(reading)
    return HeadSchema().dump(head), head.note.rstrip("\n")


@ledger.command()
@click.pass_obj
@answers
def verify(local: Local) -> tuple[Any, str]:
    """Recompute everything; the first wrong entry is named."""
    with local.house.tx.read(local.actor) as reading:
        report = checking.verify(reading)
    if not report.holds:
        raise click.ClickException("The ledger does not hold. " + " ".join(report.problems))
    text = (
        f"{report.size} entries and {report.checkpoints} signed heads hold; "
        f"{report.pending} entries are pending.\nroot {report.root}"
    )
    return asdict(report), text


@ledger.command()
@click.option(
    "--ca",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the certificate that reports are held against to this file.",
)
@click.pass_obj
@answers
def key(local: Local, ca: Path | None) -> tuple[Any, str]:
    """Print the key to keep, and its fingerprint."""
    with local.house.tx.read(local.actor) as reading:
        present = signing.present_key(reading)
        anchor = signing.anchor(reading)
    if ca is not None:
        ca.write_bytes(anchor)
    document = {"vkey": present.vkey, "fingerprint": present.fingerprint, "ca": anchor.decode()}
    return document, f"{present.vkey}\n{present.fingerprint}"
