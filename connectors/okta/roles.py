"""Administrator roles of an Okta organisation, each with who bears it: read only.

Okta lists the users who bear any role, and marks the groups that do; what each bears is asked one
by one. A standard role is one entitlement; a custom one is one for each set of resources it was
given for. What a role is narrowed down to (single groups or applications) is not read. A role is
known as long as somebody bears it. (Okta API: *Role assignments*; *Groups*, `expand=stats`.)
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import ConnectorError, DeniedError, TargetMissingError, UnsupportedError
from connectors.okta.answers import path
from connectors.okta.client import Listing, OktaClient
from connectors.okta.entitled import NAMELESS, Around, id_of, together
from connectors.records import QUARANTINED_GROUP, Group, MemberBatch, Problem

KIND = "ADMINISTRATOR_ROLE"
PREFIX = "role:"
USERS_A_PAGE, GROUPS_A_PAGE = "100", "200"
CUSTOM, INACTIVE = "CUSTOM", "INACTIVE"
BY_USER, BY_GROUP = "USER", "GROUP"
# Okta writes it without the "i"; it would not be surprising if it wrote it right one day.
FLAGS = ("hasAdminPrivlege", "hasAdminPrivilege")
WITHOUT = (
    "Administrator roles cannot be read: give the scope okta.roles.read and a role that shows "
    "them, or set roles=false. What was known of them stays as it was."
)
HIDDEN = (
    "Somebody bears this role by a group, and no group shows that it has it: who bears it "
    "otherwise is known, who bears it by a group stays as it was."
)


@dataclass(slots=True)
class Roles:
    """The roles that somebody bears.

    Attributes:
        groups: The roles.
        members: Who bears each.
    """

    groups: list[Group] = field(default_factory=list)
    members: MemberBatch = field(default_factory=lambda: MemberBatch(()))


@dataclass(slots=True)
class _Borne:
    """Who was seen to bear what, by the role's key."""

    roles: dict[str, Group] = field(default_factory=dict)
    users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    groups: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_some_group: set[str] = field(default_factory=set)


def read_roles(client: OktaClient, around: Around) -> Roles:
    """Return the roles with their bearers; none if they may not be read, which is told."""
    borne = _Borne()
    try:
        users = _listed(client, around, _assignees(), "bearers of roles")
        marked = _listed(client, around, _marked(), "groups with roles")
        _ask(client, around, "users", users, borne)
        _ask(client, around, "groups", [each for each in marked if each is not None], borne)
    except (DeniedError, UnsupportedError) as error:
        around.cannot_read(KIND, f"{WITHOUT} {error}")
        return Roles()
    hidden = borne.by_some_group - borne.groups.keys()
    around.problems += [Problem("unreadable_group", HIDDEN, key) for key in sorted(hidden)]
    lists = [
        around.members(key, borne.users[key], borne.groups[key], is_complete=key not in hidden)
        for key in borne.roles
    ]
    return Roles(list(borne.roles.values()), MemberBatch(tuple(lists)))


def role(found: Any) -> Group | Problem:
    """Return the role that an assignment is of, or why the record cannot be used."""
    kind = found.get("type") if isinstance(found, dict) else None
    if not isinstance(kind, str) or not kind:
        return Problem(QUARANTINED_GROUP, "The assignment of a role cannot be used: no type.")
    key, where = f"{PREFIX}{kind}", None
    if kind == CUSTOM:
        what, where = found.get("role"), found.get("resource-set")
        if not isinstance(what, str) or not isinstance(where, str):
            detail = "The assignment of a custom role cannot be used: no role, or no resource set."
            return Problem(QUARANTINED_GROUP, detail)
        key = f"{PREFIX}{what}:{where}"
    label = found.get("label")
    return Group(
        external_id=key,
        name=label if isinstance(label, str) and label else kind.replace("_", " ").title(),
        kind=KIND,
        description=f"Resource set {where}" if where else "",
        is_writable=False,
        is_administrative=True,
        attributes={"type": kind, **({"resource_set": where} if where else {})},
    )


def _assignees() -> Listing:
    return Listing(path("iam", "assignees", "users", limit=USERS_A_PAGE), only=id_of)


def _marked() -> Listing:
    return Listing(path("groups", limit=GROUPS_A_PAGE, expand="stats"), only=_administers)


def _administers(found: Any) -> str | None:
    """Return the id of a group that has a role, or None; one that does not say is asked."""
    try:
        stats: Mapping[str, Any] = found["_embedded"]["stats"]
    except (KeyError, TypeError):
        return id_of(found)
    said = [stats[each] for each in FLAGS if each in stats]
    return id_of(found) if not said or any(said) else None


def _listed(client: OktaClient, around: Around, listing: Listing, purpose: str) -> list[Any]:
    found: list[Any] = client.list_all(listing)
    around.asked(purpose, listing)
    return found


def _ask(client: OktaClient, around: Around, what: str, keys: Iterable[str], borne: _Borne) -> None:
    """Ask what each of some users or groups bears.

    Raises:
        ConnectorError: Of one it could not be told; then it is told of none.
    """
    of = {Listing(path(what, key, "roles")): key for key in dict.fromkeys(keys) if key != NAMELESS}

    def lost(_: Listing, error: ConnectorError) -> None:
        if not isinstance(error, TargetMissingError):  # who is gone bears nothing
            raise error

    for listing, found in client.list_many([*of], lost):
        for each in found:
            _take(around, what, of[listing], each, borne)
    around.asked(f"roles of {what}", together(path(what, "{id}", "roles"), [*of]))


def _take(around: Around, what: str, bearer: str, found: Any, borne: _Borne) -> None:
    kept = role(found)
    if isinstance(kept, Problem):
        around.problems.append(kept)
        return
    if found.get("status") == INACTIVE:
        return
    key = kept.external_id
    borne.roles.setdefault(key, kept)
    if what == "groups":
        borne.groups[key].add(bearer)
    elif found.get("assignmentType") == BY_GROUP:
        borne.by_some_group.add(key)
    else:
        borne.users[key].add(bearer)
