"""Frozen dataclasses to JSON documents and strictly back, so that facts and verdicts can be stored.

The document of a value is canonical: ASCII keys (the field names), no floats, times in UTC with a
`Z`, whole numbers that every JSON reader holds exactly. `canonical_text` is then the form of
RFC 8785 (section 3.2): with such keys and values, sorted keys, no blanks and Python's escapes are
what that standard asks. The way back accepts exactly what the way out writes.
"""

import json
import re
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import UnionType
from typing import Any, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from policies.errors import InvalidFactsError, Problem

GREATEST_INTEGER = 2**53 - 1  # RFC 7493 section 2.2
Kind = TypeVar("Kind")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{6})?Z", re.ASCII)


def to_document(value: object) -> Any:
    """Return the JSON-able form of a value.

    Args:
        value: A frozen dataclass of this library, or what its fields hold: text, whole numbers,
            booleans, None, aware times, string enums, tuples.

    Raises:
        InvalidFactsError: Text that is no Unicode (a lone surrogate), a number past 2**53 - 1, a
            time without a zone, or a type that has no place in a document.
    """
    match value:
        case None | bool():
            return value
        case int():
            return _integer(value, "")
        case str():
            return _text(str(value), "")
        case datetime():
            return _time_text(value)
        case tuple():
            return [to_document(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_document(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise _invalid("", f"{type(value).__name__} has no place in a document")


def from_document(kind: type[Kind], document: object, path: str = "") -> Kind:
    """Return the value a document stands for: the strict inverse of `to_document`.

    Args:
        kind: The dataclass to build.
        document: What `to_document` returned, or the same read from JSON.
        path: The dotted path of `document`, for messages.

    Raises:
        InvalidFactsError: A key is missing or unknown, or a value is of another type.
    """
    return cast("Kind", _decode(kind, document, path))


def canonical_text(value: object) -> str:
    """Return the one JSON text of a value: the bytes (UTF-8) to digest and to store.

    Args:
        value: As for `to_document`.

    Raises:
        InvalidFactsError: As `to_document`.
    """
    document = to_document(value)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def require_aware(moment: datetime, field: str) -> None:
    """Refuse a time without a zone: it could mean any of 38 hours.

    Args:
        moment: The time.
        field: Its name, for the message.

    Raises:
        InvalidFactsError: It is naive.
    """
    if moment.utcoffset() is None:
        raise _invalid(field, "a time without a zone; give an aware one, best in UTC")


def _decode(kind: Any, document: object, path: str) -> object:
    if isinstance(kind, NewType):
        return _decode(kind.__supertype__, document, path)
    if get_origin(kind) in (UnionType, Union):
        return None if document is None else _decode(get_args(kind)[0], document, path)
    if get_origin(kind) is tuple:
        return _decode_tuple(get_args(kind)[0], document, path)
    if is_dataclass(kind):
        return _decode_dataclass(cast("type[Any]", kind), document, path)
    return _decode_scalar(kind, document, path)


def _decode_tuple(kind: Any, document: object, path: str) -> tuple[object, ...]:
    if not isinstance(document, list):
        raise _invalid(path, "a list is expected")
    return tuple(_decode(kind, item, _join(path, str(n))) for n, item in enumerate(document))


def _decode_dataclass(kind: type[Any], document: object, path: str) -> object:
    if not isinstance(document, dict):
        raise _invalid(path, "an object is expected")
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    for key in document:
        if key not in names:
            raise _invalid(_join(path, str(key)), f"unknown key; allowed: {', '.join(names)}")
    for name in names:
        if name not in document:
            raise _invalid(_join(path, name), "missing; every key is written, empty ones as null")
    values = {name: _decode(hints[name], document[name], _join(path, name)) for name in names}
    try:
        return kind(**values)
    except InvalidFactsError as error:
        raise InvalidFactsError(problem.under(path) for problem in error.problems) from None


def _decode_scalar(kind: Any, document: object, path: str) -> object:
    if kind is bool and isinstance(document, bool):
        return document
    if kind is int and isinstance(document, int) and not isinstance(document, bool):
        return _integer(document, path)
    if isinstance(document, str):
        if kind is str:
            return _text(document, path)
        if kind is datetime:
            return _time(document, path)
        if issubclass(kind, StrEnum):
            return _choice(kind, document, path)
    raise _invalid(path, f"{_NAMES.get(kind, 'one of the known words')} is expected")


_NAMES: dict[Any, str] = {bool: "true or false", int: "a whole number", str: "text"}
_NAMES[datetime] = "a time such as 2026-01-31T09:00:00Z"


def _choice(kind: type[StrEnum], document: str, path: str) -> StrEnum:
    if document not in [member.value for member in kind]:
        raise _invalid(path, f"unknown word; allowed: {', '.join(kind)}")
    return kind(document)


def _integer(value: int, path: str) -> int:
    if abs(value) > GREATEST_INTEGER:
        raise _invalid(path, "a number past 2**53 - 1 is not the same in every JSON reader")
    return value


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _invalid(path, "text with a lone surrogate is no Unicode") from None
    return value


def _time_text(value: datetime) -> str:
    require_aware(value, "")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _time(document: str, path: str) -> datetime:
    problem = _invalid(path, f"{_NAMES[datetime]} is expected")
    if not _TIME.fullmatch(document):
        raise problem
    try:
        return datetime.fromisoformat(document)
    except ValueError:
        raise problem from None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _invalid(field: str, message: str) -> InvalidFactsError:
    return InvalidFactsError([Problem(field, message)])
