"""`identity show` and `group show`: who has what, by which path, now or at a moment."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers, table
from app.directory import queries
from app.directory.api import detail
from app.directory.queries import MemberRow, Place
from app.directory.schemas import AccessAnswer, GroupAnswer, IdentityDetailAnswer, MemberAnswer
from app.web.paging import MAX_LIMIT, Window

ARROW = " > "


def _moment(_ctx: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("Write it like 2026-11-23 or 2026-11-23T09:40:00Z.") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


AS_OF = click.option(
    "--as-of", metavar="TIME", callback=_moment, help="At this moment (UTC unless said otherwise)."
)


KNOWN_AT = click.option(
    "--known-at", metavar="TIME", callback=_moment, help="As was known then; needs --as-of."
)


def then(as_of: datetime | None, known_at: datetime | None) -> dict[str, datetime | None]:
    if known_at is not None and as_of is None:
        raise click.UsageError("Say --as-of too: what was known of which moment?")
    return {"as_of": as_of, "known_at": known_at}


@click.group()
def identity() -> None:
    """People and services."""


@identity.command("show")
@click.argument("who")
@AS_OF
@KNOWN_AT
@answers
@click.pass_obj
def show_identity(
    local: Local, who: str, as_of: datetime | None, known_at: datetime | None
) -> tuple[Any, str]:
    """Show WHO (id, mail, employee number or login), the accounts, and all access."""
    moment = then(as_of, known_at)
    with local.house.tx.read(local.actor) as reading:
        row = queries.find_identity(reading, who)
        found = queries.show_identity(reading, row.id, **moment)
        access = queries.show_access(reading, row.id, **moment)
    document = IdentityDetailAnswer().dump(detail(found))
    document["access"] = AccessAnswer(many=True).dump(access)
    word = "active" if row.is_active else "not active"
    head = f"{row.name} ({row.kind.value}, {word}), id {row.id}"
    if row.manager_name:
        head += f"\nmanager: {row.manager_name}"
    accounts = table(
        ("source", "login", "status", "tied by"),
        [(a.source, a.login, a.status, a.correlation_rule or "") for a in found.accounts],
    )
    held = table(
        ("group", "source", "account", "path", "administers", "why", "since"),
        [
            (
                each.group.name,
                each.group.source,
                each.login,
                "direct" if each.is_direct else _path(each.path),
                f"yes, by {each.steps}" if each.is_privileged else "",
                each.provenance.value,
                f"{each.since:%Y-%m-%d}",
            )
            for each in access
        ],
    )
    return document, f"{head}\n\n{accounts}\n\n{held}"


@click.group()
def group() -> None:
    """Groups."""


@group.command("show")
@click.argument("which")
@AS_OF
@KNOWN_AT
@answers
@click.pass_obj
def show_group(
    local: Local, which: str, as_of: datetime | None, known_at: datetime | None
) -> tuple[Any, str]:
    """Show WHICH group (id or name), and all accounts in it, by which path."""
    moment = then(as_of, known_at)
    with local.house.tx.read(local.actor) as reading:
        row = queries.find_group(reading, which)
        row = queries.show_group(reading, row.id, **moment)
        leads = queries.leads_of(reading, row, **moment)
        window = Window(limit=MAX_LIMIT)
        rows: list[MemberRow] = []
        while True:
            found = queries.show_members(reading, row.id, window, is_effective=True, **moment)
            rows += found.items
            if found.next_cursor is None:
                break
            window = Window(limit=MAX_LIMIT, cursor=found.next_cursor)
    document = GroupAnswer().dump(row)
    document["members"] = MemberAnswer(many=True).dump(rows)
    head = f"{row.name} ({row.kind} in {row.source}), id {row.id}"
    if row.is_mirror:
        head += f"\nmirrors {row.master_name or 'a group of another source'}"
    for each in leads:
        head += f"\nleads to administration by {len(each)}: {_path(each)}"
    members = table(
        ("login", "name", "path", "why", "since"),
        [
            (
                each.login,
                each.name,
                "direct" if each.is_direct else _path(each.path),
                each.provenance.value,
                f"{each.since:%Y-%m-%d}",
            )
            for each in rows
        ],
    )
    return document, f"{head}\n\n{members}"


def _path(path: Sequence[Place]) -> str:
    return ARROW.join(each.name for each in path)
