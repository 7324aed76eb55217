"""Who is signed in, as the pages know them. No Flask here: commands and queries may use it too."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.kernel.actor import Actor, ActorKind
from app.kernel.uow import Reading

NOBODY = Actor(ActorKind.PERSON, "nobody")
DEFAULT_ZONE = "UTC"
DEFAULT_LANGUAGE = "en"


class SignedInBy(StrEnum):
    """How somebody signed in."""

    LINK = "link"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Visit:
    """One session of somebody, as it is at this click.

    Attributes:
        session: Public id of the session.
        actor: Who, with the roles held now.
        name: How they are called; empty for a first administrator who is no identity yet.
        how: How they signed in.
        began_at: When.
        last_seen_at: Their last click, to the minute.
        ends_at: When the session ends, whatever they do.
        fresh_at: When they last proved who they are.
        roles_end_at: When the last of their roles ends by itself; None if one does not, or none
            is held.
        are_keys_on: Whether single keys decide on the worklist.
        zone: IANA name of the zone that times are shown in.
        language: In which language; empty: as their browser asks.
    """

    session: str
    actor: Actor
    name: str
    how: SignedInBy
    began_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    fresh_at: datetime
    roles_end_at: datetime | None = None
    are_keys_on: bool = True
    zone: str = DEFAULT_ZONE
    language: str = ""

    @property
    def owner(self) -> str:
        """Name what outlives the session by the person, else by the session."""
        return self.actor.public_id


AuthenticateSession = Callable[[Reading, str], Visit]
