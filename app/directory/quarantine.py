"""What a read could not show though it is there: it stays as known. Pure.

An account or a group whose record is not clear is not gone. If not even whose record it is can be
told, it may be anybody's, so that nobody ends by that read. The same holds of a whole kind of group
that a source does not let us see any more.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from app.directory.reconcile import Known
from connectors.records import KIND_UNREADABLE, QUARANTINED, QUARANTINED_GROUP, Problem

MOST_NAMED = 3
ANYBODY = ""


@dataclass(frozen=True, slots=True)
class Unshown:
    """What a read could not show.

    Attributes:
        accounts: External ids of accounts whose records were not clear; `ANYBODY` if of one it
            could not be told whose it is.
        groups: The same of groups.
        kinds: Kinds of groups that may not be seen at all.
    """

    accounts: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """Gather it from what a source told."""
        about: dict[str, set[str]] = {QUARANTINED: set(), QUARANTINED_GROUP: set()}
        about[KIND_UNREADABLE] = set()
        for each in problems:
            if each.code in about:
                about[each.code].add(each.about)
        return cls(*(frozenset(names) for names in about.values()))

    @property
    def is_anybody(self) -> bool:
        """Whether a record may be of any account that was not shown."""
        return ANYBODY in self.accounts


def standing(
    known: Mapping[str, Known],
    shown: Collection[str],
    names: Collection[str],
    more: Collection[str] = (),
) -> dict[str, bytes]:
    """Return what was not shown and stands all the same, with its digest as stored.

    Args:
        known: Everything stored, by external id.
        shown: External ids of what was read.
        names: Whose records were not clear, or `ANYBODY`.
        more: What else may not be seen.
    """
    if not names and not more:
        return {}
    every = ANYBODY in names
    return {
        name: was.digest
        for name, was in known.items()
        if not was.is_ended and name not in shown and (every or name in names or name in more)
    }


def quarantined(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that each tell of a record which could not be used."""
    return tuple(each for each in problems if each.code in (QUARANTINED, QUARANTINED_GROUP))


def tell(odd: Sequence[Problem]) -> str:
    """Say in one sentence which records could not be used."""
    named = " ".join(each.detail for each in odd[:MOST_NAMED])
    more = len(odd) - MOST_NAMED
    rest = f" And {more} more." if more > 0 else ""
    return f"{len(odd)} records could not be used; whoever they are about stays. {named}{rest}"
