"""`account sheet`: what many accounts are for and who answers for them, by a CSV file."""

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.directory import service, sheets
from app.directory.queries import Only
from app.kernel.sheet import MOST_BYTES, Plan, PlannedRow, decode
from app.web.sheet_shapes import SheetAnswer

MOST_SHOWN = 200


@click.group()
def sheet() -> None:
    """Types and owners of many accounts by a CSV file: taken, filled in, looked at, stored."""


@sheet.command("take")
@click.option("--which", type=click.Choice([each.value for each in Only]), help="Only this sort.")
@click.option("--find", metavar="TEXT", help="Part of a login or name.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file; left out, it is printed.",
)
@click.pass_obj
def take_sheet(local: Local, which: str | None, find: str | None, out: Path | None) -> None:
    """Write the list of accounts as CSV, all of it; that it was taken is recorded."""
    tx = local.house.tx
    with tx.write(local.actor) as uow:
        parts = sheets.accounts(uow, tx, q=find, only=None if which is None else Only(which))
    if out is None:
        for each in parts:
            click.echo(each, nl=False)
    else:
        _write(out, parts)


@sheet.command("preview")
@click.argument("file", type=click.File("rb"))
@answers
@click.pass_obj
def preview_sheet(local: Local, file: IO[bytes]) -> tuple[Any, str]:
    """Say what each row of FILE would do; nothing is stored.

    FILE is CSV with a header: `id`, or `source` and `login`; then any of `type` (empty: as the
    source suggests) and `owner` (id, mail, employee number or login; empty: nobody).
    """
    text = decode(file.read(MOST_BYTES + 1))
    with local.house.tx.read(local.actor) as reading:
        plan = service.plan_accounts(reading, text)
    return SheetAnswer().dump(plan), _told(plan)


@sheet.command("apply")
@click.argument("file", type=click.File("rb"))
@click.option("--digest", required=True, help="Of the preview that was looked at.")
@answers
@click.pass_obj
def apply_sheet(local: Local, file: IO[bytes], digest: str) -> tuple[Any, str]:
    """Store what FILE says, as its preview showed it: all of it, or nothing."""
    text = decode(file.read(MOST_BYTES + 1))
    with local.house.tx.write(local.actor) as uow:
        plan = service.apply_accounts(uow, text, digest)
    return SheetAnswer().dump(plan), f"Changed: {plan.changed}. As it was: {plan.unchanged}."


def _write(out: Path, parts: Iterable[str]) -> None:
    """Write a file as a whole; whatever stops it leaves what was there before."""
    unfinished = out.with_name(f"{out.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            file.writelines(parts)
        unfinished.replace(out)
    except OSError as error:
        raise click.FileError(str(out), error.strerror) from None
    finally:
        unfinished.unlink(missing_ok=True)


def _told(plan: Plan) -> str:
    rows = [
        (str(each.line), each.source, each.name, _does(each)) for each in plan.telling[:MOST_SHOWN]
    ]
    parts = [table(("line", "source", "login", "what"), rows)] if rows else []
    if len(plan.telling) > MOST_SHOWN:
        parts.append(f"{len(plan.telling) - MOST_SHOWN} more: --json tells all of them.")
    parts.append(f"To change: {plan.changed}. As it is: {plan.unchanged}. Wrong: {plan.wrong}.")
    if plan.wrong:
        parts.append("Nothing can be stored before the wrong rows are corrected or left out.")
    elif plan.changed:
        parts.append(f"To store this: account sheet apply FILE --digest {plan.digest}")
    return "\n".join(parts)


def _does(row: PlannedRow) -> str:
    if row.errors:
        return "; ".join(f"WRONG {each.field}: {each.message}" for each in row.errors)
    return "; ".join(
        f"{each.field}: {each.before or '(none)'} > {each.after or '(none)'}"
        for each in row.changes
    )
