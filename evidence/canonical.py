"""Canonical JSON: RFC 8785 for the values we allow, and nothing else.

Allowed are objects with ASCII keys, arrays, strings, booleans, null and integers within 2^53. For
these, sorting keys by their bytes and writing without blanks is exactly RFC 8785; floats and other
keys, where implementations differ, are refused instead of written somehow.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evidence.errors import EvidenceError, VerificationError

GREATEST_INTEGER = 2**53
GREATEST_DEPTH = 64


class CanonicalError(EvidenceError):
    """A value has no canonical form here; the message names where it stands."""


def canonical(value: Any) -> bytes:
    """Return the canonical bytes of a value.

    Args:
        value: Mappings with ASCII string keys, sequences, strings, booleans, None, integers.

    Raises:
        CanonicalError: Something else stands in it; the message says where.
    """
    text = json.dumps(
        _plain(value, "$", 0),
        ensure_ascii=False,
        allow_nan=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise CanonicalError("A string holds half of a surrogate pair.") from None


def parse_canonical(data: bytes) -> Any:
    """Return the value of canonical bytes; anything that is not byte-canonical is refused.

    Raises:
        VerificationError: Not JSON, or not in its canonical form.
    """
    try:
        value = json.loads(data, object_pairs_hook=_unique, parse_float=_no_float)
        again = canonical(value)
    except (ValueError, RecursionError, EvidenceError) as error:
        raise VerificationError(f"not canonical JSON: {error}") from None
    if again != data:
        raise VerificationError("not canonical JSON: other bytes for the same value")
    return value


def _plain(value: Any, path: str, depth: int) -> Any:
    if depth > GREATEST_DEPTH:
        raise CanonicalError(f"{path}: nested deeper than {GREATEST_DEPTH}.")
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        if abs(value) > GREATEST_INTEGER:
            raise CanonicalError(f"{path}: integers go to 2^53; write it as a string.")
        return int(value)
    if isinstance(value, Mapping):
        return {
            _key(key, path): _plain(each, f"{path}.{key}", depth + 1) for key, each in value.items()
        }
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(each, f"{path}[{place}]", depth + 1) for place, each in enumerate(value)]
    raise CanonicalError(f"{path}: {type(value).__name__} has no canonical form.")


def _key(key: Any, path: str) -> str:
    if not isinstance(key, str) or not key.isascii():
        raise CanonicalError(f"{path}: the key {key!r} is not ASCII.")
    return str(key)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_float(text: str) -> Any:
    raise ValueError(f"the number {text} is no integer")
