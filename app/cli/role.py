"""`role grant` and `role revoke`: who is what."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from app.audit import auditors
from app.cli.main import Local
from app.cli.output import answers
from app.kernel.actor import Role
from app.signin import queries, service
from app.signin.schemas import RoleAnswer

DAY = click.DateTime(["%Y-%m-%d"])
ROLES = click.Choice([role.value for role in Role])


@click.group()
def role() -> None:
    """Roles of people."""


@role.command()
@click.argument("who")
@click.argument("name", metavar="ROLE", type=ROLES)
@click.option("--until", type=DAY, metavar="DAY", help="The last day.")
@click.option("--campaign", "campaigns", multiple=True, metavar="ID", help="An auditor's limit.")
@click.option("--from", "start", type=DAY, metavar="DAY", help="An auditor's limit: first day.")
@click.option("--to", "end", type=DAY, metavar="DAY", help="An auditor's limit: last day.")
@click.option(
    "--control", "controls", multiple=True, metavar="ID", help="Of the days, only this control."
)
@answers
@click.pass_obj
def grant(
    local: Local,
    who: str,
    name: str,
    until: datetime | None,
    campaigns: Sequence[str],
    start: datetime | None,
    end: datetime | None,
    controls: Sequence[str],
) -> tuple[Any, str]:
    """Give WHO (mail, employee number or id) a role.

    An auditor may be limited to campaigns, to a stretch of days, and in it to controls.
    """
    admission = auditors.Admission(
        who, _after(until), campaigns, _begin(start), _after(end), controls
    )
    is_limited = bool(campaigns or start or end or controls)
    if is_limited and name != Role.AUDITOR:
        raise click.UsageError("Only an auditor is limited.")
    with local.house.tx.write(local.actor) as uow:
        if is_limited:
            granted = auditors.admit(uow, admission)
        else:
            granted = service.grant_role(uow, who=who, role=Role(name), until=admission.until)
        row = queries.role_row(uow, granted.public_id)
    shown = RoleAnswer().dump(row)
    told = f"{shown['identity_name']} is {name} {_ending(granted.until)}"
    return shown, f"{told}, limited to what was named." if is_limited else f"{told}."


@role.command()
@click.argument("who")
@click.argument("name", metavar="ROLE", type=ROLES)
@answers
@click.pass_obj
def revoke(local: Local, who: str, name: str) -> tuple[Any, str]:
    """Take a role from WHO."""
    with local.house.tx.write(local.actor) as uow:
        ended = service.revoke_role(uow, who=who, role=Role(name))
        row = queries.role_row(uow, ended.public_id)
    shown = RoleAnswer().dump(row)
    return shown, f"{shown['identity_name']} is no longer {name}."


def _ending(until: datetime | None) -> str:
    return "until revoked" if until is None else f"until {until:%Y-%m-%d %H:%M} UTC"


def _begin(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


def _after(day: datetime | None) -> datetime | None:
    """Return the end of a day."""
    return None if day is None else day.replace(tzinfo=UTC) + timedelta(days=1)
