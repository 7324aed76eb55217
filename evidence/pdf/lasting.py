"""What is put behind a sealed report so that its signature can be judged in many years: B-LTA.

Two incremental updates (ISO 32000-2, 7.5.6; ETSI EN 319 142-1, 5.4 and 5.5): a document security
store with the certificates and revocation lists by which the signature was good, then a document
time-stamp over all of it. A certification that allows no change allows these two (ISO 32000-2,
12.8.2.2.2). The sealed revision itself keeps each of its bytes.

Promise: what may follow a sealed revision is not searched for what is bad in it. It is taken apart,
put together anew from its parts by the code that made it, and must be the same bytes.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evidence.errors import EvidenceError, VerificationError
from evidence.pdf.byterange import BYTE_RANGE, HEX, NUMBER_WIDTH

STAMP_BYTES: Final = 16_384
LARGEST_UPDATE: Final = 1 << 22
LARGEST_TABLE: Final = 1 << 26
NEAR: Final = 1 << 16
CATALOG_ROOM: Final = 1 << 13
TRAILER: Final = re.compile(
    rb"trailer\n<< /Size (\d{1,9}) /Root (\d{1,9}) 0 R /Info (\d{1,9}) 0 R "
    rb"/ID \[<([0-9a-f]{32})><\4>\] >>\nstartxref\n(\d{1,12})\n%%EOF\n\Z"
)
FIELDS: Final = re.compile(rb"/AcroForm << /Fields \[(\d{1,9}) 0 R\] ")
STREAM: Final = re.compile(rb"(\d{1,9}) 0 obj\n<< /Length (\d{1,7}) >>\nstream\n")
CERTIFICATES: Final = re.compile(rb"/Certs \[([0-9 R]*)\]")
CONTENTS: Final = b"/Contents <"

ADDED: Final = "the PDF is not one revision: something was added after it was made"


@dataclass(frozen=True, slots=True)
class Lasting:
    """The parts of what follows a sealed revision.

    Attributes:
        certificates: DER, in order.
        lists: Revocation lists, DER, in order.
        token: The document time-stamp, DER, without its padding.
        stamped: The digest (by name) of all bytes that the time-stamp is over.
    """

    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...]
    token: bytes
    stamped: Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Ground:
    """What an update has to know of the revision it follows.

    Attributes:
        length: The revision's, in bytes.
        size: The number of the first new object.
        catalog: The catalogue's number.
        entries: The catalogue as it stands.
        info: The information dictionary's number.
        identifier: Of the file, hex.
        table: Where its cross-reference table begins.
        signature: The signature's digits as they stand in the file, for the store to name it by.
    """

    length: int
    size: int
    catalog: int
    entries: bytes
    info: int
    identifier: bytes
    table: int
    signature: bytes


def extend(
    length: int,
    read: Callable[[int, int], bytes],
    material: tuple[Sequence[bytes], Sequence[bytes]],
) -> tuple[bytes, int, int]:
    """Make what follows a sealed revision, with an empty place for the document time-stamp.

    Args:
        length: The revision's, in bytes.
        read: Gives its bytes from one offset up to another.
        material: Certificates and revocation lists, DER.

    Returns:
        The updates, and where in them the place (with its `<` and `>`) begins and ends.

    Raises:
        EvidenceError: The file is none that was rendered and sealed here.
    """
    try:
        updates = _updates(_ground(length, read), *material, b"0" * (2 * STAMP_BYTES))
    except VerificationError as error:
        raise EvidenceError(f"pdf: {error}") from error
    start = updates.index(CONTENTS) + len(CONTENTS) - 1
    return updates, start, start + 2 * STAMP_BYTES + 2


def sealed_end(pdf: bytes) -> int:
    """Tell where the sealed revision of a PDF ends: what its first signature says it covers.

    Args:
        pdf: The whole file.

    Returns:
        An offset; the file's length unless a document time-stamp follows.
    """
    if pdf.count(b"/ByteRange") != 2:  # noqa: PLR2004 - the signature's and the time-stamp's
        return len(pdf)
    found = BYTE_RANGE.search(pdf)
    end = sum(int(each) for each in found.groups()[2:]) if found else len(pdf)
    return min(end, len(pdf))


def read_lasting(pdf: bytes, end: int) -> Lasting:
    """Take apart what follows the sealed revision of a PDF.

    Args:
        pdf: The whole file.
        end: From `sealed_end`, before the end of the file.

    Returns:
        Its parts.

    Raises:
        VerificationError: It is anything else than what `extend` makes, by as little as a byte.
    """
    if len(pdf) - end > LARGEST_UPDATE:
        raise VerificationError(ADDED)
    tail = pdf[end:]
    ground = _ground(end, lambda begin, stop: pdf[begin:stop])
    streams, at = _streams(tail)
    start = tail.find(CONTENTS, at) + len(CONTENTS)
    digits = tail[start : start + 2 * STAMP_BYTES]
    if start < len(CONTENTS) or not HEX.fullmatch(digits):
        raise VerificationError(ADDED)
    listed = CERTIFICATES.search(tail, at)
    count = listed[1].count(b"R") if listed else 0
    if _updates(ground, streams[:count], streams[count:], digits) != tail:
        raise VerificationError(ADDED)
    gap = (end + start - 1, end + start + 2 * STAMP_BYTES + 1)

    def stamped(name: str) -> bytes:
        digest = hashlib.new(name, memoryview(pdf)[: gap[0]])
        digest.update(memoryview(pdf)[gap[1] :])
        return digest.digest()

    return Lasting(
        tuple(streams[:count]), tuple(streams[count:]), bytes.fromhex(digits.decode()), stamped
    )


def _ground(length: int, read: Callable[[int, int], bytes]) -> Ground:
    end = TRAILER.search(read(max(0, length - 512), length))
    if end is None:
        raise VerificationError("the PDF's sealed revision does not end as one made here")
    size, catalog, info, table = (int(end[group]) for group in (1, 2, 3, 5))
    before = read(max(0, table - CATALOG_ROOM), table)
    opening = b"\n%d 0 obj\n" % catalog
    at = before.rfind(opening)
    entries = before[at + len(opening) : -len(b"\nendobj\n")]
    if at < 0 or not before.endswith(b" >>\nendobj\n") or not FIELDS.search(entries):
        raise VerificationError("the PDF's sealed revision has no catalogue as one made here")
    head = read(0, NEAR)
    start = head.find(CONTENTS) + len(CONTENTS)
    return Ground(
        length, size, catalog, entries, info, end[4], table, head[start : head.find(b">", start)]
    )


def _streams(tail: bytes) -> tuple[list[bytes], int]:
    """Read the streams an update begins with, and where they end."""
    found, at = [], 0
    while opening := STREAM.match(tail, at):
        begin = opening.end()
        at = begin + int(opening[2])
        found.append(tail[begin:at])
        at += len(b"\nendstream\nendobj\n")
    return found, at


def _updates(
    ground: Ground, certificates: Sequence[bytes], lists: Sequence[bytes], digits: bytes
) -> bytes:
    """Write both updates: the store, and the document time-stamp over it."""
    number, first = ground.size, _Update(ground.length, ground.table)
    given = [*certificates, *lists]
    for each in given:
        first.put(number + len(first.offsets), _stream(each))
    numbers = [number + index for index in range(len(given))]
    held, revoked = (
        b" ".join(b"%d 0 R" % each for each in part)
        for part in (numbers[: len(certificates)], numbers[len(certificates) :])
    )
    store = number + len(given)
    # ETSI EN 319 142-1, 5.4.2.3: a signature is named by the SHA-1 of its /Contents. It only names.
    name = hashlib.sha1(bytes.fromhex(ground.signature.decode("ascii")), usedforsecurity=False)
    first.put(
        store,
        b"<< /Type /DSS /Certs [%s] /CRLs [%s]\n"
        b"/VRI << /%s << /Type /VRI /Cert [%s] /CRL [%s] >> >> >>"
        % (held, revoked, name.hexdigest().upper().encode(), held, revoked),
    )
    with_store = ground.entries[: -len(b" >>")] + b" /DSS %d 0 R >>" % store
    first.put(ground.catalog, with_store)
    first.finish(store + 1, ground)
    second = _Update(first.end, first.table)
    place = second.put(store + 1, _stamp(digits))
    second.put(
        store + 2,
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Lasting) /F 132 /Rect [0 0 0 0] "
        b"/V %d 0 R >>" % (store + 1),
    )
    fields = FIELDS.sub(rb"/AcroForm << /Fields [\1 0 R %d 0 R] " % (store + 2), with_store, 1)
    second.put(ground.catalog, fields)
    second.finish(store + 3, ground)
    return first.text + second.with_range(place)


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _stamp(digits: bytes) -> bytes:
    unknown = b"9" * NUMBER_WIDTH
    return (
        b"<<\n/Type /DocTimeStamp\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.RFC3161\n"
        b"/ByteRange [0 %s %s %s]\n/Contents <%s>\n>>" % (unknown, unknown, unknown, digits)
    )


class _Update:
    """One incremental update in the making."""

    def __init__(self, begin: int, before: int) -> None:
        self._parts: list[bytes] = []
        self._begin, self._before = begin, before
        self.offsets: dict[int, int] = {}
        self.end, self.table = begin, 0

    @property
    def text(self) -> bytes:
        return b"".join(self._parts)

    def put(self, number: int, content: bytes) -> int:
        """Write an object; give where in the update its content begins."""
        self.offsets[number] = self.end
        opening = b"%d 0 obj\n" % number
        begin = self.end - self._begin + len(opening)
        self._write(b"%s%s\nendobj\n" % (opening, content))
        return begin

    def finish(self, size: int, ground: Ground) -> None:
        """Write the cross-reference section and the trailer."""
        self.table = self.end
        self._write(b"xref\n")
        for number in sorted(self.offsets):
            self._write(b"%d 1\n%010d 00000 n \n" % (number, self.offsets[number]))
        self._write(
            b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%s><%s>] /Prev %d >>\n"
            % (
                size,
                ground.catalog,
                ground.info,
                ground.identifier,
                ground.identifier,
                self._before,
            )
        )
        self._write(b"startxref\n%d\n%%%%EOF\n" % self.table)

    def with_range(self, place: int) -> bytes:
        """Give the text with the numbers of what the stamp is over."""
        text = self.text
        start = text.index(CONTENTS, place) + len(CONTENTS) - 1
        end = text.index(b">", start) + 1
        numbers = (self._begin + start, self._begin + end, self.end - self._begin - end)
        known = b" ".join(b"%0*d" % (NUMBER_WIDTH, each) for each in numbers)
        unknown = b" ".join([b"9" * NUMBER_WIDTH] * 3)
        at = text.index(unknown, place)
        return text[:at] + known + text[at + len(unknown) :]

    def _write(self, content: bytes) -> None:
        self._parts.append(content)
        self.end += len(content)
