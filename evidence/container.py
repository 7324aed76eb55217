"""The bundle's ZIP, in one form only: every byte of it follows from names and contents.

Members are stored, not deflated: the same content could be deflated in many ways, so a byte of a
deflated member could change unnoticed, and one of a stored member cannot. There are no comments,
extra fields, gaps or flags, dates are fixed, and all of it is held against its one form on reading.
Any unzip reads it; there is nothing in it that could unfold to more than its own size.
"""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from evidence.errors import EvidenceError, VerificationError
from evidence.said import said

LOCAL: Final = struct.Struct("<4s5H3I2H")
CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
END: Final = struct.Struct("<4s4H2IH")
VERSION: Final = 20  # 2.0, the least that all readers know
MADE_BY_UNIX: Final = 0x0314
DATE: Final = 0x21  # 1 January 1980, the earliest there is
MODE: Final = 0o100644 << 16
MOST_MEMBERS: Final = 10_000
LARGEST: Final = 0xFFFFFFFE
CHUNK: Final = 1 << 20


class Member(NamedTuple):
    """One file in a container.

    Attributes:
        name: Its path, ASCII.
        start: Where its content begins.
        size: Its length in bytes.
        crc: Its CRC-32.
    """

    name: str
    start: int
    size: int
    crc: int


def write_container(out: BinaryIO, files: Iterable[tuple[str, Path | bytes]]) -> int:
    """Write a container.

    Args:
        out: Where to; only written to, never sought.
        files: Path in the container, and content or the file that holds it, in order.

    Returns:
        The number of bytes written.

    Raises:
        EvidenceError: It would grow beyond 4 GiB.
    """
    at, members = 0, list[Member]()
    for name, content in files:
        size, crc = _measure(content)
        head = _local(name, size, crc)
        if at + len(head) + size > LARGEST:
            raise EvidenceError("a bundle holds up to 4 GiB; ask for a shorter period or a sample")
        out.write(head)
        out.writelines(_chunks(content))
        members.append(Member(name, at + len(head), size, crc))
        at += len(head) + size
    tail = _directory(members, at)
    out.write(tail)
    return at + len(tail)


def read_container(data: memoryview) -> dict[str, Member]:
    """Read a container that `write_container` wrote, and nothing else.

    Args:
        data: All of its bytes.

    Returns:
        Its members by path, in order.

    Raises:
        VerificationError: Any byte of it is not as that function writes it.
    """
    if len(data) < END.size:
        raise VerificationError("the container is cut off")
    count, start = _end(data)
    found: dict[str, Member] = {}
    at, expected = start, 0
    for _ in range(count):
        member, length = _entry(data, at, expected)
        if member.name in found:
            raise VerificationError(said("%(name)s comes twice in the container", name=member.name))
        found[member.name] = member
        at, expected = at + length, member.start + member.size
    if expected != start or bytes(data[start:]) != _directory(list(found.values()), start):
        raise VerificationError("the container holds bytes that belong to none of its members")
    return found


def damaged(data: memoryview, members: Iterable[Member]) -> list[str]:
    """Tell which members' bytes are not those the container was made with.

    Args:
        data: All of its bytes.
        members: From `read_container`.

    Returns:
        Their paths.
    """
    return [
        each.name
        for each in members
        if zlib.crc32(data[each.start : each.start + each.size]) != each.crc
    ]


def _end(data: memoryview) -> tuple[int, int]:
    mark, _disk, _first, _here, count, size, start, _comment = END.unpack(data[-END.size :])
    if mark != b"PK\5\6" or start + size + END.size != len(data) or count > MOST_MEMBERS:
        raise VerificationError(
            "the container's end is not where it must be: the file is cut off, or something was "
            "put before or behind it"
        )
    return count, start


def _entry(data: memoryview, at: int, expected: int) -> tuple[Member, int]:
    if at + CENTRAL.size > len(data):
        raise VerificationError("the container's directory is cut off")
    fields = CENTRAL.unpack(data[at : at + CENTRAL.size])
    crc, size, length, offset = fields[7], fields[9], fields[10], fields[16]
    raw = bytes(data[at + CENTRAL.size : at + CENTRAL.size + length])
    if not raw.isascii() or not raw.decode("ascii", "replace").isprintable():
        raise VerificationError("the container names a file in other than plain characters")
    name = raw.decode("ascii")
    head = _local(name, size, crc)
    start = offset + len(head)
    if offset != expected or bytes(data[offset:start]) != head or start + size > len(data):
        raise VerificationError(
            said("%(name)s: its header in the container is not as it must be", name=name)
        )
    return Member(name, start, size, crc), CENTRAL.size + length


def _local(name: str, size: int, crc: int) -> bytes:
    raw = name.encode("ascii", "strict")
    return LOCAL.pack(b"PK\3\4", VERSION, 0, 0, 0, DATE, crc, size, size, len(raw), 0) + raw


def _directory(members: list[Member], start: int) -> bytes:
    parts = []
    for name, at, size, crc in members:
        raw = name.encode("ascii")
        offset = at - LOCAL.size - len(raw)
        parts.append(
            CENTRAL.pack(
                *(b"PK\1\2", MADE_BY_UNIX, VERSION, 0, 0, 0, DATE, crc, size, size),
                *(len(raw), 0, 0, 0, 0, MODE, offset),
            )
            + raw
        )
    table, count = b"".join(parts), len(members)
    return table + END.pack(b"PK\5\6", 0, 0, count, count, len(table), start, 0)


def _measure(content: Path | bytes) -> tuple[int, int]:
    size = crc = 0
    for chunk in _chunks(content):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc


def _chunks(content: Path | bytes) -> Iterable[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
