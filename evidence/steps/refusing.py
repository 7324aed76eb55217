"""How a step refuses: by naming the member, the row, and at most a few of what is wrong."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from evidence.errors import VerificationError
from evidence.said import Said, in_a_row, said, told_by

MOST_NAMED: Final = 5


@contextmanager
def named(path: str, row: int = 0) -> Iterator[None]:
    """Put a member's name, and its row's number, before whatever is found wrong with it."""
    try:
        yield
    except VerificationError as error:
        what = told_by(error)
        if row:
            told = said("%(path)s: row %(row)s: %(what)s", path=path, row=row, what=what)
        else:
            told = said("%(path)s: %(what)s", path=path, what=what)
        raise VerificationError(told) from error


def refuse(wrong: Sequence[Said]) -> None:
    """Refuse, if anything is wrong; the first few are named, the others counted."""
    if wrong:
        told, more = list(wrong[:MOST_NAMED]), len(wrong) - MOST_NAMED
        if more > 0:
            told.append(said("and %(more)s more", more=more))
        raise VerificationError(in_a_row(told))
