"""The System Log, polled: who changed which membership, and what was deleted.

A poll without an end is told in the order in which events were kept, late ones at the end, and
always names the next one; that link is the cursor. It is never begun again at a time, which would
miss what came late. An empty page is its present end. (Okta, *System Log query*, polling requests.)
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.errors import CursorRefusedError, IncompleteReadError
from connectors.okta.answers import is_within, objects, path, stamp
from connectors.okta.changes import Deleted
from connectors.okta.client import OktaClient
from connectors.records import Deed, LogPage

JOINED, LEFT = "group.user_membership.add", "group.user_membership.remove"
USER_DELETED, GROUP_DELETED = "user.lifecycle.delete", "group.lifecycle.delete"
WANTED = " or ".join(
    (
        f'eventType eq "{JOINED}"',
        f'eventType eq "{LEFT}"',
        f'eventType sw "{USER_DELETED}"',
        f'eventType eq "{GROUP_DELETED}"',
    )
)
EVENTS_A_PAGE = "1000"
BACK = timedelta(days=7)
BAD_REQUEST = 400
logger = logging.getLogger(__name__)


class Party(msgspec.Struct):
    """Somebody or something that an event names."""

    id: str | None = None
    type: str = ""
    alternateId: str | None = None  # noqa: N815 - Okta's own name
    displayName: str | None = None  # noqa: N815 - Okta's own name


class Result(msgspec.Struct):
    """How it went."""

    result: str = ""


class Event(msgspec.Struct):
    """What is needed of one event."""

    uuid: str
    published: datetime
    eventType: str  # noqa: N815 - Okta's own name
    actor: Party = msgspec.field(default_factory=Party)
    outcome: Result | None = None
    target: list[Party] | None = None

    def about(self, kind: str) -> str:
        """Return the id of what of a kind it is about, or empty."""
        return next((each.id or "" for each in self.target or () if each.type == kind), "")


def read_log(client: OktaClient, cursor: str, deleted: Deleted) -> Iterator[LogPage]:
    """Read the log from a cursor to its present end.

    Args:
        client: Of the organisation.
        cursor: The next link of the last page that was kept, or empty to begin.
        deleted: Is told of what was deleted.

    Raises:
        CursorRefusedError: Okta does not go on from that link.
        DeniedError: The log may not be read.
    """
    org = client.config.org_url
    if cursor and not is_within(cursor, org):
        raise CursorRefusedError("The place in the log is another organisation's.")
    url = cursor.removeprefix(org) if cursor else _beginning(client)
    while True:
        answer, error = client.ask(url)
        if error is not None:
            if cursor and answer.status == BAD_REQUEST:
                raise CursorRefusedError(f"The log does not go on from its place: {error}")
            raise error
        found = objects(answer.raw)
        following = answer.next_url or url
        if found and following == url:
            raise IncompleteReadError("Okta's log did not say where it goes on.")
        events = [event for each in found if (event := _event(each)) is not None]
        _note_deleted(events, deleted)
        yield LogPage(tuple(_deeds(events)), f"{org}{following}")
        if not found:
            return
        url = following


def _beginning(client: OktaClient) -> str:
    """Return the first poll: some days back, by Okta's own clock."""
    now = client.call("GET", path("logs", limit="1")).date
    since = {"since": stamp(now - BACK)} if now is not None else {}
    return path("logs", **since, sortOrder="ASCENDING", limit=EVENTS_A_PAGE, filter=WANTED)


def _event(found: Any) -> Event | None:
    try:
        event = msgspec.convert(found, Event)
    except msgspec.ValidationError as error:
        logger.warning("an event of Okta's log cannot be read: %s", error)
        return None
    if event.published.tzinfo is None or (event.outcome and event.outcome.result == "FAILURE"):
        return None
    return event


def _deeds(events: list[Event]) -> Iterator[Deed]:
    for each in events:
        account, group = each.about("User"), each.about("UserGroup")
        if each.eventType in (JOINED, LEFT) and account and group:
            yield Deed(
                event_id=each.uuid,
                at=each.published,
                account_id=account,
                group_id=group,
                is_joining=each.eventType == JOINED,
                actor_id=each.actor.id or each.actor.alternateId or "",
                actor_name=each.actor.displayName or each.actor.alternateId or "",
            )


def _note_deleted(events: list[Event], deleted: Deleted) -> None:
    for each in events:
        at = stamp(each.published)
        if each.eventType.startswith(USER_DELETED) and (user := each.about("User")):
            deleted.users[user] = at
        elif each.eventType == GROUP_DELETED and (group := each.about("UserGroup")):
            deleted.groups[group] = at
