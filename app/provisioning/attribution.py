"""Which word of a source's log explains a finding of drift, if any. Pure.

What may be concluded: a read found a difference, and the read before it had not. So what made it
was done after the earlier one began and before the later one ended. Of all that the log tells of
this account and this group in that time, only the last word explains how it stood then, and only if
it is of the same kind: somebody joined where one appeared, somebody left where one vanished. If the
last word is another, the log is not complete yet, and an earlier word of it explains nothing. What
we did ourselves is no drift: if that is the last word, nobody is named.

What may not be concluded: who did it where the log says nothing. The finding then says that it was
not told. Times are the source's own: if its clock is wrong, less is explained, never more by guess.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.provisioning.domain import FindingKind

# By the source's clock, what we did may stand so far from when we did it by ours.
CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Word:
    """One deed, as a log tells it of one account and one group.

    Attributes:
        event: The log's own id of it.
        at: When, by the source's clock.
        is_joining: Whether the account joined, or left.
        is_ours: Whether the log names our own account.
        actor_ref: The source's identifier of who did it, or None.
        actor_name: Their name in the log, or None.
    """

    event: str
    at: datetime
    is_joining: bool
    is_ours: bool
    actor_ref: str | None
    actor_name: str | None


@dataclass(frozen=True, slots=True)
class Try:
    """One time we asked the source ourselves for a change of this account in this group.

    Attributes:
        is_joining: Whether it was to join, or to leave.
        began_at: When we asked.
        ended_at: When the answer came, or None.
    """

    is_joining: bool
    began_at: datetime
    ended_at: datetime | None

    def may_be(self, word: Word) -> bool:
        """Say whether a word may tell of this, though it does not name our account."""
        until = max(self.began_at, self.ended_at or self.began_at) + CLOCKS_APART
        since = self.began_at - CLOCKS_APART
        return self.is_joining is word.is_joining and since <= word.at <= until


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be explained.

    Attributes:
        kind: Appeared or vanished.
        since: From when on it can have come about: the earlier read had begun.
        until: Until when: the read that found it had ended.
    """

    kind: FindingKind
    since: datetime
    until: datetime


def last_word(found: Difference, words: Iterable[Word]) -> Word | None:
    """Return the last word on a difference, whatever it says, or None if there is none."""
    inside = [each for each in words if found.since <= each.at <= found.until]
    return max(inside, key=lambda each: each.at, default=None)


def explains(found: Difference, word: Word, tries: Sequence[Try]) -> bool:
    """Say whether the last word on a difference names who made it.

    Args:
        found: The difference.
        word: The last word on it.
        tries: What we asked the source for ourselves.
    """
    if word.is_ours or any(each.may_be(word) for each in tries):
        return False
    return word.is_joining is (found.kind is FindingKind.APPEARED)
