"""`role grant` and `role revoke`: who is what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers
from app.kernel.actor import Role
from app.signin import queries, service
from app.signin.schemas import RoleAnswer

ROLES = click.Choice([role.value for role in Role])


@click.group()
def role() -> None:
    """Roles of people."""


@role.command()
@click.argument("who")
@click.argument("name", metavar="ROLE", type=ROLES)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="The last day.")
@answers
@click.pass_obj
def grant(local: Local, who: str, name: str, until: datetime | None) -> tuple[Any, str]:
    """Give WHO (mail, employee number or id) a role."""
    ends = None if until is None else until.replace(tzinfo=UTC) + timedelta(days=1)
    with local.house.tx.write(local.actor) as uow:
        granted = service.grant_role(uow, who=who, role=Role(name), until=ends)
        row = queries.role_row(uow, granted.public_id)
    shown = RoleAnswer().dump(row)
    return shown, f"{shown['identity_name']} is {name} {_ending(granted.until)}."


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
