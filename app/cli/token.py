"""`token create` and `token revoke`: API tokens, shown once."""

from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers
from app.kernel.actor import Role
from app.signin import service
from app.signin.schemas import NewTokenAnswer


@click.group()
def token() -> None:
    """API tokens."""


@token.command()
@click.option("--role", type=click.Choice([role.value for role in Role]), help="Stands for a role.")
@click.option("--for", "who", metavar="WHO", help="Acts as a person: mail, employee number or id.")
@click.option("--name", default="", help="What it is for.")
@click.option("--expires", "days", type=click.IntRange(1), metavar="DAYS", help="Ends by itself.")
@answers
@click.pass_obj
def create(
    local: Local, role: str | None, who: str | None, name: str, days: int | None
) -> tuple[Any, str]:
    """Make a token for a role, or for a person."""
    if (role is None) == (who is None):
        raise click.UsageError("Give either --role or --for.")
    with local.house.tx.write(local.actor) as uow:
        made = service.create_token(
            uow, role=None if role is None else Role(role), who=who, name=name, expires_days=days
        )
    document = NewTokenAnswer().dump(made)
    return document, f"{made.token}\n\nKeep it: it is shown only now. Its id is {made.id}."


@token.command()
@click.argument("token_id", metavar="ID")
@answers
@click.pass_obj
def revoke(local: Local, token_id: str) -> tuple[Any, str]:
    """End a token at once."""
    with local.house.tx.write(local.actor) as uow:
        service.revoke_token(uow, token_id=token_id)
    return {"id": token_id}, f"Revoked {token_id}."
