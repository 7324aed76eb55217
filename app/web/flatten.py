"""Marshmallow's nested messages as pairs of place and sentence."""

from collections.abc import Iterator, Mapping
from typing import Any


def flatten(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Turn marshmallow's nested messages into pairs of dotted path and sentence."""
    if isinstance(messages, Mapping):
        for key, value in messages.items():
            at_place = key in {"json", "query", "headers", "path", "_schema"}
            inner = path if at_place else f"{path}.{key}" if path else str(key)
            yield from flatten(value, inner)
    elif isinstance(messages, list | tuple):
        for value in messages:
            yield from flatten(value, path)
    else:
        yield path or "body", str(messages)
