"""What every body and query string must be before any schema sees it.

RFC 8259 leaves room for texts that parsers and stores understand differently. Those are refused
here, once: NaN, names given twice, numbers beyond 2^53 (RFC 7493 section 2.2), NUL and lone
surrogates, and nesting so deep that it is there to hurt.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.kernel.errors import FieldErrors

MAX_BYTES = 1 << 20
MAX_UPLOAD = 65 << 20
MAX_TYPED = 4 << 20  # of a larger body, at most so much in fields that are no files
MOST = "most_bytes"  # attribute of a view that takes larger bodies than others
MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class MalformedError(ValueError):
    """The body is not a JSON text as this service reads it."""


def parse(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        MalformedError: It is none, is nested too deeply, or gives a name twice.
    """
    if depth(body) > MAX_DEPTH:
        raise MalformedError(f"The body is nested more than {MAX_DEPTH} levels deep.")
    try:
        return json.loads(body.decode(), parse_constant=_no_number, object_pairs_hook=_once)
    except UnicodeDecodeError:
        raise MalformedError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedError(f"The body is not JSON ({where}: {error.msg}).") from None


def depth(body: bytes) -> int:
    """Return how deeply arrays and objects are nested, without parsing."""
    deepest = now = 0
    for mark in _MARKS.finditer(body):
        if mark[0] in {b"[", b"{"}:
            now += 1
            deepest = max(deepest, now)
        elif mark[0] in {b"]", b"}"}:
            now -= 1
    return deepest


def check(value: Any) -> None:
    """Refuse what no store holds, naming every place.

    Raises:
        InvalidInputError: A text holds NUL or half a character, or a number is too large.
    """
    wrong = FieldErrors()
    for path, message in _wrong(value, ""):
        wrong.add(path or "body", message)
    wrong.raise_if_any()


def _wrong(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and _UNSTORABLE.search(value):
        yield path, "Leave out NUL and halves of characters."
    elif isinstance(value, int | float) and abs(value) > MAX_INTEGER:
        yield path, "This number is too large to be exact."
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if _UNSTORABLE.search(name):
                yield path or "body", "Leave NUL and halves of characters out of names."
            else:
                yield from _wrong(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _wrong(inner, f"{path}.{place}" if path else str(place))


def _no_number(name: str) -> None:
    raise MalformedError(f"{name} is not a JSON number.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedError(f"The name {twice!r} is given twice.")
    return found
