"""`source`: connect sources, try them, list them, take them out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.directory import queries, service
from app.directory.schemas import ExclusionAnswer, SourceAnswer
from app.web.paging import MAX_LIMIT, Window
from connectors.records import CheckReport


@click.group()
def source() -> None:
    """Sources: directories and applications."""


def _pairs(
    _ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """Take KEY=VALUE apart; a key given twice is a slip, not a list."""
    found: dict[str, str] = {}
    for each in given:
        key, sign, value = each.partition("=")
        if not sign or not key:
            raise click.BadParameter(f"{each!r} is not {parameter.metavar}.")
        if key in found:
            raise click.BadParameter(f"{key} is given twice.")
        found[key] = value
    return found


SETTINGS = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", callback=_pairs, help="A setting."
)
SECRETS = click.option(
    "--secret",
    "secret_files",
    multiple=True,
    metavar="KEY=FILE",
    callback=_pairs,
    help="A secret, read from a file; sealed, and never shown again.",
)


def _secrets(files: dict[str, str]) -> dict[str, str]:
    found = {}
    for key, name in files.items():
        try:
            found[key] = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise click.BadParameter(f"{key}: {name} cannot be read: {error}") from error
    return found


@source.command()
@click.argument("name")
@click.option("--kind", required=True, help="active_directory, okta, memory.")
@SETTINGS
@SECRETS
@answers
@click.pass_obj
def add(
    local: Local, name: str, kind: str, settings: dict[str, str], secret_files: dict[str, str]
) -> tuple[Any, str]:
    """Connect a source under NAME; nothing is read yet."""
    with local.house.tx.write(local.actor) as uow:
        service.add_source(
            uow,
            local.house.seal,
            name=name,
            kind=kind,
            settings=settings,
            secrets=_secrets(secret_files),
        )
        row = queries.show_source(uow, name)
    return SourceAnswer().dump(row), f"Added {name}. Try it: attestry source check {name}"


HELP = {
    "delta_minutes": "Between two reads of what changed; 0 is never by itself.",
    "full_hours": "Between two reads of all of it.",
    "most_accounts_percent": "A read that would end a greater share of accounts waits.",
    "most_memberships_percent": "A read that would end a greater share of memberships waits.",
    "most_of_group_percent": "A read that would take a greater share out of a large group waits.",
    "large_group": "A group of so many members is large.",
    "log_days": "Days that what its log tells of who changed what is kept; 0: it is not read.",
}


def _rules(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each rule of how a source is read."""
    for name in reversed(list(service.RULES)):
        flag = f"--{name.replace('_', '-')}"
        command = click.option(flag, name, type=int, metavar="NUMBER", help=HELP[name])(command)
    return command


@source.command("set")
@click.argument("name")
@SETTINGS
@SECRETS
@_rules
@answers
@click.pass_obj
def set_source(
    local: Local,
    /,
    name: str,
    settings: dict[str, str],
    secret_files: dict[str, str],
    **rules: int | None,
) -> tuple[Any, str]:
    """Change settings or secrets of NAME, or how it is read; `KEY=` takes a setting away.

    A disabled source is enabled by a change of its settings.
    """
    given = {key: value for key, value in rules.items() if value is not None}
    with local.house.tx.write(local.actor) as uow:
        if given:
            service.set_reading(uow, name=name, rules=given)
        if settings or secret_files or not given:
            secrets = _secrets(secret_files)
            service.set_source(uow, local.house.seal, name=name, settings=settings, secrets=secrets)
        uow.session.flush()
        row = queries.show_source(uow, name)
    return SourceAnswer().dump(row), f"Changed {name}."


@source.command()
@click.argument("name")
@answers
@click.pass_obj
@click.pass_context
def check(ctx: click.Context, local: Local, name: str) -> tuple[Any, str]:
    """Try NAME: what works, and what a missing right costs."""
    house = local.house
    report = service.check_source(house.tx, house.connect, house.seal, name=name, actor=local.actor)
    if not report.is_usable:
        ctx.call_on_close(lambda: ctx.exit(1))
    return _document(report), _text(report)


def _document(report: CheckReport) -> dict[str, Any]:
    return {
        "is_usable": report.is_usable,
        "endpoint": report.endpoint,
        "account": report.account,
        "own_account": report.own_account_id,
        "items": [
            {
                "name": each.name,
                "is_ok": each.is_ok,
                "is_required": each.is_required,
                "detail": each.detail,
            }
            for each in report.items
        ],
    }


def _text(report: CheckReport) -> str:
    rows: list[tuple[str, ...]] = []
    for each in report.items:
        word = "ok" if each.is_ok else "MISSING" if each.is_required else "limited"
        rows.append((each.name, word, each.detail))
    head = f"{report.endpoint} as {report.account}"
    return f"{head}\n{table(('what', 'works', 'detail'), rows)}"


@source.command("list")
@answers
@click.pass_obj
def list_sources(local: Local) -> tuple[Any, str]:
    """List the connected sources."""
    with local.house.tx.read(local.actor) as reading:
        found = queries.list_sources(reading, Window(limit=MAX_LIMIT)).items
    rows: list[tuple[str, ...]] = [
        (
            each.name,
            each.kind,
            "enabled" if each.is_enabled else "disabled",
            each.last_state.value if each.last_state else "never read",
            f"{each.last_ended_at:%Y-%m-%d %H:%M}" if each.last_ended_at else "",
        )
        for each in found
    ]
    text = table(("name", "kind", "", "last run", "at (UTC)"), rows) if rows else "No source yet."
    return {"items": SourceAnswer(many=True).dump(found), "next_cursor": None}, text


@source.command()
@click.argument("name")
@click.option("--group", required=True, help="Its id in the source, its id here, or its name.")
@click.option("--reason", required=True, help="Why, for those who will ask.")
@answers
@click.pass_obj
def exclude(local: Local, name: str, group: str, reason: str) -> tuple[Any, str]:
    """Leave a group of NAME out: its members are not expected to be read any more."""
    with local.house.tx.write(local.actor) as uow:
        found = service.exclude_group(uow, source_name=name, group=group, reason=reason)
        row = queries.exclusion_row(uow, found.id)
    return ExclusionAnswer().dump(row), f"Left out {row.name}: {row.id}"


@source.command()
@click.argument("exclusion")
@answers
@click.pass_obj
def include(local: Local, exclusion: str) -> tuple[Any, str]:
    """Expect the members of a group to be read again: lift EXCLUSION, by its id."""
    with local.house.tx.write(local.actor) as uow:
        row = queries.exclusion_row(uow, service.lift_exclusion(uow, exclusion_id=exclusion).id)
    return ExclusionAnswer().dump(row), f"{row.name} is expected to be read again."


@source.command()
@click.argument("name")
@answers
@click.pass_obj
def disable(local: Local, name: str) -> tuple[Any, str]:
    """Stop reading and writing NAME; what it showed stays."""
    with local.house.tx.write(local.actor) as uow:
        service.disable_source(uow, name=name)
        uow.session.flush()
        row = queries.show_source(uow, name)
    return SourceAnswer().dump(row), f"Disabled {name}."


@source.command()
@click.argument("name")
@answers
@click.pass_obj
def remove(local: Local, name: str) -> tuple[Any, str]:
    """Take NAME out: its secrets go, what it showed ends, its history stays."""
    with local.house.tx.write(local.actor) as uow:
        row = queries.show_source(uow, name)
        service.remove_source(uow, name=name)
    return {"id": row.id, "name": name}, f"Removed {name}; its history stays."
