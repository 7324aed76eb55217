"""Receive the answers to one request, entries decoded in their fixed shape (RFC 4511, 4.5.2).

ldap3 decodes an entry element by element and every value three times over; that is most of what a
large read costs. Here the bytes are walked once, and whatever is no entry is left to ldap3's own
decoder. A peer is not trusted: lengths are kept within their message, a message within a bound,
and an answer to another request ends the connection.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from ldap3 import DEREF_ALWAYS, SUBTREE
from ldap3.core.exceptions import (
    LDAPExceptionError,
    LDAPSessionTerminatedByServerError,
    LDAPSocketReceiveError,
)
from ldap3.operation.search import search_operation
from ldap3.strategy.base import RESPONSE_COMPLETE, SESSION_TERMINATED_BY_SERVER
from ldap3.utils.asn1 import decode_message_fast

CHUNK = 1 << 18
MOST = 1 << 29  # of one message: more than the largest list of members in one answer
ENTRY = 0x64
SEQUENCE, INTEGER, OCTETS, SET = 0x30, 0x02, 0x04, 0x31
decode: Any = decode_message_fast  # ldap3 tells no types
search_request: Any = search_operation
GOES_ON = frozenset({"searchResEntry", "searchResRef", "intermediateResponse"})
DISCONNECTED = "1.3.6.1.4.1.1466.20036"  # RFC 4511 section 4.4.1


class MalformedError(LDAPExceptionError):
    """What came is not what RFC 4511 allows."""


class ReceivedEntry(dict[str, Any]):
    """An entry as ldap3's strategies give it: `type`, `dn` and `raw_attributes`.

    It is decoded when it is first looked into, so that the next page can be asked for before; who
    looks has to expect `MalformedError`. ldap3 hands out a deep copy of every answer, in case two
    threads share a connection. Nothing changes an entry here, so that it stands for its copy: to
    copy half a million values costs more than to receive them.
    """

    __slots__ = ("_wire",)

    def __init__(self, wire: bytes) -> None:
        """Keep the bytes of an entry, from its tag on."""
        super().__init__(type="searchResEntry")
        self._wire = wire

    def __missing__(self, key: str) -> Any:
        """Decode it."""
        if not self._wire:
            raise KeyError(key)
        self["dn"], self["raw_attributes"] = _entry(self._wire, 0, len(self._wire))
        self._wire = b""
        return self[key]

    def __deepcopy__(self, memo: dict[int, Any]) -> "ReceivedEntry":
        """Return the entry itself."""
        return self


def install(connection: Any) -> None:
    """Let a connection of ldap3 receive by this loop instead of its own.

    Args:
        connection: With a synchronous strategy, and without SASL layers.
    """
    strategy = connection.strategy
    strategy._get_response = lambda message_id, _timeout: receive(strategy, message_id)  # noqa: SLF001


def receive(strategy: Any, message_id: int) -> Any:
    """Return every answer to a request, as ldap3's synchronous strategy does.

    Args:
        strategy: Of the connection.
        message_id: Of the request.

    Raises:
        LDAPSocketReceiveError: The line broke, or an answer belongs to another request.
        MalformedError: A length leads out of its message.
    """
    try:
        return [*answers(strategy, message_id), RESPONSE_COMPLETE]
    except LDAPSessionTerminatedByServerError:
        return SESSION_TERMINATED_BY_SERVER


def flow(
    connection: Any, base: str, where: str, attributes: Sequence[str], controls: Sequence[Any]
) -> Iterator[Any]:
    """Search below a base without paging; yield each answer when it comes, the result last.

    Args:
        connection: With this loop installed; nothing else may be asked of it meanwhile.
        base: Where.
        where: The filter.
        attributes: Which attributes.
        controls: Controls of ldap3.

    Raises:
        LDAPInvalidFilterError: The filter is none.
        LDAPSessionTerminatedByServerError: The server took its leave.
        LDAPSocketReceiveError: As above.
        MalformedError: As above.
    """
    request = search_request(
        base, where, SUBTREE, DEREF_ALWAYS, list(attributes), 0, 0, False,  # noqa: FBT003
        connection.auto_escape, connection.auto_encode, check_names=False,
    )  # fmt: skip
    strategy = connection.strategy
    message_id = strategy.send("searchRequest", request, list(controls) or None)
    yield from answers(strategy, message_id)
    strategy._outstanding.pop(message_id, None)  # noqa: SLF001 - or it would grow with each


def answers(strategy: Any, message_id: int) -> Iterator[Any]:
    """Yield the answers to a request when they come; the last is its result.

    Args:
        strategy: Of the connection.
        message_id: Of the request.

    Raises:
        LDAPSessionTerminatedByServerError: The server took its leave.
        LDAPSocketReceiveError: The line broke, or an answer belongs to another request.
        MalformedError: A length leads out of its message.
    """
    rest, is_done = b"", False
    while True:
        held = [rest] if rest else []
        wanted, size = _wanted(rest), len(rest)
        while size < wanted:
            chunk = _chunk(strategy)
            held.append(chunk)
            size += len(chunk)
            if wanted <= 6:  # noqa: PLR2004 - the length itself was not there yet
                held = [b"".join(held)]
                wanted = _wanted(held[0])
        data = held[0] if len(held) == 1 else b"".join(held)
        place = 0
        while place < len(data):
            end = place + _wanted_at(data, place)
            if end > len(data):
                break
            number, tag, body = _head(data, place, end)
            if number == message_id and tag == ENTRY:
                yield ReceivedEntry(data[body:end])
            else:
                found = _other(strategy, data[place:end], number, message_id)
                is_done = found["type"] not in GOES_ON
                yield found
            place = end
        rest = data[place:]
        if is_done and not rest:
            return


def _chunk(strategy: Any) -> bytes:
    try:
        chunk: bytes = strategy.connection.socket.recv(CHUNK)
    except (OSError, AttributeError) as error:
        raise LDAPSocketReceiveError(f"error receiving data: {error}") from error
    if not chunk:
        raise LDAPSessionTerminatedByServerError("session terminated by server")
    return chunk


def _other(strategy: Any, message: bytes, number: int, message_id: int) -> Any:
    """Decode what is no entry, by ldap3's own means."""
    found = strategy.decode_response_fast(decode(message))
    if number == message_id:
        return found
    if number == 0 and found.get("responseName") == DISCONNECTED:
        raise LDAPSessionTerminatedByServerError("session terminated by server")
    raise LDAPSocketReceiveError("invalid messageId received")


