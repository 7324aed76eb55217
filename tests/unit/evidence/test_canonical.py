"""Canonical JSON: one form, the same with every writer."""

import contextlib

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evidence import canonical as module
from evidence.canonical import canonical, parse_canonical
from evidence.errors import CanonicalError, VerificationError

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(VALUES)
def test_the_standard_library_alone_gives_the_same_bytes(value: object) -> None:
    assert module._write_plainly(value) == canonical(value)


@given(VALUES)
def test_what_was_written_is_read_back(value: object) -> None:
    assert parse_canonical(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, 1.5]}, "$.a[1]"),
        ({"a": {"ü": 1}}, "$.a"),
        ({"a": 2**53 + 1}, "$.a"),
        ({"a": b"x"}, "$.a"),
        ({"a": "\ud800"}, "$.a"),
    ],
)
def test_a_value_without_canonical_form_is_named_by_its_path(value: object, path: str) -> None:
    with pytest.raises(CanonicalError) as refusal:
        canonical(value)
    assert str(refusal.value).startswith(f"{path}:")


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"1.0", b"1e3", b"NaN"),
        *(b"9007199254740993", b"9" * 5000, b"[" * 100_000, b"[" * 70 + b"]" * 70),
        *(b'"\xff"', b'"\\ud800"', b'"\\u00e9"', b'{"\xc3\xa9":1}', b"-0", b"1\n"),
    ],
)
def test_any_other_form_is_refused(text: bytes) -> None:
    with pytest.raises(VerificationError):
        parse_canonical(text)


@given(st.binary(max_size=40))
def test_hostile_bytes_raise_nothing_else(text: bytes) -> None:
    with contextlib.suppress(VerificationError):
        assert canonical(parse_canonical(text)) == text
