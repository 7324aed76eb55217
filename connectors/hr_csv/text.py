"""The bytes of a people file: is all of it there, in which encoding, cut by what?

A file that is being written, or was cut off, must never look like many people who left.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.errors import IncompleteReadError, MisconfiguredError, UnavailableError
from connectors.hr_csv.config import DELIMITERS, Config, real_path

MOST_BYTES = 256 * 1024 * 1024
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LONGEST_FIELD = 4096


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one record, and the line of the file it begins in."""

    number: int
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A people file, read to its end.

    Attributes:
        header: Names of its columns.
        lines: Its records, blank lines left out.
        told: How many rows its last line says there are, or None if it has no such line.
        encoding: In which it was read.
        delimiter: By which it was cut.
        size: In bytes.
        sha256: Of those bytes.
        changed_at: When it was last written.
    """

    header: Sequence[str]
    lines: Sequence[Line]
    told: int | None
    encoding: str
    delimiter: str
    size: int
    sha256: str
    changed_at: datetime


def read(config: Config) -> Table:
    """Read a people file.

    Raises:
        UnavailableError: It is not there, or cannot be read.
        MisconfiguredError: Its encoding, delimiter or size are not what was set.
        IncompleteReadError: It is being written, or its end is missing.
    """
    body, changed_at = _bytes(config)
    encoding = _encoding(body, config)
    text = _decoded(body, encoding)
    _refuse_half(text)
    delimiter = config.delimiter or _delimiter(text)
    lines = _lines(text, delimiter)
    if not lines:
        raise IncompleteReadError("The file has no line at all: it may be about to be written.")
    header = [each.strip() for each in lines[0].cells]
    rows, told = _without_trailer(lines[1:], config.trailer)
    return Table(
        header=header,
        lines=rows,
        told=told,
        encoding=encoding,
        delimiter=delimiter,
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        changed_at=changed_at,
    )


def _bytes(config: Config) -> tuple[bytes, datetime]:
    path = real_path(config.path)
    try:
        before = path.stat()
        if before.st_size > MOST_BYTES:
            raise MisconfiguredError(
                f"The file has {before.st_size} bytes; at most {MOST_BYTES} are read.", key="path"
            )
        with path.open("rb") as file:
            body = file.read()
        after = path.stat()
    except OSError as error:
        raise UnavailableError(f"The file {path} cannot be read: {error.strerror}.") from error
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ino,
    ) or len(body) != after.st_size:
        raise IncompleteReadError("The file changed while it was read: it is being written.")
    return body, datetime.fromtimestamp(after.st_mtime, UTC)


def _encoding(body: bytes, config: Config) -> str:
    marked = next((name for mark, name in MARKS if body.startswith(mark)), None)
    if marked is not None and config.encoding not in (None, marked):
        raise MisconfiguredError(
            f"The file is marked as {marked}, and encoding says {config.encoding}.", key="encoding"
        )
    return marked or config.encoding or "utf-8"


def _decoded(body: bytes, encoding: str) -> str:
    if not body:
        raise IncompleteReadError("The file is empty: it may be about to be written.")
    if b"\0" in body and encoding != "utf-16":
        raise IncompleteReadError(
            "The file holds zero bytes: it was not written to its end, or is UTF-16 without a mark."
        )
    try:
        return body.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        if error.end == len(body):  # cut within a character
            raise IncompleteReadError("The last character is half: the file is cut off.") from error
        line = body[: error.start].count(b"\n") + 1
        raise MisconfiguredError(
            f"Line {line} is not {encoding}: say the encoding, like windows-1252.", key="encoding"
        ) from error


def _refuse_half(text: str) -> None:
    if not text.endswith(("\n", "\r")):
        raise IncompleteReadError("The last line has no end: the file may be cut off.")


def _delimiter(text: str) -> str:
    """Return what the header is cut by; where nothing cuts it, it has one column."""
    header = text.splitlines()[0]
    counts = {each: header.count(each) for each in DELIMITERS.values()}
    most = max(counts.values())
    if most and list(counts.values()).count(most) > 1:
        raise MisconfiguredError(
            f"The header may be cut by several signs: set delimiter to {', '.join(DELIMITERS)}.",
            key="delimiter",
        )
    return max(counts, key=counts.__getitem__)


def _lines(text: str, delimiter: str) -> list[Line]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found = []
    begins = 1
    try:
        for cells in reader:
            if any(each.strip() for each in cells):
                found.append(Line(begins, cells))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise IncompleteReadError(
            f"From line {begins} on, the file cannot be cut into cells ({error}): a quote is not "
            "closed, or its end is missing."
        ) from error
    return found


def _without_trailer(lines: Sequence[Line], word: str) -> tuple[Sequence[Line], int | None]:
    """Part the rows from the line that counts them, which must be there if it was promised."""
    if not word:
        return lines, None
    last = lines[-1].cells if lines else ()
    if not last or last[0].strip() != word:
        raise IncompleteReadError(f"The last line does not begin with {word}: the end is missing.")
    count = last[1].strip() if len(last) > 1 else ""
    if not (count.isascii() and count.isdigit()):
        raise IncompleteReadError(f"The last line tells no number of rows after {word}.")
    if int(count) != len(lines) - 1:
        raise IncompleteReadError(
            f"The last line tells {count} rows, and there are {len(lines) - 1}."
        )
    return lines[:-1], int(count)
