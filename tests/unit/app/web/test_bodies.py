import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import InvalidInputError
from app.web import bodies

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text('ab"\\[]{}é\n'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab[{"\\'), inner),
    max_leaves=10,
)


def nested(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((nested(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((nested(each) for each in value), default=0)
    return 0


@given(VALUES)
def test_depth_counts_brackets_outside_of_texts_only(value: object) -> None:
    assert bodies.depth(json.dumps(value).encode()) == nested(value)


@given(VALUES)
def test_what_anybody_means_passes_unchanged(value: object) -> None:
    parsed = bodies.parse(json.dumps(value, ensure_ascii=False).encode())
    bodies.check(parsed)
    assert parsed == value


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_but_our_own_errors(body: bytes) -> None:
    with contextlib.suppress(bodies.MalformedError, InvalidInputError):
        assert bodies.depth(json.dumps(bodies.parse(body)).encode()) <= bodies.MAX_DEPTH
        bodies.check(bodies.parse(body))


def test_every_unstorable_place_is_named() -> None:
    with pytest.raises(InvalidInputError) as told:
        bodies.check({"a": [1, "x\x00"], "b": {"c": "\ud800"}, "d": 2**53, "e\x00": 1})
    assert [each.field for each in told.value.fields] == ["a.1", "b.c", "d", "body"]


def test_a_body_that_ends_in_a_text_is_not_json() -> None:
    with pytest.raises(bodies.MalformedError, match="line 1, column"):
        bodies.parse(b'{"a": "')
