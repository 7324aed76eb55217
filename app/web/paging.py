"""Pages of a list, by cursor: stable while rows come and go, and never a hidden cap.

A cursor is the sort key of the last row shown, in a form nobody is meant to read.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from app.kernel.errors import InvalidInputError
from app.kernel.phrases import phrase

DEFAULT_LIMIT = 50
MAX_LIMIT = 500

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Window:
    """What part of a list is asked for.

    Attributes:
        limit: At most so many rows, 1 to 500.
        cursor: Where the page before ended, or None for the beginning.
    """

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def after(self) -> list[Any] | None:
        """Return the sort key to continue after, or None at the beginning.

        Raises:
            InvalidInputError: The cursor is not one we gave.
        """
        if self.cursor is None:
            return None
        try:
            padded = self.cursor + "=" * (-len(self.cursor) % 4)
            key = orjson.loads(base64.urlsafe_b64decode(padded))
        except (binascii.Error, ValueError):
            key = None
        if not isinstance(key, list):
            raise InvalidInputError(
                {"cursor": phrase("Use next_cursor of the page before, unchanged.")}
            )
        return key

    def after_id(self) -> int:
        """Return the row id to continue after, for lists sorted by id; 0 at the beginning."""
        key = self.after()
        if key is None:
            return 0
        if len(key) != 1 or not isinstance(key[0], int):
            raise InvalidInputError({"cursor": phrase("This cursor belongs to another list.")})
        return key[0]


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and where the rest begins."""

    items: Sequence[Row]
    next_cursor: str | None


def page(rows: Sequence[Row], window: Window, key: Callable[[Row], Sequence[Any]]) -> Page[Row]:
    """Make a page of rows that were read with one more than the limit.

    Args:
        rows: Up to `window.limit + 1` rows, sorted.
        window: What was asked for.
        key: The sort key of a row, of JSON values.
    """
    shown = rows[: window.limit]
    if len(rows) <= window.limit:
        return Page(shown, None)
    text = base64.urlsafe_b64encode(orjson.dumps(list(key(shown[-1]))))
    return Page(shown, text.rstrip(b"=").decode())
