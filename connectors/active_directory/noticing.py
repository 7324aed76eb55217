"""What of a domain was touched since a cursor: by DirSync where it is allowed, else by number.

Both ways look at the whole naming context, whatever is read of it: what left the base or the
filters has to be noticed, too. Nothing is taken from here but ids; `changes.py` reads those again.
DirSync tells only the attributes that changed, so that it rarely says what an object is.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from ldap3.protocol import controls
from ldap3.protocol.microsoft import (
    DirSyncControlRequestValue,
    extended_dn_control,
    show_deleted_control,
)

from connectors.active_directory import mapping
from connectors.active_directory.cursor import DIRSYNC, USN, Cursor
from connectors.errors import CursorRefusedError, IncompleteReadError
from connectors.ldap.client import LdapClient
from connectors.ldap.entries import Entry, Search
from connectors.ldap.names import is_within

ROOT = ("defaultNamingContext", "namingContexts", "highestCommittedUSN", "dsServiceName")
CONTROL = "1.2.840.113556.1.4.841"
NOTHING = "(!(objectClass=*))"
OBJECTS = (
    "(|(objectClass=user)(objectClass=contact)(objectClass=foreignSecurityPrincipal)"
    "(objectClass=group)(objectClass=organizationalUnit)(objectClass=container))"
)
PLACES = frozenset({b"organizationalunit", b"container"})
ATTRIBUTES = tuple(
    dict.fromkeys(
        (
            "objectGUID",
            "name",
            "parentGUID",
            "isDeleted",
            "member",
            *mapping.ACCOUNT_ATTRIBUTES,
            *(each for each in mapping.GROUP_ATTRIBUTES if each != "primaryGroupToken"),
        )
    )
)
MOVED = frozenset({"name", "parentguid"})
ARRIVING = MOVED | {"objectclass", "primarygroupid", "isdeleted"}
JOINED, LEFT = "member;range=1-1", "member;range=0-0"
MOST_BYTES = 1 << 20  # what one answer of DirSync may hold

INCREMENTAL = -0x80000000  # LDAP_DIRSYNC_INCREMENTAL_VALUES, as a signed number of 32 bits

request_value: Any = DirSyncControlRequestValue  # ldap3 tells no types
build_control: Any = controls.build_control
show_deleted: Any = show_deleted_control


@dataclass(slots=True)
class Touched:
    """What was noticed, by id.

    Attributes:
        objects: Accounts, groups and containers that changed in any way.
        arriving: Those of them that may not have been read before, or are elsewhere now.
        places: Those of them that may be containers: all below has another name.
        gone: What was deleted.
        whole: Groups of which only their whole list tells who is in them now.
        joined: Group to members that it got, where that is told one by one.
        left: Group to members that it lost, where that is told one by one.
        queries: What was asked.
    """

    objects: set[str] = field(default_factory=set)
    arriving: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    joined: dict[str, list[str]] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)
    queries: list[Search] = field(default_factory=list)


def begin(client: LdapClient) -> Cursor | None:
    """Return where the changes stand now, before a read begins; None if nobody can tell.

    Args:
        client: Of the domain.
    """
    shown = _look(client, "", ROOT)
    root = _context(shown, client.config.base_dn) if shown is not None else None
    if shown is None or root is None:
        return None
    base, endpoint = client.config.base_dn, client.endpoint
    controller, number = shown.text("dsServiceName"), shown.number("highestCommittedUSN")
    cookie = _dirsync(client, root, NOTHING, ("objectGUID",), b"", Search(NOTHING), [])
    if cookie is not None:
        return Cursor(
            way=DIRSYNC,
            endpoint=endpoint,
            root=root,
            base=base,
            cookie=cookie,
            number=number or 0,
        )
    invocation = _invocation(client, controller) if controller else None
    if not controller or not invocation or number is None:
        return None
    return Cursor(
        way=USN,
        endpoint=endpoint,
        root=root,
        base=base,
        controller=controller,
        invocation=invocation,
        number=number,
    )


def highest(client: LdapClient) -> int | None:
    """Return the highest number that the controller has given to a change, or None."""
    shown = _look(client, "", ROOT)
    return shown.number("highestCommittedUSN") if shown is not None else None


def notice(client: LdapClient, since: Cursor) -> tuple[Touched, Cursor]:
    """Return what was touched since a cursor, and the next cursor.

    Args:
        client: Of the domain.
        since: The cursor.

    Raises:
        CursorRefusedError: The controller cannot go on from there.
    """
    found = Touched()
    following = (_by_dirsync if since.way == DIRSYNC else _by_number)(client, since, found)
    found.objects -= found.gone
    return found, following


def _by_dirsync(client: LdapClient, since: Cursor, found: Touched) -> Cursor:
    query = Search(f"{since.root} DirSync {OBJECTS}")
    found.queries.append(query)
    entries: list[Entry] = []
    cookie = _dirsync(client, since.root, OBJECTS, ATTRIBUTES, since.cookie, query, entries)
    if cookie is None:
        raise CursorRefusedError("The controller does not go on from that cookie.")
    for entry in entries:
        _note(entry, found)
    return replace(since, cookie=cookie, number=0)


def _note(entry: Entry, found: Touched) -> None:
    """Note what DirSync says of one object."""
    external_id = mapping.guid(entry.values["objectguid"][0])
    told = entry.values.keys()
    if entry.text("isDeleted") == "TRUE":
        found.gone.add(external_id)
        return
    found.objects.add(external_id)
    if told & ARRIVING:
        found.arriving.add(external_id)
    if told & MOVED and "objectclass" not in told:
        found.places.add(external_id)
    joined, left = entry.values.get(JOINED, ()), entry.values.get(LEFT, ())
    came, went = mapping.linked(joined), mapping.linked(left)
    if len(came) + len(went) != len(joined) + len(left) or "objectclass" in told:
        found.whole.add(external_id)
    if came or went:
        found.joined[external_id], found.left[external_id] = came, went


def _dirsync(
    client: LdapClient,
    root: str,
    where: str,
    attributes: tuple[str, ...],
    cookie: bytes,
    query: Search,
    into: list[Entry],
) -> bytes | None:
    """Read every part of an answer of DirSync; return the next cookie, or None if it refuses.

    It refuses whoever has no right to it (50), and a cookie that it cannot go on from (12).
    """
    while True:
        asked = [
            _control(cookie),
            extended_dn_control(criticality=True),
        ]
        answer = client.ask(root, where, attributes, controls=asked)
        if answer.code != 0:
            return None
        shown = answer.controls.get(CONTROL)
        if shown is None:
            raise IncompleteReadError("The controller answered without DirSync.")
        into.extend(answer.entries)
        query.pages += 1
        query.returned += len(answer.entries)
        cookie = shown["value"]["cookie"]
        if not shown["value"]["more_results"]:
            query.is_complete = True
            return cookie


def _control(cookie: bytes) -> Any:
    """Return the control that asks for what changed since a cookie.

    ldap3's own maker of it writes the flag in five bytes, where a number of four is meant.
    """
    value = request_value()
    value.setComponentByName("Flags", INCREMENTAL)
    value.setComponentByName("MaxBytes", MOST_BYTES)
    value.setComponentByName("Cookie", cookie)
    return build_control(CONTROL, True, value)  # noqa: FBT003 - ldap3's argument: critical


def _by_number(client: LdapClient, since: Cursor, found: Touched) -> Cursor:
    of_root = Search("rootDSE")
    shown = _look(client, "", ROOT)
    controller = shown.text("dsServiceName") if shown is not None else None
    number = shown.number("highestCommittedUSN") if shown is not None else None
    if shown is None or controller != since.controller or number is None:
        raise CursorRefusedError("Another controller answers than the one that gave the cursor.")
    if _invocation(client, controller) != since.invocation or number < since.number:
        raise CursorRefusedError("The controller was restored since, and counts anew.")
    of_root.pages = 2
    query = Search(f"{since.root} subtree (&(uSNChanged>={since.number + 1}){OBJECTS})")
    found.queries.extend((of_root, query))
    entries = client.search(
        query,
        since.root,
        f"(&(uSNChanged>={since.number + 1}){OBJECTS})",
        ("objectGUID", "objectClass", "isDeleted"),
        controls=[show_deleted(criticality=True)],
    )
    for entry in entries:
        external_id = mapping.guid(entry.values["objectguid"][0])
        classes = {each.lower() for each in entry.values.get("objectclass", ())}
        if entry.text("isDeleted") == "TRUE":
            found.gone.add(external_id)
            continue
        found.objects.add(external_id)
        found.arriving.add(external_id)
        if b"group" in classes:
            found.whole.add(external_id)
        if classes & PLACES:
            found.places.add(external_id)
    return replace(since, number=number)


def _invocation(client: LdapClient, controller: str) -> str | None:
    """Return a controller's invocation id, in hexadecimal."""
    found = _look(client, controller, ("invocationId",))
    values = found.values.get("invocationid") if found is not None else None
    return values[0].hex() if values else None


def _look(client: LdapClient, name: str, attributes: tuple[str, ...]) -> Entry | None:
    """Return one entry by its name, or None; of the rootDSE there are no pages."""
    answer = client.ask(name, "(objectClass=*)", attributes, scope="base")
    return answer.entries[0] if answer.code == 0 and answer.entries else None


def _context(shown: Entry, base: str) -> str | None:
    """Return the naming context that a base is in."""
    names = [each.decode() for each in shown.values.get("namingcontexts", ())]
    return max((each for each in names if is_within(base, each)), key=len, default=None)
