"""Where a delta of Okta starts: a moment by Okta's clock, and what was told of its last minutes.

Stamps (`lastUpdated`, `lastMembershipUpdated`) may show a little later than what they say, so that
each delta asks from some minutes before the last read began. What that read already told of those
minutes stands in the cursor with its stamps, so that it is told once; unless it was so fresh then
that the next answer may differ without another stamp.

A clock that was set back gives what changes then the stamps of a time that was read already. It is
noticed by ours: less time passed there than here. The next delta then asks from as much further
back. A clock of ours that was set forward looks the same, and costs no more than to be told again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from connectors.errors import CursorRefusedError
from connectors.okta.answers import stamp

OVERLAP = timedelta(minutes=3)
UNNOTICED = OVERLAP / 2  # so little the overlap makes good, besides stamps that show late
SETTLED_AFTER = timedelta(seconds=30)
MOST_KEPT = 2000  # of more it is told again
Stamps = tuple[str, ...]


class Cursor(msgspec.Struct, frozen=True):
    """Where the next delta starts.

    Attributes:
        org: The organisation.
        at: When the last read began, by its clock.
        whole: When the last whole read began.
        users: What that read told of its last minutes: user id to `lastUpdated`.
        groups: The same of groups, to `lastUpdated` and `lastMembershipUpdated`.
        rules: Group id to the name of the rule that fills it, as last told.
        noticed: When the last read began, by our clock; None in cursors of before.
    """

    org: str
    at: datetime
    whole: datetime
    users: Mapping[str, Stamps] = {}
    groups: Mapping[str, Stamps] = {}
    rules: Mapping[str, str] = {}
    noticed: datetime | None = None

    @property
    def since(self) -> str:
        """From when on it has to be asked, as Okta's filters take it."""
        return stamp(self.at - OVERLAP)

    def set_back(self, began: datetime | None, noticed: datetime | None) -> timedelta:
        """Return by how much Okta's clock was set back since, as far as ours can tell.

        Args:
            began: What its clock shows now.
            noticed: What ours shows.
        """
        if began is None or noticed is None or self.noticed is None:
            return timedelta(0)
        short = (noticed - self.noticed) - (began - self.at)
        return short if short > UNNOTICED else timedelta(0)

    def earlier(self, by: timedelta) -> "Cursor":
        """Return the same on a clock that was set back."""
        return msgspec.structs.replace(self, at=self.at - by, whole=self.whole - by)

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return msgspec.json.encode(self).decode()


def read_cursor(text: str, org: str) -> Cursor:
    """Open a cursor.

    Raises:
        CursorRefusedError: It is none, or of another organisation.
    """
    try:
        found = msgspec.json.decode(text, type=Cursor)
    except msgspec.DecodeError:
        raise CursorRefusedError("The cursor cannot be read.") from None
    times = (found.at, found.whole, found.noticed or found.at)
    if found.org != org or any(each.tzinfo is None for each in times):
        raise CursorRefusedError("The cursor is another organisation's.")
    return found


def told(stamps: Mapping[str, Stamps], began: datetime, since: str) -> dict[str, Stamps]:
    """Return what need not be told again as long as its stamps stay.

    Args:
        stamps: Of all that was told, by id.
        began: When it was listed, by Okta's clock.
        since: Older ones are not asked for again.
    """
    settled = stamp(began - SETTLED_AFTER)
    kept = [(key, found) for key, found in stamps.items() if found and since < max(found) < settled]
    return dict(kept[-MOST_KEPT:])
