"""`attestry init`: database, keys, starter policy, first token; again, it upgrades."""

from dataclasses import dataclass
from typing import Any

import click
import sqlalchemy as sa

from app.audit import signing
from app.cli.main import Local
from app.cli.output import answers
from app.kernel import jobs, schema
from app.kernel.actor import Role
from app.rulebook import service as rulebook
from app.rulebook.models import Policy
from app.signin import service as signin
from app.wiring import House


@dataclass(frozen=True, slots=True)
class First:
    """What the first `init` gives, once.

    Attributes:
        token: API token of an administrator; None at every later `init`.
        sign_in_link: None until there are pages to sign in to.
    """

    token: str | None
    sign_in_link: str | None = None


def prepare(house: House, *, admin: str | None, is_migrated: bool = False) -> First:
    """Bring an instance up to date, and make what it needs if it is new.

    Args:
        house: The instance.
        admin: What the first token is for (an address), or None.
        is_migrated: Whether the schema is there already (tests copy a template).
    """
    if not is_migrated:
        schema.upgrade(house.tx.database.engine)
        if isinstance(house.tx.jobs, jobs.DurableJobs):
            jobs.migrate(house.settings.database_url)
    with house.tx.write() as uow:
        if uow.session.scalar(sa.select(Policy.id).limit(1)) is not None:
            return First(token=None)
        signing.make_keys(uow, house.seal, house.settings.base_url)
        rulebook.put_starter_in_force(uow)
        name = f"first administrator {admin}" if admin else "first administrator"
        return First(token=signin.create_token(uow, role=Role.ADMIN, name=name).token)


@click.command()
@click.option("--admin", metavar="EMAIL", help="Whom the first token is for.")
@click.pass_obj
@answers
def init(local: Local, admin: str | None) -> tuple[Any, str]:
    """Create or upgrade the database and keys; the first time, print an administrator's token."""
    first = prepare(local.house, admin=admin)
    document = {"sign_in_link": first.sign_in_link, "token": first.token}
    if first.token is None:
        return document, "The instance is up to date."
    return document, f"The instance is ready. Token of the first administrator:\n{first.token}"
