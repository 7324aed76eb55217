"""Canonical JSON (RFC 8785) for a subset in which two writers cannot differ.

Keys are ASCII, numbers are integers within 2^53, nesting is at most 64 deep. In this subset
`orjson`, the standard library and RFC 8785 give the same bytes, so the faster one is used where it
is installed and nothing depends on it.
"""

import contextlib
import importlib
import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from evidence.errors import CanonicalError, VerificationError
from evidence.said import said

orjson: Any = None  # an auditor's laptop needs no more than the standard library
with contextlib.suppress(ImportError):
    orjson = importlib.import_module("orjson")

LARGEST_INTEGER: Final = 2**53
DEEPEST: Final = 64


def canonical(value: Any) -> bytes:
    """Write a value in its one canonical form (RFC 8785).

    Args:
        value: Dicts with ASCII keys, lists, tuples, strings, integers within 2^53, booleans, None.

    Returns:
        UTF-8 JSON without blanks, keys sorted.

    Raises:
        CanonicalError: Something in it has no such form; the message names its path.
    """
    _check(value, "$", 0)
    return _write(value)


def parse_canonical(text: bytes) -> Any:
    """Read JSON that is in canonical form, and nothing else.

    Args:
        text: The bytes.

    Returns:
        The value.

    Raises:
        VerificationError: It is no JSON, outside the subset, or not byte-canonical.
    """
    try:
        value = DECODER.decode(text.decode("utf-8"))
        if not text.isascii() or text.count(b"[") + text.count(b"{") > DEEPEST:
            _check(value, "$", 0)
        again = _write(value)
    except (ValueError, RecursionError, CanonicalError) as error:
        raise VerificationError(
            said("not canonical JSON: %(brief)s", brief=_brief(error))
        ) from error
    if again != text:
        raise VerificationError("not canonical JSON: its bytes are not the one form of its value")
    return value


def read_again(text: bytes) -> Any:
    """Read what `canonical` wrote, without holding its form against it a second time.

    Args:
        text: Bytes of our own making.

    Returns:
        The value.
    """
    return json.loads(text) if orjson is None else orjson.loads(text)


def rewrite(value: Any) -> bytes:
    """Write again what was checked before: read from canonical bytes, or written to them.

    Args:
        value: A value, or a part of one, that `canonical` or `parse_canonical` has seen.

    Returns:
        Its one form, without looking at each of its parts a second time.
    """
    return _write(value)


def is_flat(members: Mapping[str, Any]) -> bool:
    """Whether an object holds nothing but ASCII text, small integers, booleans and nulls.

    Then its one form is what `rewrite` writes, and nothing in it needs a closer look. Much of what
    is written by the ten thousand is of this kind.

    Args:
        members: The object.
    """
    for key, value in members.items():
        kind = type(value)
        if type(key) is not str or not key.isascii():
            return False
        if kind is str:
            if not value.isascii():
                return False
        elif kind is int:
            if abs(value) > LARGEST_INTEGER:
                return False
        elif value is not None and kind is not bool:
            return False
    return True


def _write(value: Any) -> bytes:
    try:
        if orjson is not None:
            written: bytes = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
            return written
        return _write_plainly(value)
    except (TypeError, UnicodeEncodeError) as error:
        raise CanonicalError(f"$: {_brief(error)}") from error


def _write_plainly(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


def _check(value: Any, path: str, depth: int) -> None:
    if depth > DEEPEST:
        raise CanonicalError(f"{path[:200]}: nested deeper than {DEEPEST}")
    if value is None or isinstance(value, bool):
        return
    if type(value) is int:
        if abs(value) > LARGEST_INTEGER:
            raise CanonicalError(f"{path}: an integer beyond 2^53; write it as a string")
    elif isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict | list | tuple):
        _check_members(value, path, depth + 1)
    else:
        raise CanonicalError(f"{path}: {type(value).__name__} has no canonical form; use a string")


def _check_members(
    value: dict[Any, Any] | list[Any] | tuple[Any, ...], path: str, depth: int
) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise CanonicalError(f"{path}: the key {key!r} is not an ASCII string")
            if type(each) is not str or not each.isascii():
                _check(each, f"{path}.{key}", depth)
    else:
        for index, each in enumerate(value):
            _check(each, f"{path}[{index}]", depth)


def _check_text(value: str, path: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError(f"{path}: half a surrogate pair is no text") from error


def _integer(digits: str) -> int:
    if len(digits) > len(str(-LARGEST_INTEGER)) or abs(int(digits)) > LARGEST_INTEGER:
        raise CanonicalError("an integer beyond 2^53")
    return int(digits)


def _refuse(text: str) -> NoReturn:
    raise CanonicalError(f"the number {text[:40]} is not an integer")


def _brief(error: Exception) -> str:
    return str(error)[:200]


DECODER: Final = json.JSONDecoder(parse_float=_refuse, parse_int=_integer, parse_constant=_refuse)
