"""Records a source holds that could not be used: whoever they are about stays as known. Pure.

An account whose record is not clear is not gone. If not even whose record it is can be told, it may
be anybody's, so that no account ends by that read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.directory.difference import Difference
from connectors.records import Problem

QUARANTINED = "quarantined_record"
MOST_NAMED = 3


def quarantined(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that each tell of a record which could not be used."""
    return tuple(each for each in problems if each.code == QUARANTINED)


def spared(found: Difference, odd: Sequence[Problem]) -> Difference:
    """Let no account end whose record is among those that could not be used.

    Args:
        found: What a read would change.
        odd: The records that could not be used, `about` whose they are, or empty.
    """
    if not odd:
        return found
    names = {each.about for each in odd}
    ends = () if "" in names else found.accounts.compared.ended
    compared = replace(
        found.accounts.compared, ended=tuple(each for each in ends if each not in names)
    )
    return replace(found, accounts=replace(found.accounts, compared=compared))


def tell(odd: Sequence[Problem]) -> str:
    """Say in one sentence which records could not be used."""
    named = " ".join(each.detail for each in odd[:MOST_NAMED])
    more = len(odd) - MOST_NAMED
    rest = f" And {more} more." if more > 0 else ""
    return f"{len(odd)} records could not be used; whoever they are about stays. {named}{rest}"
