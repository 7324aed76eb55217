"""`sync`: read sources now, here, and wait; accept or refuse a run that waits for a person."""

from collections.abc import Sequence
from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers
from app.directory import queries, service
from app.directory.domain import SyncState
from app.directory.queries import RunRow
from app.directory.schemas import SyncRunAnswer
from app.kernel.errors import NotFoundError
from app.web.paging import MAX_LIMIT, Window

GOOD = frozenset({SyncState.COMPLETE, SyncState.ACCEPTED, SyncState.REFUSED})
SUFFIXES = ("_appeared", "_changed", "_ended")
TOLD = frozenset({"read_whole", "log_unread", "log_begun_anew", "log_goes_on"})


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--full", is_flag=True, help="Read all of it, and compare every member.")
@click.option("--dry-run", is_flag=True, help="Show the difference and keep it for a person.")
@click.option("--accept", metavar="RUN", help="Store what this parked run has read.")
@click.option(
    "--refuse",
    metavar="RUN",
    help="Forget what this parked run has read, or give up one whose process is gone.",
)
@answers
@click.pass_obj
@click.pass_context
def sync(
    ctx: click.Context,
    local: Local,
    names: tuple[str, ...],
    *,
    full: bool,
    dry_run: bool,
    accept: str | None,
    refuse: str | None,
) -> tuple[Any, str]:
    """Read the sources NAME (all enabled ones by default) now: what changed, if they can tell."""
    if accept or refuse:
        if names or full or dry_run or (accept and refuse):
            raise click.UsageError("--accept and --refuse take a run and nothing else.")
        found = [_judge(local, accept, refuse)]
    else:
        found = [_read(local, name, full=full, dry_run=dry_run) for name in _all(local, names)]
    good = GOOD | {SyncState.PARKED} if dry_run else GOOD
    if not refuse and any(each.state not in good for each in found):
        ctx.call_on_close(lambda: ctx.exit(1))
    document = {"items": SyncRunAnswer(many=True).dump(found), "next_cursor": None}
    return document, "\n".join(_line(each) for each in found)


def _all(local: Local, names: Sequence[str]) -> Sequence[str]:
    if names:
        return names
    with local.house.tx.read(local.actor) as reading:
        rows = queries.list_sources(reading, Window(limit=MAX_LIMIT)).items
    enabled = [each.name for each in rows if each.is_enabled]
    if not enabled:
        raise NotFoundError("There is no enabled source: `attestry source add` connects one.")
    return enabled


def _read(local: Local, name: str, *, full: bool, dry_run: bool) -> RunRow:
    """Carry out a run in this process; a worker is not needed for it."""
    house = local.house
    with house.tx.write(local.actor) as uow:
        run = service.request_sync(
            uow, source_name=name, full=full, dry_run=dry_run, is_enqueued=False
        )
        payload = service.payload_of(run, full=full, dry_run=dry_run)
    click.echo(f"{name}: reading", err=True)
    house.runners[service.SYNC](payload)
    with house.tx.read(local.actor) as reading:
        return queries.show_run(reading, payload["run"])


def _judge(local: Local, accept: str | None, refuse: str | None) -> RunRow:
    with local.house.tx.write(local.actor) as uow:
        if accept is not None:
            run = service.accept_run(uow, run_id=accept)
        else:
            run = service.refuse_run(uow, run_id=refuse or "")
        uow.session.flush()
        return queries.run_answer(uow, run)


def _line(run: RunRow) -> str:
    shown = ", ".join(
        f"{run.counts[name]} {name}"
        for name in ("accounts", "groups", "memberships")
        if name in run.counts
    )
    changes = ", ".join(
        f"{count} {name.replace('_', ' ')}"
        for name, count in run.counts.items()
        if count and name.endswith(SUFFIXES)
    )
    told = "what changed" if run.mode == "delta" else "all of it"
    lines = [f"{run.source}: {run.state.value}, {told} ({shown or 'nothing read'})"]
    if run.counts and (run.is_stored or run.state in GOOD | {SyncState.PARKED}):
        lines.append(f"  {changes or 'no change'}")
    if run.why:
        lines.append(f"  {run.why}")
    lines += [f"  {each['detail']}" for each in run.problems if each["code"] in TOLD]
    if run.state is SyncState.PARKED:
        lines.append(f"  attestry sync --accept {run.id} | --refuse {run.id}")
    return "\n".join(lines)
