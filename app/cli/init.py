"""`attestry init`: database, keys, starter policy, first link and token; again, it upgrades."""

from contextlib import suppress
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
from app.signin import links
from app.signin import service as signin
from app.wiring import House

PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class First:
    """What the first `init` gives, once.

    Attributes:
        token: API token of an administrator, if asked for; None at every later `init`.
        sign_in_link: Signs the first administrator in once; None at every later `init`.
    """

    token: str | None
    sign_in_link: str | None = None


def prepare(
    house: House, *, admin: str | None, is_migrated: bool = False, has_token: bool = True
) -> First:
    """Bring an instance up to date, and make what it needs if it is new.

    Args:
        house: The instance.
        admin: Address of the first administrator, or None.
        is_migrated: Whether the schema is there already (tests copy a template).
        has_token: Whether a token is wanted; one that nobody is shown would only look like an
            administrator.
    """
    with suppress(PermissionError):  # a volume of somebody else, who decides who may look
        house.settings.home.chmod(PRIVATE)
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
        token = signin.create_token(uow, role=Role.ADMIN, name=name).token if has_token else None
        made = links.make(uow, role=Role.ADMIN, mail=admin)
        return First(token, house.settings.base_url + made.path)


@click.command()
@click.option("--admin", metavar="EMAIL", help="Whom the first sign-in link is for.")
@click.pass_obj
@answers
def init(local: Local, admin: str | None) -> tuple[Any, str]:
    """Create or upgrade the database and keys; the first time, print a sign-in link.

    With --json, an API token of an administrator as well.
    """
    as_json = bool(click.get_current_context().params.get("as_json"))
    first = prepare(local.upgradable, admin=admin, has_token=as_json)
    document = {"sign_in_link": first.sign_in_link, "token": first.token}
    if first.sign_in_link is None:
        return document, "The instance is up to date."
    told = "The instance is ready. The first administrator signs in here, once, within a day:"
    return document, f"{told}\n{first.sign_in_link}"
