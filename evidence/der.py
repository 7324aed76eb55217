"""One encoding only: refuse ASN.1 that is not DER (ITU-T X.690, 10 and 11).

BER has many ways to write one value. A verifier that reads them all would accept a signature whose
bytes were changed without changing what they mean; this walk leaves one way.
"""

from typing import Final

from evidence.errors import VerificationError

SEQUENCE: Final = 0x30
SET: Final = 0x31
CONSTRUCTED: Final = 0x20
UNIVERSAL_LIMIT: Final = 0x40
HIGH_TAG: Final = 0x1F
LONG_FORM: Final = 0x80
DEEPEST: Final = 40


def check_der(data: bytes) -> None:
    """Refuse bytes that are not exactly one DER value.

    Args:
        data: What should be one DER value and nothing else.

    Raises:
        VerificationError: An encoding that is not the shortest or not definite, a set out of order,
            values nested too deep, or bytes too many or too few.
    """
    end = _value(data, 0, len(data), depth=0)
    if end != len(data):
        raise VerificationError("bytes follow the end of the signature")


def value_end(data: bytes) -> int:
    """Tell where the value that begins some bytes ends.

    Args:
        data: A DER value, perhaps with padding after it.

    Returns:
        The offset just after it.

    Raises:
        VerificationError: No value begins here.
    """
    _, _, end = _header(data, 0, len(data))
    return end


def _value(data: bytes, start: int, limit: int, *, depth: int) -> int:
    """Check one value; give its end."""
    if depth > DEEPEST:
        raise VerificationError("the signature is nested too deep")
    tag, content, end = _header(data, start, limit)
    if not tag & CONSTRUCTED:
        _check_primitive(tag, data[content:end])
        return end
    if tag < UNIVERSAL_LIMIT and tag not in (SEQUENCE, SET):
        raise _not_der()
    _check_children(data, content, end, is_set=tag == SET, depth=depth)
    return end


def _check_children(data: bytes, start: int, end: int, *, is_set: bool, depth: int) -> None:
    before = b""
    at = start
    while at < end:
        after = _value(data, at, end, depth=depth + 1)
        child = data[at:after]
        if is_set and child < before:
            raise _not_der()
        before, at = child, after


def _header(data: bytes, start: int, limit: int) -> tuple[int, int, int]:
    """Read tag and length; give tag, begin of the content and its end."""
    if start + 2 > limit or data[start] & HIGH_TAG == HIGH_TAG:
        raise _not_der()
    length, content = data[start + 1], start + 2
    if length >= LONG_FORM:
        octets = data[content : content + length - LONG_FORM]
        content += len(octets)
        length = int.from_bytes(octets, "big")
        if not octets or octets[0] == 0 or length < LONG_FORM:
            raise _not_der()
    if content + length > limit:
        raise _not_der()
    return data[start], content, content + length


def _check_primitive(tag: int, content: bytes) -> None:
    match tag:
        case 0x01:  # BOOLEAN
            is_good = content in (b"\x00", b"\xff")
        case 0x02:  # INTEGER
            is_good = content != b"" and not _is_padded(content)
        case 0x05:  # NULL
            is_good = content == b""
        case 0x06:  # OBJECT IDENTIFIER
            is_good = _is_oid(content)
        case 0x00 | 0x10 | 0x11:  # BER's end mark; a sequence or set, which is never primitive
            is_good = False
        case _:
            is_good = True
    if not is_good:
        raise _not_der()


def _is_padded(integer: bytes) -> bool:
    if len(integer) == 1:
        return False
    is_high = integer[1] >= LONG_FORM
    return (integer[0] == 0x00 and not is_high) or (integer[0] == 0xFF and is_high)  # noqa: PLR2004


def _is_oid(content: bytes) -> bool:
    """Each number ends with a byte below 0x80 and does not begin with the filler 0x80."""
    if not content or content[-1] >= LONG_FORM:
        return False
    starts = [0, *(at + 1 for at, byte in enumerate(content[:-1]) if byte < LONG_FORM)]
    return all(content[at] != LONG_FORM for at in starts)


def _not_der() -> VerificationError:
    return VerificationError("the signature is not in DER, its one encoding")
