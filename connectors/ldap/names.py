r"""Distinguished names (RFC 4514) in a normal form, so that they are never compared as text.

Servers write one name in several ways: `Semi\3Bcolon` and `Semi\;colon`, `CN=` and `cn=`. Values
are compared without regard to case and to runs of blanks (RFC 4517, 4.2.11).
"""

import re
import unicodedata
from functools import lru_cache

_ESCAPED = re.compile(rb"\\([0-9a-fA-F]{2}|.)", re.DOTALL)
_BLANKS = re.compile(r" +")
Name = tuple[str, ...]


@lru_cache(maxsize=4096)
def normal(text: str) -> Name:
    """Return a name part by part, the outermost first; equal names give equal parts.

    Args:
        text: As a server or a person writes it; what is no name at all gives some parts, too, and
            equals nothing but itself.
    """
    parts = (sorted(map(_pair, _split(each, "+"))) for each in _split(text, ","))
    return tuple(reversed(["+".join(each) for each in parts]))


def is_within(text: str, above: str) -> bool:
    """Return whether a name is another, or below it."""
    outer = normal(above)
    return normal(text)[: len(outer)] == outer


def _split(text: str, separator: str) -> list[str]:
    """Split at separators that are neither escaped nor within quotes (RFC 4514 and 1779)."""
    found, held, is_quoted, place = [], "", False, 0
    while place < len(text):
        char = text[place]
        if char == "\\":
            held += text[place : place + 2]
            place += 2
            continue
        if char == '"':
            is_quoted = not is_quoted
        if char == separator and not is_quoted:
            found.append(held)
            held = ""
        else:
            held += char
        place += 1
    found.append(held)
    return found


def _pair(text: str) -> str:
    kind, _, value = text.partition("=")
    return f"{kind.strip().lower()}={_value(value)}"


def _value(text: str) -> str:
    """Return a value without escapes, in one case, its blanks as the server compares them."""
    raw = _trimmed(text.lstrip(" ")).encode("utf-8", "surrogateescape")
    if raw.startswith(b'"') and raw.endswith(b'"') and len(raw) > 1:
        raw = raw[1:-1]
    plain = _ESCAPED.sub(_unescaped, raw)
    value = unicodedata.normalize("NFKC", plain.decode("utf-8", "replace"))
    return _BLANKS.sub(" ", value).strip(" ").casefold().replace("\\", "\\5c").replace("+", "\\2b")


def _unescaped(match: re.Match[bytes]) -> bytes:
    held = match.group(1)
    return held if len(held) == 1 else bytes([int(held, 16)])


def _trimmed(text: str) -> str:
    """Drop blanks at the end that are not escaped."""
    while text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1]
    return text