def _wanted(data: bytes) -> int:
    return _wanted_at(data, 0)


def _wanted_at(data: bytes, place: int) -> int:
    """Return how long the message is that begins here; as long as that is unknown, a little."""
    have = len(data) - place
    if have < 2:  # noqa: PLR2004 - tag and first octet of the length
        return 2
    first = data[place + 1]
    if first <= 127:  # noqa: PLR2004 - X.690 8.1.3.4, the short form
        return first + 2
    count = first & 127
    if not 1 <= count <= 4:  # noqa: PLR2004 - no length that is kept needs more
        raise MalformedError("a message without a usable length")
    if have < count + 2:
        return count + 2
    size = int.from_bytes(data[place + 2 : place + 2 + count], "big")
    if size > MOST:
        raise MalformedError("a message longer than any answer")
    return size + count + 2


def _size(data: bytes, place: int, end: int) -> tuple[int, int]:
    """Return (length, where its content begins); the content ends within its parent."""
    if place >= end:
        raise MalformedError("a length is missing")
    size = data[place]
    place += 1
    if size > 127:  # noqa: PLR2004 - X.690 8.1.3.5, the long form
        after = place + (size & 127)
        size = int.from_bytes(data[place:after], "big")
        place = after
    if place + size > end:
        raise MalformedError("a length leads out of its message")
    return size, place


def _part(data: bytes, place: int, end: int, tag: int) -> tuple[int, int]:
    """Return (where content begins, where it ends) of an element that has to be of this tag."""
    if place + 1 < end and data[place] == tag:
        after = place + 2 + data[place + 1]
        if data[place + 1] <= 127 and after <= end:  # noqa: PLR2004 - the short form, nearly always
            return place + 2, after
    if place >= end or data[place] != tag:
        raise MalformedError("an element is not of its kind")
    size, begin = _size(data, place + 1, end)
    return begin, begin + size


def _head(data: bytes, place: int, end: int) -> tuple[int, int, int]:
    """Return message id, tag of the operation, and where that begins."""
    begin, _ = _part(data, place, end, SEQUENCE)
    first, after = _part(data, begin, end, INTEGER)
    if after >= end:
        raise MalformedError("a message without an operation")
    return int.from_bytes(data[first:after], "big"), data[after], after


def _entry(data: bytes, place: int, end: int) -> tuple[str, dict[str, list[bytes]]]:
    """Decode one entry: its name, and a list of attributes with their values."""
    place, end = _part(data, place, end, ENTRY)
    first, place = _part(data, place, end, OCTETS)
    name = data[first:place].decode("utf-8", "replace")
    place, stop = _part(data, place, end, SEQUENCE)
    found: dict[str, list[bytes]] = {}
    while place < stop:
        # Nearly all have a short name and one short value: those are taken without a call. What
        # is at the place of each length is within the attribute, and below 128, if all add up.
        if (
            place + 6 <= stop
            and data[place] == SEQUENCE
            and data[place + 1] <= 127  # noqa: PLR2004 - X.690 8.1.3.4, the short form
            and (following := place + 2 + data[place + 1]) <= stop
            and data[place + 2] == OCTETS
            and (held := place + 4 + data[place + 3]) + 4 <= following
            and data[held] == SET
            and held + 2 + data[held + 1] == following
            and data[held + 2] == OCTETS
            and held + 4 + data[held + 3] == following
        ):
            found[_lowered(data[place + 4 : held])] = [data[held + 4 : following]]
            place = following
            continue
        inner, following = _part(data, place, stop, SEQUENCE)
        first, inner = _part(data, inner, following, OCTETS)
        values_at, values_end = _part(data, inner, following, SET)
        found[_lowered(data[first:inner])] = _values(data, values_at, values_end)
        place = following
    return name, found


def _values(data: bytes, place: int, end: int) -> list[bytes]:
    """Decode the values of one attribute; this is where half a million members go through."""
    values: list[bytes] = []
    while place < end:
        if data[place] != OCTETS or place + 1 >= end:
            raise MalformedError("a value is not of its kind")
        size = data[place + 1]
        place += 2
        if size > 127:  # noqa: PLR2004 - X.690 8.1.3.5, the long form
            after = place + (size & 127)
            size = int.from_bytes(data[place:after], "big")
            place = after
        after = place + size
        if after > end:
            raise MalformedError("a value leads out of its attribute")
        values.append(data[place:after])
        place = after
    return values


@lru_cache(maxsize=1024)
def _lowered(name: bytes) -> str:
    return name.decode("ascii", "replace").lower()
