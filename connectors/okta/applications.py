"""Applications of an Okta organisation, each with whom it is assigned to: read only.

Users of scope `USER` were assigned one by one and are direct members. Those of scope `GROUP` have
it by a group; that group is a member, so that the way is shown and the group stays the place where
it is taken away. (Okta API: *Applications*, *Application users*, *Application groups*.)
"""

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.errors import ConnectorError, DeniedError, UnsupportedError
from connectors.okta.answers import path
from connectors.okta.client import Listing, OktaClient
from connectors.okta.entitled import NAMELESS, Around, id_of, together
from connectors.records import QUARANTINED_GROUP, Group, MemberBatch, Problem

KIND = "APPLICATION"
PREFIX = "app:"
APPS_A_PAGE, USERS_A_PAGE, GROUPS_A_PAGE = "200", "500", "200"
ACTIVE = 'status eq "ACTIVE"'
AT_ONCE = 50  # applications whose lists are read side by side
BY_GROUP = "GROUP"
# Assignments that Okta still lists and that give nothing (Okta API, *Application user status*).
OVER = frozenset({"DEPROVISIONED", "REVOKED", "UNASSIGNED"})
WITHOUT = (
    "Applications cannot be read: give the scope okta.apps.read and a role that shows them, or set "
    "applications=false. What was known of them stays as it was."
)


def read_applications(client: OktaClient, around: Around) -> list[Group]:
    """Return the active applications; none if they may not be read, which is told."""
    listing = Listing(path("apps", limit=APPS_A_PAGE, filter=ACTIVE))
    try:
        found: list[Any] = client.list_all(listing)
    except (DeniedError, UnsupportedError) as error:
        around.cannot_read(KIND, f"{WITHOUT} {error}")
        return []
    around.asked("applications", listing)
    kept: dict[str, Group] = {}
    for each in map(application, found):
        if isinstance(each, Problem):
            around.problems.append(each)
        else:
            kept[each.external_id] = each
    return list(kept.values())


def read_assignments(
    client: OktaClient, around: Around, applications: list[Group]
) -> Iterator[MemberBatch]:
    """Yield whom each application is assigned to."""
    users: list[Listing] = []
    groups: list[Listing] = []
    for start in range(0, len(applications), AT_ONCE):
        some = applications[start : start + AT_ONCE]
        users += (theirs := [_listing(each, "users", USERS_A_PAGE, _direct) for each in some])
        groups += (its := [_listing(each, "groups", GROUPS_A_PAGE, id_of) for each in some])
        yield _assigned(client, around, some, theirs, its)
    for what, page, asked in (("users", USERS_A_PAGE, users), ("groups", GROUPS_A_PAGE, groups)):
        text = path("apps", "{id}", what, limit=page)
        around.asked(f"application {what}", together(text, asked))


def _assigned(
    client: OktaClient,
    around: Around,
    some: Sequence[Group],
    users: Sequence[Listing],
    groups: Sequence[Listing],
) -> MemberBatch:
    """Read whom some applications are assigned to, side by side."""
    of = {
        listing: app.external_id
        for lists in (users, groups)
        for listing, app in zip(lists, some, strict=True)
    }
    lost: set[str] = set()

    def unreadable(listing: Listing, error: ConnectorError) -> None:
        if of[listing] not in lost:
            around.unread(of[listing], "application", error)
        lost.add(of[listing])

    persons = {of[listing]: found for listing, found in client.list_many(users, unreadable)}
    bearers = {of[listing]: found for listing, found in client.list_many(groups, unreadable)}
    return MemberBatch(
        tuple(
            around.members(
                key,
                (each for each in persons.get(key, ()) if each is not None),
                bearers.get(key, ()),
                is_complete=key not in lost,
            )
            for key in (each.external_id for each in some)
        )
    )


def application(found: Any) -> Group | Problem:
    """Return an application, or why its record cannot be used."""
    key = id_of(found)
    label = found.get("label") if isinstance(found, dict) else None
    if key == NAMELESS or not isinstance(label, str) or not label:
        missing = "id" if key == NAMELESS else "label"
        about = f"{PREFIX}{key}" if key else ""
        detail = f"An application cannot be used: it has no {missing}."
        return Problem(QUARANTINED_GROUP, detail, about)
    told = {"name": found.get("name"), "sign_on": found.get("signOnMode")}
    return Group(
        external_id=f"{PREFIX}{key}",
        name=label,
        kind=KIND,
        is_writable=False,
        address=path("apps", key),
        attributes={name: value for name, value in told.items() if isinstance(value, str)},
    )


def _listing(app: Group, what: str, page: str, only: Any) -> Listing:
    key = app.external_id.removeprefix(PREFIX)
    return Listing(path("apps", key, what, limit=page), only=only)


def _direct(found: Any) -> str | None:
    """Return whom an assignment is of, or None if it is by a group or gives nothing any more."""
    key = id_of(found)
    if key and (found.get("scope") == BY_GROUP or found.get("status") in OVER):
        return None
    return key
