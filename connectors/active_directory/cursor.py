"""Where a delta of a domain goes on: by DirSync's own cookie, or by the numbers of one controller.

DirSync: MS-ADTS 3.1.1.3.4.1.3. Update sequence numbers are each controller's own (MS-ADTS
3.1.1.1.9); they begin anew with another invocation id, as after a restore.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from connectors.errors import CursorRefusedError

DIRSYNC, USN = "dirsync", "usn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in the changes of a domain.

    Attributes:
        way: How changes are told, `dirsync` or `usn`.
        endpoint: The controller it is good at.
        root: The naming context that is looked at.
        base: Where was read.
        cookie: DirSync's, in base 64 as JSON has bytes.
        controller: The controller's own name (`dsServiceName`), for `usn`.
        invocation: Its invocation id, for `usn`.
        number: Its highest update sequence number then, for `usn` and where a whole read began.
        expires: When the next account expires by itself, which no change tells.
    """

    way: str
    endpoint: str
    root: str
    base: str
    cookie: bytes = b""
    controller: str = ""
    invocation: str = ""
    number: int = 0
    expires: datetime | None = None

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return msgspec.json.encode(self).decode()


def opened(text: str, endpoint: str, base: str) -> Cursor:
    """Read a cursor that was kept.

    Args:
        text: The cursor.
        endpoint: The controller that answers now.
        base: Where is read now.

    Raises:
        CursorRefusedError: It is none, or of another controller or base.
    """
    try:
        found = msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError as error:
        raise CursorRefusedError("The cursor is none that this source has given.") from error
    if found.way not in (DIRSYNC, USN):
        raise CursorRefusedError(f"The cursor is of a kind that is not known: {found.way}.")
    if found.endpoint != endpoint:
        raise CursorRefusedError(f"Another controller answers: {endpoint}.")
    if found.base != base:
        raise CursorRefusedError(f"Another part of the domain is read: {base}.")
    return found
