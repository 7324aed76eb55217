"""`attestry ledger`: the signed head, a check of everything, and the key to keep."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.audit import checking, erasing, sealing, signing, witnessing
from app.audit import ledger as reads
from app.audit.schemas import HeadSchema, WitnessSchema
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
    return HeadSchema().dump(head), f"{head.note}{head.cosignatures}".rstrip("\n")


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


@ledger.command()
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file."
)
@click.pass_obj
@answers
def export(local: Local, out: Path) -> tuple[Any, str]:
    """Write every entry, one a line, and the head it leads to beside it (`.checkpoint`)."""
    house = local.house
    sealing.seal_pending(house.tx, house.seal, house.settings.home)
    beside = out.with_name(f"{out.name}.checkpoint")
    with house.tx.read(local.actor) as reading, out.open("wb") as file:
        head = reads.export(reading, file)
    beside.write_text(head.note, encoding="utf-8")
    text = (
        f"{head.size} entries in {out}. Check them anywhere: "
        f"python -m evidence ledger {out} --checkpoint {beside} --key VKEY"
    )
    return HeadSchema().dump(head), text


@ledger.command()
@click.argument("subject")
@click.option("--reason", required=True, help="On whose request, and by what right.")
@click.pass_obj
@answers
def erase(local: Local, subject: str, reason: str) -> tuple[Any, str]:
    """Erase what entries that name SUBJECT (a public id) disclose; every proof still holds."""
    house = local.house
    with house.tx.write(local.actor) as uow:
        erased = erasing.erase(uow, subject=subject, reason=reason)
    sealing.seal_pending(house.tx, house.seal, house.settings.home)
    text = f"{erased.fields} values of {erased.entries} entries are erased; their proofs hold."
    return asdict(erased), text


@ledger.group()
def witness() -> None:
    """Those outside who cosign each head."""


@witness.command("add")
@click.option("--key", "vkey", required=True, metavar="VKEY", help="As it prints it.")
@click.option("--url", required=True, help="Where it answers.")
@click.pass_obj
@answers
def add_witness(local: Local, vkey: str, url: str) -> tuple[Any, str]:
    """Have a witness asked for each new head."""
    with local.house.tx.write(local.actor) as uow:
        added = witnessing.add(uow, vkey=vkey, url=url)
    return WitnessSchema().dump(added), f"{added.name} is asked from now on."


@witness.command("remove")
@click.argument("name")
@click.pass_obj
@answers
def remove_witness(local: Local, name: str) -> tuple[Any, str]:
    """Ask a witness no longer; what it cosigned stays."""
    with local.house.tx.write(local.actor) as uow:
        witnessing.remove(uow, name)
    return {"name": name}, f"{name} is asked no longer."


@witness.command("list")
@click.pass_obj
@answers
def list_witnesses(local: Local) -> tuple[Any, str]:
    """Who is asked, and the last head each cosigned."""
    with local.house.tx.read(local.actor) as reading:
        found = witnessing.list_witnesses(reading)
    lines = [f"{each.name}  {each.url}  head of {each.size or 'none yet'}" for each in found]
    return WitnessSchema(many=True).dump(found), "\n".join(lines) or "There are none."
