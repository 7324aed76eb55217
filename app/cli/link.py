"""`link create`: a sign-in link for somebody who cannot come in otherwise, used once."""

from typing import Any

import click

from app.cli.main import Local
from app.cli.output import answers
from app.kernel.actor import Role
from app.signin import arriving, links


@click.group()
def link() -> None:
    """Sign-in links."""


@link.command()
@click.option("--for", "who", metavar="WHO", help="A person: mail, employee number or id.")
@click.option("--admin", "mail", metavar="EMAIL", help="An administrator who is nobody yet.")
@answers
@click.pass_obj
def create(local: Local, who: str | None, mail: str | None) -> tuple[Any, str]:
    """Make a link that signs a person in, or an administrator whom no source knows yet.

    It works once, within a day. Whoever uses it acts as that person: hand it to nobody else.
    """
    if (who is None) == (mail is None):
        raise click.UsageError("Give either --for or --admin.")
    role = None if mail is None else Role.ADMIN
    with local.house.tx.write(local.actor) as uow:
        made = links.make(uow, who=who, role=role, mail=mail)
    address = local.house.settings.base_url + made.path
    return {"id": made.id, "sign_in_link": address}, f"It works once, within a day:\n{address}"


@link.command()
@click.argument("who")
@click.option("--subject", required=True, help="The account there: the claim `sub`.")
@answers
@click.pass_obj
def tie(local: Local, who: str, subject: str) -> tuple[Any, str]:
    """Tie WHO to an account at the identity provider by hand, where no verified address does."""
    issuer = local.house.settings.oidc_issuer
    with local.house.tx.write(local.actor) as uow:
        found = arriving.tie(uow, who=who, issuer=issuer, subject=subject)
        answer = {"identity": found.public_id, "issuer": issuer, "subject": subject}
    return answer, f"{who} signs in with that account from now on."


@link.command()
@click.argument("who")
@answers
@click.pass_obj
def untie(local: Local, who: str) -> tuple[Any, str]:
    """Untie WHO from the account at the identity provider; the next sign-in ties it anew."""
    with local.house.tx.write(local.actor) as uow:
        count = arriving.untie(uow, who=who)
    return {"untied": count}, f"{who} is tied to no account any more."
