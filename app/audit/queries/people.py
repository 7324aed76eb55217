"""Who stands behind the ids of those who acted: people, tokens, the instance itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from app.directory.models import Identity
from app.kernel.actor import SYSTEM_ID
from app.kernel.uow import Reading
from app.signin.models import ApiToken


class WhoKind(StrEnum):
    """What somebody who acted is."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - a kind of actor
    SYSTEM = "system"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who acted: what they are, their id, and their name if the store has one."""

    kind: WhoKind
    id: str
    name: str | None


def who_are(reading: Reading, ids: Iterable[str]) -> dict[str, Who]:
    """Return who stands behind ids of actors: people, tokens, the instance itself."""
    wanted = set(ids)
    found = {SYSTEM_ID: Who(WhoKind.SYSTEM, SYSTEM_ID, None)}
    if wanted - {SYSTEM_ID}:
        person, token = sa.literal(WhoKind.PERSON.value), sa.literal(WhoKind.TOKEN.value)
        rows = reading.session.execute(
            sa.union_all(
                sa.select(person, Identity.public_id, Identity.display_name).where(
                    Identity.public_id.in_(wanted)
                ),
                sa.select(token, ApiToken.public_id, ApiToken.name).where(
                    ApiToken.public_id.in_(wanted)
                ),
            )
        )
        found |= {row[1]: Who(WhoKind(row[0]), row[1], row[2]) for row in rows}
    return found | {each: Who(WhoKind.UNKNOWN, each, None) for each in wanted - found.keys()}
